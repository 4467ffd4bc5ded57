/* The outputs of an operation: how many, of what dtype, and of what shape as far as the file says.
 */
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/ops.h"

enum { MOST_BY_NUMBER = 1 << 16 }; /* outputs that a mere number may stand for */

/* One kind of output in a definition. Attributes that are not said are "". */
typedef struct output_def {
    uint64_t type; /* if no attribute says it */
    tn_str type_attr, number_attr, list_attr;
    uint64_t default_type, default_number; /* 0: none */
    tn_str default_list;                   /* numbers with commas, or none */
    tn_str default_message;                /* the same as an AttrValue, or none */
} output_def;

/* The outputs so far: counts without an array to fill. */
typedef struct making {
    tn_str node;
    tn_graph_tensor *outputs;
    size_t count;
} making;

static void add(making *m, uint64_t type)
{
    if (m->outputs != NULL) {
        m->outputs[m->count] = (tn_graph_tensor){.key = TN_STR_NONE,
                                                 .name = TN_STR_NONE,
                                                 .type = (uint32_t)type,
                                                 .dtype = tni_sm_dtype(type)};
    }
    m->count++;
}

static uint64_t attr_number(tn_str node, tn_str name, uint32_t tag, uint64_t otherwise)
{
    tn_str value;
    uint64_t number;
    bool found = tni_sm_attr(node, name, &value) && tni_sm_attr_number(value, tag, &number);
    return found ? number : otherwise;
}

/* Adds one output for each type of a list(type). */
static void add_list(making *m, tn_str value)
{
    tn_str list;
    tni_wire_field field;
    tni_wire_numbers numbers;
    uint64_t type;
    if (!tni_sm_attr_bytes(value, ATTR_LIST, &list)) {
        return;
    }
    tni_wire wire = tni_wire_of(list);
    while (tni_wire_next(&wire, &field)) {
        if (field.tag >> 3 == LIST_TYPE && tni_wire_numbers_of(&field, TNI_WIRE_VARINT, &numbers)) {
            while (tni_wire_number(&numbers, &type)) {
                add(m, type);
            }
        }
    }
}

/* Adds one output for each number of "1,9,3". */
static void add_numbers(making *m, tn_str text)
{
    uint64_t number = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i == text.len || text.data[i] == ',') {
            if (text.len > 0) {
                add(m, number);
            }
            number = 0;
        } else {
            number = number * 10 + (uint64_t)(text.data[i] - '0');
        }
    }
}

static tn_status add_outputs(making *m, const output_def *def, tn_error *err)
{
    tn_str value;
    if (def->list_attr.len > 0) {
        if (tni_sm_attr(m->node, def->list_attr, &value)) {
            add_list(m, value);
        } else if (def->default_message.data != NULL) {
            add_list(m, def->default_message);
        } else {
            add_numbers(m, def->default_list);
        }
        return TN_OK;
    }
    uint64_t type = def->type, number = 1;
    if (def->type_attr.len > 0) {
        type = attr_number(m->node, def->type_attr, ATTR_TYPE, def->default_type);
    }
    if (def->number_attr.len > 0) {
        number = attr_number(m->node, def->number_attr, ATTR_INT, def->default_number);
        if (number > MOST_BY_NUMBER) {
            return tni_fail(err, TN_E_CORRUPT, "an operation claims to have too many outputs");
        }
    }
    for (uint64_t i = 0; i < number; i++) {
        add(m, type);
    }
    return TN_OK;
}

/* Finds an attribute's default value in an operation's definition. */
static bool find_default(tn_str op_def, tn_str name, tn_str *value_out)
{
    tni_wire wire = tni_wire_of(op_def), inner;
    tni_wire_field field, part;
    bool found = false;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag != OP_ATTR) {
            continue;
        }
        tn_str attr = TN_LIT(""), value = TN_STR_NONE;
        inner = tni_wire_of(field.bytes);
        while (tni_wire_next(&inner, &part)) {
            attr = part.tag == ATTR_DEF_NAME ? part.bytes : attr;
            value = part.tag == ATTR_DEF_DEFAULT ? part.bytes : value;
        }
        if (tn_str_equal(attr, name) && value.data != NULL) {
            *value_out = value;
            found = true;
        }
    }
    return found;
}

