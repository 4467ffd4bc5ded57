/* Rule files: one rule of the list. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include <tenon/text.h>

static const tni_key rule_keys[] = {
    {"match", false},     {"to", false},     {"do", false},   {"optional", false},
    {"why", false},       {"expect", false}, {"when", false}, {"priority", false},
    {"otherwise", false}, {"back", false},   {"from", false}, {NULL, false},
};
static const tni_key raw_keys[] = {{"raw", false}, {NULL, false}};

/* Gives a value's text; `{raw: …}` has its escapes read. */
tn_status tni_file_text(tni_file_reading *r, const tni_yaml *value, tn_str *text_out, tn_error *err)
{
    if (value->kind == TNI_YAML_TEXT) {
        *text_out = value->text;
        return TN_OK;
    }
    tn_status status = tni_value_kind(value, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(value, raw_keys, "text with escapes", err);
    }
    const tni_yaml *raw = tni_keys_find(value, "raw");
    if (status == TN_OK && raw == NULL) {
        return tni_value_wrong(value, err, "it must be a text, or {raw: text}");
    }
    if (status == TN_OK) {
        status = tni_value_kind(raw, TNI_YAML_TEXT, err);
    }
    tn_str copy = TN_STR_NONE;
    if (status == TN_OK) {
        status = tni_arena_str(r->arena, raw->text, &copy, err);
    }
    if (status == TN_OK && !tn_unescape((char *)(uintptr_t)copy.data, &copy.len)) {
        return tni_value_wrong(raw, err, "this has a malformed escape");
    }
    *text_out = copy;
    return status;
}

/* Says where in a side of a rule its error is. */
static void place_side(const tni_yaml *side, tn_str text, size_t at, tn_error *err)
{
    bool as_written = side->kind == TNI_YAML_TEXT && tn_str_equal(side->text, text);
    tni_yaml_place(side, as_written ? at : 0, err);
}

/* Compiles one pattern, and the target if there is one. */
tn_status tni_file_compile(tni_file_reading *r, const tni_yaml *match, const tni_yaml *to,
                           bool moves, tni_rule *rule, tn_error *err)
{
    tni_sides sides = {TN_STR_NONE, TN_STR_NONE};
    int side = 0;
    size_t at = 0;
    tn_status status = tni_file_text(r, match, &sides.from, err);
    if (status == TN_OK && to != NULL) {
        status = tni_file_text(r, to, &sides.to, err);
    }
    if (status != TN_OK) {
        return status;
    }
    status =
        moves ? tni_rule_compile_move(r->arena, r->set, &r->set->vars, sides, rule, &side, &at, err)
              : tni_rule_compile(r->arena, r->set, &r->set->vars, sides, rule, &side, &at, err);
    if (status != TN_OK) {
        const tni_yaml *where = side == 0 ? match : to;
        tn_str text = side == 0 ? sides.from : sides.to;
        bool variables = text.len > 0 && memmem(text.data, text.len, "{$", 2) != NULL;
        place_side(where, text, variables ? 0 : at, err);
    }
    return status;
}

/* Compiles several patterns. */
static tn_status compile_list(tni_file_reading *r, const tni_yaml *match, tni_rule *rule,
                              tn_error *err)
{
    void *block;
    if (match->count == 0) {
        return tni_value_wrong(match, err, "the list is empty");
    }
    tn_status status = tni_arena_array(r->arena, match->count, sizeof(tn_pattern *), &block, err);
    rule->patterns = status == TN_OK ? block : NULL;
    for (const tni_yaml *one = match->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_file_compile(r, one, NULL, false, rule, err);
    }
    return status;
}

