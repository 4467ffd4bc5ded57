#include "formats/shared/meta_beside.h"
#include "core/error.h"

/* Takes "-00000-of-00002", or a pattern of this form, off a path, as TensorFlow does
 * (tensorflow/python/training/checkpoint_management.py, meta_graph_filename). */
static tn_str without_shard(tn_str path)
{
    size_t len = path.len, from;
    for (from = len; from > 0 && path.data[from - 1] >= '0' && path.data[from - 1] <= '9';) {
        from--;
    }
    if (from == len || !tn_str_ends(tn_str_first(path, from), TN_LIT("-of-"))) {
        return path;
    }
    len = from - 4;
    for (from = len; from > 0 && ((path.data[from - 1] >= '0' && path.data[from - 1] <= '9') ||
                                  path.data[from - 1] == '?');) {
        from--;
    }
    bool shard = from < len && from > 0 && path.data[from - 1] == '-';
    return shard ? tn_str_first(path, from - 1) : path;
}

/* Finds the `.meta` beside the checkpoint that the model came from. */
static tn_status find(tni_write *write, tni_meta_beside *meta, tn_error *err)
{
    const tn_model *root = tni_model_root(write->model);
    tni_path_kind kind = TNI_PATH_NONE;
    tn_str format = tn_str_of(root->format->name);
    if (write->nest != NULL ||
        (!tn_str_equal(format, TN_LIT("tf_checkpoint")) &&
         !tn_str_equal(format, TN_LIT("tf_checkpoint_v1"))) ||
        root->resolved == NULL) {
        return TN_OK;
    }
    tn_str prefix = without_shard(tn_str_of(root->resolved));
    tn_status status = tni_arena_format(write->arena, &meta->path, err, "%.*s" TNI_META_SUFFIX,
                                        (int)prefix.len, prefix.data);
    if (status == TN_OK) {
        status = tni_path_kind_of(write->ctx, meta->path.data, &kind, err);
    }
    meta->there = kind == TNI_PATH_FILE;
    return status == TN_OK
               ? tni_arena_format(write->arena, &meta->name, err, "%s" TNI_META_SUFFIX, write->name)
               : status;
}

static const char left_out[] = "left out";

/* Says that an item is what becomes of a tensor of the source. */
static void note(const tni_write *write, const tni_item *item, const tn_tensor *old,
                 tni_rekey *rekey)
{
    const tn_tensor *tensor = &write->model->tensors[item->index];
    bool same = tensor->rank == old->rank &&
                (tensor->rank == 0 ||
                 memcmp(tensor->shape, old->shape, tensor->rank * sizeof *old->shape) == 0);
    rekey->to = TN_STR_NONE;
    if (rekey->why != left_out) {
        rekey->why = "written more than once";
    } else if (tensor->dtype != old->dtype) {
        rekey->why = "written as another dtype";
    } else if (!same) {
        rekey->why = "written in another shape";
    } else {
        rekey->why = NULL;
        rekey->to = item->key;
    }
}

/* Finds which tensor of the source an item becomes: the one that it is made of, or one that is left
 * out and whose key another file's values have now. TN_NO_INDEX: none. */
static uint32_t find_old(const tni_write *write, const tni_item *item, const tni_rekey *rekeys,
                         bool others)
{
    const tn_model *root = tni_model_root(write->model);
    const tn_tensor *tensor = &write->model->tensors[item->index];
    bool own = tensor->origin == root;
    if (!others) {
        return own ? tensor->origin_index : TN_NO_INDEX;
    }
    uint32_t at = own ? TN_NO_INDEX : tn_model_find(root, TN_SCHEME_KEY, item->key);
    return at < root->count && rekeys[at].why == left_out ? at : TN_NO_INDEX;
}

/* Notes all items; of a partitioned tensor there are several. */
static void note_items(const tni_write *write, tni_rekey *rekeys, bool *noted)
{
    const tn_model *root = tni_model_root(write->model);
    for (size_t i = 0; i < 2 * write->n_items; i++) {
        const tni_item *item = &write->items[i % write->n_items];
        uint32_t old =
            noted[item->index] ? TN_NO_INDEX : find_old(write, item, rekeys, i >= write->n_items);
        if (old != TN_NO_INDEX) {
            noted[item->index] = true;
            note(write, item, &root->tensors[old], &rekeys[old]);
        }
    }
}

