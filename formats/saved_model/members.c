/* What belongs to a SavedModel in its folder: the files that TensorFlow writes there, as far as
 * they say themselves that they are of this model. */
#include "core/error.h"
#include "formats/saved_model/read.h"

/* Files and folders that TensorFlow and Keras give these names; a user's own files lie in
 * assets.extra/, which is no part of it. */
static const char *const always[] = {
    TNI_SM_PB,    TNI_SM_TEXT, "fingerprint.pb", "keras_metadata.pb",
    "variables/", "assets/",   "debug/",         "debug/saved_model_debug_info.pb",
};

typedef struct members {
    tni_arena *arena;
    tn_str *at;
    size_t count, room;
} members;

static tn_status add(members *m, const char *folder, tn_str name, tn_error *err)
{
    if (m->count == m->room) {
        void *block;
        size_t room = 2 * m->room + 16;
        tn_status status = tni_arena_array(m->arena, room, sizeof(tn_str), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (m->count > 0) {
            memcpy(block, m->at, m->count * sizeof(tn_str));
        }
        m->at = block;
        m->room = room;
    }
    tn_status status = tni_arena_format(m->arena, &m->at[m->count], err, "%s%.*s", folder,
                                        (int)name.len, name.data);
    m->count += status == TN_OK;
    return status;
}

/* A model that is missing or damaged has no files that are known; but what the system could not do
 * says nothing of the model, and is passed on. */
static tn_status pass_on(tn_status status, const tn_error *why, tn_error *err)
{
    if (status != TN_READ && status != TN_NOMEM && status != TN_CANCELLED) {
        return TN_OK;
    }
    if (err != NULL && err->status == TN_OK) {
        *err = *why;
    }
    return status;
}

/* Adds what the checkpoint's own reader says of it. */
static tn_status add_variables(members *m, tn_context *ctx, tn_source *main, tn_error *err)
{
    tn_str path = tn_str_of(tni_source_path(main)), name = tni_source_name(main), file;
    tn_source *index = NULL;
    tni_names found = {NULL, 0};
    tn_status status = tni_arena_format(m->arena, &file, err, "%.*s" TNI_SM_VARIABLES ".index",
                                        (int)(path.len - name.len), path.data);
    if (status != TN_OK) {
        return status;
    }
    tn_error why = {0};
    status = tni_source_open(ctx, file.data, &index, &why);
    if (status == TN_OK) {
        const tni_reader_ops *reader = tni_format_find(TN_LIT("tf_checkpoint"))->reader;
        status = reader->members(ctx, index, m->arena, &found, &why);
    }
    tni_source_release(index);
    status = pass_on(status, &why, err);
    for (size_t i = 0; status == TN_OK && i < found.count; i++) {
        status = add(m, "variables/", found.at[i], err);
    }
    return status;
}

static tn_status add_assets(members *m, tn_context *ctx, tn_source *main, tn_error *err)
{
    tn_graph *graph;
    tn_error why = {0};
    tn_status status = tni_sm_index_load(ctx, main, &graph, &why);
    if (status != TN_OK) {
        return pass_on(status, &why, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < graph->n_metas; i++) {
        const tni_sm_entries *assets = &graph->metas[i].assets;
        for (uint32_t k = 0; status == TN_OK && k < assets->count; k++) {
            status = add(m, "assets/", assets->at[k].key, err);
        }
    }
    tni_sm_index_free(graph);
    return status;
}

tn_status tni_sm_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err)
{
    members m = {.arena = arena};
    tn_str name = tni_source_name(main);
    bool alone = !tn_str_equal(name, TN_LIT(TNI_SM_PB)) && !tn_str_equal(name, TN_LIT(TNI_SM_TEXT));
    tn_status status = alone ? add(&m, "", name, err) : TN_OK;
    for (size_t i = 0; status == TN_OK && !alone && i < sizeof always / sizeof always[0]; i++) {
        status = add(&m, "", tn_str_of(always[i]), err);
    }
    if (status == TN_OK && !alone) {
        status = add_variables(&m, ctx, main, err);
    }
    if (status == TN_OK && !alone) {
        status = add_assets(&m, ctx, main, err);
    }
    if (status == TN_OK) {
        *names_out = (tni_names){m.at, m.count};
    }
    return status;
}
