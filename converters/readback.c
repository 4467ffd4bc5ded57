#include "converters/readback.h"

#include "converters/move.h"
#include "converters/values_equal.h"
#include "core/error.h"
#include <stdio.h>
#include <stdlib.h>
#include <tenon/text.h>

/* One stored range, as planned or as the reader found it. */
typedef struct range {
    tn_str file, key;
    uint64_t offset, bytes;
    tn_source *source;
    uint32_t crc;
} range;

static int by_place(const void *a, const void *b)
{
    const range *x = a, *y = b;
    int order = tn_str_compare(x->file, y->file);
    return order != 0 ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

static tn_status wrong(const tn_plan *plan, tn_str name, tn_error *err, const char *what)
{
    tn_status status = tni_fail(err, TN_E_VERIFY, "the staged output %s", what);
    tni_error_path(err, plan->target.path);
    tni_error_subject(err, name);
    tni_error_hint(err, "nothing was written in its place; please report this as a bug of tenon");
    return status;
}

/* Compares names, dtypes and shapes. Every tensor has an item, an empty one too. */
static tn_status compare_forms(const tn_plan *plan, const tn_model *staged, tn_error *err)
{
    for (size_t i = 0; i < plan->write.n_items; i++) {
        const tni_item *item = &plan->write.items[i];
        const tn_plan_tensor *wanted = &plan->tensors[item->index];
        uint32_t index = tn_model_find(staged, TN_SCHEME_KEY, item->key);
        if (index == TN_NO_INDEX) {
            return wrong(plan, item->key, err, "lacks this tensor");
        }
        if (!tni_same_form(&staged->tensors[index], wanted->tensor, wanted->dtype)) {
            return wrong(plan, item->key, err, "has another dtype or shape for this tensor");
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < staged->count; i++) {
        count += !staged->tensors[i].document;
    }
    return count == plan->n_tensors
               ? TN_OK
               : wrong(plan, TN_STR_NONE, err, "holds another number of tensors than planned");
}

/* Lists the planned ranges in order of place. */
static size_t planned_ranges(const tn_plan *plan, range *ranges)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->write.n_items; i++) {
        const tni_item *item = &plan->write.items[i];
        if (item->bytes > 0) {
            ranges[count++] = (range){.file = plan->write.files[item->file].name,
                                      .key = item->key,
                                      .offset = item->offset,
                                      .bytes = item->bytes,
                                      .crc = item->crc};
        }
    }
    qsort(ranges, count, sizeof *ranges, by_place);
    return count;
}

static size_t count_pieces(const tn_model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        count += model->tensors[i].n_pieces + model->tensors[i].n_twins;
    }
    return count;
}

/* Adds the range of one leaf. */
static void add_found(range *ranges, size_t *count, const tni_leaf *leaf, tn_str key)
{
    if (leaf->bytes > 0) {
        ranges[(*count)++] = (range){.file = tni_source_name(leaf->source),
                                     .key = key,
                                     .offset = leaf->offset,
                                     .bytes = leaf->bytes,
                                     .source = leaf->source};
    }
}

/* Lists what the reader found, in order of place; documents are the writer's own and no items. */
static size_t found_ranges(const tn_model *staged, range *ranges)
{
    size_t count = 0;
    for (size_t i = 0; i < staged->count; i++) {
        const tn_tensor *tensor = &staged->tensors[i];
        for (uint32_t k = 0; !tensor->document && k < tensor->n_pieces; k++) {
            add_found(ranges, &count, tensor->pieces[k].leaf, tensor->alias[TN_SCHEME_KEY]);
        }
        for (uint32_t k = 0; k < tensor->n_twins; k++) {
            add_found(ranges, &count, tensor->twin_pieces[k].leaf, tensor->twins[k]);
        }
    }
    qsort(ranges, count, sizeof *ranges, by_place);
    return count;
}

/* Checks that the reader sees just the planned ranges. */
static tn_status compare_places(const tn_plan *plan, const range *planned, size_t n_planned,
                                const range *found, size_t n_found, tn_error *err)
{
    if (n_planned != n_found) {
        return wrong(plan, TN_STR_NONE, err, "has another number of stored ranges than planned");
    }
    for (size_t i = 0; i < n_planned; i++) {
        if (by_place(&planned[i], &found[i]) != 0 || planned[i].bytes != found[i].bytes ||
            !tn_str_equal(planned[i].key, found[i].key)) {
            return wrong(plan, planned[i].key, err,
                         "keeps this tensor in another place than planned");
        }
    }
    return TN_OK;
}

