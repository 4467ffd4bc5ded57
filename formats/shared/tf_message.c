#include "formats/shared/tf_message.h"
#include "core/error.h"
#include "formats/shared/wire.h"

enum {
    VERSION_PRODUCER = TNI_WIRE_TAG(1, TNI_WIRE_VARINT),
    VERSION_MIN_CONSUMER = TNI_WIRE_TAG(2, TNI_WIRE_VARINT),
    VERSION_BAD_CONSUMERS = 3,
    SHAPE_DIM = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    SHAPE_UNKNOWN_RANK = TNI_WIRE_TAG(3, TNI_WIRE_VARINT),
    DIM_SIZE = TNI_WIRE_TAG(1, TNI_WIRE_VARINT),
    SLICE_EXTENT = TNI_WIRE_TAG(1, TNI_WIRE_LEN),
    EXTENT_START = TNI_WIRE_TAG(1, TNI_WIRE_VARINT),
    EXTENT_LENGTH = TNI_WIRE_TAG(2, TNI_WIRE_VARINT)
};

/* protobuf keeps the low 32 bits of a varint in an int32 field. */
static int32_t low32(uint64_t number)
{
    return (int32_t)(uint32_t)number;
}

bool tni_tf_version_walk(tn_str message, tni_tf_version *v)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        tni_wire_numbers numbers;
        uint64_t number;
        if (field.tag == VERSION_PRODUCER) {
            v->producer = low32(field.number);
        } else if (field.tag == VERSION_MIN_CONSUMER) {
            v->min_consumer = low32(field.number);
        } else if (field.tag >> 3 == VERSION_BAD_CONSUMERS &&
                   tni_wire_numbers_of(&field, TNI_WIRE_VARINT, &numbers)) {
            while (tni_wire_number(&numbers, &number)) {
                v->refuses = v->refuses || low32(number) == TNI_TF_VERSION;
            }
            if (numbers.cursor.failed) {
                return false;
            }
        }
    }
    return !wire.cursor.failed;
}

tn_status tni_tf_version_check(const tni_tf_version *v, tn_error *err)
{
    if (v->producer < 0) {
        return tni_fail(err, TN_E_CORRUPT, "the checkpoint's version is negative");
    }
    if (v->min_consumer > TNI_TF_VERSION || v->refuses) {
        return tni_fail(err, TN_E_UNSUPPORTED,
                        "the checkpoint says that readers of format version %d must not read it",
                        TNI_TF_VERSION);
    }
    return TN_OK;
}

static bool walk_dim(tn_str message, int64_t *size_out)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    *size_out = 0;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == DIM_SIZE) {
            *size_out = (int64_t)field.number;
        }
    }
    return !wire.cursor.failed;
}

bool tni_tf_shape_walk(tn_str message, tni_tf_shape *shape)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == SHAPE_DIM && shape->rank == TNI_TF_MAX_RANK) {
            shape->too_many_dims = true;
        } else if (field.tag == SHAPE_DIM) {
            ok = walk_dim(field.bytes, &shape->size[shape->rank++]);
        } else if (field.tag == SHAPE_UNKNOWN_RANK) {
            shape->unknown_rank = field.number != 0;
        }
    }
    return ok && !wire.cursor.failed;
}

static bool walk_extent(tn_str message, int64_t *start, int64_t *length)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    *start = 0;
    *length = -1;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == EXTENT_START) {
            *start = (int64_t)field.number;
        } else if (field.tag == EXTENT_LENGTH) {
            *length = (int64_t)field.number;
        }
    }
    return !wire.cursor.failed;
}

bool tni_tf_slice_walk(tn_str message, uint32_t rank, int64_t *start, int64_t *length)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    uint32_t seen = 0;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag != SLICE_EXTENT) {
            continue;
        }
        if (seen == rank || !walk_extent(field.bytes, &start[seen], &length[seen])) {
            return false;
        }
        seen++;
    }
    return !wire.cursor.failed && seen == rank;
}
