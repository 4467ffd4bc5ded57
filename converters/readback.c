#include "converters/readback.h"

#include "converters/move.h"
#include "converters/values_equal.h"
#include "core/error.h"
#include <stdio.h>

static tn_status wrong(const tn_plan *plan, tn_str name, tn_error *err, const char *what)
{
    tn_status status = tni_fail(err, TN_E_VERIFY, "the staged output %s", what);
    tni_error_path(err, plan->target.path);
    tni_error_subject(err, name);
    tni_error_hint(err, "nothing was written in its place; please report this as a bug of tenon");
    return status;
}

/* A check at work: what was planned against what the reader found. */
typedef struct check {
    const tn_plan *plan;
    const tn_model *staged;
    tni_run *runs; /* of the items with bytes, in their order: where the reader finds them */
    size_t n_runs;
    size_t n_linked; /* ranges in linked files, whose bytes are the input's own */
    uint32_t last;   /* the tensor that the last item was part of, */
    uint32_t next;   /* and which of its stored ranges stands behind the one of that item */
} check;

/* Returns stored range `k` of a tensor, pieces first, then twins, and the key it is stored under.
 */
static const tni_leaf *stored_range(const tn_tensor *tensor, uint32_t k, tn_str *key_out)
{
    bool own = k < tensor->n_pieces;
    *key_out = own ? tensor->alias[TN_SCHEME_KEY] : tensor->twins[k - tensor->n_pieces];
    return own ? tensor->pieces[k].leaf : tensor->twin_pieces[k - tensor->n_pieces].leaf;
}

static tn_str last_component(tn_str path)
{
    const char *slash = path.len == 0 ? NULL : memrchr(path.data, '/', path.len);
    return slash == NULL ? path : tn_str_skip(path, (size_t)(slash - path.data) + 1);
}

/* Finds the stored range at an item's place; NULL: there is none. Items come in order of place, so
 * the search goes on from the last one. */
static const tni_leaf *find_range(check *c, const tni_item *item, uint32_t index)
{
    const tn_tensor *tensor = &c->staged->tensors[index];
    uint32_t count = tensor->n_pieces + tensor->n_twins;
    tn_str file = last_component(c->plan->write.files[item->file].name);
    if (index != c->last) {
        c->next = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        tn_str key;
        uint32_t k = (c->next + i) % count;
        const tni_leaf *leaf = stored_range(tensor, k, &key);
        if (leaf->offset == item->offset && leaf->bytes == item->bytes &&
            tn_str_equal(key, item->key) && tn_str_equal(tni_source_name(leaf->source), file)) {
            c->last = index;
            c->next = k + 1;
            return leaf;
        }
    }
    return NULL;
}

/* Compares an item's name, dtype, shape and place with what the reader found. */
static tn_status compare_item(check *c, const tni_item *item, tn_error *err)
{
    const tn_plan_tensor *wanted = &c->plan->tensors[item->index];
    uint32_t index = tn_model_find(c->staged, TN_SCHEME_KEY, item->key);
    if (index == TN_NO_INDEX) {
        return wrong(c->plan, item->key, err, "lacks this tensor");
    }
    if (!tni_same_form(&c->staged->tensors[index], wanted->tensor, wanted->dtype)) {
        return wrong(c->plan, item->key, err, "has another dtype or shape for this tensor");
    }
    if (item->bytes > 0) {
        const tni_leaf *leaf = find_range(c, item, index);
        if (leaf == NULL) {
            return wrong(c->plan, item->key, err,
                         "keeps this tensor in another place than planned");
        }
        if (c->plan->write.files[item->file].link != NULL) {
            c->n_linked++;
            return leaf->sum == item->crc
                       ? TN_OK
                       : wrong(c->plan, item->key, err, "has another sum for this tensor");
        }
        c->runs[c->n_runs++] =
            (tni_run){.source = leaf->source, .from = leaf->offset, .bytes = leaf->bytes};
    }
    return TN_OK;
}

