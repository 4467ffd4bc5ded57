/* The SavedModel around its graphs: one MetaGraph with the tag "serve", a saver, and the
 * collections by which TF1 programs find variables. */
#include "formats/saved_model/layout.h"
#include "formats/saved_model/write_message.h"
#include "schemas/variable.pb-c.h"

enum { KEPT = 5, HOURS = 10000, SAVER_V2 = 2 }; /* as tf.compat.v1.train.Saver has it */

static tn_status put_info(tni_arena *arena, tni_buffer *out, tn_error *err)
{
    Tenon__Graph__MetaGraphDefMetaInfoDef info = TENON__GRAPH__META_GRAPH_DEF_META_INFO_DEF__INIT;
    ProtobufCBinaryData tag = tni_sm_data(TN_LIT("serve"));
    info.tags = &tag;
    info.n_tags = 1;
    info.stripped_default_attrs = 1;
    return tni_sm_put_message(META_INFO, &info.base, arena, out, err);
}

static tn_status put_saver(const tni_sm_write *w, tni_arena *arena, tni_buffer *out, tn_error *err)
{
    Tenon__Graph__SaverDef saver = TENON__GRAPH__SAVER_DEF__INIT;
    tn_str path, saved, restore;
    int len = (int)w->scope.len;
    const char *scope = w->scope.data;
    tn_status status;
    if ((status = tni_arena_format(arena, &path, err, "%.*s/" TNI_SM_FED ":0", len, scope)) !=
            TN_OK ||
        (status = tni_arena_format(arena, &saved, err, "%.*s/" TNI_SM_SAVED ":0", len, scope)) !=
            TN_OK ||
        (status = tni_arena_format(arena, &restore, err, "%.*s/" TNI_SM_RESTORE, len, scope)) !=
            TN_OK) {
        return status;
    }
    saver.filename_tensor_name = tni_sm_data(path);
    saver.save_tensor_name = tni_sm_data(saved);
    saver.restore_op_name = tni_sm_data(restore);
    saver.max_to_keep = KEPT;
    saver.keep_checkpoint_every_n_hours = HOURS;
    saver.version = (Tenon__Graph__SaverDefCheckpointFormatVersion)SAVER_V2;
    return tni_sm_put_message(META_SAVER, &saver.base, arena, out, err);
}

/* Names one of a variable's own operations' first output. */
static tn_status output_name(const tni_sm_write *w, uint32_t index, const char *suffix,
                             tni_arena *arena, ProtobufCBinaryData *name_out, tn_error *err)
{
    tn_str name;
    tn_status status = tni_sm_own_name(w, index, suffix, arena, &name, err);
    if (status == TN_OK) {
        status = tni_arena_format(arena, &name, err, "%.*s:0", (int)name.len, name.data);
    }
    if (status == TN_OK) {
        *name_out = tni_sm_data(name);
    }
    return status;
}

/* Appends a variable to the collection at hand. */
static tn_status put_variable(const tni_sm_write *w, uint32_t index, tni_arena *arena,
                              tni_buffer *out, tn_error *err)
{
    Tenon__VariableDef variable = TENON__VARIABLE_DEF__INIT;
    tn_str name = w->places[index].graph, assign;
    tn_status status = tni_arena_format(arena, &name, err, "%.*s:0", (int)name.len, name.data);
    variable.variable_name = tni_sm_data(name);
    if (status == TN_OK) {
        status = tni_sm_own_name(w, index, TNI_SM_ASSIGN, arena, &assign, err);
        variable.initializer_name = tni_sm_data(assign);
    }
    if (status == TN_OK) {
        status = output_name(w, index, TNI_SM_READ, arena, &variable.snapshot_name, err);
    }
    if (status == TN_OK) {
        status = output_name(w, index, TNI_SM_INITIAL, arena, &variable.initial_value_name, err);
    }
    variable.is_resource = 1;
    variable.trainable = tni_sm_trains(tn_model_at(w->model, index));
    return status == TN_OK ? tni_sm_put_message(COLLECTION_ITEM, &variable.base, arena, out, err)
                           : status;
}

/* A collection of all variables, or of those that are trainable; none if it would be empty. */
static tn_status put_collection(const tni_sm_write *w, const char *name, bool trainable,
                                tni_buffer *out, tn_error *err)
{
    tni_arena arena;
    tni_buffer list, bytes, entry;
    tn_context *ctx = w->arena->ctx;
    tn_status status = TN_OK;
    tni_arena_init(&arena, ctx, UINT64_MAX);
    tni_buffer_init(&list, ctx);
    tni_buffer_init(&bytes, ctx);
    tni_buffer_init(&entry, ctx);
    for (uint32_t i = 0; status == TN_OK && i < w->count; i++) {
        if (!trainable || tni_sm_trains(tn_model_at(w->model, i))) {
            status = put_variable(w, i, &arena, &list, err);
            tni_arena_clear(&arena);
        }
    }
    if (status == TN_OK && list.len > 0) {
        tni_wire_put_len(&bytes, COLLECTION_BYTES, (tn_str){list.data, list.len});
        tni_wire_put_len(&entry, MAP_KEY, tn_str_of(name));
        tni_wire_put_len(&entry, MAP_VALUE, (tn_str){bytes.data, bytes.len});
        tni_wire_put_len(out, META_COLLECTION, (tn_str){entry.data, entry.len});
        status = tni_buffer_check(&bytes, err);
        status = status == TN_OK ? tni_buffer_check(&entry, err) : status;
        status = status == TN_OK ? tni_buffer_check(out, err) : status;
    }
    tni_buffer_clear(&entry);
    tni_buffer_clear(&bytes);
    tni_buffer_clear(&list);
    tni_arena_clear(&arena);
    return status;
}

/* Appends the MetaGraphDef's fields. */
static tn_status put_meta(const tni_sm_write *w, tn_str graph, tn_str objects, tni_buffer *out,
                          tn_error *err)
{
    tni_arena arena;
    tni_arena_init(&arena, w->arena->ctx, UINT64_MAX);
    tn_status status = put_info(&arena, out, err);
    if (status == TN_OK) {
        tni_wire_put_len(out, META_GRAPH_DEF, graph);
        status = put_saver(w, &arena, out, err);
    }
    if (status == TN_OK) {
        status = put_collection(w, "trainable_variables", true, out, err);
    }
    if (status == TN_OK) {
        status = put_collection(w, "variables", false, out, err);
    }
    if (status == TN_OK) {
        tni_wire_put_len(out, META_OBJECTS, objects);
        status = tni_buffer_check(out, err);
    }
    tni_arena_clear(&arena);
    return status;
}

tn_status tni_sm_pack_model(const tni_sm_write *w, tn_str graph, tn_str objects, tni_buffer *out,
                            tn_error *err)
{
    tni_buffer meta;
    tni_buffer_init(&meta, w->arena->ctx);
    tn_status status = put_meta(w, graph, objects, &meta, err);
    if (status == TN_OK) {
        tni_buffer_add(out, TNI_SM_SCHEMA_VERSION, sizeof TNI_SM_SCHEMA_VERSION - 1);
        tni_wire_put_len(out, SAVED_MODEL_META_GRAPH, (tn_str){meta.data, meta.len});
        status = tni_buffer_check(out, err);
    }
    tni_buffer_clear(&meta);
    return status;
}
