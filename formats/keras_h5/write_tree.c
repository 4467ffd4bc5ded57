#include "core/error.h"
#include "formats/keras_h5/write.h"

enum { CHUNK = 64512 }; /* bytes of a list in one attribute: HDF5_OBJECT_HEADER_LIMIT of Keras */

/* Makes room for one more node. */
static tn_status grow(tni_keras_tree *tree, tn_error *err)
{
    if (tree->count < tree->room) {
        return TN_OK;
    }
    size_t room = tree->room == 0 ? 16 : 2 * tree->room;
    void *nodes, *path, *tensor;
    tni_arena *arena = tree->write->arena;
    tn_status status;
    if ((status = tni_arena_array(arena, room, sizeof(tni_hdf5_node), &nodes, err)) != TN_OK ||
        (status = tni_arena_array(arena, room, sizeof(tn_str), &path, err)) != TN_OK ||
        (status = tni_arena_array(arena, room, sizeof(uint32_t), &tensor, err)) != TN_OK) {
        return status;
    }
    if (tree->count > 0) {
        memcpy(nodes, tree->nodes, tree->count * sizeof(tni_hdf5_node));
        memcpy(path, tree->path, tree->count * sizeof(tn_str));
        memcpy(tensor, tree->tensor, tree->count * sizeof(uint32_t));
    }
    tree->nodes = nodes;
    tree->path = path;
    tree->tensor = tensor;
    tree->room = room;
    return TN_OK;
}

static tn_status add(tni_keras_tree *tree, const tni_hdf5_node *node, tn_str path, uint32_t tensor,
                     tn_error *err)
{
    tn_status status = grow(tree, err);
    if (status == TN_OK) {
        status = tni_hash_add(&tree->by_path, path, (uint32_t)tree->count, NULL, err);
    }
    if (status == TN_OK) {
        tree->nodes[tree->count] = *node;
        tree->path[tree->count] = path;
        tree->tensor[tree->count++] = tensor;
    }
    return status;
}

tn_status tni_keras_tree_init(tni_keras_tree *tree, tni_write *write, tn_error *err)
{
    tni_hdf5_node root = {.kind = TNI_HDF5_GROUP, .parent = TN_NO_INDEX};
    *tree = (tni_keras_tree){.write = write};
    tni_hash_init(&tree->by_path, write->ctx, 0);
    return add(tree, &root, TN_LIT(""), TN_NO_INDEX, err);
}

void tni_keras_tree_clear(tni_keras_tree *tree)
{
    tni_hash_clear(&tree->by_path);
}

bool tni_keras_tree_has(const tni_keras_tree *tree, tn_str path)
{
    return tni_hash_get(&tree->by_path, path) != TNI_HASH_NONE;
}

static tn_status in_the_way(tn_str path, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_COLLISION, "another name makes a group or a dataset of this path");
    tni_error_subject(err, path);
    return status;
}

/* Returns what stands behind the last '/'. */
static tn_str last_of(tn_str path)
{
    size_t at = path.len;
    while (at > 0 && path.data[at - 1] != '/') {
        at--;
    }
    return tn_str_skip(path, at);
}

tn_status tni_keras_tree_group(tni_keras_tree *tree, tn_str path, uint32_t *node_out, tn_error *err)
{
    uint32_t parent = 0;
    tn_status status = TN_OK;
    for (size_t end = 0; status == TN_OK && end < path.len; end++) {
        const char *slash = memchr(path.data + end, '/', path.len - end);
        end = slash == NULL ? path.len : (size_t)(slash - path.data);
        tn_str above = tn_str_first(path, end);
        uint32_t found = tni_hash_get(&tree->by_path, above);
        if (found == TNI_HASH_NONE) {
            tni_hdf5_node node = {.kind = TNI_HDF5_GROUP, .parent = parent, .name = last_of(above)};
            found = (uint32_t)tree->count;
            status = add(tree, &node, above, TN_NO_INDEX, err);
        } else if (tree->nodes[found].kind != TNI_HDF5_GROUP) {
            status = in_the_way(above, err);
        }
        parent = found;
    }
    *node_out = parent;
    return status;
}

/* Marks what HDF5 has no type for, as Keras 3 does. */
static tn_status mark_dtype(tni_keras_tree *tree, uint32_t node, tn_error *err)
{
    static const tn_str word = {"bfloat16", 8};
    tni_hdf5_attribute told = {.name = TN_LIT("dtype"),
                               .dtype = TN_STRING,
                               .variable = true,
                               .utf8 = true,
                               .elements = 1,
                               .strings = &word};
    return tni_keras_tree_say(tree, node, &told, 1, err);
}

