/* Are these the same weights? Pairs tensors of two models and compares each pair. */
#include "converters/diff_values.h"
#include "converters/pairing.h"
#include "converters/rules/side.h"
#include "converters/select.h"
#include "core/error.h"
#include <stdio.h>
#include <tenon/text.h>
#include <tenon/verify.h>

typedef struct comparison {
    const tn_model *a, *b;
    const tn_diff_options *options;
    tn_report *report;
    tni_value_diff *values;
    tn_differences counts;
} comparison;

static tn_form form_of(const tn_tensor *tensor)
{
    return (tn_form){
        .has = true, .dtype = tensor->dtype, .rank = tensor->rank, .shape = tensor->shape};
}

/* Tells whether a tensor on one side only is worth no more than a note. */
static bool is_minor(const tn_tensor *tensor)
{
    return tensor->role == TN_ROLE_COUNTER || tensor->role == TN_ROLE_METADATA;
}

/* Reports a tensor that the other side lacks. */
static tn_status report_single(comparison *c, const tn_tensor *tensor, bool in_a, tn_error *err)
{
    bool minor = is_minor(tensor);
    tn_finding finding = {.code = in_a ? "only_a" : "only_b",
                          .severity = minor ? TN_SEVERITY_NOTE : TN_SEVERITY_ERROR,
                          .name = tensor->alias[TN_SCHEME_NAME],
                          .message = in_a ? TN_LIT("only the first has it")
                                          : TN_LIT("only the second has it")};
    if (in_a) {
        finding.expected = form_of(tensor);
        c->counts.only_a += !minor;
    } else {
        finding.found = form_of(tensor);
        c->counts.only_b += !minor;
    }
    return tn_report_add(c->report, &finding, err);
}

static tn_status report_pair(comparison *c, const tn_tensor *a, const tn_tensor *b,
                             const char *code, const tn_value_difference *values,
                             const char *message, tn_error *err)
{
    bool minor = a->role == TN_ROLE_METADATA && b->role == TN_ROLE_METADATA;
    tn_finding finding = {.code = code,
                          .severity = minor ? TN_SEVERITY_NOTE : TN_SEVERITY_ERROR,
                          .name = a->alias[TN_SCHEME_NAME],
                          .other = b->alias[TN_SCHEME_NAME],
                          .expected = form_of(a),
                          .found = form_of(b),
                          .message = tn_str_of(message)};
    if (values != NULL) {
        finding.values = *values;
    }
    c->counts.different += !minor;
    c->counts.equal += minor;
    return tn_report_add(c->report, &finding, err);
}

static tn_status compare_values(comparison *c, const tn_tensor *a, const tn_tensor *b,
                                tn_error *err)
{
    tn_value_difference d = {0};
    tn_status status = tni_value_diff_pair(c->values, a, b, &d, err);
    if (status != TN_OK) {
        return status;
    }
    if (d.differ == 0) {
        c->counts.equal++;
        return TN_OK;
    }
    char message[160];
    bool measured = tn_dtype_about(a->dtype)->kind != TN_KIND_STRING &&
                    tn_dtype_about(a->dtype)->kind != TN_KIND_PACKED;
    if (measured) {
        snprintf(message, sizeof message, "%llu of %lld values differ, by at most %g",
                 (unsigned long long)d.differ, (long long)a->elements, d.max_abs);
    } else {
        snprintf(message, sizeof message, "%llu of %lld values differ",
                 (unsigned long long)d.differ, (long long)a->elements);
    }
    return report_pair(c, a, b, "values", &d, message, err);
}

static bool same_shape(const tn_tensor *a, const tn_tensor *b)
{
    return a->rank == b->rank &&
           (a->rank == 0 || memcmp(a->shape, b->shape, a->rank * sizeof(int64_t)) == 0);
}

/* Tells whether both hold values that can be read. */
static bool have_values(const tn_tensor *a, const tn_tensor *b)
{
    const tn_tensor *sides[2] = {a, b};
    for (int side = 0; side < 2; side++) {
        if (sides[side]->n_pieces == 0 ||
            tn_dtype_about(sides[side]->dtype)->kind == TN_KIND_OPAQUE) {
            return false;
        }
        for (uint32_t i = 0; i < sides[side]->n_pieces; i++) {
            if (sides[side]->pieces[i].leaf->kind == TNI_LEAF_ABSENT) {
                return false;
            }
        }
    }
    return true;
}

static tn_status compare_pair(comparison *c, const tn_tensor *a, const tn_tensor *b, tn_error *err)
{
    if (!a->any_shape && !b->any_shape && !same_shape(a, b)) {
        return report_pair(c, a, b, "shape", NULL, "the shapes differ", err);
    }
    bool known = a->dtype != TN_DTYPE_NONE && b->dtype != TN_DTYPE_NONE;
    if (known && a->dtype != b->dtype &&
        !(c->options->tolerant && tni_value_diff_can(a->dtype, b->dtype))) {
        return report_pair(c, a, b, "dtype", NULL, "the dtypes differ", err);
    }
    if (c->options->no_values || !have_values(a, b)) {
        c->counts.equal++;
        return TN_OK;
    }
    return compare_values(c, a, b, err);
}

