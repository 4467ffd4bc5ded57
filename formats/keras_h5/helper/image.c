/* Makes the metadata of a new file: groups, attributes, and datasets whose values somebody else
 * writes. */
#include "formats/keras_h5/helper/image_driver.h"

#include <stdlib.h>

/* A node that has been made. */
typedef struct node {
    uint64_t address; /* groups; 0: a dataset */
    uint64_t offset, bytes;
} node;

/* A group that stays open: the next nodes may go into it. */
typedef struct open_group {
    hid_t id; /* 0: none */
    uint32_t node;
} open_group;

enum { OPEN_GROUPS = 16 }; /* group n has its place in slot n % OPEN_GROUPS */

typedef struct image {
    tnh_helper *helper;
    tnh_pages pages;
    hid_t file, creation, group_creation;
    node *nodes;
    size_t count, room;
    uint32_t expected; /* nodes */
    hid_t object;      /* the last node's */
    open_group open[OPEN_GROUPS];
} image;

static void unwritable(image *m, bool made)
{
    if (!made) {
        tnh_refuse_here(m->helper, TNI_H5_UNWRITABLE, m->count, 0);
    }
}

/* How much room for metadata the file gets at a time: enough that the metadata of many objects lies
 * together, and little beside what they take, because the rest of the last room is lost. */
static hsize_t metadata_block(uint32_t objects)
{
    enum { LEAST = 2048, MOST = 1 << 20, EACH = 64 }; /* LEAST: libhdf5's own choice */
    uint64_t wanted = (uint64_t)objects * EACH;
    return wanted < LEAST ? LEAST : wanted > MOST ? MOST : wanted;
}

static void start(image *m, bool newer)
{
    hid_t access = tnh_image_access(&m->pages), creation = H5Pcreate(H5P_FILE_CREATE);
    unwritable(m, access >= 0 && creation >= 0);
    unwritable(m, H5Pset_libver_bounds(access, newer ? H5F_LIBVER_V18 : H5F_LIBVER_EARLIEST,
                                       H5F_LIBVER_LATEST) >= 0 &&
                      H5Pset_meta_block_size(access, metadata_block(m->expected)) >= 0 &&
                      H5Pset_obj_track_times(creation, 0) >= 0);
    m->file = H5Fcreate("image", H5F_ACC_TRUNC, creation, access);
    m->creation = H5Pcreate(H5P_DATASET_CREATE);
    m->group_creation = H5Pcreate(H5P_GROUP_CREATE);
    unwritable(m, m->file >= 0 && m->creation >= 0 && m->group_creation >= 0 &&
                      H5Pset_obj_track_times(m->creation, 0) >= 0 &&
                      H5Pset_obj_track_times(m->group_creation, 0) >= 0 &&
                      H5Pset_layout(m->creation, H5D_CONTIGUOUS) >= 0 &&
                      H5Pset_alloc_time(m->creation, H5D_ALLOC_TIME_EARLY) >= 0 &&
                      H5Pset_fill_time(m->creation, H5D_FILL_TIME_NEVER) >= 0);
    (void)H5Pclose(access);
    (void)H5Pclose(creation);
}

static tnh_type get_type(image *m, tni_cursor *from)
{
    uint8_t dtype = 0, flags = 0;
    tnh_type type = {.dtype = TN_DTYPE_NONE};
    tnh_demand(&m->helper->channel, tni_get_u8(from, &dtype) && tni_get_u8(from, &flags) &&
                                        tni_get_u32le(from, &type.width) && dtype < TN_DTYPE_COUNT);
    type.dtype = (tn_dtype)dtype;
    type.flags = flags;
    return type;
}

static tnh_space get_space(image *m, tni_cursor *from)
{
    uint8_t rank = 0;
    tnh_space space = {.elements = 1};
    tnh_demand(&m->helper->channel, tni_get_u8(from, &rank));
    space.null = rank == TNI_H5_NULL_SPACE;
    space.rank = space.null ? 0 : rank;
    tnh_demand(&m->helper->channel, space.rank <= TNI_H5_RANK);
    for (int i = 0; i < space.rank; i++) {
        uint64_t size = 0;
        tnh_demand(&m->helper->channel, tni_get_u64le(from, &size) && size <= INT64_MAX);
        space.size[i] = size;
        tnh_demand(&m->helper->channel,
                   !__builtin_mul_overflow(space.elements, size, &space.elements));
    }
    space.elements = space.null ? 0 : space.elements;
    return space;
}

static hid_t make_space(const tnh_space *space)
{
    return space->null        ? H5Screate(H5S_NULL)
           : space->rank == 0 ? H5Screate(H5S_SCALAR)
                              : H5Screate_simple(space->rank, space->size, NULL);
}

