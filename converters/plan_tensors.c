/* The tensors of a plan: whether the target can hold them, where they come from, what they cost. */
#include "converters/plan.h"
#include "core/error.h"
#include <stdio.h>

bool tni_piece_is_plain(const tni_piece *piece)
{
    const tni_leaf *leaf = piece->leaf;
    bool masked = leaf->dtype == TN_INT2 || leaf->dtype == TN_INT4 || leaf->dtype == TN_UINT2 ||
                  leaf->dtype == TN_UINT4; /* high bits are cleared on the way */
    return leaf->kind == TNI_LEAF_RANGE && leaf->encoding == TNI_ENCODING_RAW && !masked &&
           leaf->cast == NULL && tni_map_is_run(&piece->map) && piece->map.from == 0 &&
           tni_map_elements(&piece->map) == leaf->elements;
}

bool tni_tensor_is_plain(const tn_tensor *tensor)
{
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        if (!tni_piece_is_plain(&tensor->pieces[i])) {
            return false;
        }
    }
    return true;
}

bool tni_same_form(const tn_tensor *found, const tn_tensor *wanted, tn_dtype dtype)
{
    return found->dtype == dtype && found->rank == wanted->rank &&
           (found->rank == 0 ||
            memcmp(found->shape, wanted->shape, found->rank * sizeof(int64_t)) == 0);
}

static tn_status cannot_hold(const tn_plan *plan, const tn_tensor *tensor, const char *why,
                             const char *hint, tn_error *err)
{
    tn_str name = tensor->alias[TN_SCHEME_NAME];
    tn_status status = tni_fail(err, TN_E_CANNOT_HOLD, "%s cannot hold this tensor: %s",
                                plan->target.format->name, why);
    tni_error_path(err, plan->target.path);
    tni_error_subject(err, name);
    if (hint != NULL) {
        tni_error_hint(err, "%s", hint);
    } else {
        tni_error_hint(err, "leave it out: --drop '%.*s'", (int)name.len, name.data);
    }
    return status;
}

/* Checks that the target can hold one tensor, and says how it is stored. */
static tn_status check_tensor(tn_plan *plan, const tn_tensor *tensor, tn_plan_tensor *entry,
                              tn_error *err)
{
    const tni_writer_ops *writer = plan->target.format->writer;
    const char *why = NULL;
    const tn_dtype_info *dtype = tn_dtype_about(tensor->dtype);
    tni_store_rule rule = writer->stores(tensor->dtype);
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        if (tensor->pieces[i].leaf->kind == TNI_LEAF_ABSENT) {
            return cannot_hold(plan, tensor, "the input holds no values for it", NULL, err);
        }
    }
    const tni_layout *layout = &plan->write.layout;
    if (!(layout->name_ok != NULL ? layout->name_ok
                                  : writer->name_ok)(tensor->alias[TN_SCHEME_NAME], &why)) {
        return cannot_hold(plan, tensor, why, NULL, err);
    }
    if (rule.how == TNI_STORE_REFUSED) {
        char text[80];
        snprintf(text, sizeof text, "there is no dtype %s in it", dtype->name);
        return cannot_hold(plan, tensor, text, rule.hint, err);
    }
    entry->dtype = tensor->dtype;
    if (rule.how == TNI_STORE_AS_OTHER) {
        entry->dtype = rule.as;
        return tni_plan_lose(plan, TN_LOSS_STRUCTURE, tensor->alias[TN_SCHEME_NAME], NULL, err,
                             "%s is written as %s", dtype->name, tn_dtype_about(rule.as)->name);
    }
    return TN_OK;
}

/* Says where a tensor comes from, and by which rule and operations. */
static tn_status trace(tn_plan *plan, const tn_tensor *tensor, const tn_tensor **origin,
                       tn_plan_tensor *entry, tn_error *err)
{
    *origin = &tensor->origin->tensors[tensor->origin_index];
    *entry = (tn_plan_tensor){
        .name = tensor->alias[TN_SCHEME_NAME], .tensor = tensor, .from = origin, .n_from = 1};
    if (tensor->origin == plan->mapped) {
        entry->n_from = 0; /* the layout needs it */
        return TN_OK;
    }
    if (plan->named == NULL) {
        return TN_OK;
    }
    uint32_t number = plan->named[tensor - plan->written->tensors];
    if (plan->like.model != NULL) {
        const tni_like_pair *pair = &plan->like.pair[number];
        entry->paired_by = pair->by;
        number = pair->source;
        if (number == TN_NO_INDEX) {
            return pair->fill == 0
                       ? TN_OK
                       : tni_arena_format(&plan->arena, &entry->rule, err, "--fill %u", pair->fill);
        }
        const tn_tensor *given = &plan->like.in->tensors[number];
        *origin = &given->origin->tensors[given->origin_index];
    }
    if (plan->naming.sets.count == 0) {
        return TN_OK;
    }
    const tni_history *history =
        plan->naming.history == NULL ? NULL : &plan->naming.history[number];
    entry->rule = plan->naming.rule[number];
    if (history == NULL || history->from == NULL) {
        return TN_OK;
    }
    void *block;
    tn_status status =
        tni_arena_array(&plan->arena, history->n_from, sizeof(tn_tensor *), &block, err);
    const tn_tensor **from = block;
    for (uint32_t i = 0; status == TN_OK && i < history->n_from; i++) {
        from[i] = tni_naming_origin(&plan->naming, history->from[i]);
    }
    entry->from = from;
    entry->n_from = history->n_from;
    entry->ops = history->ops;
    entry->n_ops = history->n_ops;
    return status;
}

