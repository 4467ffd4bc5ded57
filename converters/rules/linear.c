#include "converters/rules/linear.h"

#include <inttypes.h>
#include <stdlib.h>

enum { UNKNOWNS = 2 * TNI_HOLES_MOST }; /* holes, then their ranks */

/* A sum in the making: a factor for each hole, and for each rank. */
typedef struct sum {
    int64_t constant;
    int64_t factor[UNKNOWNS];
} sum;

static bool is_constant(const sum *s)
{
    bool constant = true;
    for (size_t i = 0; constant && i < UNKNOWNS; i++) {
        constant = s->factor[i] == 0;
    }
    return constant;
}

/* Adds `times` times another sum. False: more than 64 bits. */
static bool add(sum *to, const sum *other, int64_t times)
{
    bool fits = true;
    for (size_t i = 0; fits && i <= UNKNOWNS; i++) {
        int64_t product, *at = i == UNKNOWNS ? &to->constant : &to->factor[i];
        fits = !__builtin_mul_overflow(i == UNKNOWNS ? other->constant : other->factor[i], times,
                                       &product) &&
               !__builtin_add_overflow(*at, product, at);
    }
    return fits;
}

static tn_status refuse(const tni_expression *expression, const char *why, tn_error *err)
{
    return tni_fail(err, TN_E_RULE, "{%.*s} cannot be undone: %s", (int)expression->source.len,
                    expression->source.data, why);
}

/* Multiplies, or divides numbers; *top gets the result. */
static tn_status multiply(const tni_expression *expression, tni_step_kind kind, sum *top,
                          const sum *other, tn_error *err)
{
    const sum left = *top;
    bool numbers = is_constant(top) && is_constant(other);
    if (kind != TNI_STEP_MULTIPLY && !numbers) {
        return refuse(expression, "// and % forget a part of the number", err);
    }
    if (kind != TNI_STEP_MULTIPLY) {
        tni_step steps[3] = {{.kind = TNI_STEP_NUMBER, .number = left.constant},
                             {.kind = TNI_STEP_NUMBER, .number = other->constant},
                             {.kind = kind}};
        tni_expression one = {.source = expression->source, .steps = steps, .n_steps = 3};
        tni_values none = {NULL, NULL, NULL, NULL};
        return tni_expression_run(&one, &none, &top->constant, err);
    }
    if (!is_constant(top) && !is_constant(other)) {
        return refuse(expression, "it multiplies holes", err);
    }
    *top = (sum){.constant = 0};
    bool fits =
        is_constant(other) ? add(top, &left, other->constant) : add(top, other, left.constant);
    return fits ? TN_OK : refuse(expression, "it exceeds 64 bits", err);
}

/* Puts a number, a size or an unknown on the stack. */
static tn_status fetch(const tni_expression *expression, const tni_step *step,
                       const tni_values *values, sum *top, tn_error *err)
{
    *top = (sum){.constant = step->kind == TNI_STEP_NUMBER ? step->number : 0};
    if (step->kind == TNI_STEP_DIM && (values == NULL || values->size == NULL)) {
        return refuse(expression, "dim() needs the model", err);
    }
    if (step->kind == TNI_STEP_DIM) {
        return values->size(values->sizes, step->name, step->number, &top->constant, err);
    }
    if (step->kind != TNI_STEP_NUMBER) {
        top->factor[step->slot + (step->kind == TNI_STEP_RANK ? TNI_HOLES_MOST : 0)] = 1;
    }
    return TN_OK;
}

static tn_status run(const tni_expression *expression, const tni_values *values, sum *stack,
                     tn_error *err)
{
    size_t top = 0;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < expression->n_steps; i++) {
        const tni_step *step = &expression->steps[i];
        if (step->kind < TNI_STEP_NEGATE) {
            status = fetch(expression, step, values, &stack[++top], err);
            continue;
        }
        bool fits = true;
        if (step->kind == TNI_STEP_NEGATE) {
            const sum was = stack[top];
            stack[top] = (sum){.constant = 0};
            fits = add(&stack[top], &was, -1);
        } else {
            top--;
            if (step->kind == TNI_STEP_ADD || step->kind == TNI_STEP_SUBTRACT) {
                fits = add(&stack[top], &stack[top + 1], step->kind == TNI_STEP_ADD ? 1 : -1);
            } else {
                status = multiply(expression, step->kind, &stack[top], &stack[top + 1], err);
            }
        }
        status = status == TN_OK && !fits ? refuse(expression, "it exceeds 64 bits", err) : status;
    }
    return status;
}

static uint64_t size_of(int64_t factor)
{
    return factor < 0 ? 0 - (uint64_t)factor : (uint64_t)factor;
}

static int by_factor(const void *a, const void *b)
{
    const tni_term *x = a, *y = b;
    uint64_t p = size_of(x->factor), q = size_of(y->factor);
    if (p != q) {
        return p > q ? -1 : 1;
    }
    return x->bounded != y->bounded ? (x->bounded ? 1 : -1)
                                    : (x->slot > y->slot) - (x->slot < y->slot);
}

