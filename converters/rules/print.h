/* The parts of printing rule files. */
#ifndef TN_CONVERTERS_RULES_PRINT_H
#define TN_CONVERTERS_RULES_PRINT_H

#include "converters/rules/rule.h"

/* Writes a text, or {raw: …}. */
void tni_print_node(const tni_yaml *node, FILE *out);
/* Writes a text, {raw: …}, a list or a map. */
void tni_print_value(const tni_yaml *node, FILE *out);
/* Writes a map of texts and lists of texts, and a list of such maps. */
void tni_print_map(const tni_yaml *map, FILE *out);
void tni_print_maps(const tni_yaml *list, FILE *out);
/* Writes `inputs`, `slot_families` and `include` of a file. */
void tni_print_include(const tni_ruleset *set, FILE *out);

#endif
