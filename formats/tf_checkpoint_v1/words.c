#include "formats/tf_checkpoint_v1/words.h"
#include "core/cursor.h"

static bool is_strings(const tni_v1_words *words)
{
    return words->values->type->wire == TNI_WIRE_LEN;
}

/* Returns the stored bytes of a word; 0 where they vary. */
static uint32_t stored_width(const tni_v1_words *words)
{
    uint32_t wire = words->values->type->wire;
    return wire == TNI_WIRE_I32 ? 4 : wire == TNI_WIRE_I64 ? 8 : 0;
}

static uint64_t mark_step(const tni_v1_values *values)
{
    return values->words / TNI_V1_MARKS + 1;
}

void tni_v1_words_start(tni_v1_words *words, const tni_v1_values *values, const uint8_t *plain,
                        uint64_t first)
{
    uint64_t from = values->at, end = values->at + values->len;
    words->values = values;
    words->next = words->run = 0;
    words->single = false;
    if (values->marks != NULL) {
        for (uint64_t i = first / mark_step(values); i > 0; i--) {
            uint64_t pos = atomic_load_explicit(&values->marks[i].pos, memory_order_acquire);
            if (pos != 0) {
                from = pos;
                words->next = i * mark_step(values);
                words->run = atomic_load_explicit(&values->marks[i].run, memory_order_relaxed);
                break;
            }
        }
    }
    tni_v1_stream_start(&words->stream, values->block, plain, from, end);
}

/* Leaves a mark where one is due. Every thread that comes by leaves the same. */
static void leave_mark(tni_v1_words *words)
{
    const tni_v1_values *values = words->values;
    if (values->marks == NULL || words->next % mark_step(values) != 0) {
        return;
    }
    tni_v1_mark *mark = &values->marks[words->next / mark_step(values)];
    atomic_store_explicit(&mark->run, words->run, memory_order_relaxed);
    atomic_store_explicit(&mark->pos, tni_v1_stream_pos(&words->stream), memory_order_release);
}

/* Bounds a batch of words so that it ends where the next mark is due. */
static uint64_t to_next_mark(const tni_v1_words *words, uint64_t count)
{
    const tni_v1_values *values = words->values;
    if (values->marks == NULL) {
        return count;
    }
    uint64_t step = mark_step(values), left = step - words->next % step;
    return count < left ? count : left;
}

/* Begins a field of the values' number; false in *is_out if its wire type makes it unknown. */
static tn_status begin_field(tni_v1_words *words, uint64_t tag, bool *is_out, tn_error *err)
{
    const tni_v1_type *type = words->values->type;
    uint32_t width = stored_width(words);
    *is_out = true;
    if (tag == TNI_WIRE_TAG(type->field, TNI_WIRE_LEN)) {
        uint64_t len;
        tn_status status = tni_v1_stream_varint(&words->stream, &len, err);
        if (status == TN_OK &&
            (len > tni_v1_stream_left(&words->stream) || (width != 0 && len % width != 0))) {
            status = tni_v1_stream_fail(&words->stream, "the values of a slice are cut off", err);
        }
        words->run = status == TN_OK ? len : 0;
        words->single = is_strings(words);
        return status;
    }
    if (tag == TNI_WIRE_TAG(type->field, type->wire)) {
        words->run = width;
        words->single = width == 0;
        return TN_OK;
    }
    *is_out = false;
    return TN_OK;
}

/* Steps to the next field that holds words, unless one is at hand; *more_out is false where none
 * is left. */
static tn_status next_field(tni_v1_words *words, bool *more_out, tn_error *err)
{
    while (words->run == 0 && !words->single) {
        uint64_t tag;
        bool is;
        if (tni_v1_stream_left(&words->stream) == 0) {
            *more_out = false;
            return TN_OK;
        }
        tn_status status = tni_v1_stream_varint(&words->stream, &tag, err);
        if (status == TN_OK) {
            status = begin_field(words, tag, &is, err);
        }
        if (status == TN_OK && !is) {
            status = tni_v1_stream_skip_field(&words->stream, tag, err);
        }
        if (status != TN_OK) {
            return status;
        }
    }
    *more_out = true;
    return TN_OK;
}

/* The same where a word must follow. */
static tn_status need_field(tni_v1_words *words, tn_error *err)
{
    bool more;
    tn_status status = next_field(words, &more, err);
    return status != TN_OK || more
               ? status
               : tni_v1_stream_fail(&words->stream, "a slice has fewer values than its shape wants",
                                    err);
}

