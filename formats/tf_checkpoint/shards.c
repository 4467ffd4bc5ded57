/* The data files of a checkpoint (tensorflow/core/util/tensor_bundle/naming.cc). */
#include "core/crc32c.h"
#include "core/error.h"
#include "formats/shared/tf_shard.h"
#include "formats/tf_checkpoint/bundle.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/strings.h"
#include <inttypes.h>
#include <stdlib.h>
#include <tenon/text.h>

bool tni_tf_prefix(tn_str index_name, tn_str *prefix_out)
{
    tn_str suffix = TN_LIT(TNI_TF_INDEX_SUFFIX);
    if (index_name.len <= suffix.len || !tn_str_ends(index_name, suffix)) {
        return false;
    }
    *prefix_out = tn_str_first(index_name, index_name.len - suffix.len);
    return true;
}

bool tni_tf_shard_prefix(tn_str name, tn_str *prefix_out, uint64_t *shards_out)
{
    tn_str suffix = TN_LIT(TNI_TF_DATA_SUFFIX);
    uint64_t shard;
    for (size_t at = name.len; at > 0; at--) {
        tn_str rest = tn_str_skip(name, at - 1);
        if (tn_str_starts(rest, suffix)) {
            *prefix_out = tn_str_first(name, at - 1);
            return at > 1 &&
                   tni_tf_shard_numbers(tn_str_skip(rest, suffix.len), &shard, shards_out, NULL);
        }
    }
    return false;
}

tn_status tni_tf_shard_name(tn_str prefix, uint32_t shard, uint32_t shards, tni_arena *arena,
                            tn_str *name_out, tn_error *err)
{
    return tni_arena_format(arena, name_out, err,
                            "%.*s" TNI_TF_DATA_SUFFIX "%05" PRIu32 "-of-%05" PRIu32,
                            (int)prefix.len, prefix.data, shard, shards);
}

/* The number of data files comes from the header; a file that is missing says so by name before
 * memory is spent on those behind it. */
static tn_status open_shard(tni_tf_bundle *bundle, tn_str prefix, uint32_t shard, tn_error *err)
{
    tn_str name;
    tn_source *source;
    uint32_t shards = bundle->header.shards;
    tn_status status = tni_tf_shard_name(prefix, shard, shards, &bundle->scratch, &name, err);
    if (status != TN_OK) {
        return status;
    }
    tn_error inner = {0};
    status = tni_source_sibling(bundle->main, name, &source, &inner);
    if (inner.code == TN_E_MISSING_FILE) {
        status = tni_fail(err, TN_E_MISSING_FILE,
                          "data file %s is missing: the checkpoint has %" PRIu32 " of them",
                          name.data, shards);
        tni_error_path(err, tni_source_path(bundle->main));
        tni_error_hint(err, "copy all files that begin with %.*s", (int)prefix.len, prefix.data);
        return status;
    }
    if (status != TN_OK) {
        if (err != NULL && err->status == TN_OK) {
            *err = inner;
        }
        return status;
    }
    status = tni_model_keep(bundle->model, source, err);
    if (status != TN_OK) {
        return status;
    }
    bundle->shards[shard] = source;
    return tni_model_file(bundle->model, name, tni_source_size(source), err);
}

static tn_status fail_short(const tni_tf_bundle *bundle, const tni_tf_entry *entry, tn_error *err)
{
    const tn_source *shard = bundle->shards[entry->shard];
    uint64_t present = tni_source_size(shard);
    tn_status status =
        tni_fail(err, TN_E_TRUNCATED,
                 "the data file has %" PRIu64 " bytes, but this tensor needs %" PRIu64 ": %" PRIu64
                 " are missing",
                 present, entry->offset + entry->size, entry->offset + entry->size - present);
    tni_error_path(err, tni_source_path(shard));
    tni_error_offset(err, entry->offset);
    tni_error_subject(err, entry->key);
    tni_error_hint(err, "the file was cut short: copy or download it again");
    return status;
}

static tn_status check_ends(const tni_tf_bundle *bundle, tn_error *err)
{
    for (uint32_t i = 0; i < bundle->count; i++) {
        const tni_tf_entry *entry = &bundle->entries[i];
        if (entry->slices == NULL &&
            entry->offset + entry->size > tni_source_size(bundle->shards[entry->shard])) {
            return fail_short(bundle, entry, err);
        }
    }
    return TN_OK;
}

static int by_place(const void *a, const void *b, void *entries)
{
    const tni_tf_entry *x = (const tni_tf_entry *)entries + *(const uint32_t *)a;
    const tni_tf_entry *y = (const tni_tf_entry *)entries + *(const uint32_t *)b;
    if (x->shard != y->shard) {
        return x->shard < y->shard ? -1 : 1;
    }
    return x->offset != y->offset ? (x->offset < y->offset ? -1 : 1) : 0;
}

