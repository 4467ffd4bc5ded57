/* Partitioned tensors: an entry under the full name lists slices, each stored under a key made of
 * the name and the slice's extents as they stand in the message
 * (tensorflow/core/util/saved_tensor_slice_util.cc). */
#include "core/error.h"
#include "formats/shared/ordered_code.h"
#include "formats/tf_checkpoint/bundle.h"
#include "formats/tf_checkpoint/layout.h"
#include "model/map.h"
#include <inttypes.h>

/* One slice on its way: extents as stored, then resolved against the tensor's shape. */
typedef struct slice {
    int64_t start[TNI_TF_MAX_RANK], length[TNI_TF_MAX_RANK];
    bool open[TNI_TF_MAX_RANK]; /* the extent says no length: the whole dimension */
    tni_buffer key;
} slice;

static tn_status fail_slice(const tni_tf_bundle *bundle, const tni_tf_entry *entry,
                            const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "%s", what);
    tni_error_path(err, tni_source_path(bundle->main));
    tni_error_subject(err, entry->key);
    return status;
}

/* Reads the next slice; *more_out is false behind the last one. */
static tn_status next_slice(const tni_tf_bundle *bundle, const tni_tf_entry *entry,
                            tni_tf_slices *slices, slice *s, bool *more_out, tn_error *err)
{
    bool ok;
    *more_out = tni_tf_next_slice(slices, entry->rank, s->start, s->length, &ok);
    if (!ok) {
        return fail_slice(bundle, entry, "the list of its slices is damaged", err);
    }
    if (!*more_out) {
        return TN_OK;
    }
    tni_buffer_reset(&s->key);
    tni_ordered_put_slice(&s->key, entry->key, entry->rank, s->start, s->length);
    for (uint8_t i = 0; i < entry->rank; i++) {
        int64_t size = entry->shape[i];
        s->open[i] = s->start[i] == 0 && s->length[i] == TNI_TF_WHOLE;
        if (s->open[i]) {
            s->length[i] = size;
        }
        if (s->start[i] < 0 || s->length[i] < 1 || s->start[i] > size ||
            s->length[i] > size - s->start[i]) {
            return fail_slice(bundle, entry, "one of its slices lies outside its shape", err);
        }
    }
    return tni_buffer_check(&s->key, err);
}

