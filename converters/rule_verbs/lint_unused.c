/* Variables and tables that a rule file declares and nothing in it uses. What uses them is looked
 * for in the texts, as they stand in the file: a name that stands there is taken for a use. */
#include "converters/rule_verbs/session.h"
#include "converters/rules/lexer.h"

/* Tells whether a word stands in a text, not as a part of a longer one. */
static bool has_word(tn_str text, tn_str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        bool begins = i == 0 || !tni_is_name_byte(text.data[i - 1]);
        bool ends = i + word.len == text.len || !tni_is_name_byte(text.data[i + word.len]);
        if (begins && ends && memcmp(text.data + i, word.data, word.len) == 0) {
            return true;
        }
    }
    return false;
}

/* Tells whether a word stands in one of the values below a node. Keys do not count, and neither
 * does what declares. The way back up is kept in a list, since files decide how deep it is. */
static bool is_used(const tni_yaml *root, tn_str word)
{
    const tni_yaml *stack[TNI_YAML_DEPTH + 1];
    size_t depth = 0;
    const tni_yaml *node = root->first;
    while (node != NULL || depth > 0) {
        if (node == NULL) {
            node = stack[--depth]->next;
            continue;
        }
        bool top = depth == 0;
        bool declares = top && (tn_str_equal(node->key->text, TN_LIT("tables")) ||
                                tn_str_equal(node->key->text, TN_LIT("vars")) ||
                                tn_str_equal(node->key->text, TN_LIT("vars_from")) ||
                                tn_str_equal(node->key->text, TN_LIT("about")));
        if (node->kind == TNI_YAML_TEXT && !declares && has_word(node->text, word)) {
            return true;
        }
        if (!declares && node->kind != TNI_YAML_TEXT && depth < TNI_YAML_DEPTH) {
            stack[depth++] = node;
            node = node->first;
        } else {
            node = node->next;
        }
    }
    return false;
}

tn_status tni_lint_unused(tni_session *session, const tni_ruleset *set, tn_error *err)
{
    tn_status status = TN_OK;
    const struct {
        const char *what;
        size_t count;
    } kinds[] = {{"variable", set->vars.count}, {"table", set->tables.count}};
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; status == TN_OK && i < kinds[kind].count; i++) {
            tn_str name = kind == 0 ? set->vars.at[i].name : set->tables.at[i].name;
            tni_rule place = {.place = tn_str_of(set->file)};
            if (set->root == NULL || is_used(set->root, name)) {
                continue;
            }
            status = tni_session_find(session, TN_SEVERITY_WARNING, "unused", &place, TN_STR_NONE,
                                      TN_STR_NONE, err, "nothing uses the %s '%.*s'",
                                      kinds[kind].what, (int)name.len, name.data);
        }
    }
    return status;
}
