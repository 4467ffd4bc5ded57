#include "converters/rules/match_index.h"

enum {
    INDEXED_BYTES = 256, /* of a head or tail: it only sifts */
    INDEXED_WORDS = 64   /* of a choice beside it; longer choices are left out */
};

void tni_match_index_init(tni_match_index *index, tn_context *ctx)
{
    *index = (tni_match_index){.ctx = ctx};
}

void tni_match_index_clear(tni_match_index *index)
{
    tni_free(index->ctx, index->nodes);
    tni_free(index->ctx, index->links);
    tni_free(index->ctx, index->entries);
    tni_free(index->ctx, index->hits);
    *index = (tni_match_index){.ctx = index->ctx};
}

/* Makes room for one more of `count` elements. */
static tn_status grow(tn_context *ctx, void **block, size_t count, size_t *room, size_t size,
                      tn_error *err)
{
    if (count < *room) {
        return TN_OK;
    }
    size_t wanted = *room == 0 ? 64 : 2 * *room;
    if (wanted > UINT32_MAX / 2) {
        return tni_fail(err, TN_E_NOMEM, "out of memory");
    }
    tn_status status = tni_resize(ctx, block, wanted * size, err);
    *room = status == TN_OK ? wanted : *room;
    return status;
}

tn_status tni_match_index_add(tni_match_index *index, const tn_pattern *pattern, uint32_t owner,
                              tn_error *err)
{
    void *block = index->entries;
    tn_status status =
        grow(index->ctx, &block, index->count, &index->entries_room, sizeof(tni_index_entry), err);
    index->entries = block;
    if (status == TN_OK) {
        index->entries[index->count++] = (tni_index_entry){pattern, owner, 0};
    }
    return status;
}

static tn_status add_node(tni_match_index *index, tni_index_node node, uint32_t *number_out,
                          tn_error *err)
{
    void *block = index->nodes;
    tn_status status =
        grow(index->ctx, &block, index->n_nodes, &index->nodes_room, sizeof(tni_index_node), err);
    index->nodes = block;
    if (status == TN_OK) {
        index->nodes[index->n_nodes] = node;
        *number_out = (uint32_t)index->n_nodes++;
    }
    return status;
}

static uint32_t child_of(const tni_match_index *index, uint32_t node, char byte)
{
    uint32_t child = index->nodes[node].child;
    while (child != 0 && index->nodes[child].byte != byte) {
        child = index->nodes[child].next;
    }
    return child;
}

/* One text of an end, read from the end of the name inwards. */
typedef struct reader {
    tn_str parts[3];
    bool backwards;
} reader;

static reader read_end(const tni_ends *ends, size_t word, bool backwards)
{
    tn_str text = ends->words == NULL ? TN_LIT("") : ends->words[word];
    return (reader){{ends->outer, text, ends->inner}, backwards};
}

static size_t reader_len(const reader *r)
{
    size_t len = r->parts[0].len + r->parts[1].len + r->parts[2].len;
    return len < INDEXED_BYTES ? len : INDEXED_BYTES;
}

static char reader_byte(const reader *r, size_t i)
{
    const tn_str *part = r->parts;
    while (i >= part->len) {
        i -= part++->len;
    }
    return part->data[r->backwards ? part->len - 1 - i : i];
}

/* Follows a text down the tree and makes what is missing. */
static tn_status plant(tni_match_index *index, const reader *r, uint32_t *node_out, tn_error *err)
{
    uint32_t node = r->backwards ? 1 : 0;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < reader_len(r); i++) {
        char byte = reader_byte(r, i);
        uint32_t child = child_of(index, node, byte);
        if (child == 0) {
            tni_index_node leaf = {.next = index->nodes[node].child, .byte = byte};
            status = add_node(index, leaf, &child, err);
            index->nodes[node].child = status == TN_OK ? child : index->nodes[node].child;
        }
        node = child;
    }
    *node_out = node;
    return status;
}

static size_t texts_of(const tni_ends *ends)
{
    return ends->words == NULL ? 1 : ends->n_words;
}

/* Counts at each node the texts that lead through it. */
static tn_status count_end(tni_match_index *index, const tni_ends *ends, bool backwards,
                           tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t k = 0; status == TN_OK && k < texts_of(ends); k++) {
        uint32_t node = 0;
        reader r = read_end(ends, k, backwards);
        status = plant(index, &r, &node, err);
        node = backwards ? 1 : 0;
        for (size_t i = 0; status == TN_OK && i <= reader_len(&r); i++) {
            index->nodes[node].load++;
            node = i < reader_len(&r) ? child_of(index, node, reader_byte(&r, i)) : 0;
        }
    }
    return status;
}

/* Estimates how many names would lead to this end, as if they were spread like the patterns. */
static size_t load_of(const tni_match_index *index, const tni_ends *ends, bool backwards)
{
    size_t load = 0;
    for (size_t k = 0; k < texts_of(ends); k++) {
        reader r = read_end(ends, k, backwards);
        uint32_t node = backwards ? 1 : 0;
        for (size_t i = 0; i < reader_len(&r); i++) {
            node = child_of(index, node, reader_byte(&r, i));
        }
        load += index->nodes[node].load;
    }
    return load;
}

/* Returns the length of the shortest text of an end. */
static size_t shortest(const tni_ends *ends)
{
    size_t len = SIZE_MAX;
    for (size_t k = 0; k < texts_of(ends); k++) {
        reader r = read_end(ends, k, false);
        len = reader_len(&r) < len ? reader_len(&r) : len;
    }
    return len;
}

