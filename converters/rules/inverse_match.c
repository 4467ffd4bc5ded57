/* From a target to the pattern that matches what it makes, with what leads back to each hole. */
#include "converters/rules/inverse_parts.h"

#include "core/checked.h"
#include <inttypes.h>

const tni_hole *tni_turning_hole(const tn_pattern *pattern, uint32_t slot)
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

void tni_turning_bound(tni_turning *v, uint32_t slot)
{
    const tni_expected *expected = expected_of(v->rule, slot);
    const tni_hole *hole = tni_turning_hole(v->pattern, slot);
    tni_bound *bound = &v->bounds[slot];
    if (expected != NULL && expected->range) {
        *bound = (tni_bound){true, expected->low, expected->high};
    } else if (expected != NULL && expected->numbers != NULL) {
        *bound = (tni_bound){true, expected->numbers[0], expected->numbers[expected->count - 1]};
    } else if (tni_hole_is_closed(hole) && tni_hole_is_number(hole)) {
        for (size_t i = 0; i < hole->n_words; i++) {
            int64_t number = 0;
            tni_number_read(hole->words[i], &number);
            bound->low = i == 0 || number < bound->low ? number : bound->low;
            bound->high = i == 0 || number > bound->high ? number : bound->high;
        }
        bound->known = true;
    }
}

tn_status tni_turning_literal(tn_str text, bool pattern, tni_buffer *out, tn_error *err)
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