/* Lists what becomes of all keys of the source. */
static tn_status list_keys(const tni_write *write, tni_arena *arena, tni_rekeys *keys_out,
                           tn_error *err)
{
    const tn_model *root = tni_model_root(write->model);
    void *list, *noted;
    tn_status status = tni_arena_array(arena, root->count, sizeof(tni_rekey), &list, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, write->model->count, sizeof(bool), &noted, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_rekey *rekeys = list;
    for (size_t i = 0; i < root->count; i++) {
        rekeys[i] = (tni_rekey){root->tensors[i].alias[TN_SCHEME_KEY], TN_STR_NONE, left_out};
    }
    note_items(write, rekeys, noted);
    keys_out->at = rekeys;
    keys_out->count = root->count;
    return TN_OK;
}

/* A graph that was opened to be written anew. */
typedef struct opened {
    tn_source *source;
    tn_model *model;
    tni_arena arena;
    tni_rekeys keys;
    tni_splices splices;
} opened;

static void opened_clear(opened *o)
{
    tni_source_release(o->source);
    tn_model_free(o->model);
    tni_arena_clear(&o->arena);
}

/* Opens the source's graph and finds what has to change in it. Clear in any case. */
static tn_status open_graph(const tni_write *write, const tni_meta_beside *meta, opened *o,
                            tn_error *err)
{
    *o = (opened){.keys.first_format = meta->first_format};
    tni_arena_init(&o->arena, write->ctx, write->ctx->limits.memory);
    tn_status status = tni_source_open(write->ctx, meta->path.data, &o->source, err);
    if (status == TN_OK) {
        status = tni_open_nested(write->ctx, "saved_model", tni_source_retain(o->source), &o->model,
                                 err);
    }
    if (status == TN_OK) {
        status = list_keys(write, &o->arena, &o->keys, err);
    }
    if (status == TN_OK) {
        status = o->model->format->reader->rekey(o->model, &o->keys, &o->arena, &o->splices, err);
    }
    return status;
}

tn_status tni_meta_plan(tni_write *write, bool first_format, tni_meta_beside *meta_out,
                        tn_error *err)
{
    opened o;
    tn_error why = {0};
    tni_meta_beside meta = {.first_format = first_format};
    tn_status status = find(write, &meta, err);
    if (status == TN_OK && meta.there) {
        status = open_graph(write, &meta, &o, &why);
        meta.size = o.splices.size;
        opened_clear(&o);
    }
    if (why.status == TN_NOMEM || why.status == TN_READ || why.status == TN_CANCELLED) {
        if (err != NULL && err->status == TN_OK) {
            *err = why;
        }
        return status;
    }
    if (why.status != TN_OK) {
        meta.there = false;
        status = tn_report_say(write->notes, TN_SEVERITY_WARNING, "meta-left-out", TN_STR_NONE, err,
                               "%s is not written: %s", meta.name.data, why.message);
    }
    if (status == TN_OK) {
        *meta_out = meta;
    }
    return status;
}

tn_status tni_meta_look_around(tni_write *write, const tni_meta_beside *meta,
                               const tni_names *siblings, tn_error *err)
{
    tn_str name;
    if (meta->there) {
        return TN_OK;
    }
    tn_status status =
        tni_arena_format(write->arena, &name, err, "%s" TNI_META_SUFFIX, write->name);
    if (status == TN_OK && tni_names_has(siblings, name)) {
        status =
            tn_report_say(write->notes, TN_SEVERITY_WARNING, "meta", TN_STR_NONE, err,
                          "%s beside it stays, and still speaks of the old checkpoint", name.data);
    }
    return status;
}

tn_status tni_meta_write(tni_write *write, tni_meta_beside *meta, tn_error *err)
{
    opened o;
    tni_splices_sum sum = {0};
    if (!meta->there) {
        return TN_OK;
    }
    tn_status status = open_graph(write, meta, &o, err);
    if (status == TN_OK && o.splices.size != meta->size) {
        status = tni_fail(err, TN_E_CHANGED, "the file changed while it was read");
    }
    if (status == TN_OK) {
        status = tni_splices_write(write->ctx, o.source, &o.splices, write->files[meta->file].sink,
                                   &sum, err);
    }
    if (status == TN_OK) {
        status = tni_source_unchanged(o.source, err);
    }
    if (status != TN_OK) {
        tni_error_path(err, meta->path.data);
    }
    opened_clear(&o);
    meta->sum = sum.crc;
    return status;
}

static tn_status wrong(const tni_meta_beside *meta, tn_str name, const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_VERIFY, "the staged output %s", what);
    tni_error_path(err, meta->name.data);
    tni_error_subject(err, name);
    tni_error_hint(err, "nothing was written in its place; please report this as a bug of tenon");
    return status;
}

