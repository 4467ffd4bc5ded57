/* Writing the legacy layout: layers in their order, each a group, weights in theirs. Keras loads by
 * position, so the order is what matters; names matter for load_weights(by_name=True) alone. */
#include "core/error.h"
#include "formats/keras_h5/legacy_plan.h"
#include <stdlib.h>

/* What a file says of its writer when the source says nothing: loaders ask for a version of 2. */
static const tn_str backend_words[] = {{"tensorflow", 10}}, version_words[] = {{"2.15.0", 6}};
static const tni_hdf5_attribute new_attributes[] = {{.name = {"backend", 7},
                                                     .dtype = TN_STRING,
                                                     .width = 10,
                                                     .elements = 1,
                                                     .strings = backend_words},
                                                    {.name = {"keras_version", 13},
                                                     .dtype = TN_STRING,
                                                     .width = 6,
                                                     .elements = 1,
                                                     .strings = version_words}};

static const char *const lists[] = {TNI_KERAS_LAYER_NAMES, TNI_KERAS_WEIGHT_NAMES, NULL};

/* Refuses what Keras cannot read back from this layout ("No cast function available."). */
static tn_status check_dtypes(const tn_model *model, tn_error *err)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->tensors[i].dtype == TN_BFLOAT16) {
            tn_status status =
                tni_fail(err, TN_E_CANNOT_HOLD, "Keras cannot read bfloat16 from a legacy .h5");
            tni_error_subject(err, model->tensors[i].alias[TN_SCHEME_NAME]);
            tni_error_hint(err, "--cast float32 writes what every Keras reads");
            return status;
        }
    }
    return TN_OK;
}

static tn_status join(tni_write *write, tn_str above, tn_str below, tn_str *path_out, tn_error *err)
{
    return tni_arena_format(write->arena, path_out, err, "%.*s%s%.*s", (int)above.len, above.data,
                            above.len > 0 ? "/" : "", (int)below.len, below.data);
}

/* Makes one group with its list and its weights. */
static tn_status write_group(tni_keras_tree *tree, const tni_legacy_plan *plan, tn_str base,
                             const tni_legacy_group *group, tn_error *err)
{
    tn_str path;
    uint32_t node;
    void *block;
    tni_write *write = tree->write;
    tn_status status = join(write, base, group->name, &path, err);
    if (status == TN_OK) {
        status = tni_keras_tree_group(tree, path, &node, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(write->arena, group->count, sizeof(tn_str), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_str *names = block;
    for (uint32_t i = 0; i < group->count; i++) {
        names[i] = plan->weights[group->first + i].name;
    }
    status = tni_keras_tree_list(tree, node, TNI_KERAS_WEIGHT_NAMES, names, group->count, err);
    for (uint32_t i = 0; status == TN_OK && i < group->count; i++) {
        tn_str dataset;
        status = join(write, path, names[i], &dataset, err);
        if (status == TN_OK) {
            status =
                tni_keras_tree_dataset(tree, dataset, plan->weights[group->first + i].tensor, err);
        }
    }
    return status;
}

static int by_group_name(const void *a, const void *b)
{
    const tni_legacy_group *const *x = a, *const *y = b;
    return tn_str_compare((*x)->name, (*y)->name);
}

/* Makes the groups of the layers, in the order of their names, as Keras since 2.6. */
static tn_status write_layers(tni_keras_tree *tree, const tni_legacy_plan *plan, tn_str base,
                              tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(tree->write->arena, plan->n_groups,
                                       sizeof(tni_legacy_group *), &block, err);
    const tni_legacy_group **sorted = block;
    size_t count = 0;
    for (uint32_t i = 0; status == TN_OK && i < plan->n_groups; i++) {
        if (!plan->groups[i].is_optimizer) {
            sorted[count++] = &plan->groups[i];
        }
    }
    if (count > 0) {
        qsort(sorted, count, sizeof *sorted, by_group_name);
    }
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = write_group(tree, plan, base, sorted[i], err);
    }
    return status;
}

/* Writes the list of layers, with those that have no weights. */
static tn_status write_layer_names(tni_keras_tree *tree, const tni_legacy_plan *plan, uint32_t node,
                                   tn_error *err)
{
    void *block;
    size_t count = 0;
    tn_status status =
        tni_arena_array(tree->write->arena, plan->n_groups, sizeof(tn_str), &block, err);
    tn_str *names = block;
    for (uint32_t i = 0; status == TN_OK && i < plan->n_groups; i++) {
        if (!plan->groups[i].is_optimizer && !plan->groups[i].is_top) {
            names[count++] = plan->groups[i].name;
        }
    }
    return status == TN_OK
               ? tni_keras_tree_list(tree, node, TNI_KERAS_LAYER_NAMES, names, count, err)
               : status;
}

/* Says who wrote the file: as the source does, if it is of this layout. */
static tn_status write_attributes(tni_keras_tree *tree, const tni_legacy_plan *plan, uint32_t base,
                                  tn_error *err)
{
    if (!plan->carries) {
        size_t count = sizeof new_attributes / sizeof new_attributes[0];
        return tni_keras_tree_say(tree, base, new_attributes, count, err);
    }
    const tni_hdf5_file *listing = plan->file.listing;
    tn_status status = tni_keras_tree_carry(tree, 0, &listing->objects[0], lists, err);
    if (status == TN_OK && plan->file.whole) {
        const tni_hdf5_object *from =
            tni_hdf5_child(listing, &listing->objects[0], TN_LIT(TNI_KERAS_MODEL_WEIGHTS));
        status = tni_keras_tree_carry(tree, base, from, lists, err);
    }
    return status;
}

/* Warns of an order that rests on names alone. */
static tn_status warn(const tni_write *write, const tni_legacy_plan *plan, tn_error *err)
{
    if (plan->proved || plan->n_groups < 2) {
        return TN_OK;
    }
    return tn_report_say(write->notes, TN_SEVERITY_WARNING, "order-unproved", TN_STR_NONE, err,
                         "Keras loads layers by position, and the input does not tell their order: "
                         "they are written in the order of their names; "
                         "load_weights(…, by_name=True) does not depend on it");
}

static tn_status write_all(tni_keras_tree *tree, const tni_legacy_plan *plan, tn_error *err)
{
    bool whole = plan->carries && plan->file.whole;
    tn_str base = whole ? TN_LIT(TNI_KERAS_MODEL_WEIGHTS) : TN_LIT("");
    uint32_t node;
    tn_status status = tni_keras_tree_group(tree, base, &node, err);
    if (status == TN_OK && (status = write_layer_names(tree, plan, node, err)) == TN_OK &&
        (status = write_attributes(tree, plan, node, err)) == TN_OK) {
        status = write_layers(tree, plan, base, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < plan->n_groups; i++) {
        if (plan->groups[i].is_optimizer) {
            status = write_group(tree, plan, TN_LIT(""), &plan->groups[i], err);
        }
    }
    return status;
}

tn_status tni_keras_write_legacy(tni_keras_tree *tree, tn_error *err)
{
    tni_legacy_plan plan;
    tn_status status = check_dtypes(tree->write->model, err);
    if (status == TN_OK) {
        status = tni_legacy_plan_make(tree->write, &plan, err);
    }
    if (status == TN_OK) {
        status = write_all(tree, &plan, err);
    }
    return status == TN_OK ? warn(tree->write, &plan, err) : status;
}
