/* Which patterns can match a name at all: an index over the literal texts that patterns begin and
 * end with, so that 100,000 names against 1,000 rules are not 100,000,000 tries. */
#ifndef TN_CONVERTERS_RULES_MATCH_INDEX_H
#define TN_CONVERTERS_RULES_MATCH_INDEX_H

#include "converters/rules/pattern.h"

/* A byte of a tree of texts. Node 0 is where heads begin, node 1 where tails do, read backwards. */
typedef struct tni_index_node {
    uint32_t child, next; /* the first node below it, the next beside it; 0: none */
    uint32_t entries;     /* the first link of those whose text ends here; 0: none */
    uint32_t load;        /* how many texts of all patterns lead through it */
    char byte;
} tni_index_node;

/* An entry of a list; link 0 is not used. */
typedef struct tni_index_link {
    uint32_t entry, next;
} tni_index_link;

typedef struct tni_index_entry {
    const tn_pattern *pattern;
    uint32_t owner; /* what the caller calls it */
    uint32_t seen;  /* in which search it was found last */
} tni_index_entry;

typedef struct tni_match_index {
    tn_context *ctx;
    tni_index_node *nodes;
    size_t n_nodes, nodes_room;
    tni_index_link *links;
    size_t n_links, links_room;
    tni_index_entry *entries; /* in the order of addition */
    size_t count, entries_room;
    uint32_t *hits; /* of the last search: indexes of entries, ascending */
    size_t n_hits;
    uint32_t search;
} tni_match_index;

void tni_match_index_init(tni_match_index *index, tn_context *ctx);
void tni_match_index_clear(tni_match_index *index);
/* Adds a pattern. Errors: TN_E_NOMEM. */
tn_status tni_match_index_add(tni_match_index *index, const tn_pattern *pattern, uint32_t owner,
                              tn_error *err);
/* Ends the additions: each pattern is filed by its head or its tail, whichever fewer others share.
 * Errors: TN_E_NOMEM. */
tn_status tni_match_index_build(tni_match_index *index, tn_error *err);
/* Lists in hits[0..n_hits) the entries that may match the name: all that do are among them. */
void tni_match_index_search(tni_match_index *index, tn_str name);

/* Literal texts of which a name must begin (or end) with one: the outer one, a word, the inner one,
 * from the end inwards. */
typedef struct tni_ends {
    tn_str outer, inner;
    const tn_str *words; /* NULL: the outer one alone */
    size_t n_words;
} tni_ends;

/* Gives what every name that a pattern matches begins with, and ends with. */
void tni_pattern_head(const tn_pattern *pattern, tni_ends *head_out);
void tni_pattern_tail(const tn_pattern *pattern, tni_ends *tail_out);

#endif