/* Decides which tensors of both sides take part. */
static tn_status choose_sides(const comparison *c, tni_choice *choices[2], bool *matched,
                              tn_error *err)
{
    const tn_diff_options *o = c->options;
    tni_selection selection = {.only = o->only,
                               .n_only = o->n_only,
                               .drop = o->drop,
                               .n_drop = o->n_drop,
                               .weights_only = o->weights_only,
                               .scheme = o->has_scheme ? o->scheme : TN_SCHEME_NAME};
    const tn_model *sides[2] = {c->a, c->b};
    tn_status status = TN_OK;
    for (int side = 0; status == TN_OK && side < 2; side++) {
        status = tni_choose(sides[side], &selection, choices[side], matched, err);
    }
    for (size_t i = 0; status == TN_OK && !o->ignore_unmatch && i < o->n_only + o->n_drop; i++) {
        if (!matched[i]) {
            bool only = i < o->n_only;
            status = tni_nothing_matches(c->a, selection.scheme, only ? "--only" : "--drop",
                                         only ? o->only[i] : o->drop[i - o->n_only], err);
        }
    }
    return status;
}

static bool is_dropped(const tni_choice *choice)
{
    return choice->cause == TNI_DROPPED || choice->cause == TNI_WITH_OWNER;
}

/* Tells whether a pair is compared: one side is kept, and neither was dropped by a flag. */
static bool pair_takes_part(const tni_choice *a, const tni_choice *b)
{
    return (a->cause == TNI_KEPT || b->cause == TNI_KEPT) && !is_dropped(a) && !is_dropped(b);
}

static tn_status compare_all(comparison *c, const tni_pairing *pairing, tni_choice *choices[2],
                             tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < c->a->count; i++) {
        uint32_t other = pairing->b_of_a[i];
        if (other == TN_NO_INDEX && choices[0][i].cause == TNI_KEPT) {
            status = report_single(c, &c->a->tensors[i], true, err);
        } else if (other != TN_NO_INDEX && pair_takes_part(&choices[0][i], &choices[1][other])) {
            status = compare_pair(c, &c->a->tensors[i], &c->b->tensors[other], err);
        }
    }
    for (uint32_t i = 0; status == TN_OK && i < c->b->count; i++) {
        if (pairing->a_of_b[i] == TN_NO_INDEX && choices[1][i].cause == TNI_KEPT) {
            status = report_single(c, &c->b->tensors[i], false, err);
        }
    }
    return status;
}

/* The rules for side A. */
static tni_rule_options rules_of(const tn_diff_options *o)
{
    return (tni_rule_options){.rename = o->rename,
                              .n_rename = o->n_rename,
                              .rules = o->rules,
                              .n_rules = o->n_rules,
                              .vars = o->vars,
                              .n_vars = o->n_vars,
                              .inputs = o->inputs,
                              .n_inputs = o->n_inputs,
                              .scheme = o->has_scheme ? o->scheme : TN_SCHEME_NAME,
                              .ignore_unmatch = o->ignore_unmatch};
}

/* Makes the arrays that tell for each side which tensors take part. */
static tn_status compare_chosen(comparison *c, tni_arena *arena, tni_naming *naming, tn_error *err)
{
    void *a, *b, *matched;
    tni_pairing pairing;
    tn_status status = tni_arena_array(arena, c->a->count, sizeof(tni_choice), &a, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, c->b->count, sizeof(tni_choice), &b, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, c->options->n_only + c->options->n_drop, sizeof(bool),
                                 &matched, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_choice *choices[2] = {a, b};
    status = choose_sides(c, choices, matched, err);
    tni_rule_options rules = rules_of(c->options);
    if (status == TN_OK && tni_has_rules(&rules)) {
        status = tni_rename_side(arena, &rules, c->report, naming, &c->a, &choices[0], err);
    }
    if (status == TN_OK) {
        status = tni_pair(c->a, c->b, c->options->has_scheme ? &c->options->scheme : NULL, arena,
                          &pairing, err);
    }
    if (status == TN_OK) {
        c->counts.matched_by = pairing.scheme;
        status = compare_all(c, &pairing, choices, err);
    }
    return status;
}

tn_status tn_diff(const tn_model *a, const tn_model *b, const tn_diff_options *options,
                  tn_report *report, tn_differences *differences_out, tn_error *err)
{
    comparison c = {.a = a, .b = b, .options = options, .report = report};
    tni_naming naming = {.n_models = 0};
    tni_arena arena;
    tni_arena_init(&arena, a->ctx, a->ctx->limits.memory);
    tn_status status = tni_value_diff_new(a->ctx, options, &c.values, err);
    if (status == TN_OK) {
        status = compare_chosen(&c, &arena, &naming, err);
    }
    if (status == TN_OK) {
        *differences_out = c.counts;
    }
    tni_value_diff_free(c.values);
    tni_naming_clear(&naming);
    tni_arena_clear(&arena);
    return status;
}
