#include "converters/rules/automaton.h"

/* The most states and arcs that a pattern can need: one a byte, TNI_INT_DIGITS and two for a hole,
 * and what its words have. */
static size_t most_states(const tn_pattern *pattern)
{
    size_t count = pattern->exact.len + pattern->n_tokens + 2;
    for (size_t i = 0; pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        const tni_hole *hole = pattern->parts[i].hole;
        count += pattern->parts[i].text.len + TNI_INT_DIGITS + 2;
        for (size_t k = 0; hole != NULL && k < hole->n_words; k++) {
            count += hole->words[k].len;
        }
    }
    return count;
}

static uint32_t add_state(tni_automaton *a)
{
    return (uint32_t)a->n_states++;
}

static void add_arc(tni_automaton *a, uint32_t from, uint32_t to, tni_bytes_kind kind, char byte)
{
    a->arcs[a->n_arcs++] = (tni_arc){to, a->first[from], kind, byte};
    a->first[from] = (uint32_t)a->n_arcs;
}

/* Leads from a state along a text; the last byte leads to `to`. */
static void add_text(tni_automaton *a, uint32_t from, tn_str text, uint32_t to)
{
    for (size_t i = 0; i < text.len; i++) {
        uint32_t next = i + 1 == text.len ? to : add_state(a);
        add_arc(a, from, next, TNI_BYTES_ONE, text.data[i]);
        from = next;
    }
}

static void add_int(tni_automaton *a, uint32_t from, const tni_hole *hole, uint32_t to)
{
    unsigned most = hole->digits != 0 ? hole->digits : TNI_INT_DIGITS;
    if (hole->digits == 0) {
        add_arc(a, from, to, TNI_BYTES_ONE, '0');
    }
    for (unsigned i = 0; i < most; i++) {
        tni_bytes_kind kind = hole->digits == 0 && i == 0 ? TNI_BYTES_FROM_ONE : TNI_BYTES_DIGIT;
        bool last = i + 1 == most;
        uint32_t next = last ? to : add_state(a);
        add_arc(a, from, next, kind, 0);
        if (hole->digits == 0 && !last) {
            add_arc(a, next, to, TNI_BYTES_NONE, 0);
        }
        from = next;
    }
}

static uint32_t add_hole(tni_automaton *a, uint32_t from, const tni_hole *hole, char separator)
{
    uint32_t to = add_state(a);
    if (hole->kind == TNI_HOLE_INT) {
        add_int(a, from, hole, to);
    } else if (hole->kind == TNI_HOLE_CHOICE) {
        for (size_t i = 0; i < hole->n_words; i++) {
            add_text(a, from, hole->words[i], to);
        }
    } else {
        tni_bytes_kind kind = hole->kind == TNI_HOLE_PATH ? TNI_BYTES_ANY : TNI_BYTES_SEGMENT;
        add_arc(a, from, to, kind, separator);
        add_arc(a, to, to, kind, separator);
    }
    return to;
}

static uint32_t add_token(tni_automaton *a, uint32_t from, const tni_glob_token *token,
                          char separator)
{
    tni_glob_part part = tni_glob_part_of(token);
    uint32_t to = add_state(a);
    if (part == TNI_GLOB_BYTE) {
        add_arc(a, from, to, TNI_BYTES_ONE, token->byte);
    } else if (part == TNI_GLOB_SUBTREE) { /* nothing, or any bytes and a separator */
        uint32_t inside = add_state(a);
        add_arc(a, from, to, TNI_BYTES_NONE, 0);
        add_arc(a, from, inside, TNI_BYTES_NONE, 0);
        add_arc(a, inside, inside, TNI_BYTES_ANY, 0);
        add_arc(a, inside, to, TNI_BYTES_ONE, separator);
    } else {
        add_arc(a, from, to, TNI_BYTES_NONE, 0);
        add_arc(a, to, to, part == TNI_GLOB_STAR ? TNI_BYTES_SEGMENT : TNI_BYTES_ANY, separator);
    }
    return to;
}

static void build(tni_automaton *a, const tn_pattern *pattern)
{
    uint32_t at = add_state(a);
    if (pattern->kind == TNI_EXACT && pattern->exact.len > 0) {
        uint32_t end = add_state(a);
        add_text(a, at, pattern->exact, end);
        at = end;
    }
    for (size_t i = 0; pattern->kind == TNI_GLOB && i < pattern->n_tokens; i++) {
        at = add_token(a, at, &pattern->tokens[i], pattern->separator);
    }
    for (size_t i = 0; pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        const tni_part *part = &pattern->parts[i];
        if (part->hole != NULL) {
            at = add_hole(a, at, part->hole, pattern->separator);
        } else {
            uint32_t end = add_state(a);
            add_text(a, at, part->text, end);
            at = end;
        }
    }
    a->end = at;
}

tn_status tni_automaton_of(tni_arena *arena, const tn_pattern *pattern, tni_automaton *out,
                           tn_error *err)
{
    void *first = NULL, *arcs = NULL;
    size_t most = 2 * most_states(pattern); /* a subtree has two states, a state two arcs */
    tni_automaton a = {.n_states = 0};
    tn_status status = tni_arena_array(arena, most, sizeof(uint32_t), &first, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, 2 * most, sizeof(tni_arc), &arcs, err);
    }
    if (status == TN_OK) {
        a.first = first;
        a.arcs = arcs;
        build(&a, pattern);
        *out = a;
    }
    return status;
}

bool tni_arc_takes(const tni_arc *arc, unsigned char byte)
{
    switch (arc->kind) {
    case TNI_BYTES_ONE:
        return (unsigned char)arc->byte == byte;
    case TNI_BYTES_DIGIT:
        return byte >= '0' && byte <= '9';
    case TNI_BYTES_FROM_ONE:
        return byte >= '1' && byte <= '9';
    case TNI_BYTES_SEGMENT:
        return (unsigned char)arc->byte != byte;
    case TNI_BYTES_ANY:
        return true;
    case TNI_BYTES_NONE:
    default:
        return false;
    }
}
