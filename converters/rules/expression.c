/* From the text of an expression to its steps: operators wait on a stack until one of lower rank
 * comes (no recursion, whatever the depth). */
#include "converters/rules/expression.h"

#include "converters/rules/lexer.h"

/* An operator that waits for its right side; an open parenthesis has rank 0. */
typedef struct waiting {
    tni_step_kind kind;
    unsigned rank;
    size_t at;
} waiting;

typedef struct reading {
    const tni_scope *scope;
    tn_str text;
    size_t at;
    tni_step steps[TNI_EXPRESSION_STEPS];
    size_t n_steps;
    waiting stack[TNI_EXPRESSION_STEPS];
    size_t depth;
    bool after_value;
    tni_expression *out;
} reading;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool tni_number_read(tn_str text, int64_t *number_out)
{
    bool minus = text.len > 1 && text.data[0] == '-', good = text.len > 0;
    int64_t number = 0;
    for (size_t i = minus; good && i < text.len; i++) {
        int digit = text.data[i] - '0';
        good = is_digit(text.data[i]) && !__builtin_mul_overflow(number, 10, &number) &&
               !__builtin_sub_overflow(number, digit, &number);
    }
    good = good && (minus || number != INT64_MIN);
    if (good) {
        *number_out = minus ? number : -number;
    }
    return good;
}

bool tni_hole_is_number(const tni_hole *hole)
{
    bool number = hole->kind == TNI_HOLE_INT || hole->kind == TNI_HOLE_CHOICE;
    for (size_t i = 0; number && hole->kind == TNI_HOLE_CHOICE && i < hole->n_words; i++) {
        int64_t ignored;
        number = is_digit(hole->words[i].data[0]) && tni_number_read(hole->words[i], &ignored);
    }
    return number;
}

static tn_status too_long(tn_error *err)
{
    return tni_fail(err, TN_E_RULE, "the expression has more than %d steps", TNI_EXPRESSION_STEPS);
}

static tn_status add_step(reading *r, tni_step step, tn_error *err)
{
    if (r->n_steps == TNI_EXPRESSION_STEPS) {
        return too_long(err);
    }
    r->steps[r->n_steps++] = step;
    return TN_OK;
}

static tn_status push(reading *r, waiting one, tn_error *err)
{
    if (r->depth == TNI_EXPRESSION_STEPS) {
        return too_long(err);
    }
    r->stack[r->depth++] = one;
    return TN_OK;
}

/* Writes the waiting operators of at least this rank. */
static tn_status settle(reading *r, unsigned rank, tn_error *err)
{
    tn_status status = TN_OK;
    while (status == TN_OK && r->depth > 0 && r->stack[r->depth - 1].rank >= rank) {
        status = add_step(r, (tni_step){.kind = r->stack[--r->depth].kind}, err);
    }
    return status;
}

static void skip_spaces(reading *r)
{
    while (r->at < r->text.len && r->text.data[r->at] == ' ') {
        r->at++;
    }
}

/* Takes one byte if it comes next. */
static bool take(reading *r, char c)
{
    skip_spaces(r);
    bool here = r->at < r->text.len && r->text.data[r->at] == c;
    r->at += here;
    return here;
}

/* Takes letters, digits and _. */
static tn_str take_word(reading *r)
{
    size_t len = 0;
    skip_spaces(r);
    tn_str rest = tn_str_skip(r->text, r->at);
    while (len < rest.len && (tni_is_word(tn_str_first(rest, len + 1)) ||
                              (is_digit(rest.data[0]) && is_digit(rest.data[len])))) {
        len++;
    }
    r->at += len;
    return tn_str_first(rest, len);
}

static tn_status expected(reading *r, const char *what, tn_error *err)
{
    skip_spaces(r);
    tn_str rest = tn_str_skip(r->text, r->at);
    if (rest.len == 0 || rest.data[0] == ':') {
        return tni_fail(err, TN_E_RULE, "the expression '%.*s' ends where %s should stand",
                        (int)r->text.len, r->text.data, what);
    }
    tn_status status = tni_fail(err, TN_E_RULE, "in '%.*s' stands '%.*s' where %s should",
                                (int)r->text.len, r->text.data, (int)rest.len, rest.data, what);
    tni_error_hint(err, "an expression has whole numbers, names, + - * // %% ( ), rank(i) and "
                        "dim(\"NAME\", 0)");
    return status;
}

