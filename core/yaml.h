/* A bounded reading of YAML: one document of mappings, sequences and texts. */
#ifndef TN_CORE_YAML_H
#define TN_CORE_YAML_H

#include "core/arena.h"

enum { TNI_YAML_DEPTH = 64 };

typedef enum tni_yaml_kind { TNI_YAML_TEXT, TNI_YAML_LIST, TNI_YAML_MAP } tni_yaml_kind;

/* A node. Every scalar is a text, whatever YAML would make of it. */
typedef struct tni_yaml {
    tni_yaml_kind kind;
    tn_str text;           /* of a text */
    uint32_t line, column; /* where it begins, from 1; columns count characters */
    bool plain; /* of a text: it stands in the file as it is, on one line (after a quote if
                   quoted), so that places in it can be told */
    bool quoted, doubled; /* in quotes; in double ones */
    tn_str raw;           /* what stands between the quotes, if that is on one line and not plain */
    struct tni_yaml *key; /* in a map: the text that leads to this value */
    struct tni_yaml *first; /* of a list or map */
    struct tni_yaml *next;  /* in the list or map that it belongs to */
    size_t count;           /* of a list or map */
} tni_yaml;

/* Reads a whole text. Refuses anchors, aliases, tags, a second document, keys that are no text or
 * stand twice, more than `most` bytes and TNI_YAML_DEPTH, and what is not UTF-8. *root_out is
 * NULL for an empty document. Errors: TN_E_RULE with line and column, TN_E_NOMEM. */
tn_status tni_yaml_read(tni_arena *arena, tn_str text, uint64_t most, tni_yaml **root_out,
                        tn_error *err);
/* Sets an error's place to the byte `at` of a text, where it has one and that can be told, else to
 * where the node begins. */
void tni_yaml_place(const tni_yaml *node, size_t at, tn_error *err);

#endif
