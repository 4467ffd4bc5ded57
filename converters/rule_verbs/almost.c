#include "converters/rule_verbs/almost.h"

#include "converters/rules/automaton.h"

/* Enters a state, and all that lead on from it without a byte. `list` has room for all states. */
static void enter(const tni_automaton *a, uint32_t state, bool *in, uint32_t *list, size_t *count)
{
    size_t next = *count;
    if (in[state]) {
        return;
    }
    in[state] = true;
    list[(*count)++] = state;
    while (next < *count) {
        for (uint32_t i = a->first[list[next]]; i != 0; i = a->arcs[i - 1].next) {
            const tni_arc *arc = &a->arcs[i - 1];
            if (arc->kind == TNI_BYTES_NONE && !in[arc->to]) {
                in[arc->to] = true;
                list[(*count)++] = arc->to;
            }
        }
        next++;
    }
}

/* Steps all states over one byte. */
static size_t step(const tni_automaton *a, unsigned char byte, bool *in, const uint32_t *from,
                   size_t count, uint32_t *to)
{
    size_t reached = 0;
    memset(in, 0, a->n_states);
    for (size_t k = 0; k < count; k++) {
        for (uint32_t i = a->first[from[k]]; i != 0; i = a->arcs[i - 1].next) {
            const tni_arc *arc = &a->arcs[i - 1];
            if (arc->kind != TNI_BYTES_NONE && tni_arc_takes(arc, byte)) {
                enter(a, arc->to, in, to, &reached);
            }
        }
    }
    return reached;
}

tn_status tni_pattern_reach(tni_arena *arena, const tn_pattern *pattern, tn_str name,
                            size_t *reach_out, tn_error *err)
{
    tni_automaton a;
    void *in = NULL, *lists = NULL;
    *reach_out = 0;
    if (pattern->kind == TNI_REGEX) {
        return TN_OK;
    }
    tn_status status = tni_automaton_of(arena, pattern, &a, err);
    status = status != TN_OK ? status : tni_arena_array(arena, a.n_states, sizeof(bool), &in, err);
    status = status != TN_OK
                 ? status
                 : tni_arena_array(arena, a.n_states, 2 * sizeof(uint32_t), &lists, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *now = lists, *then = now + a.n_states;
    size_t count = 0, reach = 0;
    enter(&a, 0, in, now, &count);
    for (; reach < name.len; reach++) {
        count = step(&a, (unsigned char)name.data[reach], in, now, count, then);
        uint32_t *swapped = now;
        now = then;
        then = swapped;
        if (count == 0) {
            break;
        }
    }
    *reach_out = reach;
    return TN_OK;
}
