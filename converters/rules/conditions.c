/* Whether a tensor is as `when` and `expect` of a rule say. */
#include "converters/rules/claim.h"
#include "core/checked.h"
#include "model/shape_text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <tenon/text.h>

/* Tells whether a tensor has a form; holes in it are those that `values` bind. */
static tn_status fits(const tni_form *form, const tni_values *values, const tn_tensor *tensor,
                      bool *fits_out, tn_error *err)
{
    bool good = (!form->has_rank || (!tensor->any_shape && tensor->rank == form->rank)) &&
                (form->dtype == TN_DTYPE_NONE || tensor->dtype == form->dtype) &&
                (!form->has_shape || (!tensor->any_shape && tensor->rank == form->n_shape));
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && good && form->has_shape && i < form->n_shape; i++) {
        int64_t size = 0;
        status = tni_expression_run(&form->shape[i], values, &size, err);
        good = size == tensor->shape[i];
    }
    *fits_out = good;
    return status;
}

/* Tells whether the name that a condition asks for exists. */
static tn_status exists(tni_stage *stage, const tni_template *target, const tn_pattern *pattern,
                        const tni_values *values, bool *exists_out, tn_error *err)
{
    tn_status status = tni_template_render(target, pattern, values, &stage->buffer, err);
    tn_str name = {stage->buffer.data, stage->buffer.len};
    *exists_out =
        status == TN_OK && tni_model_index(stage->model, stage->set->scheme, name) != TN_NO_INDEX;
    return status;
}

tn_status tni_when_holds(tni_stage *stage, size_t index, const tni_rule *rule,
                         const tn_pattern *pattern, bool *holds_out, tn_error *err)
{
    const tni_when *when = rule->when;
    tni_values values = tni_claim_values(stage, rule);
    tn_error why = {0};
    unsigned role = 1U << stage->model->tensors[index].role;
    bool holds = when == NULL || when->roles == 0 || (when->roles & role) != 0;
    tn_status status = TN_OK;
    if (when != NULL && holds) {
        status = fits(&when->form, &values, &stage->model->tensors[index], &holds, &why);
    }
    if (status == TN_OK && holds && when != NULL && when->exists != NULL) {
        status = exists(stage, when->exists, pattern, &values, &holds, &why);
    }
    if (status != TN_OK) {
        return tni_claim_raise(stage, index, rule, &why, err);
    }
    *holds_out = holds;
    return TN_OK;
}

/* Raises that a tensor's form is not the expected one. */
static tn_status other_form(tni_stage *stage, size_t index, const tni_rule *rule, tn_error *err)
{
    char shape[TNI_SHAPE_ROOM];
    const tn_tensor *tensor = &stage->model->tensors[index];
    const tni_form *form = &rule->expect->form;
    tn_error why = {0};
    tni_shape_text(tensor, shape);
    tni_fail(&why, TN_E_EXPECT, "the rule expects another %s than %s %s",
             form->dtype != TN_DTYPE_NONE && form->dtype != tensor->dtype ? "dtype" : "shape",
             tn_dtype_about(tensor->dtype)->name, shape);
    return tni_claim_raise(stage, index, rule, &why, err);
}

