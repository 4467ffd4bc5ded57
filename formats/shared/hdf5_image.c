/* Has the helper make the metadata of a new file, and proves that its pieces and the places of the
 * values are apart. */
#include "core/checked.h"
#include "core/error.h"
#include "formats/shared/hdf5_wire.h"
#include <stdlib.h>

enum {
    NODE_WORK = 2000, /* bytes of work that a node counts for */
    ZEROS = 64        /* a run of so many zeros is not kept: seven tenths of an image are such */
};

typedef struct making {
    tn_context *ctx;
    tni_arena *arena;
    tni_hdf5_session *session;
    const tni_hdf5_node *nodes;
    size_t count;
    tni_buffer frame; /* payload that is being built */
    tni_hdf5_place *places;
    size_t n_places;
    tni_hdf5_place *pieces; /* where the helper's pieces lie */
    size_t n_pieces, pieces_room;
    tni_hdf5_piece *parts; /* what is not zero of them */
    size_t n_parts, parts_room;
    uint64_t bytes, size;
} making;

static tn_status nonsense(making *m, tn_error *err)
{
    return tni_hdf5_hostile(m->session, "it talks nonsense", err);
}

static tn_status send(making *m, tni_h5_frame frame, tn_error *err)
{
    tn_status status = tni_buffer_check(&m->frame, err);
    if (status == TN_OK && m->frame.len > TNI_H5_PAYLOAD) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "its name is too long for HDF5");
    }
    if (status == TN_OK) {
        status = tni_hdf5_send(m->session, frame, m->frame.data, m->frame.len, err);
    }
    tni_buffer_reset(&m->frame);
    return status;
}

static void put_type(making *m, tn_dtype dtype, unsigned flags, uint32_t width)
{
    tni_buffer_char(&m->frame, (char)dtype);
    tni_buffer_char(&m->frame, (char)flags);
    tni_hdf5_put_u32(&m->frame, width);
}

static void put_space(making *m, bool null, uint32_t rank, const int64_t *shape)
{
    tni_buffer_char(&m->frame, (char)(null ? TNI_H5_NULL_SPACE : (int)rank));
    for (uint32_t i = 0; !null && i < rank; i++) {
        tni_hdf5_put_u64(&m->frame, (uint64_t)shape[i]);
    }
}

/* Tells whether libhdf5 can be given this name: its interface ends names at NUL and paths at '/'.
 */
static bool name_fits(tn_str name, bool is_link)
{
    return name.len > 0 && name.len < TNI_H5_NAME && memchr(name.data, '\0', name.len) == NULL &&
           (!is_link ||
            (memchr(name.data, '/', name.len) == NULL && !tn_str_equal(name, TN_LIT("."))));
}

static tn_status send_values(making *m, const tni_hdf5_attribute *attribute, uint64_t bytes,
                             tn_error *err)
{
    tni_buffer stream;
    tn_status status = TN_OK;
    tni_buffer_init(&stream, m->ctx);
    for (int64_t i = 0; attribute->dtype == TN_STRING && i < attribute->elements; i++) {
        tni_hdf5_put_u32(&stream, (uint32_t)attribute->strings[i].len);
        tni_buffer_str(&stream, attribute->strings[i]);
    }
    status = tni_buffer_check(&stream, err);
    const char *from = attribute->dtype == TN_STRING ? stream.data : attribute->values;
    for (uint64_t at = 0; status == TN_OK && at < bytes; at += TNI_H5_PART) {
        uint64_t left = bytes - at;
        status = tni_hdf5_send(m->session, TNI_H5_BYTES, from + at,
                               left < TNI_H5_PART ? (size_t)left : TNI_H5_PART, err);
    }
    tni_buffer_clear(&stream);
    return status;
}

/* Computes the bytes of an attribute's values as they are sent; false if HDF5 cannot hold one. */
static bool value_bytes(const tni_hdf5_attribute *attribute, uint64_t *bytes_out)
{
    uint64_t bytes = 0;
    if (attribute->dtype != TN_STRING) {
        return tni_mul_u64((uint64_t)attribute->elements, tni_hdf5_element(attribute->dtype, 0),
                           bytes_out);
    }
    for (int64_t i = 0; i < attribute->elements; i++) {
        tn_str text = attribute->strings[i];
        bool fits = attribute->variable ? text.len == 0 || memchr(text.data, '\0', text.len) == NULL
                                        : text.len <= attribute->width;
        if (!fits || text.len > UINT32_MAX - 4 || !tni_add_u64(bytes, text.len + 4, &bytes)) {
            return false;
        }
    }
    *bytes_out = bytes;
    return bytes < UINT32_MAX && (attribute->variable || attribute->width > 0);
}

