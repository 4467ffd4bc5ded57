/* The --rename flags: FROM=TO, all together one stage. */
#include "converters/rules/rule.h"
#include <tenon/text.h>

/* Finds the next `=` outside braces at or after `at`; SIZE_MAX if there is none. */
static size_t find_equals(const char *text, size_t at)
{
    bool inside = false;
    for (size_t i = at; text[i] != '\0'; i++) {
        if (text[i] == '{' && text[i + 1] == '{' && !inside) {
            i++;
        } else if (text[i] == '{') {
            inside = true;
        } else if (text[i] == '}') {
            inside = false;
        } else if (text[i] == '=' && !inside) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Copies one side and reads its escapes. */
static tn_status read_side(tni_arena *arena, const char *text, size_t len, tn_str *side_out,
                           tn_error *err)
{
    tn_str copy;
    tn_status status = tni_arena_str(arena, (tn_str){text, len}, &copy, err);
    if (status == TN_OK && !tn_unescape((char *)(uintptr_t)copy.data, &copy.len)) {
        status = tni_fail(err, TN_E_RULE, "'%s' has a malformed escape", copy.data);
        tni_error_hint(err, "a backslash is written \\\\");
    }
    if (status == TN_OK) {
        *side_out = copy;
    }
    return status;
}

static tn_status split(tni_arena *arena, const char *argument, tni_sides *sides, tn_error *err)
{
    size_t equals = find_equals(argument, 0);
    tn_status status;
    if (equals == SIZE_MAX && strchr(argument, '=') != NULL) {
        status = tni_fail(err, TN_E_RULE, "the '=' stands in braces that nothing closes");
        tni_error_hint(err, "a brace that belongs to a name is written twice: {{ or }}");
        return status;
    }
    if (equals == SIZE_MAX) {
        status = tni_fail(err, TN_E_USAGE, "there is no '=' between the old and the new name");
        tni_error_hint(err, "--rename OLD=NEW, --rename SCOPE/=OTHER/");
        return status;
    }
    if (find_equals(argument, equals + 1) != SIZE_MAX) {
        status = tni_fail(err, TN_E_USAGE, "there are two '='");
        tni_error_hint(err, "a '=' that belongs to a name is written \\x3d");
        return status;
    }
    const char *behind = argument + equals + 1;
    status = read_side(arena, argument, equals, &sides->from, err);
    if (status == TN_OK) {
        status = read_side(arena, behind, strlen(behind), &sides->to, err);
    }
    if (status == TN_OK && (sides->from.len == 0 || sides->to.len == 0)) {
        status =
            tni_fail(err, TN_E_USAGE, "the %s name is empty", sides->from.len == 0 ? "old" : "new");
        tni_error_hint(err, "the root is '/': --rename my_model/=/ takes a scope off, "
                            "--rename /=my_model/ adds one");
    }
    return status;
}

static tn_status read_flag(tni_arena *arena, const tni_ruleset *set, const char *argument,
                           tni_rule *rule, tn_error *err)
{
    tni_sides sides;
    int side;
    size_t at;
    tn_status status = split(arena, argument, &sides, err);
    if (status == TN_OK) {
        rule->argument = sides.from;
        status = tni_rule_compile_move(arena, set, NULL, sides, rule, &side, &at, err);
    }
    return status;
}

tn_status tni_rules_of_flags(tni_arena *arena, const char *const *rename, size_t count,
                             tni_ruleset *set, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, count, sizeof(tni_rule), &block, err);
    set->unmatched = TNI_UNMATCHED_KEEP;
    set->rules = status == TN_OK ? block : NULL;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tni_rule *rule = &set->rules[set->count++];
        tn_error why = {0};
        status = tni_arena_format(arena, &rule->place, &why, "--rename %zu", i + 1);
        if (status == TN_OK) {
            status = read_flag(arena, set, rename[i], rule, &why);
        }
        if (status != TN_OK) {
            status = tni_fail(err, why.code, "--rename '%s': %s", rename[i], why.message);
            tni_error_hint(err, "%s", why.hint);
        }
    }
    return status;
}
