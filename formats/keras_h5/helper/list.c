/* Walks a file: every group and dataset, depth first, by the addresses that links hold. No path is
 * ever looked up, so no link is followed that the policy has not seen. The walk has a stack of its
 * own: groups may be nested deeper than the machine's. */
#include "formats/keras_h5/helper/helper.h"

#include <stdlib.h>

enum { LINK_LEAST = 8 }; /* fewer bytes than a link takes in any version of the format */

typedef struct link {
    char *name;
    uint64_t address;
} link_entry;

/* A group that is being gone through. */
typedef struct level {
    uint64_t address;
    uint32_t object;
    link_entry *links;
    size_t count, room, next;
    size_t path_len; /* of the path up to here */
} level;

typedef struct walk {
    tnh_helper *helper;
    level *levels;
    size_t depth, room;
} walk;

static void set_path(tnh_helper *helper, size_t base, const char *name)
{
    size_t at = base;
    if (at > 0 && at < sizeof helper->path) {
        helper->path[at++] = '/';
    }
    while (*name != '\0' && at < sizeof helper->path) {
        helper->path[at++] = *name++;
    }
    helper->path_len = at;
}

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    (void)group;
    walk *w = user;
    level *at = &w->levels[w->depth - 1];
    set_path(w->helper, at->path_len, name);
    if (info->type != H5L_TYPE_HARD) {
        tnh_refuse_here(w->helper,
                        info->type == H5L_TYPE_SOFT       ? TNI_H5_SOFT_LINK
                        : info->type == H5L_TYPE_EXTERNAL ? TNI_H5_EXTERNAL_LINK
                                                          : TNI_H5_USER_LINK,
                        0, 0);
    }
    tnh_limit(w->helper, w->helper->objects + at->count + 1, w->helper->max_objects,
              TNI_H5_LIMIT_OBJECTS);
    size_t len = strlen(name);
    tnh_limit(w->helper, len, w->helper->max_name, TNI_H5_LIMIT_NAME);
    if (len == 0 || strchr(name, '/') != NULL) {
        tnh_damaged(w->helper);
    }
    if (at->count == at->room) {
        at->room = at->room == 0 ? 8 : 2 * at->room;
        at->links = tnh_grow(at->links, at->room, sizeof *at->links);
    }
    link_entry *entry = &at->links[at->count++];
    *entry = (link_entry){tnh_alloc(len + 1, 1), info->u.address};
    memcpy(entry->name, name, len);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const link_entry *)a)->name, ((const link_entry *)b)->name);
}

hid_t tnh_open_object(tnh_helper *helper, uint64_t address, H5I_type_t *kind_out)
{
    hid_t object = tnh_must(helper, H5Oopen_by_addr(helper->file, address));
    *kind_out = H5Iget_type(object);
    return object;
}

/* Where every group has one name, each object has a link of its own in the file. Groups with two
 * names each, one within the other, are 2^depth paths in a few KiB. */
static void refuse_ladder(tnh_helper *helper)
{
    if (helper->objects > helper->length / LINK_LEAST) {
        tnh_refuse_here(helper, TNI_H5_LADDER, 0, 0);
    }
}

static void refuse_circle(walk *w, uint64_t address)
{
    for (size_t i = 0; i < w->depth; i++) {
        if (w->levels[i].address == address) {
            tnh_refuse_here(w->helper, TNI_H5_CIRCLE, 0, 0);
        }
    }
}