/* Reads an ArgDef, with the defaults of its attributes. */
static output_def read_arg(tn_str op_def, tn_str arg)
{
    output_def def = {.type_attr = TN_LIT(""), .number_attr = TN_LIT(""), .list_attr = TN_LIT("")};
    tni_wire wire = tni_wire_of(arg);
    tni_wire_field field;
    tn_str value;
    while (tni_wire_next(&wire, &field)) {
        def.type = field.tag == ARG_TYPE ? field.number : def.type;
        def.type_attr = field.tag == ARG_TYPE_ATTR ? field.bytes : def.type_attr;
        def.number_attr = field.tag == ARG_NUMBER_ATTR ? field.bytes : def.number_attr;
        def.list_attr = field.tag == ARG_TYPE_LIST_ATTR ? field.bytes : def.list_attr;
    }
    if (def.type_attr.len > 0 && find_default(op_def, def.type_attr, &value)) {
        (void)tni_sm_attr_number(value, ATTR_TYPE, &def.default_type);
    }
    if (def.number_attr.len > 0 && find_default(op_def, def.number_attr, &value)) {
        (void)tni_sm_attr_number(value, ATTR_INT, &def.default_number);
    }
    if (def.list_attr.len > 0) {
        (void)find_default(op_def, def.list_attr, &def.default_message);
    }
    return def;
}

/* By a definition in the file. */
static tn_status by_definition(making *m, tn_str op_def, tn_error *err)
{
    tni_wire wire = tni_wire_of(op_def);
    tni_wire_field field;
    tn_status status = TN_OK;
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        if (field.tag == OP_OUTPUT) {
            output_def def = read_arg(op_def, field.bytes);
            status = add_outputs(m, &def, err);
        }
    }
    return status;
}

/* Takes the default off "N?1". */
static tn_str take_default(tn_str attr, tn_str *default_out)
{
    const char *mark = attr.len == 0 ? NULL : memchr(attr.data, '?', attr.len);
    size_t cut = mark == NULL ? attr.len : (size_t)(mark - attr.data);
    *default_out = mark == NULL ? TN_LIT("") : tn_str_skip(attr, cut + 1);
    return tn_str_first(attr, cut);
}

static uint64_t number_of(tn_str digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return number;
}

/* Reads one output of the shipped table. */
static output_def read_word(tn_str word)
{
    output_def def = {.type_attr = TN_LIT(""), .number_attr = TN_LIT(""), .list_attr = TN_LIT("")};
    const char *star = memchr(word.data, '*', word.len);
    tn_str otherwise;
    if (star != NULL) {
        size_t cut = (size_t)(star - word.data);
        def.number_attr = take_default(tn_str_first(word, cut), &otherwise);
        def.default_number = number_of(otherwise);
        word = tn_str_skip(word, cut + 1);
    }
    if (word.data[0] == '=') {
        def.type = number_of(tn_str_skip(word, 1));
    } else if (word.data[0] == '@') {
        def.list_attr = take_default(tn_str_skip(word, 1), &def.default_list);
    } else {
        def.type_attr = take_default(word, &otherwise);
        def.default_type = number_of(otherwise);
    }
    return def;
}

/* By the shipped table. */
static tn_status by_table(making *m, tn_str outputs, tn_error *err)
{
    tn_status status = TN_OK;
    while (status == TN_OK && outputs.len > 0) {
        const char *space = memchr(outputs.data, ' ', outputs.len);
        size_t cut = space == NULL ? outputs.len : (size_t)(space - outputs.data);
        output_def def = read_word(tn_str_first(outputs, cut));
        status = add_outputs(m, &def, err);
        outputs = tn_str_skip(outputs, space == NULL ? cut : cut + 1);
    }
    return status;
}

