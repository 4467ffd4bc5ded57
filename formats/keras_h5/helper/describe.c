/* What a dataset is, and whether it may be read: the policy of formats/keras_h5/NOTES.md. */
#include "formats/keras_h5/helper/helper.h"

enum { CHUNK_MOST = 256 << 20 };

static bool known_filter(H5Z_filter_t filter)
{
    return (filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
            filter == H5Z_FILTER_FLETCHER32 || filter == H5Z_FILTER_SZIP ||
            filter == H5Z_FILTER_NBIT || filter == H5Z_FILTER_SCALEOFFSET) &&
           H5Zfilter_avail(filter) > 0;
}

static void check_filters(tnh_helper *helper, hid_t creation, tnh_dataset *dataset)
{
    int count = (int)tnh_must(helper, H5Pget_nfilters(creation));
    if (count > TNI_H5_FILTERS) {
        tnh_damaged(helper);
    }
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t n_values = 0;
        H5Z_filter_t filter =
            H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, NULL, 0, NULL, &config);
        if (filter < 0) {
            tnh_damaged(helper);
        }
        if (!known_filter(filter)) {
            tnh_refuse_here(helper, TNI_H5_FILTER, (uint64_t)filter, 0);
        }
        dataset->filters[dataset->n_filters++] = (uint8_t)filter;
    }
}

/* Goes through all chunks that the shape needs: one that was never written would be read as fill
 * values, which are no weights. A chunk takes at least a byte of the file, so there cannot be more
 * of them than the file has bytes. */
static void check_chunks(tnh_helper *helper, hid_t data, const tnh_dataset *dataset)
{
    const tnh_space *space = &dataset->space;
    hsize_t at[TNI_H5_RANK] = {0};
    uint64_t wanted = 1, found = 0;
    for (int i = 0; i < space->rank; i++) {
        hsize_t chunks = (space->size[i] - 1) / dataset->chunk[i] + 1;
        if (__builtin_mul_overflow(wanted, chunks, &wanted)) {
            wanted = UINT64_MAX;
        }
    }
    if (wanted > helper->length) {
        tnh_refuse_here(helper, TNI_H5_UNALLOCATED, 0, wanted);
    }
    hid_t extent = tnh_must(helper, H5Dget_space(data));
    hsize_t there = 0;
    tnh_must(helper, H5Dget_num_chunks(data, extent, &there));
    if (there < wanted) {
        tnh_refuse_here(helper, TNI_H5_UNALLOCATED, there, wanted);
    }
    for (; found < wanted; found++) {
        hsize_t bytes = 0;
        if (H5Dget_chunk_storage_size(data, at, &bytes) < 0) {
            tnh_damaged(helper);
        }
        if (bytes == 0) {
            tnh_refuse_here(helper, TNI_H5_UNALLOCATED, found, wanted);
        }
        for (int i = space->rank - 1; i >= 0; i--) {
            at[i] += dataset->chunk[i];
            if (at[i] < space->size[i]) {
                break;
            }
            at[i] = 0;
        }
    }
}

static void check_chunked(tnh_helper *helper, hid_t data, hid_t creation, uint64_t element,
                          tnh_dataset *dataset)
{
    int rank = H5Pget_chunk(creation, TNI_H5_RANK, dataset->chunk);
    uint64_t bytes = element;
    bool whole = rank == dataset->space.rank && rank > 0;
    for (int i = 0; whole && i < rank; i++) {
        whole = dataset->chunk[i] != 0 && !__builtin_mul_overflow(bytes, dataset->chunk[i], &bytes);
    }
    if (!whole) {
        tnh_damaged(helper);
    }
    if (bytes > CHUNK_MOST) {
        tnh_refuse_here(helper, TNI_H5_CHUNK, bytes, CHUNK_MOST);
    }
    check_filters(helper, creation, dataset);
    if (dataset->space.elements > 0) {
        check_chunks(helper, data, dataset);
    }
}

/* A place of no elements is undefined, and so is that of values that were never written; where
 * there is a user block libhdf5 then says 511. The size tells. */
static void check_contiguous(tnh_helper *helper, hid_t data, uint64_t element, tnh_dataset *dataset)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(dataset->space.elements, element, &bytes)) {
        tnh_damaged(helper);
    }
    if (bytes == 0) {
        dataset->bytes = 0;
        return;
    }
    haddr_t offset = H5Dget_offset(data);
    if (dataset->bytes == 0 || offset == HADDR_UNDEF) {
        tnh_refuse_here(helper, TNI_H5_UNALLOCATED, 0, 0);
    }
    /* A variable string is a reference, whose size in the file depends on that of addresses. */
    bool variable = (dataset->type.flags & TNI_H5_VARIABLE) != 0;
    bytes = variable ? dataset->bytes : bytes;
    if (dataset->bytes != bytes || offset > helper->length || bytes > helper->length - offset) {
        tnh_damaged(helper);
    }
    dataset->offset = offset;
}

void tnh_describe(tnh_helper *helper, hid_t data, tnh_dataset *dataset_out)
{
    *dataset_out = (tnh_dataset){.offset = 0};
    hid_t creation = tnh_must(helper, H5Dget_create_plist(data));
    dataset_out->layout = H5Pget_layout(creation);
    if (tnh_must(helper, H5Pget_external_count(creation)) > 0) {
        tnh_refuse_here(helper, TNI_H5_EXTERNAL_STORAGE, 0, 0);
    }
    if (dataset_out->layout == H5D_VIRTUAL) {
        tnh_refuse_here(helper, TNI_H5_VIRTUAL, 0, 0);
    }
    hid_t type = tnh_must(helper, H5Dget_type(data)), space = tnh_must(helper, H5Dget_space(data));
    dataset_out->type = tnh_type_of(helper, type);
    tnh_space_of(helper, space, &dataset_out->space);
    dataset_out->bytes = H5Dget_storage_size(data);
    if (dataset_out->layout == H5D_CHUNKED) {
        check_chunked(helper, data, creation, H5Tget_size(type), dataset_out);
    } else if (dataset_out->layout == H5D_CONTIGUOUS) {
        check_contiguous(helper, data, H5Tget_size(type), dataset_out);
    } else if (dataset_out->layout != H5D_COMPACT) {
        tnh_damaged(helper);
    }
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    (void)H5Pclose(creation);
}
