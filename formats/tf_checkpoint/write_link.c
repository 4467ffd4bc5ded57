/* --link: a checkpoint whose data files are those of another one, under an index of its own. */
#include "core/error.h"
#include "formats/tf_checkpoint/write.h"
#include "model/piece.h"
#include <inttypes.h>
#include <stdlib.h>

/* Tells whether a part's bytes are wanted just as a data file of the source holds them. */
static bool lies_there(const tni_tf_write *state, const tni_tf_part *part)
{
    const tni_leaf *leaf = part->leaf;
    if (leaf == NULL || leaf->source == NULL || leaf->bytes != part->bytes ||
        leaf->encoding == TNI_ENCODING_SWAPPED || leaf->cast != NULL) {
        return false;
    }
    if (part->tensor == NULL) {
        return state->graph_kept && leaf->sum == state->graph_sum;
    }
    const tn_tensor *tensor = part->tensor;
    return part->stored || (tensor->n_pieces == 1 && tensor->pieces[0].leaf == leaf &&
                            leaf->kind == TNI_LEAF_RANGE && leaf->dtype == tensor->dtype &&
                            tni_map_is_run(&tensor->pieces[0].map) &&
                            tni_map_elements(&tensor->pieces[0].map) == leaf->elements);
}

/* Orders by place, linked data files first. */
static int by_place(const void *a, const void *b)
{
    const tni_tf_part *x = a, *y = b;
    int order = (x->shard > y->shard) - (x->shard < y->shard);
    if (order == 0) {
        order = (x->offset > y->offset) - (x->offset < y->offset);
    }
    if (order == 0) {
        order = (x->bytes > 0) - (y->bytes > 0);
    }
    return order != 0 ? order : tn_str_compare(x->key, y->key);
}

/* Says how much of the linked files nothing refers to. */
static tn_status report_dead(tni_write *write, const tni_tf_write *state, tn_error *err)
{
    uint64_t whole = 0, used = 0;
    for (uint32_t i = 0; i < state->shards; i++) {
        whole += state->links[i] == NULL ? 0 : tni_source_size(state->links[i]);
    }
    for (size_t i = 0; i < state->n_parts; i++) {
        used += state->parts[i].linked ? state->parts[i].bytes : 0;
    }
    if (used >= whole) {
        return TN_OK;
    }
    return tn_report_say(write->notes, TN_SEVERITY_NOTE, "dead-bytes", TN_STR_NONE, err,
                         "%" PRIu64 " bytes of the linked data files belong to no tensor of this "
                         "checkpoint",
                         whole - used);
}

/* Gives linked parts the place that they have, in files numbered as the source's are; the parts
 * stand in the source's order. */
static void place_linked(tni_tf_write *state)
{
    tn_source *last = NULL;
    for (size_t i = 0; i < state->n_parts; i++) {
        tni_tf_part *part = &state->parts[i];
        part->linked = lies_there(state, part);
        if (!part->linked) {
            continue;
        }
        if (part->leaf->source != last) {
            last = part->leaf->source;
            state->links[state->shards++] = last;
        }
        part->shard = state->shards - 1;
        part->offset = part->leaf->offset;
    }
}

/* Puts what is not linked into one data file behind the linked ones. */
static tn_status place_others(tni_tf_write *state, tn_error *err)
{
    uint64_t end = 0;
    bool any = state->shards == 0;
    for (size_t i = 0; i < state->n_parts; i++) {
        tni_tf_part *part = &state->parts[i];
        if (part->linked) {
            continue;
        }
        any = true;
        part->shard = state->shards;
        part->offset = end;
        end += part->bytes;
        if (end < part->bytes || end > INT64_MAX) {
            return tni_fail(err, TN_E_CANNOT_HOLD, "the tensors' sizes overflow");
        }
    }
    state->shards += any;
    return TN_OK;
}

tn_status tni_tf_parts_link(tni_write *write, tni_tf_write *state, tn_error *err)
{
    void *links;
    const tn_model *root = tni_model_root(write->model);
    tn_status status =
        tni_arena_array(write->arena, root->n_sources + 1, sizeof(tn_source *), &links, err);
    if (status == TN_OK) {
        state->links = links;
        place_linked(state);
        status = place_others(state, err);
    }
    if (status == TN_OK) {
        qsort(state->parts, state->n_parts, sizeof *state->parts, by_place);
        status = report_dead(write, state, err);
    }
    return status;
}
