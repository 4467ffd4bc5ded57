/* The index: a table whose first key "" is the header; every other key is a tensor or a slice. */
#include "core/error.h"
#include "formats/shared/table.h"
#include "formats/tf_checkpoint/bundle.h"

enum { USUAL_ENTRY = 64 }; /* bytes of the index that one key takes: at first as much as an entry */

static tn_status no_header(const tn_source *main, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_CORRUPT, "the table does not begin with a checkpoint's header");
    tni_error_path(err, tni_source_path(main));
    return status;
}

static tn_status parse_header(const tn_source *main, const tni_table_entry *entry,
                              tni_tf_header *header_out, tn_error *err)
{
    if (entry->key.len != 0) {
        return no_header(main, err);
    }
    tn_status status = tni_tf_header_parse(entry->value, header_out, err);
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(main));
        tni_error_offset(err, entry->block);
    }
    return status;
}

static tn_status grow_entries(tni_tf_bundle *bundle, tn_error *err)
{
    if (bundle->count < bundle->room) {
        return TN_OK;
    }
    /* Slices come on top of tensors and are pieces. */
    const tn_limits *limits = &bundle->ctx->limits;
    uint64_t limit = limits->tensors > UINT32_MAX - 2 ? UINT32_MAX - 2 : limits->tensors;
    limit = limits->pieces > UINT32_MAX - 2 - limit ? UINT32_MAX - 2 : limit + limits->pieces;
    uint64_t guess = tni_source_size(bundle->main) / USUAL_ENTRY + 64;
    guess = guess < limit ? guess : limit;
    size_t room = bundle->room == 0 ? (size_t)guess : 2 * bundle->room;
    void *entries = bundle->entries;
    tn_status status = tni_check_limit(bundle->room + 1, limit, "tensors", err);
    if (status == TN_OK) {
        status = tni_resize(bundle->ctx, &entries, room * sizeof(tni_tf_entry), err);
    }
    if (status == TN_OK) {
        bundle->entries = entries;
        bundle->room = room;
    }
    return status;
}

static tn_status take_entry(void *user, const tni_table_entry *entry, bool *more, tn_error *err)
{
    (void)more;
    tni_tf_bundle *bundle = user;
    if (!bundle->has_header) {
        bundle->has_header = true;
        return parse_header(bundle->main, entry, &bundle->header, err);
    }
    tn_str key;
    tn_status status = grow_entries(bundle, err);
    if (status == TN_OK) {
        status = tni_arena_str(&bundle->model->arena, entry->key, &key, err);
    }
    if (status == TN_OK) {
        status = tni_tf_entry_parse(key, entry->value, &bundle->header, &bundle->scratch,
                                    &bundle->entries[bundle->count], err);
        if (status == TN_OK) {
            bundle->count++;
        } else {
            tni_error_offset(err, entry->block);
        }
    }
    return status;
}

tn_status tni_tf_index_read(tni_tf_bundle *bundle, tn_error *err)
{
    tn_status status = tni_table_scan(bundle->ctx, bundle->main, take_entry, bundle, err);
    if (status == TN_OK && !bundle->has_header) {
        status = no_header(bundle->main, err);
    }
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(bundle->main));
    }
    return status;
}

typedef struct first_entry {
    const tn_source *main;
    tni_tf_header header;
    bool has;
} first_entry;

static tn_status take_header(void *user, const tni_table_entry *entry, bool *more, tn_error *err)
{
    first_entry *first = user;
    *more = false;
    first->has = true;
    return parse_header(first->main, entry, &first->header, err);
}

tn_status tni_tf_header_read(tn_context *ctx, tn_source *main, tni_tf_header *header_out,
                             tn_error *err)
{
    first_entry first = {.main = main};
    tn_status status = tni_table_scan(ctx, main, take_header, &first, err);
    if (status == TN_OK && !first.has) {
        status = no_header(main, err);
    }
    if (status == TN_OK) {
        *header_out = first.header;
    }
    return status;
}
