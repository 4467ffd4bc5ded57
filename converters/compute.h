/* Values that are not copied as they are: transposed, cast, decoded. */
#ifndef TN_CONVERTERS_COMPUTE_H
#define TN_CONVERTERS_COMPUTE_H

#include "formats/format.h"

/* Reads the values of `count` items of a write through tn_reader, writes them and sets their sums;
 * each worker has a reader and takes one item at a time. `total` and *done_inout are bytes, for the
 * progress. Errors: those of reading and writing, of the lowest item that failed. */
tn_status tni_compute(tni_write *write, const uint32_t *items, size_t count, uint64_t total,
                      uint64_t *done_inout, tn_error *err);
/* Returns the memory that this takes at most, in bytes, for `count` items of `bytes` together. */
uint64_t tni_compute_memory(const tn_context *ctx, uint64_t count, uint64_t bytes);

#endif
