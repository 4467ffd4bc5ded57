/* The rule sets that come with the program, by name: the files below schemas/rules. */
#ifndef TN_CONVERTERS_RULES_PRESETS_H
#define TN_CONVERTERS_RULES_PRESETS_H

#include "core/error.h"

typedef struct tni_preset {
    const char *name; /* "bert/tf1-to-hf" */
    tn_str text;      /* of the file */
} tni_preset;

/* All presets by name, ascending, ended by one whose name is NULL. The build makes the table. */
extern const tni_preset tni_presets[];
extern const size_t tni_n_presets;

/* Returns the preset of a name, or NULL. */
const tni_preset *tni_preset_find(tn_str name);
/* Raises TN_E_USAGE for an unknown preset, with the nearest. */
tn_status tni_preset_unknown(tn_str name, tn_error *err);

#endif