/* Copies the rest of a payload, a name, and remembers it for refusals. */
static char *get_name(image *m, tni_cursor *from)
{
    size_t len = tni_cursor_left(from);
    const uint8_t *bytes = NULL;
    tnh_demand(&m->helper->channel, len < TNI_H5_NAME && tni_get_bytes(from, len, &bytes));
    char *name = tnh_alloc(len + 1, 1);
    if (len > 0) {
        memcpy(name, bytes, len);
    }
    m->helper->path_len = len < sizeof m->helper->path ? len : sizeof m->helper->path;
    memcpy(m->helper->path, name, m->helper->path_len);
    return name;
}

static void close_group(open_group *slot)
{
    if (slot->id > 0) {
        (void)H5Oclose(slot->id);
    }
    slot->id = 0;
}

static void keep_open(image *m, hid_t group, uint32_t index)
{
    open_group *slot = &m->open[index % OPEN_GROUPS];
    close_group(slot);
    *slot = (open_group){group, index};
}

/* Closes the last node, unless it is a group. */
static void close_object(image *m)
{
    if (m->object > 0 && m->nodes[m->count - 1].address != 0) {
        keep_open(m, m->object, (uint32_t)m->count - 1);
    } else if (m->object > 0) {
        (void)H5Oclose(m->object);
    }
    m->object = 0;
}

/* Opens the group in which the next node goes. */
static hid_t parent_of(image *m, uint32_t parent)
{
    const open_group *slot = &m->open[parent % OPEN_GROUPS];
    if (slot->id > 0 && slot->node == parent) {
        return slot->id;
    }
    tnh_demand(&m->helper->channel, parent < m->count && m->nodes[parent].address != 0);
    hid_t group = H5Oopen_by_addr(m->file, m->nodes[parent].address);
    unwritable(m, group >= 0);
    keep_open(m, group, parent);
    return group;
}

static void make_dataset(image *m, uint32_t parent, const char *name, const tnh_type *type,
                         const tnh_space *space)
{
    node *made = &m->nodes[m->count];
    hid_t stored = tnh_type_make(type->dtype), extent = make_space(space);
    unwritable(m, stored >= 0 && extent >= 0);
    m->object = H5Dcreate2(parent_of(m, parent), name, stored, extent, H5P_DEFAULT, m->creation,
                           H5P_DEFAULT);
    unwritable(m, m->object >= 0);
    made->bytes = H5Dget_storage_size(m->object);
    made->offset = made->bytes == 0 ? 0 : H5Dget_offset(m->object);
    unwritable(m, made->offset != HADDR_UNDEF);
    (void)H5Tclose(stored);
    (void)H5Sclose(extent);
}

static void make_group(image *m, uint32_t parent, const char *name)
{
    H5O_info_t about;
    m->object = m->count == 0 ? H5Gopen2(m->file, "/", H5P_DEFAULT)
                              : H5Gcreate2(parent_of(m, parent), name, H5P_DEFAULT,
                                           m->group_creation, H5P_DEFAULT);
    unwritable(m, m->object >= 0 && H5Oget_info2(m->object, &about, H5O_INFO_BASIC) >= 0);
    m->nodes[m->count].address = about.addr;
}

static void make_node(image *m, tni_cursor *from)
{
    uint8_t is_dataset = 0;
    uint32_t parent = 0;
    tnh_demand(&m->helper->channel, tni_get_u8(from, &is_dataset) && tni_get_u32le(from, &parent));
    tnh_type type = get_type(m, from);
    tnh_space space = get_space(m, from);
    char *name = get_name(m, from);
    tnh_demand(&m->helper->channel, m->count > 0 || is_dataset == 0);
    close_object(m);
    if (m->count == m->room) {
        m->room = m->room == 0 ? 64 : 2 * m->room;
        m->nodes = tnh_grow(m->nodes, m->room, sizeof *m->nodes);
    }
    m->nodes[m->count] = (node){.address = 0};
    if (is_dataset != 0) {
        make_dataset(m, parent, name, &type, &space);
    } else {
        make_group(m, parent, name);
    }
    m->count++;
    free(name);
}

static hid_t string_make(const tnh_type *type)
{
    bool variable = (type->flags & TNI_H5_VARIABLE) != 0;
    H5T_cset_t set = (type->flags & TNI_H5_UTF8) != 0 ? H5T_CSET_UTF8 : H5T_CSET_ASCII;
    hid_t made = H5Tcopy(H5T_C_S1);
    bool done = H5Tset_size(made, variable ? H5T_VARIABLE : type->width) >= 0 &&
                H5Tset_cset(made, set) >= 0 &&
                H5Tset_strpad(made, variable ? H5T_STR_NULLTERM : H5T_STR_NULLPAD) >= 0;
    return done ? made : -1;
}

