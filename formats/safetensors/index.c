/* Reads model.safetensors.index.json, as transformers and huggingface_hub (serialization/_base.py)
 * write it: {"metadata": {"total_size": BYTES, …}, "weight_map": {TENSOR: FILE, …}}. */
#include "core/cursor.h"
#include "core/error.h"
#include "core/json.h"
#include "formats/safetensors/layout.h"

enum { NESTING = 64 };

typedef struct parse {
    tni_st_index *index;
    tn_context *ctx;
    tn_str text;
    tni_json json;
    bool has_map, has_metadata;
} parse;

static tn_status add_shard(parse *p, const tni_json_token *value, uint32_t *shard_out,
                           tn_error *err)
{
    tni_st_index *index = p->index;
    uint32_t known = tni_hash_get(&index->by_shard, value->text);
    if (known != TNI_HASH_NONE) {
        *shard_out = known;
        return TN_OK;
    }
    tni_st_shard shard = {.at = value->offset};
    uint32_t number = (uint32_t)index->n_shards;
    tn_status status = tni_st_keep(&index->arena, p->text, value->text, &shard.name, err);
    if (status == TN_OK) {
        status = tni_hash_add(&index->by_shard, shard.name, number, NULL, err);
    }
    if (status == TN_OK) {
        status = tni_st_grow(p->ctx, (void **)&index->shards, &index->shards_room, index->n_shards,
                             sizeof shard, err);
    }
    if (status == TN_OK) {
        index->shards[index->n_shards++] = shard;
        *shard_out = number;
    }
    return status;
}

static tn_status add_mapped(parse *p, const tni_json_token *key, tn_error *err)
{
    tni_st_index *index = p->index;
    tni_st_mapped mapped = {.at = key->offset, .other = TN_NO_INDEX};
    uint32_t old = TNI_HASH_NONE;
    tn_status status = tni_check_limit(index->count + 1, p->ctx->limits.tensors, "tensors", err);
    if (status == TN_OK) {
        status = tni_st_keep(&index->arena, p->text, key->text, &mapped.name, err);
    }
    if (status == TN_OK) {
        status = tni_hash_add(&index->by_name, mapped.name, (uint32_t)index->count, &old, err);
    }
    if (status == TN_OK && old != TNI_HASH_NONE) {
        status = tni_json_fail(&p->json, key, err, "this tensor is in the weight_map twice");
    }
    tni_json_token value;
    if (status == TN_OK) {
        status = tni_json_expect(&p->json, TNI_JSON_STRING, "a file name in quotes", &value, err);
    }
    if (status == TN_OK) {
        status = add_shard(p, &value, &mapped.shard, err);
    }
    if (status == TN_OK) {
        status = tni_st_grow(p->ctx, (void **)&index->mapped, &index->room, index->count,
                             sizeof mapped, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, mapped.name);
        return status;
    }
    index->mapped[index->count++] = mapped;
    return TN_OK;
}

static tn_status add_extra(parse *p, const tni_json_token *value, tn_str key, tn_error *err)
{
    tni_st_index *index = p->index;
    tn_pair pair = {.key = key};
    tn_status status = tni_st_keep(&index->arena, p->text, value->text, &pair.value, err);
    if (status == TN_OK) {
        status = tni_st_grow(p->ctx, (void **)&index->extra, &index->extra_room, index->n_extra,
                             sizeof pair, err);
    }
    if (status == TN_OK) {
        index->extra[index->n_extra++] = pair;
    }
    return status;
}