/* Finds the stored slice by binary search: entries are in key order. */
static tni_tf_entry *find_entry(const tni_tf_bundle *bundle, tn_str key)
{
    uint32_t low = 0, high = bundle->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = tn_str_compare(bundle->entries[middle].key, key);
        if (order == 0) {
            return &bundle->entries[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

static tn_status find_slice(const tni_tf_bundle *bundle, const tni_tf_entry *entry, const slice *s,
                            tni_tf_entry **found_out, tn_error *err)
{
    tni_tf_entry *found = find_entry(bundle, (tn_str){s->key.data, s->key.len});
    if (found == NULL) {
        return fail_slice(bundle, entry, "one of its slices is missing from the index", err);
    }
    bool fits = found->slices == NULL && found->dtype == entry->dtype && found->rank == entry->rank;
    for (uint8_t i = 0; fits && i < entry->rank; i++) {
        fits = found->shape[i] == s->length[i];
    }
    if (!fits) {
        return fail_slice(bundle, entry, "one of its slices is stored with another dtype or shape",
                          err);
    }
    *found_out = found;
    return TN_OK;
}

static tn_status hide_of(tni_tf_bundle *bundle, const tni_tf_entry *entry, slice *s, tn_error *err)
{
    tni_tf_slices slices = tni_tf_slices_of(entry);
    tni_tf_entry *found;
    bool more = true;
    tn_status status;
    while ((status = next_slice(bundle, entry, &slices, s, &more, err)) == TN_OK && more) {
        if ((status = find_slice(bundle, entry, s, &found, err)) != TN_OK) {
            return status;
        }
        found->hidden = true;
    }
    return status;
}

tn_status tni_tf_slices_hide(tni_tf_bundle *bundle, tn_error *err)
{
    slice s;
    tn_status status = TN_OK;
    tni_buffer_init(&s.key, bundle->ctx);
    for (uint32_t i = 0; status == TN_OK && i < bundle->count; i++) {
        if (bundle->entries[i].slices != NULL) {
            status = hide_of(bundle, &bundle->entries[i], &s, err);
        }
    }
    tni_buffer_clear(&s.key);
    return status;
}

static uint32_t count_slices(const tni_tf_entry *entry, slice *s)
{
    tni_tf_slices slices = tni_tf_slices_of(entry);
    uint32_t count = 0;
    bool ok = true;
    while (tni_tf_next_slice(&slices, entry->rank, s->start, s->length, &ok) && ok) {
        count++;
    }
    return count;
}

/* Keeps a slice's extents as the index spells them, so that the slice can be written again as it
 * was. */
static void keep_extents(const slice *s, uint32_t rank, int64_t *extents)
{
    for (uint32_t i = 0; i < rank; i++) {
        extents[2 * i] = s->start[i];
        extents[2 * i + 1] = s->open[i] ? TNI_TF_WHOLE : s->length[i];
    }
}

/* Fills one piece and its leaf. */
static tn_status make_piece(tni_tf_bundle *bundle, const tni_tf_entry *entry, const slice *s,
                            tni_piece *piece, tni_leaf *leaf, tn_error *err)
{
    tni_tf_entry *found;
    tn_status status = find_slice(bundle, entry, s, &found, err);
    if (status == TN_OK) {
        status = tni_map_box(&bundle->model->arena, entry->rank, entry->shape, s->start, s->length,
                             &piece->map, err);
    }
    if (status == TN_OK) {
        leaf->dtype = (tn_dtype)found->dtype;
        leaf->elements = tni_tf_entry_elements(found);
        tni_tf_entry_leaf(bundle, found, leaf);
        piece->leaf = leaf;
    }
    return status;
}

static tn_status make_pieces(tni_tf_bundle *bundle, const tni_tf_entry *entry, slice *s,
                             tni_piece *pieces, int64_t *extents, tni_map *maps, tn_error *err)
{
    tni_tf_slices slices = tni_tf_slices_of(entry);
    bool more = true;
    uint32_t count = 0;
    tn_status status;
    while ((status = next_slice(bundle, entry, &slices, s, &more, err)) == TN_OK && more) {
        void *leaf;
        status = tni_arena_alloc(&bundle->model->arena, sizeof(tni_leaf), &leaf, err);
        if (status == TN_OK) {
            status = make_piece(bundle, entry, s, &pieces[count], leaf, err);
        }
        if (status != TN_OK) {
            return status;
        }
        keep_extents(s, entry->rank, extents + 2 * (size_t)count * entry->rank);
        maps[count] = pieces[count].map;
        count++;
    }
    return status;
}

/* Checks that the pieces cover the tensor exactly once. */
static tn_status check_cover(tni_tf_bundle *bundle, const tni_tf_entry *entry, const tni_map *maps,
                             uint32_t count, tn_error *err)
{
    bool tile;
    tn_status status =
        tni_maps_tile(&bundle->scratch, maps, count, tni_tf_entry_elements(entry), &tile, err);
    if (status == TN_OK && !tile) {
        status = fail_slice(bundle, entry, "its slices overlap, or do not cover all of it", err);
    }
    return status;
}

tn_status tni_tf_slices_pieces(tni_tf_bundle *bundle, const tni_tf_entry *entry, tn_tensor *tensor,
                               tn_error *err)
{
    slice s;
    void *pieces, *maps, *extents;
    uint32_t count = count_slices(entry, &s);
    bundle->pieces += count;
    tn_status status = tni_check_limit(bundle->pieces, bundle->ctx->limits.pieces, "pieces", err);
    if (status == TN_OK && tn_dtype_about((tn_dtype)entry->dtype)->bits == 0) {
        status = tni_fail(err, TN_E_UNSUPPORTED, "partitioned tensors of %s are not supported",
                          tn_dtype_about((tn_dtype)entry->dtype)->name);
    }
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(bundle->main));
        tni_error_subject(err, entry->key);
        return status;
    }
    tni_buffer_init(&s.key, bundle->ctx);
    if ((status = tni_arena_array(&bundle->model->arena, count, sizeof(tni_piece), &pieces, err)) ==
            TN_OK &&
        (status = tni_arena_array(&bundle->model->arena, count,
                                  2 * (size_t)entry->rank * sizeof(int64_t), &extents, err)) ==
            TN_OK &&
        (status = tni_arena_array(&bundle->scratch, count, sizeof(tni_map), &maps, err)) == TN_OK &&
        (status = make_pieces(bundle, entry, &s, pieces, extents, maps, err)) == TN_OK &&
        (status = check_cover(bundle, entry, maps, count, err)) == TN_OK) {
        tensor->pieces = pieces;
        tensor->n_pieces = count;
        tensor->slices = extents;
        tensor->n_slices = count;
    }
    tni_buffer_clear(&s.key);
    return status;
}
