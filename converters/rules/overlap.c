/* The two automata are walked side by side, breadth first, so that a short name is found first. */
#include "converters/rules/overlap.h"

#include "converters/rules/automaton.h"

/* A pair of states, and how the walk came there. */
typedef struct pair {
    uint32_t a, b;
    uint32_t from; /* index of the pair before */
    char byte;
    bool took; /* a byte, and not just a step without one */
} pair;

typedef struct walk {
    tni_automaton a, b;
    tni_arena *room;
    unsigned char *seen; /* a bit for each pair of states */
    pair *queue;         /* few of all pairs are met as a rule, so it grows */
    size_t count, places;
    bool failed; /* there is no memory for it */
} walk;

/* Makes room for more pairs. */
static bool grow(walk *w)
{
    void *block;
    size_t places = 2 * w->places + 64;
    if (tni_arena_array(w->room, places, sizeof(pair), &block, NULL) != TN_OK) {
        w->failed = true;
        return false;
    }
    if (w->count > 0) {
        memcpy(block, w->queue, w->count * sizeof(pair));
    }
    w->queue = block;
    w->places = places;
    return true;
}

/* Appends a pair unless it was met before. */
static void visit(walk *w, pair next)
{
    size_t bit = (size_t)next.a * w->b.n_states + next.b;
    unsigned char mask = (unsigned char)(1U << (bit % 8));
    if ((w->seen[bit / 8] & mask) == 0 && (w->count < w->places || grow(w))) {
        w->seen[bit / 8] |= mask;
        w->queue[w->count++] = next;
    }
}

/* Finds a byte that both arcs take, one that reads well if there is a choice. */
static bool common_byte(const tni_arc *x, const tni_arc *y, char *byte_out)
{
    static const char pleasant[] = "xW01a_";
    if (x->kind == TNI_BYTES_NONE || y->kind == TNI_BYTES_NONE) {
        return false;
    }
    if (x->kind == TNI_BYTES_ONE || y->kind == TNI_BYTES_ONE) {
        *byte_out = x->kind == TNI_BYTES_ONE ? x->byte : y->byte;
        return tni_arc_takes(x, (unsigned char)*byte_out) &&
               tni_arc_takes(y, (unsigned char)*byte_out);
    }
    for (size_t i = 0; i + 1 < sizeof pleasant; i++) {
        unsigned char byte = (unsigned char)pleasant[i];
        if (tni_arc_takes(x, byte) && tni_arc_takes(y, byte)) {
            *byte_out = pleasant[i];
            return true;
        }
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        if (tni_arc_takes(x, (unsigned char)byte) && tni_arc_takes(y, (unsigned char)byte)) {
            *byte_out = (char)byte;
            return true;
        }
    }
    return false;
}

/* Follows the arcs of one side that take no byte. */
static void step_alone(walk *w, uint32_t at)
{
    pair here = w->queue[at];
    for (uint32_t i = w->a.first[here.a]; i != 0; i = w->a.arcs[i - 1].next) {
        if (w->a.arcs[i - 1].kind == TNI_BYTES_NONE) {
            visit(w, (pair){w->a.arcs[i - 1].to, here.b, at, 0, false});
        }
    }
    for (uint32_t i = w->b.first[here.b]; i != 0; i = w->b.arcs[i - 1].next) {
        if (w->b.arcs[i - 1].kind == TNI_BYTES_NONE) {
            visit(w, (pair){here.a, w->b.arcs[i - 1].to, at, 0, false});
        }
    }
}

/* Follows the pairs of arcs that take one byte together. */
static void step_together(walk *w, uint32_t at)
{
    pair here = w->queue[at];
    for (uint32_t i = w->a.first[here.a]; i != 0; i = w->a.arcs[i - 1].next) {
        const tni_arc *x = &w->a.arcs[i - 1];
        for (uint32_t k = w->b.first[here.b]; k != 0; k = w->b.arcs[k - 1].next) {
            const tni_arc *y = &w->b.arcs[k - 1];
            char byte;
            if (common_byte(x, y, &byte)) {
                visit(w, (pair){x->to, y->to, at, byte, true});
            }
        }
    }
}