/* Leads back from a hole that is always bound to one word: there is no hole in the inverse. */
static tn_status invert_word(tni_turning *v, const tni_hole *hole, unsigned digits, tn_error *err)
{
    tn_str word = hole->words[0];
    v->ways[hole->slot] = (tni_way){.kind = TNI_WAY_WORD, .text = word};
    while (hole->kind == TNI_HOLE_INT && word.len > 1 && word.data[0] == '0') {
        word = tn_str_skip(word, 1); /* targets print the number */
    }
    for (size_t i = word.len; digits != 0 && i < digits; i++) {
        tni_buffer_char(&v->match, '0');
    }
    for (size_t i = 0; i < word.len; i++) { /* a list of segments has the target's separator */
        bool turns = hole->kind == TNI_HOLE_PATH && word.data[i] == v->pattern->separator;
        tn_str one = turns ? (tn_str){&v->to->separator, 1} : (tn_str){word.data + i, 1};
        tn_status status = tni_turning_literal(one, true, &v->match, err);
        if (status != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

/* Leads back from `{x}` in the target. */
static tn_status invert_hole(tni_turning *v, const tni_template_part *part, tn_error *err)
{
    const tni_hole *hole = tni_turning_hole(v->pattern, part->slot);
    int len = (int)hole->name.len;
    v->ways[part->slot] = (tni_way){.kind = TNI_WAY_HOLE, .name = hole->name};
    if (hole->n_words == 1) {
        return invert_word(v, hole, part->digits, err);
    }
    if (tni_hole_is_closed(hole)) {
        return write_choice(hole->name, hole->words, hole->n_words, v->to->separator, &v->match,
                            err);
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
static tn_status add_table(tni_turning *v, tn_str of, size_t count, tni_table **table_out,
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
static tn_status turn_table(tni_turning *v, const tni_table *table, const tni_hole *hole,
                            tni_table *back, tn_error *err)
{
    bool closed = tni_hole_is_closed(hole), injective = false;
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
static tn_status invert_table(tni_turning *v, const tni_template_part *part, tn_error *err)
{
    const tni_hole *hole = tni_turning_hole(v->pattern, part->slot);
    size_t most = tni_hole_is_closed(hole) ? hole->n_words : part->table->count;
    tni_table *back = NULL;
    void *block = NULL;
    v->ways[part->slot] = (tni_way){
        .kind = TNI_WAY_TABLE, .name = hole->name, .table = (uint32_t)v->inverse->n_tables};
    tn_status status = add_table(v, hole->name, most, &back, err);
    if (status == TN_OK) {
        status = turn_table(v, part->table, hole, back, err);
    }
    if (status == TN_OK && back->count == 0) {
        return tni_fail(err, TN_E_RULE, "the table '%.*s' has none of the words",
                        (int)part->table->name.len, part->table->name.data);
    }
    if (status == TN_OK && back->count == 1) { /* a choice of one word is that word */
        v->ways[part->slot] = (tni_way){.kind = TNI_WAY_WORD, .text = back->entries[0].text};
        v->inverse->n_tables--;
        return tni_turning_literal(back->entries[0].word, true, &v->match, err);
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
    status = write_choice(hole->name, texts, back->count, v->to->separator, &v->match, err);
    tni_table_sort(back);
    return status;
}

/* Gives the numbers that a ranked hole had: those of a model, or those that are expected. */
static tn_status numbers_of(const tni_turning *v, uint32_t slot, tni_seen_numbers *out,
                            tn_error *err)
{
    const tni_expected *expected = expected_of(v->rule, slot);
    if (v->facts->seen != NULL && v->facts->seen[slot].count > 0) {
        *out = v->facts->seen[slot];
    } else if (expected != NULL && expected->numbers != NULL) {
        *out = (tni_seen_numbers){expected->numbers, expected->count};
    } else {
        tn_str name = tni_turning_hole(v->pattern, slot)->name;
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
static tn_status invert_rank(tni_turning *v, const tni_linear *linear, tn_str name, tn_error *err)
{
    uint32_t slot = linear->terms[0].slot;
    const tni_hole *hole = tni_turning_hole(v->pattern, slot);
    tni_seen_numbers numbers = {NULL, 0};
    tni_table *back = NULL;
    if (v->ways[slot].kind != TNI_WAY_NONE) {
        return TN_OK;
    }
    v->ways[slot] =
        (tni_way){.kind = TNI_WAY_TABLE, .name = name, .table = (uint32_t)v->inverse->n_tables};
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
static tn_status keep_terms(tni_turning *v, const tni_linear *linear, tn_str name, tn_error *err)
{
    tn_status status = TN_OK;
    tni_buffer text;
    tni_buffer_init(&text, v->arena->ctx);
    for (size_t k = 0; status == TN_OK && k < linear->n_terms; k++) {
        tni_way *back = &v->ways[linear->terms[k].slot];
        tni_buffer_reset(&text);
        tni_linear_write(linear, k, name, &text);
        status = tni_buffer_check(&text, err);
        if (status == TN_OK && back->kind == TNI_WAY_NONE) {
            *back = (tni_way){.kind = TNI_WAY_EXPRESSION, .name = name};
            status = tni_arena_str(v->arena, (tn_str){text.data, text.len}, &back->text, err);
        }
    }
    tni_buffer_clear(&text);
    return status;
}

/* Chooses the name of the number that an expression leaves in the new name: that of its only hole,
 * if nothing else leads back to that, else one that no hole has. */
static tn_status choose_name(tni_turning *v, const tni_linear *linear, size_t index,
                             tn_str *name_out, tn_error *err)
{
    tn_status status = TN_OK;
    if (linear->n_terms == 1 && v->ways[linear->terms[0].slot].kind == TNI_WAY_NONE) {
        *name_out = tni_turning_hole(v->pattern, linear->terms[0].slot)->name;
        return TN_OK;
    }
    status = tni_arena_format(v->arena, name_out, err, "n%zu", index);
    while (status == TN_OK && tni_pattern_slot(v->pattern, *name_out) >= 0) {
        status =
            tni_arena_format(v->arena, name_out, err, "%.*s_", (int)name_out->len, name_out->data);
    }
    return status;
}

/* Writes one number of a choice, or the only one. */
static tn_status write_number(tni_turning *v, int64_t number, unsigned digits, tn_str *text_out,
                              tn_error *err)
{
    return tni_arena_format(v->arena, text_out, err, "%0*" PRId64, (int)digits, number);
}

/* Writes what an expression makes of the words of its only hole: a choice, too. */
static tn_status invert_choice(tni_turning *v, const tni_linear *linear, const tni_hole *hole,
                               tn_str name, unsigned digits, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(v->arena, hole->n_words, sizeof(tn_str), &block, err);
    tn_str *words = block;
    for (size_t i = 0; status == TN_OK && i < hole->n_words; i++) {
        int64_t number = 0;
        if (!tni_number_read(hole->words[i], &number) ||
            !tni_mul_i64(number, linear->terms[0].factor, &number) ||
            !tni_add_i64(number, linear->constant, &number)) {
            return tni_fail(err, TN_E_RULE, "{%.*s} exceeds 64 bits", (int)v->to->source.len,
                            v->to->source.data);
        }
        status = write_number(v, number, digits, &words[i], err);
    }
    return status == TN_OK
               ? write_choice(name, words, hole->n_words, v->to->separator, &v->match, err)
               : status;
}

/* Writes the number that an expression over holes of one word each always is. */
static tn_status invert_constant(tni_turning *v, const tni_linear *linear, unsigned digits,
                                 tn_error *err)
{
    int64_t sum = linear->constant;
    tn_str text;
    for (size_t k = 0; k < linear->n_terms; k++) {
        const tni_hole *hole = tni_turning_hole(v->pattern, linear->terms[k].slot);
        int64_t number = 0;
        if (!tni_number_read(hole->words[0], &number) ||
            !tni_mul_i64(number, linear->terms[k].factor, &number) ||
            !tni_add_i64(sum, number, &sum)) {
            return tni_fail(err, TN_E_RULE, "{%.*s} exceeds 64 bits", (int)v->to->source.len,
                            v->to->source.data);
        }
        v->ways[hole->slot] = (tni_way){.kind = TNI_WAY_WORD, .text = hole->words[0]};
    }
    tn_status status = write_number(v, sum, digits, &text, err);
    return status == TN_OK ? tni_turning_literal(text, true, &v->match, err) : status;
}

/* Gives the index in the first target of what stands in this one at `index`. */
static size_t index_in_first(const tni_turning *v, size_t index)
{
    size_t ordinal = 0, i = 0;
    for (size_t k = 0; k < index; k++) {
        ordinal += v->to->parts[k].kind != TNI_PART_TEXT;
    }
    for (;; i++) {
        if (v->first->parts[i].kind != TNI_PART_TEXT && ordinal-- == 0) {
            return i;
        }
    }
}

/* Leads back from an expression: a number, and for each of its holes an expression over it. */
static tn_status invert_expression(tni_turning *v, size_t index, const tni_template_part *part,
                                   tn_error *err)
{
    tni_linear linear;
    tn_str name = TN_STR_NONE;
    tn_status status =
        tni_linear_of(v->arena, part->expression, v->bounds, v->facts->values, &linear, err);
    bool ranked = false, fixed = true;
    for (size_t k = 0; status == TN_OK && k < linear.n_terms; k++) {
        ranked = ranked || linear.terms[k].ranked;
        fixed = fixed && tni_turning_hole(v->pattern, linear.terms[k].slot)->n_words == 1;
    }
    if (status == TN_OK && fixed && !ranked) {
        return invert_constant(v, &linear, part->digits, err);
    }
    if (status == TN_OK && ranked && (linear.n_terms != 1 || linear.terms[0].factor != 1)) {
        return tni_fail(err, TN_E_RULE, "{%.*s} cannot be undone: rank() is not alone in it",
                        (int)part->expression->source.len, part->expression->source.data);
    }
    if (status == TN_OK) {
        status = choose_name(v, &linear, index_in_first(v, index), &name, err);
    }
    if (status != TN_OK) {
        return status;
    }
    const tni_hole *hole =
        linear.n_terms == 1 ? tni_turning_hole(v->pattern, linear.terms[0].slot) : NULL;
    if (hole != NULL && tni_hole_is_closed(hole) && !ranked) {
        status = invert_choice(v, &linear, hole, name, part->digits, err);
    } else if (part->digits != 0) {
        tni_buffer_format(&v->match, "{%.*s:int0%u}", (int)name.len, name.data, part->digits);
    } else {
        tni_buffer_format(&v->match, "{%.*s:int}", (int)name.len, name.data);
    }
    if (status != TN_OK) {
        return status;
    }
    return ranked ? invert_rank(v, &linear, name, err) : keep_terms(v, &linear, name, err);
}

tn_status tni_turning_match(tni_turning *v, tn_error *err)
{
    tn_status status = TN_OK;
    const tni_template *to = v->to;
    memset(v->ways, 0, sizeof v->ways);
    v->inverse->n_tables = 0;
    for (size_t i = 0; i < to->n_parts; i++) {
        const tni_template_part *part = &to->parts[i];
        if (part->kind == TNI_PART_HOLE) {
            v->ways[part->slot] = (tni_way){.kind = TNI_WAY_HOLE};
        }
    }
    for (size_t i = 0; status == TN_OK && i < to->n_parts; i++) {
        const tni_template_part *part = &to->parts[i];
        status = part->kind == TNI_PART_TEXT ? tni_turning_literal(part->text, true, &v->match, err)
                 : part->kind == TNI_PART_HOLE  ? invert_hole(v, part, err)
                 : part->kind == TNI_PART_TABLE ? invert_table(v, part, err)
                                                : invert_expression(v, i, part, err);
    }
    return status;
}
