/* Look-up tables of rule files: `{p|part}` is what the table `part` has for the word that {p} is
 * bound to. */
#ifndef TN_CONVERTERS_RULES_TABLES_H
#define TN_CONVERTERS_RULES_TABLES_H

#include "core/arena.h"

typedef struct tni_table_entry {
    tn_str word, text;
} tni_table_entry;

typedef struct tni_table {
    tn_str name;
    tni_table_entry *entries; /* by word, ascending, once sorted */
    size_t count;
} tni_table;

typedef struct tni_tables {
    tni_table *at;
    size_t count;
} tni_tables;

/* Sorts a table's entries so that words can be found. */
void tni_table_sort(tni_table *table);
/* Returns what a table has for a word, or none. */
tn_str tni_table_find(const tni_table *table, tn_str word);
/* Returns the table of a name, or NULL. */
const tni_table *tni_tables_find(const tni_tables *tables, tn_str name);
/* Tells whether no two of the words (NULL: of the table's) lead to one text, so that the table can
 * be read backwards; else *first_out and *second_out are two that do. Words that the table lacks
 * do not count. Errors: TN_E_NOMEM. */
tn_status tni_table_is_injective(tn_context *ctx, const tni_table *table, const tn_str *words,
                                 size_t count, bool *injective_out, tn_str *first_out,
                                 tn_str *second_out, tn_error *err);

#endif
