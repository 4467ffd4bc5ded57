/* Which operations a graph may be frozen for: what its signatures give, else what nobody takes. */
#include "core/error.h"
#include "formats/saved_model/freeze.h"

typedef struct proposing {
    tn_graph *graph;
    tni_sm_meta *meta;
    tn_str *names;
    size_t count, room;
    bool *taken; /* by own node: as an input, or proposed already */
} proposing;

static void propose(proposing *p, uint32_t node)
{
    if (node != TN_NO_INDEX && !p->taken[node] && p->count < p->room) {
        p->taken[node] = true;
        p->names[p->count++] = p->meta->nodes[node].name;
    }
}

static tn_status by_signatures(proposing *p, size_t meta, tn_error *err)
{
    const tn_signature *signatures;
    tn_status status = tn_graph_signatures(p->graph, meta, &signatures, err);
    for (uint32_t i = 0; status == TN_OK && i < p->meta->signatures.count; i++) {
        for (size_t k = 0; !signatures[i].reserved && k < signatures[i].n_outputs; k++) {
            int64_t output;
            propose(
                p, tni_sm_find(p->meta, tni_sm_input_node(signatures[i].outputs[k].name, &output)));
        }
    }
    return status;
}

/* Tells whether an operation saves or restores; what waits for it is no output of a model. */
static bool is_saver(tn_str op)
{
    static const char *const ops[] = {"SaveV2",    "Save",    "SaveSlices",   "MergeV2Checkpoints",
                                      "RestoreV2", "Restore", "RestoreSlice", "ShardedFilename"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (tn_str_equal(op, tn_str_of(ops[i]))) {
            return true;
        }
    }
    return false;
}

/* Tells whether an operation is one that may end a graph and is no output of a model: what makes,
 * reads or asks about variables, constants, gradients (in the scope that tf.gradients has unless
 * told otherwise), and what takes from or gives to the saver. */
static bool is_no_output(const proposing *p, const tni_sm_node *node)
{
    tni_wire wire = tni_wire_of(node->message);
    tn_str input;
    bool end = tni_sm_is_variable_op(node->op) || tn_str_starts(node->op, TN_LIT("Assign")) ||
               tn_str_equal(node->op, TN_LIT("Const")) ||
               tn_str_equal(node->op, TN_LIT("ReadVariableOp")) ||
               tn_str_equal(node->op, TN_LIT("VarIsInitializedOp")) ||
               tn_str_equal(node->op, TN_LIT("IsVariableInitialized")) ||
               tn_str_starts(node->name, TN_LIT("gradients/")) || is_saver(node->op);
    bool reads = tn_str_equal(node->op, TN_LIT("Identity"));
    while (!end && tni_sm_next_input(&wire, &input)) {
        int64_t output;
        uint32_t from = tni_sm_find(p->meta, tni_sm_input_node(input, &output));
        tn_str op = from == TN_NO_INDEX ? TN_LIT("") : p->meta->nodes[from].op;
        end = is_saver(op) || (reads && tni_sm_is_variable_op(op));
    }
    return end;
}

static void mark_taken(proposing *p)
{
    for (uint32_t i = 0; i < p->meta->n_own; i++) {
        tni_wire wire = tni_wire_of(p->meta->nodes[i].message);
        tn_str input;
        while (tni_sm_next_input(&wire, &input)) {
            int64_t output;
            uint32_t from = tni_sm_find(p->meta, tni_sm_input_node(input, &output));
            if (from != TN_NO_INDEX) {
                p->taken[from] = true;
            }
        }
    }
}

/* Proposes the operations with outputs that no other takes. */
static tn_status by_ends(proposing *p, tn_error *err)
{
    tni_arena scratch;
    tn_status status = TN_OK;
    mark_taken(p);
    tni_arena_init(&scratch, p->graph->ctx, p->graph->ctx->limits.memory);
    for (uint32_t i = 0; status == TN_OK && i < p->meta->n_own; i++) {
        tn_graph_tensor *outputs;
        size_t count = 0;
        bool known = false;
        if (p->taken[i] || is_no_output(p, &p->meta->nodes[i])) {
            continue;
        }
        status = tni_sm_outputs(p->graph, p->meta, &p->meta->nodes[i], &scratch, &outputs, &count,
                                &known, err);
        if (status == TN_OK && (count > 0 || !known)) {
            propose(p, i);
        }
        tni_arena_clear(&scratch);
    }
    tni_arena_clear(&scratch);
    return status;
}

tn_status tn_graph_propose_outputs(tn_graph *graph, size_t meta, const tn_str **names_out,
                                   size_t *count_out, tn_error *err)
{
    proposing p = {.graph = graph, .meta = &graph->metas[meta], .room = graph->metas[meta].n_own};
    void *names, *taken;
    tn_status status;
    if ((status = tni_arena_array(&graph->arena, p.room, sizeof(tn_str), &names, err)) != TN_OK ||
        (status = tni_arena_array(&graph->arena, p.room, sizeof(bool), &taken, err)) != TN_OK ||
        (status = tni_sm_index_names(graph, p.meta, err)) != TN_OK) {
        return status;
    }
    p.names = names;
    p.taken = taken;
    status = by_signatures(&p, meta, err);
    if (status == TN_OK && p.count == 0) {
        status = by_ends(&p, err);
    }
    if (status == TN_OK) {
        *names_out = p.names;
        *count_out = p.count;
    }
    return status;
}