/* Makes the table from operations to their definitions. A function is called as an operation. */
static tn_status list_definitions(tn_graph *graph, tni_sm_meta *meta, tn_error *err)
{
    tn_status status = TN_OK;
    if (meta->has_ops) {
        return TN_OK;
    }
    tni_hash_init(&meta->by_op, graph->ctx, meta->operations.count + meta->functions.count);
    meta->has_ops = true;
    for (uint32_t i = 0; status == TN_OK && i < meta->functions.count; i++) {
        status = tni_hash_set(&meta->by_op, meta->functions.at[i].key, i | TNI_SM_IS_FUNCTION, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < meta->operations.count; i++) {
        status = tni_hash_set(&meta->by_op, meta->operations.at[i].key, i, err);
    }
    return status;
}

/* What says how many outputs an operation has. */
typedef struct definition {
    bool known, shipped;
    tn_str text; /* OpDef, or words of the shipped table */
} definition;

static tn_status find_definition(tn_graph *graph, tni_sm_meta *meta, tn_str op, definition *out,
                                 tn_error *err)
{
    *out = (definition){.known = true};
    tn_status status = list_definitions(graph, meta, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t found = tni_hash_get(&meta->by_op, op);
    if (found == TNI_HASH_NONE) {
        out->shipped = true;
        return tni_sm_known_op(graph, op, &out->known, &out->text, err);
    }
    if ((found & TNI_SM_IS_FUNCTION) == 0) {
        out->text = meta->operations.at[found].message;
        return TN_OK;
    }
    out->text = TN_LIT("");
    (void)tni_sm_attr_bytes(meta->functions.at[found & ~TNI_SM_IS_FUNCTION].message,
                            FUNCTION_SIGNATURE, &out->text);
    return TN_OK;
}

static tn_status list_outputs(making *m, const definition *def, tn_error *err)
{
    return def->shipped ? by_table(m, def->text, err) : by_definition(m, def->text, err);
}

static void set_shape(tn_graph_tensor *tensor, const tni_sm_shape *shape)
{
    tensor->known_rank = shape->known;
    tensor->rank = shape->rank;
    tensor->shape = shape->dims;
}

/* Shapes that the file says for all outputs of a node: `_output_shapes`. */
static tn_status listed_shapes(tn_str node, tni_arena *arena, tn_graph_tensor *outputs,
                               size_t count, tn_error *err)
{
    tn_str value, list;
    tni_wire_field field;
    size_t n = 0;
    tn_status status = TN_OK;
    if (!tni_sm_attr(node, TN_LIT("_output_shapes"), &value) ||
        !tni_sm_attr_bytes(value, ATTR_LIST, &list)) {
        return TN_OK;
    }
    tni_wire wire = tni_wire_of(list);
    while (status == TN_OK && n < count && tni_wire_next(&wire, &field)) {
        if (field.tag == LIST_SHAPE) {
            tni_sm_shape shape;
            status = tni_sm_shape_parse(field.bytes, arena, &shape, err);
            if (status == TN_OK) {
                set_shape(&outputs[n++], &shape);
            }
        }
    }
    return status;
}

/* The shape that an attribute of the node says: of what holds a value. */
static tn_status own_shape(const tni_sm_node *node, tni_arena *arena, tn_graph_tensor *output,
                           tn_error *err)
{
    tn_str value, text;
    tni_sm_shape shape;
    bool constant = tn_str_equal(node->op, TN_LIT("Const"));
    bool handle = tn_str_equal(node->op, TN_LIT("VarHandleOp"));
    bool shaped = tn_str_equal(node->op, TN_LIT("Placeholder")) ||
                  (tni_sm_is_variable_op(node->op) && !handle);
    if (constant && tni_sm_attr(node->message, TN_LIT("value"), &value) &&
        tni_sm_attr_bytes(value, ATTR_TENSOR, &text)) {
        value = text;
        text = TN_LIT("");
        (void)tni_sm_attr_bytes(value, TENSOR_SHAPE, &text);
    } else if (!shaped || !tni_sm_attr(node->message, TN_LIT("shape"), &value) ||
               !tni_sm_attr_bytes(value, ATTR_SHAPE, &text)) {
        return TN_OK;
    }
    tn_status status = tni_sm_shape_parse(text, arena, &shape, err);
    if (status == TN_OK) {
        set_shape(output, &shape);
    }
    return status;
}

tn_status tni_sm_outputs(tn_graph *graph, tni_sm_meta *meta, const tni_sm_node *node,
                         tni_arena *arena, tn_graph_tensor **outputs_out, size_t *count_out,
                         bool *known_out, tn_error *err)
{
    making m = {.node = node->message};
    definition def;
    void *block;
    tn_status status;
    *known_out = false;
    *count_out = 0;
    if ((status = find_definition(graph, meta, node->op, &def, err)) != TN_OK || !def.known) {
        return status;
    }
    if ((status = list_outputs(&m, &def, err)) != TN_OK ||
        (status = tni_arena_array(arena, m.count, sizeof(tn_graph_tensor), &block, err)) != TN_OK) {
        tni_error_subject(err, node->name);
        return status;
    }
    m.outputs = block;
    m.count = 0;
    status = list_outputs(&m, &def, err);
    if (status == TN_OK && m.count > 0) {
        status = own_shape(node, arena, &m.outputs[0], err);
    }
    if (status == TN_OK) {
        status = listed_shapes(node->message, arena, m.outputs, m.count, err);
    }
    *outputs_out = m.outputs;
    *count_out = m.count;
    *known_out = true;
    return status;
}
