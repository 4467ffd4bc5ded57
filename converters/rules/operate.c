/* Rules with operations: which tensors go together, what is made of them, and its names. */
#include "converters/rules/operate.h"

#include "converters/rules/elementwise.h"
#include "core/hash.h"
#include "model/roles.h"
#include <inttypes.h>
#include <stdlib.h>
#include <tenon/text.h>

static bool is_stack(const tni_rule_op *op)
{
    return op != NULL && op->layout == TNI_OP_STACK;
}

tn_status tni_bind_member(tni_stage *stage, const tni_rule *rule, const tni_member *member,
                          tni_binding bound[TNI_HOLES_MOST + 1], tn_error *err)
{
    const tn_pattern *pattern = rule->patterns[member->pattern];
    bool found = true;
    tn_status status = TN_OK;
    if (pattern->kind != TNI_EXACT) {
        status = tni_claim_match(stage, member->index, rule, pattern, &found, err);
    }
    tni_claim_bound(stage, rule, pattern, bound);
    return status;
}

/* Writes what tells one group from another: all that is bound, but for the hole of a stack. */
static void write_key(const tni_rule *rule, const tni_binding *bound, int over, tni_buffer *out)
{
    tni_buffer_reset(out);
    for (uint32_t slot = 0; slot < rule->patterns[0]->n_slots; slot++) {
        if ((int)slot != over) {
            tni_buffer_format(out, "%zu:", bound[slot].text.len);
            tni_buffer_str(out, bound[slot].text);
        }
    }
}

/* Tells a member its group. */
static tn_status join_group(tni_stage *stage, const tni_rule *rule, const tni_rule_op *gather,
                            tni_member *member, tni_hash *groups, tn_error *err)
{
    tni_binding bound[TNI_HOLES_MOST + 1];
    int over = is_stack(gather) ? tni_pattern_slot(rule->patterns[0], gather->over) : -1;
    uint32_t old = TNI_HASH_NONE;
    tn_str key;
    tn_status status = tni_bind_member(stage, rule, member, bound, err);
    if (status != TN_OK) {
        return status;
    }
    if (over >= 0 && !tni_number_read(bound[over].text, &member->over)) {
        tn_error why = {0};
        tni_fail(&why, TN_E_SHAPE, "stack counts by {%.*s}, which is no number here",
                 (int)gather->over.len, gather->over.data);
        return tni_claim_raise(stage, member->index, rule, &why, err);
    }
    write_key(rule, bound, over, &stage->buffer);
    status = tni_buffer_check(&stage->buffer, err);
    if (status == TN_OK) {
        status =
            tni_arena_str(stage->arena, (tn_str){stage->buffer.data, stage->buffer.len}, &key, err);
    }
    if (status == TN_OK) {
        member->group = (uint32_t)groups->count;
        status = tni_hash_add(groups, key, member->group, &old, err);
    }
    member->group = old == TNI_HASH_NONE ? member->group : old;
    return status;
}

/* Which of a rule's inputs a tensor is of. */
static uint32_t input_place(const tni_stage *stage, const tni_rule *rule, size_t index)
{
    uint32_t place = 0;
    while (place + 1 < rule->n_inputs && rule->takes[place] != tni_stage_input(stage, index)) {
        place++;
    }
    return place;
}

static uint32_t pattern_number(const tni_rule *rule, const tn_pattern *pattern)
{
    uint32_t number = 0;
    while (rule->patterns[number] != pattern) {
        number++;
    }
    return number;
}

