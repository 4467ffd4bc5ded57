#include "formats/tf_checkpoint_v1/places.h"
#include "core/buffer.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/tf_checkpoint_v1/layout.h"

enum {
    SLICE_KEY_EXTRA = 16 + TNI_TF_MAX_RANK * 20, /* what a slice's key adds to the name, which may
                                                    double */
    RESTART = 4                                  /* bytes of a restart, and of their number */
};

/* One walk over a shard's table. */
typedef struct walk {
    tn_context *ctx;
    tn_source *source;
    tni_arena *keep, *scratch;
    tni_v1_places *places;
    tni_buffer key; /* the last one read */
    bool any;       /* a key was read */
    tni_v1_stream stream;
} walk;

/* Replaces the last key by its first `shared` bytes and the next `rest` of the stream. */
static tn_status next_key(walk *w, uint64_t shared, uint64_t rest, tn_error *err)
{
    uint64_t name = w->ctx->limits.name_bytes, limit = UINT64_MAX;
    if (name <= (UINT64_MAX - SLICE_KEY_EXTRA) / 2) {
        limit = 2 * name + SLICE_KEY_EXTRA;
    }
    if (shared > w->key.len || rest > tni_v1_stream_left(&w->stream)) {
        return tni_v1_stream_fail(&w->stream,
                                  "an entry of the table continues a key that is not there", err);
    }
    tn_status status = tni_check_limit(shared + rest, limit, "name-bytes", err);
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(w->source));
        return status;
    }
    size_t old = w->key.len;
    tni_buffer_zeros(&w->key, (size_t)rest);
    if ((status = tni_buffer_check(&w->key, err)) != TN_OK) {
        return status;
    }
    if (rest > 0) {
        status = tni_v1_stream_take(&w->stream, rest, w->key.data + old, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_str before = {w->key.data + shared, old - shared}, now = {w->key.data + old, (size_t)rest};
    if (w->any && tn_str_compare(now, before) <= 0) {
        return tni_v1_stream_fail(&w->stream, "the keys of the table are not in order", err);
    }
    if (rest > 0) {
        memmove(w->key.data + shared, w->key.data + old, (size_t)rest);
    }
    w->key.len = (size_t)(shared + rest);
    w->any = true;
    return TN_OK;
}

/* Steps into field `wanted` of the message that ends at `end`, which must be there once; *end_out
 * is where the field's payload ends. */
static tn_status enter(walk *w, uint64_t wanted, uint64_t end, uint64_t *end_out, tn_error *err)
{
    tni_v1_stream *stream = &w->stream;
    while (tni_v1_stream_pos(stream) < end) {
        uint64_t tag, len;
        tn_status status = tni_v1_stream_varint(stream, &tag, err);
        if (status == TN_OK && tag == wanted) {
            if ((status = tni_v1_stream_varint(stream, &len, err)) != TN_OK) {
                return status;
            }
            if (tni_v1_stream_pos(stream) > end || len > end - tni_v1_stream_pos(stream)) {
                break;
            }
            *end_out = tni_v1_stream_pos(stream) + len;
            return TN_OK;
        }
        if (status != TN_OK || (status = tni_v1_stream_skip_field(stream, tag, err)) != TN_OK) {
            return status;
        }
    }
    return tni_v1_stream_fail(stream, "an entry of the table is no stored slice", err);
}

static tn_status make_room(walk *w, tn_error *err)
{
    tni_v1_places *places = w->places;
    tn_status status = tni_check_limit(places->count + 1, w->ctx->limits.pieces, "pieces", err);
    if (status == TN_OK && places->count == places->room) {
        size_t room = places->room == 0 ? 64 : 2 * places->room;
        void *at = places->at;
        status = tni_resize(w->ctx, &at, room * sizeof(tni_v1_place), err);
        if (status == TN_OK) {
            places->at = at;
            places->room = room;
        }
    }
    return status;
}

/* Finds where the values lie themselves, if one packed field is all that the message holds. */
static tn_status find_inner(walk *w, tni_v1_place *place, tn_error *err)
{
    uint64_t tag, len;
    place->inner = place->at;
    if (place->len == 0) {
        return TN_OK;
    }
    tn_status status = tni_v1_stream_varint(&w->stream, &tag, err);
    if (status == TN_OK && (tag & 7) == TNI_WIRE_LEN) {
        status = tni_v1_stream_varint(&w->stream, &len, err);
        uint64_t pos = tni_v1_stream_pos(&w->stream), end = place->at + place->len;
        if (status == TN_OK && pos <= end && len == end - pos) {
            place->inner = pos;
        }
    }
    return status;
}

/* Takes down where the slice lies whose entry's value ends at `end`. */
static tn_status add_place(walk *w, tni_v1_block *block, uint64_t end, tn_error *err)
{
    uint64_t slice_end, data_end;
    tni_v1_place place = {.block = block};
    tn_status status;
    if ((status = enter(w, TNI_V1_SLICES_DATA, end, &slice_end, err)) != TN_OK ||
        (status = enter(w, TNI_V1_SLICE_DATA, slice_end, &data_end, err)) != TN_OK ||
        (status = make_room(w, err)) != TN_OK ||
        (status = tni_arena_str(w->scratch, (tn_str){w->key.data, w->key.len}, &place.key, err)) !=
            TN_OK) {
        return status;
    }
    place.at = tni_v1_stream_pos(&w->stream);
    place.len = data_end - place.at;
    if ((status = find_inner(w, &place, err)) != TN_OK) {
        return status;
    }
    w->places->at[w->places->count++] = place;
    return TN_OK;
}

/* Reads the meta, whose block is checked first: nothing else would tell a wrong shape. */
static tn_status take_meta(walk *w, tni_v1_block *block, uint64_t len, tn_error *err)
{
    void *meta;
    tn_status status;
    if ((status = tni_check_limit(len, w->ctx->limits.header_bytes, "header-bytes", err)) !=
            TN_OK ||
        (w->stream.plain == NULL &&
         (status = tni_table_prove(w->ctx, w->source, &block->table, err)) != TN_OK) ||
        (status = tni_arena_alloc(w->scratch, (size_t)len, &meta, err)) != TN_OK ||
        (status = tni_v1_stream_take(&w->stream, len, meta, err)) != TN_OK) {
        return status;
    }
    atomic_store(&block->proved, true);
    w->places->meta = (tn_str){meta, (size_t)len};
    return TN_OK;
}

static tn_status take_entry(walk *w, tni_v1_block *block, tn_error *err)
{
    tni_v1_stream *stream = &w->stream;
    uint64_t shared, rest, len;
    bool first = !w->any, begins = tni_v1_stream_pos(stream) == 0;
    tn_status status;
    if ((status = tni_v1_stream_varint(stream, &shared, err)) != TN_OK ||
        (status = tni_v1_stream_varint(stream, &rest, err)) != TN_OK ||
        (status = tni_v1_stream_varint(stream, &len, err)) != TN_OK ||
        (status = next_key(w, begins ? 0 : shared, rest, err)) != TN_OK) {
        return status;
    }
    if (begins && shared != 0) {
        return tni_v1_stream_fail(stream, "a block of the table does not begin with a whole key",
                                  err);
    }
    if (first != (w->key.len == 0)) {
        return tni_v1_stream_fail(stream, "the table does not begin with the checkpoint's meta",
                                  err);
    }
    if (len > tni_v1_stream_left(stream)) {
        return tni_v1_stream_fail(stream, "an entry of the table runs out of its block", err);
    }
    uint64_t end = tni_v1_stream_pos(stream) + len;
    status = first ? take_meta(w, block, len, err) : add_place(w, block, end, err);
    return status == TN_OK ? tni_v1_stream_skip(stream, end - tni_v1_stream_pos(stream), err)
                           : status;
}

/* Walks the entries of a block of `size` plain bytes. */
static tn_status walk_entries(walk *w, tni_v1_block *block, const uint8_t *plain, uint64_t size,
                              tn_str last, tn_error *err)
{
    uint8_t number[RESTART];
    tni_v1_stream_start(&w->stream, block, plain, size < RESTART ? 0 : size - RESTART, size);
    tn_status status = tni_v1_stream_take(&w->stream, RESTART, number, err);
    if (status != TN_OK) {
        return status;
    }
    uint64_t tail = RESTART * ((uint64_t)tni_load_u32le(number) + 1);
    if (tail > size) {
        return tni_v1_stream_fail(&w->stream, "a block of the table has no room for its restarts",
                                  err);
    }
    tni_v1_stream_start(&w->stream, block, plain, 0, size - tail);
    while (status == TN_OK && tni_v1_stream_left(&w->stream) > 0) {
        status = take_entry(w, block, err);
    }
    if (status == TN_OK && tn_str_compare(last, (tn_str){w->key.data, w->key.len}) < 0) {
        status = tni_v1_stream_fail(&w->stream, "the table's index does not fit its blocks", err);
    }
    return status;
}

static tn_status take_block(void *user, const tni_table_block *told, tn_error *err)
{
    walk *w = user;
    void *made, *plain = NULL;
    size_t len = 0;
    tn_status status = tni_arena_alloc(w->keep, sizeof(tni_v1_block), &made, err);
    if (status != TN_OK) {
        return status;
    }
    tni_v1_block *block = made;
    block->ctx = w->ctx;
    block->source = w->source;
    block->table = *told;
    block->table.last = TN_STR_NONE;
    atomic_init(&block->proved, false);
    if (told->compressed) {
        status = tni_table_load(w->ctx, w->source, told, &plain, &len, err);
    }
    if (status == TN_OK) {
        status =
            walk_entries(w, block, plain, told->compressed ? len : told->size, told->last, err);
    }
    tni_free(w->ctx, plain);
    return status;
}

tn_status tni_v1_places_read(tn_context *ctx, tn_source *source, tni_arena *keep,
                             tni_arena *scratch, tni_v1_places *places, tn_error *err)
{
    walk w = {.ctx = ctx, .source = source, .keep = keep, .scratch = scratch, .places = places};
    tni_buffer_init(&w.key, ctx);
    *places = (tni_v1_places){.meta = TN_STR_NONE};
    tni_buffer_char(&w.key, '\0'); /* so that even an empty key has an address */
    tn_status status = tni_buffer_check(&w.key, err);
    tni_buffer_reset(&w.key);
    if (status == TN_OK) {
        status = tni_table_blocks(ctx, source, take_block, &w, err);
    }
    if (status == TN_OK && places->meta.data == NULL) {
        status = tni_fail(err, TN_E_CORRUPT, "the table holds no meta of a checkpoint");
        tni_error_path(err, tni_source_path(source));
    }
    tni_buffer_clear(&w.key);
    return status;
}

const tni_v1_place *tni_v1_place_find(const tni_v1_places *places, tn_str key)
{
    size_t low = 0, high = places->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tn_str_compare(places->at[middle].key, key);
        if (order == 0) {
            return &places->at[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}
