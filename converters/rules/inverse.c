#include "converters/rules/inverse.h"

#include "converters/rules/linear.h"
#include <inttypes.h>

/* What leads back to one hole. */
typedef enum way_kind { WAY_NONE, WAY_HOLE, WAY_TABLE, WAY_EXPRESSION, WAY_WORD } way_kind;

typedef struct way {
    way_kind kind;
    tn_str name;    /* of the inverse's hole */
    tn_str text;    /* of an expression; the word */
    uint32_t table; /* index in the inverse's tables */
} way;

typedef struct inverting {
    tni_arena *arena;
    const tni_rule *rule;
    const tn_pattern *pattern;
    const tni_seen_numbers *seen;
    const tni_values *values;
    unsigned id;
    tni_bound bounds[TNI_HOLES_MOST];
    way ways[TNI_HOLES_MOST];
    tni_inverse *inverse;
    tni_buffer match, to;
} inverting;

/* Returns the first mention of the hole that binds a slot, which there always is. */
static const tni_hole *hole_of(const tn_pattern *pattern, uint32_t slot)
{
    const tni_hole *hole = NULL;
    for (size_t i = 0; hole == NULL; i++) {
        bool here = pattern->parts[i].hole != NULL && pattern->parts[i].hole->slot == slot;
        hole = here ? pattern->parts[i].hole : NULL;
    }
    return hole;
}

static const tni_expected *expected_of(const tni_rule *rule, uint32_t slot)
{
    for (size_t i = 0; rule->expect != NULL && i < rule->expect->n_holes; i++) {
        if (rule->expect->holes[i].slot == slot) {
            return &rule->expect->holes[i];
        }
    }
    return NULL;
}

/* Learns what `expect` and closed choices say of the numbers of a hole. */
static void learn_bound(inverting *v, uint32_t slot)
{
    const tni_expected *expected = expected_of(v->rule, slot);
    const tni_hole *hole = hole_of(v->pattern, slot);
    tni_bound *bound = &v->bounds[slot];
    if (expected != NULL && expected->range) {
        *bound = (tni_bound){true, expected->low, expected->high};
    } else if (expected != NULL && expected->numbers != NULL) {
        *bound = (tni_bound){true, expected->numbers[0], expected->numbers[expected->count - 1]};
    } else if (hole->kind == TNI_HOLE_CHOICE && tni_hole_is_number(hole)) {
        for (size_t i = 0; i < hole->n_words; i++) {
            int64_t number = 0;
            tni_number_read(hole->words[i], &number);
            bound->low = i == 0 || number < bound->low ? number : bound->low;
            bound->high = i == 0 || number > bound->high ? number : bound->high;
        }
        bound->known = true;
    }
}

/* Writes literal text; a star of a name cannot stand in a pattern. */
static tn_status write_literal(tn_str text, bool pattern, tni_buffer *out, tn_error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '*' && pattern) {
            return tni_fail(err, TN_E_RULE, "a pattern cannot spell the star in the new names");
        }
        if (text.data[i] == '{' || text.data[i] == '}') {
            tni_buffer_char(out, text.data[i]);
        }
        tni_buffer_char(out, text.data[i]);
    }
    return TN_OK;
}

/* Writes `{NAME:a|b}`. */
static tn_status write_choice(tn_str name, const tn_str *words, size_t count, char separator,
                              tni_buffer *out, tn_error *err)
{
    tni_buffer_format(out, "{%.*s:", (int)name.len, name.data);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < words[i].len; k++) {
            char c = words[i].data[k];
            if (c == separator || c == '|' || c == '{' || c == '}' || c == '*') {
                return tni_fail(err, TN_E_RULE, "no choice can spell the word '%.*s'",
                                (int)words[i].len, words[i].data);
            }
        }
        tni_buffer_text(out, i == 0 ? "" : "|");
        tni_buffer_str(out, words[i]);
    }
    tni_buffer_char(out, '}');
    return TN_OK;
}