/* Turns (length, bytes)… into what H5Awrite takes: pointers, or elements of a fixed width. */
static void *lay_strings(image *m, const tnh_type *type, const tnh_space *space, uint8_t *stream,
                         size_t len)
{
    tnh_channel *channel = &m->helper->channel;
    bool variable = (type->flags & TNI_H5_VARIABLE) != 0;
    tni_cursor from = tni_cursor_of(stream, len);
    tnh_demand(channel, space->elements <= len / 4);
    char *laid = tnh_alloc(space->elements, variable ? sizeof(char *) : type->width);
    for (uint64_t i = 0; i < space->elements; i++) {
        uint32_t bytes = 0;
        const uint8_t *text = NULL;
        tnh_demand(channel, tni_get_u32le(&from, &bytes) && tni_get_bytes(&from, bytes, &text) &&
                                (variable || bytes <= type->width));
        if (variable) {
            char *copy = tnh_alloc((size_t)bytes + 1, 1);
            memcpy(copy, text, bytes);
            ((char **)(void *)laid)[i] = copy;
        } else {
            memcpy(laid + i * type->width, text, bytes);
        }
    }
    tnh_demand(channel, tni_cursor_left(&from) == 0);
    return laid;
}

/* Receives the bytes of an attribute's values. */
static uint8_t *receive(image *m, uint64_t len)
{
    tnh_channel *channel = &m->helper->channel;
    tnh_demand(channel, len < UINT32_MAX);
    uint8_t *bytes = tnh_alloc(len, 1);
    for (uint64_t at = 0; at < len;) {
        tni_cursor part;
        const uint8_t *view = NULL;
        tnh_demand(channel, tnh_next(channel, &part) == TNI_H5_BYTES && part.len <= len - at &&
                                part.len > 0 && tni_get_bytes(&part, part.len, &view));
        memcpy(bytes + at, view, part.len);
        at += part.len;
    }
    return bytes;
}

static void make_attribute(image *m, tni_cursor *from)
{
    uint64_t len = 0;
    tnh_type type = get_type(m, from);
    tnh_space space = get_space(m, from);
    tnh_demand(&m->helper->channel, tni_get_u64le(from, &len) && m->object > 0);
    char *name = get_name(m, from);
    uint8_t *values = receive(m, len);
    bool strings = type.dtype == TN_STRING;
    hid_t stored = strings ? string_make(&type) : tnh_type_make(type.dtype);
    hid_t extent = make_space(&space);
    unwritable(m, stored >= 0 && extent >= 0);
    hid_t made = H5Acreate2(m->object, name, stored, extent, H5P_DEFAULT, H5P_DEFAULT);
    unwritable(m, made >= 0);
    if (space.elements > 0) {
        tnh_demand(&m->helper->channel, strings || len == space.elements * tnh_type_bytes(&type));
        void *laid = strings ? lay_strings(m, &type, &space, values, len) : values;
        unwritable(m, H5Awrite(made, stored, laid) >= 0);
        for (uint64_t i = 0; strings && (type.flags & TNI_H5_VARIABLE) != 0 && i < space.elements;
             i++) {
            free(((char **)laid)[i]);
        }
        if (laid != values) {
            free(laid);
        }
    }
    unwritable(m, H5Aclose(made) >= 0);
    (void)H5Sclose(extent);
    (void)H5Tclose(stored);
    free(values);
    free(name);
}

static void send_image(image *m)
{
    tnh_channel *channel = &m->helper->channel;
    enum { BATCH = 1024 };
    close_object(m);
    for (size_t i = 0; i < OPEN_GROUPS; i++) {
        close_group(&m->open[i]);
    }
    (void)H5Pclose(m->creation);
    (void)H5Pclose(m->group_creation);
    unwritable(m, H5Fclose(m->file) >= 0);
    for (size_t i = 0; i < m->count; i += BATCH) {
        tnh_begin(channel, TNI_H5_PLACE);
        for (size_t k = i; k < m->count && k < i + BATCH; k++) {
            tnh_put_u64(channel, m->nodes[k].offset);
            tnh_put_u64(channel, m->nodes[k].bytes);
        }
        tnh_end(channel);
    }
    uint64_t pieces = tnh_image_send(channel, &m->pages);
    tnh_finish(channel, m->count, pieces, m->pages.end);
}

void tnh_image(tnh_helper *helper, tni_cursor *begin)
{
    image m = {.helper = helper};
    uint8_t newer = 0;
    tnh_demand(&helper->channel, tni_get_u8(begin, &newer) && tni_get_u32le(begin, &m.expected));
    start(&m, newer != 0);
    for (;;) {
        tni_cursor payload;
        tni_h5_frame frame = tnh_next(&helper->channel, &payload);
        if (frame == TNI_H5_NODE) {
            make_node(&m, &payload);
        } else if (frame == TNI_H5_ATTRIBUTE) {
            make_attribute(&m, &payload);
        } else {
            tnh_demand(&helper->channel,
                       frame == TNI_H5_FINISH && m.count > 0 && m.count == m.expected);
            send_image(&m);
            return;
        }
    }
}
