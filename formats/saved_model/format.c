#include "formats/format.h"
#include "formats/saved_model/layout.h"
#include "formats/saved_model/read.h"
#include "formats/saved_model/text.h"
#include "formats/saved_model/write.h"

/* Tells whether a file's first bytes are those of a graph, and how surely: messages have no magic
 * number. */
static tni_grade probe_message(tn_str head)
{
    enum { VERSION = 0x08, META_GRAPH = 0x12, FIRST = 0x0A };
    const char *at = head.data;
    if (head.len > 3 && at[0] == VERSION && (uint8_t)at[1] < 0x80 && at[2] == META_GRAPH) {
        return TNI_GRADE_LIKELY;
    }
    if (head.len > 3 && at[0] == FIRST && tni_sm_kind_of(head) == TNI_SM_GRAPH) {
        return TNI_GRADE_LIKELY;
    }
    return TNI_GRADE_NO;
}

static tni_grade probe(const tni_probe *p)
{
    tn_str head = {(const char *)p->head, p->head_len};
    bool main = tn_str_equal(p->name, TN_LIT(TNI_SM_PB)) ||
                tn_str_equal(p->name, TN_LIT(TNI_SM_TEXT)) ||
                tn_str_equal(p->name, TN_LIT(TNI_SM_CHUNKED));
    bool meta = tn_str_ends(p->name, TN_LIT(TNI_SM_META_SUFFIX));
    if (tn_str_starts(head, TN_LIT(TNI_SM_CHUNKED_MAGIC))) {
        return TNI_GRADE_CERTAIN;
    }
    tni_grade grade = tni_sm_looks_like_text(head) ? TNI_GRADE_LIKELY : probe_message(head);
    if (grade == TNI_GRADE_LIKELY && main) {
        return TNI_GRADE_CERTAIN;
    }
    if (grade == TNI_GRADE_NO && meta && head.len > 1 && head.data[0] == 0x0A) {
        return TNI_GRADE_LIKELY;
    }
    return grade == TNI_GRADE_NO && (main || meta) ? TNI_GRADE_NAME : grade;
}

/* The binary form wins where there are both, as in TensorFlow's loaders; a chunked one is all there
 * is of its model. A .meta without its checkpoint is read by itself. */
static bool member(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out)
{
    static const char *const mains[] = {TNI_SM_PB, TNI_SM_TEXT, TNI_SM_CHUNKED};
    tn_str meta = TN_LIT(TNI_SM_META_SUFFIX), index;
    bool is_main = false;
    for (size_t i = 0; i < sizeof mains / sizeof mains[0]; i++) {
        is_main = is_main || tn_str_equal(name, tn_str_of(mains[i]));
    }
    for (size_t i = 0; is_main && i < sizeof mains / sizeof mains[0]; i++) {
        if (tni_names_has(siblings, tn_str_of(mains[i]))) {
            *main_out = tn_str_of(mains[i]);
            return true;
        }
    }
    if (name.len <= meta.len || !tn_str_ends(name, meta) || !tni_names_has(siblings, name) ||
        tni_arena_format(arena, &index, NULL, "%.*s.index", (int)(name.len - meta.len),
                         name.data) != TN_OK ||
        tni_names_has(siblings, index)) {
        return false;
    }
    *main_out = name;
    return true;
}

static tn_status folder(tn_context *ctx, const char *path, const tni_names *names, tni_arena *arena,
                        tn_str *main_out, tn_report *notes, tn_error *err)
{
    (void)ctx;
    (void)path;
    (void)notes;
    (void)err;
    tn_str main = TN_STR_NONE;
    if (member(TN_LIT(TNI_SM_PB), names, arena, &main)) {
        *main_out = main;
    }
    return TN_OK;
}

static const char *const extensions[] = {".pb", ".pbtxt", ".meta", NULL};
static const char *const notes[] = {
    "SavedModels of TensorFlow 1 and 2 and of both Kerases, .meta files, frozen graphs",
    "in binary and in text form; chunked ones (.cpb) are named and refused",
    "constants are tensors too; no graph is ever run",
    NULL,
};

static const tni_reader_ops reader = {.open = tni_sm_open,
                                      .members = tni_sm_members,
                                      .tags = true,
                                      .rekey = tni_sm_rekey};

const tn_format tn_format_saved_model = {
    .name = "saved_model",
    .title = "TensorFlow SavedModel and graph",
    .extensions = extensions,
    .notes = notes,
    .probe = probe,
    .member = member,
    .folder = folder,
    .reader = &reader,
    .writer = &tni_sm_writer,
};