/* Demands that all patterns bind the same holes: targets are made of those of the first. */
static tn_status check_holes(const tni_yaml *match, const tni_rule *rule, tn_error *err)
{
    const tn_pattern *first = rule->patterns[0];
    const tni_yaml *node = match->kind == TNI_YAML_LIST ? match->first : match;
    for (size_t i = 1; i < rule->n_patterns; i++) {
        const tn_pattern *pattern = rule->patterns[i];
        bool same = pattern->n_slots == first->n_slots && pattern->kind != TNI_REGEX &&
                    first->kind != TNI_REGEX;
        for (size_t k = 0; same && first->kind == TNI_HOLES && k < first->n_parts; k++) {
            const tni_hole *hole = first->parts[k].hole;
            same = hole == NULL || tni_pattern_slot(pattern, hole->name) >= 0;
        }
        node = node->next;
        if (!same) {
            return tni_value_wrong(node, err,
                                   "the patterns of a rule with 'to' bind the same holes");
        }
    }
    return TN_OK;
}

/* Returns the pattern whose holes targets may name. */
static tn_status scope_of(tni_file_reading *r, const tni_rule *rule, const tn_pattern **scope_out,
                          tn_error *err)
{
    const tni_rule_op *spread = tni_rule_op_spreading(rule->ops, rule->n_ops);
    *scope_out = rule->patterns[0];
    return tni_rule_op_counts(spread)
               ? tni_pattern_widen(r->arena, rule->patterns[0], spread->over, scope_out, err)
               : TN_OK;
}

/* Compiles the targets of a rule that operates. */
static tn_status read_targets(tni_file_reading *r, const tni_yaml *to, tni_rule *rule,
                              tn_error *err)
{
    void *block;
    const tn_pattern *scope;
    bool list = to->kind == TNI_YAML_LIST;
    if (list && to->count == 0) {
        return tni_value_wrong(to, err, "the list is empty");
    }
    tn_status status = scope_of(r, rule, &scope, err);
    if (status == TN_OK) {
        status =
            tni_arena_array(r->arena, list ? to->count : 1, sizeof(tni_template *), &block, err);
    }
    rule->targets = status == TN_OK ? block : NULL;
    for (const tni_yaml *one = list ? to->first : to; status == TN_OK && one != NULL;
         one = list ? one->next : NULL) {
        tn_str text;
        size_t at = 0;
        status = tni_file_text(r, one, &text, err);
        if (status == TN_OK) {
            status =
                tni_rule_add_target(r->arena, r->set, &r->set->vars, text, scope, rule, &at, err);
            if (status != TN_OK) {
                place_side(one, text, memmem(text.data, text.len, "{$", 2) != NULL ? 0 : at, err);
            }
        }
    }
    rule->to = status == TN_OK ? rule->targets[0] : NULL;
    return status;
}

static bool averages(const tni_rule *rule)
{
    for (size_t i = 0; i < rule->n_ops; i++) {
        if (rule->ops[i].kind == TNI_RULE_MEAN) {
            return true;
        }
    }
    return false;
}

/* Checks that the operations and the number of targets go together. */
static tn_status check_targets(const tni_yaml *map, const tni_yaml *to, const tni_rule *rule,
                               tn_error *err)
{
    size_t gathers = 0, spreads = 0;
    for (size_t i = 0; i < rule->n_ops; i++) {
        const tni_rule_op *op = &rule->ops[i];
        gathers += tni_rule_op_gathers(op);
        spreads += tni_rule_op_spreads(op);
        if (spreads > 0 && tni_rule_op_gathers(op)) {
            return tni_value_wrong(op->node, err,
                                   "what joins tensors must stand before what splits them");
        }
    }
    if (gathers > 1 || spreads > 1) {
        return tni_value_wrong(map, err, "one rule joins once and splits once; write two stages");
    }
    if (rule->n_inputs > 1 && !averages(rule)) {
        return tni_value_wrong(rule->from, err, "tensors of several inputs become one by a mean");
    }
    if (averages(rule) && rule->n_patterns * (rule->n_inputs == 0 ? 1 : rule->n_inputs) < 2) {
        return tni_value_wrong(map, err,
                               "a mean needs several tensors: 'from: [in, NAME]', or "
                               "several patterns");
    }
    if ((gathers > 0 || spreads > 0) && to == NULL) {
        return tni_value_wrong(map, err, "the rule has no 'to': its tensors need names");
    }
    if (rule->n_targets > 1 && spreads == 0) {
        return tni_value_wrong(to, err, "several targets need a split: this rule makes one tensor");
    }
    if (rule->n_targets > 1 && tni_rule_op_counts(tni_rule_op_spreading(rule->ops, rule->n_ops))) {
        return tni_value_wrong(to, err, "unstack has one target, which its hole counts");
    }
    if (rule->recorded != 0) {
        return tni_value_wrong(to, err, "rank() is not for rules with operations");
    }
    return TN_OK;
}

