/* Looking up what a user typed. */
#include "core/buffer.h"
#include "core/error.h"
#include "model/model.h"
#include "model/near.h"
#include "model/shape_text.h"
#include <tenon/text.h>

enum { CANDIDATES = 5 };

/* The tensors that a name may mean; `more` counts those beyond the room. */
typedef struct candidates {
    uint32_t at[CANDIDATES];
    size_t count, more;
} candidates;

static void add_candidate(candidates *set, uint32_t index)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->at[i] == index) {
            return;
        }
    }
    if (set->count < CANDIDATES) {
        set->at[set->count++] = index;
    } else {
        set->more++;
    }
}

static bool has_name(const tn_tensor *tensor, tn_scheme scheme, tn_str name)
{
    bool has = tensor->alias[scheme].data != NULL && tn_str_equal(tensor->alias[scheme], name);
    for (uint32_t k = 0; !has && scheme == TN_SCHEME_KEY && k < tensor->n_twins; k++) {
        has = tn_str_equal(tensor->twins[k], name);
    }
    return has;
}

/* Adds what a name means in schemes [first, end). */
static void find(const tn_model *model, int first, int end, tn_str name, candidates *set)
{
    for (int scheme = first; scheme < end; scheme++) {
        uint32_t index = tni_model_index(model, (tn_scheme)scheme, name);
        if (index == TNI_INDEX_MANY) {
            for (uint32_t i = 0; i < model->count; i++) {
                if (has_name(&model->tensors[i], (tn_scheme)scheme, name)) {
                    add_candidate(set, i);
                }
            }
        } else if (index != TN_NO_INDEX) {
            add_candidate(set, index);
        }
    }
}

/* Reads `[123]` at the start of *text and appends the number. */
static bool read_position(tn_str *text, tni_buffer *out)
{
    size_t digits = 1;
    while (digits < text->len && text->data[digits] >= '0' && text->data[digits] <= '9') {
        digits++;
    }
    if (digits == 1 || digits >= text->len || text->data[0] != '[' || text->data[digits] != ']') {
        return false;
    }
    tni_buffer_add(out, text->data + 1, digits - 1);
    *text = tn_str_skip(*text, digits + 1);
    return true;
}

/* Turns `layers[2].weights[0]` into the name "2/0" of scheme order. */
static bool as_position(tn_str text, tni_buffer *out)
{
    tn_str layers = TN_LIT("layers"), weights = TN_LIT(".weights");
    if (!tn_str_starts(text, layers)) {
        return false;
    }
    text = tn_str_skip(text, layers.len);
    if (!read_position(&text, out) || !tn_str_starts(text, weights)) {
        return false;
    }
    text = tn_str_skip(text, weights.len);
    tni_buffer_char(out, '/');
    return read_position(&text, out) && text.len == 0;
}

/* Writes into `other` the name with `:0` added, or taken off if it is there. */
static void other_form(tn_str name, tni_buffer *other)
{
    tn_str output = TN_LIT(":0");
    if (tn_str_ends(name, output)) {
        tni_buffer_add(other, name.data, name.len - output.len);
    } else {
        tni_buffer_str(other, name);
        tni_buffer_str(other, output);
    }
}

static tn_status find_all(const tn_model *model, tn_scheme scheme, tn_str name, candidates *set,
                          tn_error *err)
{
    tni_buffer other, position;
    tni_buffer_init(&other, model->ctx);
    tni_buffer_init(&position, model->ctx);
    other_form(name, &other);
    bool by_position = as_position(name, &position);
    tn_status status = tni_buffer_check(&other, err);
    if (status == TN_OK) {
        status = tni_buffer_check(&position, err);
    }
    if (status == TN_OK) {
        tn_str form[2] = {name, {other.data, other.len}};
        for (int i = 0; i < 4 && set->count == 0; i++) {
            int first = i < 2 ? (int)scheme : 0;
            int end = i < 2 ? (int)scheme + 1 : TN_SCHEME_COUNT;
            find(model, first, end, form[i % 2], set);
        }
        if (set->count == 0 && by_position) {
            find(model, TN_SCHEME_ORDER, TN_SCHEME_ORDER + 1, (tn_str){position.data, position.len},
                 set);
        }
    }
    tni_buffer_clear(&other);
    tni_buffer_clear(&position);
    return status;
}

/* Appends a tensor's name in the scheme (else its name), escaped, and its shape. */
static void add_named(tni_buffer *list, const tn_tensor *tensor, tn_scheme scheme)
{
    char name[TN_ERROR_SUBJECT], shape[TNI_SHAPE_ROOM];
    tn_str alias = tensor->alias[scheme];
    tn_escape(alias.data != NULL ? alias : tensor->alias[TN_SCHEME_NAME], name, sizeof name);
    tni_shape_text(tensor, shape);
    tni_buffer_format(list, "%s%s %s", list->len > 0 ? ", " : "", name, shape);
}

/* Sets the hint to `lead` and the tensors with their shapes. */
static void hint_tensors(const tn_model *model, tn_scheme scheme, const char *lead,
                         const uint32_t *index, size_t count, size_t more, tn_error *err)
{
    tni_buffer list;
    tni_buffer_init(&list, model->ctx);
    for (size_t i = 0; i < count; i++) {
        add_named(&list, &model->tensors[index[i]], scheme);
    }
    if (more > 0) {
        tni_buffer_format(&list, " and %zu more", more);
    }
    if (!list.failed) {
        tni_error_hint(err, "%s: %.*s", lead, (int)list.len, list.data);
    }
    tni_buffer_clear(&list);
}

static tn_status fail_ambiguous(const tn_model *model, tn_str name, const candidates *set,
                                tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_AMBIGUOUS, "%zu tensors have this name", set->count + set->more);
    tni_error_subject(err, name);
    /* Names of the first scheme are unique, so they can be typed. */
    hint_tensors(model, TN_SCHEME_NAME, "say one of", set->at, set->count, set->more, err);
    return status;
}

static tn_status fail_missing(const tn_model *model, tn_scheme scheme, tn_str name, tn_error *err)
{
    uint32_t near[TNI_NEAR_MOST];
    tn_str output = TN_LIT(":0");
    tn_str bare = tn_str_ends(name, output) ? tn_str_first(name, name.len - output.len) : name;
    tn_status status = tni_fail(err, TN_E_NO_SUCH_NAME, "no tensor has this name");
    tni_error_subject(err, name);
    size_t count = tni_near(model, scheme, bare, near);
    if (count > 0) {
        hint_tensors(model, scheme, "the nearest names", near, count, 0, err);
    } else if (model->resolved != NULL) {
        tni_error_hint(err, "`tenon ls '%s'` lists the names", model->resolved);
    }
    return status;
}

tn_status tn_model_lookup(const tn_model *model, tn_scheme scheme, tn_str name, uint32_t *index_out,
                          tn_error *err)
{
    candidates set = {.count = 0};
    tn_status status = find_all(model, scheme, name, &set, err);
    if (status != TN_OK) {
        return status;
    }
    if (set.count > 1) {
        return fail_ambiguous(model, name, &set, err);
    }
    if (set.count == 0) {
        return fail_missing(model, scheme, name, err);
    }
    *index_out = set.at[0];
    return TN_OK;
}
