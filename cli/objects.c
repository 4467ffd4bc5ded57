#include "cli/objects.h"

#include <stdlib.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"

#define VARIABLE_VALUE "VARIABLE_VALUE"

enum { DEEPEST = 64 }; /* deeper levels are not indented further */

/* An object whose edges and slots are being printed. */
typedef struct object_level {
    uint32_t node;
    uint32_t next;  /* edge, or behind them slot */
    size_t spelled; /* how much of the path leads to it */
} object_level;

typedef struct object_tree {
    const tn_model *model;
    const tn_object *objects;
    size_t count;
    bool *seen;
    object_level *stack; /* an object enters it once at most */
    size_t depth;
    char *path; /* the object at hand as keys spell it */
    size_t path_len, path_room;
} object_tree;

static void path_add(object_tree *tree, const char *text, size_t len)
{
    if (tree->path_room - tree->path_len < len) {
        tree->path_room = 2 * (tree->path_room + len);
        tree->path = memory(realloc(tree->path, tree->path_room));
    }
    memcpy(tree->path + tree->path_len, text, len);
    tree->path_len += len;
}

/* Goes on by one edge: '.' and '/' in its name are escaped, as in keys. */
static void path_enter(object_tree *tree, tn_str name)
{
    if (tree->path_len > 0) {
        path_add(tree, "/", 1);
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c == '.' || c == '/') {
            path_add(tree, c == '.' ? ".." : ".S", 2);
        } else {
            path_add(tree, &c, 1);
        }
    }
}

/* Tells whether a value's key is the path at hand with the value's name. */
static bool key_is_path(object_tree *tree, const tn_object_value *value)
{
    size_t len = tree->path_len;
    path_add(tree, "/.ATTRIBUTES/", 13);
    path_add(tree, value->name.data, value->name.len);
    bool is = tn_str_equal((tn_str){tree->path, tree->path_len}, value->key);
    tree->path_len = len;
    return is;
}

static const tn_tensor *tensor_of(const tn_model *model, const tn_object_value *value)
{
    uint32_t index = tn_model_find(model, TN_SCHEME_KEY, value->key);
    return index == TN_NO_INDEX ? NULL : tn_model_at(model, index);
}

static bool is_variable(const tn_object_value *value)
{
    return tn_str_equal(value->name, TN_LIT(VARIABLE_VALUE));
}

/* Prints one value: its name unless it is a variable's, dtype and shape, and its key where the tree
 * does not tell that. */
static void print_value(object_tree *tree, const tn_object_value *value, bool with_key)
{
    const tn_tensor *tensor = tensor_of(tree->model, value);
    fputs("  ", stdout);
    if (!is_variable(value) || tensor == NULL) {
        print_escaped(stdout, value->name);
        fputs(tensor == NULL ? ", no tensor under just its key" : " ", stdout);
    }
    if (tensor != NULL) {
        char *shape = text_tensor_shape(tensor);
        printf("%s %s", tn_dtype_about(tensor->dtype)->name, shape);
        free(shape);
    }
    if (with_key && !key_is_path(tree, value)) {
        fputs("  key ", stdout);
        print_escaped(stdout, value->key);
    }
}

/* Prints an object's number and values, and steps into it. */
static void enter(object_tree *tree, uint32_t node, size_t spelled, bool with_key)
{
    const tn_object *object = &tree->objects[node];
    printf(" #%u", node);
    for (uint32_t i = 0; i < object->n_attributes; i++) {
        print_value(tree, &object->attributes[i], with_key);
    }
    fputc('\n', stdout);
    tree->seen[node] = true;
    tree->stack[tree->depth++] = (object_level){.node = node, .spelled = spelled};
}

/* Prints which slot of which variable it is. */
static void print_slot(const object_tree *tree, const tn_object_slot *slot)
{
    const tn_object *owner = &tree->objects[slot->variable];
    const tn_tensor *tensor = NULL;
    for (uint32_t i = 0; tensor == NULL && i < owner->n_attributes; i++) {
        if (is_variable(&owner->attributes[i])) {
            tensor = tensor_of(tree->model, &owner->attributes[i]);
        }
    }
    fputs("slot ", stdout);
    print_escaped(stdout, slot->name);
    fputs(" of ", stdout);
    if (tensor != NULL) {
        print_escaped(stdout, tensor->alias[TN_SCHEME_NAME]);
    } else {
        printf("#%u, which stores no variable", slot->variable);
    }
}

