/* Reads one file's header: tensor.rs' SafeTensors::read_metadata, with the README's rules where
 * these are stricter than the code (NOTES.md lists them). */
#include "core/checked.h"
#include "core/cursor.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/order.h"
#include "formats/safetensors/layout.h"
#include <inttypes.h>

enum { FIELD_DTYPE = 1, FIELD_SHAPE = 2, FIELD_OFFSETS = 4, FIELD_ALL = 7 };
enum { NESTING = 8, QUOTED = 48 };

typedef struct parse {
    tni_st_header *header;
    tn_context *ctx;
    tn_str text;
    tni_json json;
    int64_t *dims; /* of the shape at hand */
    size_t dims_room;
    bool has_metadata;
    size_t large;       /* dimensions above the schema's bound */
    size_t first_large; /* entry */
} parse;

/* How much of a foreign text a message quotes. */
static int quoted(tn_str text)
{
    return text.len < QUOTED ? (int)text.len : QUOTED;
}

tn_status tni_st_grow(tn_context *ctx, void **array, size_t *room, size_t count, size_t size,
                      tn_error *err)
{
    if (count < *room) {
        return TN_OK;
    }
    size_t more = *room == 0 ? 16 : *room + *room / 2;
    if (more > SIZE_MAX / size) {
        return tni_fail(err, TN_E_NOMEM, "there is not enough memory for %zu elements", more);
    }
    tn_status status = tni_resize(ctx, array, more * size, err);
    if (status == TN_OK) {
        *room = more;
    }
    return status;
}

tn_status tni_st_keep(tni_arena *arena, tn_str whole, tn_str text, tn_str *kept_out, tn_error *err)
{
    uintptr_t start = (uintptr_t)whole.data, at = (uintptr_t)text.data;
    if (at >= start && at - start < whole.len) {
        *kept_out = text;
        return TN_OK;
    }
    return tni_arena_str(arena, text, kept_out, err);
}

static tn_status read_shape(parse *p, tni_st_entry *entry, tn_error *err)
{
    tni_json_token token;
    tn_status status = tni_json_expect(&p->json, TNI_JSON_ARRAY, "a shape array", &token, err);
    size_t rank = 0;
    while (status == TN_OK) {
        status = tni_json_next(&p->json, &token, err);
        if (status != TN_OK || token.type == TNI_JSON_ARRAY_END) {
            break;
        }
        uint64_t size;
        if (token.type != TNI_JSON_NUMBER || !tni_json_u64(token.text, &size)) {
            return tni_json_fail(&p->json, &token, err,
                                 "a shape holds plain non-negative integers only");
        }
        if (size > INT64_MAX) {
            return tni_json_fail(&p->json, &token, err,
                                 "the number of elements overflows: one dimension is %" PRIu64,
                                 size);
        }
        if (size > TNI_ST_DIMENSION_MAX && p->large++ == 0) {
            p->first_large = p->header->count;
        }
        status = tni_check_limit(rank + 1, p->ctx->limits.rank, "rank", err);
        if (status == TN_OK) {
            status =
                tni_st_grow(p->ctx, (void **)&p->dims, &p->dims_room, rank, sizeof *p->dims, err);
        }
        if (status == TN_OK) {
            p->dims[rank++] = (int64_t)size;
        }
    }
    void *shape = NULL;
    if (status == TN_OK && rank > 0) {
        status = tni_arena_array(&p->header->arena, rank, sizeof *p->dims, &shape, err);
    }
    if (status == TN_OK && rank > 0) {
        memcpy(shape, p->dims, rank * sizeof *p->dims);
    }
    entry->shape = shape;
    entry->rank = (uint32_t)rank;
    return status;
}

static tn_status read_offsets(parse *p, tni_st_entry *entry, tn_error *err)
{
    tni_json_token token;
    tn_status status =
        tni_json_expect(&p->json, TNI_JSON_ARRAY, "an array of two offsets", &token, err);
    uint64_t pair[2];
    for (size_t i = 0; status == TN_OK && i < 2; i++) {
        status = tni_json_next(&p->json, &token, err);
        if (status == TN_OK &&
            (token.type != TNI_JSON_NUMBER || !tni_json_u64(token.text, &pair[i]))) {
            status = tni_json_fail(&p->json, &token, err,
                                   "data_offsets must be two plain non-negative integers");
        }
    }
    if (status == TN_OK) {
        status = tni_json_expect(&p->json, TNI_JSON_ARRAY_END,
                                 "the end of the array, which has two offsets,", &token, err);
    }
    if (status == TN_OK) {
        entry->begin = pair[0];
        entry->end = pair[1];
    }
    return status;
}

