/* Filling a model. */
#include "model/model.h"

#include "core/checked.h"
#include "core/error.h"
#include "model/lookup_table.h"

tn_status tni_model_new(tn_context *ctx, tn_model **model_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_model), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_model *model = block;
    model->ctx = ctx;
    tni_arena_init(&model->arena, ctx, ctx->limits.memory);
    model->path = model->resolved = model->layout = "";
    model->findings = tn_report_new(ctx);
    status = model->findings != NULL ? tni_lookup_new(ctx, &model->lookup, err)
                                     : tni_fail(err, TN_E_NOMEM, "out of memory");
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    return TN_OK;
}

void tn_model_free(tn_model *model)
{
    if (model == NULL) {
        return;
    }
    tn_context *ctx = model->ctx;
    for (size_t i = model->n_closers; i > 0; i--) {
        model->closers[i - 1].close(model->closers[i - 1].state);
    }
    tni_free(ctx, model->closers);
    for (size_t i = 0; i < model->n_sources; i++) {
        tni_source_release(model->sources[i]);
    }
    tni_free(ctx, model->sources);
    tni_free(ctx, model->tensors);
    tni_free(ctx, model->files);
    tni_free(ctx, model->metadata);
    tni_free(ctx, model->producer);
    tni_free(ctx, model->carriers);
    tni_lookup_free(ctx, model->lookup);
    tn_report_free(model->findings);
    tni_arena_clear(&model->arena);
    tni_free(ctx, model);
}

/* Makes room for one more element of `size` bytes in a growing array. */
static tn_status grow(tn_context *ctx, void **array, size_t count, size_t *room, size_t size,
                      tn_error *err)
{
    if (count < *room) {
        return TN_OK;
    }
    size_t more = *room == 0 ? 8 : *room * 2;
    uint64_t bytes;
    if (!tni_mul_u64(more, size, &bytes)) {
        return tni_fail(err, TN_E_NOMEM, "out of memory");
    }
    tn_status status = tni_resize(ctx, array, bytes, err);
    if (status == TN_OK) {
        *room = more;
    }
    return status;
}

#define GROW(model, array, count, room, err)                                     \
    grow((model)->ctx, (void **)&(model)->array, (model)->count, &(model)->room, \
         sizeof *(model)->array, (err))

tn_status tni_model_reserve(tn_model *model, size_t count, tn_error *err)
{
    tn_status status = tni_check_limit(count, model->ctx->limits.tensors, "tensors", err);
    void *tensors = model->tensors;
    if (status == TN_OK && count > model->room) {
        status = tni_resize(model->ctx, &tensors, count * sizeof(tn_tensor), err);
        model->tensors = tensors;
        model->room = status == TN_OK ? count : model->room;
    }
    return status;
}

tn_status tni_model_add(tn_model *model, tn_tensor **tensor_out, tn_error *err)
{
    tn_status status =
        tni_check_limit(model->count + 1, model->ctx->limits.tensors, "tensors", err);
    if (status == TN_OK) {
        status = GROW(model, tensors, count, room, err);
    }
    if (status == TN_OK) {
        tn_tensor *tensor = &model->tensors[model->count++];
        *tensor = (tn_tensor){.elements = -1, .slot_of = TN_NO_INDEX};
        *tensor_out = tensor;
    }
    return status;
}

tn_status tni_model_keep(tn_model *model, tn_source *source, tn_error *err)
{
    tn_status status = GROW(model, sources, n_sources, sources_room, err);
    if (status != TN_OK) {
        tni_source_release(source);
        return status;
    }
    model->sources[model->n_sources++] = source;
    return TN_OK;
}

tn_status tni_model_close_with(tn_model *model, void (*close)(void *state), void *state,
                               tn_error *err)
{
    tn_status status = GROW(model, closers, n_closers, closers_room, err);
    if (status != TN_OK) {
        close(state);
        return status;
    }
    model->closers[model->n_closers++] = (tni_closer){close, state};
    return TN_OK;
}

tn_status tni_model_file(tn_model *model, tn_str name, uint64_t bytes, tn_error *err)
{
    tn_str copy;
    tn_status status = GROW(model, files, n_files, files_room, err);
    if (status == TN_OK && (status = tni_arena_str(&model->arena, name, &copy, err)) == TN_OK) {
        model->files[model->n_files++] = (tn_model_file){copy, bytes};
    }
    return status;
}

