/* Whether the result has names and shapes of another input: `to: {like}` and `unmatched_target`. */
#include "converters/rules/bind.h"
#include "core/hash.h"
#include "model/shape_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <tenon/text.h>

static bool is_listed(const tn_tensor *tensor)
{
    return tensor->role != TN_ROLE_METADATA && !tensor->hidden;
}

static tn_status at_node(const tni_ruleset *of, const tni_yaml *node, tn_status status,
                         tn_error *err)
{
    tni_error_path(err, of->file);
    tni_error_place(err, node->line, node->column);
    return status;
}

/* Checks one tensor of the result. */
static tn_status check(const tni_ruleset *of, const tn_model *like, tn_str name, uint32_t rank,
                       const int64_t *shape, bool *met, tn_error *err)
{
    uint32_t index = tni_model_index(like, TN_SCHEME_NAME, name);
    char shown[TN_ERROR_SUBJECT], here[TNI_SHAPE_ROOM], there[TNI_SHAPE_ROOM];
    tn_escape(name, shown, sizeof shown);
    if (index == TN_NO_INDEX || index == TNI_INDEX_MANY) {
        return at_node(of, of->to.like_node,
                       tni_fail(err, TN_E_EXPECT, "'like': %s has no '%s'", like->path, shown),
                       err);
    }
    const tn_tensor *tensor = &like->tensors[index], own = {.rank = rank, .shape = shape};
    met[index] = true;
    if (tensor->rank == rank &&
        (rank == 0 || memcmp(tensor->shape, shape, rank * sizeof(int64_t)) == 0)) {
        return TN_OK;
    }
    tni_shape_text(&own, here);
    tni_shape_text(tensor, there);
    return at_node(of, of->to.like_node,
                   tni_fail(err, TN_E_EXPECT, "'like': '%s' has the shape %s, but in %s %s", shown,
                            here, like->path, there),
                   err);
}

/* Checks all that the stage leaves; met[i] says which tensors of the other model are there. */
static tn_status check_all(const tni_stage *stage, const tni_ruleset *of, const tn_model *like,
                           bool *met, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        const tn_tensor *tensor = &stage->model->tensors[i];
        const tni_decision *decision = &stage->decisions[i];
        bool foreign = tni_stage_input(stage, i) > 0 && decision->name.data == NULL;
        if (is_listed(tensor) && !foreign && !decision->dropped && !decision->consumed) {
            status =
                check(of, like, tni_stage_final(stage, i), tensor->rank, tensor->shape, met, err);
        }
    }
    for (size_t i = 0; status == TN_OK && i < stage->n_made; i++) {
        const tni_made *made = &stage->made[i];
        status = check(of, like, made->name, made->value.rank, made->value.shape, met, err);
    }
    return status;
}

static int by_text(const void *a, const void *b)
{
    const tn_str *x = a, *y = b;
    return tn_str_compare(*x, *y);
}

/* Asserts what the result lacks: so many tensors, or no others than those of a list. */
static tn_status check_lacking(const tni_ruleset *of, const tni_assertion *assertion,
                               const tn_model *like, const bool *met, tn_error *err)
{
    int64_t count = 0;
    tn_str first = TN_STR_NONE;
    for (size_t i = 0; i < like->count; i++) {
        tn_str name = like->tensors[i].alias[TN_SCHEME_NAME];
        bool named =
            assertion->names != NULL &&
            bsearch(&name, assertion->names, assertion->n_names, sizeof(tn_str), by_text) != NULL;
        if (is_listed(&like->tensors[i]) && !met[i] && !named) {
            first = count++ == 0 ? name : first;
        }
    }
    if (count == (assertion->names != NULL ? 0 : assertion->number)) {
        return TN_OK;
    }
    char shown[TN_ERROR_SUBJECT];
    tn_escape(first, shown, sizeof shown);
    return at_node(of, assertion->node,
                   tni_fail(err, TN_E_EXPECT,
                            "'unmatched_target': the result lacks %" PRId64 " tensor%s of %s%s%s%s",
                            count, count == 1 ? "" : "s", like->path,
                            assertion->names != NULL ? " besides" : "", count > 0 ? ": " : "",
                            count > 0 ? shown : ""),
                   err);
}

tn_status tni_guard_like(tni_stage *stage, const tni_ruleset *of, tn_error *err)
{
    const tn_model *like = tni_inputs_find(stage->inputs, of->to.like)->model;
    void *block = NULL;
    tn_status status = tni_alloc_array(stage->model->ctx, like->count, sizeof(bool), &block, err);
    if (status == TN_OK) {
        status = check_all(stage, of, like, block, err);
    }
    for (size_t i = 0; status == TN_OK && i < of->n_assertions; i++) {
        if (of->assertions[i].kind == TNI_ASSERT_UNMATCHED_TARGET) {
            status = check_lacking(of, &of->assertions[i], like, block, err);
        }
    }
    tni_free(stage->model->ctx, block);
    return status;
}
