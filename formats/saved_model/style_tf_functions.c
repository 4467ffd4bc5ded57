/* The functions of a SavedModel as saved_model_cli prints them: those that hang on the object
 * graph's root, each with the arguments of the concrete functions behind it. */
#include "core/error.h"
#include "formats/saved_model/objects.h"
#include "formats/saved_model/style_tf.h"
#include <stdlib.h>

enum {
    OBJECTS_CONCRETE = TNI_LEN(2),
    OBJECT_FUNCTION = TNI_LEN(6),
    OBJECT_BARE_FUNCTION = TNI_LEN(8),
    FUNCTION_CONCRETE = TNI_LEN(1), /* of a bare function too */
    CONCRETE_INPUT = TNI_LEN(3)
};

/* A child of the root that is a function. */
typedef struct function {
    tn_str name;
    tn_str object; /* SavedObject */
} function;

static int by_name(const void *a, const void *b)
{
    return tn_str_compare(((const function *)a)->name, ((const function *)b)->name);
}

static int by_bytes(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

/* Finds a field that is a message. */
static bool find_message(tn_str message, uint32_t tag, tn_str *out)
{
    return tni_sm_attr_bytes(message, tag, out);
}

/* Lists the messages of all nodes once, so that children are found at once. */
static tn_status list_nodes(tn_graph *graph, tn_str objects, uint32_t count, tn_str **out,
                            tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&graph->arena, count, sizeof(tn_str), &block, err);
    tni_wire wire = tni_wire_of(objects);
    tni_wire_field field;
    uint32_t n = 0;
    while (status == TN_OK && n < count && tni_wire_next(&wire, &field)) {
        if (field.tag == OBJECTS_NODE) {
            ((tn_str *)block)[n++] = field.bytes;
        }
    }
    *out = block;
    return status;
}

static int by_key(const void *a, const void *b)
{
    return tn_str_compare(((const tni_sm_entry *)a)->key, ((const tni_sm_entry *)b)->key);
}

/* Lists the concrete functions in order of their names. */
static tn_status list_all_concrete(tn_graph *graph, tn_str objects, tni_sm_entries *out,
                                   tn_error *err)
{
    tni_wire wire = tni_wire_of(objects);
    tni_wire_field field;
    uint32_t count = 0;
    void *block;
    while (tni_wire_next(&wire, &field)) {
        count += field.tag == OBJECTS_CONCRETE;
    }
    tn_status status = tni_arena_array(&graph->arena, count, sizeof(tni_sm_entry), &block, err);
    if (status != TN_OK) {
        return status;
    }
    *out = (tni_sm_entries){block, 0};
    wire = tni_wire_of(objects);
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == OBJECTS_CONCRETE) {
            tni_sm_entry entry = {TN_LIT(""), TN_LIT("")};
            (void)find_message(field.bytes, MAP_KEY, &entry.key);
            (void)find_message(field.bytes, MAP_VALUE, &entry.message);
            out->at[out->count++] = entry;
        }
    }
    qsort(out->at, out->count, sizeof *out->at, by_key);
    return TN_OK;
}

/* Prints the elements of a list or dict as saved_model_cli does: with a separator behind each, the
 * last of which backspaces take away. */
static void put_elements(tn_str content, bool dict, tni_buffer *out)
{
    tni_wire wire = tni_wire_of(content), entry;
    tni_wire_field field, part;
    tni_buffer_text(out, dict ? "          Value: {" : "          Value: [");
    while (tni_wire_next(&wire, &field)) {
        tn_str value = field.bytes, key = TN_LIT("");
        if (field.tag != LIST_VALUE) {
            continue;
        }
        if (dict) {
            entry = tni_wire_of(field.bytes);
            value = TN_LIT("");
            while (tni_wire_next(&entry, &part)) {
                key = part.tag == MAP_KEY ? part.bytes : key;
                value = part.tag == MAP_VALUE ? part.bytes : value;
            }
            tni_buffer_char(out, '\'');
            tni_buffer_str(out, key);
            tni_buffer_text(out, "': ");
        }
        tni_sm_put_value(value, true, out);
        tni_buffer_text(out, ", ");
    }
    tni_buffer_text(out, dict ? "\b\b}\n" : "\b\b]\n");
}

/* Prints one argument. */
static void put_argument(tn_str value, tni_buffer *out)
{
    const char *class;
    tn_str content, name = TN_LIT("");
    switch (tni_sm_argument_of(value, &class, &content)) {
    case TNI_SM_ARGUMENT_STRING:
        tni_buffer_text(out, "          ");
        tni_sm_put_value(value, false, out);
        tni_buffer_char(out, '\n');
        break;
    case TNI_SM_ARGUMENT_TENSOR:
        tni_buffer_text(out, "          ");
        (void)find_message(content, SPEC_NAME, &name);
        tni_buffer_str(out, name.len == 0 ? TN_LIT("None") : name);
        tni_buffer_text(out, ": ");
        tni_sm_put_value(value, false, out);
        tni_buffer_char(out, '\n');
        break;
    case TNI_SM_ARGUMENT_LIST:
    case TNI_SM_ARGUMENT_DICT:
        tni_buffer_format(out, "          DType: %s\n", class);
        put_elements(content, strcmp(class, "dict") == 0, out);
        break;
    case TNI_SM_ARGUMENT_OTHER:
        tni_buffer_format(out, "          DType: %s\n          Value: ", class);
        tni_sm_put_value(value, false, out);
        tni_buffer_char(out, '\n');
        break;
    }
}