static const tni_hole *find_hole(const tn_pattern *pattern, tn_str name)
{
    for (size_t i = 0; pattern != NULL && pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        const tni_hole *hole = pattern->parts[i].hole;
        if (hole != NULL && tn_str_equal(hole->name, name)) {
            return hole;
        }
    }
    return NULL;
}

static tn_status no_number(const tni_hole *hole, tn_error *err)
{
    int len = (int)hole->name.len;
    tn_status status = tni_fail(err, TN_E_RULE, "the hole {%.*s} is not bound to numbers alone",
                                len, hole->name.data);
    tni_error_hint(err, "in the pattern write {%.*s:int}, or a choice of numbers: {%.*s:0|1}", len,
                   hole->name.data, len, hole->name.data);
    return status;
}

static tn_status add_variable(reading *r, tn_str name, tn_error *err)
{
    tn_str value = r->scope->vars == NULL ? TN_STR_NONE : tni_vars_find(r->scope->vars, name);
    tni_step step = {.kind = TNI_STEP_NUMBER};
    if (value.data == NULL) {
        tn_status status = tni_fail(err, TN_E_RULE, "there is no hole or variable '%.*s'",
                                    (int)name.len, name.data);
        if (r->scope->vars != NULL) {
            tni_vars_hint(r->scope->vars, name, err);
        }
        return status;
    }
    if (!tni_number_read(value, &step.number)) {
        return tni_fail(err, TN_E_RULE, "the variable '%.*s' is no whole number: '%.*s'",
                        (int)name.len, name.data, (int)value.len, value.data);
    }
    r->out->vars = true;
    return add_step(r, step, err);
}

/* Adds `rank(HOLE)`; the word and its parenthesis are read. */
static tn_status add_rank(reading *r, tn_error *err)
{
    size_t start = r->at;
    tn_str name = take_word(r);
    const tni_hole *hole = find_hole(r->scope->pattern, name);
    if (hole == NULL) {
        r->at = start;
        return expected(r, "the name of a hole", err);
    }
    if (!tni_hole_is_number(hole)) {
        r->at = start;
        return no_number(hole, err);
    }
    if (!take(r, ')')) {
        return expected(r, "a ')'", err);
    }
    r->out->ranks = true;
    r->out->constant = false;
    return add_step(r, (tni_step){.kind = TNI_STEP_RANK, .slot = hole->slot}, err);
}

/* Adds `dim("NAME", AXIS)`; the word and its parenthesis are read. */
static tn_status add_size(reading *r, tn_error *err)
{
    char quote = take(r, '"') ? '"' : take(r, '\'') ? '\'' : 0;
    tn_str rest = tn_str_skip(r->text, r->at);
    const char *end = quote == 0 || rest.len == 0 ? NULL : memchr(rest.data, quote, rest.len);
    if (end == NULL || end == rest.data) {
        return expected(r, "a tensor's name in quotes", err);
    }
    tni_step step = {.kind = TNI_STEP_DIM, .name = tn_str_first(rest, (size_t)(end - rest.data))};
    r->at += step.name.len + 1;
    if (!take(r, ',')) {
        return expected(r, "a comma and an axis", err);
    }
    bool minus = take(r, '-');
    tn_str axis = take_word(r);
    if (!tni_number_read(axis, &step.number)) {
        r->at -= axis.len;
        return expected(r, "an axis", err);
    }
    step.number = minus ? -step.number : step.number;
    if (!take(r, ')')) {
        return expected(r, "a ')'", err);
    }
    r->out->constant = false;
    return add_step(r, step, err);
}

static tn_status add_name(reading *r, tn_str name, tn_error *err)
{
    size_t start = r->at - name.len;
    const tni_hole *hole = find_hole(r->scope->pattern, name);
    bool call =
        (tn_str_equal(name, TN_LIT("rank")) || tn_str_equal(name, TN_LIT("dim"))) && take(r, '(');
    tn_status status;
    if (call) {
        return name.data[0] == 'r' ? add_rank(r, err) : add_size(r, err);
    }
    if (hole == NULL) {
        status = add_variable(r, name, err);
    } else if (!tni_hole_is_number(hole)) {
        status = no_number(hole, err);
    } else {
        r->out->constant = false;
        status = add_step(r, (tni_step){.kind = TNI_STEP_HOLE, .slot = hole->slot}, err);
    }
    r->at = status == TN_OK ? r->at : start;
    return status;
}

