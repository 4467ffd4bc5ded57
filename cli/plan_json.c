#include "cli/json.h"
#include "cli/plan.h"

static void from_array(tn_json_out *out, const tn_plan_tensor *tensor)
{
    tn_json_array(out);
    for (size_t i = 0; i < tensor->n_from; i++) {
        tn_json_object(out);
        json_name(out, tensor->from[i]->alias[TN_SCHEME_NAME]);
        tn_json_key(out, "dtype");
        json_dtype(out, tensor->from[i]->dtype);
        tn_json_key(out, "shape");
        json_tensor_shape(out, tensor->from[i]);
        tn_json_key(out, "path");
        tn_json_str(out, tn_str_of(tn_model_path(tensor->from[i]->origin)));
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

static void tensors_array(tn_json_out *out, const tn_plan *plan)
{
    const tn_plan_tensor *tensors = NULL;
    size_t count = tn_plan_tensors(plan, &tensors);
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_object(out);
        json_name(out, tensors[i].name);
        tn_json_key(out, "from");
        from_array(out, &tensors[i]);
        tn_json_key(out, "rule");
        tn_json_str(out, tensors[i].rule);
        tn_json_key(out, "ops");
        tn_json_array(out);
        for (size_t k = 0; k < tensors[i].n_ops; k++) {
            tn_json_str(out, tensors[i].ops[k]);
        }
        tn_json_array_end(out);
        tn_json_key(out, "paired_by");
        tn_json_text(out, tensors[i].paired_by);
        tn_json_key(out, "dtype");
        json_dtype(out, tensors[i].dtype);
        tn_json_key(out, "shape");
        json_tensor_shape(out, tensors[i].tensor);
        tn_json_key(out, "copied");
        tn_json_u64(out, tensors[i].copied);
        tn_json_key(out, "computed");
        tn_json_u64(out, tensors[i].computed);
        tn_json_key(out, "loss");
        tn_json_str(out, tensors[i].loss);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

static void dropped_array(tn_json_out *out, const tn_plan *plan)
{
    const tn_plan_drop *dropped = NULL;
    size_t count = tn_plan_dropped(plan, &dropped);
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_object(out);
        json_name(out, dropped[i].name);
        tn_json_key(out, "rule");
        tn_json_str(out, dropped[i].rule);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

static void losses_array(tn_json_out *out, const tn_plan *plan)
{
    const tn_loss *losses = NULL;
    size_t count = tn_plan_losses(plan, &losses);
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_object(out);
        tn_json_key(out, "class");
        tn_json_text(out, plan_loss_word(losses[i].kind));
        json_name(out, losses[i].name);
        tn_json_key(out, "message");
        tn_json_str(out, losses[i].message);
        tn_json_key(out, "fix");
        tn_json_str(out, losses[i].fix);
        tn_json_key(out, "declared");
        tn_json_bool(out, losses[i].declared);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

tn_json_out *plan_json(cli_state *cli, const tn_plan *plan)
{
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "output");
    tn_json_object(out);
    tn_json_key(out, "path");
    tn_json_text(out, tn_plan_output(plan));
    tn_json_key(out, "format");
    tn_json_text(out, tn_plan_format(plan));
    tn_json_key(out, "layout");
    json_word(out, tn_plan_layout(plan));
    tn_json_object_end(out);
    tn_json_key(out, "tensors");
    tensors_array(out, plan);
    tn_json_key(out, "dropped");
    dropped_array(out, plan);
    tn_json_key(out, "losses");
    losses_array(out, plan);
    tn_json_key(out, "copied");
    tn_json_u64(out, tn_plan_copied(plan));
    tn_json_key(out, "computed");
    tn_json_u64(out, tn_plan_computed(plan));
    tn_json_key(out, "peak_memory");
    tn_json_u64(out, tn_plan_peak_memory(plan));
    return out;
}