static tn_status read_dtype(parse *p, tni_st_entry *entry, tn_error *err)
{
    tni_json_token token;
    tn_status status = tni_json_expect(&p->json, TNI_JSON_STRING, "a dtype in quotes", &token, err);
    if (status != TN_OK) {
        return status;
    }
    entry->dtype = tni_st_dtype_of(token.text);
    if (entry->dtype == TN_DTYPE_NONE) {
        status = tni_fail(err, TN_E_UNSUPPORTED, "its dtype \"%.*s\" is not known to this version",
                          quoted(token.text), token.text.data);
        tni_error_path(err, p->json.path);
        tni_error_offset(err, p->json.base + token.offset);
    }
    return status;
}

static tn_status read_field(parse *p, const tni_json_token *key, tni_st_entry *entry,
                            unsigned *seen, tn_error *err)
{
    static const struct {
        tn_str name;
        unsigned bit;
        tn_status (*read)(parse *p, tni_st_entry *entry, tn_error *err);
    } fields[] = {{{"dtype", 5}, FIELD_DTYPE, read_dtype},
                  {{"shape", 5}, FIELD_SHAPE, read_shape},
                  {{"data_offsets", 12}, FIELD_OFFSETS, read_offsets}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!tn_str_equal(key->text, fields[i].name)) {
            continue;
        }
        if ((*seen & fields[i].bit) != 0) {
            return tni_json_fail(&p->json, key, err, "its %s is given twice", fields[i].name.data);
        }
        *seen |= fields[i].bit;
        return fields[i].read(p, entry, err);
    }
    return tni_json_fail(&p->json, key, err,
                         "it has a field \"%.*s\"; only dtype, shape and data_offsets are allowed",
                         quoted(key->text), key->text.data);
}

/* Refuses a key of the metadata that was there. */
static tn_status check_new(parse *p, tni_hash *keys, const tni_json_token *key, tn_str name,
                           tn_error *err)
{
    uint32_t old;
    tn_status status = tni_hash_add(keys, name, (uint32_t)p->header->n_metadata, &old, err);
    if (status == TN_OK && old != TNI_HASH_NONE) {
        status = tni_json_fail(&p->json, key, err,
                               "this key of " TNI_ST_METADATA " is in the header twice");
        tni_error_subject(err, name);
    }
    return status;
}

static tn_status read_fields(parse *p, const tni_json_token *key, tni_st_entry *entry,
                             tn_error *err)
{
    tni_json_token token;
    unsigned seen = 0;
    tn_status status = tni_json_expect(&p->json, TNI_JSON_OBJECT,
                                       "an object with dtype, shape and data_offsets", &token, err);
    while (status == TN_OK) {
        status = tni_json_next(&p->json, &token, err);
        if (status != TN_OK || token.type == TNI_JSON_OBJECT_END) {
            break;
        }
        status = read_field(p, &token, entry, &seen, err);
    }
    if (status == TN_OK && seen != FIELD_ALL) {
        const char *missing = (seen & FIELD_DTYPE) == 0   ? "dtype"
                              : (seen & FIELD_SHAPE) == 0 ? "shape"
                                                          : "data_offsets";
        status = tni_json_fail(&p->json, key, err, "it has no %s", missing);
    }
    return status;
}

static tn_status read_tensor(parse *p, const tni_json_token *key, tn_str name, tn_error *err)
{
    tni_st_header *header = p->header;
    const tn_limits *limits = &p->ctx->limits;
    tni_st_entry entry = {.name = name, .at = p->json.base + key->offset};
    tn_status status = tni_check_limit(header->count + 1, limits->tensors, "tensors", err);
    if (status == TN_OK) {
        status = tni_check_limit(name.len, limits->name_bytes, "name-bytes", err);
    }
    if (status == TN_OK) {
        status = read_fields(p, key, &entry, err);
    }
    if (status == TN_OK) {
        status = tni_st_grow(p->ctx, (void **)&header->entries, &header->room, header->count,
                             sizeof *header->entries, err);
    }
    if (status != TN_OK) {
        tni_error_path(err, p->json.path);
        tni_error_offset(err, entry.at);
        tni_error_subject(err, name);
        return status;
    }
    header->entries[header->count++] = entry;
    return TN_OK;
}

