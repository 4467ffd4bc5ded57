#include "formats/saved_model/constant_list.h"
#include "core/cursor.h"
#include "core/error.h"

/* Every so many values a place is remembered, so that a span is found without walking from the
 * first value on. */
enum { STRIDE = 1 << 16, FLOAT8 = 18 };

/* Where the values of a dtype are listed: field number and wire type of an element. */
typedef struct place {
    uint32_t field, type;
    bool parts; /* complex: two numbers an element */
} place;

static place place_of(tn_dtype dtype)
{
    static const place places[TN_DTYPE_COUNT] = {
        [TN_FLOAT32] = {5, TNI_WIRE_I32, false},
        [TN_FLOAT64] = {6, TNI_WIRE_I64, false},
        [TN_STRING] = {8, TNI_WIRE_LEN, false},
        [TN_COMPLEX64] = {9, TNI_WIRE_I32, true},
        [TN_INT64] = {10, TNI_WIRE_VARINT, false},
        [TN_BOOL] = {11, TNI_WIRE_VARINT, false},
        [TN_COMPLEX128] = {12, TNI_WIRE_I64, true},
        [TN_FLOAT16] = {13, TNI_WIRE_VARINT, false},
        [TN_BFLOAT16] = {13, TNI_WIRE_VARINT, false},
        [TN_UINT32] = {16, TNI_WIRE_VARINT, false},
        [TN_UINT64] = {17, TNI_WIRE_VARINT, false},
        [TN_FLOAT8_E5M2] = {FLOAT8, TNI_WIRE_LEN, false},
        [TN_FLOAT8_E4M3FN] = {FLOAT8, TNI_WIRE_LEN, false},
        [TN_FLOAT8_E4M3FNUZ] = {FLOAT8, TNI_WIRE_LEN, false},
        [TN_FLOAT8_E4M3B11FNUZ] = {FLOAT8, TNI_WIRE_LEN, false},
        [TN_FLOAT8_E5M2FNUZ] = {FLOAT8, TNI_WIRE_LEN, false},
    };
    static const place others = {7, TNI_WIRE_VARINT, false};
    return places[dtype].field != 0 ? places[dtype] : others;
}

/* A place in the list: the next number, or the next string. */
typedef struct walker {
    tni_wire wire;
    tni_wire_numbers numbers;
    bool inside;
} walker;

typedef struct list {
    const tni_sm_image *image;
    place at;
    uint64_t count; /* elements listed, at most as many as the tensor has */
    walker *marks;  /* before the elements 0, STRIDE, 2 * STRIDE … */
    tni_leaf run;   /* of a list that is one run of numbers of fixed size: where that lies */
} list;

static bool next_number(walker *w, const place *at, uint64_t *bits_out)
{
    for (;;) {
        if (w->inside && tni_wire_number(&w->numbers, bits_out)) {
            return true;
        }
        w->inside = false;
        tni_wire_field field;
        if (!tni_wire_next(&w->wire, &field)) {
            return false;
        }
        w->inside =
            field.tag >> 3 == at->field && tni_wire_numbers_of(&field, at->type, &w->numbers);
    }
}

static bool next_string(walker *w, const place *at, tn_str *string_out)
{
    tni_wire_field field;
    while (tni_wire_next(&w->wire, &field)) {
        if (field.tag == TNI_WIRE_TAG(at->field, TNI_WIRE_LEN)) {
            *string_out = field.bytes;
            return true;
        }
    }
    return false;
}

/* Reads one string of a content: all lengths stand before all bytes. */
static bool next_length(walker *w, uint64_t *length_out)
{
    return tni_get_varint64(&w->wire.cursor, length_out);
}

/* Steps over one element. */
static bool step(walker *w, const place *at)
{
    uint64_t bits;
    tn_str string;
    if (at->type == TNI_WIRE_LEN) {
        return next_string(w, at, &string);
    }
    return next_number(w, at, &bits) && (!at->parts || next_number(w, at, &bits));
}

/* Counts the elements, and remembers places if there is room for them. */
static uint64_t count_elements(const list *l, tn_str message, uint64_t most, walker *marks)
{
    walker w = {.wire = tni_wire_of(message)};
    uint64_t count = 0;
    while (count < most) {
        if (marks != NULL && count % STRIDE == 0) {
            marks[count / STRIDE] = w;
        }
        if (!step(&w, &l->at)) {
            break;
        }
        count++;
    }
    return count;
}

static uint64_t bytes_each(tn_dtype dtype)
{
    return tn_dtype_about(dtype)->bits / 8;
}

