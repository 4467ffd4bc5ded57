#include "formats/tf_checkpoint_v1/read.h"
#include "core/error.h"
#include "formats/shared/interrupted.h"
#include "formats/tf_checkpoint_v1/names.h"
#include "formats/tf_checkpoint_v1/set.h"
#include "model/roles.h"

/* Adds the tensors, each of all parts that bear its name. */
static tn_status add_tensors(tni_v1_set *set, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t first = 0, end; status == TN_OK && first < set->n_parts; first = end) {
        for (end = first + 1;
             end < set->n_parts && tn_str_equal(set->parts[first].name, set->parts[end].name);
             end++) {
        }
        status = tni_v1_tensor_add(set, &set->parts[first], end - first, err);
    }
    return status;
}

/* A sharded checkpoint is called by its pattern. */
static tn_status set_resolved(const tni_read *read, tn_error *err)
{
    tn_str prefix, pattern;
    uint64_t shards;
    if (!tni_v1_name_parse(tn_str_of(tni_source_path(read->main)), &prefix, &shards)) {
        return TN_OK;
    }
    tn_status status = tni_v1_name_pattern(prefix, shards, &read->model->arena, &pattern, err);
    if (status == TN_OK) {
        read->model->resolved = pattern.data;
    }
    return status;
}

tn_status tni_v1_open(tni_read *read, tn_error *err)
{
    tni_v1_set set = {.ctx = read->ctx, .model = read->model, .main = read->main};
    tni_arena_init(&set.scratch, read->ctx, read->ctx->limits.memory);
    read->model->layout = "names";
    tn_status status;
    if ((status = set_resolved(read, err)) == TN_OK &&
        (status = tni_refuse_interrupted(read, tni_source_name(read->main), err)) == TN_OK &&
        (status = tni_v1_cache_new(read->model, &set.cache, err)) == TN_OK &&
        (status = tni_v1_set_open(&set, err)) == TN_OK &&
        (status = tni_v1_parts_list(&set, err)) == TN_OK &&
        (status = add_tensors(&set, err)) == TN_OK &&
        (status = tni_roles_by_name(read->model, err)) == TN_OK) {
        status = tni_model_finish(read->model, err);
    }
    tni_v1_set_clear(&set);
    return status;
}

tn_status tni_v1_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err)
{
    enum { FOLDER_NAMES = 1000000 };
    tn_str folder, prefix, of, path = tn_str_of(tni_source_path(main));
    tn_str name = tni_source_name(main);
    uint64_t shards, n;
    bool sharded = tni_v1_name_parse(name, &prefix, &shards);
    tni_names all;
    void *block;
    tn_status status;
    if ((status = tni_arena_str(arena, tn_str_first(path, path.len - name.len), &folder, err)) !=
            TN_OK ||
        (status = tni_list_folder(ctx, folder.data, FOLDER_NAMES, arena, &all, err)) != TN_OK ||
        (status = tni_arena_array(arena, all.count + 1, sizeof(tn_str), &block, err)) != TN_OK) {
        return status;
    }
    tni_names members = {block, 0};
    for (size_t i = 0; i < all.count; i++) {
        bool shard = sharded && tni_v1_name_parse(all.at[i], &of, &n) && n == shards &&
                     tn_str_equal(of, prefix);
        if (shard || tn_str_equal(all.at[i], name)) {
            members.at[members.count++] = all.at[i];
        }
    }
    *names_out = members;
    return TN_OK;
}