static tn_status read_pair(parse *p, tni_hash *keys, const tni_json_token *key, tn_error *err)
{
    tni_st_header *header = p->header;
    tn_pair pair;
    tn_status status = tni_st_keep(&header->arena, p->text, key->text, &pair.key, err);
    if (status == TN_OK) {
        status = check_new(p, keys, key, pair.key, err);
    }
    tni_json_token token;
    if (status == TN_OK) {
        status =
            tni_json_expect(&p->json, TNI_JSON_STRING, "a metadata value in quotes", &token, err);
    }
    if (status == TN_OK) {
        status = tni_st_keep(&header->arena, p->text, token.text, &pair.value, err);
    }
    if (status == TN_OK) {
        status = tni_st_grow(p->ctx, (void **)&header->metadata, &header->metadata_room,
                             header->n_metadata, sizeof pair, err);
    }
    if (status == TN_OK) {
        header->metadata[header->n_metadata++] = pair;
    }
    return status;
}

static tn_status read_metadata(parse *p, const tni_json_token *key, tn_error *err)
{
    if (p->has_metadata) {
        return tni_json_fail(&p->json, key, err, TNI_ST_METADATA " is in the header twice");
    }
    p->has_metadata = true;
    tni_hash keys;
    tni_hash_init(&keys, p->ctx, 0);
    tni_json_token token;
    tn_status status =
        tni_json_expect(&p->json, TNI_JSON_OBJECT, "an object of strings", &token, err);
    while (status == TN_OK) {
        status = tni_json_next(&p->json, &token, err);
        if (status != TN_OK || token.type == TNI_JSON_OBJECT_END) {
            break;
        }
        status = read_pair(p, &keys, &token, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, TN_LIT(TNI_ST_METADATA));
    }
    tni_hash_clear(&keys);
    return status;
}

static tn_status read_members(parse *p, tn_error *err)
{
    tni_json_token token;
    tn_status status = tni_json_expect(&p->json, TNI_JSON_OBJECT, "an object", &token, err);
    while (status == TN_OK) {
        status = tni_json_next(&p->json, &token, err);
        if (status != TN_OK || token.type == TNI_JSON_OBJECT_END) {
            break;
        }
        tn_str name;
        status = tni_st_keep(&p->header->arena, p->text, token.text, &name, err);
        if (status == TN_OK && tn_str_equal(name, TN_LIT(TNI_ST_METADATA))) {
            status = read_metadata(p, &token, err);
        } else if (status == TN_OK) {
            status = read_tensor(p, &token, name, err);
        }
    }
    return status == TN_OK
               ? tni_json_expect(&p->json, TNI_JSON_END, "the end of the header", &token, err)
               : status;
}

/* Refuses a name that is there twice: readers of the format disagree about which one counts. */
static tn_status check_names(const parse *p, tn_error *err)
{
    const tni_st_header *header = p->header;
    if (header->count == 0) {
        return TN_OK; /* and there are no entries to point at */
    }
    tni_names_view names = {&header->entries->name, sizeof *header->entries, header->count};
    size_t before, again = SIZE_MAX;
    tn_status status = tni_names_repeat(p->ctx, &names, &before, &again, err);
    if (status == TN_OK && again != SIZE_MAX) {
        status = tni_fail(err, TN_E_CORRUPT, "this tensor is in the header twice");
        tni_error_path(err, p->json.path);
        tni_error_offset(err, header->entries[again].at);
        tni_error_subject(err, header->entries[again].name);
    }
    return status;
}

static tn_status report_oddities(const parse *p, tn_report *findings, tn_error *err)
{
    tn_status status = TN_OK;
    if (p->text.len > 0 && p->text.data[0] != '{') {
        status = tn_report_say(findings, TN_SEVERITY_NOTE, "leading-space", TN_STR_NONE, err,
                               "%s: the header begins with white space, which some readers refuse",
                               p->json.path);
    }
    if (status == TN_OK && p->large > 0) {
        status = tn_report_say(
            findings, TN_SEVERITY_WARNING, "shape-large", p->header->entries[p->first_large].name,
            err, "%zu dimensions are 2^48 or more, which the format's schema forbids", p->large);
    }
    return status;
}