/* Reads a rule whose tensors go into others. */
static tn_status read_operating(tni_file_reading *r, const tni_yaml *map, tni_rule *rule,
                                tn_error *err)
{
    const tni_yaml *match = tni_keys_find(map, "match"), *to = tni_keys_find(map, "to");
    const tni_yaml *deed = tni_keys_find(map, "do"), *back = tni_keys_find(map, "back");
    rule->operates = true;
    rule->deed = TNI_DEED_RENAME;
    tn_status status = match->kind == TNI_YAML_LIST
                           ? compile_list(r, match, rule, err)
                           : tni_file_compile(r, match, NULL, false, rule, err);
    if (status == TN_OK) {
        status = check_holes(match, rule, err);
    }
    if (status == TN_OK && deed != NULL) {
        status = tni_value_kind(deed, TNI_YAML_LIST, err);
        status = status == TN_OK ? tni_file_operations(r, deed, rule, err) : status;
    }
    if (status == TN_OK && to != NULL) {
        status = read_targets(r, to, rule, err);
    }
    if (status == TN_OK && back != NULL) {
        status =
            tni_value_wrong(back, err, "a rule with operations needs no way back: it is computed");
    }
    return status == TN_OK ? check_targets(map, to, rule, err) : status;
}

tn_status tni_file_place(tni_file_reading *r, const tni_yaml *node, tni_rule *rule, tn_error *err)
{
    rule->line = node->line;
    rule->column = node->column;
    return tni_arena_format(r->arena, &rule->place, err, "%s:%u", r->set->file, node->line);
}

/* Reads `do` and checks it against `to`. */
static tn_status read_deed(const tni_yaml *rule_map, const tni_yaml *deed, const tni_yaml *to,
                           tni_rule *rule, tn_error *err)
{
    static const char *const words[] = {"drop", "keep", NULL};
    int word = 0;
    if (deed == NULL && to == NULL) {
        tn_status status = tni_value_wrong(rule_map, err, "the rule says neither 'to' nor 'do'");
        tni_error_hint(err, "add to: NEW_NAME, do: drop or do: keep");
        return status;
    }
    if (deed == NULL) {
        rule->deed = TNI_DEED_RENAME;
        return TN_OK;
    }
    tn_status status = tni_value_word(deed, words, &word, err);
    rule->deed = word == 0 ? TNI_DEED_DROP : TNI_DEED_KEEP;
    if (status == TN_OK && to != NULL) {
        status = tni_value_wrong(deed, err, "a rule with 'to' cannot be '%s'", words[word]);
    }
    return status;
}

/* Reads `PATTERN => TARGET`, which leads from the new name to the old one. */
static tn_status read_back(tni_file_reading *r, const tni_yaml *back, tni_rule *rule, tn_error *err)
{
    tn_str text = TN_STR_NONE;
    if (rule->to == NULL) {
        return tni_value_wrong(back, err, "a rule without 'to' has no way back");
    }
    tn_status status = tni_file_text(r, back, &text, err);
    const char *arrow = text.len == 0 ? NULL : memmem(text.data, text.len, " => ", 4);
    if (status == TN_OK && arrow == NULL) {
        status = tni_value_wrong(back, err, "it must be PATTERN => TARGET");
    }
    if (status != TN_OK) {
        return status;
    }
    size_t split = (size_t)(arrow - text.data), at = 0;
    int side = 0;
    tni_rule reverse = {.n_patterns = 0};
    tni_sides sides = {tn_str_first(text, split), tn_str_skip(text, split + 4)};
    status = tni_rule_compile(r->arena, r->set, &r->set->vars, sides, &reverse, &side, &at, err);
    if (status == TN_OK && reverse.to->ranks) {
        status = tni_fail(err, TN_E_RULE, "rank() has no way back");
    }
    if (status != TN_OK) {
        bool variables = memmem(text.data, text.len, "{$", 2) != NULL;
        place_side(back, text, variables ? 0 : at + (side == 0 ? 0 : split + 4), err);
        return status;
    }
    rule->back = reverse.patterns[0];
    rule->back_to = reverse.to;
    rule->back_node = back;
    r->set->prints_vars =
        r->set->prints_vars || reverse.to->vars || memmem(text.data, text.len, "{$", 2) != NULL;
    return TN_OK;
}

