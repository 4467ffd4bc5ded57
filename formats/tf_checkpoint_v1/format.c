#include "formats/format.h"
#include "core/cursor.h"
#include "formats/shared/state_write.h"
#include "formats/shared/table.h"
#include "formats/shared/table_first.h"
#include "formats/tf_checkpoint_v1/names.h"
#include "formats/tf_checkpoint_v1/read.h"
#include "formats/tf_checkpoint_v1/write.h"

static tni_grade probe_v1(const tni_probe *probe)
{
    bool table = probe->tail_len >= 8 &&
                 tni_load_u64le(probe->tail + probe->tail_len - 8) == TNI_TABLE_MAGIC;
    return table && tni_table_first(probe->head, probe->head_len) == TNI_FIRST_V1
               ? TNI_GRADE_CERTAIN
               : TNI_GRADE_NO;
}

/* The state file's latest checkpoint may be a file of just this name, or a pattern. What is wrong
 * with a state file the reader of V2 has said before. */
static tn_status folder_means(tn_context *ctx, const char *folder, const tni_names *names,
                              tni_arena *arena, tn_str *main_out, tn_report *notes, tn_error *err)
{
    tni_tf_state state;
    tn_error ignored = {0};
    (void)notes;
    (void)err;
    if (!tni_names_has(names, TN_LIT(TNI_TF_STATE_FILE)) ||
        tni_tf_state_load(ctx, folder, arena, &state, &ignored) != TN_OK) {
        return TN_OK;
    }
    tn_str last = tni_tf_state_last(state.latest), main = last;
    if (last.len > 0 && !tni_names_has(names, last) &&
        !tni_v1_name_main(last, names, arena, &main)) {
        return TN_OK;
    }
    if (last.len > 0 && tni_names_has(names, main)) {
        *main_out = main;
    }
    return TN_OK;
}

static const char *const extensions[] = {".ckpt-v1", NULL};
static const char *const notes[] = {
    "reads one file, or all shards of a set by any of them or by their pattern",
    "partitioned variables of fixed-size types are read as one tensor",
    "blocks compressed with Snappy are read",
    "writes one file, partitioned variables as whole tensors",
    NULL,
};

static const tni_reader_ops reader = {.open = tni_v1_open, .members = tni_v1_members};

const tn_format tn_format_tf_checkpoint_v1 = {
    .name = "tf_checkpoint_v1",
    .title = "TensorFlow checkpoint (V1)",
    .extensions = extensions,
    .notes = notes,
    .probe = probe_v1,
    .member = tni_v1_name_main,
    .folder = folder_means,
    .reader = &reader,
    .writer = &tni_v1_writer,
};
