/* Patterns over tensor names: exact, glob, or with holes. */
#ifndef TENON_PATTERN_H
#define TENON_PATTERN_H

#include <tenon/model.h>

typedef struct tn_pattern tn_pattern;

/* Compiles one pattern as it stands in an argument (escapes are read). A glob: `*` stops at the
 * separator, `**` does not, and `**` with its separator also matches nothing. Errors: TN_E_RULE
 * with the column. */
TN_API tn_status tn_pattern_new(tn_context *ctx, const char *text, tn_pattern **pattern_out,
                                tn_error *err);
TN_API void tn_pattern_free(tn_pattern *pattern);
/* Tells whether the pattern matches the whole name. Linear in the name for each `**` at most. */
TN_API bool tn_pattern_matches(const tn_pattern *pattern, tn_str name);
/* Tells whether it is a plain name without glob or holes. */
TN_API bool tn_pattern_is_exact(const tn_pattern *pattern);

/* Chooses tensors by arguments as `ls` and `get` take them: each is a name of the scheme, else an
 * alias, else a pattern. Sets chosen[i] for the model's tensors (count tn_model_count). `all`:
 * hidden tensors may be chosen by patterns too. Errors: TN_E_NO_SUCH_NAME (with the nearest names,
 * or a pattern that would match), TN_E_AMBIGUOUS, TN_E_RULE. */
TN_API tn_status tn_select(const tn_model *model, tn_scheme scheme, const char *const *arguments,
                           size_t count, bool all, bool *chosen, tn_error *err);

#endif
