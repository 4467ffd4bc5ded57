#include "formats/saved_model/image.h"
#include "core/checked.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/shared/wire.h"

enum {
    WINDOW = 1 << 18,
    HOLE_LEAST = 4096, /* bytes of a value that is left in the file */
    FRAMES = 12,       /* more than the messages below which lead to constants */
    HEADER = 15        /* bytes of the longest tag and length */
};

/* The messages between the root and the values of constants. */
typedef enum message {
    MODEL,
    META,
    GRAPH,
    LIBRARY,
    FUNCTION,
    NODE,
    ATTR_ENTRY,
    ATTR,
    LIST,
    TENSOR,
    VALUE, /* may become a hole */
    OTHER
} message;

/* Which field of which message leads nearer to values. Of the numbers only those of fixed size are
 * left in the file: others have to be counted. */
static message child_of(message parent, uint32_t number)
{
    static const struct {
        message parent;
        uint32_t number;
        message child;
    } steps[] = {
        {MODEL, 2, META},       {META, 2, GRAPH},    {GRAPH, 1, NODE},      {GRAPH, 2, LIBRARY},
        {LIBRARY, 1, FUNCTION}, {FUNCTION, 3, NODE}, {NODE, 5, ATTR_ENTRY}, {ATTR_ENTRY, 2, ATTR},
        {ATTR, 8, TENSOR},      {ATTR, 1, LIST},     {LIST, 8, TENSOR},     {TENSOR, 4, VALUE},
        {TENSOR, 5, VALUE},     {TENSOR, 6, VALUE},  {TENSOR, 9, VALUE},    {TENSOR, 12, VALUE},
        {TENSOR, 18, VALUE},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].parent == parent && steps[i].number == number) {
            return steps[i].child;
        }
    }
    return OTHER;
}

/* A message that is being walked through. */
typedef struct frame {
    message kind;
    uint64_t end;     /* in the file */
    size_t length_at; /* in the image: its length */
    size_t width;     /* bytes of that; 0: the root has none */
    size_t start;     /* in the image: its content */
    size_t holes;     /* how many there were before it */
} frame;

typedef struct loader {
    tni_sm_image *image;
    uint64_t pos; /* in the file: what comes next */
    uint64_t window_at;
    size_t window_len;
    frame frames[FRAMES];
    size_t depth;
    uint8_t window[WINDOW];
} loader;

/* Makes room for more bytes of the image. */
static tn_status grow(tni_sm_image *image, uint64_t more, tn_error *err)
{
    uint64_t need = image->len + more;
    tn_status status = tni_check_limit(need, image->ctx->limits.header_bytes, "header-bytes", err);
    if (status != TN_OK || need <= image->room) {
        return status;
    }
    size_t room = image->room * 2 > need ? image->room * 2 : (size_t)need;
    void *block = image->data;
    status = tni_resize(image->ctx, &block, room, err);
    if (status == TN_OK) {
        image->data = block;
        image->room = room;
    }
    return status;
}

/* Has the window begin at `pos`, unless it holds `count` bytes from there on already. */
static tn_status look(loader *l, size_t count, tn_error *err)
{
    uint64_t from = l->pos - l->window_at;
    if (l->pos >= l->window_at && tni_range_fits(from, count, l->window_len)) {
        return TN_OK;
    }
    uint64_t left = tni_source_size(l->image->source) - l->pos;
    l->window_at = l->pos;
    l->window_len = left < WINDOW ? (size_t)left : WINDOW;
    return tni_source_read(l->image->source, l->pos, l->window, l->window_len, err);
}

/* Takes the next bytes of the file into the image. */
static tn_status keep(loader *l, uint64_t count, tn_error *err)
{
    tni_sm_image *image = l->image;
    tn_status status = grow(image, count, err);
    if (status != TN_OK || count == 0) {
        return status;
    }
    if (count >= WINDOW) {
        status =
            tni_source_read(image->source, l->pos, image->data + image->len, (size_t)count, err);
    } else if ((status = look(l, (size_t)count, err)) == TN_OK) {
        uint64_t from = l->pos - l->window_at;
        memcpy(image->data + image->len, l->window + from, (size_t)count);
    }
    if (status == TN_OK) {
        image->len += (size_t)count;
        l->pos += count;
    }
    return status;
}

/* Writes a length into as many bytes as another one had. */
static void put_padded(char *at, size_t width, uint64_t length)
{
    for (size_t i = 0; i < width; i++) {
        at[i] = (char)((length & 0x7F) | (i + 1 < width ? 0x80 : 0));
        length >>= 7;
    }
}

static void close_frame(loader *l)
{
    const frame *f = &l->frames[--l->depth];
    if (f->width > 0 && l->image->n_holes > f->holes) {
        put_padded(l->image->data + f->length_at, f->width, l->image->len - f->start);
    }
}

