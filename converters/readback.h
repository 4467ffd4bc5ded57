/* Reading back what was staged. */
#ifndef TN_CONVERTERS_READBACK_H
#define TN_CONVERTERS_READBACK_H

#include "converters/plan.h"

/* Opens the staged output with its format's own reader and compares it with the plan: names,
 * dtypes, shapes, and for each stored range the sum that the engine took from its buffers before
 * writing. Tensors made of several ranges are also compared value by value with what was to be
 * written. Reads through the page cache: it proves the writer, not the disk. Errors: TN_E_VERIFY,
 * and all of reading. */
tn_status tni_readback(tn_plan *plan, const char *staged_folder, tn_converted *converted_out,
                       tn_error *err);

/* Tells whether a tensor that a reader found in an output is one that was planned: not a document,
 * nor a constant that only the graph around the tensors needs. */
bool tni_is_payload(const tn_tensor *tensor);

#endif
