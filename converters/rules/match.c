/* Matching names against patterns with holes. A table says, part by part from the last, from which
 * places of the name the rest can match; then the parts are laid out from the first on. Without
 * repeated holes no choice is ever taken back. */
#include "converters/rules/expression.h"
#include "converters/rules/regex.h"

void tni_matcher_init(tni_matcher *matcher, tn_context *ctx)
{
    *matcher = (tni_matcher){.ctx = ctx};
}

void tni_matcher_clear(tni_matcher *matcher)
{
    tni_regex_room_free(matcher->regex);
    tni_free(matcher->ctx, matcher->can);
    matcher->regex = NULL;
    matcher->can = NULL;
    matcher->room = 0;
}

int tni_pattern_slot(const tn_pattern *pattern, tn_str name)
{
    int64_t group;
    if (pattern->kind == TNI_REGEX && tni_number_read(name, &group)) {
        return group >= 1 && group <= pattern->n_slots ? (int)group - 1 : -1;
    }
    for (size_t i = 0; pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        const tni_hole *hole = pattern->parts[i].hole;
        if (hole != NULL && tn_str_equal(hole->name, name)) {
            return (int)hole->slot;
        }
    }
    return -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Tells whether text[0..len) is a number as the hole wants it. */
static bool is_number(const tni_hole *hole, tn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
    }
    if (hole->digits != 0) {
        return text.len == hole->digits;
    }
    return text.len == 1 || (text.len > 1 && text.len <= TNI_INT_DIGITS && text.data[0] != '0');
}

static bool may_hold(const tn_pattern *pattern, const tni_hole *hole, char c)
{
    return hole->kind == TNI_HOLE_PATH || c != pattern->separator;
}

/* Fills the row of a hole of one kind from the row behind it. */
static void fill_run(const tn_pattern *pattern, const tni_hole *hole, tn_str name,
                     const unsigned char *next, unsigned char *row)
{
    row[name.len] = 0;
    for (size_t i = name.len; i-- > 0;) {
        row[i] = may_hold(pattern, hole, name.data[i]) && (next[i + 1] || row[i + 1]);
    }
}

static void fill_int(const tni_hole *hole, tn_str name, const unsigned char *next,
                     unsigned char *row)
{
    for (size_t i = 0; i <= name.len; i++) {
        tn_str rest = tn_str_skip(name, i);
        row[i] = 0;
        for (size_t len = 1; !row[i] && len <= rest.len && len <= TNI_INT_DIGITS; len++) {
            row[i] = next[i + len] && is_number(hole, tn_str_first(rest, len));
        }
    }
}

static void fill_choice(const tni_hole *hole, tn_str name, const unsigned char *next,
                        unsigned char *row)
{
    for (size_t i = 0; i <= name.len; i++) {
        tn_str rest = tn_str_skip(name, i);
        row[i] = 0;
        for (size_t k = 0; !row[i] && k < hole->n_words; k++) {
            row[i] = tn_str_starts(rest, hole->words[k]) && next[i + hole->words[k].len];
        }
    }
}

static void fill_literal(tn_str text, tn_str name, const unsigned char *next, unsigned char *row)
{
    for (size_t i = 0; i <= name.len; i++) {
        row[i] = tn_str_starts(tn_str_skip(name, i), text) && next[i + text.len];
    }
}

static void fill_table(const tn_pattern *pattern, tn_str name, unsigned char *can)
{
    size_t width = name.len + 1;
    unsigned char *last = can + pattern->n_parts * width;
    memset(last, 0, width);
    last[name.len] = 1;
    for (size_t p = pattern->n_parts; p-- > 0;) {
        const tni_part *part = &pattern->parts[p];
        unsigned char *row = can + p * width, *next = row + width;
        if (part->hole == NULL) {
            fill_literal(part->text, name, next, row);
        } else if (part->hole->kind == TNI_HOLE_INT) {
            fill_int(part->hole, name, next, row);
        } else if (part->hole->kind == TNI_HOLE_CHOICE) {
            fill_choice(part->hole, name, next, row);
        } else {
            fill_run(pattern, part->hole, name, next, row);
        }
    }
}

/* A search for places of all parts. */
typedef struct search {
    const tn_pattern *pattern;
    tni_matcher *matcher;
    tn_str name;
    size_t at[2 * TNI_HOLES_MOST + 2];    /* where each part begins */
    size_t tried[2 * TNI_HOLES_MOST + 1]; /* which of its readings: length, or word + 1 */
    uint64_t steps;
} search;

static bool same_value(const tni_hole *hole, tn_str a, tn_str b)
{
    if (hole->kind == TNI_HOLE_INT) {
        while (a.len > 1 && a.data[0] == '0') {
            a = tn_str_skip(a, 1);
        }
        while (b.len > 1 && b.data[0] == '0') {
            b = tn_str_skip(b, 1);
        }
    }
    return tn_str_equal(a, b);
}

/* Tells whether an earlier mention of the hole, if there is one, is bound to an equal value. */
static bool agrees(const search *s, size_t p, tn_str text)
{
    const tni_hole *hole = s->pattern->parts[p].hole;
    for (size_t q = 0; s->pattern->repeats && q < p; q++) {
        const tni_hole *other = s->pattern->parts[q].hole;
        if (other != NULL && other->slot == hole->slot) {
            tn_str before = {s->name.data + s->at[q], s->at[q + 1] - s->at[q]};
            return same_value(hole, before, text);
        }
    }
    return true;
}

