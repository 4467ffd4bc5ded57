/* The engine: fills the items of a write with their values. */
#ifndef TN_CONVERTERS_ENGINE_H
#define TN_CONVERTERS_ENGINE_H

#include "converters/move.h"
#include "formats/format.h"
#include <tenon/values.h>

/* Moves all payload of a write to its sinks, checks every stored sum of the source on the way, and
 * sets the items' sums from the buffers that are written. Constant memory. Errors: TN_E_CRC and all
 * of reading and writing. */
tn_status tni_engine_fill(tni_write *write, tn_error *err);
/* Returns the memory that tni_engine_fill takes, in bytes. */
uint64_t tni_engine_memory(const tni_write *write);

#endif
