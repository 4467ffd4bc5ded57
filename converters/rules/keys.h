/* The keys of rule files: which there are, and how their values are read. */
#ifndef TN_CONVERTERS_RULES_KEYS_H
#define TN_CONVERTERS_RULES_KEYS_H

#include "core/error.h"
#include "core/yaml.h"

/* A key, and whether it belongs to a later version. */
typedef struct tni_key {
    const char *name;
    bool later;
} tni_key;

/* Checks that every key of a map is one of `keys` (ended by a NULL name): TN_E_RULE with the
 * nearest otherwise. `what` is what the map is: "rule file", "rule". */
tn_status tni_keys_check(const tni_yaml *map, const tni_key *keys, const char *what, tn_error *err);
/* Returns the value of a key, or NULL (also where `map` is no map). */
const tni_yaml *tni_keys_find(const tni_yaml *map, const char *key);

/* Refuses a value: its key is quoted, its place is given. */
tn_status tni_value_wrong(const tni_yaml *value, tn_error *err, const char *format, ...)
    TN_PRINTF(3, 4);
/* Demands that a value is of a kind. */
tn_status tni_value_kind(const tni_yaml *value, tni_yaml_kind kind, tn_error *err);
/* Reads one of several words (NULL-terminated); *index_out is its index. */
tn_status tni_value_word(const tni_yaml *value, const char *const *words, int *index_out,
                         tn_error *err);

#endif
