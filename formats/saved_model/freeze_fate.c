/* What becomes of the nodes that a frozen graph needs (convert_to_constants.py and, for references,
 * what their operations are without them). */
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/freeze.h"
#include <stdio.h>
#include <tenon/text.h>

typedef struct fating {
    tni_sm_freeze *f;
    bool *seen;    /* by own node: its origin is known, or being looked for */
    uint32_t *way; /* room for the nodes of one search */
} fating;

const tni_sm_rewrite *tni_sm_rewrite_of(tn_str op, bool refs)
{
    static const tni_sm_rewrite rows[] = {
        {"ReadVariableOp", "Identity", false, false},
        {"ResourceGather", "GatherV2", false, false},
        {"ResourceGatherNd", "GatherNd", false, false},
        {"Identity", "Identity", true, false},
        {"Enter", "Enter", true, false},
        {"Exit", "Exit", true, false},
        {"NextIteration", "NextIteration", true, false},
        {"Switch", "Switch", true, false},
        {"RefIdentity", "Identity", true, true},
        {"RefEnter", "Enter", true, true},
        {"RefExit", "Exit", true, true},
        {"RefSwitch", "Switch", true, true},
        {"RefMerge", "Merge", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].refs == refs && tn_str_equal(op, tn_str_of(rows[i].op))) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Tells whether an operation takes a variable's reference to change it, or to ask whether it has a
 * value: of those with `Ref` inputs in TensorFlow's registry the ones that variables may feed. */
static bool needs_reference(tn_str op)
{
    static const char *const begins[] = {"Assign", "Apply", "SparseApply"};
    static const char *const names[] = {
        "CountUpTo",
        "DestroyTemporaryVariable",
        "IsVariableInitialized",
        "NegTrain",
        "RefNextIteration",
        "RefSelect",
        "ScatterAdd",
        "ScatterDiv",
        "ScatterMax",
        "ScatterMin",
        "ScatterMul",
        "ScatterNdAdd",
        "ScatterNdMax",
        "ScatterNdMin",
        "ScatterNdSub",
        "ScatterNdUpdate",
        "ScatterSub",
        "ScatterUpdate",
        "SdcaShrinkL1",
        "StridedSliceAssign",
    };
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        if (tn_str_starts(op, tn_str_of(begins[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (tn_str_equal(op, tn_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_handle(const tni_sm_freeze *f, uint32_t variable)
{
    return tn_str_equal(f->meta->nodes[variable].op, TN_LIT("VarHandleOp"));
}

/* Gives the node of a data input; TN_NO_INDEX for control inputs. */
static uint32_t data_input(const tni_sm_freeze *f, tn_str input)
{
    int64_t output;
    tn_str name = tni_sm_input_node(input, &output);
    return output < 0 ? TN_NO_INDEX : tni_sm_find(f->meta, name);
}

/* Gives the node whose output a node may pass on as a handle or reference, or TN_NO_INDEX. */
static uint32_t passed_by(const tni_sm_freeze *f, uint32_t at)
{
    const tni_sm_node *node = &f->meta->nodes[at];
    const tni_sm_rewrite *handle = tni_sm_rewrite_of(node->op, false),
                         *reference = tni_sm_rewrite_of(node->op, true);
    tni_wire wire = tni_wire_of(node->message);
    tn_str input;
    bool passes = (handle != NULL && handle->passes) || (reference != NULL && reference->passes);
    return passes && tni_sm_next_input(&wire, &input) ? data_input(f, input) : TN_NO_INDEX;
}

/* Finds the variable that a node stands for: back until that is known, then forth again, as long as
 * what passes on passes that kind. A way that comes back to itself leads to none. */
static void find_origin(fating *t, uint32_t node)
{
    tni_sm_freeze *f = t->f;
    uint32_t at = node, length = 0;
    while (at != TN_NO_INDEX && !t->seen[at]) {
        bool is = tni_sm_is_variable_op(f->meta->nodes[at].op);
        t->seen[at] = true;
        f->origin[at] = is ? at : TN_NO_INDEX;
        if (is) {
            break;
        }
        t->way[length++] = at;
        at = passed_by(f, at);
    }
    uint32_t origin = at == TN_NO_INDEX ? TN_NO_INDEX : f->origin[at];
    while (origin != TN_NO_INDEX && length > 0) {
        at = t->way[--length];
        const tni_sm_rewrite *row = tni_sm_rewrite_of(f->meta->nodes[at].op, !is_handle(f, origin));
        origin = row != NULL && row->passes ? origin : TN_NO_INDEX;
        f->origin[at] = origin;
    }
}

/* Tells whether an operation runs a function of the library. */
static bool calls(const tni_sm_freeze *f, tn_str op)
{
    static const char *const names[] = {
        "StatefulPartitionedCall", "PartitionedCall", "If", "StatelessIf", "While", "Case",
        "StatelessWhile",          "StatelessCase"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (tn_str_equal(op, tn_str_of(names[i]))) {
            return true;
        }
    }
    for (uint32_t i = 0; i < f->meta->functions.count; i++) {
        if (tn_str_equal(op, f->meta->functions.at[i].key)) {
            return true;
        }
    }
    return false;
}

tn_status tni_sm_freeze_fail(const tni_sm_freeze *f, tn_code code, uint32_t node, const char *what,
                             tn_error *err)
{
    tn_status status = tni_fail(err, code, "%s", what);
    tni_error_path(err, tni_source_path(f->graph->source));
    tni_error_subject(err, f->meta->nodes[node].name);
    return status;
}

static tn_status refuse(const tni_sm_freeze *f, uint32_t node, uint32_t variable, tn_error *err)
{
    char name[TN_ERROR_SUBJECT], op[TN_ERROR_SUBJECT], what[TN_ERROR_TEXT];
    bool function = calls(f, f->meta->nodes[node].op);
    tn_escape(f->meta->nodes[variable].name, name, sizeof name);
    tn_escape(f->meta->nodes[node].op, op, sizeof op);
    snprintf(what, sizeof what,
             function ? "the operation (%s) hands the variable %s to a function, as graphs of "
                        "TensorFlow 2 do; those are not frozen"
                      : "the operation (%s) does more with the variable %s than read it, so no "
                        "constant can take its place",
             op, name);
    tn_status status = tni_sm_freeze_fail(f, TN_E_UNSUPPORTED, node, what, err);
    tni_error_hint(err, function
                            ? "in TensorFlow: convert_variables_to_constants_v2 (in "
                              "tensorflow.python.framework.convert_to_constants)"
                            : "choose outputs that do not need this operation: of inference, not "
                              "of training");
    return status;
}

/* Judges one input of a node that stands for a variable. */
static tn_status judge_input(tni_sm_freeze *f, uint32_t node, uint32_t number, uint32_t variable,
                             tn_error *err)
{
    tn_str op = f->meta->nodes[node].op;
    bool handle = is_handle(f, variable);
    const tni_sm_rewrite *row = tni_sm_rewrite_of(op, !handle);
    if (row != NULL && (number == 0 || tn_str_equal(op, TN_LIT("RefMerge")))) {
        f->fate[node] = TNI_SM_REWRITTEN;
        f->rewritten_for[node] = variable;
        return TN_OK;
    }
    return handle || needs_reference(op) ? refuse(f, node, variable, err) : TN_OK;
}

static tn_status judge(fating *t, uint32_t node, tn_error *err)
{
    tni_sm_freeze *f = t->f;
    tni_wire wire = tni_wire_of(f->meta->nodes[node].message);
    tn_str input;
    tn_status status = TN_OK;
    for (uint32_t k = 0; status == TN_OK && tni_sm_next_input(&wire, &input); k++) {
        uint32_t from = data_input(f, input);
        if (from == TN_NO_INDEX) {
            continue;
        }
        find_origin(t, from);
        if (f->origin[from] != TN_NO_INDEX) {
            status = judge_input(f, node, k, f->origin[from], err);
        }
    }
    return status;
}

static tn_status prepare(fating *t, tn_error *err)
{
    tni_sm_freeze *f = t->f;
    size_t count = f->meta->n_own;
    void *origin, *for_block, *seen, *way, *value_of;
    tn_status status;
    if ((status = tni_arena_array(&f->arena, count, sizeof *f->origin, &origin, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, count, sizeof *f->rewritten_for, &for_block, err)) !=
            TN_OK ||
        (status = tni_arena_array(&f->arena, count, sizeof *t->seen, &seen, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, count, sizeof *t->way, &way, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, count, sizeof *f->value_of, &value_of, err)) !=
            TN_OK) {
        return status;
    }
    f->origin = origin;
    f->rewritten_for = for_block;
    f->value_of = value_of;
    t->seen = seen;
    t->way = way;
    return TN_OK;
}

/* Lists the variables that become constants. */
static tn_status list_values(tni_sm_freeze *f, tn_error *err)
{
    const tni_sm_meta *meta = f->meta;
    void *block;
    uint32_t count = 0;
    for (uint32_t i = 0; i < meta->n_own; i++) {
        if (f->fate[i] != TNI_SM_DROPPED && tni_sm_is_variable_op(meta->nodes[i].op)) {
            f->fate[i] = TNI_SM_CONSTANT;
            f->value_of[i] = count++;
        }
    }
    tn_status status = tni_arena_array(&f->arena, count, sizeof *f->values, &block, err);
    if (status != TN_OK) {
        return status;
    }
    f->values = block;
    for (uint32_t i = 0; status == TN_OK && i < meta->n_own; i++) {
        tn_str value;
        if (f->fate[i] != TNI_SM_CONSTANT) {
            continue;
        }
        tni_sm_frozen *frozen = &f->values[f->n_values++];
        frozen->node = i;
        if (!tni_sm_attr(meta->nodes[i].message, TN_LIT("dtype"), &value) ||
            !tni_sm_attr_number(value, ATTR_TYPE, &frozen->type)) {
            status = tni_sm_freeze_fail(f, TN_E_CORRUPT, i, "the variable says no dtype", err);
        }
    }
    return status;
}

tn_status tni_sm_freeze_fates(tni_sm_freeze *f, tn_error *err)
{
    fating t = {.f = f};
    tn_status status = prepare(&t, err);
    for (uint32_t i = 0; status == TN_OK && i < f->meta->n_own; i++) {
        if (f->fate[i] != TNI_SM_DROPPED) {
            status = judge(&t, i, err);
        }
    }
    return status == TN_OK ? list_values(f, err) : status;
}