/* Leads back from `{x}` in the target. */
static tn_status invert_hole(inverting *v, const tni_template_part *part, tn_error *err)
{
    const tni_hole *hole = hole_of(v->pattern, part->slot);
    int len = (int)hole->name.len;
    v->ways[part->slot] = (way){.kind = WAY_HOLE, .name = hole->name};
    if (hole->kind == TNI_HOLE_CHOICE) {
        return write_choice(hole->name, hole->words, hole->n_words, v->rule->to->separator,
                            &v->match, err);
    }
    tni_buffer_format(&v->match, "{%.*s", len, hole->name.data);
    if (hole->kind == TNI_HOLE_PATH) {
        tni_buffer_text(&v->match, ":**");
    } else if (hole->kind == TNI_HOLE_INT && part->digits != 0) {
        tni_buffer_format(&v->match, ":int0%u", part->digits);
    } else if (hole->kind == TNI_HOLE_INT) {
        tni_buffer_text(&v->match, ":int");
    }
    tni_buffer_char(&v->match, '}');
    return TN_OK;
}

/* Adds a table to the inverse; its entries are the caller's to fill. */
static tn_status add_table(inverting *v, tn_str of, size_t count, tni_table **table_out,
                           tn_error *err)
{
    void *block;
    tni_table *table = &v->inverse->tables[v->inverse->n_tables++];
    tn_status status = tni_arena_array(v->arena, count, sizeof(tni_table_entry), &block, err);
    table->entries = status == TN_OK ? block : NULL;
    if (status == TN_OK) {
        status = tni_arena_format(v->arena, &table->name, err, "%.*s_back%u", (int)of.len, of.data,
                                  v->id);
    }
    *table_out = table;
    return status;
}

/* Turns a table round, as far as the words of a closed choice need it. */
static tn_status turn_table(inverting *v, const tni_table *table, const tni_hole *hole,
                            tni_table *back, tn_error *err)
{
    bool closed = hole->kind == TNI_HOLE_CHOICE, injective = false;
    tn_str first = TN_STR_NONE, second = TN_STR_NONE;
    tn_status status = tni_table_is_injective(v->arena->ctx, table, closed ? hole->words : NULL,
                                              hole->n_words, &injective, &first, &second, err);
    if (status == TN_OK && !injective) {
        return tni_fail(err, TN_E_RULE, "the table '%.*s' has one text for '%.*s' and '%.*s'",
                        (int)table->name.len, table->name.data, (int)first.len, first.data,
                        (int)second.len, second.data);
    }
    size_t count = closed ? hole->n_words : table->count;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tn_str word = closed ? hole->words[i] : table->entries[i].word;
        tn_str text = tni_table_find(table, word);
        if (text.data != NULL) {
            back->entries[back->count++] = (tni_table_entry){text, word};
        }
    }
    return status;
}