/* Writes the bytes that led to a pair. */
static tn_status write_name(tni_arena *arena, const walk *w, uint32_t at, tn_str *name_out,
                            tn_error *err)
{
    size_t len = 0;
    void *block;
    for (uint32_t i = at; i != 0; i = w->queue[i].from) {
        len += w->queue[i].took;
    }
    tn_status status = tni_arena_alloc(arena, len + 1, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char *name = block;
    size_t left = len;
    for (uint32_t i = at; i != 0; i = w->queue[i].from) {
        if (w->queue[i].took) {
            name[--left] = w->queue[i].byte;
        }
    }
    *name_out = (tn_str){name, len};
    return TN_OK;
}

/* Walks until both are at their ends; UINT32_MAX if that never happens. */
static uint32_t search(walk *w)
{
    visit(w, (pair){0, 0, 0, 0, false});
    for (uint32_t at = 0; at < w->count; at++) {
        if (w->queue[at].a == w->a.end && w->queue[at].b == w->b.end) {
            return at;
        }
        step_alone(w, at);
        step_together(w, at);
    }
    return UINT32_MAX;
}

/* Tells whether two different exact names are compared, which may be longer than any pattern. */
static bool are_two_names(const tn_pattern *a, const tn_pattern *b)
{
    bool exact = a->kind == TNI_EXACT && b->kind == TNI_EXACT;
    return exact && !tn_str_equal(a->exact, b->exact);
}

/* Gives the literal texts that all names begin and end with which a pattern matches. */
static void ends_of(const tn_pattern *pattern, tn_str *head_out, tn_str *tail_out)
{
    *head_out = *tail_out = (tn_str){"", 0};
    if (pattern->kind == TNI_EXACT) {
        *head_out = *tail_out = pattern->exact;
    } else if (pattern->kind == TNI_GLOB) {
        *head_out = pattern->head;
        *tail_out = pattern->tail;
    } else if (pattern->kind == TNI_HOLES) {
        const tni_part *first = &pattern->parts[0], *last = &pattern->parts[pattern->n_parts - 1];
        *head_out = first->hole == NULL ? first->text : *head_out;
        *tail_out = last->hole == NULL ? last->text : *tail_out;
    }
}

/* Tells whether the ends of two patterns alone keep them apart, as they do most pairs of a large
 * file. */
static bool are_apart_by_ends(const tn_pattern *a, const tn_pattern *b)
{
    tn_str head[2], tail[2];
    ends_of(a, &head[0], &tail[0]);
    ends_of(b, &head[1], &tail[1]);
    size_t heads = head[0].len < head[1].len ? head[0].len : head[1].len;
    size_t tails = tail[0].len < tail[1].len ? tail[0].len : tail[1].len;
    return (heads > 0 && memcmp(head[0].data, head[1].data, heads) != 0) ||
           (tails > 0 && memcmp(tail[0].data + tail[0].len - tails,
                                tail[1].data + tail[1].len - tails, tails) != 0);
}

/* Tells whether both patterns do match the name: a repeated hole may forbid it. */
static tn_status check_witness(tni_arena *arena, const tn_pattern *a, const tn_pattern *b,
                               tn_str name, bool *good_out, tn_error *err)
{
    tni_matcher matcher;
    bool first = false, second = false;
    tni_matcher_init(&matcher, arena->ctx);
    tn_status status = tni_pattern_match(a, &matcher, name, &first, err);
    if (status == TN_OK) {
        status = tni_pattern_match(b, &matcher, name, &second, err);
    }
    tni_matcher_clear(&matcher);
    *good_out = first && second;
    return status;
}

/* Walks the product; `room` is for what the walk alone needs. */
static tn_status find(tni_arena *arena, tni_arena *room, const tn_pattern *a, const tn_pattern *b,
                      tni_overlap *overlap_out, tn_str *witness_out, tn_error *err)
{
    walk w = {.room = room};
    void *seen = NULL;
    tn_status status = tni_automaton_of(room, a, &w.a, err);
    if (status == TN_OK) {
        status = tni_automaton_of(room, b, &w.b, err);
    }
    size_t states = status == TN_OK ? w.a.n_states * w.b.n_states : 0;
    if (status != TN_OK || states > TNI_OVERLAP_STATES) {
        return status;
    }
    status = tni_arena_alloc(room, states / 8 + 1, &seen, err);
    if (status != TN_OK) {
        return status;
    }
    w.seen = seen;
    uint32_t at = search(&w);
    if (w.failed) {
        return tni_fail(err, TN_E_NOMEM, "there is no memory to compare two patterns");
    }
    bool good = false;
    if (at == UINT32_MAX) {
        *overlap_out = TNI_APART;
        return TN_OK;
    }
    status = write_name(arena, &w, at, witness_out, err);
    if (status == TN_OK) {
        status = check_witness(arena, a, b, *witness_out, &good, err);
    }
    *overlap_out = good ? TNI_OVERLAP : TNI_UNKNOWN;
    return status;
}

tn_status tni_patterns_overlap(tni_arena *arena, const tn_pattern *a, const tn_pattern *b,
                               tni_overlap *overlap_out, tn_str *witness_out, tn_error *err)
{
    tni_arena room;
    *overlap_out = TNI_UNKNOWN;
    *witness_out = TN_STR_NONE;
    if (are_two_names(a, b) || are_apart_by_ends(a, b)) {
        *overlap_out = TNI_APART;
        return TN_OK;
    }
    if (a->kind == TNI_REGEX || b->kind == TNI_REGEX) {
        return TN_OK;
    }
    tni_arena_init(&room, arena->ctx, arena->ctx->limits.memory);
    tn_status status = find(arena, &room, a, b, overlap_out, witness_out, err);
    tni_arena_clear(&room);
    return status;
}

tn_status tni_rules_overlap(tni_arena *arena, const tni_rule *a, const tni_rule *b,
                            tni_overlap *overlap_out, tn_str *witness_out, tn_error *err)
{
    tn_status status = TN_OK;
    tni_overlap worst = TNI_APART;
    *witness_out = TN_STR_NONE;
    for (size_t i = 0; a->priority == b->priority && i < a->n_patterns; i++) {
        for (size_t k = 0; status == TN_OK && worst != TNI_OVERLAP && k < b->n_patterns; k++) {
            tni_overlap overlap;
            status = tni_patterns_overlap(arena, a->patterns[i], b->patterns[k], &overlap,
                                          witness_out, err);
            if (status == TN_OK && overlap != TNI_APART) {
                worst = overlap;
            }
        }
    }
    if (status == TN_OK) {
        bool conditional = a->when != NULL || b->when != NULL;
        *overlap_out = worst == TNI_OVERLAP && conditional ? TNI_UNKNOWN : worst;
    }
    return status;
}