/* Makes sure that what all smaller terms add is less than one step of each. */
static tn_status check_unique(const tni_expression *expression, const tni_linear *linear,
                              tn_error *err)
{
    uint64_t span = 0;
    for (size_t k = linear->n_terms; k-- > 0;) {
        const tni_term *term = &linear->terms[k];
        uint64_t range = (uint64_t)term->high - (uint64_t)term->low, part;
        if (span >= size_of(term->factor)) {
            tn_status status =
                refuse(expression, "several values of its holes give one number", err);
            tni_error_hint(err, "say with 'expect' which numbers each hole has");
            return status;
        }
        if (!term->bounded && k > 0) {
            tn_status status = refuse(expression, "a hole is not bounded", err);
            tni_error_hint(err, "say with 'expect' which numbers each hole has");
            return status;
        }
        if (term->bounded && (__builtin_mul_overflow(size_of(term->factor), range, &part) ||
                              __builtin_add_overflow(span, part, &span) || span > INT64_MAX)) {
            return refuse(expression, "it exceeds 64 bits", err);
        }
    }
    return TN_OK;
}

/* Returns what the sum is where every term is at the end from which it is counted: the low one, or
 * the high one of a bounded term that is subtracted. False: more than 64 bits. */
static bool base_of(const tni_linear *linear, int64_t *base_out)
{
    int64_t base = linear->constant;
    bool fits = true;
    for (size_t k = 0; fits && k < linear->n_terms; k++) {
        const tni_term *term = &linear->terms[k];
        int64_t part, from = term->factor < 0 && term->bounded ? term->high : term->low;
        fits = !__builtin_mul_overflow(term->factor, from, &part) &&
               !__builtin_add_overflow(base, part, &base);
    }
    *base_out = base;
    return fits;
}

/* Tells whether the numbers of a sum can be negated and counted from its base. */
static bool is_handy(const tni_linear *linear)
{
    int64_t base;
    bool handy = base_of(linear, &base) && base != INT64_MIN && linear->constant != INT64_MIN;
    for (size_t k = 0; handy && k < linear->n_terms; k++) {
        handy = linear->terms[k].factor != INT64_MIN;
    }
    return handy;
}

tn_status tni_linear_of(tni_arena *arena, const tni_expression *expression, const tni_bound *bounds,
                        const tni_values *values, tni_linear *linear_out, tn_error *err)
{
    tni_linear linear = {.n_terms = 0};
    void *block;
    tn_status status = tni_arena_array(arena, expression->n_steps + 1, sizeof(sum), &block, err);
    sum *stack = block;
    if (status == TN_OK) {
        status = run(expression, values, stack, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < UNKNOWNS; i++) {
        uint32_t slot = i % TNI_HOLES_MOST;
        if (stack[1].factor[i] != 0) {
            linear.terms[linear.n_terms++] =
                (tni_term){.slot = slot,
                           .ranked = i >= TNI_HOLES_MOST,
                           .factor = stack[1].factor[i],
                           .bounded = bounds[slot].known,
                           .low = bounds[slot].known ? bounds[slot].low : 0,
                           .high = bounds[slot].high};
        }
    }
    if (status != TN_OK) {
        return status;
    }
    linear.constant = stack[1].constant;
    qsort(linear.terms, linear.n_terms, sizeof(tni_term), by_factor);
    status = check_unique(expression, &linear, err);
    if (status == TN_OK && !is_handy(&linear)) {
        status = refuse(expression, "it exceeds 64 bits", err);
    }
    if (status == TN_OK) {
        *linear_out = linear;
    }
    return status;
}

bool tni_linear_solve(const tni_linear *linear, int64_t result, int64_t *values_out)
{
    int64_t base, rest;
    if (!base_of(linear, &base) || __builtin_sub_overflow(result, base, &rest)) {
        return false;
    }
    for (size_t k = 0; k < linear->n_terms; k++) {
        const tni_term *term = &linear->terms[k];
        int64_t step = term->factor < 0 ? -term->factor : term->factor;
        int64_t count = rest / step - (rest % step < 0);
        rest -= count * step;
        count = term->factor < 0 && !term->bounded ? -count : count;
        bool inside = count >= 0 && (!term->bounded ||
                                     (uint64_t)count <= (uint64_t)term->high - (uint64_t)term->low);
        if (!inside) {
            return false;
        }
        values_out[k] = term->factor < 0 && term->bounded ? term->high - count : term->low + count;
    }
    return rest == 0;
}

/* Writes `text + number`, or what is shorter. */
static void write_offset(int64_t number, tni_buffer *out)
{
    if (number != 0) {
        tni_buffer_format(out, "%s%" PRIu64, number < 0 ? "-" : "+", size_of(number));
    }
}

void tni_linear_write(const tni_linear *linear, size_t k, tn_str name, tni_buffer *out)
{
    const tni_term *term = &linear->terms[k];
    int64_t base = 0;
    base_of(linear, &base);
    if (linear->n_terms == 1 && term->factor == 1) {
        tni_buffer_str(out, name);
        write_offset(-linear->constant, out);
        return;
    }
    bool down = term->factor < 0;
    int64_t from = down && term->bounded ? term->high : term->low;
    if (down || from != 0) {
        tni_buffer_format(out, "%" PRId64 "%s", from, down ? "-" : "+");
    }
    if (base != 0) {
        tni_buffer_char(out, '(');
    }
    tni_buffer_str(out, name);
    write_offset(-base, out);
    if (base != 0) {
        tni_buffer_char(out, ')');
    }
    for (size_t i = 0; i < k; i++) {
        if (size_of(linear->terms[i].factor) > 1) {
            tni_buffer_format(out, "%%%" PRIu64, size_of(linear->terms[i].factor));
        }
    }
    if (size_of(term->factor) > 1) {
        tni_buffer_format(out, "//%" PRIu64, size_of(term->factor));
    }
}
