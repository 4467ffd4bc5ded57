/* JSON documents: the envelope of all verbs, and the objects that several of them hold. */
#ifndef TENON_CLI_JSON_H
#define TENON_CLI_JSON_H

#include "cli/choose.h"

/* Begins the document with its inputs and warnings; the verb's own fields follow. */
tn_json_out *json_begin(cli_state *cli);
/* Ends the document. A verb that failed before it began has all its own fields as null. */
void json_end(cli_state *cli, int exit_code, const tn_error *err);
/* Writes a line of JSON that is no document of its own: begin, then end. */
void json_line_begin(tn_json_out *out, FILE *stream);
void json_line_end(tn_json_out *out);

/* Writes the error object. */
void json_error(tn_json_out *out, const tn_error *err);
/* Writes one finding. */
void json_finding(tn_json_out *out, const tn_finding *finding);
/* Writes the findings of a report into the array at hand. */
void json_findings(tn_json_out *out, const tn_report *report);
/* Writes "name", and "name_bytes" where the name is not UTF-8. */
void json_name(tn_json_out *out, tn_str name);
/* Writes a shape; unknown dimensions are null. */
void json_shape(tn_json_out *out, uint32_t rank, const int64_t *shape);
/* Writes the shape of a tensor; null where it is unknown as a whole. */
void json_tensor_shape(tn_json_out *out, const tn_tensor *tensor);
/* Writes the name of a dtype; null where it is unknown. */
void json_dtype(tn_json_out *out, tn_dtype dtype);
/* Writes a string, or null where there is none or it is empty. */
void json_word(tn_json_out *out, const char *text);
/* Writes a double exactly; NaN and infinities as strings. */
void json_double(tn_json_out *out, double value);
/* Writes one row of a list as `ls` tells it. `stats` may be NULL. */
void json_tensor(tn_json_out *out, const cli_choice *choice, size_t n, const tn_stats *stats);
/* Writes the totals of the chosen tensors. `chosen` NULL: all that are not hidden. */
void json_totals(tn_json_out *out, const tn_model *model, const bool *chosen);
/* Writes the files of a set as [{"file", "bytes"}]. */
void json_files(tn_json_out *out, const tn_model_file *files, size_t count);
/* Writes pairs as an object. */
void json_pairs(tn_json_out *out, const tn_pair *pairs, size_t count);

#endif