/* Reads what every rule that matches may say: `optional`, `why`, `from`. */
static tn_status read_common(tni_file_reading *r, const tni_yaml *map, tni_rule *rule,
                             tn_error *err)
{
    static const char *const truth[] = {"false", "true", NULL};
    const tni_yaml *optional = tni_keys_find(map, "optional"), *why = tni_keys_find(map, "why");
    const tni_yaml *from = tni_keys_find(map, "from");
    int is_optional = 0;
    tn_status status = tni_file_place(r, map, rule, err);
    if (status == TN_OK && optional != NULL) {
        status = tni_value_word(optional, truth, &is_optional, err);
    }
    if (status == TN_OK && why != NULL) {
        status = tni_value_kind(why, TNI_YAML_TEXT, err);
    }
    rule->optional = is_optional == 1;
    return status == TN_OK && from != NULL ? tni_file_from(r, from, rule, err) : status;
}

/* Reads a rule that renames, keeps or drops each tensor by itself. */
static tn_status read_plain(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    const tni_yaml *match = tni_keys_find(map, "match"), *to = tni_keys_find(map, "to");
    tn_status status = read_deed(map, tni_keys_find(map, "do"), to, rule, err);
    if (status == TN_OK && rule->n_inputs > 1 && rule->deed != TNI_DEED_DROP) {
        status = tni_value_wrong(rule->from, err, "tensors of several inputs become one by a mean");
    }
    if (status != TN_OK) {
        return status;
    }
    return match->kind == TNI_YAML_LIST ? compile_list(r, match, rule, err)
                                        : tni_file_compile(r, match, to, false, rule, err);
}

/* Reads a rule that claims tensors. */
static tn_status read_matching(tni_file_reading *r, const tni_yaml *map, tni_rule *rule,
                               tn_error *err)
{
    const tni_yaml *match = tni_keys_find(map, "match"), *to = tni_keys_find(map, "to");
    const tni_yaml *deed = tni_keys_find(map, "do"), *back = tni_keys_find(map, "back");
    tn_status status = tni_keys_check(map, rule_keys, "rule", err);
    if (status == TN_OK && match == NULL) {
        status = tni_value_wrong(map, err, "the rule has no 'match'");
    }
    if (status != TN_OK) {
        return status;
    }
    bool operates = (deed != NULL && deed->kind == TNI_YAML_LIST) ||
                    (to != NULL && to->kind == TNI_YAML_LIST) ||
                    (to != NULL && match->kind == TNI_YAML_LIST);
    status = read_common(r, map, rule, err);
    if (status == TN_OK) {
        status = operates ? read_operating(r, map, rule, err) : read_plain(r, map, rule, err);
    }
    if (status == TN_OK) {
        status = tni_file_conditions(r, map, rule, err);
    }
    return status == TN_OK && back != NULL && !operates ? read_back(r, back, rule, err) : status;
}

tn_status tni_file_rule(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK && tni_keys_find(map, "make") != NULL) {
        return tni_file_make(r, map, rule, err);
    }
    if (status == TN_OK && tni_keys_find(map, "tie") != NULL) {
        return tni_file_tie(r, map, rule, err);
    }
    return status == TN_OK ? read_matching(r, map, rule, err) : status;
}
