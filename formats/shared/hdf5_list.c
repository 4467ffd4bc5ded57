/* Lists a file: checks what the helper reports and keeps it in the model's arena. */
#include "core/checked.h"
#include "core/error.h"
#include "formats/shared/hdf5_wire.h"
#include <inttypes.h>

/* A group that the listing is in. */
typedef struct level {
    uint32_t object;
    uint32_t last;  /* the child reported last, or TN_NO_INDEX */
    uint64_t links; /* that may still come */
} level;

typedef struct listing {
    tn_context *ctx;
    tni_arena *arena;
    tni_hdf5_session *session;
    tni_hdf5_object *objects;
    size_t count, room;
    tni_hdf5_attribute *attributes; /* of the last object */
    size_t n_attributes, attributes_room;
    uint64_t all_attributes, value_bytes;
    level *levels;
    size_t depth, levels_room;
} listing;

static tn_status nonsense(listing *l, tn_error *err)
{
    return tni_hdf5_hostile(l->session, "the helper that reads it talks nonsense", err);
}

static tn_status grow(tn_context *ctx, void **array, size_t count, size_t *room, size_t size,
                      tn_error *err)
{
    if (count < *room) {
        return TN_OK;
    }
    size_t more = *room == 0 ? 16 : *room * 2;
    tn_status status = tni_resize(ctx, array, more * size, err);
    *room = status == TN_OK ? more : *room;
    return status;
}

/* The attributes of the last object are complete. */
static tn_status settle(listing *l, tn_error *err)
{
    void *block;
    if (l->n_attributes == 0) {
        return TN_OK;
    }
    tn_status status =
        tni_arena_array(l->arena, l->n_attributes, sizeof *l->attributes, &block, err);
    if (status == TN_OK) {
        memcpy(block, l->attributes, l->n_attributes * sizeof *l->attributes);
        l->objects[l->count - 1].attributes = block;
        l->objects[l->count - 1].n_attributes = (uint32_t)l->n_attributes;
        l->n_attributes = 0;
    }
    return status;
}

static void leave(listing *l)
{
    l->objects[l->levels[--l->depth].object].end = (uint32_t)l->count;
}

/* Leaves groups until `parent` is the innermost; false if it is not on the way. The name must
 * follow its last sibling's. */
static bool go_to(listing *l, uint32_t parent, tn_str name)
{
    if (l->count == 0) {
        return parent == TN_NO_INDEX && name.len == 0;
    }
    while (l->depth > 0 && l->levels[l->depth - 1].object != parent) {
        leave(l);
    }
    if (l->depth == 0 || name.len == 0 || name.len > TNI_H5_NAME ||
        memchr(name.data, '/', name.len) != NULL || memchr(name.data, '\0', name.len) != NULL) {
        return false;
    }
    level *at = &l->levels[l->depth - 1];
    if (at->links == 0 ||
        (at->last != TN_NO_INDEX && tn_str_compare(l->objects[at->last].name, name) >= 0)) {
        return false;
    }
    at->links--;
    at->last = (uint32_t)l->count;
    return true;
}

static tn_status make_path(listing *l, uint32_t parent, tn_str name, tni_hdf5_object *object,
                           tn_error *err)
{
    tn_str above = parent == TN_NO_INDEX ? TN_STR_NONE : l->objects[parent].path;
    void *block;
    size_t slash = above.len > 0 ? 1 : 0;
    tn_status status =
        tni_check_limit(above.len + slash + name.len, l->ctx->limits.name_bytes, "name-bytes", err);
    if (status == TN_OK) {
        status = tni_arena_alloc(l->arena, above.len + slash + name.len + 1, &block, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, name);
        return status;
    }
    char *path = block;
    if (slash == 1) {
        memcpy(path, above.data, above.len);
        path[above.len] = '/';
    }
    memcpy(path + above.len + slash, name.data, name.len);
    object->path = (tn_str){path, above.len + slash + name.len};
    object->name = tn_str_skip(object->path, above.len + slash);
    return TN_OK;
}

