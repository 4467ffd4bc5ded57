/* Checkpoints changed by their structure, and their sums repaired, so that damage gets past the
 * door. */
#ifndef TN_TESTS_FUZZ_TABLE_EDIT_H
#define TN_TESTS_FUZZ_TABLE_EDIT_H

#include "mutate.h"

/* Repairs the sums of a table's blocks as far as its footer leads to them. With `data`, a
 * checkpoint's one data file, first the sums of its entries and of its strings' lengths, in blocks
 * that are not compressed. */
void table_repair(mut_bytes *index, mut_bytes *data);
/* Changes the table's entries (one twice, gone, out of order, a damaged value or key) and builds it
 * anew, with right sums; a table that cannot be walked stays. */
void table_edit(mut_rng *rng, mut_bytes *index);
/* Makes edges of a checkpoint's object graph lead elsewhere: to the root, to themselves, to
 * nowhere. */
void graph_edit(mut_rng *rng, const mut_bytes *index, mut_bytes *data);
/* The same for a graph's message; stays within its length. */
void graph_edit_message(mut_rng *rng, uint8_t *message, size_t len);

/* What libFuzzer may change inputs with (LLVMFuzzerCustomMutator): a table, and a pack of an index
 * and a data file. */
size_t table_mutate_lone(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t table_mutate_pair(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