/* Collects the entries that have bytes, in the order of their places. */
static tn_status order_places(tni_tf_bundle *bundle, uint32_t **order_out, uint32_t *count_out,
                              tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(bundle->ctx, bundle->count, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *order = block, count = 0;
    const tni_tf_entry *last = NULL;
    bool sorted = true;
    for (uint32_t i = 0; i < bundle->count; i++) {
        const tni_tf_entry *entry = &bundle->entries[i];
        if (entry->slices == NULL && entry->size != 0) {
            order[count++] = i;
            sorted = sorted && (last == NULL || last->shard < entry->shard ||
                                (last->shard == entry->shard && last->offset <= entry->offset));
            last = entry;
        }
    }
    if (!sorted) {
        qsort_r(order, count, sizeof(*order), by_place, bundle->entries);
    }
    *order_out = order;
    *count_out = count;
    return TN_OK;
}

/* Says in one finding that entries share bytes: TensorFlow reads such files, but no writer of its
 * own makes them. */
static tn_status find_overlaps(tni_tf_bundle *bundle, tn_error *err)
{
    uint32_t *order, count, overlaps = 0;
    const tni_tf_entry *first = NULL, *second = NULL;
    tn_status status = order_places(bundle, &order, &count, err);
    if (status != TN_OK) {
        return status;
    }
    uint64_t end = 0;
    for (uint32_t i = 0, last = 0; i < count; i++) {
        const tni_tf_entry *entry = &bundle->entries[order[i]];
        bool same = i > 0 && entry->shard == bundle->entries[order[last]].shard;
        if (same && entry->offset < end) {
            overlaps++;
            first = first == NULL ? &bundle->entries[order[last]] : first;
            second = second == NULL ? entry : second;
        }
        if (!same || entry->offset + entry->size > end) {
            end = entry->offset + entry->size;
            last = i;
        }
    }
    tni_free(bundle->ctx, order);
    if (overlaps == 0) {
        return TN_OK;
    }
    char other[256];
    tn_escape(first->key, other, sizeof(other));
    return tn_report_say(bundle->model->findings, TN_SEVERITY_WARNING, "overlap", second->key, err,
                         "its bytes overlap those of %s, so one of the two is not what was saved "
                         "(%" PRIu32 " such overlaps)",
                         other, overlaps);
}

tn_status tni_tf_shards_open(tni_tf_bundle *bundle, tn_error *err)
{
    tn_str name = tni_source_name(bundle->main), prefix;
    if (!tni_tf_prefix(name, &prefix)) {
        tn_status status = tni_fail(err, TN_E_UNSUPPORTED,
                                    "the name does not end in " TNI_TF_INDEX_SUFFIX
                                    ", so it does not say what the data files are called");
        tni_error_path(err, tni_source_path(bundle->main));
        tni_error_hint(err, "rename it to PREFIX.index beside PREFIX.data-00000-of-%05" PRIu32,
                       bundle->header.shards);
        return status;
    }
    tn_status status = tni_model_file(bundle->model, name, tni_source_size(bundle->main), err);
    size_t room = 0;
    for (uint32_t i = 0; status == TN_OK && i < bundle->header.shards; i++) {
        if (i == room) {
            void *shards = bundle->shards;
            room = room == 0 ? 16 : 2 * room;
            status = tni_resize(bundle->ctx, &shards, room * sizeof(tn_source *), err);
            bundle->shards = status == TN_OK ? shards : bundle->shards;
        }
        if (status == TN_OK) {
            status = open_shard(bundle, prefix, i, err);
        }
    }
    if (status == TN_OK) {
        status = check_ends(bundle, err);
    }
    return status == TN_OK ? find_overlaps(bundle, err) : status;
}

void tni_tf_entry_leaf(const tni_tf_bundle *bundle, const tni_tf_entry *entry, tni_leaf *leaf)
{
    leaf->ctx = bundle->ctx;
    leaf->source = bundle->shards[entry->shard];
    leaf->offset = entry->offset;
    leaf->bytes = entry->size;
    leaf->sum = tni_crc32c_unmask(entry->crc);
    if (leaf->dtype == TN_STRING || leaf->dtype == TN_VARIANT) {
        tni_tf_strings_leaf(leaf, bundle->header.big_endian);
        return;
    }
    bool swapped = bundle->header.big_endian && tn_dtype_about(leaf->dtype)->word > 1;
    leaf->kind = TNI_LEAF_RANGE;
    leaf->encoding = swapped ? TNI_ENCODING_SWAPPED : TNI_ENCODING_RAW;
    leaf->sum_kind = TNI_SUM_CRC32C;
}