/* Reads a number, a name, an open parenthesis, or a minus sign before one of them. */
static tn_status read_value(reading *r, tn_error *err)
{
    size_t start = (skip_spaces(r), r->at);
    if (take(r, '(')) {
        return push(r, (waiting){TNI_STEP_NUMBER, 0, start}, err);
    }
    if (take(r, '-')) {
        return push(r, (waiting){TNI_STEP_NEGATE, 3, start}, err);
    }
    tn_str word = take_word(r);
    if (word.len == 0) {
        return expected(r, "a number or a name", err);
    }
    r->after_value = true;
    if (!is_digit(word.data[0])) {
        return add_name(r, word, err);
    }
    tni_step step = {.kind = TNI_STEP_NUMBER};
    if (!tni_number_read(word, &step.number)) {
        r->at = start;
        return tni_fail(err, TN_E_RULE, "the number %.*s does not fit 64 bits", (int)word.len,
                        word.data);
    }
    return add_step(r, step, err);
}

static tn_status close_parenthesis(reading *r, tn_error *err)
{
    tn_status status = settle(r, 1, err);
    if (status == TN_OK && r->depth == 0) {
        r->at--;
        return tni_fail(err, TN_E_RULE, "in '%.*s' a ')' has no '(' before it", (int)r->text.len,
                        r->text.data);
    }
    r->depth -= status == TN_OK;
    return status;
}

/* Reads an operator, or a closing parenthesis. */
static tn_status read_operator(reading *r, tn_error *err)
{
    static const struct {
        const char *text;
        tni_step_kind kind;
        unsigned rank;
    } operators[] = {{"+", TNI_STEP_ADD, 1},
                     {"-", TNI_STEP_SUBTRACT, 1},
                     {"*", TNI_STEP_MULTIPLY, 2},
                     {"//", TNI_STEP_DIVIDE, 2},
                     {"%", TNI_STEP_MODULO, 2}};
    if (take(r, ')')) {
        return close_parenthesis(r, err);
    }
    tn_str rest = tn_str_skip(r->text, r->at);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        tn_str text = tn_str_of(operators[i].text);
        if (tn_str_starts(rest, text)) {
            tn_status status = settle(r, operators[i].rank, err);
            waiting one = {operators[i].kind, operators[i].rank, r->at};
            r->at += text.len;
            r->after_value = false;
            return status != TN_OK ? status : push(r, one, err);
        }
    }
    if (tn_str_starts(rest, TN_LIT("/"))) {
        tn_status status = tni_fail(err, TN_E_RULE, "'/' is no operator of whole numbers");
        tni_error_hint(err, "// divides and rounds down");
        return status;
    }
    return expected(r, "an operator", err);
}

static bool at_end(reading *r)
{
    skip_spaces(r);
    return r->at == r->text.len || r->text.data[r->at] == ':';
}

static tn_status read_all(reading *r, tn_error *err)
{
    tn_status status = TN_OK;
    while (status == TN_OK && !(at_end(r) && r->after_value)) {
        status = r->after_value ? read_operator(r, err) : read_value(r, err);
    }
    size_t end = r->at;
    if (status == TN_OK) {
        status = settle(r, 1, err);
    }
    if (status == TN_OK && r->depth > 0) {
        r->at = r->stack[r->depth - 1].at;
        return tni_fail(err, TN_E_RULE, "in '%.*s' nothing closes a '('", (int)r->text.len,
                        r->text.data);
    }
    r->at = status == TN_OK ? end : r->at;
    return status;
}

/* Copies the names of tensors: the text need not live as long as the program. */
static tn_status keep_names(tni_arena *arena, tni_step *steps, size_t count, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        if (steps[i].kind == TNI_STEP_DIM) {
            status = tni_arena_str(arena, steps[i].name, &steps[i].name, err);
        }
    }
    return status;
}

tn_status tni_expression_compile(tni_arena *arena, tn_str text, const tni_scope *scope,
                                 tni_expression *expression_out, size_t *end_out, size_t *at_out,
                                 tn_error *err)
{
    tni_expression result = {.constant = true};
    reading r = {.scope = scope, .text = text, .out = &result};
    void *steps = NULL;
    tn_status status = read_all(&r, err);
    if (status == TN_OK) {
        status = tni_arena_str(arena, tn_str_first(text, r.at), &result.source, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, r.n_steps, sizeof(tni_step), &steps, err);
    }
    if (status == TN_OK) {
        memcpy(steps, r.steps, r.n_steps * sizeof(tni_step));
        status = keep_names(arena, steps, r.n_steps, err);
    }
    if (status != TN_OK) {
        *at_out = r.at;
        return status;
    }
    result.steps = steps;
    result.n_steps = r.n_steps;
    *expression_out = result;
    *end_out = r.at;
    return TN_OK;
}