/* Lists what a rule claims; each its own group unless the rule joins them. */
static tn_status list_members(tni_stage *stage, const tni_rule *rule, tni_member *members,
                              uint32_t *count_out, tn_error *err)
{
    const tni_rule_op *gather = tni_rule_op_gathering(rule->ops, rule->n_ops);
    tni_hash groups;
    tn_status status = TN_OK;
    uint32_t count = 0;
    tni_hash_init(&groups, stage->model->ctx, 0);
    for (uint32_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        if (!decision->claimed || decision->rule != rule) {
            continue;
        }
        tni_member *member = &members[count];
        uint32_t pattern = pattern_number(rule, decision->pattern);
        uint32_t part = input_place(stage, rule, i) * (uint32_t)rule->n_patterns + pattern;
        *member = (tni_member){.index = i, .pattern = pattern, .part = part, .group = count};
        count++;
        if (gather != NULL) {
            status = join_group(stage, rule, gather, member, &groups, err);
        }
    }
    tni_hash_clear(&groups);
    *count_out = count;
    return status;
}

static int by_group(const void *a, const void *b)
{
    const tni_member *x = a, *y = b;
    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    if (x->part != y->part) {
        return x->part < y->part ? -1 : 1;
    }
    return x->over != y->over ? (x->over < y->over ? -1 : 1)
                              : (x->index > y->index) - (x->index < y->index);
}

/* Raises an error of a rule at one of its tensors. */
static tn_status raise(const tni_doing *d, tn_code code, tn_error *err, const char *message)
{
    tn_error why = {0};
    tni_fail(&why, code, "%s", message);
    return tni_claim_raise(d->stage, d->members[0].index, d->rule, &why, err);
}

/* Raises that a group has none, or several, of its `part`. */
static tn_status misses(const tni_doing *d, uint32_t part, bool several, tn_error *err)
{
    const tni_rule *rule = d->rule;
    char text[TN_ERROR_SUBJECT + 100], in[100] = "";
    tn_str pattern = rule->patterns[part % rule->n_patterns]->source;
    if (rule->n_inputs > 1) {
        tn_str input = rule->inputs[part / rule->n_patterns];
        snprintf(in, sizeof in, " in the input '%.*s'", (int)(input.len < 60 ? input.len : 60),
                 input.data);
    }
    snprintf(text, sizeof text, "%s matches '%.*s'%s",
             several ? "more than one tensor" : "nothing that goes with it",
             (int)(pattern.len < 200 ? pattern.len : 200), pattern.data, in);
    return raise(d, TN_E_NO_MATCH, err, text);
}

/* Demands numbers without gaps. */
static tn_status check_stack(const tni_doing *d, const tni_rule_op *stack, tn_error *err)
{
    char text[TN_ERROR_SUBJECT + 100];
    for (uint32_t i = 1; i < d->count; i++) {
        if (d->members[i].over != d->members[i - 1].over + 1) {
            snprintf(text, sizeof text, "stack over %.*s: %" PRId64 " is missing",
                     (int)stack->over.len, stack->over.data, d->members[i - 1].over + 1);
            return raise(d, TN_E_SHAPE, err, text);
        }
    }
    return TN_OK;
}

/* Demands all that an operation joins: numbers without gaps for a stack, else one tensor of each
 * pattern and input. */
static tn_status check_complete(const tni_doing *d, const tni_rule_op *gather, tn_error *err)
{
    size_t parts = d->rule->n_patterns * (d->rule->n_inputs == 0 ? 1 : d->rule->n_inputs);
    if (is_stack(gather)) {
        return check_stack(d, gather, err);
    }
    for (uint32_t i = 0; i < d->count; i++) {
        uint32_t part = d->members[i].part;
        if (part != i) {
            return misses(d, part > i ? i : part, part < i, err);
        }
    }
    return d->count < parts ? misses(d, d->count, false, err) : TN_OK;
}