static tn_status unexpected(tni_stage *stage, size_t index, const tni_rule *rule,
                            const tni_expected *hole, tn_error *err)
{
    char text[TN_ERROR_SUBJECT], key[TN_ERROR_SUBJECT];
    tn_error why = {0};
    tn_escape(stage->matcher.bound[hole->slot].text, text, sizeof text);
    tn_escape(hole->node->key->text, key, sizeof key);
    tni_fail(&why, TN_E_EXPECT, "the rule expects no '%s' for {%s}", text, key);
    return tni_claim_raise(stage, index, rule, &why, err);
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_text(const void *a, const void *b)
{
    const tn_str *x = a, *y = b;
    return tn_str_compare(*x, *y);
}

/* Tells whether a value is expected; a word becomes its index in the list. */
static bool take_value(const tni_expected *hole, tn_str text, int64_t *number_out)
{
    if (hole->words != NULL) {
        const tn_str *found = bsearch(&text, hole->words, hole->count, sizeof(tn_str), by_text);
        *number_out = found == NULL ? 0 : found - hole->words;
        return found != NULL;
    }
    tni_number_read(text, number_out);
    if (hole->range) {
        return *number_out >= hole->low && *number_out <= hole->high;
    }
    return bsearch(number_out, hole->numbers, hole->count, sizeof(int64_t), by_number) != NULL;
}

tn_status tni_expect_value(tni_stage *stage, size_t index, const tni_rule *rule, uint32_t slot,
                           int64_t *number_out, tn_error *err)
{
    tn_str text = stage->matcher.bound[slot].text;
    for (size_t i = 0; rule->expect != NULL && i < rule->expect->n_holes; i++) {
        const tni_expected *hole = &rule->expect->holes[i];
        if (hole->slot == slot) {
            return take_value(hole, text, number_out) ? TN_OK
                                                      : unexpected(stage, index, rule, hole, err);
        }
    }
    tni_number_read(text, number_out); /* of {rank(i)}: which the pattern made sure of */
    return TN_OK;
}

tn_status tni_expect_form(tni_stage *stage, size_t index, const tni_rule *rule, tn_error *err)
{
    tni_values values = tni_claim_values(stage, rule);
    bool good = true;
    tn_error why = {0};
    if (rule->expect == NULL) {
        return TN_OK;
    }
    if (fits(&rule->expect->form, &values, &stage->model->tensors[index], &good, &why) != TN_OK) {
        return tni_claim_raise(stage, index, rule, &why, err);
    }
    return good ? TN_OK : other_form(stage, index, rule, err);
}

/* Raises that something is expected that is not there, at the place of what expects it. */
static tn_status at_place(const tni_rule *rule, const tni_yaml *node, tn_status status,
                          tn_error *err)
{
    tni_error_path(err, rule->file);
    tni_error_place(err, node->line, node->column);
    return status;
}

static tn_status missing(const tni_stage *stage, const tni_rule *rule, const tni_expected *hole,
                         size_t at, tn_error *err)
{
    char text[TN_ERROR_SUBJECT / 2], key[TN_ERROR_SUBJECT / 2];
    tn_escape(hole->node->key->text, key, sizeof key);
    if (hole->words != NULL) {
        tn_escape(hole->words[at], text, sizeof text);
    } else if (hole->range) {
        snprintf(text, sizeof text, "%" PRId64, hole->low + (int64_t)at);
    } else {
        snprintf(text, sizeof text, "%" PRId64, hole->numbers[at]);
    }
    return at_place(rule, hole->node,
                    tni_fail(err, TN_E_EXPECT, "'%s': no tensor of %s has %s there", key,
                             stage->model->path, text),
                    err);
}

/* Checks that every expected value was seen; the seen ones are expected, sorted, and stand once. */
static tn_status check_hole(const tni_stage *stage, const tni_rule *rule, const tni_expected *hole,
                            const tni_seen_numbers *seen, tn_error *err)
{
    uint64_t wanted = hole->range ? (uint64_t)hole->high - (uint64_t)hole->low : hole->count - 1;
    for (size_t i = 0; i < seen->count; i++) {
        int64_t due = hole->words != NULL ? (int64_t)i
                      : hole->range       ? (int64_t)((uint64_t)hole->low + i)
                                          : hole->numbers[i];
        if (seen->at[i] != due) {
            return missing(stage, rule, hole, i, err);
        }
    }
    bool complete = hole->open ? seen->count > 0 : seen->count > wanted;
    return complete ? TN_OK : missing(stage, rule, hole, seen->count, err);
}

/* Checks that what a rule claims has its holes' values in every combination. */
static tn_status check_complete(const tni_stage *stage, const tni_rule *rule,
                                const tni_tally *tally, tn_error *err)
{
    const tni_expect *expect = rule->expect;
    uint64_t wanted = rule->n_patterns;
    for (size_t i = 0; i < expect->n_holes; i++) {
        if (!tni_mul_u64(wanted, tally->numbers[expect->holes[i].slot].count, &wanted)) {
            wanted = UINT64_MAX; /* more than any model has */
        }
    }
    if (wanted == tally->claimed) {
        return TN_OK;
    }
    return at_place(
        rule, expect->node,
        tni_fail(err, TN_E_EXPECT,
                 "'complete': the rule claims %zu tensor%s of %s, but patterns and values "
                 "have %" PRIu64 " combinations",
                 tally->claimed, tally->claimed == 1 ? "" : "s", stage->model->path, wanted),
        err);
}

tn_status tni_expect_all(const tni_stage *stage, const tni_rule *rule, tn_error *err)
{
    const tni_tally *tally = &stage->tallies[rule - stage->set->rules];
    const tni_expect *expect = rule->expect;
    tn_status status = TN_OK;
    if (expect == NULL || (tally->found == 0 && (rule->optional || stage->ignore_unmatch))) {
        return TN_OK;
    }
    if (expect->has_count && (expect->count < 0 || (uint64_t)expect->count != tally->claimed)) {
        return at_place(rule, expect->node,
                        tni_fail(err, TN_E_EXPECT,
                                 "'expect': the rule claims %zu tensor%s of %s, not %" PRId64,
                                 tally->claimed, tally->claimed == 1 ? "" : "s", stage->model->path,
                                 expect->count),
                        err);
    }
    for (size_t i = 0; status == TN_OK && i < expect->n_holes; i++) {
        status =
            check_hole(stage, rule, &expect->holes[i], &tally->numbers[expect->holes[i].slot], err);
    }
    if (status == TN_OK && expect->complete) {
        status = check_complete(stage, rule, tally, err);
    }
    return status;
}
