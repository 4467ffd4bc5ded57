#include "converters/select.h"

#include "converters/rules/pattern.h"
#include "core/error.h"
#include <stdio.h>
#include <tenon/text.h>

/* Takes `:0` off, as TensorFlow users write tensor names. */
static tn_str without_output(tn_str name)
{
    return tn_str_ends(name, TN_LIT(":0")) ? tn_str_first(name, name.len - 2) : name;
}

/* Finds what an alias of any scheme means. */
static uint32_t find_alias(const tn_model *model, tn_str name)
{
    uint32_t found = TN_NO_INDEX;
    for (int i = 0; i < TN_SCHEME_COUNT; i++) {
        uint32_t other = tni_model_index(model, (tn_scheme)i, name);
        if (other != TN_NO_INDEX) {
            found = found == TN_NO_INDEX || found == other ? other : (uint32_t)TNI_INDEX_MANY;
        }
    }
    return found;
}

tn_status tni_find_exact(const tn_model *model, tn_scheme scheme, tn_str name, uint32_t *index_out,
                         tn_error *err)
{
    uint32_t found = tni_model_index(model, scheme, name);
    if (found == TN_NO_INDEX) {
        found = tni_model_index(model, scheme, without_output(name));
    }
    if (found == TN_NO_INDEX) {
        found = find_alias(model, name);
    }
    if (found == TN_NO_INDEX) {
        found = find_alias(model, without_output(name));
    }
    if (found == TN_NO_INDEX && tn_str_starts(name, TN_LIT("layers["))) {
        uint32_t place; /* layers[0].weights[1]: the look-up reads it */
        found = tn_model_lookup(model, scheme, name, &place, NULL) == TN_OK ? place : TN_NO_INDEX;
    }
    if (found == TNI_INDEX_MANY) {
        return tn_model_lookup(model, scheme, name, index_out, err);
    }
    *index_out = found;
    return TN_OK;
}

static tn_status mark_pattern(const tn_model *model, tn_scheme scheme, const char *argument,
                              bool all, bool *marked, size_t *count_out, tn_error *err)
{
    tn_pattern *pattern;
    tni_matcher matcher;
    tn_status status = tn_pattern_new(model->ctx, argument, &pattern, err);
    if (status != TN_OK) {
        return status;
    }
    tni_matcher_init(&matcher, model->ctx);
    for (size_t i = 0; status == TN_OK && i < model->count; i++) {
        const tn_tensor *tensor = &model->tensors[i];
        tn_str name = tensor->alias[scheme];
        bool found = false;
        if (name.data != NULL && (all || !tensor->hidden)) {
            status = tni_pattern_match(pattern, &matcher, name, &found, err);
        }
        if (found) {
            *count_out += !marked[i];
            marked[i] = true;
        }
    }
    tni_matcher_clear(&matcher);
    tn_pattern_free(pattern);
    return status;
}

tn_status tni_mark(const tn_model *model, tn_scheme scheme, const char *argument, bool all,
                   bool *marked, size_t *count_out, tn_error *err)
{
    void *copy;
    size_t len = strlen(argument);
    tn_status status = tni_alloc(model->ctx, len + 1, &copy, err);
    if (status != TN_OK) {
        return status;
    }
    memcpy(copy, argument, len + 1);
    uint32_t index = TN_NO_INDEX;
    if (tn_unescape(copy, &len)) {
        status = tni_find_exact(model, scheme, (tn_str){copy, len}, &index, err);
    }
    if (status == TN_OK && index == TN_NO_INDEX && strchr(argument, '\\') != NULL) {
        /* a raw name, as `ls --name-only` prints it */
        status = tni_find_exact(model, scheme, tn_str_of(argument), &index, err);
    }
    tni_free(model->ctx, copy);
    *count_out = 0;
    if (status == TN_OK && index != TN_NO_INDEX) {
        marked[index] = true;
        *count_out = 1;
    } else if (status == TN_OK) {
        status = mark_pattern(model, scheme, argument, all, marked, count_out, err);
    }
    return status;
}

/* Counts how many names a pattern would match. */
static size_t count_matches(const tn_model *model, tn_scheme scheme, const char *pattern)
{
    void *marked;
    size_t count = 0;
    if (tni_alloc_array(model->ctx, model->count, sizeof(bool), &marked, NULL) == TN_OK) {
        mark_pattern(model, scheme, pattern, false, marked, &count, NULL);
        tni_free(model->ctx, marked);
    }
    return count;
}

/* Proposes a wider pattern that does match: the argument below any scope, or anywhere in a
 * component. */
