/* The legacy layout: lists of names lead to groups of layers and to the weights
 * in them (keras/src/legacy/saving/legacy_h5_format.py; before Keras 3
 * keras/saving/hdf5_format.py). */
#include "core/error.h"
#include "formats/keras_h5/layout.h"

/* One group with a list of weights. */
typedef struct section {
    const tni_hdf5_object *group;
    tni_names weights;
    uint32_t layer; /* index, or TNI_KERAS_TOP, TNI_KERAS_OPTIMIZER */
} section;

typedef struct sections {
    section *at;
    size_t count, weights;
    bool *listed; /* by object: a list leads to it */
    tni_keras_layer *layers;
} sections;

/* Finds the dataset that a list names, below its group. The name is the file's
 * own: it must be a plain relative path. */
static const tni_hdf5_object *find_below(const tni_hdf5_file *file, const tni_hdf5_object *group,
                                         tn_str path)
{
    const tni_hdf5_object *at = group;
    while (at != NULL && at->kind == TNI_HDF5_GROUP) {
        const char *slash = memchr(path.data, '/', path.len);
        size_t len = slash == NULL ? path.len : (size_t)(slash - path.data);
        at = tni_hdf5_child(file, at, tn_str_first(path, len));
        if (slash == NULL) {
            return at;
        }
        path = tn_str_skip(path, len + 1);
    }
    return NULL;
}

static tn_status missing(const char *what, tn_str name, const tni_hdf5_object *group, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "the list %s of '/%.*s' names what is not there",
                                what, (int)group->path.len, group->path.data);
    tni_error_subject(err, name);
    return status;
}

static tn_status add_section(tni_keras_reading *r, sections *s, const tni_hdf5_object *group,
                             uint32_t layer, tn_error *err)
{
    section *at = &s->at[s->count];
    tn_status status = tni_keras_list(r, group, TNI_KERAS_WEIGHT_NAMES, &at->weights, err);
    at->group = group;
    at->layer = layer;
    s->weights += status == TN_OK ? at->weights.count : 0;
    s->count += status == TN_OK;
    return status;
}

/* Lists the layers and their groups. */
static tn_status find_layers(tni_keras_reading *r, sections *s, const tni_hdf5_object *base,
                             const tni_names *names, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(&r->model->arena, names->count, sizeof(tni_keras_layer), &block, err);
    tni_keras_layer *layers = block;
    for (uint32_t i = 0; status == TN_OK && i < names->count; i++) {
        const tni_hdf5_object *group = find_below(r->file.listing, base, names->at[i]);
        if (group == NULL || group->kind != TNI_HDF5_GROUP) {
            return missing(TNI_KERAS_LAYER_NAMES, names->at[i], base, err);
        }
        layers[i].name = names->at[i];
        status = add_section(r, s, group, i, err);
    }
    if (status == TN_OK) {
        r->file.layers = s->layers = layers;
        r->file.n_layers = (uint32_t)names->count;
    }
    return status;
}

static tn_status add_child(tni_keras_reading *r, sections *s, const tni_hdf5_object *parent,
                           tn_str name, uint32_t layer, tn_error *err)
{
    const tni_hdf5_object *group = tni_hdf5_child(r->file.listing, parent, name);
    if (group == NULL || group->kind != TNI_HDF5_GROUP) {
        return TN_OK;
    }
    r->file.has_top = r->file.has_top || layer == TNI_KERAS_TOP;
    return add_section(r, s, group, layer, err);
}

