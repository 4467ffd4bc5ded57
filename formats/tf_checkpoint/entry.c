#include "formats/tf_checkpoint/entry.h"
#include "core/checked.h"
#include "core/error.h"
#include "formats/shared/tf_message.h"
#include "formats/shared/wire.h"
#include "formats/tf_checkpoint/layout.h"
#include <inttypes.h>

enum {
    HEADER_SHARDS = TNI_WIRE_TAG(1, TNI_WIRE_VARINT),
    HEADER_ENDIANNESS = TNI_WIRE_TAG(2, TNI_WIRE_VARINT),
    HEADER_VERSION = TNI_WIRE_TAG(3, TNI_WIRE_LEN),
    ENTRY_DTYPE = TNI_WIRE_TAG(1, TNI_WIRE_VARINT),
    ENTRY_SHAPE = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    ENTRY_SHARD = TNI_WIRE_TAG(3, TNI_WIRE_VARINT),
    ENTRY_OFFSET = TNI_WIRE_TAG(4, TNI_WIRE_VARINT),
    ENTRY_SIZE = TNI_WIRE_TAG(5, TNI_WIRE_VARINT),
    ENTRY_CRC = TNI_WIRE_TAG(6, TNI_WIRE_I32),
    ENTRY_SLICES = TNI_WIRE_TAG(7, TNI_WIRE_LEN)
};

/* protobuf keeps the low 32 bits of a varint in an int32 field. */
static int32_t low32(uint64_t number)
{
    return (int32_t)(uint32_t)number;
}

tn_status tni_tf_header_parse(tn_str value, tni_tf_header *header_out, tn_error *err)
{
    tni_wire wire = tni_wire_of(value);
    tni_wire_field field;
    tni_tf_version v = {0, 0, false};
    int32_t shards = 0, endianness = 0;
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == HEADER_SHARDS) {
            shards = low32(field.number);
        } else if (field.tag == HEADER_ENDIANNESS) {
            endianness = low32(field.number);
        } else if (field.tag == HEADER_VERSION) {
            ok = tni_tf_version_walk(field.bytes, &v);
        }
    }
    if (!ok || wire.cursor.failed) {
        return tni_fail(err, TN_E_CORRUPT, "the index's header cannot be parsed");
    }
    tn_status status = tni_tf_version_check(&v, err);
    if (status != TN_OK) {
        return status;
    }
    if (shards < 1) {
        return tni_fail(err, TN_E_CORRUPT, "the index's header promises %" PRId32 " data files",
                        shards);
    }
    if (endianness != 0 && endianness != 1) {
        return tni_fail(err, TN_E_UNSUPPORTED,
                        "the index's header names byte order %" PRId32
                        ", but only 0 (little) and 1 (big) are known",
                        endianness);
    }
    *header_out = (tni_tf_header){(uint32_t)shards, endianness == 1};
    return TN_OK;
}

static tn_status fail_key(tn_str key, tn_status status, tn_error *err)
{
    tni_error_subject(err, key);
    return status;
}

/* What an entry's message says, before it is checked. */
typedef struct raw_entry {
    uint64_t dtype;
    tni_tf_shape shape;
    int32_t shard;
    int64_t offset, size;
    uint32_t crc;
    bool sliced;
} raw_entry;

static bool walk_entry(tn_str message, raw_entry *raw)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        switch (field.tag) {
        case ENTRY_DTYPE:
            raw->dtype = (uint64_t)(int64_t)low32(field.number);
            break;
        case ENTRY_SHAPE:
            ok = tni_tf_shape_walk(field.bytes, &raw->shape);
            break;
        case ENTRY_SHARD:
            raw->shard = low32(field.number);
            break;
        case ENTRY_OFFSET:
            raw->offset = (int64_t)field.number;
            break;
        case ENTRY_SIZE:
            raw->size = (int64_t)field.number;
            break;
        case ENTRY_CRC:
            raw->crc = (uint32_t)field.number;
            break;
        case ENTRY_SLICES:
            raw->sliced = true;
            break;
        default:
            break;
        }
    }
    return ok && !wire.cursor.failed;
}

static tn_status check_dtype(uint64_t number, tn_dtype *dtype_out, tn_error *err)
{
    enum { RESOURCE = 20, FIRST_REF = 101, LAST_REF = 200 };
    tn_dtype dtype = tni_tf_dtype(number);
    if (dtype != TN_DTYPE_NONE) {
        *dtype_out = dtype;
        return TN_OK;
    }
    if (number == 0 || number == RESOURCE || (number >= FIRST_REF && number <= LAST_REF)) {
        return tni_fail(err, TN_E_CORRUPT,
                        "the index gives it DataType %" PRIu64 ", which is never stored", number);
    }
    return tni_fail(err, TN_E_UNSUPPORTED,
                    "its type is TensorFlow's DataType %" PRId64
                    ", which this version of tenon does not know",
                    (int64_t)number);
}

static tn_status check_shape(const raw_entry *raw, int64_t *elements_out, tn_error *err)
{
    const tni_tf_shape *shape = &raw->shape;
    if (shape->unknown_rank || shape->too_many_dims ||
        !tni_shape_elements(shape->size, shape->rank, elements_out)) {
        return tni_fail(err, TN_E_CORRUPT, "the index gives it a shape that no stored tensor has");
    }
    return TN_OK;
}