/* Reports a group and puts it on the stack with all of its links. */
static void enter(walk *w, hid_t group, uint64_t address, uint32_t parent, const char *name)
{
    tnh_helper *helper = w->helper;
    H5G_info_t about;
    hsize_t from = 0;
    refuse_circle(w, address);
    tnh_limit(helper, w->depth, helper->max_depth, TNI_H5_LIMIT_DEPTH);
    tnh_must(helper, H5Gget_info(group, &about));
    tnh_begin(&helper->channel, TNI_H5_GROUP);
    tnh_put_u32(&helper->channel, parent);
    tnh_put_u64(&helper->channel, address);
    tnh_put_u64(&helper->channel, about.nlinks);
    tnh_put(&helper->channel, name, strlen(name));
    tnh_end(&helper->channel);
    tnh_attributes(helper, group);
    if (w->depth == w->room) {
        w->room = w->room == 0 ? 16 : 2 * w->room;
        w->levels = tnh_grow(w->levels, w->room, sizeof *w->levels);
    }
    w->levels[w->depth++] =
        (level){.address = address, .object = helper->objects++, .path_len = helper->path_len};
    tnh_must(helper, H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &from, add_link, w));
    level *at = &w->levels[w->depth - 1];
    if (at->count != about.nlinks) {
        tnh_damaged(helper); /* a partial list is never a success */
    }
    if (at->count > 1) {
        qsort(at->links, at->count, sizeof *at->links, compare);
    }
}

static void send_dataset(tnh_helper *helper, hid_t data, uint64_t address, uint32_t parent,
                         const char *name)
{
    tnh_dataset about;
    tnh_describe(helper, data, &about);
    tnh_begin(&helper->channel, TNI_H5_DATASET);
    tnh_put_u32(&helper->channel, parent);
    tnh_put_u64(&helper->channel, address);
    tnh_put_type(&helper->channel, &about.type);
    tnh_put_space(&helper->channel, &about.space);
    tnh_put_u8(&helper->channel, (unsigned)about.layout);
    tnh_put_u64(&helper->channel, about.offset);
    tnh_put_u64(&helper->channel, about.bytes);
    tnh_put_u8(&helper->channel, (unsigned)about.n_filters);
    tnh_put(&helper->channel, about.filters, (size_t)about.n_filters);
    tnh_put(&helper->channel, name, strlen(name));
    tnh_end(&helper->channel);
    helper->objects++;
    tnh_attributes(helper, data);
}

/* Goes on with the next link of the innermost group, or leaves it. */
static void step(walk *w)
{
    tnh_helper *helper = w->helper;
    level *at = &w->levels[w->depth - 1];
    if (at->next == at->count) {
        for (size_t i = 0; i < at->count; i++) {
            free(at->links[i].name);
        }
        free(at->links);
        w->depth--;
        return;
    }
    link_entry *entry = &at->links[at->next++];
    char *name = entry->name;
    uint64_t address = entry->address;
    uint32_t parent = at->object;
    H5I_type_t kind;
    set_path(helper, at->path_len, name);
    if (entry != at->links && strcmp(entry[-1].name, name) == 0) {
        tnh_damaged(helper);
    }
    hid_t object = tnh_open_object(helper, address, &kind);
    tnh_limit(helper, (uint64_t)helper->objects + 1, helper->max_objects, TNI_H5_LIMIT_OBJECTS);
    refuse_ladder(helper);
    if (kind == H5I_GROUP) {
        enter(w, object, address, parent, name);
    } else if (kind == H5I_DATASET) {
        send_dataset(helper, object, address, parent, name);
    } else if (kind != H5I_DATATYPE) { /* a named type is no data */
        tnh_damaged(helper);
    }
    (void)H5Oclose(object);
}

void tnh_list(tnh_helper *helper)
{
    walk w = {.helper = helper};
    H5O_info_t about;
    hid_t root = tnh_must(helper, H5Gopen2(helper->file, "/", H5P_DEFAULT));
    tnh_must(helper, H5Oget_info2(root, &about, H5O_INFO_BASIC));
    helper->path_len = 0;
    enter(&w, root, about.addr, UINT32_MAX, "");
    while (w.depth > 0) {
        step(&w);
    }
    (void)H5Gclose(root);
    tnh_finish(&helper->channel, helper->objects, helper->attributes, helper->length);
}