bool tni_is_payload(const tn_tensor *tensor)
{
    return !tensor->document && !(tensor->hidden && tensor->role == TN_ROLE_CONSTANT);
}

/* Counts the tensors and the stored ranges that the reader found; documents and what a graph needs
 * are the writer's own and no items. */
static void count_found(const tn_model *staged, size_t *tensors_out, size_t *ranges_out)
{
    size_t tensors = 0, ranges = 0;
    for (size_t i = 0; i < staged->count; i++) {
        const tn_tensor *tensor = &staged->tensors[i];
        bool payload = tni_is_payload(tensor);
        for (uint32_t k = 0; payload && k < tensor->n_pieces + tensor->n_twins; k++) {
            tn_str key;
            ranges += stored_range(tensor, k, &key)->bytes > 0;
        }
        tensors += payload;
    }
    *tensors_out = tensors;
    *ranges_out = ranges;
}

/* Compares all items, each with a range of its own (no two have one place), and looks for more. */
static tn_status compare_items(check *c, tn_error *err)
{
    const tn_plan *plan = c->plan;
    for (size_t i = 0; i < plan->write.n_items; i++) {
        tn_status status = compare_item(c, &plan->write.items[i], err);
        if (status != TN_OK) {
            return status;
        }
    }
    size_t tensors, ranges;
    count_found(c->staged, &tensors, &ranges);
    if (tensors != plan->n_tensors) {
        return wrong(plan, TN_STR_NONE, err, "holds another number of tensors than planned");
    }
    if (ranges != c->n_runs + c->n_linked) {
        return wrong(plan, TN_STR_NONE, err, "has another number of stored ranges than planned");
    }
    return TN_OK;
}

/* Sums the ranges and compares with what the engine wrote. */
static tn_status compare_sums(const check *c, uint64_t *bytes_out, tn_error *err)
{
    const tn_plan *plan = c->plan;
    tni_moving moving = {.phase = "verify"};
    for (size_t i = 0; i < c->n_runs; i++) {
        moving.total += c->runs[i].bytes;
    }
    tn_status status = tni_move(plan->ctx, c->runs, c->n_runs, &moving, err);
    size_t run = 0;
    for (size_t i = 0; status == TN_OK && i < plan->write.n_items; i++) {
        const tni_item *item = &plan->write.items[i];
        bool read = item->bytes > 0 && plan->write.files[item->file].link == NULL;
        if (read && c->runs[run++].crc != item->crc) {
            status = wrong(plan, item->key, err, "reads back with other bytes for this tensor");
        }
    }
    *bytes_out = moving.total;
    return status;
}

static tn_status compare_stored(const tn_plan *plan, const tn_model *staged, uint64_t *bytes_out,
                                tn_error *err)
{
    void *runs;
    check c = {.plan = plan, .staged = staged, .last = TN_NO_INDEX};
    tn_status status = tni_alloc_array(plan->ctx, plan->write.n_items, sizeof(tni_run), &runs, err);
    if (status != TN_OK) {
        return status;
    }
    c.runs = runs;
    status = compare_items(&c, err);
    if (status == TN_OK) {
        status = compare_sums(&c, bytes_out, err);
    }
    tni_free(plan->ctx, runs);
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
        bool linked = plan->write.files[item->file].link != NULL;
        if (found->n_pieces > 1 && index != last && !linked) {
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
        status = compare_stored(plan, staged, &converted_out->bytes_verified, err);
    }
    if (status == TN_OK) {
        status = compare_pieced(plan, staged, err);
    }
    if (status == TN_OK && plan->target.format->writer->read_back != NULL) {
        status = plan->target.format->writer->read_back(&plan->write, staged_folder, err);
    }
    if (status == TN_OK) {
        converted_out->tensors_verified = plan->n_tensors;
    }
    tn_model_free(staged);
    return status;
}
