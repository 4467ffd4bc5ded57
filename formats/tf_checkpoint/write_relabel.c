/* Whether the source's object graph can follow renamed tensors, and what it becomes: the renames
 * are a relabelling of edges, and whoever reads the output calls every tensor as planned. */
#include "core/error.h"
#include "formats/tf_checkpoint/graph_prune.h"
#include "formats/tf_checkpoint/graph_relabel.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/names.h"
#include "formats/tf_checkpoint/write.h"
#include "model/piece.h"
#include <tenon/text.h>

/* What is written of a source, and the graph in its making. */
typedef struct following {
    const tn_model *model, *root;
    tni_relabel *relabel;
    tni_arena *scratch;
    tn_error *err;
} following;

static const tn_tensor *origin_of(const tn_tensor *tensor)
{
    return &tensor->origin->tensors[tensor->origin_index];
}

tn_str tni_tf_stored_key(const tn_tensor *tensor)
{
    return tensor->alias[TN_SCHEME_KEY].data != NULL ? tensor->alias[TN_SCHEME_KEY]
                                                     : origin_of(tensor)->alias[TN_SCHEME_KEY];
}

/* Tells whether a tensor got another name, or is none of the source's. Values alone may be another
 * file's (--like): then its key is still that of the source. */
static bool is_renamed(const tn_tensor *tensor, const tn_model *root)
{
    return tensor->alias[TN_SCHEME_KEY].data == NULL &&
           (tensor->origin != root ||
            !tn_str_equal(tensor->alias[TN_SCHEME_NAME], origin_of(tensor)->alias[TN_SCHEME_NAME]));
}

/* Tells whether a tensor of the source is named by its path. */
static bool has_path(const tn_tensor *tensor)
{
    return tensor->alias[TN_SCHEME_OBJECT].data != NULL &&
           tn_str_equal(tensor->alias[TN_SCHEME_OBJECT], tensor->alias[TN_SCHEME_NAME]);
}

/* Tells whether a tensor is a slot that is named by its key, which follows from its variable's. */
static bool is_keyed_slot(const tn_tensor *tensor)
{
    return tensor->role == TN_ROLE_SLOT &&
           tn_str_equal(tensor->alias[TN_SCHEME_NAME],
                        tni_tf_bare_key(tensor->alias[TN_SCHEME_KEY]));
}

bool tni_tf_any_renamed(const tn_model *model)
{
    const tn_model *root = tni_model_root(model);
    for (size_t i = 0; i < model->count; i++) {
        if (is_renamed(&model->tensors[i], root)) {
            return true;
        }
    }
    return false;
}

/* Says one tensor's path. */
static tn_status say(following *f, const tn_tensor *tensor, bool *taken)
{
    const tn_tensor *origin = origin_of(tensor);
    tn_str name = tensor->alias[TN_SCHEME_NAME];
    tn_status status = TN_OK;
    if (tensor->origin != f->root) {
        status = tni_fail(f->err, TN_E_IMPOSSIBLE,
                          "it comes from nothing that the input's object graph holds");
    } else if (taken[tensor->origin_index]) {
        status = tni_fail(f->err, TN_E_IMPOSSIBLE,
                          "it is made of the same tensor as another one, and the object graph has "
                          "one place for both");
    } else if (has_path(origin)) {
        status = tni_relabel_path(f->relabel, origin->alias[TN_SCHEME_NAME], name, f->err);
    } else if (is_renamed(tensor, f->root) && !is_keyed_slot(origin)) {
        status = tni_fail(f->err, TN_E_IMPOSSIBLE,
                          "its name is no path of the object graph, so no edge follows its rename");
    }
    if (status != TN_OK) {
        tni_error_subject(f->err, tensor->origin == f->root ? origin->alias[TN_SCHEME_NAME] : name);
        return status;
    }
    taken[tensor->origin_index] = true;
    return TN_OK;
}

/* Says the paths of all that is written; documents and metadata have none of their own. */
static tn_status say_all(following *f)
{
    void *taken;
    tn_status status = tni_arena_array(f->scratch, f->root->count, sizeof(bool), &taken, f->err);
    for (size_t i = 0; status == TN_OK && i < f->model->count; i++) {
        const tn_tensor *tensor = &f->model->tensors[i];
        if (tensor->role != TN_ROLE_METADATA) {
            status = say(f, tensor, taken);
        }
    }
    return status == TN_OK ? tni_relabel_end(f->relabel, f->err) : status;
}

