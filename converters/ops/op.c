/* What the operations have in common: how many tensors they take, and the call of each. */
#include "converters/ops/op.h"

#include "converters/ops/kinds.h"
#include "core/error.h"

/* How an operation's inputs become outputs. */
typedef enum manner {
    EACH,    /* one by one */
    SPREADS, /* one becomes several */
    GATHERS  /* all become one */
} manner;

typedef struct about {
    const char *name;
    manner manner;
    union {
        tn_status (*each)(tni_feed *feed, size_t index, tni_value *value, tn_error *err);
        tn_status (*spread)(tni_feed *feed, tni_value **out_out, size_t *n_out, tn_error *err);
        tn_status (*gather)(tni_feed *feed, tni_value *value, tn_error *err);
    } call;
} about;

static const about operations[TNI_OP_COUNT] = {
    [TNI_OP_TRANSPOSE] = {"transpose", EACH, {.each = tni_op_transpose}},
    [TNI_OP_REARRANGE] = {"rearrange", EACH, {.each = tni_op_transpose}},
    [TNI_OP_RESHAPE] = {"reshape", EACH, {.each = tni_op_reshape}},
    [TNI_OP_PARTITION] = {"partition", EACH, {.each = tni_op_partition}},
    [TNI_OP_UNPARTITION] = {"unpartition", EACH, {.each = tni_op_unpartition}},
    [TNI_OP_SPLIT] = {"split", SPREADS, {.spread = tni_op_split}},
    [TNI_OP_UNSTACK] = {"unstack", SPREADS, {.spread = tni_op_unstack}},
    [TNI_OP_CONCAT] = {"concat", GATHERS, {.gather = tni_op_concat}},
    [TNI_OP_STACK] = {"stack", GATHERS, {.gather = tni_op_stack}},
};

const char *tni_op_name(tni_op_kind kind)
{
    return operations[kind].name;
}

static tn_status check_number(const about *operation, size_t n_in, tn_error *err)
{
    if (operation->manner == SPREADS && n_in != 1) {
        return tni_fail(err, TN_E_SHAPE, "%s takes one tensor, not %zu", operation->name, n_in);
    }
    if (operation->manner == GATHERS && n_in == 0) {
        return tni_fail(err, TN_E_SHAPE, "%s takes at least one tensor", operation->name);
    }
    return TN_OK;
}

static tn_status make_values(const about *operation, tni_feed *feed, tni_value **out_out,
                             size_t *n_out, tn_error *err)
{
    size_t count = operation->manner == GATHERS ? 1 : feed->n_in;
    void *block = NULL;
    tn_status status = tni_arena_array(feed->arena, count, sizeof(tni_value), &block, err);
    tni_value *values = block;
    if (status == TN_OK && operation->manner == GATHERS) {
        status = operation->call.gather(feed, values, err);
    }
    for (size_t i = 0; status == TN_OK && operation->manner == EACH && i < count; i++) {
        status = operation->call.each(feed, i, &values[i], err);
    }
    if (status == TN_OK) {
        *out_out = values;
        *n_out = count;
    }
    return status;
}

tn_status tni_op_apply(tni_arena *arena, const tni_op *op, const tni_value *in, size_t n_in,
                       uint64_t limit, tni_value **out_out, size_t *n_out, tn_error *err)
{
    const about *operation = &operations[op->kind];
    tni_feed feed;
    tn_status status = check_number(operation, n_in, err);
    if (status == TN_OK) {
        status = tni_feed_start(&feed, arena, op, in, n_in, limit, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (operation->manner == SPREADS) {
        return operation->call.spread(&feed, out_out, n_out, err);
    }
    return make_values(operation, &feed, out_out, n_out, err);
}
