/* Lists of names in attributes. HDF5 holds at most 64 KiB in one attribute of
 * the old format, so Keras splits long lists
 * (keras/src/legacy/saving/legacy_h5_format.py, save_attributes_to_hdf5_group).
 */
#include "core/error.h"
#include "formats/keras_h5/layout.h"
#include <stdio.h>

enum { ATTRIBUTE_NAME = 64 };

static const tni_hdf5_attribute *part(const tni_hdf5_object *group, const char *name, size_t index)
{
    char text[ATTRIBUTE_NAME];
    snprintf(text, sizeof text, "%s%zu", name, index);
    return tni_hdf5_attribute_of(group, text);
}

bool tni_keras_has_list(const tni_hdf5_object *group, const char *name)
{
    return tni_hdf5_attribute_of(group, name) != NULL || part(group, name, 0) != NULL;
}

/* Keras writes an empty list as numbers of shape (0). */
static bool is_names(const tni_hdf5_attribute *attribute)
{
    return attribute->elements == 0 || (attribute->dtype == TN_STRING && attribute->rank <= 1);
}

/* Counts the parts that follow each other from 0, and the names in them. */
static tn_status measure(const tni_hdf5_object *group, const char *name, size_t *parts_out,
                         size_t *names_out, tn_error *err)
{
    size_t parts = 0, names = 0;
    const tni_hdf5_attribute *attribute;
    while ((attribute = part(group, name, parts)) != NULL) {
        if (!is_names(attribute)) {
            return tni_fail(err, TN_E_CORRUPT, "its attribute %s%zu is no list of names", name,
                            parts);
        }
        names += (size_t)attribute->elements;
        parts++;
    }
    if (part(group, name, parts + 1) != NULL) {
        return tni_fail(err, TN_E_CORRUPT, "its list %s lacks part %zu", name, parts);
    }
    *parts_out = parts;
    *names_out = names;
    return TN_OK;
}

static tn_status join(tni_keras_reading *r, const tni_hdf5_object *group, const char *name,
                      tni_names *names_out, tn_error *err)
{
    size_t parts = 0, count = 0;
    void *block;
    tn_status status = measure(group, name, &parts, &count, err);
    if (status == TN_OK) {
        status = tni_arena_array(&r->model->arena, count, sizeof(tn_str), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_names names = {block, 0};
    for (size_t i = 0; i < parts; i++) {
        const tni_hdf5_attribute *attribute = part(group, name, i);
        for (int64_t k = 0; k < attribute->elements; k++) {
            names.at[names.count++] = attribute->strings[k];
        }
    }
    *names_out = names;
    return TN_OK;
}

tn_status tni_keras_list(tni_keras_reading *r, const tni_hdf5_object *group, const char *name,
                         tni_names *names_out, tn_error *err)
{
    const tni_hdf5_attribute *whole = tni_hdf5_attribute_of(group, name);
    tn_status status = TN_OK;
    if (whole == NULL) {
        status = join(r, group, name, names_out, err);
    } else if (!is_names(whole)) {
        status = tni_fail(err, TN_E_CORRUPT, "its attribute %s is no list of names", name);
    } else {
        void *block;
        size_t count = (size_t)whole->elements;
        status = tni_arena_array(&r->model->arena, count, sizeof(tn_str), &block, err);
        if (status == TN_OK) {
            if (count > 0) {
                memcpy(block, whole->strings, count * sizeof(tn_str));
            }
            *names_out = (tni_names){block, count};
        }
    }
    if (status != TN_OK) {
        tni_error_subject(err, group->path);
    }
    return status;
}