/* Copies a pair into the model's arena. */
static tn_status copy_pair(tn_model *model, tn_str key, tn_str value, tn_pair *pair_out,
                           tn_error *err)
{
    tn_pair pair;
    tn_status status = tni_arena_str(&model->arena, key, &pair.key, err);
    if (status == TN_OK) {
        status = tni_arena_str(&model->arena, value, &pair.value, err);
    }
    if (status == TN_OK) {
        *pair_out = pair;
    }
    return status;
}

tn_status tni_model_metadata_add(tn_model *model, tn_str key, tn_str value, tn_error *err)
{
    tn_status status = GROW(model, metadata, n_metadata, metadata_room, err);
    if (status == TN_OK) {
        status = copy_pair(model, key, value, &model->metadata[model->n_metadata], err);
    }
    model->n_metadata += status == TN_OK;
    return status;
}

tn_status tni_model_producer_add(tn_model *model, tn_str key, tn_str value, tn_error *err)
{
    tn_status status = GROW(model, producer, n_producer, producer_room, err);
    if (status == TN_OK) {
        status = copy_pair(model, key, value, &model->producer[model->n_producer], err);
    }
    model->n_producer += status == TN_OK;
    return status;
}

tn_status tni_model_carry(tn_model *model, const char *family, tn_str bytes, tn_error *err)
{
    tn_str copy;
    tn_status status = GROW(model, carriers, n_carriers, carriers_room, err);
    if (status == TN_OK && (status = tni_arena_str(&model->arena, bytes, &copy, err)) == TN_OK) {
        model->carriers[model->n_carriers++] = (tni_carrier){family, copy};
    }
    return status;
}

const tni_carrier *tni_model_carrier(const tn_model *model, const char *family)
{
    for (size_t i = 0; i < model->n_carriers; i++) {
        if (strcmp(model->carriers[i].family, family) == 0) {
            return &model->carriers[i];
        }
    }
    return NULL;
}

tn_status tni_tensor_form(tn_model *model, tn_tensor *tensor, tn_dtype dtype, uint32_t rank,
                          const int64_t *shape, tn_error *err)
{
    tn_str name = tensor->alias[TN_SCHEME_NAME];
    tn_status status = tni_check_limit(rank, model->ctx->limits.rank, "rank", err);
    int64_t elements = 0;
    uint64_t bytes = 0;
    if (status == TN_OK && (!tni_shape_elements(shape, rank, &elements) ||
                            (tn_dtype_about(dtype)->bits != 0 &&
                             !tn_dtype_bytes(dtype, (uint64_t)elements, &bytes)))) {
        status = tni_fail(err, TN_E_CORRUPT, "the shape's size does not fit 63 bits");
    }
    void *copy = NULL;
    if (status == TN_OK) {
        status = tni_arena_array(&model->arena, rank, sizeof(int64_t), &copy, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, name);
        return status;
    }
    if (rank != 0) {
        memcpy(copy, shape, rank * sizeof(int64_t));
    }
    tensor->shape = copy;
    tensor->rank = rank;
    tensor->dtype = dtype;
    tensor->elements = elements;
    tensor->bytes = bytes;
    return TN_OK;
}

void tni_whole_piece_init(tni_whole_piece *whole, tn_dtype dtype, int64_t elements, tn_context *ctx)
{
    whole->leaf = (tni_leaf){.dtype = dtype, .elements = elements, .ctx = ctx};
    whole->piece.leaf = &whole->leaf;
    tni_map_whole(elements, &whole->dim, &whole->piece.map);
}

tn_status tni_tensor_leaf(tn_model *model, tn_tensor *tensor, tni_leaf **leaf_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(&model->arena, sizeof(tni_whole_piece), &block, err);
    if (status == TN_OK) {
        tni_whole_piece *whole = block;
        tni_whole_piece_init(whole, tensor->dtype, tensor->elements, model->ctx);
        tensor->pieces = &whole->piece;
        tensor->n_pieces = 1;
        *leaf_out = &whole->leaf;
    }
    return status;
}

uint64_t tni_model_memory(const tn_model *model)
{
    return model->arena.used + model->room * sizeof(tn_tensor);
}

const tn_model *tni_model_root(const tn_model *model)
{
    while (model->base != NULL) {
        model = model->base;
    }
    return model;
}
