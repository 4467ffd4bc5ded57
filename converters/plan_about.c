/* What a plan says of itself: the public accessors. */
#include "converters/engine.h"
#include "converters/plan.h"

const char *tn_plan_output(const tn_plan *plan)
{
    return plan->target.path;
}

const char *tn_plan_format(const tn_plan *plan)
{
    return plan->target.format->name;
}

const char *tn_plan_layout(const tn_plan *plan)
{
    return plan->write.layout.word;
}

size_t tn_plan_tensors(const tn_plan *plan, const tn_plan_tensor **tensors_out)
{
    *tensors_out = plan->tensors;
    return plan->n_tensors;
}

size_t tn_plan_dropped(const tn_plan *plan, const tn_plan_drop **dropped_out)
{
    *dropped_out = plan->dropped;
    return plan->n_dropped;
}

size_t tn_plan_losses(const tn_plan *plan, const tn_loss **losses_out)
{
    *losses_out = plan->losses;
    return plan->n_losses;
}

size_t tn_plan_files(const tn_plan *plan, const tn_model_file **files_out)
{
    *files_out = plan->files;
    return plan->write.n_files;
}

uint64_t tn_plan_copied(const tn_plan *plan)
{
    return plan->copied;
}

uint64_t tn_plan_computed(const tn_plan *plan)
{
    return plan->computed;
}

uint64_t tn_plan_peak_memory(const tn_plan *plan)
{
    uint64_t mapped = plan->mapped == NULL ? 0 : tni_model_memory(plan->mapped);
    uint64_t like = plan->like.model == NULL
                        ? 0
                        : tni_model_memory(plan->like.model) + tni_model_memory(plan->form);
    /* The output is described once more when it is read back. */
    return tni_model_memory(plan->source) + like + mapped + tni_model_memory(plan->written) +
           plan->arena.used + tni_naming_memory(&plan->naming) + tni_engine_memory(&plan->write);
}

const tn_report *tn_plan_warnings(const tn_plan *plan)
{
    return plan->warnings;
}
