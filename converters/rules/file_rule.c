/* Rule files: one rule of the list. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include <tenon/text.h>

static const tni_key rule_keys[] = {
    {"match", false},     {"to", false},
    {"do", false},        {"optional", false},
    {"why", false},       {"expect", false},
    {"when", false},      {"priority", false},
    {"otherwise", false}, {"back", false},
    {"from", true},       {"tie", true},
    {"with", true},       {"if_target_has_no_alias", true},
    {"make", true},       {"init", true},
    {"shape", true},      {"dtype", true},
    {NULL, false},
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

static tn_status compile_list(tni_file_reading *r, const tni_yaml *match, const tni_yaml *to,
                              tni_rule *rule, tn_error *err)
{
    void *block;
    if (match->count == 0) {
        return tni_value_wrong(match, err, "the list is empty");
    }
    if (to != NULL) {
        tn_status status = tni_not_yet(err, "several patterns in 'match' beside a 'to'");
        tni_yaml_place(match, 0, err);
        return status;
    }
    tn_status status = tni_arena_array(r->arena, match->count, sizeof(tn_pattern *), &block, err);
    rule->patterns = status == TN_OK ? block : NULL;
    for (const tni_yaml *one = match->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_file_compile(r, one, NULL, false, rule, err);
    }
    return status;
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
    if (deed != NULL && deed->kind == TNI_YAML_LIST) {
        tn_status status = tni_not_yet(err, "a list of operations in 'do'");
        tni_yaml_place(deed, 0, err);
        return status;
    }
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

tn_status tni_file_rule(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    static const char *const truth[] = {"false", "true", NULL};
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(map, rule_keys, "rule", err);
    }
    if (status != TN_OK) {
        return status;
    }
    const tni_yaml *match = tni_keys_find(map, "match"), *to = tni_keys_find(map, "to");
    const tni_yaml *optional = tni_keys_find(map, "optional"), *why = tni_keys_find(map, "why");
    const tni_yaml *back = tni_keys_find(map, "back");
    int is_optional = 0;
    if (match == NULL) {
        return tni_value_wrong(map, err, "the rule has no 'match'");
    }
    if (to != NULL && to->kind == TNI_YAML_LIST) {
        status = tni_not_yet(err, "several targets in 'to'");
        tni_yaml_place(to, 0, err);
        return status;
    }
    status = tni_file_place(r, map, rule, err);
    if (status == TN_OK && optional != NULL) {
        status = tni_value_word(optional, truth, &is_optional, err);
    }
    if (status == TN_OK && why != NULL) {
        status = tni_value_kind(why, TNI_YAML_TEXT, err);
    }
    if (status == TN_OK) {
        rule->optional = is_optional == 1;
        status = read_deed(map, tni_keys_find(map, "do"), to, rule, err);
    }
    if (status != TN_OK) {
        return status;
    }
    status = match->kind == TNI_YAML_LIST ? compile_list(r, match, to, rule, err)
                                          : tni_file_compile(r, match, to, false, rule, err);
    if (status == TN_OK) {
        status = tni_file_conditions(r, map, rule, err);
    }
    return status == TN_OK && back != NULL ? read_back(r, back, rule, err) : status;
}
