/* How the elements of one leaf are fetched, and its stored sum checked. */
#include "core/crc32c.h"
#include "core/cursor.h"
#include "core/error.h"
#include "model/reader.h"

#include <inttypes.h>

static bool has_sum(const tn_reader *reader, const tni_leaf *leaf)
{
    return reader->check && leaf->sum_kind == TNI_SUM_CRC32C && leaf->kind != TNI_LEAF_DECODER;
}

/* Returns how many elements fit the slab; for packed dtypes a multiple of 8, so that they fill
 * whole bytes. */
static int64_t slab_elements(const tn_reader *reader, tn_dtype dtype)
{
    unsigned bits = tn_dtype_about(dtype)->bits;
    uint64_t elements = (uint64_t)reader->slab * 8 / bits;
    return (int64_t)(bits % 8 == 0 ? elements : elements / 8 * 8);
}

/* Computes the bytes of `elements` elements. Errors: TN_E_UNSUPPORTED where packed elements end
 * within a byte. */
static tn_status bytes_of(tn_dtype dtype, int64_t elements, size_t *bytes_out, tn_error *err)
{
    uint64_t bytes;
    if (!tn_dtype_bytes(dtype, (uint64_t)elements, &bytes) || bytes > SIZE_MAX) {
        return tni_fail(err, TN_E_UNSUPPORTED, "%" PRId64 " elements of %s do not fill whole bytes",
                        elements, tn_dtype_about(dtype)->name);
    }
    *bytes_out = (size_t)bytes;
    return TN_OK;
}

static tn_status fetch_decoded(tn_reader *reader, const tni_leaf *leaf, int64_t first,
                               int64_t count, void *out, tn_error *err)
{
    tni_arena scratch;
    tni_arena_init(&scratch, reader->ctx, reader->ctx->limits.decoded_bytes);
    tn_status status =
        leaf->decoder->decode(leaf, (uint64_t)first, (uint64_t)count, out, &scratch, err);
    tni_arena_clear(&scratch);
    return status;
}

static tn_status fetch_slab(const tni_leaf *leaf, size_t at, size_t bytes, void *out, uint32_t *crc,
                            tn_error *err)
{
    if (leaf->kind == TNI_LEAF_MEMORY) {
        memcpy(out, (const char *)leaf->memory + at, bytes);
    } else {
        tn_status status = tni_source_read(leaf->source, leaf->offset + at, out, bytes, err);
        if (status != TN_OK) {
            return status;
        }
    }
    /* Stored sums are over the bytes as they lie in the file: before swapping. */
    if (crc != NULL) {
        *crc = tni_crc32c(*crc, out, bytes);
    }
    if (leaf->encoding == TNI_ENCODING_SWAPPED) {
        tni_swap_bytes(out, bytes, tn_dtype_about(tni_leaf_stored(leaf))->word);
    }
    return TN_OK;
}

/* Fetches elements as they are stored, in native byte order. */
static tn_status fetch_stored(tn_reader *reader, const tni_leaf *leaf, int64_t first, int64_t count,
                              void *out, uint32_t *crc, tn_error *err)
{
    if (leaf->kind == TNI_LEAF_DECODER) {
        return count == 0 ? TN_OK : fetch_decoded(reader, leaf, first, count, out, err);
    }
    tn_dtype stored = tni_leaf_stored(leaf);
    size_t at = 0;
    tn_status status = bytes_of(stored, first, &at, err);
    int64_t slab = slab_elements(reader, stored);
    char *to = out;
    while (status == TN_OK && count > 0) {
        int64_t part = count < slab ? count : slab;
        size_t bytes = 0;
        status = bytes_of(stored, part, &bytes, err);
        if (status == TN_OK) {
            status = tni_cancelled(reader->ctx, err);
        }
        if (status == TN_OK) {
            status = fetch_slab(leaf, at, bytes, to, crc, err);
            at += bytes;
            to += bytes;
            count -= part;
        }
    }
    return status;
}

static tn_status overflowed(const tni_leaf *leaf, uint64_t count, int64_t first, tn_error *err)
{
    tn_status status = tni_fail(
        err, TN_E_OVERFLOW, "%" PRIu64 " of its values from element %" PRId64 " on do not fit %s",
        count, first, tn_dtype_about(leaf->dtype)->name);
    tni_error_hint(err,
                   "leave this tensor out of the cast, or say in a rule what becomes of them: "
                   "{cast: %s, overflow: saturate}",
                   tn_dtype_about(leaf->dtype)->name);
    return status;
}

