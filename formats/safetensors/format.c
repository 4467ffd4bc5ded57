#include "core/cursor.h"
#include "core/error.h"
#include "formats/safetensors/layout.h"
#include "formats/shared/interrupted.h"

/* Returns the first byte of JSON at or after `at` that is no white space, or 0. */
static uint8_t first_mark(const uint8_t *head, size_t len, size_t at)
{
    while (at < len &&
           (head[at] == ' ' || head[at] == '\t' || head[at] == '\n' || head[at] == '\r')) {
        at++;
    }
    return at < len ? head[at] : 0;
}

static bool holds(const uint8_t *window, size_t len, tn_str word)
{
    return len >= word.len && memmem(window, len, word.data, word.len) != NULL;
}

static tni_grade probe_index(const tni_probe *probe)
{
    bool named = tn_str_ends(probe->name, TN_LIT(TNI_ST_INDEX_SUFFIX));
    if (first_mark(probe->head, probe->head_len, 0) != '{') {
        return named ? TNI_GRADE_NAME : TNI_GRADE_NO;
    }
    if (named) {
        return TNI_GRADE_CERTAIN;
    }
    tn_str map = TN_LIT("\"weight_map\""), shard = TN_LIT(TNI_ST_SUFFIX "\"");
    return holds(probe->head, probe->head_len, map) && holds(probe->head, probe->head_len, shard)
               ? TNI_GRADE_LIKELY
               : TNI_GRADE_NO;
}

/* A name alone counts only where the content does not belie it: what cannot even be a header's
 * length is something else, whatever it is called. */
static tni_grade probe_single(const tni_probe *probe)
{
    bool named = tn_str_ends(probe->name, TN_LIT(TNI_ST_SUFFIX));
    if (probe->head_len < TNI_ST_PREFIX) {
        return named ? TNI_GRADE_NAME : TNI_GRADE_NO;
    }
    uint64_t len = tni_load_u64le(probe->head);
    if (len > TNI_ST_HEADER_MAX) {
        return TNI_GRADE_NO;
    }
    if (first_mark(probe->head, probe->head_len, TNI_ST_PREFIX) != '{') {
        return named ? TNI_GRADE_NAME : TNI_GRADE_NO;
    }
    /* A file that is cut within its header is still worth a good error. */
    return len <= probe->size - TNI_ST_PREFIX ? TNI_GRADE_CERTAIN : TNI_GRADE_LIKELY;
}

static tni_grade probe_safetensors(const tni_probe *probe)
{
    tni_grade grade = probe_single(probe);
    return grade == TNI_GRADE_NO ? probe_index(probe) : grade;
}

/* Counts the digits that end a text. */
static size_t digits_at_end(tn_str text)
{
    size_t count = 0;
    while (count < text.len && text.data[text.len - 1 - count] >= '0' &&
           text.data[text.len - 1 - count] <= '9') {
        count++;
    }
    return count;
}

/* Takes NAME of "NAME-00001-of-00003.safetensors"; false if the name has another form. */
static bool shard_stem(tn_str name, tn_str *stem_out)
{
    enum { DIGITS = 5 };
    tn_str text = tn_str_first(name, name.len - (sizeof TNI_ST_SUFFIX - 1));
    size_t total = digits_at_end(text);
    text.len -= total;
    if (total < DIGITS || !tn_str_ends(text, TN_LIT("-of-"))) {
        return false;
    }
    text.len -= 4;
    size_t number = digits_at_end(text);
    text.len -= number;
    if (number < DIGITS || !tn_str_ends(text, TN_LIT("-"))) {
        return false;
    }
    text.len -= 1;
    *stem_out = text;
    return true;
}

static bool index_beside(tn_str stem, const tni_names *siblings, tni_arena *arena, tn_str *main_out)
{
    tn_str index;
    if (tni_arena_format(arena, &index, NULL, "%.*s" TNI_ST_INDEX_SUFFIX, (int)stem.len,
                         stem.data) != TN_OK ||
        !tni_names_has(siblings, index)) {
        return false;
    }
    *main_out = index;
    return true;
}

static bool member(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out)
{
    if (tn_str_ends(name, TN_LIT(TNI_ST_INDEX_SUFFIX))) {
        *main_out = name;
        return true;
    }
    if (!tn_str_ends(name, TN_LIT(TNI_ST_SUFFIX))) {
        return false;
    }
    tn_str stem;
    if (shard_stem(name, &stem) && index_beside(stem, siblings, arena, main_out)) {
        return true;
    }
    /* A set is asked for by the name that it was written under. */
    stem = tn_str_first(name, name.len - (sizeof TNI_ST_SUFFIX - 1));
    if (!tni_names_has(siblings, name) && index_beside(stem, siblings, arena, main_out)) {
        return true;
    }
    *main_out = name;
    return true;
}

