/* Values of datasets that do not lie in the file as they are: chunks, headers, strings. */
#include "formats/keras_h5/helper/helper.h"

#include <stdlib.h>

enum { SLAB = 1 << 20 };

/* The dataset at hand; it stays open, so that its decoded chunks are not decoded again for the next
 * span. */
typedef struct opened {
    tnh_helper *helper;
    uint64_t address;
    hid_t data, space, type, memory;
    tnh_dataset about;
    H5T_str_t padding;
    uint64_t sent; /* elements */
} opened;

static void close_dataset(opened *o)
{
    if (o->data > 0) {
        (void)H5Tclose(o->memory);
        (void)H5Tclose(o->type);
        (void)H5Sclose(o->space);
        (void)H5Dclose(o->data);
        o->data = 0;
    }
}

/* Opens a dataset and looks it over again: the listing was another process, maybe of another file.
 */
static void open_dataset(opened *o, uint64_t address)
{
    tnh_helper *helper = o->helper;
    H5I_type_t kind;
    if (o->data > 0 && o->address == address) {
        return;
    }
    close_dataset(o);
    hid_t object = tnh_open_object(helper, address, &kind);
    if (kind != H5I_DATASET) {
        tnh_damaged(helper);
    }
    tnh_describe(helper, object, &o->about);
    o->data = object;
    o->address = address;
    o->space = tnh_must(helper, H5Dget_space(object));
    o->type = tnh_must(helper, H5Dget_type(object));
    o->memory = tnh_must(helper, tnh_type_memory(o->type, &o->about.type));
    o->padding = tnh_padding_of(o->type);
}

/* Chooses the largest box of the shape that begins at element `first` and holds at most `count`
 * elements that follow each other. Returns its elements. */
static uint64_t choose_box(const tnh_space *space, uint64_t first, uint64_t count, hsize_t *start,
                           hsize_t *size)
{
    uint64_t stride = 1, elements = 0;
    for (int i = space->rank - 1; i >= 0; i--) {
        start[i] = first / stride % space->size[i];
        size[i] = 1;
        if (first % stride == 0 && count >= stride) {
            uint64_t left = space->size[i] - start[i], fit = count / stride;
            size[i] = left < fit ? left : fit;
            elements = size[i] * stride;
            for (int k = i + 1; k < space->rank; k++) {
                size[k] = space->size[k]; /* start[k] is 0: `first` is a multiple of the stride */
            }
        }
        stride *= space->size[i];
    }
    return elements;
}

static void select_span(opened *o, hid_t file_space, uint64_t first, uint64_t count,
                        uint64_t *taken_out)
{
    const tnh_space *space = &o->about.space;
    hsize_t start[TNI_H5_RANK], size[TNI_H5_RANK];
    if (space->rank == 0) {
        *taken_out = 1;
        tnh_must(o->helper, H5Sselect_all(file_space));
        return;
    }
    *taken_out = choose_box(space, first, count, start, size);
    tnh_must(o->helper, H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, size, NULL));
}

/* Reads [first, first + count), at most a slab, and sends it. Returns how many elements that was.
 */
static uint64_t send_slab(opened *o, uint64_t first, uint64_t count, void *slab)
{
    uint64_t taken;
    select_span(o, o->space, first, count, &taken);
    hsize_t extent = taken;
    hid_t flat = tnh_must(o->helper, H5Screate_simple(1, &extent, NULL));
    size_t bytes = taken * tnh_type_bytes(&o->about.type);
    memset(slab, 0, bytes);
    tnh_must(o->helper, H5Dread(o->data, o->memory, flat, o->space, H5P_DEFAULT, slab));
    if (o->about.type.dtype == TN_STRING) {
        tnh_send_strings(&o->helper->channel, &o->about.type, o->padding, slab, taken);
        if ((o->about.type.flags & TNI_H5_VARIABLE) != 0) {
            (void)H5Dvlen_reclaim(o->memory, flat, H5P_DEFAULT, slab);
        }
    } else {
        tnh_bytes(&o->helper->channel, slab, bytes);
    }
    (void)H5Sclose(flat);
    return taken;
}

static void answer(opened *o, tni_cursor *request)
{
    uint64_t address = 0, elements = 0, first = 0, count = 0;
    uint32_t width;
    tnh_channel *channel = &o->helper->channel;
    tnh_demand(channel, tni_get_u64le(request, &address) && tni_get_u64le(request, &elements) &&
                            tni_get_u32le(request, &width) && tni_get_u64le(request, &first) &&
                            tni_get_u64le(request, &count) && tni_cursor_left(request) == 0);
    open_dataset(o, address);
    const tnh_type *type = &o->about.type;
    size_t element = tnh_type_bytes(type);
    bool same = o->about.space.elements == elements && element > 0 &&
                (type->dtype == TN_STRING ? 0 : element) == width;
    if (!same || first > elements || count > elements - first) {
        tnh_damaged(o->helper);
    }
    size_t most = element > SLAB ? 1 : SLAB / element;
    void *slab = tnh_alloc(most, element);
    for (uint64_t done = 0; done < count;) {
        uint64_t part = count - done < most ? count - done : most;
        done += send_slab(o, first + done, part, slab);
    }
    free(slab);
    tnh_finish(channel, count, 0, o->helper->length);
}

void tnh_decode(tnh_helper *helper, tni_cursor *request)
{
    opened o = {.helper = helper};
    for (;;) {
        answer(&o, request);
        tnh_demand(&helper->channel, tnh_next(&helper->channel, request) == TNI_H5_DECODE);
    }
}
