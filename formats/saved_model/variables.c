/* The variables: the checkpoint in `variables/`, opened by its own reader, and what the graph says
 * of them. */
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/objects.h"
#include "formats/saved_model/read.h"
#include "formats/saved_model/restore.h"
#include "formats/saved_model/trainable.h"
#include "model/roles.h"

static void free_model(void *state)
{
    tn_model_free(state);
}

/* Tells whether the graph speaks of variables, so that it cannot be read without them. */
static bool has_variables(const tn_graph *graph)
{
    for (uint32_t i = 0; i < graph->n_metas; i++) {
        const tni_sm_meta *meta = &graph->metas[i];
        for (uint32_t k = 0; k < meta->n_own; k++) {
            if (tni_sm_is_variable_op(meta->nodes[k].op)) {
                return true;
            }
        }
    }
    return false;
}

static tn_status no_checkpoint(const char *path, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_MISSING_FILE, "the SavedModel's variables are missing");
    tni_error_path(err, path);
    tni_error_hint(err, "get the whole folder: the variables lie in variables/ beside "
                        "saved_model.pb");
    return status;
}

/* Opens the checkpoint; *model_out stays NULL where there is none and none is needed. */
static tn_status open_checkpoint(tni_read *read, const tn_graph *graph, tn_model **model_out,
                                 tn_error *err)
{
    tn_str path = tn_str_of(tni_source_path(read->main)), name = tni_source_name(read->main), file;
    tni_path_kind kind;
    tn_source *main;
    tn_status status =
        tni_arena_format(&read->model->arena, &file, err, "%.*s" TNI_SM_VARIABLES ".index",
                         (int)(path.len - name.len), path.data);
    if (status == TN_OK) {
        status = tni_path_kind_of(read->ctx, file.data, &kind, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (kind == TNI_PATH_NONE) {
        return has_variables(graph) ? no_checkpoint(file.data, err) : TN_OK;
    }
    status = tni_source_open(read->ctx, file.data, &main, err);
    return status == TN_OK ? tni_open_nested(read->ctx, "tf_checkpoint", main, model_out, err)
                           : status;
}

/* Takes over the checkpoint's tensors as they are. */
static tn_status copy_tensors(tn_model *model, const tn_model *checkpoint, tn_error *err)
{
    tn_status status = tni_model_reserve(model, checkpoint->count, err);
    for (size_t i = 0; status == TN_OK && i < checkpoint->count; i++) {
        tn_tensor *tensor;
        status = tni_model_add(model, &tensor, err);
        if (status == TN_OK) {
            *tensor = checkpoint->tensors[i];
            tensor->origin = NULL;
        }
    }
    return status;
}

/* Takes over what else the checkpoint has: files, the object graph, findings. */
static tn_status copy_rest(tn_model *model, const tn_model *checkpoint, tn_error *err)
{
    tn_status status = TN_OK;
    model->objects = checkpoint->objects;
    model->n_objects = checkpoint->n_objects;
    for (size_t i = 0; status == TN_OK && i < checkpoint->n_files; i++) {
        tn_str name;
        status =
            tni_arena_format(&model->arena, &name, err, "variables/%.*s",
                             (int)checkpoint->files[i].name.len, checkpoint->files[i].name.data);
        if (status == TN_OK) {
            status = tni_model_file(model, name, checkpoint->files[i].bytes, err);
        }
    }
    for (size_t i = 0; status == TN_OK && i < checkpoint->n_carriers; i++) {
        status = tni_model_carry(model, checkpoint->carriers[i].family,
                                 checkpoint->carriers[i].bytes, err);
    }
    for (size_t i = 0; status == TN_OK && i < tn_report_count(checkpoint->findings); i++) {
        status = tn_report_add(model->findings, tn_report_at(checkpoint->findings, i), err);
    }
    return status;
}

/* TF2: a variable's full name is the one that the SavedModel's object graph says. */
static tn_status name_by_objects(tn_model *model, const tn_model *checkpoint, tn_str message,
                                 tni_arena *scratch, tn_error *err)
{
    tni_sm_objects saved;
    uint32_t *pairs;
    tn_status status = tni_sm_objects_parse(message, scratch, &saved, err);
    if (status == TN_OK && checkpoint->n_objects > 0) {
        status = tni_sm_objects_pair(&saved, checkpoint->objects, (uint32_t)checkpoint->n_objects,
                                     scratch, &pairs, err);
    }
    if (status != TN_OK || checkpoint->n_objects == 0) {
        return status;
    }
    for (size_t i = 0; i < checkpoint->n_objects; i++) {
        const tn_object *node = &checkpoint->objects[i];
        const tni_sm_variable *variable =
            pairs[i] == TN_NO_INDEX ? NULL : &saved.variables[pairs[i]];
        for (uint32_t k = 0; variable != NULL && variable->is && k < node->n_attributes; k++) {
            uint32_t index = tni_model_index(checkpoint, TN_SCHEME_KEY, node->attributes[k].key);
            if (index >= checkpoint->count) {
                continue;
            }
            tn_tensor *tensor = &model->tensors[index];
            tensor->trainable = variable->trainable ? TN_TRAINABLE_YES : TN_TRAINABLE_NO;
            if (variable->name.len > 0) {
                tensor->alias[TN_SCHEME_FULL] = variable->name;
            }
        }
    }
    return TN_OK;
}

static void set_trainable(tn_tensor *tensor, const tni_hash *trained, tn_str name)
{
    uint32_t found = tni_hash_get(trained, name);
    if (found != TNI_HASH_NONE && tensor->trainable != TN_TRAINABLE_YES) {
        tensor->trainable = found == 1 ? TN_TRAINABLE_YES : TN_TRAINABLE_NO;
    }
}

/* Tells a tensor what a variable that is restored from it says. Its full name becomes "" where
 * several variables are. */
static void bind_tensor(tn_tensor *tensor, const tni_sm_meta *meta, const tni_sm_binding *binding,
                        const tni_hash *trained)
{
    tn_str *full = &tensor->alias[TN_SCHEME_FULL], name = meta->nodes[binding->node].name;
    set_trainable(tensor, trained, name);
    if (binding->slice.len == 0) {
        bool other = full->data != NULL && !tn_str_equal(*full, name);
        *full = other ? TN_LIT("") : name;
    }
}

/* TF1: a tensor's full name is that of the one variable that is restored from it whole. */
static tn_status name_by_restore(tn_model *model, const tn_model *checkpoint, tn_graph *graph,
                                 tni_arena *scratch, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t m = 0; status == TN_OK && m < graph->n_metas; m++) {
        tni_hash trained;
        tni_sm_binding *bindings = NULL;
        uint32_t count = 0;
        tni_hash_init(&trained, model->ctx, 0);
        status = tni_sm_restore(graph, &graph->metas[m], scratch, &bindings, &count, err);
        if (status == TN_OK) {
            status = tni_sm_trainable(&graph->metas[m], &trained, err);
        }
        for (uint32_t i = 0; status == TN_OK && i < count; i++) {
            uint32_t index = tni_model_index(checkpoint, TN_SCHEME_KEY, bindings[i].key);
            if (index < checkpoint->count) {
                bind_tensor(&model->tensors[index], &graph->metas[m], &bindings[i], &trained);
            }
        }
        tni_hash_clear(&trained);
    }
    for (size_t i = 0; status == TN_OK && i < checkpoint->count; i++) {
        tn_str *full = &model->tensors[i].alias[TN_SCHEME_FULL];
        *full = full->len == 0 ? TN_STR_NONE : *full;
    }
    return status;
}

/* Reads the whole shape off "10 2 0,4:0,2", which says a part's place in its variable. */
static uint32_t shape_of_slice(tn_str slice, int64_t *shape)
{
    uint32_t rank = 0;
    size_t at = 0;
    while (at < slice.len && rank < TNI_SM_MAX_RANK) {
        int64_t size = 0;
        size_t from = at;
        while (at < slice.len && slice.data[at] >= '0' && slice.data[at] <= '9' &&
               size < INT32_MAX) {
            size = size * 10 + (slice.data[at++] - '0');
        }
        if (at == from || at == slice.len || slice.data[at] != ' ') {
            break; /* the last word is the slice itself */
        }
        shape[rank++] = size;
        at++;
    }
    return rank;
}

/* Gives a variable without values its form, by its node. */
static tn_status form_by_node(tn_model *model, const tni_sm_meta *meta,
                              const tni_sm_binding *binding, tni_arena *scratch, tn_tensor *tensor,
                              tn_error *err)
{
    tn_str node = meta->nodes[binding->node].message, value = TN_LIT(""), text = TN_LIT("");
    uint64_t dtype = 0;
    int64_t whole[TNI_SM_MAX_RANK];
    tni_sm_shape shape = {.known = false};
    if (tni_sm_attr(node, TN_LIT("dtype"), &value)) {
        (void)tni_sm_attr_number(value, ATTR_TYPE, &dtype);
    }
    tn_status status = TN_OK;
    if (tni_sm_attr(node, TN_LIT("shape"), &value) && tni_sm_attr_bytes(value, ATTR_SHAPE, &text)) {
        status = tni_sm_shape_parse(text, scratch, &shape, err);
    }
    if (status == TN_OK && binding->slice.len > 0) {
        shape = (tni_sm_shape){true, shape_of_slice(binding->slice, whole), whole};
    }
    bool sized = shape.known;
    for (uint32_t i = 0; sized && i < shape.rank; i++) {
        sized = shape.dims[i] >= 0;
    }
    if (status == TN_OK && sized) {
        status = tni_tensor_form(model, tensor, tni_sm_dtype(dtype), shape.rank, shape.dims, err);
    }
    tensor->dtype = tni_sm_dtype(dtype);
    tensor->any_shape = !sized;
    return status;
}

/* Adds a variable that there are no values of. */
static tn_status add_absent(tn_model *model, const tni_sm_meta *meta, const tni_sm_binding *binding,
                            const tni_hash *trained, tni_arena *scratch, tn_error *err)
{
    tn_tensor *tensor;
    tni_leaf *leaf;
    tn_status status = tni_model_add(model, &tensor, err);
    if (status != TN_OK) {
        return status;
    }
    tensor->alias[TN_SCHEME_NAME] = tensor->alias[TN_SCHEME_KEY] = binding->key;
    if (binding->slice.len == 0) {
        tensor->alias[TN_SCHEME_FULL] = meta->nodes[binding->node].name;
    }
    set_trainable(tensor, trained, meta->nodes[binding->node].name);
    status = form_by_node(model, meta, binding, scratch, tensor, err);
    if (status == TN_OK) {
        status = tni_tensor_leaf(model, tensor, &leaf, err);
    }
    if (status == TN_OK) {
        leaf->kind = TNI_LEAF_ABSENT;
        tensor->bytes = 0;
    }
    return status;
}

/* A .meta alone: what it would restore. */
static tn_status add_by_restore(tni_read *read, tn_graph *graph, tni_arena *scratch, tn_error *err)
{
    tni_sm_binding *bindings = NULL;
    tni_hash seen, trained;
    uint32_t count = 0;
    tn_status status = tni_sm_restore(graph, &graph->metas[0], scratch, &bindings, &count, err);
    tni_hash_init(&seen, read->ctx, count);
    tni_hash_init(&trained, read->ctx, 0);
    if (status == TN_OK) {
        status = tni_sm_trainable(&graph->metas[0], &trained, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < count; i++) {
        uint32_t old;
        status = tni_hash_add(&seen, bindings[i].key, i, &old, err);
        if (status == TN_OK && old == TNI_HASH_NONE) {
            status =
                add_absent(read->model, &graph->metas[0], &bindings[i], &trained, scratch, err);
        }
    }
    tni_hash_clear(&seen);
    tni_hash_clear(&trained);
    if (status == TN_OK && count > 0) {
        status =
            tn_report_say(read->model->findings, TN_SEVERITY_NOTE, "no-values", TN_STR_NONE, err,
                          "the checkpoint of this graph is not beside it, so its "
                          "variables have no values");
    }
    return status == TN_OK ? tni_roles_by_name(read->model, err) : status;
}

tn_status tni_sm_add_variables(tni_read *read, tn_graph *graph, tni_arena *scratch, tn_error *err)
{
    tn_model *checkpoint = NULL;
    tn_status status;
    if (graph->kind != TNI_SM_MODEL) {
        return add_by_restore(read, graph, scratch, err);
    }
    status = open_checkpoint(read, graph, &checkpoint, err);
    if (status != TN_OK || checkpoint == NULL) {
        return status;
    }
    if ((status = tni_model_close_with(read->model, free_model, checkpoint, err)) != TN_OK ||
        (status = copy_tensors(read->model, checkpoint, err)) != TN_OK ||
        (status = copy_rest(read->model, checkpoint, err)) != TN_OK) {
        return status;
    }
    bool tf2 = strcmp(read->model->layout, "tf2") == 0;
    status = tf2 ? name_by_objects(read->model, checkpoint, graph->metas[0].objects, scratch, err)
                 : name_by_restore(read->model, checkpoint, graph, scratch, err);
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(read->main));
    }
    return status;
}