/* Leads back from `{p|part}`: a choice of the table's texts, and the table turned round. */
static tn_status invert_table(inverting *v, const tni_template_part *part, tn_error *err)
{
    const tni_hole *hole = hole_of(v->pattern, part->slot);
    size_t most = hole->kind == TNI_HOLE_CHOICE ? hole->n_words : part->table->count;
    tni_table *back = NULL;
    void *block = NULL;
    v->ways[part->slot] =
        (way){.kind = WAY_TABLE, .name = hole->name, .table = (uint32_t)v->inverse->n_tables};
    tn_status status = add_table(v, hole->name, most, &back, err);
    if (status == TN_OK) {
        status = turn_table(v, part->table, hole, back, err);
    }
    if (status == TN_OK && back->count == 0) {
        return tni_fail(err, TN_E_RULE, "the table '%.*s' has none of the words",
                        (int)part->table->name.len, part->table->name.data);
    }
    if (status == TN_OK && back->count == 1) { /* a choice of one word is that word */
        v->ways[part->slot] = (way){.kind = WAY_WORD, .text = back->entries[0].text};
        v->inverse->n_tables--;
        return write_literal(back->entries[0].word, true, &v->match, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(v->arena, back->count, sizeof(tn_str), &block, err);
    }
    tn_str *texts = block;
    for (size_t i = 0; status == TN_OK && i < back->count; i++) {
        texts[i] = back->entries[i].word;
    }
    if (status != TN_OK) {
        return status;
    }
    status = write_choice(hole->name, texts, back->count, v->rule->to->separator, &v->match, err);
    tni_table_sort(back);
    return status;
}

/* Gives the numbers that a ranked hole had: those of a model, or those that are expected. */
static tn_status numbers_of(const inverting *v, uint32_t slot, tni_seen_numbers *out, tn_error *err)
{
    const tni_expected *expected = expected_of(v->rule, slot);
    if (v->seen != NULL && v->seen[slot].count > 0) {
        *out = v->seen[slot];
    } else if (expected != NULL && expected->numbers != NULL) {
        *out = (tni_seen_numbers){expected->numbers, expected->count};
    } else {
        tn_str name = hole_of(v->pattern, slot)->name;
        tn_status status = tni_fail(err, TN_E_RULE,
                                    "{rank(%.*s)} cannot be undone: its numbers are "
                                    "not known",
                                    (int)name.len, name.data);
        tni_error_hint(err, "give the model, or list them: expect: {%.*s: [0, 2, 4]}",
                       (int)name.len, name.data);
        return status;
    }
    return TN_OK;
}

/* Leads back from `{rank(i)+c}` by a table of the numbers that the hole had. */
static tn_status invert_rank(inverting *v, const tni_linear *linear, tn_str name, tn_error *err)
{
    uint32_t slot = linear->terms[0].slot;
    const tni_hole *hole = hole_of(v->pattern, slot);
    tni_seen_numbers numbers = {NULL, 0};
    tni_table *back = NULL;
    if (v->ways[slot].kind != WAY_NONE) {
        return TN_OK;
    }
    v->ways[slot] = (way){.kind = WAY_TABLE, .name = name, .table = (uint32_t)v->inverse->n_tables};
    tn_status status = numbers_of(v, slot, &numbers, err);
    if (status == TN_OK) {
        status = add_table(v, hole->name, numbers.count, &back, err);
    }
    for (size_t i = 0; status == TN_OK && i < numbers.count; i++) {
        tni_table_entry *entry = &back->entries[back->count++];
        status = tni_arena_format(v->arena, &entry->word, err, "%" PRId64,
                                  (int64_t)i + linear->constant);
        if (status == TN_OK) {
            status = tni_arena_format(v->arena, &entry->text, err, "%0*" PRId64, (int)hole->digits,
                                      numbers.at[i]);
        }
    }
    if (status == TN_OK) {
        tni_table_sort(back);
    }
    return status;
}

/* Keeps the expressions that lead back to the holes of a sum. */
static tn_status keep_terms(inverting *v, const tni_linear *linear, tn_str name, tn_error *err)
{
    tn_status status = TN_OK;
    tni_buffer text;
    tni_buffer_init(&text, v->arena->ctx);
    for (size_t k = 0; status == TN_OK && k < linear->n_terms; k++) {
        way *back = &v->ways[linear->terms[k].slot];
        tni_buffer_reset(&text);
        tni_linear_write(linear, k, name, &text);
        status = tni_buffer_check(&text, err);
        if (status == TN_OK && back->kind == WAY_NONE) {
            *back = (way){.kind = WAY_EXPRESSION, .name = name};
            status = tni_arena_str(v->arena, (tn_str){text.data, text.len}, &back->text, err);
        }
    }
    tni_buffer_clear(&text);
    return status;
}

/* Chooses the name of the number that an expression leaves in the new name: that of its only hole,
 * if nothing else leads back to that, else one that no hole has. */
static tn_status choose_name(inverting *v, const tni_linear *linear, size_t index, tn_str *name_out,
                             tn_error *err)
{
    tn_status status = TN_OK;
    if (linear->n_terms == 1 && v->ways[linear->terms[0].slot].kind == WAY_NONE) {
        *name_out = hole_of(v->pattern, linear->terms[0].slot)->name;
        return TN_OK;
    }
    status = tni_arena_format(v->arena, name_out, err, "n%zu", index);
    while (status == TN_OK && tni_pattern_slot(v->pattern, *name_out) >= 0) {
        status =
            tni_arena_format(v->arena, name_out, err, "%.*s_", (int)name_out->len, name_out->data);
    }
    return status;
}

/* Leads back from an expression: a number, and for each of its holes an expression over it. */
static tn_status invert_expression(inverting *v, size_t index, const tni_template_part *part,
                                   tn_error *err)
{
    tni_linear linear;
    tn_str name = TN_STR_NONE;
    tn_status status =
        tni_linear_of(v->arena, part->expression, v->bounds, v->values, &linear, err);
    bool ranked = false;
    for (size_t k = 0; status == TN_OK && k < linear.n_terms; k++) {
        ranked = ranked || linear.terms[k].ranked;
    }
    if (status == TN_OK && ranked && (linear.n_terms != 1 || linear.terms[0].factor != 1)) {
        return tni_fail(err, TN_E_RULE, "{%.*s} cannot be undone: rank() is not alone in it",
                        (int)part->expression->source.len, part->expression->source.data);
    }
    if (status == TN_OK) {
        status = choose_name(v, &linear, index, &name, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (part->digits != 0) {
        tni_buffer_format(&v->match, "{%.*s:int0%u}", (int)name.len, name.data, part->digits);
    } else {
        tni_buffer_format(&v->match, "{%.*s:int}", (int)name.len, name.data);
    }
    return ranked ? invert_rank(v, &linear, name, err) : keep_terms(v, &linear, name, err);
}

/* Writes the inverse's pattern, and learns what leads back to each hole. Holes that stand alone are
 * read first: nothing leads back better. */
static tn_status write_match(inverting *v, tn_error *err)
{
    tn_status status = TN_OK;
    const tni_template *to = v->rule->to;
    for (size_t i = 0; i < to->n_parts; i++) {
        const tni_template_part *part = &to->parts[i];
        if (part->kind == TNI_PART_HOLE) {
            v->ways[part->slot] = (way){.kind = WAY_HOLE};
        }
    }
    for (size_t i = 0; status == TN_OK && i < to->n_parts; i++) {
        const tni_template_part *part = &to->parts[i];
        status = part->kind == TNI_PART_TEXT    ? write_literal(part->text, true, &v->match, err)
                 : part->kind == TNI_PART_HOLE  ? invert_hole(v, part, err)
                 : part->kind == TNI_PART_TABLE ? invert_table(v, part, err)
                                                : invert_expression(v, i, part, err);
    }
    return status;
}

/* Writes what leads back to one hole. */
static tn_status write_way(inverting *v, const tni_hole *hole, tn_error *err)
{
    const way *back = &v->ways[hole->slot];
    const char *width = "";
    char digits[16];
    snprintf(digits, sizeof digits, ":int0%u", hole->digits);
    if (hole->kind == TNI_HOLE_INT && hole->digits != 0) {
        width = digits;
    }
    if (back->kind == WAY_NONE) {
        return tni_fail(err, TN_E_RULE, "the new names do not hold {%.*s}", (int)hole->name.len,
                        hole->name.data);
    }
    if (back->kind == WAY_EXPRESSION && hole->kind == TNI_HOLE_CHOICE) {
        for (size_t i = 0; i < hole->n_words; i++) {
            if (hole->words[i].len > 1 && hole->words[i].data[0] == '0') {
                return tni_fail(err, TN_E_RULE, "the word '%.*s' is not how its number is written",
                                (int)hole->words[i].len, hole->words[i].data);
            }
        }
    }
    if (back->kind == WAY_WORD) {
        return write_literal(back->text, false, &v->to, err);
    }
    if (back->kind == WAY_TABLE) {
        tn_str table = v->inverse->tables[back->table].name;
        tni_buffer_format(&v->to, "{%.*s|%.*s}", (int)back->name.len, back->name.data,
                          (int)table.len, table.data);
    } else if (back->kind == WAY_EXPRESSION && !tn_str_equal(back->text, back->name)) {
        tni_buffer_format(&v->to, "{%.*s%s}", (int)back->text.len, back->text.data, width);
    } else {
        tni_buffer_format(&v->to, "{%.*s%s}", (int)back->name.len, back->name.data, width);
    }
    return TN_OK;
}

static tn_status write_to(inverting *v, tn_error *err)
{
    tn_status status = TN_OK;
    if (v->pattern->kind == TNI_EXACT) {
        return write_literal(v->pattern->exact, false, &v->to, err);
    }
    for (size_t i = 0; status == TN_OK && i < v->pattern->n_parts; i++) {
        const tni_part *part = &v->pattern->parts[i];
        status = part->hole != NULL ? write_way(v, part->hole, err)
                                    : write_literal(part->text, false, &v->to, err);
    }
    return status;
}

/* Gives the way back that the rule itself says. */
static tn_status said(tni_inverse *inverse, const tni_rule *rule)
{
    inverse->match = rule->back->source;
    inverse->to = rule->back_to->source;
    return TN_OK;
}

/* Derives both texts. */
static tn_status derive(inverting *v, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(v->arena, v->rule->to->n_parts + 1, sizeof(tni_table), &block, err);
    v->inverse->tables = status == TN_OK ? block : NULL;
    for (uint32_t slot = 0; slot < v->pattern->n_slots; slot++) {
        learn_bound(v, slot);
    }
    if (status == TN_OK) {
        status = write_match(v, err);
    }
    if (status == TN_OK) {
        status = write_to(v, err);
    }
    if (status == TN_OK) {
        status = tni_buffer_check(&v->match, err);
    }
    if (status == TN_OK) {
        status = tni_buffer_check(&v->to, err);
    }
    if (status == TN_OK) {
        status =
            tni_arena_str(v->arena, (tn_str){v->match.data, v->match.len}, &v->inverse->match, err);
    }
    return status != TN_OK
               ? status
               : tni_arena_str(v->arena, (tn_str){v->to.data, v->to.len}, &v->inverse->to, err);
}

tn_status tni_rule_invert(tni_arena *arena, const tni_rule *rule, const tni_seen_numbers *seen,
                          const tni_values *values, unsigned id, tni_inverse *inverse_out,
                          tn_error *err)
{
    tni_inverse inverse = {.n_tables = 0};
    tn_status status;
    if (rule->operates) {
        return tni_fail(err, TN_E_RULE, "a rule with operations is not inverted yet");
    }
    if (rule->to == NULL) {
        return tni_fail(err, TN_E_RULE, "a rule that renames nothing has no inverse");
    }
    const tn_pattern *pattern = rule->patterns[0];
    if (rule->back != NULL) {
        *inverse_out = inverse;
        return said(inverse_out, rule);
    }
    if (pattern->kind == TNI_REGEX || pattern->kind == TNI_GLOB) {
        status = tni_fail(err, TN_E_RULE, "%s has no inverse",
                          pattern->kind == TNI_REGEX ? "a regular expression" : "a glob");
        tni_error_hint(err, "use holes, or say it: back: PATTERN => TARGET");
        return status;
    }
    inverting v = {.arena = arena,
                   .rule = rule,
                   .pattern = pattern,
                   .seen = seen,
                   .values = values,
                   .id = id,
                   .inverse = &inverse};
    tni_buffer_init(&v.match, arena->ctx);
    tni_buffer_init(&v.to, arena->ctx);
    status = derive(&v, err);
    tni_buffer_clear(&v.match);
    tni_buffer_clear(&v.to);
    if (status == TN_OK) {
        *inverse_out = inverse;
    }
    return status;
}
