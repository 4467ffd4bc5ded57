#include "formats/tf_checkpoint/strings.h"
#include "core/checked.h"
#include "core/crc32c.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/tf_checkpoint/layout.h"
#include <inttypes.h>

enum { WINDOW = 16384 };

static const bool big = true, little = false;

/* Reads a leaf's stored bytes from front to back through a window. */
typedef struct stream {
    const tni_leaf *leaf;
    uint64_t next;  /* of the leaf's bytes: where the window ends */
    size_t at, len; /* in the window */
    uint8_t window[WINDOW];
} stream;

static void stream_start(stream *s, const tni_leaf *leaf)
{
    s->leaf = leaf;
    s->next = 0;
    s->at = s->len = 0;
}

static uint64_t stream_pos(const stream *s)
{
    return s->next - (s->len - s->at);
}

static uint64_t stream_left(const stream *s)
{
    return s->leaf->bytes - stream_pos(s);
}

static tn_status fail_leaf(const tni_leaf *leaf, tn_code code, const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, code, "%s", what);
    tni_error_path(err, tni_source_path(leaf->source));
    tni_error_offset(err, leaf->offset);
    return status;
}

static tn_status stream_fill(stream *s, tn_error *err)
{
    uint64_t left = s->leaf->bytes - s->next;
    size_t len = left < WINDOW ? (size_t)left : WINDOW;
    if (len == 0) {
        return fail_leaf(s->leaf, TN_E_CORRUPT, "its strings run out of the bytes that it has",
                         err);
    }
    tn_status status = tni_cancelled(s->leaf->ctx, err);
    if (status == TN_OK) {
        status = tni_source_read(s->leaf->source, s->leaf->offset + s->next, s->window, len, err);
    }
    if (status == TN_OK) {
        s->next += len;
        s->at = 0;
        s->len = len;
    }
    return status;
}

static tn_status stream_varint(stream *s, uint64_t *value_out, tn_error *err)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (s->at == s->len) {
            tn_status status = stream_fill(s, err);
            if (status != TN_OK) {
                return status;
            }
        }
        uint8_t byte = s->window[s->at++];
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value_out = value;
            return TN_OK;
        }
    }
    return fail_leaf(s->leaf, TN_E_CORRUPT, "the length of one of its strings is damaged", err);
}

/* Takes the next `count` bytes into `out` (NULL: nowhere) and into the running sum. */
static tn_status stream_bytes(stream *s, uint64_t count, void *out, uint32_t *crc, tn_error *err)
{
    char *to = out;
    while (count > 0) {
        if (s->at == s->len) {
            tn_status status = stream_fill(s, err);
            if (status != TN_OK) {
                return status;
            }
        }
        size_t part = s->len - s->at;
        part = part > count ? (size_t)count : part;
        *crc = tni_crc32c(*crc, s->window + s->at, part);
        if (to != NULL) {
            memcpy(to, s->window + s->at, part);
            to += part;
        }
        s->at += part;
        count -= part;
    }
    return TN_OK;
}

/* Goes on at another place of the leaf, which lies ahead. */
static void stream_skip(stream *s, uint64_t count)
{
    size_t inside = s->len - s->at;
    if (count <= inside) {
        s->at += (size_t)count;
    } else {
        s->next += count - inside;
        s->at = s->len = 0;
    }
}

static bool is_big(const tni_leaf *leaf)
{
    return *(const bool *)leaf->decoder_state;
}

/* Extends a sum by a number as a word of the writer's byte order. */
static uint32_t sum_number(const tni_leaf *leaf, uint32_t crc, uint64_t value, size_t bytes)
{
    uint8_t word[8];
    tni_store_u64le(word, value);
    if (is_big(leaf)) {
        tni_swap_bytes(word, bytes, bytes);
    }
    return tni_crc32c(crc, word, bytes);
}

/* Reads a stored sum, compares it with the running one, and lets it run on over the stored bytes.
 */
static tn_status check_inner_sum(stream *s, uint32_t *crc, const char *what, tn_error *err)
{
    uint8_t stored[TNI_TF_STRING_SUM];
    uint32_t running = *crc;
    tn_status status = stream_bytes(s, sizeof(stored), stored, crc, err);
    if (status != TN_OK) {
        return status;
    }
    if (is_big(s->leaf)) {
        tni_swap_bytes(stored, sizeof(stored), sizeof(stored));
    }
    if (tni_crc32c_unmask(tni_load_u32le(stored)) != running) {
        return fail_leaf(s->leaf, TN_E_CRC, what, err);
    }
    return TN_OK;
}

static tn_status check_sum(const tni_leaf *leaf, uint32_t crc, tn_error *err)
{
    if (crc == leaf->sum) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_CRC,
                                "the stored checksum 0x%08" PRIx32
                                " does not match its bytes, whose checksum is 0x%08" PRIx32,
                                leaf->sum, crc);
    tni_error_path(err, tni_source_path(leaf->source));
    tni_error_offset(err, leaf->offset);
    return status;
}

/* The lengths of all strings: what lies before elements [first, first + count), in them, and in
 * all. */
typedef struct lengths {
    uint64_t first, count;
    tn_str *kept; /* the range's lengths go here; may be NULL */
    uint64_t before, inside, total;
} lengths;

