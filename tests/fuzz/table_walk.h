/* A walk over the blocks of a table that believes nothing and repairs nothing: it ends where the
 * table does not lead on. Written anew here, so that the mutators do not stand on the reader that
 * they try. */
#ifndef TN_TESTS_FUZZ_TABLE_WALK_H
#define TN_TESTS_FUZZ_TABLE_WALK_H

#include "core/cursor.h"
#include "mutate.h"

enum { WALK_TRAILER = 5, WALK_FOOTER = 48, WALK_KEY = 1024 };

/* A block of a table: where it lies, without its trailer. */
typedef struct walk_block {
    size_t at, len;
    bool plain; /* not compressed */
} walk_block;

/* Finds the index block; false if the footer does not lead to one. */
bool walk_index(const mut_bytes *table, walk_block *block_out);
/* Takes a block's place from a cursor; false if it does not lie within the table. */
bool walk_handle(const mut_bytes *table, tni_cursor *cursor, walk_block *block_out);

/* An entry at hand, and the walk that leads to the next. */
typedef struct walk {
    tni_cursor cursor; /* of the entries of a block */
    size_t base;       /* where the block begins in the table */
    char key[WALK_KEY];
    size_t key_len;
    tn_str value;
    size_t value_at; /* in the table */
} walk;

/* Begins a walk over a plain block. */
void walk_start(walk *w, const mut_bytes *table, walk_block block);
/* Goes to the next entry; false at the end and where the block is damaged. */
bool walk_next(walk *w);

#endif