/* Describes a tensor as the index of the output will. */
static tn_status make_entry(following *f, const tn_tensor *tensor, tn_str key,
                            const tni_piece *piece, tni_tf_entry *entry)
{
    *entry = (tni_tf_entry){.shape = tensor->shape,
                            .rank = (uint8_t)tensor->rank,
                            .dtype = (uint8_t)tensor->dtype,
                            .slices = tensor->slices == NULL ? NULL : "",
                            .size = piece == NULL ? tensor->bytes : piece->leaf->bytes,
                            .crc = piece == NULL ? 0 : piece->leaf->sum};
    return tni_relabel_key(f->relabel, key, &entry->key, f->err);
}

static tn_status make_entries(following *f, tni_tf_entry **entries_out, uint32_t *count_out)
{
    void *block;
    size_t most = 0;
    for (size_t i = 0; i < f->model->count; i++) {
        most += 1 + (size_t)f->model->tensors[i].n_twins;
    }
    tn_status status = tni_arena_array(f->scratch, most, sizeof(tni_tf_entry), &block, f->err);
    tni_tf_entry *entries = block;
    uint32_t count = (uint32_t)f->model->count; /* entry i is tensor i; twins stand behind them */
    for (uint32_t i = 0; status == TN_OK && i < f->model->count; i++) {
        const tn_tensor *tensor = &f->model->tensors[i];
        const tni_piece *piece = tensor->n_pieces == 1 ? tensor->pieces : NULL;
        const tni_piece *twins = tensor->twin_pieces;
        status = make_entry(f, tensor, tni_tf_stored_key(tensor), piece, &entries[i]);
        for (uint32_t k = 0; status == TN_OK && k < tensor->n_twins; k++) {
            status = make_entry(f, tensor, tensor->twins[k], twins == NULL ? piece : &twins[k],
                                &entries[count++]);
        }
    }
    *entries_out = entries;
    *count_out = count;
    return status;
}

static tn_status other_name(const following *f, const tn_tensor *tensor, tn_str name)
{
    char text[TN_ERROR_SUBJECT];
    tn_escape(name, text, sizeof text);
    tn_status status =
        tni_fail(f->err, TN_E_IMPOSSIBLE, "%s, and it would be called '%s' in the output",
                 is_renamed(tensor, f->root) ? "an edge that is not in its name leads to it too"
                                             : "it is reached over an edge that the renames change",
                 text);
    tni_error_subject(f->err, tensor->alias[TN_SCHEME_NAME]);
    return status;
}

/* Demands that the output's reader will name every tensor as planned. */
static tn_status check_names(following *f, tn_str message)
{
    tni_tf_graph graph;
    tni_tf_entry *entries;
    uint32_t count;
    tni_tf_name *names;
    tn_status status;
    if ((status = tni_tf_graph_parse(message, f->scratch, &graph, f->err)) != TN_OK ||
        (status = make_entries(f, &entries, &count)) != TN_OK ||
        (status = tni_tf_names_make(&graph, entries, count, f->scratch, f->scratch, &names,
                                    f->err)) != TN_OK) {
        return status;
    }
    for (size_t i = 0; i < f->model->count; i++) {
        const tn_tensor *tensor = &f->model->tensors[i];
        bool counts = tensor->role != TN_ROLE_METADATA &&
                      (has_path(origin_of(tensor)) || is_renamed(tensor, f->root));
        if (counts && !tn_str_equal(names[i].name, tensor->alias[TN_SCHEME_NAME])) {
            return other_name(f, tensor, names[i].name);
        }
    }
    return TN_OK;
}

tn_status tni_tf_graph_follow(const tn_model *model, tn_str pruned, tni_relabel *relabel,
                              tni_buffer *out, tn_error *err)
{
    tni_arena scratch;
    tn_context *ctx = model->ctx;
    following f = {model, tni_model_root(model), relabel, &scratch, err};
    tni_arena_init(&scratch, ctx, ctx->limits.memory);
    tn_status status = say_all(&f);
    if (status == TN_OK) {
        status = tni_tf_graph_relabel(ctx, pruned, relabel, out, err);
    }
    if (status == TN_OK) {
        status = check_names(&f, (tn_str){out->data, out->len});
    }
    tni_arena_clear(&scratch);
    return status;
}
