/* A rule turned round: its targets become patterns, and its patterns targets. */
#include "converters/rules/inverse_parts.h"

#include <inttypes.h>

/* Writes the hole that a stack went over: what unstack counts from 0. */
static tn_status write_count(tni_turning *v, const tni_hole *hole, const char *width, tn_error *err)
{
    int len = (int)hole->name.len;
    int64_t first = v->facts->first;
    const tni_bound *bound = &v->bounds[v->stacked];
    if (!v->facts->counts && !bound->known) {
        tn_status status = tni_fail(err, TN_E_RULE, "the first number of {%.*s} is not known", len,
                                    hole->name.data);
        tni_error_hint(err, "give the model, or say it: expect: {%.*s: 0..7}", len,
                       hole->name.data);
        return status;
    }
    if (v->ways[v->stacked].kind != TNI_WAY_NONE) {
        return tni_fail(err, TN_E_RULE, "the new names hold {%.*s}, which it stacks over", len,
                        hole->name.data);
    }
    first = v->facts->counts ? first : bound->low;
    if (first == 0) {
        tni_buffer_format(&v->to_text, "{%.*s%s}", len, hole->name.data, width);
    } else {
        tni_buffer_format(&v->to_text, "{%.*s%+" PRId64 "%s}", len, hole->name.data, first, width);
    }
    return TN_OK;
}

/* Writes what leads back to one hole. */
static tn_status write_way(tni_turning *v, const tni_hole *hole, tn_error *err)
{
    int slot = tni_pattern_slot(v->pattern, hole->name); /* another pattern has other slots */
    const tni_way *back = &v->ways[slot];
    const char *width = "";
    char digits[16];
    snprintf(digits, sizeof digits, ":int0%u", hole->digits);
    if (hole->kind == TNI_HOLE_INT && hole->digits != 0) {
        width = digits;
    }
    if (slot == v->stacked) {
        return write_count(v, hole, width, err);
    }
    if (back->kind == TNI_WAY_NONE) {
        return tni_fail(err, TN_E_RULE, "the new names do not hold {%.*s}", (int)hole->name.len,
                        hole->name.data);
    }
    if (back->kind == TNI_WAY_EXPRESSION && hole->kind == TNI_HOLE_CHOICE) {
        for (size_t i = 0; i < hole->n_words; i++) {
            if (hole->words[i].len > 1 && hole->words[i].data[0] == '0') {
                return tni_fail(err, TN_E_RULE, "the word '%.*s' is not how its number is written",
                                (int)hole->words[i].len, hole->words[i].data);
            }
        }
    }
    if (back->kind == TNI_WAY_WORD) {
        return tni_turning_literal(back->text, false, &v->to_text, err);
    }
    if (back->kind == TNI_WAY_TABLE) {
        tn_str table = v->inverse->tables[back->table].name;
        tni_buffer_format(&v->to_text, "{%.*s|%.*s}", (int)back->name.len, back->name.data,
                          (int)table.len, table.data);
    } else if (back->kind == TNI_WAY_EXPRESSION && !tn_str_equal(back->text, back->name)) {
        tni_buffer_format(&v->to_text, "{%.*s%s}", (int)back->text.len, back->text.data, width);
    } else {
        tni_buffer_format(&v->to_text, "{%.*s%s}", (int)back->name.len, back->name.data, width);
    }
    return TN_OK;
}

static tn_status write_to(tni_turning *v, const tn_pattern *pattern, tn_error *err)
{
    tn_status status = TN_OK;
    if (pattern->kind == TNI_EXACT) {
        return tni_turning_literal(pattern->exact, false, &v->to_text, err);
    }
    for (size_t i = 0; status == TN_OK && i < pattern->n_parts; i++) {
        const tni_part *part = &pattern->parts[i];
        status = part->hole != NULL ? write_way(v, part->hole, err)
                                    : tni_turning_literal(part->text, false, &v->to_text, err);
    }
    return status;
}

/* Tells whether two targets hold the same, in the same order: then equal holes of the inverse's
 * patterns are bound to equal values. */
static bool hold_the_same(const tni_template *a, const tni_template *b)
{
    size_t i = 0, k = 0;
    for (;;) {
        for (; i < a->n_parts && a->parts[i].kind == TNI_PART_TEXT; i++) {
        }
        for (; k < b->n_parts && b->parts[k].kind == TNI_PART_TEXT; k++) {
        }
        if (i == a->n_parts || k == b->n_parts) {
            return i == a->n_parts && k == b->n_parts;
        }
        const tni_template_part *x = &a->parts[i++], *y = &b->parts[k++];
        bool expressions = x->kind == TNI_PART_EXPRESSION && y->kind == TNI_PART_EXPRESSION;
        bool same = x->kind == y->kind && x->digits == y->digits &&
                    (expressions ? tn_str_equal(x->expression->source, y->expression->source)
                                 : x->slot == y->slot && x->table == y->table);
        if (!same) {
            return false;
        }
    }
}

/* Checks that the hole that unstack counted stands by itself in the new names. */
static tn_status check_counted(const tni_turning *v, tn_error *err)
{
    const tni_way *back = v->counted < 0 ? NULL : &v->ways[v->counted];
    const tni_hole *hole = back == NULL ? NULL : tni_turning_hole(v->pattern, (uint32_t)v->counted);
    bool alone = back == NULL ||
                 (back->kind == TNI_WAY_HOLE ||
                  (back->kind == TNI_WAY_EXPRESSION && tn_str_equal(back->name, hole->name)));
    return alone ? TN_OK
                 : tni_fail(err, TN_E_RULE,
                            "{%.*s}, which unstack counts, does not stand by itself in the new "
                            "names",
                            (int)hole->name.len, hole->name.data);
}

