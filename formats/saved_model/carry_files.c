/* Which files of a SavedModel's folder go along beside its checkpoint. */
#include "core/error.h"
#include "formats/saved_model/carry.h"
#include "formats/saved_model/index.h"
#include <tenon/text.h>

#define DEBUG_INFO "debug/saved_model_debug_info.pb"

size_t tni_sm_carry_most_files(const tni_sm_carry *carry)
{
    size_t most = 3; /* the graph, Keras' metadata, what debuggers want */
    for (uint32_t i = 0; i < carry->root->graph->n_metas; i++) {
        most += carry->root->graph->metas[i].assets.count;
    }
    return most;
}

/* Tells whether a file of the source's folder is there, and which it is. */
static tn_status find(tni_write *write, const tni_sm_carry *carry, const char *folder, tn_str name,
                      tn_str *path_out, bool *there_out, tn_error *err)
{
    tni_path_kind kind = TNI_PATH_NONE;
    tn_status status =
        tni_arena_format(write->arena, path_out, err, "%.*s%s%.*s", (int)carry->folder.len,
                         carry->folder.data, folder, (int)name.len, name.data);
    if (status == TN_OK) {
        status = tni_path_kind_of(write->ctx, path_out->data, &kind, err);
    }
    *there_out = kind == TNI_PATH_FILE;
    return status;
}

/* Adds a file under the name that it has in the source's folder. */
static tn_status add(tni_write *write, tni_sm_carry *carry, tn_str path, const tni_splices *edit,
                     tni_out_file *files, tn_error *err)
{
    tn_source *source = NULL;
    tni_sm_file *file = &carry->files[carry->n_files];
    tni_out_file *out = &files[write->n_files];
    tn_status status = tni_source_open(write->ctx, path.data, &source, err);
    if (status != TN_OK) {
        return status;
    }
    *file = (tni_sm_file){.path = path, .file = (uint32_t)write->n_files, .edit = *edit};
    file->edit.size = edit->count == 0 ? tni_source_size(source) : edit->size;
    *out = (tni_out_file){.name = tn_str_skip(path, carry->folder.len), .size = file->edit.size};
    carry->n_files++;
    write->n_files++;
    tni_source_release(source);
    return TN_OK;
}

/* Adds a file if it is there. */
static tn_status add_if_there(tni_write *write, tni_sm_carry *carry, const char *folder,
                              tn_str name, tni_out_file *files, bool *there_out, tn_error *err)
{
    tn_str path;
    tn_status status = find(write, carry, folder, name, &path, there_out, err);
    return status == TN_OK && *there_out
               ? add(write, carry, path, &(tni_splices){.count = 0}, files, err)
               : status;
}

static bool is_plain(tn_str name)
{
    return name.len > 0 && memchr(name.data, '/', name.len) == NULL &&
           memchr(name.data, '\0', name.len) == NULL && !tn_str_equal(name, TN_LIT(".")) &&
           !tn_str_equal(name, TN_LIT(".."));
}

static tn_status add_asset(tni_write *write, tni_sm_carry *carry, tn_str name, tni_out_file *files,
                           tn_error *err)
{
    bool there;
    char text[TN_ERROR_SUBJECT];
    tn_escape(name, text, sizeof text);
    if (!is_plain(name)) {
        return tni_fail(err, TN_E_UNSAFE, "an asset of the SavedModel is called '%s'", text);
    }
    tn_status status = add_if_there(write, carry, "assets/", name, files, &there, err);
    return status != TN_OK || there
               ? status
               : tn_report_say(write->notes, TN_SEVERITY_WARNING, "file-left-out", TN_STR_NONE, err,
                               "assets/%s is missing from the input", text);
}

/* Adds the assets of all MetaGraphs, each once. */
static tn_status add_assets(tni_write *write, tni_sm_carry *carry, tni_out_file *files,
                            tn_error *err)
{
    tni_hash seen;
    tn_status status = TN_OK;
    const tn_graph *graph = carry->root->graph;
    tni_hash_init(&seen, write->ctx, 0);
    for (uint32_t i = 0; status == TN_OK && i < graph->n_metas; i++) {
        const tni_sm_entries *assets = &graph->metas[i].assets;
        for (uint32_t k = 0; status == TN_OK && k < assets->count; k++) {
            uint32_t old = TNI_HASH_NONE;
            status = tni_hash_add(&seen, assets->at[k].key, k, &old, err);
            if (status == TN_OK && old == TNI_HASH_NONE) {
                status = add_asset(write, carry, assets->at[k].key, files, err);
            }
        }
    }
    tni_hash_clear(&seen);
    return status;
}

/* Says what stays behind: what speaks of the input's own bytes, and what is no part of the model.
 */
static tn_status tell(tni_write *write, const tni_sm_carry *carry, tn_error *err)
{
    static const struct {
        const char *name, *why;
        tn_severity severity;
    } known[] = {
        {"fingerprint.pb", "it tells the input from other models", TN_SEVERITY_NOTE},
        {TNI_SM_KERAS, "Keras would look for its layers by their old paths", TN_SEVERITY_WARNING},
        {"assets.extra", "it is no part of the model", TN_SEVERITY_WARNING},
    };
    tn_status status = TN_OK;
    bool moved = carry->copied.count > 0;
    for (size_t i = 0; status == TN_OK && i < sizeof known / sizeof known[0]; i++) {
        tn_str path;
        tni_path_kind kind = TNI_PATH_NONE;
        bool keras = strcmp(known[i].name, TNI_SM_KERAS) == 0;
        status = tni_arena_format(write->arena, &path, err, "%.*s%s", (int)carry->folder.len,
                                  carry->folder.data, known[i].name);
        if (status == TN_OK) {
            status = tni_path_kind_of(write->ctx, path.data, &kind, err);
        }
        if (status == TN_OK && kind != TNI_PATH_NONE && (!keras || moved)) {
            status = tn_report_say(write->notes, known[i].severity, "file-left-out", TN_STR_NONE,
                                   err, "%s is left out: %s", known[i].name, known[i].why);
        }
    }
    return status;
}

tn_status tni_sm_carry_files(tni_write *write, tni_sm_carry *carry, const tni_splices *splices,
                             tni_out_file *files, tn_error *err)
{
    void *block;
    bool there;
    size_t most = tni_sm_carry_most_files(carry);
    tn_str path = tn_str_of(tni_source_path(carry->root->graph->source));
    tn_status status = tni_arena_array(write->arena, most, sizeof(tni_sm_file), &block, err);
    if (status != TN_OK) {
        return status;
    }
    carry->files = block;
    status = add(write, carry, path, splices, files, err);
    if (status == TN_OK && carry->copied.count == 0) {
        status = add_if_there(write, carry, "", TN_LIT(TNI_SM_KERAS), files, &there, err);
    }
    if (status == TN_OK) {
        status = add_if_there(write, carry, "", TN_LIT(DEBUG_INFO), files, &there, err);
    }
    if (status == TN_OK) {
        status = add_assets(write, carry, files, err);
    }
    return status == TN_OK ? tell(write, carry, err) : status;
}