/* Prints the next edge or slot of the innermost object, or leaves it. */
static void step(object_tree *tree)
{
    object_level *top = &tree->stack[tree->depth - 1];
    const tn_object *object = &tree->objects[top->node];
    uint32_t next = top->next, to;
    tree->path_len = top->spelled;
    if (next == object->n_children + object->n_slots) {
        tree->depth--;
        return;
    }
    top->next++;
    printf("%*s", 2 + 2 * (int)(tree->depth < DEEPEST ? tree->depth : DEEPEST), "");
    bool is_edge = next < object->n_children;
    if (is_edge) {
        to = object->children[next].node;
        print_escaped(stdout, object->children[next].name);
        path_enter(tree, object->children[next].name);
    } else {
        to = object->slots[next - object->n_children].node;
        print_slot(tree, &object->slots[next - object->n_children]);
    }
    if (tree->seen[to]) {
        printf(" -> #%u\n", to);
    } else {
        enter(tree, to, tree->path_len, is_edge);
    }
}

void objects_print(const tn_model *model)
{
    object_tree tree = {.model = model};
    tree.count = tn_model_objects(model, &tree.objects);
    tree.seen = memory(calloc(tree.count + 1, sizeof *tree.seen));
    tree.stack = memory(calloc(tree.count + 1, sizeof *tree.stack));
    for (size_t i = 0; i < tree.count; i++) {
        if (tree.seen[i]) {
            continue;
        }
        fputs(i == 0 ? "  root" : "  no edge leads to", stdout);
        tree.path_len = 0;
        enter(&tree, (uint32_t)i, 0, true);
        while (tree.depth > 0) {
            step(&tree);
        }
    }
    free(tree.seen);
    free(tree.stack);
    free(tree.path);
}

static void json_string(tn_json_out *out, const char *key, tn_str text)
{
    tn_json_key(out, key);
    tn_json_str(out, text);
}

static void json_value(tn_json_out *out, const tn_model *model, const tn_object_value *value)
{
    const tn_tensor *tensor = tensor_of(model, value);
    tn_json_object(out);
    json_name(out, value->name);
    json_string(out, "key", value->key);
    json_string(out, "full_name", value->full_name);
    tn_json_key(out, "dtype");
    if (tensor == NULL) {
        tn_json_null(out);
    } else {
        json_dtype(out, tensor->dtype);
    }
    tn_json_key(out, "shape");
    if (tensor == NULL) {
        tn_json_null(out);
    } else {
        json_tensor_shape(out, tensor);
    }
    tn_json_object_end(out);
}

static void json_object(tn_json_out *out, const tn_model *model, const tn_object *object)
{
    tn_json_object(out);
    tn_json_key(out, "children");
    tn_json_array(out);
    for (uint32_t i = 0; i < object->n_children; i++) {
        tn_json_object(out);
        json_name(out, object->children[i].name);
        tn_json_key(out, "node");
        tn_json_u64(out, object->children[i].node);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
    tn_json_key(out, "attributes");
    tn_json_array(out);
    for (uint32_t i = 0; i < object->n_attributes; i++) {
        json_value(out, model, &object->attributes[i]);
    }
    tn_json_array_end(out);
    tn_json_key(out, "slots");
    tn_json_array(out);
    for (uint32_t i = 0; i < object->n_slots; i++) {
        tn_json_object(out);
        json_name(out, object->slots[i].name);
        tn_json_key(out, "variable");
        tn_json_u64(out, object->slots[i].variable);
        tn_json_key(out, "node");
        tn_json_u64(out, object->slots[i].node);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
    tn_json_object_end(out);
}

void objects_json(tn_json_out *out, const tn_model *model)
{
    const tn_object *objects = NULL;
    size_t count = tn_model_objects(model, &objects);
    if (count == 0) {
        tn_json_null(out);
        return;
    }
    tn_json_object(out);
    tn_json_key(out, "nodes");
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        json_object(out, model, &objects[i]);
    }
    tn_json_array_end(out);
    tn_json_object_end(out);
}
