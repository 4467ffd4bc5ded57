#include "formats/saved_model/copies.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/objects.h"

/* Returns the one string of a constant; none where it has not one, or stores it in a rare form. */
static tn_str only_string(const tni_sm_node *node)
{
    tn_str value, tensor, text = TN_STR_NONE;
    if (!tn_str_equal(node->op, TN_LIT("Const")) ||
        !tni_sm_attr(node->message, TN_LIT("value"), &value) ||
        !tni_sm_attr_bytes(value, ATTR_TENSOR, &tensor)) {
        return TN_STR_NONE;
    }
    tni_wire wire = tni_wire_of(tensor);
    tni_wire_field field;
    uint32_t count = 0;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == TENSOR_STRING) {
            text = field.bytes;
            count++;
        }
    }
    return count == 1 && !wire.cursor.failed ? text : TN_STR_NONE;
}

static bool same_edges(const tni_sm_objects *copy, const tn_object *objects, uint32_t count)
{
    bool same = copy->count == count;
    for (uint32_t i = 0; same && i < count; i++) {
        same = copy->nodes[i].n_children == objects[i].n_children;
        for (uint32_t k = 0; same && k < objects[i].n_children; k++) {
            const tn_object_edge *one = &copy->nodes[i].children[k];
            const tn_object_edge *other = &objects[i].children[k];
            same = one->node == other->node && tn_str_equal(one->name, other->name);
        }
    }
    return same;
}

tn_status tni_sm_copies_find(const tni_sm_meta *meta, const tn_object *objects, uint32_t count,
                             tni_arena *arena, const bool **copies_out, size_t *found_out,
                             tn_error *err)
{
    void *block;
    size_t found = 0;
    tn_status status = tni_arena_array(arena, meta->n_nodes, sizeof(bool), &block, err);
    if (status != TN_OK) {
        return status;
    }
    bool *copies = block;
    for (uint32_t i = 0; status == TN_OK && i < meta->n_nodes; i++) {
        tni_sm_objects copy;
        tni_arena scratch;
        tn_error why = {0};
        tn_str text = only_string(&meta->nodes[i]);
        if (text.len < count) { /* each object takes two bytes at least */
            continue;
        }
        tni_arena_init(&scratch, arena->ctx, arena->ctx->limits.memory);
        status = tni_sm_objects_parse(text, &scratch, &copy, &why);
        copies[i] = status == TN_OK && same_edges(&copy, objects, count);
        found += copies[i];
        tni_arena_clear(&scratch);
        if (status == TN_CORRUPT) {
            status = TN_OK; /* some other text */
        } else if (status != TN_OK && err != NULL && err->status == TN_OK) {
            *err = why;
        }
    }
    *copies_out = copies;
    *found_out = found;
    return status;
}
