/* What a check looks at: the tensors that flags leave on both sides, under the names that renames
 * and rules give to those of the file; and by which loader. */
#include "converters/check.h"
#include "converters/rules/side.h"
#include "core/error.h"

/* Demands that every --only and --drop matched on one side at least. */
static tn_status check_matched(const tni_checking *c, const bool *matched, tn_scheme scheme,
                               tn_error *err)
{
    const tn_check_options *o = c->options;
    for (size_t i = 0; !o->ignore_unmatch && i < o->n_only + o->n_drop; i++) {
        bool only = i < o->n_only;
        if (!matched[i]) {
            return tni_nothing_matches(c->a, scheme, only ? "--only" : "--drop",
                                       only ? o->only[i] : o->drop[i - o->n_only], err);
        }
    }
    return TN_OK;
}

static tn_status choose_tensors(tni_checking *c, tn_error *err)
{
    const tn_check_options *o = c->options;
    tni_selection selection = {.only = o->only,
                               .n_only = o->n_only,
                               .drop = o->drop,
                               .n_drop = o->n_drop,
                               .weights_only = o->weights_only,
                               .scheme = o->has_scheme ? o->scheme : TN_SCHEME_NAME};
    void *a, *b, *matched;
    tn_status status = tni_arena_array(&c->arena, c->a->count, sizeof(tni_choice), &a, err);
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->b->count, sizeof(tni_choice), &b, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, o->n_only + o->n_drop, sizeof(bool), &matched, err);
    }
    if (status != TN_OK) {
        return status;
    }
    c->chosen_a = a;
    c->chosen_b = b;
    status = tni_choose(c->a, &selection, c->chosen_a, matched, err);
    if (status == TN_OK) {
        status = tni_choose(c->b, &selection, c->chosen_b, matched, err);
    }
    return status == TN_OK ? check_matched(c, matched, selection.scheme, err) : status;
}

bool tni_check_may_serve(const tni_checking *c, uint32_t a)
{
    tni_drop_cause cause = c->chosen_a[a].cause;
    return cause == TNI_KEPT || cause == TNI_NOT_ONLY;
}

/* Applies renames and rules to the file. */
static tn_status rename_file(tni_checking *c, tni_naming *naming, tn_error *err)
{
    const tn_check_options *o = c->options;
    tni_rule_options rules = {.rename = o->rename,
                              .n_rename = o->n_rename,
                              .rules = o->rules,
                              .n_rules = o->n_rules,
                              .vars = o->vars,
                              .n_vars = o->n_vars,
                              .inputs = o->inputs,
                              .n_inputs = o->n_inputs,
                              .scheme = o->has_scheme ? o->scheme : TN_SCHEME_NAME,
                              .ignore_unmatch = o->ignore_unmatch};
    return tni_has_rules(&rules)
               ? tni_rename_side(&c->arena, &rules, c->report, naming, &c->a, &c->chosen_a, err)
               : TN_OK;
}

/* Decides the loader: what was asked for, if it applies. An object graph is that of the file, so
 * after a rename only the names themselves can be compared. */
static tn_status choose_loader(tni_checking *c, tn_error *err)
{
    const tn_object *objects;
    bool a = tn_model_objects(tni_model_root(c->a), &objects) > 0;
    bool b = tn_model_objects(tni_model_root(c->b), &objects) > 0;
    bool renamed = c->a->base != NULL;
    tn_loader loader = c->options->loader;
    if (loader == TN_LOADER_AUTO) {
        loader = a && b && !renamed ? TN_LOADER_OBJECTS : TN_LOADER_NAMES;
    }
    if (loader == TN_LOADER_OBJECTS && (!a || !b || renamed)) {
        tn_status status =
            !a || !b ? tni_fail(err, TN_E_IMPOSSIBLE, "it has no object graph")
                     : tni_fail(err, TN_E_IMPOSSIBLE, "renames cannot be followed edge by edge");
        tni_error_path(err, a && !b ? c->b->path : c->a->path);
        tni_error_hint(err, "say --loader names");
        return status;
    }
    c->sums.loader = loader;
    return TN_OK;
}

tn_status tni_check_choose(tni_checking *c, tni_naming *naming, tn_error *err)
{
    void *used, *repairs;
    tn_status status = choose_tensors(c, err);
    if (status == TN_OK) {
        status = rename_file(c, naming, err);
    }
    if (status == TN_OK) {
        status = choose_loader(c, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->a->count, sizeof(bool), &used, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->a->count, sizeof(tn_str), &repairs, err);
    }
    if (status == TN_OK) {
        c->used = used;
        c->repairs = repairs;
    }
    return status;
}