/* Says that values are widened to the dtype of --like's tensor. */
static tn_status note_widening(tn_plan *plan, tn_plan_tensor *entry, tn_error *err)
{
    if (plan->like.model == NULL || entry->tensor->origin == plan->mapped) {
        return TN_OK;
    }
    uint32_t source = plan->like.pair[plan->named[entry->tensor - plan->written->tensors]].source;
    tn_dtype own = entry->tensor->dtype;
    if (source == TN_NO_INDEX || plan->like.in->tensors[source].dtype == own) {
        return TN_OK;
    }
    void *block;
    tn_status status = tni_arena_array(&plan->arena, entry->n_ops + 1, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *ops = block;
    for (size_t i = 0; i < entry->n_ops; i++) {
        ops[i] = entry->ops[i];
    }
    entry->ops = ops;
    return tni_arena_format(&plan->arena, &ops[entry->n_ops++], err, "cast %s",
                            tn_dtype_about(own)->name);
}

/* Says which values change their dtype, and whether that may round them. A cast was asked for, so
 * its loss is declared. */
static tn_status note_cast(tn_plan *plan, tn_plan_tensor *entry, tn_error *err)
{
    const tn_tensor *tensor = entry->tensor;
    const tni_leaf *leaf = tensor->n_pieces == 0 ? NULL : tensor->pieces[0].leaf;
    if (leaf == NULL || leaf->cast == NULL || tn_cast_lossless(leaf->cast->from, leaf->dtype)) {
        return TN_OK;
    }
    const tn_dtype_info *from = tn_dtype_about(leaf->cast->from), *to = tn_dtype_about(leaf->dtype);
    bool from_real = from->kind == TN_KIND_FLOAT || from->kind == TN_KIND_COMPLEX;
    bool to_real = to->kind == TN_KIND_FLOAT || to->kind == TN_KIND_COMPLEX;
    if (!from_real && !to_real && leaf->cast->overflow == TN_OVERFLOW_ERROR) {
        return TN_OK; /* what does not fit ends the command */
    }
    const char *how = to_real ? "rounded" : from_real ? "truncated" : "clamped";
    tn_status status = tni_plan_lose(plan, TN_LOSS_VALUE, entry->name, NULL, err, "%s is %s to %s",
                                     from->name, how, to->name);
    if (status == TN_OK) {
        plan->losses[plan->n_losses - 1].declared = true;
        entry->loss = plan->losses[plan->n_losses - 1].message;
    }
    return status;
}

/* Tells whether a tensor was stored in slices, and the target will not keep them. */
static bool loses_slices(const tn_plan *plan, const tn_tensor *origin, const tn_tensor *tensor)
{
    return origin->n_slices > 0 &&
           (plan->target.format != plan->source->format || tensor->n_slices == 0);
}

/* Fills the plan's entry of one tensor; `origin` is where its list of origins goes. */
static tn_status describe(tn_plan *plan, const tn_tensor *tensor, const tn_tensor **origin,
                          tn_plan_tensor *entry, tn_error *err)
{
    tn_status status = trace(plan, tensor, origin, entry, err);
    if (status == TN_OK) {
        status = check_tensor(plan, tensor, entry, err);
    }
    if (tni_tensor_is_plain(tensor) || tn_dtype_about(tensor->dtype)->bits == 0) {
        entry->copied = tensor->bytes;
    } else {
        entry->computed = tensor->bytes;
    }
    plan->copied += entry->copied;
    plan->computed += entry->computed;
    if (status == TN_OK) {
        status = note_cast(plan, entry, err);
    }
    if (status == TN_OK) {
        status = note_widening(plan, entry, err);
    }
    if (status == TN_OK && loses_slices(plan, *origin, tensor)) {
        status = tni_plan_lose(plan, TN_LOSS_STRUCTURE, entry->name, NULL, err,
                               "its %u partitions are written as one tensor", (*origin)->n_slices);
    }
    return status;
}

tn_status tni_plan_describe(tn_plan *plan, tn_error *err)
{
    void *tensors, *origins;
    size_t count = plan->written->count;
    tn_status status = tni_arena_array(&plan->arena, count, sizeof(tn_plan_tensor), &tensors, err);
    if (status == TN_OK) {
        status = tni_arena_array(&plan->arena, count, sizeof(tn_tensor *), &origins, err);
    }
    if (status != TN_OK) {
        return status;
    }
    plan->tensors = tensors;
    plan->n_tensors = count;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = describe(plan, &plan->written->tensors[i], (const tn_tensor **)origins + i,
                          &plan->tensors[i], err);
    }
    return status;
}