/* Writes a number's low bytes as an element; what an element has no room for is cut off. */
static void put_number(tn_dtype dtype, uint64_t bits, size_t bytes, char *out)
{
    uint8_t one = (uint8_t)bits;
    uint16_t two = (uint16_t)bits;
    uint32_t four = (uint32_t)bits;
    if (dtype == TN_BOOL) {
        one = bits != 0;
    } else if (dtype == TN_INT4 || dtype == TN_UINT4) {
        one &= 0x0F;
    } else if (dtype == TN_INT2 || dtype == TN_UINT2) {
        one &= 0x03;
    }
    const void *from = bytes == 1   ? (const void *)&one
                       : bytes == 2 ? (const void *)&two
                       : bytes == 4 ? (const void *)&four
                                    : (const void *)&bits;
    memcpy(out, from, bytes);
}

/* Decodes one element that the list has. */
static void decode_number(walker *w, const list *l, tn_dtype dtype, size_t bytes, char *out)
{
    uint64_t bits = 0;
    size_t part = l->at.parts ? bytes / 2 : bytes;
    for (size_t at = 0; at < bytes; at += part) {
        if (next_number(w, &l->at, &bits)) {
            put_number(dtype, bits, part, out + at);
        }
    }
}

/* Goes to an element by the remembered place before it. */
static walker seek(const list *l, uint64_t element)
{
    walker w = l->marks[element / STRIDE];
    for (uint64_t i = element / STRIDE * STRIDE; i < element; i++) {
        (void)step(&w, &l->at);
    }
    return w;
}

static tn_status decode_numbers(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                                tni_arena *arena, tn_error *err)
{
    const list *l = leaf->decoder_state;
    size_t bytes = bytes_each(leaf->dtype);
    char *to = out;
    (void)arena;
    if (l->count == 0) {
        memset(out, 0, (size_t)count * bytes);
        return TN_OK;
    }
    uint64_t from = first < l->count ? first : l->count - 1;
    walker w = seek(l, from);
    for (uint64_t i = 0; i < count; i++) {
        if (i % STRIDE == 0 && tni_cancelled(leaf->ctx, err) != TN_OK) {
            return TN_CANCELLED;
        }
        if (i == 0 || first + i < l->count) {
            decode_number(&w, l, leaf->dtype, bytes, to);
        } else {
            memcpy(to, to - bytes, bytes);
        }
        to += bytes;
    }
    return TN_OK;
}

static tn_status read_run(const tni_leaf *run, uint64_t at, size_t bytes, void *out, tn_error *err)
{
    if (run->kind == TNI_LEAF_MEMORY) {
        memcpy(out, (const char *)run->memory + at, bytes);
        return TN_OK;
    }
    return tni_source_read(run->source, run->offset + at, out, bytes, err);
}

/* Decodes a list that is one run, whose last element is repeated. */
static tn_status decode_run(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                            tni_arena *arena, tn_error *err)
{
    const list *l = leaf->decoder_state;
    size_t bytes = bytes_each(leaf->dtype);
    char *to = out;
    (void)arena;
    uint64_t listed = first < l->count ? l->count - first : 0;
    listed = listed < count ? listed : count;
    tn_status status = read_run(&l->run, first * bytes, (size_t)listed * bytes, to, err);
    if (status == TN_OK && listed < count) {
        to += listed * bytes;
        status = read_run(&l->run, (l->count - 1) * bytes, bytes, to, err);
        for (uint64_t i = 1; status == TN_OK && i < count - listed; i++) {
            memcpy(to + i * bytes, to, bytes);
        }
    }
    return status;
}

static tn_status decode_strings(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                                tni_arena *arena, tn_error *err)
{
    const list *l = leaf->decoder_state;
    tn_str *to = out, last = TN_LIT("");
    (void)arena;
    (void)err;
    walker w = {.wire = {.cursor = {.failed = true}}};
    if (l->count > 0) {
        w = seek(l, first < l->count ? first : l->count - 1);
    }
    for (uint64_t i = 0; i < count; i++) {
        tn_str string;
        bool more = l->count > 0 && (i == 0 || first + i < l->count);
        if (more && next_string(&w, &l->at, &string)) {
            last = string;
        }
        to[i] = last;
    }
    return TN_OK;
}

/* Strings in a content: their lengths, then their bytes. The marks are not used: readers decode
 * strings from the first on. */