static tn_status send_attribute(making *m, const tni_hdf5_attribute *attribute, tn_error *err)
{
    uint64_t bytes = 0;
    if (!name_fits(attribute->name, false) || attribute->rank > TNI_H5_RANK ||
        !value_bytes(attribute, &bytes)) {
        tn_status status = tni_fail(err, TN_E_CANNOT_HOLD, "HDF5 cannot hold this attribute");
        tni_error_subject(err, attribute->name);
        return status;
    }
    put_type(m, attribute->dtype,
             (attribute->variable ? TNI_H5_VARIABLE : 0u) | (attribute->utf8 ? TNI_H5_UTF8 : 0u),
             attribute->width);
    put_space(m, attribute->null_space, attribute->rank, attribute->shape);
    tni_hdf5_put_u64(&m->frame, bytes);
    tni_buffer_str(&m->frame, attribute->name);
    tn_status status = send(m, TNI_H5_ATTRIBUTE, err);
    return status == TN_OK ? send_values(m, attribute, bytes, err) : status;
}

static tn_status send_node(making *m, size_t index, tn_error *err)
{
    const tni_hdf5_node *node = &m->nodes[index];
    bool root = index == 0, dataset = node->kind == TNI_HDF5_DATASET;
    tn_status status = tni_cancelled(m->ctx, err);
    if (status != TN_OK) {
        return status;
    }
    if ((!root && !name_fits(node->name, true)) || (dataset && node->rank > TNI_H5_RANK) ||
        (root ? dataset : node->parent >= index)) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "HDF5 cannot hold an object of this name or rank");
        tni_error_subject(err, node->name);
        return status;
    }
    tni_buffer_char(&m->frame, dataset ? 1 : 0);
    tni_hdf5_put_u32(&m->frame, root ? 0 : node->parent);
    put_type(m, dataset ? node->dtype : TN_DTYPE_NONE, 0, 0);
    put_space(m, false, dataset ? node->rank : 0, node->shape);
    tni_buffer_str(&m->frame, root ? TN_STR_NONE : node->name);
    status = send(m, TNI_H5_NODE, err);
    for (uint32_t i = 0; status == TN_OK && i < node->n_attributes; i++) {
        status = send_attribute(m, &node->attributes[i], err);
    }
    return status;
}

static tn_status send_all(making *m, bool newer, tn_error *err)
{
    tni_buffer_char(&m->frame, newer ? 1 : 0);
    tni_hdf5_put_u32(&m->frame, (uint32_t)m->count);
    tn_status status = send(m, TNI_H5_BEGIN, err);
    for (size_t i = 0; status == TN_OK && i < m->count; i++) {
        status = send_node(m, i, err);
    }
    return status == TN_OK ? send(m, TNI_H5_FINISH, err) : status;
}

static tn_status take_places(making *m, tni_cursor *payload, tn_error *err)
{
    while (tni_cursor_left(payload) > 0) {
        tni_hdf5_place place;
        if (m->n_places == m->count || !tni_get_u64le(payload, &place.offset) ||
            !tni_get_u64le(payload, &place.bytes)) {
            return nonsense(m, err);
        }
        m->places[m->n_places++] = place;
    }
    return TN_OK;
}

/* Doubles a list that is full. */
static tn_status grow(making *m, void **list, size_t count, size_t *room, size_t size,
                      tn_error *err)
{
    if (count < *room) {
        return TN_OK;
    }
    size_t more = *room == 0 ? 64 : 2 * *room;
    tn_status status = tni_resize(m->ctx, list, more * size, err);
    *room = status == TN_OK ? more : *room;
    return status;
}

static tn_status keep_part(making *m, uint64_t offset, tn_str bytes, tn_error *err)
{
    void *list = m->parts;
    tn_status status = grow(m, &list, m->n_parts, &m->parts_room, sizeof *m->parts, err);
    m->parts = list;
    if (status == TN_OK) {
        status = tni_arena_str(m->arena, bytes, &bytes, err);
    }
    if (status == TN_OK) {
        m->parts[m->n_parts++] = (tni_hdf5_piece){offset, bytes};
    }
    return status;
}

/* Returns how many zeros a text begins with. */
static size_t zeros_of(tn_str text)
{
    size_t count = 0;
    while (count < text.len && text.data[count] == 0) {
        count++;
    }
    return count;
}

/* Returns where the next long run of zeros begins, or the text ends. */
static size_t find_zeros(tn_str text)
{
    for (size_t at = 0; at < text.len;) {
        const char *zero = memchr(text.data + at, 0, text.len - at);
        size_t begin = zero == NULL ? text.len : (size_t)(zero - text.data);
        size_t run = zeros_of(tn_str_skip(text, begin));
        if (run >= ZEROS || begin + run == text.len) {
            return begin;
        }
        at = begin + run;
    }
    return text.len;
}

static tn_status take_piece(making *m, tni_cursor *payload, tn_error *err)
{
    tni_hdf5_place piece;
    if (!tni_get_u64le(payload, &piece.offset) || tni_cursor_left(payload) == 0) {
        return nonsense(m, err);
    }
    tn_str rest = tni_hdf5_get_rest(payload);
    void *list = m->pieces;
    tn_status status = grow(m, &list, m->n_pieces, &m->pieces_room, sizeof *m->pieces, err);
    m->pieces = list;
    if (status == TN_OK) {
        piece.bytes = rest.len;
        m->bytes += rest.len;
        m->pieces[m->n_pieces++] = piece;
    }
    for (size_t at = zeros_of(rest); status == TN_OK && at < rest.len;) {
        size_t len = find_zeros(tn_str_skip(rest, at));
        status = keep_part(m, piece.offset + at, (tn_str){rest.data + at, len}, err);
        at += len;
        at += zeros_of(tn_str_skip(rest, at));
    }
    return status;
}

