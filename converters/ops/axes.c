#include "converters/ops/axes.h"

#include "core/error.h"
#include <tenon/text.h>

enum { LEFT, RIGHT };

typedef struct parser {
    const char *what; /* the operation */
    tn_str text;
    size_t at;
    int side;
    bool is_open; /* within parentheses */
    uint32_t room;
    uint32_t count; /* axes of the left side */
    uint32_t rank[2], used[2];
    tn_str *name;
    uint32_t *end[2], *axis[2];
    bool *seen; /* by axis: on the right side */
} parser;

static tn_status start(parser *p, tni_arena *arena, const char *what, tn_str text, tn_error *err)
{
    void *block = NULL;
    *p = (parser){.what = what, .text = text};
    p->room = text.len < TNI_AXES_MOST ? (uint32_t)text.len : TNI_AXES_MOST;
    tn_status status = tni_arena_array(arena, p->room, sizeof *p->name, &block, err);
    p->name = block;
    if (status == TN_OK) {
        status = tni_arena_array(arena, p->room, 4 * sizeof(uint32_t) + sizeof(bool), &block, err);
    }
    if (status == TN_OK) {
        uint32_t *numbers = block;
        p->end[LEFT] = numbers;
        p->end[RIGHT] = numbers + p->room;
        p->axis[LEFT] = numbers + 2 * (size_t)p->room;
        p->axis[RIGHT] = numbers + 3 * (size_t)p->room;
        p->seen = (bool *)(numbers + 4 * (size_t)p->room);
    }
    return status;
}

static uint32_t find(const tn_str *names, uint32_t count, tn_str name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (tn_str_equal(names[i], name)) {
            return i;
        }
    }
    return TNI_AXES_MOST;
}

uint32_t tni_axes_find(const tni_axes *axes, tn_str name)
{
    return find(axes->name, axes->count, name);
}

static tn_status too_many(const parser *p, tn_error *err)
{
    return tni_fail(err, TN_E_RULE, "%s: more than %d axes", p->what, TNI_AXES_MOST);
}

static tn_status fail_axis(const parser *p, tn_str name, const char *fault, tn_error *err)
{
    return tni_fail(err, TN_E_RULE, "%s: axis '%.*s' %s", p->what, (int)name.len, name.data, fault);
}

/* Takes in the axis `name`, which begins where the parser stands. */
static tn_status add_axis(parser *p, tn_str name, tn_error *err)
{
    uint32_t number = find(p->name, p->count, name);
    if (p->side == LEFT && number != TNI_AXES_MOST) {
        return fail_axis(p, name, "stands twice on the left side", err);
    }
    if (p->side == RIGHT && number == TNI_AXES_MOST) {
        return fail_axis(p, name, "is not on the left side", err);
    }
    if (p->side == RIGHT && p->seen[number]) {
        return fail_axis(p, name, "stands twice on the right side", err);
    }
    if (p->side == LEFT && p->count == p->room) {
        return too_many(p, err);
    }
    if (p->side == LEFT) {
        number = p->count++;
        p->name[number] = name;
    }
    p->seen[number] = p->side == RIGHT;
    p->axis[p->side][p->used[p->side]++] = number;
    p->at += name.len;
    return TN_OK;
}

/* Ends a dimension: of the axes that came since the last one. */
static tn_status add_dimension(parser *p, tn_error *err)
{
    uint32_t *rank = &p->rank[p->side];
    if (*rank == p->room) {
        return too_many(p, err);
    }
    p->end[p->side][(*rank)++] = p->used[p->side];
    return TN_OK;
}