static tn_status read_metadata_member(parse *p, const tni_json_token *key, tn_error *err)
{
    tn_str name;
    tni_json_token value;
    tn_status status = tni_st_keep(&p->index->arena, p->text, key->text, &name, err);
    if (status == TN_OK) {
        status = tni_json_next(&p->json, &value, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (tn_str_equal(name, TN_LIT("total_size")) && value.type == TNI_JSON_NUMBER) {
        p->index->total_size = value.text;
        p->index->total_size_at = value.offset;
        return TN_OK;
    }
    if (value.type == TNI_JSON_STRING || value.type == TNI_JSON_NUMBER) {
        return add_extra(p, &value, name, err);
    }
    return tni_json_skip(&p->json, &value, err);
}

/* Reads one object and hands each of its keys on. */
static tn_status
read_object(parse *p, const char *what,
            tn_status (*member)(parse *p, const tni_json_token *key, tn_error *err), tn_error *err)
{
    tni_json_token token;
    tn_status status = tni_json_expect(&p->json, TNI_JSON_OBJECT, what, &token, err);
    while (status == TN_OK) {
        status = tni_json_next(&p->json, &token, err);
        if (status != TN_OK || token.type == TNI_JSON_OBJECT_END) {
            break;
        }
        status = member(p, &token, err);
    }
    return status;
}

static tn_status read_top_member(parse *p, const tni_json_token *key, tn_error *err)
{
    bool is_map = tn_str_equal(key->text, TN_LIT("weight_map"));
    bool is_metadata = tn_str_equal(key->text, TN_LIT("metadata"));
    if ((is_map && p->has_map) || (is_metadata && p->has_metadata)) {
        return tni_json_fail(&p->json, key, err, "the index has two members \"%s\"",
                             is_map ? "weight_map" : "metadata");
    }
    if (is_map) {
        p->has_map = true;
        return read_object(p, "an object of file names", add_mapped, err);
    }
    if (is_metadata) {
        p->has_metadata = true;
        return read_object(p, "an object", read_metadata_member, err);
    }
    tni_json_token value;
    tn_status status = tni_json_next(&p->json, &value, err);
    return status == TN_OK ? tni_json_skip(&p->json, &value, err) : status;
}

static tn_status read_text(parse *p, tn_error *err)
{
    tni_json_token end;
    tn_status status = read_object(p, "an object", read_top_member, err);
    if (status == TN_OK) {
        status = tni_json_expect(&p->json, TNI_JSON_END, "the end of the file", &end, err);
    }
    if (status == TN_OK && !p->has_map) {
        status = tni_fail(err, TN_E_CORRUPT, "the index has no member \"weight_map\"");
        tni_error_path(err, p->json.path);
        tni_error_offset(err, 0);
    }
    return status;
}

tn_status tni_st_index_read(tni_st_index *index, tn_context *ctx, tn_source *source, tn_error *err)
{
    *index = (tni_st_index){.ctx = ctx};
    tni_arena_init(&index->arena, ctx, ctx->limits.memory);
    tni_hash_init(&index->by_name, ctx, 0);
    tni_hash_init(&index->by_shard, ctx, 0);
    uint64_t len = tni_source_size(source);
    tn_status status = tni_source_load(source, 0, len, ctx->limits.header_bytes, "header-bytes",
                                       &index->text, err);
    if (status != TN_OK) {
        return status;
    }
    parse p = {.index = index, .ctx = ctx, .text = {index->text, (size_t)len}};
    tni_json_init(&p.json, ctx, p.text, tni_source_path(source), 0, NESTING);
    status = read_text(&p, err);
    tni_json_clear(&p.json);
    return status;
}

void tni_st_index_clear(tni_st_index *index)
{
    tni_free(index->ctx, index->text);
    tni_free(index->ctx, index->mapped);
    tni_free(index->ctx, index->shards);
    tni_free(index->ctx, index->extra);
    tni_hash_clear(&index->by_name);
    tni_hash_clear(&index->by_shard);
    tni_arena_clear(&index->arena);
}

bool tni_st_shard_name_ok(tn_str name)
{
    if (!tn_str_ends(name, TN_LIT(TNI_ST_SUFFIX))) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c == '/' || c == '\\' || c == ':' || c == '\0') {
            return false;
        }
        if (c == '.' && i + 1 < name.len && name.data[i + 1] == '.') {
            return false;
        }
    }
    return true;
}

tn_status tni_st_is_index(tn_source *main, bool *is_out, tn_error *err)
{
    uint8_t head[TNI_ST_PREFIX];
    if (tn_str_ends(tni_source_name(main), TN_LIT(".json"))) {
        *is_out = true;
        return TN_OK;
    }
    if (tni_source_size(main) < sizeof head) {
        *is_out = false;
        return TN_OK;
    }
    tn_status status = tni_source_read(main, 0, head, sizeof head, err);
    if (status == TN_OK) {
        *is_out = head[0] == '{' && tni_load_u64le(head) > TNI_ST_HEADER_MAX;
    }
    return status;
}