static tn_status decode_content(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                                tni_arena *arena, tn_error *err)
{
    const list *l = leaf->decoder_state;
    uint64_t bytes = l->run.bytes, length = 0;
    tn_str *to = out;
    void *block;
    tn_status status = tni_arena_alloc(arena, (size_t)bytes, &block, err);
    if (status == TN_OK) {
        status = read_run(&l->run, 0, (size_t)bytes, block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    walker lengths = {.wire = tni_wire_of((tn_str){block, (size_t)bytes})}, ends = lengths;
    bool ok = true;
    for (int64_t i = 0; ok && i < leaf->elements; i++) {
        ok = next_length(&ends, &length);
    }
    size_t at = ends.wire.cursor.pos;
    for (uint64_t i = 0; ok && i < first + count; i++) {
        ok = next_length(&lengths, &length) && length <= bytes - at;
        if (ok && i >= first) {
            to[i - first] = (tn_str){(const char *)block + at, (size_t)length};
        }
        at += ok ? (size_t)length : 0;
    }
    return ok ? TN_OK
              : tni_fail(err, TN_E_CORRUPT, "a constant's strings run out of the bytes they have");
}

static const tni_decoder numbers_decoder = {.decode = decode_numbers};
static const tni_decoder run_decoder = {.decode = decode_run};
static const tni_decoder strings_decoder = {.decode = decode_strings};
static const tni_decoder content_decoder = {.decode = decode_content};

/* Finds the one field that lists the values; *count_out is how often it occurs. */
static tn_str only_field(tn_str message, const place *at, size_t *count_out, bool *packed_out)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_str found = TN_STR_NONE;
    *count_out = 0;
    *packed_out = true;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag >> 3 == at->field) {
            (*count_out)++;
            *packed_out = *packed_out && (field.tag & 7) == TNI_WIRE_LEN;
            found = field.bytes;
        }
    }
    return found;
}

/* A list of numbers of fixed size in one run: as it lies there if it has a number for every
 * element, else repeating the last. */
static void run_leaf(list *l, tn_str value, tni_leaf *leaf)
{
    uint64_t bytes = bytes_each(leaf->dtype);
    tni_sm_value_place(l->image, value, &l->run);
    uint64_t whole = (uint64_t)leaf->elements * bytes;
    l->count = l->run.bytes / bytes;
    leaf->source = l->run.source;
    leaf->offset = l->run.offset;
    leaf->memory = l->run.memory;
    if (l->count >= (uint64_t)leaf->elements) {
        leaf->kind = l->run.kind;
        leaf->bytes = whole;
        return;
    }
    leaf->kind = TNI_LEAF_DECODER;
    leaf->bytes = l->run.bytes;
    leaf->encoding = TNI_ENCODING_BLOCKS;
    leaf->decoder = l->count == 0 ? &numbers_decoder : &run_decoder;
}

/* A list that has to be walked through. */
static tn_status walked_leaf(list *l, tn_str message, tni_arena *arena, tni_leaf *leaf,
                             tn_error *err)
{
    void *block;
    uint64_t most = (uint64_t)leaf->elements;
    l->count = count_elements(l, message, most, NULL);
    tn_status status =
        tni_arena_array(arena, (size_t)(l->count / STRIDE) + 1, sizeof(walker), &block, err);
    if (status == TN_OK) {
        l->marks = block;
        (void)count_elements(l, message, l->count, l->marks);
        leaf->kind = TNI_LEAF_DECODER;
        leaf->encoding = TNI_ENCODING_BLOCKS;
        leaf->decoder = l->at.type == TNI_WIRE_LEN ? &strings_decoder : &numbers_decoder;
        leaf->bytes = message.len;
        leaf->memory = message.data;
        if (l->image->source != NULL) {
            leaf->source = l->image->source;
            leaf->offset = tni_sm_image_offset(l->image, message.data);
        }
    }
    return status;
}

tn_status tni_sm_list_leaf(const tni_sm_image *image, const tni_sm_tensor *tensor, bool content,
                           tni_arena *arena, tni_leaf *leaf, tn_error *err)
{
    void *block;
    size_t count;
    bool packed;
    tn_status status = tni_arena_alloc(arena, sizeof(list), &block, err);
    if (status != TN_OK) {
        return status;
    }
    list *l = block;
    l->image = image;
    l->at = place_of(tensor->dtype);
    leaf->decoder_state = l;
    if (content) {
        tni_sm_value_place(image, tensor->content, &l->run);
        leaf->kind = TNI_LEAF_DECODER;
        leaf->encoding = TNI_ENCODING_BLOCKS;
        leaf->decoder = &content_decoder;
        leaf->source = l->run.source;
        leaf->memory = l->run.memory;
        leaf->offset = l->run.offset;
        leaf->bytes = l->run.bytes;
        return TN_OK;
    }
    tn_str value = only_field(tensor->message, &l->at, &count, &packed);
    bool fixed = l->at.type != TNI_WIRE_VARINT && tensor->dtype != TN_STRING;
    if (fixed && packed && (count == 1 || (count > 1 && l->at.field == FLOAT8))) {
        run_leaf(l, value, leaf);
        return TN_OK;
    }
    if (value.data != NULL && tni_sm_image_hole(image, value) != NULL) {
        return tni_fail(err, TN_E_UNSUPPORTED, "a constant's numbers are stored in several parts");
    }
    return walked_leaf(l, tensor->message, arena, leaf, err);
}
