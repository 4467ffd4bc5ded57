/* Reads a set: an index and the shards that it names. Stricter than transformers, which reads whole
 * shards and follows any path: names are plain, and map and shards must agree. */
#include "core/error.h"
#include "core/json.h"
#include "formats/safetensors/layout.h"
#include "model/roles.h"
#include <inttypes.h>
#include <stdlib.h>

enum { STRAYS_LISTED = 20 };

typedef struct set {
    tni_read *read;
    tni_st_index index;
    tni_hash metadata; /* key → number in the model's metadata */
    uint64_t bytes;    /* of all tensors of the map */
} set;

static tn_status fail_at(const set *s, tn_code code, uint64_t at, tn_str subject, tn_str shard,
                         const char *what, tn_error *err)
{
    char name[256];
    tn_escape(shard, name, sizeof name);
    tn_status status = tni_fail(err, code, "%s '%s'", what, name);
    tni_error_path(err, tni_source_path(s->read->main));
    tni_error_offset(err, at);
    tni_error_subject(err, subject);
    return status;
}

static tn_status check_shard_names(const set *s, tn_error *err)
{
    for (size_t i = 0; i < s->index.n_shards; i++) {
        const tni_st_shard *shard = &s->index.shards[i];
        if (!tni_st_shard_name_ok(shard->name)) {
            return fail_at(s, TN_E_UNSAFE, shard->at, TN_STR_NONE, shard->name,
                           "a shard must be a .safetensors file in the index's own folder, not",
                           err);
        }
    }
    return TN_OK;
}

/* Adds a shard's metadata; what two shards say differently stays as the first one said. */
static tn_status merge_pair(set *s, const tn_pair *pair, tn_error *err)
{
    tn_model *model = s->read->model;
    uint32_t old = tni_hash_get(&s->metadata, pair->key);
    if (old != TNI_HASH_NONE) {
        if (tn_str_equal(model->metadata[old].value, pair->value)) {
            return TN_OK;
        }
        char key[128];
        tn_escape(pair->key, key, sizeof key);
        return tn_report_say(model->findings, TN_SEVERITY_WARNING, "metadata-differs", TN_STR_NONE,
                             err, "the shards have different metadata under \"%s\"", key);
    }
    uint32_t number = (uint32_t)model->n_metadata;
    tn_status status = tni_model_metadata_add(model, pair->key, pair->value, err);
    return status == TN_OK
               ? tni_hash_add(&s->metadata, model->metadata[number].key, number, NULL, err)
               : status;
}

static tn_status report_stray(const set *s, size_t nth, tn_str name, tn_str shard, tn_error *err)
{
    if (nth >= STRAYS_LISTED) {
        return TN_OK;
    }
    char file[256];
    tn_escape(shard, file, sizeof file);
    return tn_report_say(s->read->model->findings, TN_SEVERITY_WARNING, "stray", name, err,
                         "it lies in %s, but the index does not list it; it was left out", file);
}

static tn_status take_entry(set *s, uint32_t shard, tn_source *source, const tni_st_header *header,
                            const tni_st_entry *entry, size_t *strays, tn_error *err)
{
    uint32_t number = tni_hash_get(&s->index.by_name, entry->name);
    if (number == TNI_HASH_NONE) {
        return report_stray(s, (*strays)++, entry->name, s->index.shards[shard].name, err);
    }
    tni_st_mapped *mapped = &s->index.mapped[number];
    if (mapped->shard != shard) {
        mapped->other = shard;
        return TN_OK;
    }
    mapped->found = true;
    s->bytes += entry->end - entry->begin; /* the ends lie in files: no overflow */
    return tni_st_add(s->read->model, source, header, entry, err);
}

static tn_status take_entries(set *s, uint32_t shard, tn_source *source,
                              const tni_st_header *header, tn_error *err)
{
    size_t strays = 0;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < header->n_metadata; i++) {
        status = merge_pair(s, &header->metadata[i], err);
    }
    for (size_t i = 0; status == TN_OK && i < header->count; i++) {
        status = take_entry(s, shard, source, header, &header->entries[i], &strays, err);
    }
    if (status == TN_OK && strays > STRAYS_LISTED) {
        status = tn_report_say(s->read->model->findings, TN_SEVERITY_WARNING, "stray", TN_STR_NONE,
                               err, "%zu more tensors of the same shard are not in the index",
                               strays - STRAYS_LISTED);
    }
    return status;
}

static tn_status open_shard(const set *s, const tni_st_shard *shard, tn_source **source_out,
                            tn_error *err)
{
    tn_status status = tni_source_sibling(s->read->main, shard->name, source_out, err);
    if (status != TN_OK) {
        tni_error_hint(err, "put all %zu shards that %s names beside it", s->index.n_shards,
                       tni_source_path(s->read->main));
        return status;
    }
    return tni_model_keep(s->read->model, *source_out, err);
}