/* Checks that a tensor of this dtype and number of elements can take `size` bytes. */
static tn_status check_size(tn_dtype dtype, int64_t elements, uint64_t size, tn_error *err)
{
    uint64_t count = (uint64_t)elements, need = 0;
    bool fits;
    if (dtype == TN_STRING) {
        /* Each length takes a byte at least. Size 0 is read for no strings. */
        fits = count == 0 ? size == 0 || size == TNI_TF_STRING_SUM
                          : size >= TNI_TF_STRING_SUM && size - TNI_TF_STRING_SUM >= count;
    } else if (dtype == TN_VARIANT) {
        fits = count == 0 ? size == 0 : size / (1 + TNI_TF_STRING_SUM) >= count;
    } else if (!tn_dtype_bytes(dtype, count, &need)) {
        return tni_fail(err, TN_E_CORRUPT, "the index gives it a shape that no stored tensor has");
    } else {
        fits = size == need;
    }
    if (fits) {
        return TN_OK;
    }
    return tni_fail(err, TN_E_CORRUPT,
                    "the index gives it %" PRIu64 " bytes, which do not fit %" PRIu64
                    " elements of %s",
                    size, count, tn_dtype_about(dtype)->name);
}

static tn_status check_place(const raw_entry *raw, const tni_tf_header *header, tn_error *err)
{
    if (raw->shard < 0 || (uint32_t)raw->shard >= header->shards) {
        return tni_fail(err, TN_E_CORRUPT,
                        "the index puts it into data file %" PRId32 " of %" PRIu32, raw->shard,
                        header->shards);
    }
    if (raw->offset < 0 || raw->size < 0 || raw->offset > INT64_MAX - raw->size) {
        return tni_fail(err, TN_E_CORRUPT,
                        "the index puts it at offset %" PRId64 ", %" PRId64
                        " bytes long, which is no place in a file",
                        raw->offset, raw->size);
    }
    return TN_OK;
}

/* Copies what an entry keeps of its message. */
static tn_status keep(tn_str value, const raw_entry *raw, tni_arena *scratch, tni_tf_entry *entry,
                      tn_error *err)
{
    void *shape;
    tn_str slices = TN_STR_NONE;
    tn_status status = tni_arena_array(scratch, raw->shape.rank, sizeof(int64_t), &shape, err);
    if (status == TN_OK && raw->sliced) {
        status = tni_arena_str(scratch, value, &slices, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (raw->shape.rank != 0) {
        memcpy(shape, raw->shape.size, raw->shape.rank * sizeof(int64_t));
    }
    entry->shape = shape;
    entry->slices = slices.data;
    entry->slices_len = (uint32_t)slices.len;
    return TN_OK;
}

tn_status tni_tf_entry_parse(tn_str key, tn_str value, const tni_tf_header *header,
                             tni_arena *scratch, tni_tf_entry *entry_out, tn_error *err)
{
    raw_entry raw;
    raw.dtype = raw.crc = 0;
    raw.shape.rank = 0;
    raw.shape.unknown_rank = raw.shape.too_many_dims = false;
    raw.shard = 0;
    raw.offset = raw.size = 0;
    raw.sliced = false;
    if (!walk_entry(value, &raw)) {
        return fail_key(key, tni_fail(err, TN_E_CORRUPT, "its entry in the index is damaged"), err);
    }
    tn_dtype dtype = TN_DTYPE_NONE;
    int64_t elements = 0;
    tn_status status;
    if ((status = check_dtype(raw.dtype, &dtype, err)) != TN_OK ||
        (status = check_shape(&raw, &elements, err)) != TN_OK) {
        return fail_key(key, status, err);
    }
    /* Where a partitioned tensor's own entry says its bytes are means nothing. */
    if (!raw.sliced && ((status = check_place(&raw, header, err)) != TN_OK ||
                        (status = check_size(dtype, elements, (uint64_t)raw.size, err)) != TN_OK)) {
        return fail_key(key, status, err);
    }
    tni_tf_entry entry = {.key = key,
                          .offset = (uint64_t)raw.offset,
                          .size = (uint64_t)raw.size,
                          .shard = (uint32_t)raw.shard,
                          .crc = raw.crc,
                          .rank = (uint8_t)raw.shape.rank,
                          .dtype = (uint8_t)dtype};
    status = keep(value, &raw, scratch, &entry, err);
    if (status == TN_OK) {
        *entry_out = entry;
    }
    return status;
}

bool tni_tf_next_slice(tni_tf_slices *slices, uint32_t rank, int64_t *start, int64_t *length,
                       bool *ok_out)
{
    tni_wire wire = tni_wire_of(slices->rest);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == ENTRY_SLICES) {
            slices->rest = tn_str_skip(slices->rest, wire.cursor.pos);
            *ok_out = tni_tf_slice_walk(field.bytes, rank, start, length);
            return true;
        }
    }
    slices->rest = TN_STR_NONE;
    *ok_out = true;
    return false;
}
