/* Tag sets: which MetaGraph is meant. */
#include "core/buffer.h"
#include "core/error.h"
#include "formats/saved_model/index.h"
#include <stdlib.h>
#include <tenon/text.h>

static int by_bytes(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

/* Joins words in order of their bytes, each once. */
static tn_status join(tni_arena *arena, const tn_str *words, size_t count, tn_str *joined_out,
                      tn_error *err)
{
    void *block;
    tni_buffer text;
    tn_status status = tni_arena_array(arena, count, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *order = block;
    if (count > 0) {
        memcpy(order, words, count * sizeof *words);
        qsort(order, count, sizeof *order, by_bytes);
    }
    tni_buffer_init(&text, arena->ctx);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !tn_str_equal(order[i - 1], order[i])) {
            tni_buffer_text(&text, i == 0 ? "" : ",");
            tni_buffer_str(&text, order[i]);
        }
    }
    status = tni_buffer_check(&text, err);
    if (status == TN_OK) {
        status = tni_arena_str(arena, (tn_str){text.len == 0 ? "" : text.data, text.len},
                               joined_out, err);
    }
    tni_buffer_clear(&text);
    return status;
}

tn_status tni_sm_join_tags(tn_graph *graph, tni_sm_meta *meta, tn_error *err)
{
    return join(&graph->arena, meta->tags, meta->n_tags, &meta->joined, err);
}

/* Cuts "a,b" into words. */
static tn_status split(tni_arena *arena, tn_str text, tn_str **words_out, size_t *count_out,
                       tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, text.len + 1, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *words = block;
    size_t count = 0, from = 0;
    for (size_t at = 0; at <= text.len; at++) {
        if (at == text.len || text.data[at] == ',') {
            if (at > from) {
                words[count++] = (tn_str){text.data + from, at - from};
            }
            from = at + 1;
        }
    }
    *words_out = words;
    *count_out = count;
    return TN_OK;
}

tn_status tni_sm_fail_tags(const tn_graph *graph, tn_code code, const char *what, tn_error *err)
{
    char list[TN_ERROR_TEXT] = "", one[TN_ERROR_SUBJECT];
    size_t used = 0;
    tn_status status = tni_fail(err, code, "%s", what);
    tni_error_path(err, tni_source_path(graph->source));
    for (uint32_t i = 0; i < graph->n_metas; i++) {
        tn_escape(graph->metas[i].joined, one, sizeof one);
        int n = snprintf(list + used, sizeof list - used, "%s--tags %s", i == 0 ? "" : ", ",
                         one[0] == '\0' ? "''" : one);
        if (n < 0 || (size_t)n >= sizeof list - used) {
            break;
        }
        used += (size_t)n;
    }
    tni_error_hint(err, "there are: %s", list);
    return status;
}

tn_status tni_sm_choose(tn_graph *graph, const char *tags, tn_error *err)
{
    tn_str *words, wanted;
    size_t count;
    tn_status status;
    graph->chosen = TN_NO_INDEX;
    if (tags == NULL) {
        return TN_OK;
    }
    if ((status = split(&graph->arena, tn_str_of(tags), &words, &count, err)) != TN_OK ||
        (status = join(&graph->arena, words, count, &wanted, err)) != TN_OK) {
        return status;
    }
    for (uint32_t i = 0; i < graph->n_metas; i++) {
        if (graph->chosen == TN_NO_INDEX && tn_str_equal(graph->metas[i].joined, wanted)) {
            graph->chosen = i;
        }
    }
    return graph->chosen != TN_NO_INDEX
               ? TN_OK
               : tni_sm_fail_tags(graph, TN_E_NO_MATCH, "no MetaGraph has just these tags", err);
}
