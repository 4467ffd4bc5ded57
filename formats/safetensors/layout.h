/* Private constants and helpers of the safetensors drawer. The format is described in
 * huggingface/safetensors: README.md; its reference reader and writer are
 * safetensors/src/tensor.rs.
 *
 * A file is: the header's length (u64, little-endian), the header (one JSON object, padded with
 * white space), the data. Offsets in the header count from the first byte of the data. */
#ifndef TN_FORMATS_SAFETENSORS_LAYOUT_H
#define TN_FORMATS_SAFETENSORS_LAYOUT_H

#include "core/buffer.h"
#include "core/hash.h"
#include "formats/format.h"
#include <tenon/text.h>

enum {
    TNI_ST_PREFIX = 8,              /* bytes before the header */
    TNI_ST_HEADER_MAX = 100000000,  /* MAX_HEADER_SIZE in tensor.rs */
    TNI_ST_HEADER_LARGE = 25000000, /* huggingface_hub's constants.py fetches no larger one */
    TNI_ST_ALIGN = 8,               /* the writer pads the header to a multiple of it */
    TNI_ST_NOT_A_DTYPE = UINT8_MAX
};
#define TNI_ST_DIMENSION_MAX ((UINT64_C(1) << 48) - 1) /* docs/safetensors.schema.json */

#define TNI_ST_SUFFIX ".safetensors"
#define TNI_ST_INDEX_SUFFIX ".safetensors.index.json"
#define TNI_ST_METADATA "__metadata__"

/* Every dtype, in the order of tensor.rs' enum Dtype: low to high alignment. */
#define TNI_ST_DTYPES(X)              \
    X(BOOL, "BOOL")                   \
    X(FLOAT4_E2M1FN, "F4")            \
    X(FLOAT6_E2M3FN, "F6_E2M3")       \
    X(FLOAT6_E3M2FN, "F6_E3M2")       \
    X(UINT8, "U8")                    \
    X(INT8, "I8")                     \
    X(FLOAT8_E5M2, "F8_E5M2")         \
    X(FLOAT8_E4M3FN, "F8_E4M3")       \
    X(FLOAT8_E8M0FNU, "F8_E8M0")      \
    X(FLOAT8_E4M3FNUZ, "F8_E4M3FNUZ") \
    X(FLOAT8_E5M2FNUZ, "F8_E5M2FNUZ") \
    X(INT16, "I16")                   \
    X(UINT16, "U16")                  \
    X(FLOAT16, "F16")                 \
    X(BFLOAT16, "BF16")               \
    X(INT32, "I32")                   \
    X(UINT32, "U32")                  \
    X(FLOAT32, "F32")                 \
    X(COMPLEX64, "C64")               \
    X(FLOAT64, "F64")                 \
    X(INT64, "I64")                   \
    X(UINT64, "U64")

/* dtypes.c */

/* Finds the dtype of a header's word; TN_DTYPE_NONE if there is none. */
tn_dtype tni_st_dtype_of(tn_str word);
/* Returns the header's word of a dtype, or NULL. */
const char *tni_st_word(tn_dtype dtype);
/* Returns a dtype's place in the writer's order, or TNI_ST_NOT_A_DTYPE. */
uint8_t tni_st_rank(tn_dtype dtype);
/* Says how the writer stores a dtype. */
tni_store_rule tni_st_stores(tn_dtype dtype);

/* header.c, extents.c */

/* One tensor as its header tells. */
typedef struct tni_st_entry {
    tn_str name;
    const int64_t *shape;
    uint32_t rank;
    tn_dtype dtype;
    uint64_t begin, end; /* bytes from the first one of the data */
    uint64_t at;         /* offset in the file where the header names it */
} tni_st_entry;

/* A header that was read. Names may be views of `text`. */
typedef struct tni_st_header {
    tn_context *ctx;
    tni_arena arena;
    void *text;
    uint64_t data; /* offset in the file of the first byte of the data */
    tni_st_entry *entries;
    size_t count, room;
    tn_pair *metadata;
    size_t n_metadata, metadata_room;
} tni_st_header;

/* Reads and checks a file's whole header: entries come out sorted by place and cover the data
 * without hole or overlap. Oddities go to `findings`. Clear with tni_st_header_clear, also after a
 * failure. Errors: TN_E_TRUNCATED, TN_E_CORRUPT, TN_E_UNSUPPORTED (a dtype unknown here),
 * TN_E_LIMIT
 * ("header-bytes", "tensors", "name-bytes", "rank", "memory"), TN_E_READ, TN_E_NOMEM. */
