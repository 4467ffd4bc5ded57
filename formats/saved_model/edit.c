#include "formats/saved_model/edit.h"
#include "core/error.h"

void tni_sm_edit_init(tni_sm_edit *edit, const tni_sm_image *image, tni_arena *arena)
{
    *edit = (tni_sm_edit){.image = image, .arena = arena};
}

void tni_sm_edit_clear(tni_sm_edit *edit)
{
    tni_free(edit->arena->ctx, edit->list);
}

/* Returns where the length before a content begins: its last byte is the only one below 0x80, and
 * so is the last byte of the tag before it. */
static const char *length_before(const tni_sm_image *image, tn_str content)
{
    const char *at = content.data - 1;
    while (at > image->data && (uint8_t)at[-1] >= 0x80) {
        at--;
    }
    return at;
}

static tn_status add(tni_sm_edit *edit, tni_splice splice, tn_error *err)
{
    if (edit->count == edit->room) {
        size_t room = edit->room * 2 + 64;
        void *block = edit->list;
        tn_status status = tni_resize(edit->arena->ctx, &block, room * sizeof splice, err);
        if (status != TN_OK) {
            return status;
        }
        edit->list = block;
        edit->room = room;
    }
    edit->list[edit->count++] = splice;
    return TN_OK;
}

static void grow(tni_sm_edit *edit, int64_t by)
{
    int64_t *growth = edit->depth == 0 ? &edit->growth : &edit->open[edit->depth - 1].growth;
    *growth += by;
}

tn_status tni_sm_edit_open(tni_sm_edit *edit, tn_str content, tn_error *err)
{
    const tni_sm_image *image = edit->image;
    if (edit->depth == TNI_WIRE_DEPTH) {
        return tni_fail(err, TN_E_CORRUPT, "messages lie in each other more than %d deep",
                        TNI_WIRE_DEPTH);
    }
    uint64_t start = tni_sm_image_offset(image, content.data);
    uint64_t end = tni_sm_image_offset(image, content.data + content.len);
    edit->open[edit->depth++] = (tni_sm_open_message){
        .splice = edit->count,
        .length_at = tni_sm_image_offset(image, length_before(image, content)),
        .start = start,
        .length = end - start};
    return add(edit, (tni_splice){.at = start}, err);
}

tn_status tni_sm_edit_close(tni_sm_edit *edit, tn_error *err)
{
    const tni_sm_open_message *open = &edit->open[--edit->depth];
    uint8_t varint[10];
    if (edit->count == open->splice + 1) {
        edit->count--;
        return TN_OK;
    }
    if (open->growth == 0) {
        return TN_OK;
    }
    tn_str bytes = {(const char *)varint,
                    tni_put_varint64(varint, open->length + (uint64_t)open->growth)};
    tn_status status = tni_arena_str(edit->arena, bytes, &bytes, err);
    if (status == TN_OK) {
        uint64_t gone = open->start - open->length_at;
        edit->list[open->splice] = (tni_splice){open->length_at, gone, bytes};
        grow(edit, open->growth + (int64_t)bytes.len - (int64_t)gone);
    }
    return status;
}

tn_status tni_sm_edit_put(tni_sm_edit *edit, tn_str content, tn_str bytes, tn_error *err)
{
    const tni_sm_image *image = edit->image;
    uint8_t varint[10];
    void *block;
    size_t width = tni_put_varint64(varint, bytes.len);
    uint64_t at = tni_sm_image_offset(image, length_before(image, content));
    uint64_t gone = tni_sm_image_offset(image, content.data + content.len) - at;
    tn_status status = tni_arena_alloc(edit->arena, width + bytes.len, &block, err);
    if (status != TN_OK) {
        return status;
    }
    memcpy(block, varint, width);
    if (bytes.len > 0) {
        memcpy((char *)block + width, bytes.data, bytes.len);
    }
    grow(edit, (int64_t)(width + bytes.len) - (int64_t)gone);
    return add(edit, (tni_splice){at, gone, {block, width + bytes.len}}, err);
}

tn_status tni_sm_edit_end(const tni_sm_edit *edit, tni_splices *splices_out, tn_error *err)
{
    const tni_sm_image *image = edit->image;
    void *block;
    uint64_t old = image->source == NULL ? image->len : tni_source_size(image->source);
    uint64_t size = old + (uint64_t)edit->growth;
    if (edit->growth > 0 && size > INT32_MAX) {
        return tni_fail(err, TN_E_CANNOT_HOLD, "protobuf holds no message of 2 GiB or more");
    }
    tn_status status = tni_arena_array(edit->arena, edit->count, sizeof(tni_splice), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_splices splices = {.at = block, .size = size};
    for (size_t i = 0; i < edit->count; i++) {
        const tni_splice *splice = &edit->list[i];
        if (splice->gone > 0 || splice->bytes.len > 0) {
            splices.at[splices.count++] = *splice;
        }
    }
    *splices_out = splices;
    return TN_OK;
}
