/* Operations led back by what a rule file says of them, without a model. */
#include "converters/rule_verbs/invert_file.h"

/* Raises that the rule alone does not tell what is needed. */
static tn_status needs_model(const tni_rule_op *op, const char *what, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_RULE, "'%.*s' is led back by %s, which only a model tells",
                 (int)op->text.len, op->text.data, what);
    tni_error_hint(err, "give the model: tenon rules invert FILE MODEL");
    return status;
}

static tn_str trim(tn_str text)
{
    while (text.len > 0 && text.data[0] == ' ') {
        text = tn_str_skip(text, 1);
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

/* Writes `A->B` as `"B->A"`. */
static void write_turned(const tni_rule_op *op, tni_buffer *out)
{
    tn_str text = op->axes->text;
    size_t arrow = 0;
    while (!tn_str_starts(tn_str_skip(text, arrow), TN_LIT("->"))) {
        arrow++;
    }
    tni_buffer_char(out, '"');
    tni_buffer_str(out, trim(tn_str_skip(text, arrow + 2)));
    tni_buffer_text(out, op->layout == TNI_OP_TRANSPOSE ? "->" : " -> ");
    tni_buffer_str(out, trim(tn_str_first(text, arrow)));
    tni_buffer_char(out, '"');
}

/* Writes an expression, which may name variables: the inverse has them, too. Holes of the rule mean
 * nothing there, nor do tensors. */
static tn_status write_expression(const tni_rule_op *op, const tni_expression *expression,
                                  tni_buffer *out, tn_error *err)
{
    int64_t number;
    if (!expression->constant) {
        return needs_model(op, "numbers that its names or tensors give", err);
    }
    bool plain = tni_number_read(expression->source, &number);
    tni_buffer_text(out, plain ? "" : "\"");
    tni_buffer_str(out, expression->source);
    tni_buffer_text(out, plain ? "" : "\"");
    return TN_OK;
}

/* Writes `, with: {…}`. Of each dimension that is cut, all sizes but one must be said. */
static tn_status write_with(const tni_rule_op *op, tni_buffer *out, tn_error *err)
{
    bool any = false;
    tn_status status = TN_OK;
    const tni_axes *axes = op->axes;
    for (uint32_t d = 0, first = 0; d < axes->right.rank; first = axes->right.end[d++]) {
        uint32_t open = 0;
        for (uint32_t i = first; i < axes->right.end[d]; i++) {
            open += op->given == NULL || !op->given[axes->right.axis[i]];
        }
        if (open > 1) {
            return needs_model(op, "sizes", err);
        }
    }
    for (uint32_t i = 0; status == TN_OK && op->given != NULL && i < axes->count; i++) {
        if (op->given[i]) {
            tni_buffer_text(out, any ? ", " : ", with: {");
            tni_buffer_str(out, axes->name[i]);
            tni_buffer_text(out, ": ");
            status = write_expression(op, &op->sizes[i], out, err);
            any = true;
        }
    }
    tni_buffer_text(out, any ? "}" : "");
    return status;
}

/* Writes `{concat: {axis: …}}` and the like, for operations whose inverse has their own axis. */
static tn_status write_axis(const tni_rule_op *op, const char *name, tni_buffer *out, tn_error *err)
{
    tni_buffer_format(out, "%s: {", name);
    if (op->over.len > 0) {
        tni_buffer_text(out, "over: ");
        tni_buffer_str(out, op->over);
        tni_buffer_text(out, ", ");
    }
    tni_buffer_text(out, "axis: ");
    tn_status status = write_expression(op, op->axis, out, err);
    if (status == TN_OK && op->groups != NULL) {
        tni_buffer_text(out, ", groups: ");
        status = write_expression(op, op->groups, out, err);
    }
    tni_buffer_char(out, '}');
    return status;
}

tn_status tni_op_turn(const tni_rule *rule, size_t index, tni_buffer *out, tn_error *err)
{
    const tni_rule_op *op = &rule->ops[index];
    tn_status status = TN_OK;
    if (op->kind == TNI_RULE_CAST) {
        return needs_model(op, "the dtype before", err);
    }
    if (op->kind != TNI_RULE_LAYOUT) {
        return tni_fail(err, TN_E_RULE, "'%.*s' changes values: names invertible, values not",
                        (int)op->text.len, op->text.data);
    }
    tni_buffer_char(out, '{');
    switch (op->layout) {
    case TNI_OP_TRANSPOSE:
    case TNI_OP_REARRANGE:
        tni_buffer_format(out, "%s: ", tni_op_name(op->layout));
        write_turned(op, out);
        status = op->layout == TNI_OP_REARRANGE ? write_with(op, out, err) : TN_OK;
        break;
    case TNI_OP_PARTITION:
        tni_buffer_text(out, "unpartition: {}");
        break;
    case TNI_OP_SPLIT:
        status = write_axis(op, "concat", out, err);
        break;
    case TNI_OP_UNSTACK:
        status = write_axis(op, "stack", out, err);
        break;
    case TNI_OP_STACK:
        status = write_axis(op, "unstack", out, err);
        break;
    case TNI_OP_RESHAPE:
        status = needs_model(op, "the shape before", err);
        break;
    case TNI_OP_UNPARTITION:
    case TNI_OP_CONCAT:
    case TNI_OP_COUNT:
    default:
        status = needs_model(op, "the sizes of the parts", err);
        break;
    }
    tni_buffer_char(out, '}');
    return status;
}