static tn_status parse_text(tni_st_header *header, tn_str text, const char *path,
                            tn_report *findings, tn_error *err)
{
    parse p = {.header = header, .ctx = header->ctx, .text = text};
    tni_json_init(&p.json, header->ctx, text, path, TNI_ST_PREFIX, NESTING);
    tn_status status = read_members(&p, err);
    if (status == TN_OK) {
        status = check_names(&p, err);
    }
    if (status == TN_OK) {
        status = report_oddities(&p, findings, err);
    }
    tni_json_clear(&p.json);
    tni_free(header->ctx, p.dims);
    return status;
}

/* Says what a file is whose first bytes cannot be a header's length. */
static tn_status fail_no_length(tn_source *source, const uint8_t *prefix, uint64_t len,
                                tn_error *err)
{
    tn_str head = {(const char *)prefix, TNI_ST_PREFIX};
    tn_status status;
    if (tn_str_equal(head, TN_LIT("version "))) {
        status = tni_fail(err, TN_E_CORRUPT,
                          "this is the pointer that Git LFS left in place of a safetensors file");
        tni_error_hint(err, "git lfs pull");
    } else {
        status =
            tni_fail(err, TN_E_CORRUPT,
                     "this is not a safetensors file: its first 8 bytes would mean a header of "
                     "%" PRIu64 " bytes, more than the 100000000 that the format allows",
                     len);
    }
    tni_error_path(err, tni_source_path(source));
    tni_error_offset(err, 0);
    return status;
}

static tn_status fail_short(tn_source *source, const char *what, uint64_t needed, tn_error *err)
{
    uint64_t size = tni_source_size(source);
    tn_status status =
        tni_fail(err, TN_E_TRUNCATED, "the file ends after %" PRIu64 " bytes, but %s %" PRIu64,
                 size, what, needed);
    tni_error_path(err, tni_source_path(source));
    tni_error_offset(err, size);
    tni_error_hint(err, "download or copy the file again");
    return status;
}

static tn_status load_text(tni_st_header *header, tn_source *source, tn_str *text_out,
                           tn_error *err)
{
    uint8_t prefix[TNI_ST_PREFIX];
    uint64_t size = tni_source_size(source);
    if (size < TNI_ST_PREFIX) {
        return fail_short(source, "the header's length alone takes", TNI_ST_PREFIX, err);
    }
    tn_status status = tni_source_read(source, 0, prefix, sizeof prefix, err);
    if (status != TN_OK) {
        return status;
    }
    uint64_t len = tni_load_u64le(prefix);
    if (len > TNI_ST_HEADER_MAX) {
        return fail_no_length(source, prefix, len, err);
    }
    if (!tni_range_fits(TNI_ST_PREFIX, len, size)) {
        return fail_short(source, "its header reaches to byte", TNI_ST_PREFIX + len, err);
    }
    status = tni_source_load(source, TNI_ST_PREFIX, len, header->ctx->limits.header_bytes,
                             "header-bytes", &header->text, err);
    if (status == TN_OK) {
        header->data = TNI_ST_PREFIX + len;
        *text_out = (tn_str){header->text, (size_t)len};
    }
    return status;
}

tn_status tni_st_header_read(tni_st_header *header, tn_context *ctx, tn_source *source,
                             tn_report *findings, tn_error *err)
{
    *header = (tni_st_header){.ctx = ctx};
    tni_arena_init(&header->arena, ctx, ctx->limits.memory);
    tn_str text = TN_STR_NONE;
    tn_status status = load_text(header, source, &text, err);
    if (status == TN_OK) {
        status = parse_text(header, text, tni_source_path(source), findings, err);
    }
    if (status == TN_OK) {
        status = tni_st_check_extents(header, source, err);
    }
    return status;
}

void tni_st_header_clear(tni_st_header *header)
{
    tni_free(header->ctx, header->text);
    tni_free(header->ctx, header->entries);
    tni_free(header->ctx, header->metadata);
    tni_arena_clear(&header->arena);
}