static tn_status take_end(making *m, tni_cursor *payload, tn_error *err)
{
    uint64_t places, pieces, bytes;
    if (!tni_get_u64le(payload, &places) || !tni_get_u64le(payload, &pieces) ||
        !tni_get_u64le(payload, &bytes) || !tni_get_u64le(payload, &m->size) ||
        places != m->count || m->n_places != m->count || pieces != m->n_pieces ||
        bytes != m->bytes) {
        return nonsense(m, err);
    }
    return TN_OK;
}

static tn_status take_all(making *m, tn_error *err)
{
    tni_h5_frame frame = TNI_H5_FINISH;
    tn_status status = TN_OK;
    while (status == TN_OK && frame != TNI_H5_END) {
        tni_cursor payload;
        status = tni_hdf5_receive(m->session, &frame, &payload, err);
        if (status != TN_OK) {
            break;
        }
        if (frame == TNI_H5_PLACE) {
            status = take_places(m, &payload, err);
        } else if (frame == TNI_H5_PIECE) {
            status = take_piece(m, &payload, err);
        } else {
            status = frame == TNI_H5_END ? take_end(m, &payload, err) : nonsense(m, err);
        }
    }
    return status;
}

static int by_offset(const void *a, const void *b)
{
    const tni_hdf5_place *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Proves that pieces and places are in the file and apart, and that each dataset has its room. */
static tn_status prove(making *m, tn_error *err)
{
    void *block;
    uint64_t end = 0, bytes;
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        const tni_hdf5_node *node = &m->nodes[i];
        int64_t elements = 0;
        bool dataset = node->kind == TNI_HDF5_DATASET;
        if ((dataset && !tni_shape_elements(node->shape, node->rank, &elements)) ||
            !tni_mul_u64((uint64_t)elements, tni_hdf5_element(node->dtype, 0), &bytes) ||
            m->places[i].bytes != bytes) {
            return nonsense(m, err);
        }
    }
    tn_status status =
        tni_alloc_array(m->ctx, m->count + m->n_pieces, sizeof(tni_hdf5_place), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_hdf5_place *all = block;
    for (size_t i = 0; i < m->count; i++) {
        if (m->places[i].bytes > 0) {
            all[n++] = m->places[i];
        }
    }
    for (size_t i = 0; i < m->n_pieces; i++) {
        all[n++] = m->pieces[i];
        status = status == TN_OK && i > 0 && m->pieces[i].offset < m->pieces[i - 1].offset
                     ? nonsense(m, err)
                     : status;
    }
    if (n > 1) {
        qsort(all, n, sizeof *all, by_offset);
    }
    for (size_t i = 0; status == TN_OK && i < n; i++) {
        if (all[i].offset < end || !tni_range_fits(all[i].offset, all[i].bytes, m->size)) {
            status = nonsense(m, err);
        }
        end = all[i].offset + all[i].bytes;
    }
    tni_free(m->ctx, all);
    return status;
}

static tn_status keep(making *m, tni_hdf5_image *image_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(m->arena, m->n_parts, sizeof *m->parts, &block, err);
    if (status == TN_OK) {
        if (m->n_parts > 0) {
            memcpy(block, m->parts, m->n_parts * sizeof *m->parts);
        }
        *image_out = (tni_hdf5_image){m->size, block, m->n_parts, m->places};
    }
    return status;
}

static tn_status make(making *m, bool newer, tni_hdf5_image *image_out, tn_error *err)
{
    tn_status status;
    m->session->work = m->count * NODE_WORK;
    if ((status = tni_hdf5_start(m->session, err)) == TN_OK &&
        (status = send_all(m, newer, err)) == TN_OK && (status = take_all(m, err)) == TN_OK &&
        (status = prove(m, err)) == TN_OK) {
        status = keep(m, image_out, err);
    }
    return status;
}

tn_status tni_hdf5_image_make(tn_context *ctx, const tni_hdf5_node *nodes, size_t count, bool newer,
                              tni_arena *arena, tni_hdf5_image *image_out, tn_error *err)
{
    making m = {.ctx = ctx, .arena = arena, .nodes = nodes, .count = count};
    void *block;
    tn_status status = tni_arena_array(arena, count, sizeof *m.places, &block, err);
    if (status != TN_OK) {
        return status;
    }
    m.places = block;
    tni_buffer_init(&m.frame, ctx);
    status = tni_hdf5_session_new(ctx, NULL, &m.session, err);
    if (status == TN_OK) {
        status = make(&m, newer, image_out, err);
    }
    tni_hdf5_session_free(m.session);
    tni_buffer_clear(&m.frame);
    tni_free(ctx, m.pieces);
    tni_free(ctx, m.parts);
    return status;
}