/* Lists all groups with weights in the order in which they are shown. */
static tn_status find_sections(tni_keras_reading *r, sections *s, tn_error *err)
{
    const tni_hdf5_file *file = r->file.listing;
    const tni_hdf5_object *root = &file->objects[0];
    const tni_hdf5_object *base =
        r->file.whole ? tni_hdf5_child(file, root, TN_LIT(TNI_KERAS_MODEL_WEIGHTS)) : root;
    tni_names names;
    void *block;
    tn_status status = tni_keras_list(r, base, TNI_KERAS_LAYER_NAMES, &names, err);
    if (status == TN_OK) {
        status = tni_arena_array(&r->scratch, names.count + 2, sizeof(section), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    s->at = block;
    status = find_layers(r, s, base, &names, err);
    if (status == TN_OK) {
        status = add_child(r, s, base, TN_LIT(TNI_KERAS_TOP_WEIGHTS), TNI_KERAS_TOP, err);
    }
    if (status == TN_OK && r->file.whole) {
        status =
            add_child(r, s, root, TN_LIT(TNI_KERAS_OPTIMIZER_WEIGHTS), TNI_KERAS_OPTIMIZER, err);
    }
    return status;
}

static tn_status add_weights(tni_keras_reading *r, sections *s, const section *at, tn_str *weight,
                             uint32_t *layer, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < at->weights.count; i++) {
        tn_tensor *tensor;
        size_t index = r->model->count;
        const tni_hdf5_object *object = find_below(r->file.listing, at->group, at->weights.at[i]);
        if (object == NULL || object->kind != TNI_HDF5_DATASET) {
            return missing(TNI_KERAS_WEIGHT_NAMES, at->weights.at[i], at->group, err);
        }
        bool *listed = &s->listed[tni_hdf5_index(r->file.listing, object)];
        if (*listed) {
            status = tni_fail(err, TN_E_CORRUPT, "the lists name this weight twice");
            tni_error_subject(err, object->path);
            return status;
        }
        *listed = true;
        weight[index] = at->weights.at[i];
        layer[index] = at->layer;
        status = tni_keras_add(r, object, &tensor, err);
    }
    return status;
}

static tn_status add_all(tni_keras_reading *r, sections *s, tn_error *err)
{
    void *weight, *layer, *listed;
    tn_status status = tni_arena_array(&r->model->arena, s->weights, sizeof(tn_str), &weight, err);
    if (status == TN_OK) {
        status = tni_arena_array(&r->model->arena, s->weights, sizeof(uint32_t), &layer, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&r->scratch, r->file.listing->count, sizeof(bool), &listed, err);
    }
    if (status != TN_OK) {
        return status;
    }
    s->listed = listed;
    r->file.weight = weight;
    r->file.layer = layer;
    for (size_t i = 0; status == TN_OK && i < s->count; i++) {
        uint32_t first = (uint32_t)r->model->count;
        status = add_weights(r, s, &s->at[i], weight, layer, err);
        if (s->at[i].layer < r->file.n_layers) {
            s->layers[s->at[i].layer].first = first;
            s->layers[s->at[i].layer].count = (uint32_t)r->model->count - first;
        }
    }
    return status;
}

/* Says what no list names: Keras does not see it. */
static tn_status report_unlisted(const tni_keras_reading *r, const sections *s, tn_error *err)
{
    const tni_hdf5_file *file = r->file.listing;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < file->count; i++) {
        if (file->objects[i].kind == TNI_HDF5_DATASET && !s->listed[i]) {
            status = tn_report_say(r->model->findings, TN_SEVERITY_WARNING, "unlisted",
                                   file->objects[i].path, err,
                                   "it is left out: no list of the file names it, so Keras does "
                                   "not load it either");
        }
    }
    return status;
}

/* Returns the leading number of keras_version; files without one are from
 * before Keras 2. */
static unsigned major_version(const tni_keras_file *file)
{
    const tni_hdf5_attribute *version =
        tni_hdf5_attribute_of(&file->listing->objects[0], "keras_version");
    unsigned major = 0;
    if (version == NULL || version->dtype != TN_STRING || version->elements != 1) {
        return 1;
    }
    tn_str text = version->strings[0];
    for (size_t i = 0; i < text.len && i < 4 && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        major = major * 10 + (unsigned)(text.data[i] - '0');
    }
    return major;
}

tn_status tni_keras_legacy(tni_keras_reading *r, tn_error *err)
{
    sections s = {.count = 0};
    tn_status status;
    if ((status = find_sections(r, &s, err)) == TN_OK && (status = add_all(r, &s, err)) == TN_OK &&
        (status = report_unlisted(r, &s, err)) == TN_OK &&
        (status = tni_keras_name_all(r, err)) == TN_OK &&
        (status = tni_keras_order(r, major_version(&r->file), err)) == TN_OK) {
        status = tni_keras_slots(r, err);
    }
    return status;
}