/* Casts fetched elements. Errors: TN_E_OVERFLOW. */
static tn_status cast_elements(const tni_leaf *leaf, int64_t first, int64_t count, const void *from,
                               void *out, tn_error *err)
{
    const tni_leaf_cast *cast = leaf->cast;
    tn_cast_stats own = {0};
    tn_cast_stats *stats = cast->stats != NULL ? cast->stats : &own;
    uint64_t before = stats->overflows;
    bool counts = cast->stats != NULL || cast->overflow == TN_OVERFLOW_ERROR;
    tn_cast(cast->from, leaf->dtype, cast->overflow, from, out, (size_t)count,
            counts && !tn_cast_lossless(cast->from, leaf->dtype) ? stats : NULL);
    return cast->overflow == TN_OVERFLOW_ERROR && stats->overflows > before
               ? overflowed(leaf, stats->overflows - before, first, err)
               : TN_OK;
}

tn_status tni_leaf_fetch(tn_reader *reader, const tni_leaf *leaf, int64_t first, int64_t count,
                         void *out, uint32_t *crc, tn_error *err)
{
    if (leaf->cast == NULL) {
        return fetch_stored(reader, leaf, first, count, out, crc, err);
    }
    tn_status status = TN_OK;
    if (reader->raw == NULL) {
        status = tni_alloc(reader->ctx, reader->slab, &reader->raw, err);
    }
    int64_t slab = slab_elements(reader, leaf->cast->from);
    size_t unit = tn_dtype_about(leaf->dtype)->bits / 8;
    for (char *to = out; status == TN_OK && count > 0; to += (size_t)slab * unit) {
        int64_t part = count < slab ? count : slab;
        status = fetch_stored(reader, leaf, first, part, reader->raw, crc, err);
        if (status == TN_OK) {
            status = cast_elements(leaf, first, part, reader->raw, to, err);
        }
        first += part;
        count -= part;
    }
    return status;
}

tn_status tni_leaf_compare(const tni_leaf *leaf, uint32_t crc, tn_error *err)
{
    if (leaf->sum_kind != TNI_SUM_CRC32C || crc == leaf->sum) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_CRC,
                                "the stored checksum 0x%08" PRIx32 " does not match its %" PRIu64
                                " bytes, whose checksum is 0x%08" PRIx32,
                                leaf->sum, leaf->bytes, crc);
    tni_error_offset(err, leaf->offset);
    if (leaf->source != NULL) {
        tni_error_path(err, tni_source_path(leaf->source));
        tni_error_hint(err,
                       "the file is damaged: get another copy of it; `tenon verify '%s'` lists "
                       "everything in it that is damaged",
                       tni_source_path(leaf->source));
    }
    return status;
}

tn_status tni_leaf_load(tn_reader *reader, const tni_leaf *leaf, void *out, tn_error *err)
{
    uint32_t crc = 0;
    bool sum = has_sum(reader, leaf);
    tn_status status = tni_leaf_fetch(reader, leaf, 0, leaf->elements, out, sum ? &crc : NULL, err);
    return status == TN_OK && sum ? tni_leaf_compare(leaf, crc, err) : status;
}

tn_status tni_leaf_prove(tn_reader *reader, const tni_leaf *leaf, tn_error *err)
{
    if (reader->check && leaf->kind == TNI_LEAF_DECODER && leaf->decoder->verify != NULL) {
        return leaf->decoder->verify(leaf, err);
    }
    if (!has_sum(reader, leaf)) {
        return TN_OK;
    }
    uint32_t crc = 0;
    int64_t slab = slab_elements(reader, tni_leaf_stored(leaf));
    tn_status status = tni_reader_chunk(reader, err);
    for (int64_t first = 0; status == TN_OK && first < leaf->elements; first += slab) {
        int64_t left = leaf->elements - first;
        status =
            fetch_stored(reader, leaf, first, left < slab ? left : slab, reader->chunk, &crc, err);
    }
    return status == TN_OK ? tni_leaf_compare(leaf, crc, err) : status;
}

void tni_clear_high_bits(tn_dtype dtype, void *data, int64_t count)
{
    uint8_t mask;
    if (dtype == TN_INT4 || dtype == TN_UINT4) {
        mask = 0x0F;
    } else if (dtype == TN_INT2 || dtype == TN_UINT2) {
        mask = 0x03;
    } else {
        return;
    }
    uint8_t *byte = data;
    for (int64_t i = 0; i < count; i++) {
        byte[i] &= mask;
    }
}
