/* Running an expression: numbers on a stack, every step checked. */
#include "converters/rules/expression.h"

static tn_status too_large(const tni_expression *expression, tn_error *err)
{
    return tni_fail(err, TN_E_NAME, "%.*s exceeds 64 bits here", (int)expression->source.len,
                    expression->source.data);
}

/* Divides and rounds down; *rest_out has the sign of the divisor. False: more than 64 bits. */
static bool divide(int64_t a, int64_t b, int64_t *quotient_out, int64_t *rest_out)
{
    if (b == -1) { /* the hardware traps where the quotient does not fit */
        *rest_out = 0;
        return !__builtin_sub_overflow(0, a, quotient_out);
    }
    int64_t quotient = a / b, rest = a % b;
    bool down = rest != 0 && (rest < 0) != (b < 0);
    *quotient_out = quotient - down;
    *rest_out = down ? rest + b : rest;
    return true;
}

static tn_status combine(const tni_expression *expression, tni_step_kind kind, int64_t a, int64_t b,
                         int64_t *out, tn_error *err)
{
    int64_t quotient = 0, rest = 0;
    bool fits;
    bool divides = kind == TNI_STEP_DIVIDE || kind == TNI_STEP_MODULO;
    if (divides && b == 0) {
        return tni_fail(err, TN_E_NAME, "%.*s divides by zero here", (int)expression->source.len,
                        expression->source.data);
    }
    if (kind == TNI_STEP_ADD) {
        fits = !__builtin_add_overflow(a, b, out);
    } else if (kind == TNI_STEP_SUBTRACT) {
        fits = !__builtin_sub_overflow(a, b, out);
    } else if (kind == TNI_STEP_MULTIPLY) {
        fits = !__builtin_mul_overflow(a, b, out);
    } else {
        fits = divide(a, b, &quotient, &rest) || kind == TNI_STEP_MODULO;
        *out = kind == TNI_STEP_DIVIDE ? quotient : rest;
    }
    return fits ? TN_OK : too_large(expression, err);
}

/* Finds a value's place among the sorted values that were seen. */
static int64_t rank_of(const tni_seen_numbers *seen, int64_t value)
{
    size_t low = 0, high = seen->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (seen->at[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (int64_t)low;
}

/* Gives the number that a step puts on the stack. */
static tn_status fetch(const tni_step *step, const tni_values *values, int64_t *out, tn_error *err)
{
    *out = step->number;
    if (step->kind == TNI_STEP_DIM) {
        return values->size(values->sizes, step->name, step->number, out, err);
    }
    if (step->kind == TNI_STEP_HOLE || step->kind == TNI_STEP_RANK) {
        tni_number_read(values->bound[step->slot].text, out); /* which the pattern made sure of */
    }
    if (step->kind == TNI_STEP_RANK) {
        *out = rank_of(&values->seen[step->slot], *out);
    }
    return TN_OK;
}

tn_status tni_expression_run(const tni_expression *expression, const tni_values *values,
                             int64_t *value_out, tn_error *err)
{
    int64_t stack[TNI_EXPRESSION_STEPS + 1] = {0};
    size_t top = 0; /* stack[0] is never used: a step of two always finds two */
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < expression->n_steps; i++) {
        const tni_step *step = &expression->steps[i];
        if (step->kind < TNI_STEP_NEGATE) {
            status = fetch(step, values, &stack[++top], err);
        } else if (step->kind == TNI_STEP_NEGATE) {
            status = combine(expression, TNI_STEP_SUBTRACT, 0, stack[top], &stack[top], err);
        } else {
            top--;
            status = combine(expression, step->kind, stack[top], stack[top + 1], &stack[top], err);
        }
    }
    if (status == TN_OK) {
        *value_out = stack[top];
    }
    return status;
}