/* Prints the arguments by position; true if there are any. */
static bool put_positional(tn_str tuple, tni_buffer *out)
{
    tni_wire wire = tni_wire_of(tuple);
    tni_wire_field field;
    unsigned number = 0;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == LIST_VALUE) {
            tni_buffer_format(out, "        Argument #%u\n", ++number);
            put_argument(field.bytes, out);
        }
    }
    return number > 0;
}

/* Prints the names of arguments by name, in order. */
static tn_status put_named(tn_graph *graph, tn_str dict, tni_buffer *out, tn_error *err)
{
    tni_wire wire = tni_wire_of(dict);
    tni_wire_field field;
    size_t count = 0, n = 0;
    void *block;
    while (tni_wire_next(&wire, &field)) {
        count += field.tag == DICT_FIELD;
    }
    tn_status status = tni_arena_array(&graph->arena, count, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *names = block;
    wire = tni_wire_of(dict);
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == DICT_FIELD) {
            names[n] = TN_LIT("");
            (void)find_message(field.bytes, MAP_KEY, &names[n]);
            n++;
        }
    }
    qsort(names, n, sizeof *names, by_bytes);
    for (size_t i = 0; i < n; i++) {
        tni_buffer_format(out, "        Named Argument #%zu\n          ", i + 1);
        tni_buffer_str(out, names[i]);
        tni_buffer_char(out, '\n');
    }
    return TN_OK;
}

/* Prints one concrete function: its signature is a pair of a tuple and a dict. */
static tn_status put_concrete(tn_graph *graph, tn_str concrete, unsigned number, tni_buffer *out,
                              tn_error *err)
{
    tn_str signature = TN_LIT(""), pair = TN_LIT(""), part, arguments = TN_LIT(""),
           named = TN_LIT("");
    (void)find_message(concrete, CONCRETE_INPUT, &signature);
    (void)find_message(signature, VALUE_TUPLE, &pair);
    tni_wire wire = tni_wire_of(pair);
    tni_wire_field field;
    for (unsigned i = 0; tni_wire_next(&wire, &field);) {
        if (field.tag != LIST_VALUE) {
            continue;
        }
        if (i == 0 && find_message(field.bytes, VALUE_TUPLE, &part)) {
            arguments = part;
        } else if (i == 1 && find_message(field.bytes, VALUE_DICT, &part)) {
            named = part;
        }
        i++;
    }
    size_t before = out->len;
    tni_buffer_format(out, "    Option #%u\n      Callable with:\n", number);
    if (!put_positional(arguments, out) && !out->failed) {
        out->len = before; /* nothing is said where there are no arguments by position */
    }
    return put_named(graph, named, out, err);
}

/* Lists the concrete functions behind a function, in order of their names. */
static tn_status list_concrete(tn_graph *graph, tn_str object, tn_str **names_out,
                               size_t *count_out, tn_error *err)
{
    tn_str message = TN_LIT("");
    if (!find_message(object, OBJECT_FUNCTION, &message)) {
        (void)find_message(object, OBJECT_BARE_FUNCTION, &message);
    }
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    size_t count = 0;
    void *block;
    while (tni_wire_next(&wire, &field)) {
        count += field.tag == FUNCTION_CONCRETE;
    }
    tn_status status = tni_arena_array(&graph->arena, count, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *names = block;
    count = 0;
    wire = tni_wire_of(message);
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == FUNCTION_CONCRETE) {
            names[count++] = field.bytes;
        }
    }
    qsort(names, count, sizeof *names, by_bytes);
    *names_out = names;
    *count_out = count;
    return TN_OK;
}

static tn_status put_function(tn_graph *graph, const tni_sm_entries *all, const function *f,
                              tni_buffer *out, tn_error *err)
{
    tn_str *names = NULL;
    size_t count = 0;
    tni_buffer_text(out, "\n  Function Name: '");
    tni_buffer_str(out, f->name);
    tni_buffer_text(out, "'\n");
    tn_status status = list_concrete(graph, f->object, &names, &count, err);
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tni_sm_entry key = {names[i], TN_STR_NONE};
        const tni_sm_entry *found = bsearch(&key, all->at, all->count, sizeof key, by_key);
        if (found != NULL) {
            status = put_concrete(graph, found->message, (unsigned)i + 1, out, err);
        }
    }
    return status;
}

tn_status tni_sm_put_functions(tn_graph *graph, const tni_sm_meta *meta, tni_buffer *out,
                               tn_error *err)
{
    tni_sm_objects objects;
    tni_sm_entries all;
    tn_str *nodes;
    void *block;
    size_t count = 0;
    tn_status status;
    if ((status = tni_sm_objects_parse(meta->objects, &graph->arena, &objects, err)) != TN_OK ||
        (status = list_nodes(graph, meta->objects, objects.count, &nodes, err)) != TN_OK ||
        (status = list_all_concrete(graph, meta->objects, &all, err)) != TN_OK ||
        (status = tni_arena_array(&graph->arena, objects.nodes[0].n_children, sizeof(function),
                                  &block, err)) != TN_OK) {
        return status;
    }
    function *functions = block;
    for (uint32_t i = 0; i < objects.nodes[0].n_children; i++) {
        const tn_object_edge *edge = &objects.nodes[0].children[i];
        tn_str ignored, object = nodes[edge->node];
        if (find_message(object, OBJECT_FUNCTION, &ignored) ||
            find_message(object, OBJECT_BARE_FUNCTION, &ignored)) {
            functions[count++] = (function){edge->name, object};
        }
    }
    qsort(functions, count, sizeof *functions, by_name);
    tni_buffer_text(out, "\nConcrete Functions:");
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = put_function(graph, &all, &functions[i], out, err);
    }
    return status;
}
