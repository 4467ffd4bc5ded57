/* Operations led back: an arrow turned round. All others change values, or need more than the rule.
 */
#include "converters/rule_verbs/invert_file.h"
#include "converters/rules/keys.h"
#include "converters/rules/print.h"

/* Gives the text of an operation that has an arrow, or NULL. */
static const tni_yaml *arrow_of(const tni_rule_op *op)
{
    bool turns = op->kind == TNI_RULE_LAYOUT &&
                 (op->layout == TNI_OP_TRANSPOSE || op->layout == TNI_OP_REARRANGE);
    return turns && op->node != NULL ? tni_keys_find(op->node, tni_op_name(op->layout)) : NULL;
}

tn_status tni_ops_reversible(const tni_rule *rule, tn_error *why)
{
    if (rule->operates && (rule->n_targets > 1 || (rule->n_patterns > 1 && rule->to != NULL))) {
        return tni_fail(why, TN_E_RULE, "it joins or splits tensors, which is not led back");
    }
    for (size_t i = 0; i < rule->n_ops; i++) {
        const tni_rule_op *op = &rule->ops[i];
        if (op->kind != TNI_RULE_LAYOUT) {
            return tni_fail(why, TN_E_RULE,
                            "'%.*s' changes values: names could be led back, values not",
                            (int)op->text.len, op->text.data);
        }
        if (arrow_of(op) == NULL) {
            return tni_fail(why, TN_E_RULE, "'%.*s' is not led back", (int)op->text.len,
                            op->text.data);
        }
    }
    return TN_OK;
}

/* Writes `A->B` as `B -> A`. */
static void print_turned(tn_str text, const char *arrow_text, FILE *out)
{
    const char *arrow = memmem(text.data, text.len, "->", 2);
    size_t head = arrow == NULL ? text.len : (size_t)(arrow - text.data);
    tn_str from = tn_str_first(text, head), to = tn_str_skip(text, head + 2);
    while (from.len > 0 && from.data[from.len - 1] == ' ') {
        from.len--;
    }
    while (to.len > 0 && to.data[0] == ' ') {
        to = tn_str_skip(to, 1);
    }
    fprintf(out, "\"%.*s%s%.*s\"", (int)to.len, to.data, arrow_text, (int)from.len, from.data);
}

void tni_ops_print_reversed(const tni_rule *rule, FILE *out)
{
    for (size_t i = rule->n_ops; i > 0; i--) {
        const tni_rule_op *op = &rule->ops[i - 1];
        const tni_yaml *with = tni_keys_find(op->node, "with");
        fprintf(out, "%s{%s: ", i == rule->n_ops ? ", do: [" : ", ", tni_op_name(op->layout));
        print_turned(arrow_of(op)->text, op->layout == TNI_OP_TRANSPOSE ? "->" : " -> ", out);
        if (with != NULL) {
            fputs(", with: ", out);
            tni_print_map(with, out);
        }
        fputs(i == 1 ? "}]" : "}", out);
    }
}