tn_status tni_st_header_read(tni_st_header *header, tn_context *ctx, tn_source *source,
                             tn_report *findings, tn_error *err);
void tni_st_header_clear(tni_st_header *header);
/* Sorts the entries by place and checks that they cover the data of the file exactly. */
tn_status tni_st_check_extents(tni_st_header *header, tn_source *source, tn_error *err);
/* Makes room for one more element of a heap array. */
tn_status tni_st_grow(tn_context *ctx, void **array, size_t *room, size_t count, size_t size,
                      tn_error *err);
/* Returns `text` if it lies in the parsed text, which outlives the parser, else a copy. */
tn_status tni_st_keep(tni_arena *arena, tn_str whole, tn_str text, tn_str *kept_out, tn_error *err);

/* read.c, read_sharded.c */

tn_status tni_st_open_single(tni_read *read, tn_error *err);
tn_status tni_st_open_sharded(tni_read *read, tn_error *err);
/* Adds one tensor of a header to a model. */
tn_status tni_st_add(tn_model *model, tn_source *source, const tni_st_header *header,
                     const tni_st_entry *entry, tn_error *err);
/* Lists the files of the set that `main` leads. */
tn_status tni_st_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err);

/* index.c */

typedef struct tni_st_mapped {
    tn_str name;
    uint64_t at;    /* offset in the index file */
    uint32_t shard; /* where the map says that it lies */
    uint32_t other; /* another shard that has it, or TN_NO_INDEX */
    bool found;
} tni_st_mapped;

typedef struct tni_st_shard {
    tn_str name;
    uint64_t at; /* offset in the index file of its first mention */
} tni_st_shard;

/* An index file (model.safetensors.index.json) as read, before its shards are looked at. */
typedef struct tni_st_index {
    tn_context *ctx;
    tni_arena arena;
    void *text;
    tni_hash by_name, by_shard;
    tni_st_mapped *mapped;
    size_t count, room;
    tni_st_shard *shards;
    size_t n_shards, shards_room;
    tn_pair *extra; /* other scalars of its `metadata` */
    size_t n_extra, extra_room;
    tn_str total_size; /* as written; none if absent */
    uint64_t total_size_at;
} tni_st_index;

/* Reads an index file. Shard names are not judged here. Clear with tni_st_index_clear, also after a
 * failure: what was read until then is kept. Errors: TN_E_CORRUPT, TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_st_index_read(tni_st_index *index, tn_context *ctx, tn_source *source, tn_error *err);
void tni_st_index_clear(tni_st_index *index);
/* Tells whether a shard's name stays in the index's folder by the rules of every system (Windows
 * too) and names a safetensors file. */
bool tni_st_shard_name_ok(tn_str name);
/* Tells whether a main file is an index: JSON text, not a header's length. */
tn_status tni_st_is_index(tn_source *main, bool *is_out, tn_error *err);

/* emit.c */

/* Appends one file's header, padded, without the length before it. `base` is the offset that the
 * items' offsets count from. */
void tni_st_emit_header(tni_buffer *out, const tn_pair *metadata, size_t n_metadata,
                        const tni_item *items, size_t count, uint64_t base);
/* Appends an index file. The items, in any order, name their shards by file number. */
void tni_st_emit_index(tni_buffer *out, const tni_out_file *files, const tni_item *const *items,
                       size_t count, uint64_t total_size);

/* write.c, write_sharded.c */

/* What the writer keeps between layout and headers. */
typedef struct tni_st_state {
    const tn_pair *metadata; /* sorted */
    size_t n_metadata;
    size_t n_shards;
    uint64_t *data; /* for each shard: where its data begins */
    size_t *first;  /* for each shard and one more: its first item */
    uint64_t total_size;
} tni_st_state;

tn_status tni_st_layout(tni_write *write, tn_error *err);
tn_status tni_st_headers(tni_write *write, tn_error *err);
/* Gives each item its shard (`file`), by the rule of huggingface_hub's serialization/_base.py; the
 * items must be sorted by name. */
tn_status tni_st_split(tni_write *write, size_t *n_shards_out, tn_error *err);
/* Names the index of an output: NAME.safetensors gives NAME.safetensors.index.json. */
tn_status tni_st_index_name(tni_arena *arena, tn_str name, tn_str *index_out, tn_error *err);
/* Names the shards and the index. */
tn_status tni_st_name_shards(tni_write *write, size_t n_shards, tn_error *err);
/* Builds the index file's text. */
tn_status tni_st_index_text(const tni_write *write, tni_buffer *out, tn_error *err);

#endif
