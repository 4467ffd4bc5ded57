/* Targets of rules: literal text and the values of a pattern's holes. */
#ifndef TN_CONVERTERS_RULES_TEMPLATE_H
#define TN_CONVERTERS_RULES_TEMPLATE_H

#include "converters/rules/pattern.h"
#include "core/buffer.h"

typedef struct tni_template_part {
    tn_str text;
    int slot;        /* of the pattern's binding; -1: literal */
    unsigned digits; /* a number's width; 0: as it comes */
} tni_template_part;

typedef struct tni_template {
    tn_str source; /* as written, variables resolved */
    char separator;
    tni_template_part *parts;
    size_t n_parts;
    bool constant; /* without holes */
} tni_template;

/* Compiles a target for one pattern. On an error *at_out is the offset in the text. Errors:
 * TN_E_RULE (a hole that the pattern does not bind, what is not supported yet). */
tn_status tni_template_compile(tni_arena *arena, tn_str text, char separator,
                               const tn_pattern *pattern, tni_template **template_out,
                               size_t *at_out, tn_error *err);
/* Writes the name for what the matcher's last match bound. A list of segments is written with the
 * target's separator. Errors: TN_E_NAME (a segment that holds that separator, an empty name). */
tn_status tni_template_render(const tni_template *target, const tn_pattern *pattern,
                              const tni_matcher *matcher, tni_buffer *out, tn_error *err);

#endif
