/* The pattern of a rule that unstacks, as its targets see it. */
#include "converters/rules/pattern.h"

tn_status tni_pattern_widen(tni_arena *arena, const tn_pattern *pattern, tn_str hole,
                            const tn_pattern **wide_out, tn_error *err)
{
    struct widened {
        tn_pattern pattern;
        tni_hole hole;
        tni_part parts[];
    };
    void *block;
    size_t parts = pattern->kind == TNI_HOLES ? pattern->n_parts : 0;
    tn_status status = tni_arena_alloc(
        arena, sizeof(struct widened) + (parts + 1) * sizeof(tni_part), &block, err);
    if (status != TN_OK) {
        return status;
    }
    struct widened *wide = block;
    wide->pattern = *pattern;
    wide->pattern.kind = TNI_HOLES;
    wide->hole = (tni_hole){.name = hole, .kind = TNI_HOLE_INT, .slot = pattern->n_slots};
    if (parts > 0) {
        memcpy(wide->parts, pattern->parts, parts * sizeof(tni_part));
    }
    wide->parts[parts] = (tni_part){.hole = &wide->hole};
    wide->pattern.parts = wide->parts;
    wide->pattern.n_parts = parts + 1;
    wide->pattern.n_slots++;
    *wide_out = &wide->pattern;
    return TN_OK;
}