static bool propose_pattern(const tn_model *model, tn_scheme scheme, const char *argument,
                            tn_error *err)
{
    static const char *const forms[] = {"**/%s", "**/%s/**", "%s/**", "**/*%s*", "**/*%s*/**"};
    char bare[256];
    size_t len = 0;
    for (const char *c = argument; *c != '\0' && len + 1 < sizeof bare; c++) {
        if (*c != '*') {
            bare[len++] = *c;
        }
    }
    while (len > 0 && bare[len - 1] == '/') {
        len--;
    }
    bare[len] = '\0';
    const char *start = bare;
    while (*start == '/') {
        start++;
    }
    for (size_t i = 0; *start != '\0' && i < sizeof forms / sizeof forms[0]; i++) {
        char pattern[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(pattern, sizeof pattern, forms[i], start);
#pragma GCC diagnostic pop
        size_t count = count_matches(model, scheme, pattern);
        if (count > 0) {
            tni_error_hint(err, "'%s' matches %zu name%s", pattern, count, count == 1 ? "" : "s");
            return true;
        }
    }
    return false;
}

tn_status tni_nothing_matches(const tn_model *model, tn_scheme scheme, const char *flag,
                              const char *argument, tn_error *err)
{
    bool is_pattern = strchr(argument, '*') != NULL;
    tn_status status;
    if (flag != NULL) {
        status = tni_fail(err, TN_E_NO_MATCH, "%s '%s' matches no tensor", flag, argument);
    } else {
        status = tni_fail(err, TN_E_NO_SUCH_NAME, "'%s' matches no tensor", argument);
    }
    tni_error_path(err, model->path);
    if (is_pattern && propose_pattern(model, scheme, argument, err)) {
        return status;
    }
    tn_error nearest = {0};
    uint32_t index;
    if (!is_pattern &&
        tn_model_lookup(model, scheme, tn_str_of(argument), &index, &nearest) != TN_OK &&
        nearest.hint[0] != '\0') {
        tni_error_hint(err, "%s", nearest.hint);
    } else {
        tni_error_hint(err, "tenon ls %s", model->path);
    }
    return status;
}

tn_status tn_select(const tn_model *model, tn_scheme scheme, const char *const *arguments,
                    size_t count, bool all, bool *chosen, tn_error *err)
{
    memset(chosen, 0, model->count * sizeof *chosen);
    for (size_t i = 0; i < count; i++) {
        void *marked;
        size_t found = 0;
        tn_status status = tni_alloc_array(model->ctx, model->count, sizeof(bool), &marked, err);
        if (status != TN_OK) {
            return status;
        }
        status = tni_mark(model, scheme, arguments[i], all, marked, &found, err);
        for (size_t k = 0; k < model->count; k++) {
            chosen[k] = chosen[k] || ((const bool *)marked)[k];
        }
        tni_free(model->ctx, marked);
        if (status == TN_OK && found == 0) {
            status = tni_nothing_matches(model, scheme, NULL, arguments[i], err);
        }
        if (status != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

/* Marks for each tensor which of the patterns matched it first (counted from 1; 0: none). */
static tn_status first_match(const tn_model *model, tn_scheme scheme, const char *const *patterns,
                             size_t count, uint32_t *first, bool *matched, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_alloc_array(model->ctx, model->count, sizeof(bool), &block, err);
    bool *marked = block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        memset(marked, 0, model->count * sizeof *marked);
        size_t found;
        status = tni_mark(model, scheme, patterns[i], true, marked, &found, err);
        matched[i] = matched[i] || found > 0;
        for (size_t k = 0; status == TN_OK && k < model->count; k++) {
            if (marked[k] && first[k] == 0) {
                first[k] = (uint32_t)i + 1;
            }
        }
    }
    tni_free(model->ctx, block);
    return status;
}

/* Slots go with their variable, unless --only named them themselves. */
static void drop_orphans(const tn_model *model, const uint32_t *only, tni_choice *choice)
{
    for (size_t i = 0; i < model->count; i++) {
        const tn_tensor *tensor = &model->tensors[i];
        if (choice[i].cause == TNI_KEPT && only[i] == 0 && tensor->slot_of != TN_NO_INDEX &&
            choice[tensor->slot_of].cause == TNI_DROPPED) {
            choice[i] = (tni_choice){TNI_WITH_OWNER, choice[tensor->slot_of].flag};
        }
    }
}

tn_status tni_choose(const tn_model *model, const tni_selection *selection, tni_choice *choice,
                     bool *matched, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(model->ctx, model->count, 2 * sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *only = block, *drop = only + model->count;
    status = first_match(model, selection->scheme, selection->only, selection->n_only, only,
                         matched, err);
    if (status == TN_OK) {
        status = first_match(model, selection->scheme, selection->drop, selection->n_drop, drop,
                             matched + selection->n_only, err);
    }
    for (size_t i = 0; status == TN_OK && i < model->count; i++) {
        choice[i] = (tni_choice){TNI_KEPT, 0};
        if (drop[i] != 0) {
            choice[i] = (tni_choice){TNI_DROPPED, drop[i]};
        } else if (selection->n_only > 0 && only[i] == 0) {
            choice[i].cause = TNI_NOT_ONLY;
        } else if (model->tensors[i].role == TN_ROLE_CONSTANT && model->tensors[i].hidden &&
                   only[i] == 0) {
            choice[i].cause = TNI_HIDDEN_CONSTANT;
        } else if (selection->weights_only && model->tensors[i].role != TN_ROLE_VARIABLE) {
            choice[i].cause = TNI_NOT_A_WEIGHT;
        }
    }
    if (status == TN_OK) {
        drop_orphans(model, only, choice);
    }
    tni_free(model->ctx, block);
    return status;
}
