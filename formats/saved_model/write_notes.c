/* What the plan says of a SavedModel: names that are replaced, and which versions of TensorFlow
 * cannot load it. */
#include "formats/saved_model/write.h"

/* Says of one tensor how it is found, where that is not by its own name split at '/'. */
static tn_status tell_tensor(tni_write *write, const tni_sm_write *w, uint32_t index,
                             tn_str *op_out, tn_error *err)
{
    const tni_sm_place *place = &w->places[index];
    tn_str edge = w->objects[place->object].edge;
    bool renamed = !tn_str_equal(place->graph, place->name);
    const char *way = place->path == TNI_SM_PATH_FLAT ? "attribute " : "item of " TNI_SM_ITEMS ": ";
    if (place->path == TNI_SM_PATH_SPLIT) {
        return renamed ? tni_arena_format(write->arena, op_out, err, "graph name %.*s",
                                          (int)place->graph.len, place->graph.data)
                       : TN_OK;
    }
    if (!renamed) {
        return tni_arena_format(write->arena, op_out, err, "%s%.*s", way, (int)edge.len, edge.data);
    }
    return tni_arena_format(write->arena, op_out, err, "%s%.*s, graph name %.*s", way,
                            (int)edge.len, edge.data, (int)place->graph.len, place->graph.data);
}

static tn_status tell_names(tni_write *write, const tni_sm_write *w, tn_error *err)
{
    size_t renamed = 0, moved = 0;
    void *block;
    tn_status status = tni_arena_array(write->arena, w->count, sizeof(tn_str), &block, err);
    write->ops = status == TN_OK ? block : NULL;
    for (uint32_t i = 0; status == TN_OK && i < w->count; i++) {
        status = tell_tensor(write, w, i, &write->ops[i], err);
        renamed += !tn_str_equal(w->places[i].graph, w->places[i].name);
        moved += w->places[i].path != TNI_SM_PATH_SPLIT;
    }
    if (status == TN_OK && renamed > 0) {
        status = tn_report_say(write->notes, TN_SEVERITY_NOTE, "graph-names", TN_STR_NONE, err,
                               "%zu name%s may not stand in a graph and %s replaced there: tenon "
                               "plan shows by what",
                               renamed, renamed == 1 ? "" : "s", renamed == 1 ? "is" : "are");
    }
    if (status == TN_OK && moved > 0) {
        status = tn_report_say(write->notes, TN_SEVERITY_NOTE, "object-paths", TN_STR_NONE, err,
                               "%zu name%s cannot be attributes within attributes of the loaded "
                               "model: tenon plan shows what %s",
                               moved, moved == 1 ? "" : "s", moved == 1 ? "it is" : "they are");
    }
    return status;
}

/* The last version that cannot load variables of a dtype; NULL: all that were tried can. */
static const char *too_old(tn_dtype dtype)
{
    switch (tn_dtype_about(dtype)->bits) {
    case 8:
        return tn_dtype_about(dtype)->kind == TN_KIND_FLOAT ? "2.12" : NULL;
    case 4:
        return "2.12";
    case 2:
        return "2.17";
    default:
        return NULL;
    }
}

/* One variable of such a dtype makes the whole model unloadable. */
static tn_status tell_dtypes(tni_write *write, const tni_sm_write *w, tn_error *err)
{
    tn_status status = TN_OK;
    bool told[TN_DTYPE_COUNT] = {false};
    for (uint32_t i = 0; status == TN_OK && i < w->count; i++) {
        const tn_tensor *tensor = tn_model_at(w->model, i);
        const char *old = too_old(tensor->dtype);
        if (old != NULL && !told[tensor->dtype]) {
            told[tensor->dtype] = true;
            status = tn_report_say(write->notes, TN_SEVERITY_WARNING, "tensorflow-version",
                                   tensor->alias[TN_SCHEME_NAME], err,
                                   "TensorFlow %s and older cannot load a SavedModel with %s", old,
                                   tn_dtype_about(tensor->dtype)->name);
        }
    }
    return status;
}

tn_status tni_sm_tell(tni_write *write, const tni_sm_write *w, tn_error *err)
{
    tn_status status = tell_names(write, w, err);
    return status == TN_OK ? tell_dtypes(write, w, err) : status;
}
