/* What the plan says of a SavedModel: names that are replaced, and which versions of TensorFlow
 * cannot load it. */
#include "formats/saved_model/write.h"

/* Says of one tensor how it is found, where that is not by its own name split at '/'. */
static tn_status tell_tensor(tni_write *write, const tni_sm_write *w, uint32_t index,
                             tni_buffer *text, tn_str *op_out, tn_error *err)
{
    const tni_sm_place *place = &w->places[index];
    tni_buffer_reset(text);
    if (place->path != TNI_SM_PATH_SPLIT) {
        tni_buffer_text(text, place->path == TNI_SM_PATH_FLAT ? "attribute "
                                                              : "item of " TNI_SM_ITEMS ": ");
        tni_buffer_str(text, w->objects[place->object].edge);
    }
    if (!tn_str_equal(place->graph, place->name)) {
        tni_buffer_text(text, text->len > 0 ? ", graph name " : "graph name ");
        tni_buffer_str(text, place->graph);
    }
    tn_status status = tni_buffer_check(text, err);
    return status == TN_OK && text->len > 0
               ? tni_arena_str(write->arena, (tn_str){text->data, text->len}, op_out, err)
               : status;
}

static tn_status tell_names(tni_write *write, const tni_sm_write *w, tn_error *err)
{
    size_t renamed = 0, moved = 0;
    void *block;
    tni_buffer text;
    tni_buffer_init(&text, write->ctx);
    tn_status status = tni_arena_array(write->arena, w->count, sizeof(tn_str), &block, err);
    write->ops = status == TN_OK ? block : NULL;
    for (uint32_t i = 0; status == TN_OK && i < w->count; i++) {
        status = tell_tensor(write, w, i, &text, &write->ops[i], err);
        renamed += !tn_str_equal(w->places[i].graph, w->places[i].name);
        moved += w->places[i].path != TNI_SM_PATH_SPLIT;
    }
    tni_buffer_clear(&text);
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
