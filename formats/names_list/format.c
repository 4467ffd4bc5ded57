/* Names-and-shapes lists: what stands for a model that is only alive in a program. */
#include "formats/format.h"
#include "formats/names_list/read.h"

static bool holds(tn_str text, tn_str word)
{
    return text.len >= word.len && memmem(text.data, text.len, word.data, word.len) != NULL;
}

/* A JSON object that is no index of shards, or a file that is called YAML. Its content shows only
 * when it is read. */
static tni_grade probe(const tni_probe *probe)
{
    if (tni_names_list_is_yaml(probe->name)) {
        return TNI_GRADE_NAME;
    }
    tn_str head = {(const char *)probe->head, probe->head_len};
    size_t i = 0;
    while (i < head.len && strchr(" \t\r\n", head.data[i]) != NULL && head.data[i] != '\0') {
        i++;
    }
    if (i == head.len || head.data[i] != '{' || holds(head, TN_LIT("\"weight_map\""))) {
        return TNI_GRADE_NO;
    }
    return TNI_GRADE_LIKELY;
}

/* Any JSON file may be one, so none is taken for one when a folder is opened. */
static bool member(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out)
{
    (void)name;
    (void)siblings;
    (void)arena;
    (void)main_out;
    return false;
}

static const char *const extensions[] = {".json", ".yaml", ".yml", NULL};
static const char *const notes[] = {
    "JSON or YAML: {name: [shape]} or {name: {\"shape\": […], \"dtype\": …}}; null stands for any",
    "the output of `tenon ls --json` is such a list",
    "it holds no values, so it cannot be converted", NULL};
static const tni_reader_ops reader = {.open = tni_names_list_open};

const tn_format tn_format_names_list = {.name = "names_list",
                                        .title = "names-and-shapes list",
                                        .extensions = extensions,
                                        .notes = notes,
                                        .probe = probe,
                                        .member = member,
                                        .reader = &reader,
                                        .from_stdin = true};