/* Stores one word in native form. What does not fit is cut off, as TensorFlow does. */
static void store_word(uint64_t number, uint32_t width, bool truth, char *out)
{
    uint8_t b = truth ? number != 0 : (uint8_t)number;
    uint16_t h = (uint16_t)number;
    uint32_t w = (uint32_t)number;
    switch (width) {
    case 1:
        memcpy(out, &b, 1);
        break;
    case 2:
        memcpy(out, &h, 2);
        break;
    case 4:
        memcpy(out, &w, 4);
        break;
    default:
        memcpy(out, &number, 8);
        break;
    }
}

/* Reads one varint of the field at hand. */
static tn_status read_varint(tni_v1_words *words, uint64_t *number_out, tn_error *err)
{
    uint64_t before = tni_v1_stream_pos(&words->stream);
    tn_status status = tni_v1_stream_varint(&words->stream, number_out, err);
    if (status != TN_OK || words->single) {
        words->single = false;
        return status;
    }
    uint64_t used = tni_v1_stream_pos(&words->stream) - before;
    if (used > words->run) {
        return tni_v1_stream_fail(&words->stream, "the values of a slice are cut off", err);
    }
    words->run -= used;
    return TN_OK;
}

/* Reads varints into `out`, or nowhere if it is NULL. */
static tn_status take_varints(tni_v1_words *words, uint64_t count, char *out, tn_error *err)
{
    uint32_t width = words->values->width;
    bool truth = words->values->type->dtype == TN_BOOL;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number;
        tn_status status = need_field(words, err);
        if (status == TN_OK) {
            status = read_varint(words, &number, err);
        }
        if (status != TN_OK) {
            return status;
        }
        if (out != NULL) {
            store_word(number, width, truth, out + i * width);
        }
        words->next++;
    }
    return TN_OK;
}

/* Takes words of fixed width, whole runs at a time. */
static tn_status take_fixed(tni_v1_words *words, uint64_t count, char *out, tn_error *err)
{
    uint32_t width = stored_width(words);
    while (count > 0) {
        tn_status status = need_field(words, err);
        if (status != TN_OK) {
            return status;
        }
        uint64_t part = words->run / width;
        part = part < count ? part : count;
        status = out == NULL ? tni_v1_stream_skip(&words->stream, part * width, err)
                             : tni_v1_stream_take(&words->stream, part * width, out, err);
        if (status != TN_OK) {
            return status;
        }
        out = out == NULL ? NULL : out + part * width;
        words->run -= part * width;
        words->next += part;
        count -= part;
    }
    return TN_OK;
}

static tn_status skip_strings(tni_v1_words *words, uint64_t count, tn_error *err)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t len;
        tn_status status = tni_v1_words_string(words, &len, err);
        if (status == TN_OK) {
            status = tni_v1_words_text(words, NULL, err);
        }
        if (status != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

/* Takes a batch that no mark interrupts. */
static tn_status take_batch(tni_v1_words *words, uint64_t count, char *out, tn_error *err)
{
    if (is_strings(words)) {
        return skip_strings(words, count, err);
    }
    return stored_width(words) != 0 ? take_fixed(words, count, out, err)
                                    : take_varints(words, count, out, err);
}

static tn_status take_words(tni_v1_words *words, uint64_t count, char *out, tn_error *err)
{
    while (count > 0) {
        uint64_t part = to_next_mark(words, count);
        tn_status status = take_batch(words, part, out, err);
        if (status != TN_OK) {
            return status;
        }
        leave_mark(words);
        out = out == NULL ? NULL : out + part * words->values->width;
        count -= part;
    }
    return TN_OK;
}

tn_status tni_v1_words_skip(tni_v1_words *words, uint64_t first, tn_error *err)
{
    return take_words(words, first - words->next, NULL, err);
}

tn_status tni_v1_words_read(tni_v1_words *words, uint64_t count, void *out, tn_error *err)
{
    return take_words(words, count, out, err);
}

tn_status tni_v1_words_string(tni_v1_words *words, uint64_t *len_out, tn_error *err)
{
    tn_status status = need_field(words, err);
    if (status == TN_OK) {
        *len_out = words->run;
    }
    return status;
}

tn_status tni_v1_words_text(tni_v1_words *words, void *out, tn_error *err)
{
    uint64_t len = words->run;
    words->run = 0;
    words->single = false;
    words->next++;
    return out == NULL ? tni_v1_stream_skip(&words->stream, len, err)
                       : tni_v1_stream_take(&words->stream, len, out, err);
}

tn_status tni_v1_words_end(tni_v1_words *words, tn_error *err)
{
    bool more;
    tn_status status = next_field(words, &more, err);
    return status != TN_OK || !more
               ? status
               : tni_v1_stream_fail(&words->stream, "a slice has more values than its shape wants",
                                    err);
}
