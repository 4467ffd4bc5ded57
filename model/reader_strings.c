/* Reading of string tensors, whole. */
#include "core/checked.h"
#include "core/error.h"
#include "model/reader.h"

/* tni_map_gather moves elements of 8 or 16 bytes, so it can move views of strings. */
_Static_assert(sizeof(tn_str) == 16 || sizeof(tn_str) == 8, "a tn_str is one gathered element");

static tn_status accept_strings(const tn_reader *reader, const tn_tensor *tensor,
                                uint64_t *array_out, tn_error *err)
{
    uint64_t limit = reader->ctx->limits.decoded_bytes;
    if (tensor->dtype != TN_STRING) {
        return tni_fail(err, TN_E_UNSUPPORTED, "its dtype is %s, not string",
                        tn_dtype_about(tensor->dtype)->name);
    }
    uint64_t stored = 0;
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        const tni_leaf *leaf = tensor->pieces[i].leaf;
        if (leaf->kind != TNI_LEAF_DECODER || leaf->elements < 0) {
            return tni_fail(err, TN_E_UNSUPPORTED, "the file holds no values for it");
        }
        stored = tni_add_u64(stored, leaf->bytes, &stored) ? stored : UINT64_MAX;
    }
    if (tensor->elements < 0 || (tensor->n_pieces == 0 && tensor->elements > 0)) {
        return tni_fail(err, TN_E_UNSUPPORTED, "the file holds no values for it");
    }
    if (!tni_mul_u64((uint64_t)tensor->elements, sizeof(tn_str), array_out)) {
        *array_out = UINT64_MAX;
    }
    tn_status status = tni_check_limit(stored, limit, "decoded-bytes", err);
    return status == TN_OK ? tni_check_limit(*array_out, limit, "decoded-bytes", err) : status;
}

/* Decodes one piece's leaf and puts its strings where the map says. */
static tn_status read_piece(tn_reader *reader, const tn_tensor *tensor, const tni_piece *piece,
                            tn_str *strings, tn_error *err)
{
    const tni_leaf *leaf = piece->leaf;
    tn_str *decoded = strings;
    bool whole = leaf->elements == tensor->elements && tni_map_is_run(&piece->map);
    if (!whole) {
        void *block;
        tn_status status =
            tni_arena_array(&reader->strings, (size_t)leaf->elements, sizeof(tn_str), &block, err);
        if (status != TN_OK) {
            return status;
        }
        decoded = block;
    }
    tn_status status =
        leaf->decoder->decode(leaf, 0, (uint64_t)leaf->elements, decoded, &reader->strings, err);
    if (status == TN_OK && !whole) {
        tni_map_gather(&piece->map, 0, tensor->elements, decoded, 0, sizeof(tn_str), strings);
    }
    return status;
}

tn_status tn_reader_strings(tn_reader *reader, const tn_tensor *tensor, const tn_str **strings_out,
                            tn_error *err)
{
    uint64_t array = 0;
    void *block = NULL;
    reader->mode = TNI_READ_IDLE;
    tni_arena_clear(&reader->strings);
    tn_status status = accept_strings(reader, tensor, &array, err);
    if (status == TN_OK) {
        uint64_t limit = reader->ctx->limits.decoded_bytes;
        /* Views, for the tensor and for the leaves that it is gathered from, and what they show. */
        limit = limit > UINT64_MAX / 4 ? UINT64_MAX : limit * 4;
        tni_arena_init(&reader->strings, reader->ctx, limit);
        status = tni_arena_array(&reader->strings, (size_t)tensor->elements, sizeof(tn_str), &block,
                                 err);
    }
    for (uint32_t i = 0; status == TN_OK && tensor->elements > 0 && i < tensor->n_pieces; i++) {
        status = read_piece(reader, tensor, &tensor->pieces[i], block, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
        return status;
    }
    *strings_out = block;
    return TN_OK;
}
