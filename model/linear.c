#include "model/linear.h"

#include "core/error.h"
#include "model/reader.h"

#include <inttypes.h>
#include <pthread.h>

enum {
    TILE = 4096,              /* elements that are summed at a time */
    OPERAND_BUDGET = 2 << 20, /* bytes that one operand's reader stages */
    WIDEST = 8                /* bytes of a real float */
};

typedef struct operand {
    tn_tensor tensor;
    double scale;
    tn_reader *reader;
    bool prepared;
} operand;

/* A sum. Its buffers are one thread's at a time. */
typedef struct linear {
    pthread_mutex_t lock;
    tn_context *ctx;
    operand *operands;
    uint32_t count;
    double constant, divisor;
    double sum[TILE], term[TILE];
    unsigned char stored[TILE * WIDEST];
} linear;

static tn_status prepare(const linear *l, operand *o, tn_error *err)
{
    if (o->prepared) {
        return TN_OK;
    }
    tn_status status = TN_OK;
    if (o->reader == NULL) {
        status = tn_reader_new(l->ctx, true, &o->reader, err);
    }
    if (status == TN_OK) {
        o->reader->budget = OPERAND_BUDGET;
        status = tni_reader_accepts(&o->tensor, err);
    }
    if (status == TN_OK) {
        status = tni_reader_prepare(o->reader, &o->tensor, 0, o->tensor.elements, err);
    }
    o->prepared = status == TN_OK;
    return status;
}

/* Adds one operand's elements to the sum. */
static tn_status add_operand(linear *l, operand *o, int64_t first, size_t count, tn_error *err)
{
    tn_status status = prepare(l, o, err);
    if (status == TN_OK) {
        status = tni_reader_span(o->reader, first, (int64_t)count, l->stored, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, o->tensor.alias[TN_SCHEME_NAME]);
        return status;
    }
    tn_cast(o->tensor.dtype, TN_FLOAT64, TN_OVERFLOW_IEEE, l->stored, l->term, count, NULL);
    for (size_t i = 0; i < count; i++) {
        l->sum[i] += o->scale * l->term[i];
    }
    return TN_OK;
}

static tn_status sum_tile(linear *l, const tni_leaf *leaf, int64_t first, size_t count, void *out,
                          tn_error *err)
{
    tn_status status = tni_cancelled(l->ctx, err);
    memset(l->sum, 0, sizeof l->sum);
    for (uint32_t k = 0; status == TN_OK && k < l->count; k++) {
        status = add_operand(l, &l->operands[k], first, count, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_cast_stats stats = {0};
    for (size_t i = 0; i < count; i++) {
        l->sum[i] = (l->sum[i] + l->constant) / l->divisor;
    }
    tn_cast(TN_FLOAT64, leaf->dtype, TN_OVERFLOW_ERROR, l->sum, out, count, &stats);
    if (stats.overflows > 0) {
        status = tni_fail(err, TN_E_OVERFLOW,
                          "%" PRIu64 " of its sums from element %" PRId64 " on do not fit %s",
                          stats.overflows, first, tn_dtype_about(leaf->dtype)->name);
    }
    return status;
}

static tn_status decode(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                        tni_arena *arena, tn_error *err)
{
    (void)arena;
    linear *l = (linear *)(uintptr_t)leaf->decoder_state;
    size_t unit = tn_dtype_about(leaf->dtype)->bits / 8;
    char *to = out;
    tn_status status = TN_OK;
    pthread_mutex_lock(&l->lock);
    while (status == TN_OK && count > 0) {
        size_t part = count < TILE ? (size_t)count : TILE;
        status = sum_tile(l, leaf, (int64_t)first, part, to, err);
        first += part;
        count -= part;
        to += part * unit;
    }
    pthread_mutex_unlock(&l->lock);
    return status;
}

static const tni_decoder decoder = {.decode = decode};

static void close_linear(void *state)
{
    linear *l = state;
    for (uint32_t k = 0; k < l->count; k++) {
        tn_reader_free(l->operands[k].reader);
    }
    pthread_mutex_destroy(&l->lock);
}

/* Makes the sum's record, which ends with the model. */
static tn_status make(tn_model *model, const tni_linear *from, linear **linear_out, tn_error *err)
{
    void *block, *operands;
    tn_status status = tni_arena_alloc(&model->arena, sizeof(linear), &block, err);
    if (status == TN_OK) {
        status = tni_arena_array(&model->arena, from->count, sizeof(operand), &operands, err);
    }
    if (status != TN_OK) {
        return status;
    }
    linear *l = block;
    pthread_mutex_init(&l->lock, NULL);
    l->ctx = model->ctx;
    l->operands = operands;
    l->count = from->count;
    l->constant = from->constant;
    l->divisor = from->divisor;
    for (uint32_t k = 0; k < from->count; k++) {
        l->operands[k].tensor = *from->operands[k].tensor;
        l->operands[k].scale = from->operands[k].scale;
    }
    status = tni_model_close_with(model, close_linear, l, err);
    if (status == TN_OK) {
        *linear_out = l;
    }
    return status;
}

tn_status tni_linear_leaf(tn_model *model, const tni_linear *sum, tn_dtype dtype,
                          const tni_leaf **leaf_out, tn_error *err)
{
    void *block;
    linear *l = NULL;
    tn_status status = make(model, sum, &l, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(&model->arena, sizeof(tni_leaf), &block, err);
    }
    if (status == TN_OK) {
        tni_leaf *leaf = block;
        *leaf = (tni_leaf){.kind = TNI_LEAF_DECODER,
                           .encoding = TNI_ENCODING_BLOCKS,
                           .dtype = dtype,
                           .elements = l->operands[0].tensor.elements,
                           .decoder = &decoder,
                           .decoder_state = l,
                           .ctx = model->ctx};
        *leaf_out = leaf;
    }
    return status;
}