/* An output's marker bears the name that was typed for it, in whatever form it was written: X or
 * X.safetensors made the set whose index is X.safetensors.index.json. */
static tn_status refuse_interrupted(const tni_read *read, bool is_index, tn_error *err)
{
    tn_str name = tni_source_name(read->main);
    if (is_index && tn_str_ends(name, TN_LIT(TNI_ST_INDEX_SUFFIX))) {
        name.len -= sizeof TNI_ST_INDEX_SUFFIX - sizeof TNI_ST_SUFFIX;
    }
    tn_status status = tni_refuse_interrupted(read, name, err);
    if (status == TN_OK && is_index && tn_str_ends(name, TN_LIT(TNI_ST_SUFFIX))) {
        name.len -= sizeof TNI_ST_SUFFIX - 1;
        status = tni_refuse_interrupted(read, name, err);
    }
    return status;
}

static tn_status open_file(tni_read *read, tn_error *err)
{
    bool is_index;
    tn_status status = tni_st_is_index(read->main, &is_index, err);
    if (status == TN_OK) {
        status = refuse_interrupted(read, is_index, err);
    }
    if (status != TN_OK) {
        return status;
    }
    return is_index ? tni_st_open_sharded(read, err) : tni_st_open_single(read, err);
}

static tn_status choose_layout(const tn_model *source, tn_str name, const char *asked, bool renamed,
                               tni_layout *layout_out, tn_error *err)
{
    (void)name;
    (void)renamed;
    if (asked != NULL) {
        tn_status status = tni_fail(err, TN_E_USAGE, "safetensors has no layout '%s'", asked);
        tni_error_hint(err, "leave --layout out; --max-shard-size SIZE makes a sharded set");
        return status;
    }
    *layout_out =
        (tni_layout){.word = "single", .carries = source->format == &tn_format_safetensors};
    return TN_OK;
}

static bool name_ok(tn_str name, const char **why_out)
{
    if (!tn_utf8_valid(name)) {
        *why_out = "it is not UTF-8";
        return false;
    }
    if (tn_str_equal(name, TN_LIT(TNI_ST_METADATA))) {
        *why_out = "the format keeps it for its metadata";
        return false;
    }
    return true;
}

/* The same output is one file or, sharded, an index with its shards. */
static tn_status mains(tn_str name, tni_arena *arena, tni_names *mains_out, tn_error *err)
{
    tn_str stem;
    if (tn_str_ends(name, TN_LIT(TNI_ST_INDEX_SUFFIX))) {
        stem = tn_str_first(name, name.len - (sizeof TNI_ST_INDEX_SUFFIX - 1));
        tn_status status = tni_fail(err, TN_E_USAGE, "a sharded output is not named by its index");
        tni_error_hint(err, "%.*s" TNI_ST_SUFFIX " --max-shard-size 5G", (int)stem.len, stem.data);
        return status;
    }
    void *block;
    tn_status status = tni_arena_array(arena, 2, sizeof(tn_str), &block, err);
    tn_str *at = block;
    if (status == TN_OK) {
        status = tni_arena_str(arena, name, &at[0], err);
    }
    if (status == TN_OK) {
        status = tni_st_index_name(arena, name, &at[1], err);
    }
    if (status == TN_OK) {
        *mains_out = (tni_names){at, 2};
    }
    return status;
}

static const char *const extensions[] = {TNI_ST_SUFFIX, NULL};

static const char *const notes[] = {
    "reads single files and sharded sets (.safetensors.index.json); writes sets with "
    "--max-shard-size",
    "refuses what readers understand differently: a name twice, extra fields, holes, overlaps, "
    "trailing bytes",
    "shards must lie beside their index",
    "tied tensors are written once each",
    "float4 and float6 are copied as stored",
    NULL};

static const tni_reader_ops reader = {.open = open_file, .members = tni_st_members};

static const tni_writer_ops writer = {
    .stores = tni_st_stores,
    .roles = ((1u << TN_ROLE_COUNT) - 1u) & ~(1u << TN_ROLE_METADATA),
    .choose_layout = choose_layout,
    .name_ok = name_ok,
    .layout = tni_st_layout,
    .headers = tni_st_headers,
    .mains = mains,
    .metadata = true,
};

const tn_format tn_format_safetensors = {
    .name = "safetensors",
    .title = "safetensors, single or sharded",
    .extensions = extensions,
    .notes = notes,
    .probe = probe_safetensors,
    .member = member,
    .reader = &reader,
    .writer = &writer,
};
