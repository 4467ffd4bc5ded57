/* The files of a checkpoint and what their metas tell. */
#include "formats/tf_checkpoint_v1/set.h"
#include "core/error.h"
#include "formats/tf_checkpoint_v1/layout.h"
#include "formats/tf_checkpoint_v1/names.h"
#include <inttypes.h>
#include <stdlib.h>

static tn_status add_shard(tni_v1_set *set, tn_source *source, tn_error *err)
{
    if (set->n_shards == set->room) {
        uint32_t room = set->room == 0 ? 16 : 2 * set->room;
        void *shards = set->shards, *sources = set->sources;
        tn_status status = tni_resize(set->ctx, &shards, (size_t)room * sizeof(tni_v1_places), err);
        set->shards = shards;
        if (status == TN_OK) {
            status = tni_resize(set->ctx, &sources, (size_t)room * sizeof(tn_source *), err);
            set->sources = sources;
        }
        if (status != TN_OK) {
            return status;
        }
        set->room = room;
    }
    tn_status status =
        tni_model_file(set->model, tni_source_name(source), tni_source_size(source), err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t shard = set->n_shards++;
    set->sources[shard] = source;
    return tni_v1_places_read(set->ctx, source, &set->model->arena, &set->scratch,
                              &set->shards[shard], err);
}

/* The first shard is the main file. One that is missing is told before memory is spent on those
 * behind it. */
static tn_status open_shard(tni_v1_set *set, tn_str prefix, uint64_t shard, uint64_t shards,
                            tn_error *err)
{
    tn_str name;
    tn_source *source;
    tn_error inner = {0};
    tn_status status = tni_v1_name_shard(prefix, shard, shards, &set->scratch, &name, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_source_sibling(set->main, name, &source, &inner);
    if (inner.code == TN_E_MISSING_FILE) {
        status = tni_fail(err, TN_E_MISSING_FILE,
                          "shard %s is missing: the checkpoint has %" PRIu64 " of them", name.data,
                          shards);
        tni_error_path(err, tni_source_path(set->main));
        tni_error_hint(err, "copy all files that begin with %.*s", (int)prefix.len, prefix.data);
        return status;
    }
    if (status != TN_OK) {
        if (err != NULL && err->status == TN_OK) {
            *err = inner;
        }
        return status;
    }
    status = tni_model_keep(set->model, source, err);
    return status == TN_OK ? add_shard(set, source, err) : status;
}

tn_status tni_v1_set_open(tni_v1_set *set, tn_error *err)
{
    tn_str prefix;
    uint64_t shards = 1;
    bool sharded = tni_v1_name_parse(tni_source_name(set->main), &prefix, &shards);
    tn_status status = add_shard(set, set->main, err);
    for (uint64_t i = 1; sharded && status == TN_OK && i < shards; i++) {
        status = open_shard(set, prefix, i, shards, err);
    }
    return status;
}

void tni_v1_set_clear(tni_v1_set *set)
{
    for (uint32_t i = 0; i < set->n_shards; i++) {
        tni_free(set->ctx, set->shards[i].at);
    }
    tni_free(set->ctx, set->shards);
    tni_free(set->ctx, set->sources);
    tni_free(set->ctx, set->parts);
    tni_arena_clear(&set->scratch);
}

static tn_status fail_meta(const tni_v1_set *set, uint32_t shard, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "the checkpoint's meta is damaged");
    tni_error_path(err, tni_source_path(set->sources[shard]));
    return status;
}

static tn_status add_part(tni_v1_set *set, uint32_t shard, tn_str message, tn_error *err)
{
    tni_v1_part part = {.name = TN_LIT(""), .message = message, .shard = shard};
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == TNI_V1_TENSOR_NAME) {
            part.name = field.bytes;
        }
    }
    if (wire.cursor.failed) {
        return fail_meta(set, shard, err);
    }
    tn_status status;
    if ((status = tni_check_limit(set->n_parts + 1, set->ctx->limits.pieces, "pieces", err)) !=
            TN_OK ||
        (status = tni_check_limit(part.name.len, set->ctx->limits.name_bytes, "name-bytes", err)) !=
            TN_OK) {
        return status;
    }
    if (set->n_parts == set->parts_room) {
        size_t room = set->parts_room == 0 ? 64 : 2 * set->parts_room;
        void *parts = set->parts;
        if ((status = tni_resize(set->ctx, &parts, room * sizeof(tni_v1_part), err)) != TN_OK) {
            return status;
        }
        set->parts = parts;
        set->parts_room = room;
    }
    set->parts[set->n_parts++] = part;
    return TN_OK;
}

/* Reads a SavedTensorSliceMeta. */
static tn_status read_meta(tni_v1_set *set, uint32_t shard, tn_str message, tni_tf_version *version,
                           tn_error *err)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_status status = TN_OK;
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        if (field.tag == TNI_V1_META_TENSOR) {
            status = add_part(set, shard, field.bytes, err);
        } else if (field.tag == TNI_V1_META_VERSIONS &&
                   !tni_tf_version_walk(field.bytes, version)) {
            status = fail_meta(set, shard, err);
        }
    }
    return status == TN_OK && wire.cursor.failed ? fail_meta(set, shard, err) : status;
}

static tn_status read_shard(tni_v1_set *set, uint32_t shard, tn_error *err)
{
    tni_tf_version version = {0};
    tni_wire wire = tni_wire_of(set->shards[shard].meta);
    tni_wire_field field;
    tn_status status = TN_OK;
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        if (field.tag == TNI_V1_SLICES_META) {
            status = read_meta(set, shard, field.bytes, &version, err);
        }
    }
    if (status == TN_OK && wire.cursor.failed) {
        status = fail_meta(set, shard, err);
    }
    if (status == TN_OK && (status = tni_tf_version_check(&version, err)) != TN_OK) {
        tni_error_path(err, tni_source_path(set->sources[shard]));
    }
    return status;
}

static int by_name(const void *a, const void *b)
{
    const tni_v1_part *x = a, *y = b;
    int order = tn_str_compare(x->name, y->name);
    if (order == 0 && x->shard != y->shard) {
        order = x->shard < y->shard ? -1 : 1;
    }
    return order != 0 ? order
                      : (x->message.data > y->message.data) - (x->message.data < y->message.data);
}

tn_status tni_v1_parts_list(tni_v1_set *set, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < set->n_shards; i++) {
        status = read_shard(set, i, err);
    }
    if (status == TN_OK && set->n_parts > 1) {
        qsort(set->parts, set->n_parts, sizeof *set->parts, by_name);
    }
    return status;
}
