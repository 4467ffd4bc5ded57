/* What is inside of a node: attributes and inputs. */
#include "core/error.h"
#include "formats/saved_model/index.h"

bool tni_sm_attr(tn_str node, tn_str name, tn_str *value_out)
{
    tni_wire wire = tni_wire_of(node), entry;
    tni_wire_field field, part;
    bool found = false;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag != NODE_ATTR) {
            continue;
        }
        tn_str key = TN_LIT(""), value = TN_LIT("");
        entry = tni_wire_of(field.bytes);
        while (tni_wire_next(&entry, &part)) {
            key = part.tag == MAP_KEY ? part.bytes : key;
            value = part.tag == MAP_VALUE ? part.bytes : value;
        }
        if (tn_str_equal(key, name)) {
            *value_out = value;
            found = true;
        }
    }
    return found;
}

/* Gives the last field of a tag. */
static bool last_field(tn_str message, uint32_t tag, tni_wire_field *field_out)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    bool found = false;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == tag) {
            *field_out = field;
            found = true;
        }
    }
    return found;
}

bool tni_sm_attr_number(tn_str value, uint32_t tag, uint64_t *number_out)
{
    tni_wire_field field;
    bool found = last_field(value, tag, &field);
    if (found) {
        *number_out = field.number;
    }
    return found;
}

bool tni_sm_attr_bytes(tn_str value, uint32_t tag, tn_str *bytes_out)
{
    tni_wire_field field;
    bool found = last_field(value, tag, &field);
    if (found) {
        *bytes_out = field.bytes;
    }
    return found;
}

bool tni_sm_any_asset(tn_str any, tn_str *file_out, tn_str *message_out)
{
    tn_str type = TN_LIT(""), message = TN_LIT(""), file = TN_LIT("");
    (void)tni_sm_attr_bytes(any, ANY_TYPE, &type);
    (void)tni_sm_attr_bytes(any, ANY_VALUE, &message);
    (void)tni_sm_attr_bytes(message, ASSET_FILE, &file);
    *file_out = file;
    *message_out = message;
    return tn_str_ends(type, TN_LIT("tensorflow.AssetFileDef"));
}

bool tni_sm_next_input(tni_wire *wire, tn_str *input_out)
{
    tni_wire_field field;
    while (tni_wire_next(wire, &field)) {
        if (field.tag == NODE_INPUT) {
            *input_out = field.bytes;
            return true;
        }
    }
    return false;
}

tn_str tni_sm_input_node(tn_str input, int64_t *output_out)
{
    if (input.len > 0 && input.data[0] == '^') {
        *output_out = -1;
        return tn_str_skip(input, 1);
    }
    const char *colon = input.len == 0 ? NULL : memrchr(input.data, ':', input.len);
    *output_out = 0;
    if (colon == NULL) {
        return input;
    }
    int64_t output = 0;
    for (const char *c = colon + 1; c < input.data + input.len; c++) {
        if (*c < '0' || *c > '9' || output > INT32_MAX) {
            return input;
        }
        output = output * 10 + (*c - '0');
    }
    *output_out = output;
    return tn_str_first(input, (size_t)(colon - input.data));
}

bool tni_sm_is_variable_op(tn_str op)
{
    static const char *const ops[] = {"VarHandleOp", "VariableV2", "Variable", "AutoReloadVariable",
                                      "TemporaryVariable"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (tn_str_equal(op, tn_str_of(ops[i]))) {
            return true;
        }
    }
    return false;
}

/* Counts the dimensions of a shape; false: damaged. */
static bool count_dims(tn_str message, tni_sm_shape *shape)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        shape->rank += field.tag == SHAPE_DIM;
        shape->known = shape->known && !(field.tag == SHAPE_UNKNOWN_RANK && field.number != 0);
    }
    return !wire.cursor.failed;
}

static bool fill_dims(tn_str message, tni_sm_shape *shape)
{
    tni_wire wire = tni_wire_of(message), inner;
    tni_wire_field field, part;
    uint32_t i = 0;
    bool ok = true;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag != SHAPE_DIM) {
            continue;
        }
        int64_t size = 0;
        inner = tni_wire_of(field.bytes);
        while (tni_wire_next(&inner, &part)) {
            size = part.tag == DIM_SIZE ? (int64_t)part.number : size;
        }
        ok = ok && !inner.cursor.failed && size >= -1;
        shape->dims[i++] = size;
    }
    return ok;
}

tn_status tni_sm_shape_parse(tn_str message, tni_arena *arena, tni_sm_shape *shape_out,
                             tn_error *err)
{
    tni_sm_shape shape = {.known = true};
    void *block;
    if (!count_dims(message, &shape) || shape.rank > TNI_SM_MAX_RANK) {
        return tni_fail(err, TN_E_CORRUPT, "a shape is damaged");
    }
    tn_status status = tni_arena_array(arena, shape.rank, sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    shape.dims = block;
    if (!fill_dims(message, &shape)) {
        return tni_fail(err, TN_E_CORRUPT, "a shape is damaged");
    }
    shape.rank = shape.known ? shape.rank : 0;
    *shape_out = shape;
    return TN_OK;
}
