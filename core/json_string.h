/* The string half of the JSON parser. */
#ifndef TN_CORE_JSON_STRING_H
#define TN_CORE_JSON_STRING_H

#include "core/json.h"

/* Reads the string whose quote is at hand; see json.h for how long *text_out lives. */
tn_status tni_json_read_string(tni_json *json, tn_str *text_out, tn_error *err);
/* Raises TN_E_CORRUPT at a byte of the text. */
tn_status tni_json_fail_at(const tni_json *json, size_t offset, tn_error *err, const char *message);

#endif