/* Adds an object in its place. */
static tn_status add_object(listing *l, uint32_t parent, tn_str name, tni_hdf5_object *object,
                            tn_error *err)
{
    tn_status status = settle(l, err);
    if (status == TN_OK) {
        status = tni_check_limit(l->count + 1, l->ctx->limits.tensors, "tensors", err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (!go_to(l, parent, name)) {
        return nonsense(l, err);
    }
    object->parent = parent;
    status = make_path(l, parent, name, object, err);
    if (status == TN_OK) {
        status = grow(l->ctx, (void **)&l->objects, l->count, &l->room, sizeof *l->objects, err);
    }
    if (status == TN_OK) {
        l->objects[l->count++] = *object;
    }
    return status;
}

static tn_status take_group(listing *l, tni_cursor *payload, tn_error *err)
{
    uint32_t parent;
    uint64_t address, links;
    if (!tni_get_u32le(payload, &parent) || !tni_get_u64le(payload, &address) ||
        !tni_get_u64le(payload, &links)) {
        return nonsense(l, err);
    }
    tni_hdf5_object object = {.kind = TNI_HDF5_GROUP, .address = address};
    tn_status status = add_object(l, parent, tni_hdf5_get_rest(payload), &object, err);
    if (status == TN_OK) {
        status = tni_check_limit(l->depth, l->ctx->limits.nesting, "nesting", err);
    }
    if (status == TN_OK) {
        status =
            grow(l->ctx, (void **)&l->levels, l->depth, &l->levels_room, sizeof *l->levels, err);
    }
    if (status == TN_OK) {
        l->levels[l->depth++] = (level){(uint32_t)l->count - 1, TN_NO_INDEX, links};
    }
    return status;
}

static tn_status copy_shape(listing *l, const tni_hdf5_space *space, const int64_t **shape_out,
                            tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(l->arena, space->rank, sizeof(int64_t), &block, err);
    if (status == TN_OK) {
        memcpy(block, space->shape, space->rank * sizeof(int64_t));
        *shape_out = block;
    }
    return status;
}

static tn_status take_filters(listing *l, tni_cursor *payload, const char **names_out,
                              tn_error *err)
{
    static const char *const names[] = {"",     "deflate", "shuffle",    "fletcher32",
                                        "szip", "nbit",    "scaleoffset"};
    enum { NAMES = sizeof names / sizeof names[0] };
    uint8_t count, filter;
    tn_str text = {"", 0};
    tn_status status = TN_OK;
    if (!tni_get_u8(payload, &count) || count > TNI_H5_FILTERS) {
        return nonsense(l, err);
    }
    for (uint8_t i = 0; status == TN_OK && i < count; i++) {
        if (!tni_get_u8(payload, &filter) || filter == 0 || filter >= NAMES) {
            return nonsense(l, err);
        }
        status = tni_arena_format(l->arena, &text, err, "%s%s%s", text.data, i == 0 ? "" : ",",
                                  names[filter]);
    }
    if (status == TN_OK) {
        *names_out = text.data;
    }
    return status;
}

/* Values that are packed into next to nothing are no weights. The limit on what one tensor may
 * decode to holds as it is; where the file holds less than 1/200 of the values, a sixteenth of it
 * does, and a 64th for strings, which are held in memory all at once. */
static tn_status check_bomb(listing *l, const tni_hdf5_object *object, uint32_t width,
                            tn_error *err)
{
    enum { RATIO = 200, SHARE = 16, SHARE_HELD = 64 };
    bool held = object->dtype == TN_STRING;
    uint64_t decoded, limit = l->ctx->limits.decoded_bytes, share = held ? SHARE_HELD : SHARE;
    uint64_t element =
        held ? sizeof(tn_str) + width : tni_hdf5_element(object->dtype, object->opaque_size);
    if (!tni_mul_u64((uint64_t)object->elements, element, &decoded)) {
        return nonsense(l, err);
    }
    tn_status status = tni_check_limit(decoded, limit, "decoded-bytes", err);
    if (status == TN_OK && decoded / RATIO > object->bytes && decoded > limit / share) {
        status = tni_fail(err, TN_E_LIMIT,
                          "its %" PRIu64 " bytes are packed into %" PRIu64
                          ": this looks like a decompression bomb",
                          decoded, object->bytes);
        tni_error_hint(err, "if you trust this input: --limit decoded-bytes=%" PRIu64,
                       decoded > UINT64_MAX / share ? UINT64_MAX : decoded * share);
    }
    return status;
}

/* Checks what is said of a dataset's place and form. */
static tn_status check_dataset(listing *l, const tni_hdf5_object *object, uint32_t width,
                               tn_error *err)
{
    uint64_t bytes, size = tni_source_size(l->session->source);
    uint64_t element =
        object->dtype == TN_STRING ? width : tni_hdf5_element(object->dtype, object->opaque_size);
    bool known = object->dtype != TN_DTYPE_NONE || object->opaque_size > 0;
    if (!tni_range_fits(object->offset, object->bytes, size) || object->elements < 0 ||
        object->dtype == TN_VARIANT) {
        return nonsense(l, err);
    }
    /* A variable string is a reference, whose size in the file depends on that of addresses. */
    enum { REFERENCE = 4 + 2 + 4 }; /* the least: length, address, index */
    bool references = object->dtype == TN_STRING && object->variable;
    if (object->dtype == TN_STRING && !references && width == 0 && object->elements > 0) {
        return nonsense(l, err);
    }
    if (object->layout == TNI_HDF5_CONTIGUOUS && known &&
        (!tni_mul_u64((uint64_t)object->elements, references ? REFERENCE : element, &bytes) ||
         bytes > object->bytes || (bytes < object->bytes && !references))) {
        return nonsense(l, err);
    }
    return object->layout == TNI_HDF5_CONTIGUOUS ? TN_OK : check_bomb(l, object, width, err);
}

static tn_status take_dataset(listing *l, tni_cursor *payload, tn_error *err)
{
    uint32_t parent;
    uint8_t layout;
    tni_hdf5_type type;
    tni_hdf5_space space;
    /* H5D_layout_t: compact, contiguous, chunked. */
    static const tni_hdf5_layout layouts[] = {TNI_HDF5_COMPACT, TNI_HDF5_CONTIGUOUS,
                                              TNI_HDF5_CHUNKED};
    tni_hdf5_object object = {.kind = TNI_HDF5_DATASET, .filters = ""};
    if (!tni_get_u32le(payload, &parent) || !tni_get_u64le(payload, &object.address) ||
        !tni_hdf5_get_type(payload, &type) || !tni_hdf5_get_space(payload, &space) ||
        !tni_get_u8(payload, &layout) || layout >= 3 || !tni_get_u64le(payload, &object.offset) ||
        !tni_get_u64le(payload, &object.bytes) || l->count == 0) {
        return nonsense(l, err);
    }
    tn_status status = take_filters(l, payload, &object.filters, err);
    if (space.null) {
        space.rank = 1; /* no dataspace is a vector of nothing */
        space.shape[0] = 0;
    }
    if (status == TN_OK) {
        status = copy_shape(l, &space, &object.shape, err);
    }
    if (status != TN_OK) {
        return status;
    }
    object.layout = layouts[layout];
    object.dtype = type.dtype;
    object.opaque_size = type.dtype == TN_DTYPE_NONE ? type.width : 0;
    object.null_space = space.null;
    object.swapped = type.swapped;
    object.variable = type.variable;
    object.utf8 = type.utf8;
    object.rank = space.rank;
    object.elements = space.elements;
    status = add_object(l, parent, tni_hdf5_get_rest(payload), &object, err);
    if (status == TN_OK) {
        status = check_dataset(l, &l->objects[l->count - 1], type.width, err);
        if (status != TN_OK) {
            tni_error_subject(err, l->objects[l->count - 1].path);
        }
    }
    return status;
}

/* Receives an attribute's values into the arena. */
static tn_status take_values(listing *l, tni_hdf5_attribute *attribute, uint64_t bytes,
                             tn_error *err)
{
    void *block = NULL, *strings;
    uint64_t wanted, count = (uint64_t)attribute->elements;
    bool is_string = attribute->dtype == TN_STRING;
    tn_status status =
        tni_check_limit(bytes, l->ctx->limits.header_bytes - l->value_bytes, "header-bytes", err);
    if (status == TN_OK) {
        status = tni_hdf5_check_bloat(l->session, l->value_bytes + bytes,
                                      l->ctx->limits.header_bytes, "header-bytes", err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (is_string ? bytes / 4 < count
                  : !tni_mul_u64(count, tni_hdf5_element(attribute->dtype, 0), &wanted) ||
                        wanted != bytes) {
        return nonsense(l, err);
    }
    l->value_bytes += bytes;
    status = tni_arena_alloc(l->arena, bytes, &block, err);
    if (status == TN_OK) {
        status = tni_hdf5_receive_bytes(l->session, block, bytes, err);
    }
    if (status != TN_OK || !is_string) {
        attribute->values = attribute->dtype == TN_DTYPE_NONE ? NULL : block;
        return status;
    }
    status = tni_arena_array(l->arena, count, sizeof(tn_str), &strings, err);
    if (status == TN_OK && !tni_hdf5_split((tn_str){block, bytes}, count, strings)) {
        status = nonsense(l, err);
    }
    attribute->strings = strings;
    return status;
}

static tn_status take_attribute(listing *l, tni_cursor *payload, tn_error *err)
{
    tni_hdf5_type type;
    tni_hdf5_space space;
    uint64_t bytes;
    tni_hdf5_attribute attribute = {.elements = 0};
    if (!tni_hdf5_get_type(payload, &type) || !tni_hdf5_get_space(payload, &space) ||
        !tni_get_u64le(payload, &bytes) || l->count == 0 || type.dtype == TN_VARIANT) {
        return nonsense(l, err);
    }
    tn_status status = tni_arena_str(l->arena, tni_hdf5_get_rest(payload), &attribute.name, err);
    if (status == TN_OK) {
        status = copy_shape(l, &space, &attribute.shape, err);
    }
    if (status == TN_OK) {
        status = grow(l->ctx, (void **)&l->attributes, l->n_attributes, &l->attributes_room,
                      sizeof *l->attributes, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (l->n_attributes > 0 &&
        tn_str_compare(l->attributes[l->n_attributes - 1].name, attribute.name) >= 0) {
        return nonsense(l, err);
    }
    attribute.dtype = type.dtype;
    attribute.null_space = space.null;
    attribute.variable = type.variable;
    attribute.utf8 = type.utf8;
    attribute.width = type.dtype == TN_STRING ? type.width : 0;
    attribute.rank = space.rank;
    attribute.elements = space.elements;
    status = take_values(l, &attribute, bytes, err);
    l->attributes[l->n_attributes++] = attribute;
    l->all_attributes++;
    return status;
}

/* The helper has told everything: it must be as much as it says. */
static tn_status take_end(listing *l, tni_cursor *payload, tn_error *err)
{
    uint64_t objects, attributes, bytes, size;
    if (!tni_get_u64le(payload, &objects) || !tni_get_u64le(payload, &attributes) ||
        !tni_get_u64le(payload, &bytes) || !tni_get_u64le(payload, &size) || objects != l->count ||
        attributes != l->all_attributes || bytes != l->value_bytes ||
        size != tni_source_size(l->session->source) || l->count == 0) {
        return nonsense(l, err);
    }
    while (l->depth > 0) {
        leave(l);
    }
    return settle(l, err);
}

static tn_status take_all(listing *l, tn_error *err)
{
    tn_status status = tni_hdf5_send(l->session, TNI_H5_LIST, NULL, 0, err);
    tni_h5_frame frame = TNI_H5_LIST;
    while (status == TN_OK && frame != TNI_H5_END) {
        tni_cursor payload;
        status = tni_hdf5_receive(l->session, &frame, &payload, err);
        if (status != TN_OK) {
            break;
        }
        if (frame == TNI_H5_GROUP) {
            status = take_group(l, &payload, err);
        } else if (frame == TNI_H5_DATASET) {
            status = take_dataset(l, &payload, err);
        } else if (frame == TNI_H5_ATTRIBUTE) {
            status = take_attribute(l, &payload, err);
        } else if (frame == TNI_H5_END) {
            status = take_end(l, &payload, err);
        } else {
            status = nonsense(l, err);
        }
    }
    return status;
}

/* Gives each group the list of its children. */
static tn_status link_children(listing *l, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(l->arena, l->count, sizeof(uint32_t), &block, err);
    uint32_t *next = block;
    for (size_t i = 1; status == TN_OK && i < l->count; i++) {
        l->objects[l->objects[i].parent].n_children++;
    }
    for (size_t i = 0; status == TN_OK && i < l->count; i++) {
        l->objects[i].children = next;
        next += l->objects[i].n_children;
        l->objects[i].n_children = 0;
    }
    for (uint32_t i = 1; status == TN_OK && i < l->count; i++) {
        tni_hdf5_object *parent = &l->objects[l->objects[i].parent];
        uint32_t *children = (uint32_t *)block + (parent->children - (const uint32_t *)block);
        children[parent->n_children++] = i;
    }
    return status;
}

static tn_status keep(listing *l, const tni_hdf5_file **file_out, tn_error *err)
{
    void *objects, *block;
    tn_status status = link_children(l, err);
    if (status == TN_OK) {
        status = tni_arena_array(l->arena, l->count, sizeof *l->objects, &objects, err);
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(l->arena, sizeof(tni_hdf5_file), &block, err);
    }
    if (status == TN_OK) {
        memcpy(objects, l->objects, l->count * sizeof *l->objects);
        tni_hdf5_file *file = block;
        *file = (tni_hdf5_file){objects, l->count, l->session->source, l->session};
        *file_out = file;
    }
    return status;
}

tn_status tni_hdf5_open(tn_model *model, tn_source *source, const tni_hdf5_file **file_out,
                        tn_error *err)
{
    listing l = {.ctx = model->ctx, .arena = &model->arena};
    tn_status status = tni_hdf5_session_new(model->ctx, source, &l.session, err);
    if (status == TN_OK) {
        l.session->may_be_free = l.session->may_be_free || model->own_output;
        status = tni_model_close_with(model, tni_hdf5_session_free, l.session, err);
    }
    if (status != TN_OK) {
        return status;
    }
    status = tni_hdf5_start(l.session, err);
    if (status == TN_OK) {
        status = take_all(&l, err);
    }
    tni_hdf5_stop(l.session); /* it starts again when something must be decoded */
    if (status == TN_OK) {
        status = keep(&l, file_out, err);
    }
    tni_free(l.ctx, l.objects);
    tni_free(l.ctx, l.attributes);
    tni_free(l.ctx, l.levels);
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(source));
    }
    return status;
}
