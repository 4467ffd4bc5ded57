/* Rule files: rules that say which names of the output are one tensor. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"

static const tni_key tie_keys[] = {{"tie", false},
                                   {"with", false},
                                   {"if_target_has_no_alias", false},
                                   {"why", false},
                                   {NULL, false}};

/* Checks that a side is one name. */
static tn_status read_name(tni_file_reading *r, const tni_yaml *name, tn_error *err)
{
    tn_str text = TN_STR_NONE, expanded = TN_STR_NONE;
    size_t at = 0;
    tn_pattern *pattern;
    tn_status status = tni_file_text(r, name, &text, err);
    if (status == TN_OK) {
        status = tni_vars_expand(r->arena, &r->set->vars, text, false, &expanded, &at, err);
    }
    if (status == TN_OK) {
        status = tni_pattern_compile(r->arena, expanded, r->set->separator, &pattern, &at, err);
    }
    if (status != TN_OK) {
        tni_yaml_place(name, 0, err);
        return status;
    }
    return pattern->kind == TNI_EXACT
               ? TN_OK
               : tni_value_wrong(name, err, "it must be one name, without holes and stars");
}

tn_status tni_file_tie(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    static const char *const policies[] = {"drop", "copy", NULL};
    int policy = 0;
    tn_status status = tni_keys_check(map, tie_keys, "rule with 'tie'", err);
    const tni_yaml *tie = tni_keys_find(map, "tie"), *with = tni_keys_find(map, "with");
    const tni_yaml *said = tni_keys_find(map, "if_target_has_no_alias");
    if (status == TN_OK && with == NULL) {
        status = tni_value_wrong(map, err, "'tie' needs 'with', the name that is in the output");
    }
    if (status == TN_OK && said != NULL) {
        status = tni_value_word(said, policies, &policy, err);
    }
    if (status == TN_OK && policy == 1) {
        status = tni_not_yet(err, "'copy', a second name that is written as a second tensor");
        tni_yaml_place(said, 0, err);
    }
    if (status == TN_OK) {
        status = read_name(r, tie, err);
    }
    if (status == TN_OK) {
        status = read_name(r, with, err);
    }
    rule->deed = TNI_DEED_TIE;
    rule->tie = map;
    return status == TN_OK ? tni_file_place(r, map, rule, err) : status;
}