static tn_status add_hole(loader *l, uint64_t bytes, tn_error *err)
{
    tni_sm_image *image = l->image;
    if (image->n_holes == image->holes_room) {
        size_t room = image->holes_room * 2 + 16;
        void *block = image->holes;
        tn_status status = tni_resize(image->ctx, &block, room * sizeof *image->holes, err);
        if (status != TN_OK) {
            return status;
        }
        image->holes = block;
        image->holes_room = room;
    }
    uint64_t gone = image->n_holes == 0 ? 0 : image->holes[image->n_holes - 1].gone;
    image->holes[image->n_holes++] = (tni_sm_hole){image->len, l->pos, bytes, gone + bytes};
    l->pos += bytes;
    return TN_OK;
}

/* Takes a field with a length: whole, as a hole, or as a message to be walked through. */
static tn_status take_bytes(loader *l, message kind, size_t tag_width, size_t width,
                            uint64_t length, tn_error *err)
{
    if (kind == OTHER || length < HOLE_LEAST || l->depth == FRAMES) {
        return keep(l, tag_width + width + length, err);
    }
    tn_status status = keep(l, tag_width + width, err);
    if (status != TN_OK) {
        return status;
    }
    size_t length_at = l->image->len - width;
    if (kind == VALUE) {
        put_padded(l->image->data + length_at, width, 0);
        return add_hole(l, length, err);
    }
    l->frames[l->depth++] =
        (frame){kind, l->pos + length, length_at, width, l->image->len, l->image->n_holes};
    return TN_OK;
}

/* Takes one field of the innermost message. What is damaged or a group is kept to that message's
 * end. */
static tn_status take_field(loader *l, tn_error *err)
{
    const frame *f = &l->frames[l->depth - 1];
    uint64_t left = f->end - l->pos, number;
    size_t header = left < HEADER ? (size_t)left : HEADER;
    tn_status status = look(l, header, err);
    if (status != TN_OK) {
        return status;
    }
    tni_cursor c = tni_cursor_of(l->window + (l->pos - l->window_at), header);
    uint32_t tag;
    if (!tni_get_varint32(&c, &tag)) {
        return keep(l, left, err);
    }
    size_t tag_width = c.pos;
    switch (tag & 7) {
    case TNI_WIRE_VARINT:
        return keep(l, tni_get_varint64(&c, &number) ? c.pos : left, err);
    case TNI_WIRE_I64:
        return keep(l, left < tag_width + 8 ? left : tag_width + 8, err);
    case TNI_WIRE_I32:
        return keep(l, left < tag_width + 4 ? left : tag_width + 4, err);
    case TNI_WIRE_LEN:
        if (tni_get_varint64(&c, &number) && number <= left - c.pos) {
            return take_bytes(l, child_of(f->kind, tag >> 3), tag_width, c.pos - tag_width, number,
                              err);
        }
        return keep(l, left, err);
    default:
        return keep(l, left, err);
    }
}

tn_status tni_sm_image_load(tni_sm_image *image, tn_context *ctx, tn_source *source,
                            tni_sm_kind kind, tn_error *err)
{
    static const message roots[] = {MODEL, META, GRAPH};
    void *block;
    *image = (tni_sm_image){.ctx = ctx, .source = source};
    tn_status status = tni_alloc(ctx, sizeof(loader), &block, err);
    if (status != TN_OK) {
        return status;
    }
    loader *l = block;
    l->image = image;
    l->pos = l->window_at = l->window_len = 0;
    l->frames[0] = (frame){.kind = roots[kind], .end = tni_source_size(source)};
    l->depth = 1;
    while (status == TN_OK && l->depth > 0) {
        if (l->pos == l->frames[l->depth - 1].end) {
            close_frame(l);
        } else {
            status = take_field(l, err);
        }
    }
    tni_free(ctx, l);
    return status;
}

void tni_sm_image_clear(tni_sm_image *image)
{
    tni_free(image->ctx, image->data);
    tni_free(image->ctx, image->holes);
}

tn_str tni_sm_image_message(const tni_sm_image *image)
{
    return (tn_str){image->len == 0 ? "" : image->data, image->len};
}

/* Counts the holes that lie at or before a place. */
static size_t holes_until(const tni_sm_image *image, size_t at)
{
    size_t low = 0, high = image->n_holes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->holes[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t tni_sm_image_offset(const tni_sm_image *image, const char *at)
{
    size_t place = image->len == 0 ? 0 : (size_t)(at - image->data);
    size_t before = holes_until(image, place);
    return place + (before == 0 ? 0 : image->holes[before - 1].gone);
}

const tni_sm_hole *tni_sm_image_hole(const tni_sm_image *image, tn_str value)
{
    if (value.len > 0 || image->n_holes == 0) {
        return NULL;
    }
    size_t place = (size_t)(value.data - image->data);
    size_t until = holes_until(image, place);
    bool is = until > 0 && image->holes[until - 1].at == place;
    return is ? &image->holes[until - 1] : NULL;
}
