/* The inside of the JSON emitter. */
#ifndef TN_CORE_JSON_OUT_H
#define TN_CORE_JSON_OUT_H

#include <tenon/text.h>

/* Writes a value that is JSON text already (a number). */
void tni_json_raw(tn_json_out *out, const char *text, size_t len);

#endif