/* Keeps a text that was written. */
static tn_status keep(tni_turning *v, const tni_buffer *text, tn_str *text_out, tn_error *err)
{
    tn_status status = tni_buffer_check(text, err);
    return status == TN_OK ? tni_arena_str(v->arena, (tn_str){text->data, text->len}, text_out, err)
                           : status;
}

/* Writes the patterns: those of all targets. */
static tn_status write_matches(tni_turning *v, tni_template *const *targets, size_t count,
                               tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t k = 0; status == TN_OK && k < count; k++) {
        v->to = targets[k];
        if (!hold_the_same(v->first, v->to)) {
            return tni_fail(err, TN_E_RULE, "its targets do not hold the same");
        }
        tni_buffer_reset(&v->match);
        status = tni_turning_match(v, err);
        status = status != TN_OK ? status : check_counted(v, err);
        status = status != TN_OK ? status : keep(v, &v->match, &v->inverse->match[k], err);
    }
    v->inverse->n_match = count;
    return status;
}

/* Derives all texts. */
static tn_status derive(tni_turning *v, tni_template *const *targets, size_t n_targets,
                        size_t n_patterns, tn_error *err)
{
    void *tables = NULL, *match = NULL, *to = NULL;
    size_t most = v->first->n_parts + 1;
    tn_status status = tni_arena_array(v->arena, most, sizeof(tni_table), &tables, err);
    status = status != TN_OK ? status
                             : tni_arena_array(v->arena, n_targets, sizeof(tn_str), &match, err);
    status =
        status != TN_OK ? status : tni_arena_array(v->arena, n_patterns, sizeof(tn_str), &to, err);
    if (status != TN_OK) {
        return status;
    }
    v->inverse->tables = tables;
    v->inverse->match = match;
    v->inverse->to = to;
    v->inverse->n_to = n_patterns;
    for (uint32_t slot = 0; slot < v->pattern->n_slots; slot++) {
        tni_turning_bound(v, slot);
    }
    status = write_matches(v, targets, n_targets, err);
    for (size_t k = 0; status == TN_OK && k < n_patterns; k++) {
        tni_buffer_reset(&v->to_text);
        status = write_to(v, v->rule->patterns[k], err);
        status = status != TN_OK ? status : keep(v, &v->to_text, &v->inverse->to[k], err);
    }
    return status;
}

/* Gives the way back that the rule itself says. */
static tn_status said(tni_arena *arena, const tni_rule *rule, tni_inverse *inverse, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, 2, sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        tn_str *texts = block;
        texts[0] = rule->back->source;
        texts[1] = rule->back_to->source;
        *inverse = (tni_inverse){.match = texts, .n_match = 1, .to = texts + 1, .n_to = 1};
    }
    return status;
}

/* Refuses what no inverse can be derived of. */
static tn_status check(const tni_rule *rule, const tni_rule_op *gather, tn_error *err)
{
    bool joins = gather != NULL && gather->layout == TNI_OP_CONCAT;
    for (size_t i = 0; i < rule->n_patterns; i++) {
        tni_pattern_kind kind = rule->patterns[i]->kind;
        if (kind == TNI_REGEX || kind == TNI_GLOB) {
            tn_status status = tni_fail(err, TN_E_RULE, "%s has no inverse",
                                        kind == TNI_REGEX ? "a regular expression" : "a glob");
            tni_error_hint(err, rule->operates ? "use holes"
                                               : "use holes, or say it: back: PATTERN => TARGET");
            return status;
        }
    }
    return joins || rule->n_patterns == 1
               ? TN_OK
               : tni_fail(err, TN_E_RULE, "the new names do not tell by which pattern they came");
}

tn_status tni_rule_invert(tni_arena *arena, const tni_rule *rule, const tni_inverse_facts *facts,
                          unsigned id, tni_inverse *inverse_out, tn_error *err)
{
    tni_inverse inverse = {.n_tables = 0};
    const tni_rule_op *gather = tni_rule_op_gathering(rule->ops, rule->n_ops);
    const tni_rule_op *spread = tni_rule_op_spreading(rule->ops, rule->n_ops);
    if (rule->to == NULL) {
        return tni_fail(err, TN_E_RULE, "a rule that renames nothing has no inverse");
    }
    if (rule->back != NULL) {
        return said(arena, rule, inverse_out, err);
    }
    tn_status status = check(rule, gather, err);
    if (status != TN_OK) {
        return status;
    }
    tni_turning v = {.arena = arena,
                     .rule = rule,
                     .pattern = rule->patterns[0],
                     .first = rule->to,
                     .facts = facts,
                     .id = id,
                     .stacked = -1,
                     .counted = -1,
                     .inverse = &inverse};
    if (gather != NULL && gather->layout == TNI_OP_STACK) {
        v.stacked = tni_pattern_slot(v.pattern, gather->over);
    }
    if (tni_rule_op_counts(spread)) {
        v.counted = (int)v.pattern->n_slots;
        status = tni_pattern_widen(arena, v.pattern, spread->over, &v.pattern, err);
    }
    tni_buffer_init(&v.match, arena->ctx);
    tni_buffer_init(&v.to_text, arena->ctx);
    if (status == TN_OK) {
        status = derive(&v, rule->n_targets > 0 ? rule->targets : (tni_template *const *)&rule->to,
                        rule->n_targets > 0 ? rule->n_targets : 1, rule->n_patterns, err);
    }
    tni_buffer_clear(&v.match);
    tni_buffer_clear(&v.to_text);
    if (status == TN_OK) {
        *inverse_out = inverse;
    }
    return status;
}
