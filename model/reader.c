/* The value reader: start, next, end; streaming of tensors that are whole leaves in order. */
#include "model/reader.h"
#include "core/error.h"

#include <inttypes.h>

enum { SLAB = 1 << 20 };

tn_status tn_reader_new(tn_context *ctx, bool check, tn_reader **reader_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_reader), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_reader *reader = block;
    reader->ctx = ctx;
    reader->check = check;
    reader->budget = TNI_READER_BUDGET;
    reader->slab = SLAB;
    tni_arena_init(&reader->strings, ctx, 0);
    *reader_out = reader;
    return TN_OK;
}

void tn_reader_free(tn_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    tn_context *ctx = reader->ctx;
    tni_arena_clear(&reader->strings);
    tni_free(ctx, reader->stage);
    tni_free(ctx, reader->ahead);
    tni_free(ctx, reader->chunk);
    tni_free(ctx, reader->raw);
    tni_free(ctx, reader->staged);
    tni_free(ctx, reader->levels);
    tni_free(ctx, reader->dims);
    tni_free(ctx, reader);
}

tn_status tni_reader_chunk(tn_reader *reader, tn_error *err)
{
    return reader->chunk != NULL ? TN_OK
                                 : tni_alloc(reader->ctx, reader->slab, &reader->chunk, err);
}

/* Makes a block hold at least `bytes`. */
static tn_status make_room(tn_context *ctx, void **block, size_t *room, size_t bytes, tn_error *err)
{
    if (*room >= bytes) {
        return TN_OK;
    }
    /* Freed first: the old content is of no use, and only one of the two should ever exist. */
    tni_free(ctx, *block);
    *block = NULL;
    *room = 0;
    tn_status status = tni_alloc(ctx, bytes, block, err);
    if (status == TN_OK) {
        *room = bytes;
    }
    return status;
}

tn_status tni_reader_stage(tn_reader *reader, size_t bytes, tn_error *err)
{
    return make_room(reader->ctx, &reader->stage, &reader->stage_room, bytes, err);
}

/* Tells whether the pieces are whole leaves that follow each other without a gap. */
static bool streams(const tn_tensor *tensor)
{
    int64_t end = 0;
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        const tni_piece *piece = &tensor->pieces[i];
        int64_t elements = tni_map_elements(&piece->map);
        if (elements != piece->leaf->elements || elements > tensor->elements - end) {
            return false;
        }
        /* A run of as many elements as the leaf has is the whole leaf. */
        if (elements > 0 && (piece->map.to != end || !tni_map_is_run(&piece->map))) {
            return false;
        }
        end += elements;
    }
    return end == tensor->elements;
}

