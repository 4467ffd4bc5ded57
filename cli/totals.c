#include "cli/totals.h"

cli_totals totals_of(const tn_model *model, const bool *chosen)
{
    cli_totals sum = {0};
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        if (chosen != NULL ? !chosen[i] : tensor->hidden) {
            continue;
        }
        sum.tensors++;
        sum.bytes += tensor->bytes;
        sum.elements += tensor->elements > 0 ? (uint64_t)tensor->elements : 0;
        sum.role_tensors[tensor->role]++;
        sum.role_bytes[tensor->role] += tensor->bytes;
    }
    return sum;
}