static tn_status turn(parser *p, tn_error *err)
{
    if (p->is_open) {
        return tni_fail(err, TN_E_RULE, "%s: a '(' has no ')' behind it", p->what);
    }
    if (p->side == RIGHT) {
        return tni_fail(err, TN_E_RULE, "%s: there is a second '->'", p->what);
    }
    p->side = RIGHT;
    p->at += 2;
    return TN_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool at_arrow(const parser *p)
{
    return tn_str_starts(tn_str_skip(p->text, p->at), TN_LIT("->"));
}

static tn_status strange(const parser *p, const char *wanted, tn_error *err)
{
    char shown[8];
    tn_escape(tn_str_first(tn_str_skip(p->text, p->at), 1), shown, sizeof shown);
    return tni_fail(err, TN_E_RULE, "%s: '%s' is not %s", p->what, shown, wanted);
}

static tn_status step_letters(parser *p, tn_error *err)
{
    if (at_arrow(p)) {
        return turn(p, err);
    }
    if (!is_letter(p->text.data[p->at])) {
        return strange(p, "a letter that names an axis", err);
    }
    tn_status status = add_axis(p, tn_str_first(tn_str_skip(p->text, p->at), 1), err);
    return status == TN_OK ? add_dimension(p, err) : status;
}

static tn_status parenthesis(parser *p, tn_error *err)
{
    bool opens = p->text.data[p->at] == '(';
    if (opens && p->is_open) {
        return tni_fail(err, TN_E_RULE, "%s: there are parentheses within parentheses", p->what);
    }
    if (!opens && !p->is_open) {
        return tni_fail(err, TN_E_RULE, "%s: a ')' has no '(' before it", p->what);
    }
    p->is_open = opens;
    p->at++;
    return opens ? TN_OK : add_dimension(p, err);
}

/* Takes in a word that names an axis, or the number 1. */
static tn_status word(parser *p, tn_error *err)
{
    tn_str rest = tn_str_skip(p->text, p->at);
    size_t len = 0;
    while (len < rest.len &&
           (is_letter(rest.data[len]) || is_digit(rest.data[len]) || rest.data[len] == '_')) {
        len++;
    }
    tn_str name = tn_str_first(rest, len);
    if (len == 0) {
        return strange(p, "an axis", err);
    }
    if (is_digit(name.data[0]) && !tn_str_equal(name, TN_LIT("1"))) {
        tn_status status =
            tni_fail(err, TN_E_RULE, "%s: only the number 1 may stand for an axis", p->what);
        tni_error_hint(err, "name the axis, and give its size in `with:`");
        return status;
    }
    if (is_digit(name.data[0])) {
        p->at++;
        return p->is_open ? TN_OK : add_dimension(p, err);
    }
    tn_status status = add_axis(p, name, err);
    return status == TN_OK && !p->is_open ? add_dimension(p, err) : status;
}

static tn_status step_words(parser *p, tn_error *err)
{
    char c = p->text.data[p->at];
    if (c == ' ') {
        p->at++;
        return TN_OK;
    }
    if (at_arrow(p)) {
        return turn(p, err);
    }
    return c == '(' || c == ')' ? parenthesis(p, err) : word(p, err);
}

/* Checks what only the end can tell. */
static tn_status finish(parser *p, tn_error *err)
{
    if (p->is_open) {
        return tni_fail(err, TN_E_RULE, "%s: a '(' has no ')' behind it", p->what);
    }
    if (p->side == LEFT) {
        return tni_fail(err, TN_E_RULE, "%s: there is no '->'", p->what);
    }
    for (uint32_t i = 0; i < p->count; i++) {
        if (!p->seen[i]) {
            return fail_axis(p, p->name[i], "is missing on the right side", err);
        }
    }
    return TN_OK;
}

static tn_status parse(parser *p, tn_status (*step)(parser *p, tn_error *err), tni_axes *axes_out,
                       size_t *at_out, tn_error *err)
{
    tn_status status = TN_OK;
    while (status == TN_OK && p->at < p->text.len) {
        status = step(p, err);
    }
    if (status == TN_OK) {
        status = finish(p, err);
    }
    if (status != TN_OK) {
        *at_out = p->at;
        return status;
    }
    *axes_out = (tni_axes){.text = p->text,
                           .count = p->count,
                           .name = p->name,
                           .left = {p->rank[LEFT], p->end[LEFT], p->axis[LEFT]},
                           .right = {p->rank[RIGHT], p->end[RIGHT], p->axis[RIGHT]}};
    return TN_OK;
}

tn_status tni_axes_letters(tni_arena *arena, tn_str text, tni_axes *axes_out, size_t *at_out,
                           tn_error *err)
{
    parser p;
    *at_out = 0;
    tn_status status = start(&p, arena, "transpose", text, err);
    return status == TN_OK ? parse(&p, step_letters, axes_out, at_out, err) : status;
}

tn_status tni_axes_words(tni_arena *arena, tn_str text, tni_axes *axes_out, size_t *at_out,
                         tn_error *err)
{
    parser p;
    *at_out = 0;
    tn_status status = start(&p, arena, "rearrange", text, err);
    return status == TN_OK ? parse(&p, step_words, axes_out, at_out, err) : status;
}
