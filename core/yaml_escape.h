/* Places in quoted texts: which character of the file a byte of the value came from. */
#ifndef TN_CORE_YAML_ESCAPE_H
#define TN_CORE_YAML_ESCAPE_H

#include <tenon/str.h>

/* Returns how many characters of `raw`, which stands between the quotes, come before byte `at` of
 * the text that it means. `doubled`: double quotes, with escapes; else '' is a quote. */
size_t tni_yaml_characters(tn_str raw, bool doubled, size_t at);

#endif
