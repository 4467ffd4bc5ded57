/* Rule files: rules that say which names of the output are one tensor. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"

static const tni_key tie_keys[] = {{"tie", false},
                                   {"with", false},
                                   {"if_target_has_no_alias", false},
                                   {"why", false},
                                   {NULL, false}};

tn_status tni_file_tie(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    static const char *const policies[] = {"drop", "copy", NULL};
    const tni_yaml *name = tni_keys_find(map, "tie"), *with = tni_keys_find(map, "with");
    const tni_yaml *said = tni_keys_find(map, "if_target_has_no_alias");
    int policy = 0;
    void *block;
    tn_status status = tni_keys_check(map, tie_keys, "rule with 'tie'", err);
    if (status == TN_OK && with == NULL) {
        status = tni_value_wrong(map, err, "'tie' needs 'with', the name that is in the output");
    }
    if (status == TN_OK && said != NULL) {
        status = tni_value_word(said, policies, &policy, err);
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(r->arena, sizeof(tni_tie), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_tie *tie = block;
    tie->copy = policy == 1;
    rule->deed = TNI_DEED_TIE;
    rule->tie = tie;
    rule->node = map;
    status = tni_file_name(r, name, &tie->name, err);
    status = status != TN_OK ? status : tni_file_name(r, with, &tie->with, err);
    return status != TN_OK ? status : tni_file_place(r, map, rule, err);
}