/* Tells whether a tail tells names apart better than a head. */
static bool tail_is_better(const tni_match_index *index, const tni_ends *head, const tni_ends *tail)
{
    size_t of_head = load_of(index, head, false), of_tail = load_of(index, tail, true);
    return of_tail != of_head ? of_tail < of_head : shortest(tail) > shortest(head);
}

static tn_status file_end(tni_match_index *index, uint32_t entry, const tni_ends *ends,
                          bool backwards, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < texts_of(ends); i++) {
        uint32_t node = 0;
        reader r = read_end(ends, i, backwards);
        void *block = index->links;
        status = plant(index, &r, &node, err);
        if (status == TN_OK) {
            status = grow(index->ctx, &block, index->n_links, &index->links_room,
                          sizeof(tni_index_link), err);
            index->links = block;
        }
        if (status == TN_OK) {
            index->links[index->n_links] = (tni_index_link){entry, index->nodes[node].entries};
            index->nodes[node].entries = (uint32_t)index->n_links++;
        }
    }
    return status;
}

/* Files each entry by the end that tells it best from the others; one without literal text at
 * either end is filed where every name passes. The last comes first, so that lists ascend. */
static tn_status file_all(tni_match_index *index, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = (uint32_t)index->count; status == TN_OK && i-- > 0;) {
        tni_ends head, tail;
        tni_pattern_head(index->entries[i].pattern, &head);
        tni_pattern_tail(index->entries[i].pattern, &tail);
        bool backwards = tail_is_better(index, &head, &tail);
        status = file_end(index, i, backwards ? &tail : &head, backwards, err);
    }
    return status;
}

tn_status tni_match_index_build(tni_match_index *index, tn_error *err)
{
    uint32_t ignored;
    void *block = NULL;
    tn_status status = add_node(index, (tni_index_node){0}, &ignored, err);
    if (status == TN_OK) {
        status = add_node(index, (tni_index_node){0}, &ignored, err);
    }
    for (size_t i = 0; status == TN_OK && i < index->count; i++) {
        tni_ends head, tail;
        tni_pattern_head(index->entries[i].pattern, &head);
        tni_pattern_tail(index->entries[i].pattern, &tail);
        status = count_end(index, &head, false, err);
        if (status == TN_OK) {
            status = count_end(index, &tail, true, err);
        }
    }
    index->n_links = 1;
    if (status == TN_OK) {
        status = grow(index->ctx, &block, 1, &index->links_room, sizeof(tni_index_link), err);
        index->links = block;
    }
    if (status == TN_OK) {
        status = file_all(index, err);
    }
    if (status == TN_OK) {
        status = tni_alloc_array(index->ctx, index->count, sizeof(uint32_t), &block, err);
        index->hits = status == TN_OK ? block : NULL;
    }
    return status;
}

/* Adds what is filed at a node, in order; an entry may be filed at several. */
static void collect(tni_match_index *index, uint32_t node)
{
    for (uint32_t link = index->nodes[node].entries; link != 0; link = index->links[link].next) {
        uint32_t entry = index->links[link].entry;
        if (index->entries[entry].seen == index->search) {
            continue;
        }
        index->entries[entry].seen = index->search;
        size_t at = index->n_hits++;
        while (at > 0 && index->hits[at - 1] > entry) {
            index->hits[at] = index->hits[at - 1];
            at--;
        }
        index->hits[at] = entry;
    }
}

void tni_match_index_search(tni_match_index *index, tn_str name)
{
    uint32_t node = 0;
    index->n_hits = 0;
    index->search++;
    if (index->count == 0) {
        return;
    }
    collect(index, 0);
    for (size_t i = 0; i < name.len && (node = child_of(index, node, name.data[i])) != 0; i++) {
        collect(index, node);
    }
    node = 1;
    collect(index, 1);
    for (size_t i = name.len; i > 0 && (node = child_of(index, node, name.data[i - 1])) != 0; i--) {
        collect(index, node);
    }
}

/* Takes the words of a choice into an end, and the literal text behind it (seen from the end). */
static void take_words(const tn_pattern *pattern, size_t choice, size_t behind, tni_ends *ends)
{
    const tni_hole *hole = choice < pattern->n_parts ? pattern->parts[choice].hole : NULL;
    if (hole != NULL && hole->kind == TNI_HOLE_CHOICE && hole->n_words <= INDEXED_WORDS) {
        ends->words = hole->words;
        ends->n_words = hole->n_words;
        if (behind < pattern->n_parts && pattern->parts[behind].hole == NULL) {
            ends->inner = pattern->parts[behind].text;
        }
    }
}

/* Gives one end; `last` is the part there, `step` leads inwards (numbers below 0 wrap). */
static tni_ends end_of(const tn_pattern *pattern, size_t last, size_t step, tn_str of_glob)
{
    tni_ends ends = {.outer = TN_LIT(""), .inner = TN_LIT("")};
    if (pattern->kind == TNI_EXACT) {
        ends.outer = pattern->exact;
    } else if (pattern->kind == TNI_GLOB) {
        ends.outer = of_glob;
    } else if (pattern->kind == TNI_HOLES) {
        bool literal = pattern->parts[last].hole == NULL;
        ends.outer = literal ? pattern->parts[last].text : ends.outer;
        last += literal ? step : 0;
        take_words(pattern, last, last + step, &ends);
    }
    return ends;
}

void tni_pattern_head(const tn_pattern *pattern, tni_ends *head_out)
{
    *head_out = end_of(pattern, 0, 1, pattern->head);
}

void tni_pattern_tail(const tn_pattern *pattern, tni_ends *tail_out)
{
    *tail_out = end_of(pattern, pattern->n_parts - 1, SIZE_MAX, pattern->tail);
}