tn_status tni_keras_tree_dataset(tni_keras_tree *tree, tn_str path, uint32_t tensor, tn_error *err)
{
    const tn_tensor *from = &tree->write->model->tensors[tensor];
    tn_str name = last_of(path);
    size_t above = path.len - name.len;
    tni_hdf5_node node = {.kind = TNI_HDF5_DATASET,
                          .name = name,
                          .dtype = from->dtype,
                          .rank = from->rank,
                          .shape = from->shape};
    tni_store_rule rule = tn_format_keras_h5.writer->stores(from->dtype);
    if (rule.how == TNI_STORE_AS_OTHER) {
        node.dtype = rule.as;
    }
    tn_status status = tni_keras_tree_group(tree, tn_str_first(path, above > 0 ? above - 1 : 0),
                                            &node.parent, err);
    if (status == TN_OK && tni_keras_tree_has(tree, path)) {
        status = in_the_way(path, err);
    }
    if (status == TN_OK) {
        status = add(tree, &node, path, tensor, err);
    }
    if (status == TN_OK && node.dtype == TN_BFLOAT16) {
        status = mark_dtype(tree, (uint32_t)tree->count - 1, err);
    }
    return status;
}

tn_status tni_keras_tree_say(tni_keras_tree *tree, uint32_t node,
                             const tni_hdf5_attribute *attributes, size_t count, tn_error *err)
{
    void *block;
    tni_hdf5_node *to = &tree->nodes[node];
    tn_status status = tni_arena_array(tree->write->arena, to->n_attributes + count,
                                       sizeof(tni_hdf5_attribute), &block, err);
    if (status == TN_OK && count > 0) {
        tni_hdf5_attribute *all = block;
        if (to->n_attributes > 0) {
            memcpy(all, to->attributes, to->n_attributes * sizeof *all);
        }
        memcpy(all + to->n_attributes, attributes, count * sizeof *all);
        to->attributes = all;
        to->n_attributes += (uint32_t)count;
    }
    return status;
}

/* Adds one part of a list; an empty list is written as Keras writes it, as no numbers. */
static tn_status say_part(tni_keras_tree *tree, uint32_t node, tn_str name, const tn_str *names,
                          size_t count, size_t width, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(tree->write->arena, sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t *shape = block;
    *shape = (int64_t)count;
    tni_hdf5_attribute list = {.name = name,
                               .dtype = count == 0 ? TN_FLOAT64 : TN_STRING,
                               .width = (uint32_t)width,
                               .rank = 1,
                               .shape = shape,
                               .elements = (int64_t)count,
                               .strings = count == 0 ? NULL : names};
    return tni_keras_tree_say(tree, node, &list, 1, err);
}

tn_status tni_keras_tree_list(tni_keras_tree *tree, uint32_t node, const char *name,
                              const tn_str *names, size_t count, tn_error *err)
{
    size_t width = 1, parts = 1, at = 0;
    for (size_t i = 0; i < count; i++) {
        width = names[i].len > width ? names[i].len : width;
    }
    if (width > CHUNK) {
        return tni_fail(err, TN_E_CANNOT_HOLD,
                        "a name is longer than the %d bytes that Keras takes", CHUNK);
    }
    while ((count + parts - 1) / parts > CHUNK / width) {
        parts++;
    }
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < parts; i++) {
        size_t size = count / parts + (i < count % parts);
        tn_str title = tn_str_of(name);
        if (parts > 1) {
            status = tni_arena_format(tree->write->arena, &title, err, "%s%zu", name, i);
        }
        if (status == TN_OK) {
            status = say_part(tree, node, title, names + at, size, width, err);
        }
        at += size;
    }
    return status;
}

/* Tells whether an attribute is one of those named, perhaps a numbered part of it. */
static bool is_one_of(tn_str name, const char *const *words)
{
    for (; *words != NULL; words++) {
        tn_str word = tn_str_of(*words);
        size_t end = name.len;
        while (end > word.len && name.data[end - 1] >= '0' && name.data[end - 1] <= '9') {
            end--;
        }
        if (tn_str_equal(tn_str_first(name, end), word)) {
            return true;
        }
    }
    return false;
}

tn_status tni_keras_tree_carry(tni_keras_tree *tree, uint32_t node, const tni_hdf5_object *from,
                               const char *const *except, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < from->n_attributes; i++) {
        const tni_hdf5_attribute *attribute = &from->attributes[i];
        bool carried = attribute->dtype == TN_STRING ||
                       (attribute->dtype != TN_DTYPE_NONE && attribute->rank == 0);
        if (is_one_of(attribute->name, except)) {
            continue;
        }
        if (carried) {
            status = tni_keras_tree_say(tree, node, attribute, 1, err);
        } else {
            status =
                tn_report_say(tree->write->notes, TN_SEVERITY_WARNING, "attribute-lost",
                              attribute->name, err, "this attribute of '/%.*s' is not carried over",
                              (int)from->path.len, from->path.data);
        }
    }
    return status;
}