static tn_status read_lengths(stream *s, lengths *l, uint32_t *crc, tn_error *err)
{
    const tni_leaf *leaf = s->leaf;
    l->before = l->inside = l->total = 0;
    for (uint64_t i = 0; i < (uint64_t)leaf->elements; i++) {
        uint64_t length = 0;
        tn_status status = stream_varint(s, &length, err);
        if (status != TN_OK) {
            return status;
        }
        if (length > leaf->bytes - l->total) {
            return fail_leaf(leaf, TN_E_CORRUPT, "its strings run out of the bytes that it has",
                             err);
        }
        *crc = sum_number(leaf, *crc, length, length > UINT32_MAX ? 8 : 4);
        l->total += length;
        if (i < l->first) {
            l->before += length;
        } else if (i - l->first < l->count) {
            l->inside += length;
            if (l->kept != NULL) {
                l->kept[i - l->first].len = (size_t)length;
            }
        }
    }
    tn_status status = check_inner_sum(
        s, crc, "the checksum of its strings' lengths does not match: the file is damaged", err);
    if (status == TN_OK && stream_left(s) != l->total) {
        status =
            fail_leaf(leaf, TN_E_CORRUPT, "its strings do not fill the bytes that it has", err);
    }
    return status;
}

static tn_status verify_strings(const tni_leaf *leaf, tn_error *err)
{
    stream s;
    lengths l = {0};
    uint32_t crc = 0;
    stream_start(&s, leaf);
    if (leaf->bytes == 0) {
        return check_sum(leaf, 0, err);
    }
    tn_status status = read_lengths(&s, &l, &crc, err);
    if (status == TN_OK) {
        status = stream_bytes(&s, l.total, NULL, &crc, err);
    }
    return status == TN_OK ? check_sum(leaf, crc, err) : status;
}

/* Gives the strings, whose lengths are known, one block of memory. */
static tn_status place_strings(const tni_leaf *leaf, lengths *l, tni_arena *arena, char **block_out,
                               tn_error *err)
{
    void *block;
    uint64_t limit = leaf->ctx->limits.decoded_bytes;
    tn_status status = tni_check_limit(l->inside, limit, "decoded-bytes", err);
    if (status == TN_OK) {
        status = tni_arena_alloc(arena, (size_t)l->inside, &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    char *next = *block_out = block;
    for (uint64_t i = 0; i < l->count; i++) {
        l->kept[i].data = next;
        next += l->kept[i].len;
    }
    return TN_OK;
}

static tn_status decode_strings(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                                tni_arena *arena, tn_error *err)
{
    stream s;
    lengths l = {.first = first, .count = count, .kept = out};
    uint32_t crc = 0;
    char *block;
    bool whole = first == 0 && count == (uint64_t)leaf->elements;
    if (leaf->bytes == 0) {
        return check_sum(leaf, 0, err);
    }
    stream_start(&s, leaf);
    tn_status status = read_lengths(&s, &l, &crc, err);
    if (status == TN_OK) {
        status = place_strings(leaf, &l, arena, &block, err);
    }
    if (status == TN_OK) {
        stream_skip(&s, l.before);
        status = stream_bytes(&s, l.inside, block, &crc, err);
    }
    return status == TN_OK && whole ? check_sum(leaf, crc, err) : status;
}

static tn_status verify_variants(const tni_leaf *leaf, tn_error *err)
{
    stream s;
    uint32_t crc = 0;
    stream_start(&s, leaf);
    for (int64_t i = 0; i < leaf->elements; i++) {
        uint64_t length = 0;
        tn_status status = stream_varint(&s, &length, err);
        if (status == TN_OK) {
            crc = sum_number(leaf, crc, length, 8);
            status = stream_bytes(&s, length, NULL, &crc, err);
        }
        if (status == TN_OK) {
            status = check_inner_sum(&s, &crc, "the checksum of one of its elements does not match",
                                     err);
        }
        if (status != TN_OK) {
            return status;
        }
    }
    if (stream_left(&s) != 0) {
        return fail_leaf(leaf, TN_E_CORRUPT, "its elements do not fill the bytes that it has", err);
    }
    return check_sum(leaf, crc, err);
}

static tn_status decode_variants(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                                 tni_arena *arena, tn_error *err)
{
    (void)first;
    (void)count;
    (void)out;
    (void)arena;
    return fail_leaf(leaf, TN_E_UNSUPPORTED,
                     "variants are objects of TensorFlow's own, which only TensorFlow can read",
                     err);
}

static const tni_decoder strings_decoder = {decode_strings, verify_strings};
static const tni_decoder variants_decoder = {decode_variants, verify_variants};

void tni_tf_strings_leaf(tni_leaf *leaf, bool big_endian)
{
    leaf->kind = TNI_LEAF_DECODER;
    leaf->encoding = TNI_ENCODING_STRINGS;
    leaf->sum_kind = TNI_SUM_TF_STRING;
    leaf->decoder = leaf->dtype == TN_STRING ? &strings_decoder : &variants_decoder;
    leaf->decoder_state = big_endian ? &big : &little;
}

bool tni_tf_strings_big_endian(const tni_leaf *leaf)
{
    return leaf->encoding == TNI_ENCODING_STRINGS && is_big(leaf);
}

void tni_tf_strings_encode(const tn_str *strings, size_t count, tni_buffer *out, uint32_t *sum_out)
{
    uint8_t word[10];
    uint32_t crc = 0;
    for (size_t i = 0; i < count; i++) {
        tni_buffer_add(out, word, tni_put_varint64(word, strings[i].len));
        tni_store_u64le(word, strings[i].len);
        crc = tni_crc32c(crc, word, strings[i].len > UINT32_MAX ? 8 : 4);
    }
    tni_store_u32le(word, tni_crc32c_mask(crc));
    tni_buffer_add(out, word, TNI_TF_STRING_SUM);
    crc = tni_crc32c(crc, word, TNI_TF_STRING_SUM);
    for (size_t i = 0; i < count; i++) {
        tni_buffer_str(out, strings[i]);
        crc = tni_crc32c(crc, strings[i].data, strings[i].len);
    }
    *sum_out = crc;
}