/* Compares what two graphs restore, under old and new names. */
static tn_status compare(const tni_meta_beside *meta, const opened *o, const tn_model *staged,
                         tn_error *err)
{
    const tn_model *old = o->model;
    tni_hash keys;
    tn_status status = TN_OK;
    tni_hash_init(&keys, old->ctx, o->keys.count);
    for (size_t i = 0; status == TN_OK && i < o->keys.count; i++) {
        status = tni_hash_add(&keys, o->keys.at[i].from, (uint32_t)i, NULL, err);
    }
    for (size_t i = 0; status == TN_OK && i < old->count; i++) {
        const tn_tensor *tensor = &old->tensors[i];
        tn_str key = tensor->alias[TN_SCHEME_KEY];
        uint32_t at = tni_hash_get(&keys, key);
        bool variable = tensor->role != TN_ROLE_CONSTANT;
        tn_str to = at == TNI_HASH_NONE || !variable ? key : o->keys.at[at].to;
        uint32_t found = tn_model_find(staged, TN_SCHEME_KEY, to);
        if (variable && (found == TN_NO_INDEX || staged->tensors[found].dtype != tensor->dtype ||
                         staged->tensors[found].rank != tensor->rank)) {
            status = wrong(meta, to, "does not restore this variable", err);
        }
    }
    tni_hash_clear(&keys);
    return status == TN_OK && staged->count != old->count
               ? wrong(meta, TN_STR_NONE, "has another number of variables and constants", err)
               : status;
}

/* Opens the staged file and compares its bytes with what was written. */
static tn_status open_staged(const tni_write *write, const tni_meta_beside *meta, const char *path,
                             tn_model **model_out, tn_error *err)
{
    tn_source *source;
    tni_splices_sum sum;
    tni_splices none = {.count = 0};
    tn_error why = {0};
    tn_status status = tni_source_open(write->ctx, path, &source, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_splices_write(write->ctx, source, &none, NULL, &sum, err);
    if (status == TN_OK && (sum.size != meta->size || sum.crc != meta->sum)) {
        status = wrong(meta, TN_STR_NONE, "reads back with other bytes", err);
    }
    if (status != TN_OK) {
        tni_source_release(source);
        return status;
    }
    status = tni_open_nested(write->ctx, "saved_model", source, model_out, &why);
    if (status == TN_CORRUPT || status == TN_UNSUPPORTED) {
        return wrong(meta, TN_STR_NONE, "cannot be read back", err);
    }
    if (status != TN_OK && err != NULL && err->status == TN_OK) {
        *err = why;
    }
    return status;
}

tn_status tni_meta_read_back(tni_write *write, const tni_meta_beside *meta, const char *staged,
                             tn_error *err)
{
    opened o;
    tn_str path;
    tn_model *model = NULL;
    if (!meta->there) {
        return TN_OK;
    }
    tn_status status = tni_arena_format(write->arena, &path, err, "%s/%s", staged, meta->name.data);
    if (status == TN_OK) {
        status = open_staged(write, meta, path.data, &model, err);
    }
    if (status != TN_OK) {
        return status;
    }
    status = open_graph(write, meta, &o, err);
    if (status == TN_OK) {
        status = compare(meta, &o, model, err);
    }
    opened_clear(&o);
    tn_model_free(model);
    return status;
}