static tn_status read_shard(set *s, uint32_t number, tn_error *err)
{
    const tni_st_shard *shard = &s->index.shards[number];
    tn_model *model = s->read->model;
    tn_source *source; /* the model keeps it */
    tn_status status = open_shard(s, shard, &source, err);
    if (status == TN_OK) {
        status = tni_model_file(model, shard->name, tni_source_size(source), err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_st_header header;
    status = tni_st_header_read(&header, s->read->ctx, source, model->findings, err);
    if (status == TN_OK) {
        status = take_entries(s, number, source, &header, err);
    }
    tni_st_header_clear(&header);
    return status;
}

static int compare_shards(const void *a, const void *b)
{
    const tni_st_shard *const *x = a, *const *y = b;
    return tn_str_compare((*x)->name, (*y)->name);
}

/* Reads the shards in the order of their names, so that files and findings do not depend on the
 * order of the map. */
static tn_status read_shards(set *s, tn_error *err)
{
    const tni_st_index *index = &s->index;
    void *block;
    tn_status status =
        tni_alloc_array(s->read->ctx, index->n_shards, sizeof(tni_st_shard *), &block, err);
    if (status != TN_OK) {
        return status;
    }
    const tni_st_shard **order = block;
    for (size_t i = 0; i < index->n_shards; i++) {
        order[i] = &index->shards[i];
    }
    if (index->n_shards > 1) {
        qsort(order, index->n_shards, sizeof *order, compare_shards);
    }
    for (size_t i = 0; status == TN_OK && i < index->n_shards; i++) {
        status = read_shard(s, (uint32_t)(order[i] - index->shards), err);
    }
    tni_free(s->read->ctx, block);
    return status;
}

static tn_status check_mapped(const set *s, const tni_st_mapped *mapped, tn_error *err)
{
    const tni_st_shard *shards = s->index.shards;
    bool elsewhere = mapped->other != TN_NO_INDEX;
    if (mapped->found && !elsewhere) {
        return TN_OK;
    }
    const char *what = mapped->found ? "it lies in two shards, the one that the index names and"
                       : elsewhere   ? "it does not lie in the shard that the index names, but in"
                                     : "it does not lie in the shard that the index names,";
    tn_str shard = shards[elsewhere ? mapped->other : mapped->shard].name;
    return fail_at(s, TN_E_CORRUPT, mapped->at, mapped->name, shard, what, err);
}

static tn_status check_map(const set *s, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < s->index.count; i++) {
        status = check_mapped(s, &s->index.mapped[i], err);
    }
    return status;
}

/* Reads total_size; older writers wrote a float ("1024.0"). */
static bool whole_number(tn_str text, uint64_t *out)
{
    const char *point = memchr(text.data, '.', text.len);
    if (point == NULL) {
        return tni_json_u64(text, out);
    }
    size_t whole = (size_t)(point - text.data);
    for (size_t i = whole + 1; i < text.len; i++) {
        if (text.data[i] != '0') {
            return false;
        }
    }
    return tni_json_u64(tn_str_first(text, whole), out);
}

static tn_status check_total(const set *s, tn_error *err)
{
    tn_str text = s->index.total_size;
    uint64_t total;
    if (text.data == NULL || (whole_number(text, &total) && total == s->bytes)) {
        return TN_OK;
    }
    return tn_report_say(s->read->model->findings, TN_SEVERITY_WARNING, "total-size", TN_STR_NONE,
                         err,
                         "the index gives a total_size of %.*s bytes, its tensors have %" PRIu64,
                         text.len < 32 ? (int)text.len : 32, text.data, s->bytes);
}

static tn_status fill(set *s, tn_error *err)
{
    tn_model *model = s->read->model;
    tn_source *main = s->read->main;
    tn_status status = check_shard_names(s, err);
    if (status == TN_OK) {
        status = tni_model_file(model, tni_source_name(main), tni_source_size(main), err);
    }
    for (size_t i = 0; status == TN_OK && i < s->index.n_extra; i++) {
        status = tni_model_producer_add(model, s->index.extra[i].key, s->index.extra[i].value, err);
    }
    if (status == TN_OK) {
        status = read_shards(s, err);
    }
    if (status == TN_OK) {
        status = check_map(s, err);
    }
    return status == TN_OK ? check_total(s, err) : status;
}

tn_status tni_st_open_sharded(tni_read *read, tn_error *err)
{
    set s = {.read = read};
    tni_hash_init(&s.metadata, read->ctx, 0);
    tn_status status = tni_st_index_read(&s.index, read->ctx, read->main, err);
    if (status == TN_OK) {
        status = fill(&s, err);
    }
    tni_st_index_clear(&s.index);
    tni_hash_clear(&s.metadata);
    if (status != TN_OK) {
        return status;
    }
    read->model->layout = "sharded";
    status = tni_roles_by_name(read->model, err);
    return status == TN_OK ? tni_model_finish(read->model, err) : status;
}

static int compare_names(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

static tn_status list_members(const tni_st_index *index, tn_str main, tni_arena *arena,
                              tni_names *names_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, index->n_shards + 1, sizeof(tn_str), &block, err);
    tn_str *at = block;
    size_t count = 0;
    if (status == TN_OK) {
        status = tni_arena_str(arena, main, &at[count++], err);
    }
    for (size_t i = 0; status == TN_OK && i < index->n_shards; i++) {
        if (tni_st_shard_name_ok(index->shards[i].name)) {
            status = tni_arena_str(arena, index->shards[i].name, &at[count++], err);
        }
    }
    if (status != TN_OK) {
        return status;
    }
    qsort(at, count, sizeof *at, compare_names);
    *names_out = (tni_names){at, count};
    return TN_OK;
}

/* What a damaged index names up to the damage still belongs to the set. */
static bool fatal(tn_status status)
{
    return status != TN_OK && status != TN_CORRUPT;
}

tn_status tni_st_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err)
{
    bool is_index;
    tn_status status = tni_st_is_index(main, &is_index, err);
    if (status != TN_OK) {
        return status;
    }
    if (!is_index) {
        tni_st_index none = {0};
        return list_members(&none, tni_source_name(main), arena, names_out, err);
    }
    tni_st_index index;
    tn_error own = {0};
    status = tni_st_index_read(&index, ctx, main, &own);
    if (fatal(status)) {
        if (err != NULL) {
            *err = own;
        }
    } else {
        status = list_members(&index, tni_source_name(main), arena, names_out, err);
    }
    tni_st_index_clear(&index);
    return status;
}
