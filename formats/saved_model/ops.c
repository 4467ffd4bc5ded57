#include "formats/saved_model/ops.h"
#include <stdlib.h>

static const char *const lines[] = {
#include "formats/saved_model/ops.def"
};

/* Takes the next entry off a line; false: there is none. */
static bool next_entry(const char **line, tn_str *entry_out)
{
    size_t len = strcspn(*line, ";");
    *entry_out = (tn_str){*line, len};
    *line += len + ((*line)[len] == ';');
    return len > 0;
}

static tn_str name_of(tn_str entry)
{
    const char *space = memchr(entry.data, ' ', entry.len);
    return space == NULL ? entry : tn_str_first(entry, (size_t)(space - entry.data));
}

/* Lists the entries once. */
static tn_status list(tn_graph *graph, tn_error *err)
{
    size_t count = 0;
    void *block;
    tn_str entry;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *line = lines[i];
        while (next_entry(&line, &entry)) {
            count++;
        }
    }
    tn_status status = tni_arena_array(&graph->arena, count, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    graph->known_ops = block;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *line = lines[i];
        while (next_entry(&line, &entry)) {
            graph->known_ops[graph->n_known_ops++] = entry;
        }
    }
    return TN_OK;
}

static int by_name(const void *key, const void *entry)
{
    return tn_str_compare(*(const tn_str *)key, name_of(*(const tn_str *)entry));
}

tn_status tni_sm_known_op(tn_graph *graph, tn_str op, bool *found_out, tn_str *outputs_out,
                          tn_error *err)
{
    tn_status status = graph->known_ops == NULL ? list(graph, err) : TN_OK;
    if (status != TN_OK) {
        return status;
    }
    const tn_str *found =
        bsearch(&op, graph->known_ops, graph->n_known_ops, sizeof(tn_str), by_name);
    *found_out = found != NULL;
    if (found != NULL) {
        size_t cut = name_of(*found).len;
        *outputs_out = cut == found->len ? TN_LIT("") : tn_str_skip(*found, cut + 1);
    }
    return TN_OK;
}
