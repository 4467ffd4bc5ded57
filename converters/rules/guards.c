/* Whether whole models are as `from`, `to` and `assert` of a rule file say. */
#include "converters/rules/bind.h"
#include "formats/format.h"
#include <inttypes.h>
#include <stdlib.h>
#include <tenon/text.h>

static tn_status at_place(const tni_ruleset *of, const tni_yaml *node, tn_status status,
                          tn_error *err)
{
    tni_error_path(err, of->file);
    tni_error_place(err, node->line, node->column);
    return status;
}

/* Looks for a pattern among what operations made. */
static tn_status find_made(tni_stage *stage, const tn_pattern *pattern, bool *found, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && !*found && i < stage->n_made; i++) {
        status = tni_pattern_match(pattern, &stage->matcher, stage->made[i].name, found, err);
    }
    return status;
}

/* Finds a tensor that a pattern matches; `after`: among the names that the stage leaves. */
static tn_status find(tni_stage *stage, const tn_pattern *pattern, bool after, bool *found_out,
                      tn_error *err)
{
    tn_status status = TN_OK;
    bool found = false;
    for (size_t i = 0; status == TN_OK && !found && i < stage->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        tn_str name = tni_stage_seen(stage, i);
        if (after) {
            name = decision->name.data != NULL ? decision->name : name;
        }
        bool foreign = tni_stage_input(stage, i) > 0 && !(after && decision->name.data != NULL);
        if (name.data != NULL && !foreign &&
            !(after && (decision->dropped || decision->consumed))) {
            status = tni_pattern_match(pattern, &stage->matcher, name, &found, err);
        }
    }
    if (status == TN_OK && after) {
        status = find_made(stage, pattern, &found, err);
    }
    *found_out = found;
    return status;
}

static tn_status check_names(tni_stage *stage, const tni_ruleset *of, const tni_yaml *node,
                             tn_pattern *const *names, size_t count, bool wanted, bool after,
                             tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        bool found = false;
        char shown[TN_ERROR_SUBJECT];
        status = find(stage, names[i], after, &found, err);
        if (status == TN_OK && found != wanted) {
            tn_escape(names[i]->source, shown, sizeof shown);
            status = tni_fail(err, TN_E_EXPECT, "'%s': %s %s '%s'", wanted ? "has" : "not",
                              after ? "the result" : stage->model->path, wanted ? "lacks" : "has",
                              shown);
            status = at_place(of, node, status, err);
        }
    }
    return status;
}

static tn_status check_format(const tni_ruleset *of, const tni_guard *guard, const char *format,
                              const char *what, tn_error *err)
{
    if (guard->format.data == NULL || format == NULL ||
        tn_str_equal(guard->format, tn_str_of(format))) {
        return TN_OK;
    }
    return at_place(of, guard->node,
                    tni_fail(err, TN_E_EXPECT, "the rules are for %.*s, but %s is %s",
                             (int)guard->format.len, guard->format.data, what, format),
                    err);
}

static tn_status check_guard(tni_stage *stage, const tni_ruleset *of, const tni_guard *guard,
                             bool after, tn_error *err)
{
    tn_status status =
        check_names(stage, of, guard->has_node, guard->has, guard->n_has, true, after, err);
    return status != TN_OK ? status
                           : check_names(stage, of, guard->not_node, guard->not, guard->n_not,
                                         false, after, err);
}

static tn_status check_before(tni_stage *stage, const tni_ruleset *of, tn_error *err)
{
    const struct tn_format *format = stage->model->format;
    tn_status status =
        check_format(of, &of->from, format == NULL ? NULL : format->name, stage->model->path, err);
    if (status == TN_OK) {
        status = check_format(of, &of->to, stage->target_format, "the output", err);
    }
    return status != TN_OK ? status : check_guard(stage, of, &of->from, false, err);
}