/* Sums the found ranges and compares with what the engine wrote. */
static tn_status compare_sums(const tn_plan *plan, const range *planned, const range *found,
                              size_t count, uint64_t *bytes_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(plan->ctx, count, sizeof(tni_run), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_run *runs = block;
    tni_moving moving = {.phase = "verify"};
    for (size_t i = 0; i < count; i++) {
        runs[i] =
            (tni_run){.source = found[i].source, .from = found[i].offset, .bytes = found[i].bytes};
        moving.total += found[i].bytes;
    }
    status = tni_move(plan->ctx, runs, count, &moving, err);
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        if (runs[i].crc != planned[i].crc) {
            status =
                wrong(plan, planned[i].key, err, "reads back with other bytes for this tensor");
        }
    }
    *bytes_out = moving.total;
    tni_free(plan->ctx, block);
    return status;
}

static tn_status compare_ranges(const tn_plan *plan, const tn_model *staged, uint64_t *bytes_out,
                                tn_error *err)
{
    void *planned = NULL, *found = NULL;
    tn_status status =
        tni_alloc_array(plan->ctx, plan->write.n_items, sizeof(range), &planned, err);
    if (status == TN_OK) {
        status = tni_alloc_array(plan->ctx, count_pieces(staged), sizeof(range), &found, err);
    }
    if (status == TN_OK) {
        size_t n_planned = planned_ranges(plan, planned);
        size_t n_found = found_ranges(staged, found);
        status = compare_places(plan, planned, n_planned, found, n_found, err);
        if (status == TN_OK) {
            status = compare_sums(plan, planned, found, n_planned, bytes_out, err);
        }
    }
    tni_free(plan->ctx, planned);
    tni_free(plan->ctx, found);
    return status;
}

/* Compares values of tensors whose ranges alone do not prove how they fit together. */
static tn_status compare_pieced(const tn_plan *plan, const tn_model *staged, tn_error *err)
{
    uint32_t last = TN_NO_INDEX;
    for (size_t i = 0; i < plan->write.n_items; i++) {
        const tni_item *item = &plan->write.items[i];
        uint32_t index = tn_model_find(staged, TN_SCHEME_KEY, item->key);
        const tn_tensor *found = &staged->tensors[index];
        bool equal = true;
        if (found->n_pieces > 1 && index != last) {
            tn_status status =
                tni_values_equal(plan->ctx, found, plan->tensors[item->index].tensor, &equal, err);
            if (status != TN_OK) {
                return status;
            }
        }
        if (!equal) {
            return wrong(plan, item->key, err, "reads back with other values for this tensor");
        }
        last = index;
    }
    return TN_OK;
}

/* Opens what was staged. If its own reader finds it broken, the writer is to blame, not the input.
 */
static tn_status open_staged(const tn_plan *plan, const char *path, tn_model **staged_out,
                             tn_error *err)
{
    tn_error why = {0};
    tn_status status = tni_open_with(plan->ctx, plan->target.format, path, staged_out, &why);
    if (status == TN_CORRUPT || status == TN_UNSUPPORTED || status == TN_UNSAFE) {
        char what[TN_ERROR_TEXT];
        snprintf(what, sizeof what, "cannot be read back: %.1400s", why.message);
        status = wrong(plan, TN_STR_NONE, err, what);
    } else if (status != TN_OK && err != NULL && err->status == TN_OK) {
        *err = why;
    }
    return status;
}

tn_status tni_readback(tn_plan *plan, const char *staged_folder, tn_converted *converted_out,
                       tn_error *err)
{
    tn_model *staged = NULL;
    tn_str path;
    tn_str main = plan->write.files[plan->write.index_file].name;
    tn_status status = tni_arena_format(&plan->arena, &path, err, "%s/%.*s", staged_folder,
                                        (int)main.len, main.data);
    if (status == TN_OK) {
        status = open_staged(plan, path.data, &staged, err);
    }
    if (status == TN_OK) {
        status = compare_forms(plan, staged, err);
    }
    if (status == TN_OK) {
        status = compare_ranges(plan, staged, &converted_out->bytes_verified, err);
    }
    if (status == TN_OK) {
        status = compare_pieced(plan, staged, err);
    }
    if (status == TN_OK) {
        converted_out->tensors_verified = plan->n_tensors;
    }
    tn_model_free(staged);
    return status;
}
