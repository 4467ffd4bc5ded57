#include "formats/format.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/shared/state_write.h"
#include "formats/shared/table.h"
#include "formats/shared/table_first.h"
#include "formats/tf_checkpoint/bundle.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/read.h"
#include "formats/tf_checkpoint/write.h"
#include <stdio.h>
#include <tenon/text.h>

static tni_grade probe_tf(const tni_probe *probe)
{
    bool named = tn_str_ends(probe->name, TN_LIT(TNI_TF_INDEX_SUFFIX));
    if (probe->tail_len < 8 ||
        tni_load_u64le(probe->tail + probe->tail_len - 8) != TNI_TABLE_MAGIC) {
        return named ? TNI_GRADE_NAME : TNI_GRADE_NO;
    }
    switch (tni_table_first(probe->head, probe->head_len)) {
    case TNI_FIRST_V1:
        return TNI_GRADE_NO;
    case TNI_FIRST_V2:
        return TNI_GRADE_CERTAIN;
    case TNI_FIRST_UNKNOWN:
        break;
    }
    return named ? TNI_GRADE_CERTAIN : TNI_GRADE_LIKELY;
}

static bool index_of(tn_str prefix, tni_arena *arena, tn_str *main_out)
{
    return tni_arena_format(arena, main_out, NULL, "%.*s" TNI_TF_INDEX_SUFFIX, (int)prefix.len,
                            prefix.data) == TN_OK;
}

/* A data file leads to its index even where that is missing: then the error names what is. */
static bool member(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out)
{
    tn_str prefix, meta = TN_LIT(TNI_TF_META_SUFFIX);
    uint64_t shards;
    if (tni_tf_prefix(name, &prefix)) {
        *main_out = name;
        return tni_names_has(siblings, name);
    }
    if (tni_tf_shard_prefix(name, &prefix, &shards)) {
        return index_of(prefix, arena, main_out);
    }
    bool is_meta = name.len > meta.len && tn_str_ends(name, meta);
    prefix = is_meta ? tn_str_first(name, name.len - meta.len) : name;
    tn_str main;
    if (prefix.len == 0 || !index_of(prefix, arena, &main) || !tni_names_has(siblings, main)) {
        return false;
    }
    *main_out = main;
    return true;
}

/* Splits a state file's path into the folder that it says (with its slash) and its last component.
 */
static void split_path(tn_str path, tn_str *folder, tn_str *last)
{
    const char *slash = path.len == 0 ? NULL : memrchr(path.data, '/', path.len);
    size_t cut = slash == NULL ? 0 : (size_t)(slash - path.data) + 1;
    *folder = tn_str_first(path, cut);
    *last = tn_str_skip(path, cut);
}

static tn_status not_there(const char *folder, tn_str last, tn_error *err)
{
    char name[TN_ERROR_SUBJECT];
    tn_escape(last, name, sizeof(name));
    tn_status status = tni_fail(err, TN_E_NOT_FOUND,
                                "the latest checkpoint by its state file, %s, is not in this "
                                "folder",
                                name);
    tni_error_path(err, folder[0] == '\0' ? "." : folder);
    tni_error_hint(err,
                   "name the one that you mean, or mend the state file with tenon ckpt recover "
                   "%s",
                   folder[0] == '\0' ? "." : folder);
    return status;
}

/* Looks for the state file's latest checkpoint by its last component, only in this folder. */
static tn_status follow_state(tn_context *ctx, const char *folder, const tni_names *names,
                              tni_arena *arena, tn_str *main_out, tn_report *notes, tn_error *err)
{
    tni_tf_state state;
    tn_error why = {0};
    tn_status status = tni_tf_state_load(ctx, folder, arena, &state, &why);
    if (status != TN_OK) {
        char place[64] = "";
        if (why.line != 0) {
            snprintf(place, sizeof(place), "line %u, column %u: ", why.line, why.column);
        }
        return tn_report_say(notes, TN_SEVERITY_WARNING, "state-file", TN_STR_NONE, err,
                             "the state file %scheckpoint was left aside: %s%s", folder, place,
                             why.message);
    }
    if (state.latest.len == 0) {
        return tn_report_say(notes, TN_SEVERITY_WARNING, "state-file", TN_STR_NONE, err,
                             "the state file %scheckpoint names no latest checkpoint", folder);
    }
    tn_str said, last, main;
    split_path(state.latest, &said, &last);
    if (tni_names_has(names, last) || memchr(last.data, '?', last.len) != NULL) {
        /* The first format's checkpoints are files of just this name, or patterns. */
        if (!index_of(last, arena, &main) || !tni_names_has(names, main)) {
            return TN_OK;
        }
    }
    if (last.len == 0 || !index_of(last, arena, &main) || !tni_names_has(names, main)) {
        return not_there(folder, last, err);
    }
    *main_out = main;
    if (said.len == 0 || tn_str_equal(said, tn_str_of(folder))) {
        return TN_OK;
    }
    char shown[TN_ERROR_SUBJECT];
    tn_escape(said, shown, sizeof(shown));
    return tn_report_say(notes, TN_SEVERITY_NOTE, "state-file", TN_STR_NONE, err,
                         "the state file says that the checkpoint lies in %s; the one of that name "
                         "in this folder was opened",
                         shown);
}

static tn_status folder_means(tn_context *ctx, const char *folder, const tni_names *names,
                              tni_arena *arena, tn_str *main_out, tn_report *notes, tn_error *err)
{
    if (tni_names_has(names, TN_LIT(TNI_TF_STATE_FILE))) {
        return follow_state(ctx, folder, names, arena, main_out, notes, err);
    }
    return TN_OK;
}

static const char *const extensions[] = {".ckpt", NULL};
static const char *const notes[] = {
    "reads all types but RESOURCE; variants are verified and carried, never decoded",
    "partitioned variables of fixed-size types are read as one tensor",
    "blocks compressed with Snappy are read",
    NULL,
};

static const tni_reader_ops reader = {.open = tni_tf_open, .members = tni_tf_members};

const tn_format tn_format_tf_checkpoint = {
    .name = "tf_checkpoint",
    .title = "TensorFlow checkpoint (V2)",
    .extensions = extensions,
    .notes = notes,
    .probe = probe_tf,
    .member = member,
    .folder = folder_means,
    .reader = &reader,
    .writer = &tni_tf_writer,
};