tn_status tni_guard_before(tni_stage *stage, tn_error *err)
{
    tn_status status = check_before(stage, stage->set, err);
    for (size_t i = 0; status == TN_OK && i < stage->set->n_included; i++) {
        status = check_before(stage, &stage->set->included[i], err);
    }
    return status;
}

static int by_text(const void *a, const void *b)
{
    const tn_str *x = a, *y = b;
    return tn_str_compare(*x, *y);
}

/* Asserts which tensors no rule claims: so many, or no others than those of a list. */
static tn_status check_unmatched(const tni_stage *stage, const tni_ruleset *of,
                                 const tni_assertion *assertion, tn_error *err)
{
    int64_t count = 0;
    tn_str first = TN_STR_NONE;
    for (size_t i = 0; i < stage->model->count; i++) {
        tn_str name = tni_stage_seen(stage, i);
        bool named =
            assertion->names != NULL && name.data != NULL &&
            bsearch(&name, assertion->names, assertion->n_names, sizeof(tn_str), by_text) != NULL;
        if (stage->decisions[i].unmatched && !named) {
            first = count++ == 0 ? name : first;
        }
    }
    if (count == (assertion->names != NULL ? 0 : assertion->number)) {
        return TN_OK;
    }
    char shown[TN_ERROR_SUBJECT];
    tn_escape(first, shown, sizeof shown);
    tn_status status =
        tni_fail(err, TN_E_EXPECT, "'unmatched_source': no rule claims %" PRId64 " tensor%s%s%s%s",
                 count, count == 1 ? "" : "s", assertion->names != NULL ? " besides" : "",
                 count > 0 ? ": " : "", count > 0 ? shown : "");
    return at_place(of, assertion->node, status, err);
}

static tn_status check_params(const tni_stage *stage, const tni_ruleset *of,
                              const tni_assertion *assertion, tn_error *err)
{
    int64_t sum = 0;
    bool fits = true;
    for (size_t i = 0; i < stage->model->count; i++) {
        const tn_tensor *tensor = &stage->model->tensors[i];
        const tni_decision *decision = &stage->decisions[i];
        bool foreign = tni_stage_input(stage, i) > 0 && decision->name.data == NULL;
        if (!decision->dropped && !decision->consumed && !foreign &&
            tensor->role == TN_ROLE_VARIABLE) {
            fits = fits && !__builtin_add_overflow(sum, tensor->elements, &sum);
        }
    }
    for (size_t i = 0; i < stage->n_made; i++) {
        const tni_made *made = &stage->made[i];
        if (made->n_from == 0 || stage->model->tensors[made->from[0]].role == TN_ROLE_VARIABLE) {
            fits = fits && !__builtin_add_overflow(sum, made->value.elements, &sum);
        }
    }
    if (fits && sum == assertion->number) {
        return TN_OK;
    }
    return at_place(of, assertion->node,
                    tni_fail(err, TN_E_EXPECT,
                             "'params': the variables have %" PRId64 " elements, not %" PRId64, sum,
                             assertion->number),
                    err);
}

static tn_status check_after(tni_stage *stage, const tni_ruleset *of, tn_error *err)
{
    tn_status status = check_guard(stage, of, &of->to, true, err);
    for (size_t i = 0; status == TN_OK && i < of->n_assertions; i++) {
        const tni_assertion *assertion = &of->assertions[i];
        if (assertion->kind == TNI_ASSERT_PARAMS) {
            status = check_params(stage, of, assertion, err);
        } else if (assertion->kind == TNI_ASSERT_UNMATCHED_SOURCE) {
            status = check_unmatched(stage, of, assertion, err);
        }
    }
    return status == TN_OK && of->to.like.data != NULL ? tni_guard_like(stage, of, err) : status;
}

tn_status tni_guard_after(tni_stage *stage, tn_error *err)
{
    tn_status status = check_after(stage, stage->set, err);
    for (size_t i = 0; status == TN_OK && i < stage->set->n_included; i++) {
        status = check_after(stage, &stage->set->included[i], err);
    }
    return status;
}