tn_status tn_reader_start(tn_reader *reader, const tn_tensor *tensor, tn_error *err)
{
    tni_arena_clear(&reader->strings);
    reader->mode = TNI_READ_IDLE;
    reader->tensor = tensor;
    reader->position = 0;
    reader->ahead_count = 0;
    tn_status status = tni_reader_accepts(tensor, err);
    if (status == TN_OK && streams(tensor)) {
        reader->mode = TNI_READ_STREAM;
        reader->piece = 0;
        reader->done = 0;
        reader->crc = 0;
    } else if (status == TN_OK) {
        status = tni_reader_prepare(reader, tensor, 0, tensor->elements, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
    }
    return status;
}

/* Closes the piece at hand, which was read to its end, and steps to the next one. */
static tn_status next_piece(tn_reader *reader, tn_error *err)
{
    const tni_leaf *leaf = reader->tensor->pieces[reader->piece].leaf;
    if (reader->check && leaf->kind != TNI_LEAF_DECODER) {
        tn_status status = tni_leaf_compare(leaf, reader->crc, err);
        if (status != TN_OK) {
            return status;
        }
    }
    reader->piece++;
    reader->done = 0;
    reader->crc = 0;
    return TN_OK;
}

/* Reads `count` > 0 elements of the piece at hand. */
static tn_status stream_piece(tn_reader *reader, int64_t count, void *out, tn_error *err)
{
    const tni_leaf *leaf = reader->tensor->pieces[reader->piece].leaf;
    tn_status status = TN_OK;
    if (reader->done == 0 && leaf->kind == TNI_LEAF_DECODER && count < leaf->elements) {
        /* A decoder that is asked for parts cannot check a sum over the whole. */
        status = tni_leaf_prove(reader, leaf, err);
    }
    if (status == TN_OK) {
        status = tni_leaf_fetch(reader, leaf, reader->done, count, out,
                                reader->check ? &reader->crc : NULL, err);
    }
    if (status == TN_OK) {
        reader->done += count;
    }
    return status;
}

static tn_status stream(tn_reader *reader, int64_t count, void *out, tn_error *err)
{
    char *to = out;
    tn_status status = TN_OK;
    while (status == TN_OK && count > 0) {
        const tni_leaf *leaf = reader->tensor->pieces[reader->piece].leaf;
        int64_t left = leaf->elements - reader->done;
        if (left == 0) {
            status = next_piece(reader, err);
            continue;
        }
        int64_t part = count < left ? count : left;
        status = stream_piece(reader, part, to, err);
        count -= part;
        /* Only whole bytes come this far; tni_leaf_fetch refuses others. */
        to += (uint64_t)part * tn_dtype_about(reader->tensor->dtype)->bits / 8;
    }
    return status;
}

/* Computes elements from `first` on, as many as there is room for. */
static tn_status look_ahead(tn_reader *reader, int64_t first, int64_t count, tn_error *err)
{
    reader->ahead_count = 0;
    tn_status status = make_room(reader->ctx, &reader->ahead, &reader->ahead_room,
                                 (size_t)count * reader->unit, err);
    if (status == TN_OK) {
        status = tni_reader_span(reader, first, count, reader->ahead, err);
    }
    if (status == TN_OK) {
        reader->ahead_first = first;
        reader->ahead_count = count;
    }
    return status;
}

/* Returns how many elements are computed at a time for one who asks for `count`. */
static int64_t far_ahead(const tn_reader *reader, int64_t count)
{
    int64_t most = (int64_t)(reader->budget / reader->unit) * TNI_READER_AHEAD;
    return count < most / TNI_READER_FORESIGHT ? count * TNI_READER_FORESIGHT : most;
}

/* Gives elements of a staged or tiled tensor. */
static tn_status compute(tn_reader *reader, int64_t count, void *out, tn_error *err)
{
    int64_t most = far_ahead(reader, count);
    int64_t at = reader->position;
    char *to = out;
    tn_status status = TN_OK;
    while (status == TN_OK && count > 0) {
        int64_t held = reader->ahead_first + reader->ahead_count - at;
        int64_t left = reader->tensor->elements - at;
        int64_t part = left < most ? left : most;
        if (reader->ahead_count > 0 && held > 0) {
            part = held < count ? held : count;
            memcpy(to, (char *)reader->ahead + (size_t)(at - reader->ahead_first) * reader->unit,
                   (size_t)part * reader->unit);
        } else if (part <= count) {
            status = tni_reader_span(reader, at, part, to, err);
        } else {
            status = look_ahead(reader, at, part, err);
            continue;
        }
        at += part;
        count -= part;
        to += (size_t)part * reader->unit;
    }
    return status;
}

tn_status tni_reader_take(tn_reader *reader, int64_t count, void *room, const void **data_out,
                          tn_error *err)
{
    bool computed = reader->mode == TNI_READ_STAGED || reader->mode == TNI_READ_TILED;
    int64_t at = reader->position;
    *data_out = room;
    if (!computed || count <= 0 || count > reader->tensor->elements - at) {
        return tn_reader_next(reader, count, room, err);
    }
    if (reader->ahead_count == 0 || at + count > reader->ahead_first + reader->ahead_count) {
        int64_t left = reader->tensor->elements - at, most = far_ahead(reader, count);
        int64_t part = left < most ? left : most;
        if (part <= count || reader->ahead_first + reader->ahead_count > at) {
            return tn_reader_next(reader, count, room, err);
        }
        tn_status status = look_ahead(reader, at, part, err);
        if (status != TN_OK) {
            tni_error_subject(err, reader->tensor->alias[TN_SCHEME_NAME]);
            return status;
        }
    }
    *data_out = (const char *)reader->ahead + (size_t)(at - reader->ahead_first) * reader->unit;
    reader->position += count;
    return TN_OK;
}

tn_status tn_reader_next(tn_reader *reader, int64_t count, void *out, tn_error *err)
{
    const tn_tensor *tensor = reader->tensor;
    tn_status status;
    if (reader->mode == TNI_READ_IDLE || count < 0 || count > tensor->elements - reader->position) {
        status =
            tni_fail(err, TN_E_USAGE,
                     "%" PRId64 " elements were asked for behind the end of the tensor", count);
    } else if (reader->mode == TNI_READ_STREAM) {
        status = stream(reader, count, out, err);
        if (status == TN_OK) {
            tni_clear_high_bits(tensor->dtype, out, count);
        }
    } else {
        status = compute(reader, count, out, err);
    }
    if (status == TN_OK) {
        reader->position += count;
    } else if (tensor != NULL) {
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
    }
    return status;
}

tn_status tn_reader_end(tn_reader *reader, tn_error *err)
{
    const tn_tensor *tensor = reader->tensor;
    tn_status status = TN_OK;
    if (reader->mode != TNI_READ_IDLE && reader->position < tensor->elements) {
        status = tni_fail(err, TN_E_USAGE,
                          "the tensor was ended after %" PRId64 " of its %" PRId64 " elements",
                          reader->position, tensor->elements);
    }
    while (status == TN_OK && reader->mode == TNI_READ_STREAM && reader->piece < tensor->n_pieces) {
        status = next_piece(reader, err);
    }
    reader->mode = TNI_READ_IDLE;
    if (status != TN_OK) {
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
    }
    return status;
}
