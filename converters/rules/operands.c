/* The tensors that `add` takes: they count as claimed. */
#include "converters/rules/operate.h"

tn_status tni_find_operand(tni_stage *stage, const tni_rule *rule, const tni_rule_op *op,
                           size_t index, uint32_t *operand_out, tn_error *err)
{
    tni_values values = tni_claim_values(stage, rule);
    const tni_decision *decision = &stage->decisions[index];
    tni_member member = {.index = (uint32_t)index};
    tni_binding bound[TNI_HOLES_MOST + 1];
    while (rule->patterns[member.pattern] != decision->pattern) {
        member.pattern++;
    }
    tn_status status = tni_bind_member(stage, rule, &member, bound, err);
    values.bound = bound;
    if (status == TN_OK) {
        status = tni_template_render(op->operand, decision->pattern, &values, &stage->buffer, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_str name = {stage->buffer.data, stage->buffer.len};
    uint32_t found = tni_model_index(stage->model, stage->set->scheme, name);
    if (found == TN_NO_INDEX || found == TNI_INDEX_MANY) {
        return tni_fail(err, TN_E_NO_SUCH_NAME, "add: %s '%.*s'",
                        found == TN_NO_INDEX ? "there is no tensor" : "several tensors are called",
                        (int)(name.len < 200 ? name.len : 200), name.data);
    }
    *operand_out = found;
    return TN_OK;
}

tn_status tni_stage_operands(tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        const tni_rule *rule = stage->decisions[i].claimed ? stage->decisions[i].rule : NULL;
        for (size_t k = 0; status == TN_OK && rule != NULL && k < rule->n_ops; k++) {
            uint32_t operand = 0;
            tn_error why = {0};
            if (rule->ops[k].operand == NULL) {
                continue;
            }
            status = tni_find_operand(stage, rule, &rule->ops[k], i, &operand, &why);
            if (status != TN_OK) {
                return tni_claim_raise(stage, i, rule, &why, err);
            }
            tni_decision *its = &stage->decisions[operand];
            its->consumed = its->consumed || !its->claimed;
            its->decided = true;
        }
    }
    return status;
}