/* Computes an operation's arguments. */
static tn_status compute(const tni_doing *d, const tni_rule_op *op, const tni_values *values,
                         tni_op *out, tn_error *err)
{
    void *block = NULL;
    tn_status status = TN_OK;
    *out = (tni_op){.kind = op->layout, .axes = op->axes, .n_sizes = op->n_sizes};
    if (op->axis != NULL) {
        status = tni_expression_run(op->axis, values, &out->axis, err);
    }
    if (status == TN_OK && op->groups != NULL) {
        status = tni_expression_run(op->groups, values, &out->groups, err);
    }
    if (status == TN_OK && op->sizes != NULL) {
        status = tni_arena_array(d->stage->arena, op->n_sizes, sizeof(int64_t), &block, err);
    }
    int64_t *sizes = block;
    out->sizes = sizes;
    for (size_t i = 0; status == TN_OK && sizes != NULL && i < op->n_sizes; i++) {
        sizes[i] = TNI_AXIS_OPEN;
        if (op->given == NULL || op->given[i]) {
            status = tni_expression_run(&op->sizes[i], values, &sizes[i], err);
        }
    }
    if (op->layout == TNI_OP_SPLIT && op->sizes == NULL) {
        out->parts = (int64_t)d->rule->n_targets;
    }
    return status;
}

/* Runs an operation that takes values one by one. */
static tn_status run_each(const tni_doing *d, const tni_rule_op *op, tni_value *now, size_t count,
                          tn_error *err)
{
    tn_model *next = d->stage->next;
    const tni_casting how = {op->dtype, op->overflow, op->report};
    tn_status status = TN_OK;
    for (size_t k = 0; status == TN_OK && k < count; k++) {
        status = op->kind == TNI_RULE_CAST
                     ? tni_cast_value(next, &how, &now[k], err)
                     : tni_add_to_value(next, op->operand == NULL ? NULL : &d->operand, op->scale,
                                        op->number, &now[k], err);
    }
    return status;
}

tn_status tni_doing_run(const tni_doing *d, const tni_value *in, uint32_t n_in, tni_value **out_out,
                        size_t *n_out, tn_error *err)
{
    tn_model *next = d->stage->next;
    void *block;
    tn_status status = tni_arena_array(&next->arena, n_in, sizeof(tni_value), &block, err);
    tni_value *now = block;
    size_t count = n_in;
    if (status == TN_OK) {
        memcpy(now, in, n_in * sizeof *now);
    }
    for (size_t i = 0; status == TN_OK && i < d->rule->n_ops; i++) {
        const tni_rule_op *op = &d->rule->ops[i];
        if (op->kind == TNI_RULE_LAYOUT) {
            status = tni_op_apply(&next->arena, &d->ops[i], now, count, next->ctx->limits.pieces,
                                  &now, &count, err);
        } else if (op->kind == TNI_RULE_MEAN) {
            status = tni_mean_of_values(next, now, count, err);
            count = 1;
        } else {
            status = run_each(d, op, now, count, err);
        }
    }
    if (status == TN_OK) {
        *out_out = now;
        *n_out = count;
    }
    return status;
}