/* Tells whether part p may be name[at, at + len). */
static bool fits(const search *s, size_t p, size_t len)
{
    const tni_hole *hole = s->pattern->parts[p].hole;
    size_t end = s->at[p] + len;
    tn_str text = {s->name.data + s->at[p], len};
    bool can = s->matcher->can[(p + 1) * (s->name.len + 1) + end];
    return can && (hole->kind != TNI_HOLE_INT || is_number(hole, text)) && agrees(s, p, text);
}

static bool next_word(search *s, size_t p)
{
    const tni_hole *hole = s->pattern->parts[p].hole;
    tn_str rest = tn_str_skip(s->name, s->at[p]);
    while (s->tried[p] < hole->n_words) {
        tn_str word = hole->words[s->tried[p]++];
        s->steps++;
        if (tn_str_starts(rest, word) && fits(s, p, word.len)) {
            s->at[p + 1] = s->at[p] + word.len;
            return true;
        }
    }
    return false;
}

static bool next_length(search *s, size_t p)
{
    const tni_hole *hole = s->pattern->parts[p].hole;
    tn_str rest = tn_str_skip(s->name, s->at[p]);
    size_t most = rest.len;
    if (hole->kind == TNI_HOLE_INT && most > TNI_INT_DIGITS) {
        most = TNI_INT_DIGITS;
    }
    while (s->tried[p] < most && may_hold(s->pattern, hole, rest.data[s->tried[p]])) {
        s->tried[p]++;
        s->steps++;
        if (fits(s, p, s->tried[p])) {
            s->at[p + 1] = s->at[p] + s->tried[p];
            return true;
        }
    }
    return false;
}

/* Finds the next reading of part p, which begins at at[p]. */
static bool advance(search *s, size_t p)
{
    const tni_part *part = &s->pattern->parts[p];
    if (part->hole == NULL) {
        s->at[p + 1] = s->at[p] + part->text.len;
        return s->tried[p]++ == 0;
    }
    return part->hole->kind == TNI_HOLE_CHOICE ? next_word(s, p) : next_length(s, p);
}

static tn_status lay_out(search *s, bool *found_out, tn_error *err)
{
    size_t p = 0;
    s->at[0] = 0;
    s->tried[0] = 0;
    *found_out = true;
    while (p < s->pattern->n_parts) {
        if (s->steps > TNI_MATCH_STEPS) {
            tn_status status = tni_fail(err, TN_E_LIMIT,
                                        "the pattern '%.*s' repeats a hole and would be searched "
                                        "for too long in this name",
                                        (int)s->pattern->source.len, s->pattern->source.data);
            tni_error_subject(err, s->name);
            return status;
        }
        if (advance(s, p)) {
            s->tried[++p] = 0;
        } else if (p-- == 0) {
            *found_out = false;
            return TN_OK;
        }
    }
    return TN_OK;
}

static void bind(const search *s)
{
    for (size_t p = s->pattern->n_parts; p-- > 0;) {
        const tni_hole *hole = s->pattern->parts[p].hole;
        if (hole != NULL) {
            tn_str text = {s->name.data + s->at[p], s->at[p + 1] - s->at[p]};
            s->matcher->bound[hole->slot] = (tni_binding){text, hole};
        }
    }
}

/* Rules out most names by the literal texts at both ends. */
static bool ends_fit(const tn_pattern *pattern, tn_str name)
{
    const tni_part *first = &pattern->parts[0], *last = &pattern->parts[pattern->n_parts - 1];
    return (first->hole != NULL || tn_str_starts(name, first->text)) &&
           (last->hole != NULL || tn_str_ends(name, last->text));
}

static tn_status match_holes(const tn_pattern *pattern, tni_matcher *matcher, tn_str name,
                             bool *found_out, tn_error *err)
{
    size_t room = (pattern->n_parts + 1) * (name.len + 1);
    *found_out = false;
    if (!ends_fit(pattern, name)) {
        return TN_OK;
    }
    if (room > matcher->room) {
        void *block = matcher->can;
        tn_status status = tni_resize(matcher->ctx, &block, 2 * room, err);
        if (status != TN_OK) {
            return status;
        }
        matcher->can = block;
        matcher->room = 2 * room;
    }
    fill_table(pattern, name, matcher->can);
    if (!matcher->can[0]) {
        return TN_OK;
    }
    search s = {.pattern = pattern, .matcher = matcher, .name = name};
    tn_status status = lay_out(&s, found_out, err);
    if (status == TN_OK && *found_out) {
        bind(&s);
    }
    return status;
}

tn_status tni_pattern_match(const tn_pattern *pattern, tni_matcher *matcher, tn_str name,
                            bool *found_out, tn_error *err)
{
    if (pattern->kind == TNI_HOLES) {
        return match_holes(pattern, matcher, name, found_out, err);
    }
    if (pattern->kind == TNI_REGEX) {
        return tni_regex_match(pattern, matcher, name, found_out, err);
    }
    *found_out = pattern->kind == TNI_EXACT ? tn_str_equal(pattern->exact, name)
                                            : tni_glob_matches(pattern, name);
    return TN_OK;
}