tn_status tni_doing_add(tni_stage *stage, const tni_made *made, tn_error *err)
{
    if (stage->n_made == stage->made_room) {
        size_t room = stage->made_room == 0 ? 16 : 2 * stage->made_room;
        void *block;
        tn_status status = tni_arena_array(stage->arena, room, sizeof(tni_made), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (stage->n_made > 0) {
            memcpy(block, stage->made, stage->n_made * sizeof(tni_made));
        }
        stage->made = block;
        stage->made_room = room;
    }
    stage->made[stage->n_made++] = *made;
    return TN_OK;
}

/* Names output `k`. Without a target it is called as before. */
static tn_status name_output(const tni_doing *d, tni_values *values, tni_binding *bound, size_t k,
                             tn_str *name_out, tn_error *err)
{
    const tni_rule *rule = d->rule;
    tni_stage *stage = d->stage;
    char number[TN_NUMBER_ROOM];
    tni_hole count = {.kind = TNI_HOLE_INT};
    if (rule->n_targets == 0) {
        *name_out = tni_stage_own(stage, d->members[0].index);
        return TN_OK;
    }
    bool unstacks = tni_rule_op_counts(tni_rule_op_spreading(rule->ops, rule->n_ops));
    if (unstacks) {
        int len = snprintf(number, sizeof number, "%zu", k);
        bound[rule->patterns[0]->n_slots] = (tni_binding){{number, (size_t)len}, &count};
    }
    values->bound = bound;
    tn_status status =
        tni_template_render(rule->targets[unstacks ? 0 : k], rule->patterns[d->members[0].pattern],
                            values, &stage->buffer, err);
    if (status == TN_OK) {
        status = tni_arena_str(stage->arena, (tn_str){stage->buffer.data, stage->buffer.len},
                               name_out, err);
    }
    return status;
}

/* Tells whether a rule leaves where a tensor's elements are. */
static bool keeps_layout(const tni_rule *rule)
{
    for (size_t i = 0; i < rule->n_ops; i++) {
        if (rule->ops[i].kind == TNI_RULE_LAYOUT) {
            return false;
        }
    }
    return true;
}

/* Makes the twins of a tensor that keeps its names: cast as it is, one piece each. */
static tn_status make_twins(const tni_doing *d, tni_made *made, tn_error *err)
{
    const tn_tensor *tensor = &d->stage->model->tensors[made->from[0]];
    void *block;
    if (tensor->n_twins == 0) {
        return TN_OK;
    }
    tn_status status =
        tni_arena_array(&d->stage->next->arena, tensor->n_twins, sizeof(tni_piece), &block, err);
    tni_piece *pieces = block;
    for (uint32_t i = 0; status == TN_OK && i < tensor->n_twins; i++) {
        tni_value twin = {.dtype = tensor->dtype,
                          .rank = tensor->rank,
                          .shape = tensor->shape,
                          .elements = tensor->elements,
                          .pieces = &tensor->twin_pieces[i],
                          .n_pieces = 1},
                  *out;
        size_t count;
        status = tni_doing_run(d, &twin, 1, &out, &count, err);
        pieces[i] = status == TN_OK ? out->pieces[0] : (tni_piece){.leaf = NULL};
    }
    made->twin_pieces = pieces;
    return status;
}

/* Adds what a group was made into. */
static tn_status add_outputs(tni_doing *d, tni_values *values, tni_binding *bound, tn_error *err)
{
    const tni_rule *rule = d->rule;
    void *from, *texts;
    tn_status status = tni_arena_array(d->stage->arena, d->count, sizeof(uint32_t), &from, err);
    if (status == TN_OK) {
        status = tni_arena_array(d->stage->arena, rule->n_ops, sizeof(tn_str), &texts, err);
    }
    for (size_t i = 0; status == TN_OK && i < rule->n_ops; i++) {
        ((tn_str *)texts)[i] = rule->ops[i].text;
    }
    for (uint32_t i = 0; status == TN_OK && i < d->count; i++) {
        ((uint32_t *)from)[i] = d->members[i].index;
    }
    for (size_t k = 0; status == TN_OK && k < d->n_out; k++) {
        tni_made made = {.value = d->out[k],
                         .from = from,
                         .n_from = d->count,
                         .owner = TN_NO_INDEX,
                         .place = rule->place,
                         .ops = texts,
                         .n_ops = rule->n_ops,
                         .how = d->ops};
        status = name_output(d, values, bound, k, &made.name, err);
        const tn_tensor *first = &d->stage->model->tensors[d->members[0].index];
        made.keeps_names = d->n_out == 1 && d->count == 1 && keeps_layout(rule) &&
                           tn_str_equal(made.name, first->alias[TN_SCHEME_NAME]);
        if (status == TN_OK && made.keeps_names) {
            status = make_twins(d, &made, err);
        }
        if (status == TN_OK) {
            status = tni_doing_add(d->stage, &made, err);
        }
    }
    return status;
}

/* Reads the values of a group's tensors. */
static tn_status take_values(const tni_doing *d, tni_value **values_out, tn_error *err)
{
    void *block;
    tn_model *next = d->stage->next;
    tn_status status = tni_arena_array(&next->arena, d->count, sizeof(tni_value), &block, err);
    tni_value *values = block;
    for (uint32_t i = 0; status == TN_OK && i < d->count; i++) {
        status = tni_value_of(&next->arena, &d->stage->model->tensors[d->members[i].index],
                              &values[i], err);
    }
    *values_out = values;
    return status;
}

/* Computes the arguments of all operations, and finds the tensor that is added. */
static tn_status prepare(tni_doing *d, const tni_values *values, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(d->stage->arena, d->rule->n_ops, sizeof(tni_op), &block, err);
    d->ops = block;
    for (size_t i = 0; status == TN_OK && i < d->rule->n_ops; i++) {
        const tni_rule_op *op = &d->rule->ops[i];
        uint32_t index = 0;
        if (op->kind == TNI_RULE_LAYOUT) {
            status = compute(d, op, values, &d->ops[i], err);
        } else if (op->operand != NULL) {
            status = tni_find_operand(d->stage, d->rule, op, d->members[0].index, &index, err);
            if (status == TN_OK) {
                status = tni_value_of(&d->stage->next->arena, &d->stage->model->tensors[index],
                                      &d->operand, err);
            }
        }
    }
    return status;
}

static tn_status check_outputs(const tni_doing *d, tn_error *err)
{
    const tni_rule *rule = d->rule;
    bool unstacks = tni_rule_op_counts(tni_rule_op_spreading(rule->ops, rule->n_ops));
    size_t wanted = rule->n_targets == 0 ? 1 : rule->n_targets;
    if (unstacks || d->n_out == wanted) {
        return TN_OK;
    }
    return tni_fail(err, TN_E_SHAPE, "the operations make %zu tensor%s for %zu target%s", d->n_out,
                    d->n_out == 1 ? "" : "s", wanted, wanted == 1 ? "" : "s");
}

/* Does what a rule says with one group of tensors, and with their slots. */
static tn_status do_group(tni_doing *d, tn_error *err)
{
    tni_binding bound[TNI_HOLES_MOST + 1];
    tni_value *in;
    tn_error why = {0};
    tni_values values = tni_claim_values(d->stage, d->rule);
    const tni_rule_op *gather = tni_rule_op_gathering(d->rule->ops, d->rule->n_ops);
    tn_status status = gather == NULL ? TN_OK : check_complete(d, gather, err);
    if (status == TN_OK) {
        status = tni_bind_member(d->stage, d->rule, &d->members[0], bound, err);
    }
    if (status != TN_OK) {
        return status;
    }
    values.bound = bound;
    d->first_made = d->stage->n_made;
    if ((status = prepare(d, &values, &why)) == TN_OK &&
        (status = take_values(d, &in, &why)) == TN_OK &&
        (status = tni_doing_run(d, in, d->count, &d->out, &d->n_out, &why)) == TN_OK &&
        (status = check_outputs(d, &why)) == TN_OK) {
        status = add_outputs(d, &values, bound, &why);
    }
    if (status != TN_OK) {
        return tni_claim_raise(d->stage, d->members[0].index, d->rule, &why, err);
    }
    return tni_doing_slots(d, err);
}

static tn_status operate(tni_stage *stage, const tni_rule *rule, const tni_slot_lists *slots,
                         tni_member *members, tn_error *err)
{
    uint32_t count = 0;
    tn_status status = list_members(stage, rule, members, &count, err);
    if (status == TN_OK && count > 1) {
        qsort(members, count, sizeof *members, by_group);
    }
    for (uint32_t first = 0, end; status == TN_OK && first < count; first = end) {
        for (end = first + 1; end < count && members[end].group == members[first].group;) {
            end++;
        }
        tni_doing d = {.stage = stage,
                       .rule = rule,
                       .members = members + first,
                       .count = end - first,
                       .slots = slots};
        status = do_group(&d, err);
    }
    return status;
}

static tn_status list_slots(tni_stage *stage, tni_slot_lists *slots, tn_error *err)
{
    void *first, *next = NULL;
    size_t count = stage->model->count;
    tn_status status = tni_arena_array(stage->arena, count, sizeof(uint32_t), &first, err);
    if (status == TN_OK) {
        status = tni_arena_array(stage->arena, count, sizeof(uint32_t), &next, err);
    }
    if (status != TN_OK) {
        return status;
    }
    *slots = (tni_slot_lists){first, next};
    memset(first, 0xFF, count * sizeof(uint32_t));
    for (uint32_t i = (uint32_t)count; i-- > 0;) {
        uint32_t owner = stage->model->tensors[i].slot_of;
        if (owner != TN_NO_INDEX) {
            slots->next[i] = slots->first[owner];
            slots->first[owner] = i;
        }
    }
    return TN_OK;
}

/* A made tensor on its way to where its first origin stands. */
typedef struct place {
    uint32_t first, number;
} place;

static int by_first(const void *a, const void *b)
{
    const place *x = a, *y = b;
    int order = (x->first > y->first) - (x->first < y->first);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* Puts made tensors in the order of their first origins. */
static tn_status sort_made(tni_stage *stage, tn_error *err)
{
    void *places, *sorted, *moved;
    size_t count = stage->n_made;
    tn_status status = tni_arena_array(stage->arena, count, sizeof(place), &places, err);
    if (status != TN_OK ||
        (status = tni_arena_array(stage->arena, count, sizeof(tni_made), &sorted, err)) != TN_OK ||
        (status = tni_arena_array(stage->arena, count, sizeof(uint32_t), &moved, err)) != TN_OK) {
        return status;
    }
    place *at = places;
    tni_made *made = sorted;
    uint32_t *new_number = moved;
    for (uint32_t i = 0; i < count; i++) {
        /* What is made from nothing comes last. */
        at[i] = (place){stage->made[i].n_from == 0 ? UINT32_MAX : stage->made[i].from[0], i};
    }
    qsort(at, count, sizeof *at, by_first);
    for (uint32_t i = 0; i < count; i++) {
        made[i] = stage->made[at[i].number];
        new_number[at[i].number] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        made[i].owner = made[i].owner == TN_NO_INDEX ? TN_NO_INDEX : new_number[made[i].owner];
    }
    stage->made = made;
    return TN_OK;
}

/* Adds a tensor that a rule makes from nothing. */
static tn_status make(tni_stage *stage, const tni_rule *rule, tn_error *err)
{
    const tni_make *wanted = rule->make;
    tni_value form = {.dtype = wanted->dtype,
                      .rank = wanted->rank,
                      .shape = wanted->shape,
                      .elements = wanted->elements};
    tni_made made = {.owner = TN_NO_INDEX};
    tn_status status =
        tni_made_of_value(stage->next, wanted->name, &form, wanted->element, &made, err);
    made.place = rule->place;
    return status == TN_OK ? tni_doing_add(stage, &made, err) : status;
}

tn_status tni_stage_operate(tni_stage *stage, tn_error *err)
{
    void *members = NULL;
    tni_slot_lists slots = {NULL, NULL};
    tn_status status = TN_OK;
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        const tni_rule *rule = &stage->set->rules[r];
        if (rule->deed == TNI_DEED_MAKE) {
            status = make(stage, rule, err);
        }
        if (!rule->operates) {
            continue;
        }
        if (members == NULL) {
            status = tni_arena_array(stage->arena, stage->model->count, sizeof(tni_member),
                                     &members, err);
            status = status == TN_OK ? list_slots(stage, &slots, err) : status;
        }
        if (status == TN_OK) {
            status = operate(stage, rule, &slots, members, err);
        }
    }
    status = status == TN_OK ? tni_stage_tie(stage, err) : status;
    return status == TN_OK && stage->n_made > 1 ? sort_made(stage, err) : status;
}
