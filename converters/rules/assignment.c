/* `assignment_map:` as TensorFlow's init_from_checkpoint takes it: names, scopes that end in `/`,
 * and
 * `/` for the root. Nothing in it is a pattern. */
#include "converters/rules/file.h"
#include "converters/rules/regex.h"

/* Copies a name so that a pattern or target spells it: braces doubled. */
static tn_status spell(tni_file_reading *r, const tni_yaml *text, tn_str *out, tn_error *err)
{
    tni_buffer buffer;
    tn_status status = TN_OK;
    if (text->text.len > 0 &&
        (memchr(text->text.data, '*', text->text.len) != NULL || tni_is_regex(text->text))) {
        status = tni_fail(err, TN_E_RULE, "'%.*s' is a name here, which no pattern can spell",
                          text->text.len > 200 ? 200 : (int)text->text.len, text->text.data);
        tni_error_place(err, text->line, text->column);
        tni_error_hint(err, "write a rule file (tenon: 1), whose rules are patterns");
        return status;
    }
    tni_buffer_init(&buffer, r->arena->ctx);
    for (size_t i = 0; i < text->text.len; i++) {
        char c = text->text.data[i];
        if (c == '{' || c == '}') {
            tni_buffer_char(&buffer, c);
        }
        tni_buffer_char(&buffer, c);
    }
    status = tni_buffer_check(&buffer, err);
    if (status == TN_OK) {
        status = tni_arena_str(r->arena, (tn_str){buffer.data, buffer.len}, out, err);
    }
    tni_buffer_clear(&buffer);
    return status;
}

static bool is_scope(const tni_yaml *text)
{
    return tn_str_ends(text->text, TN_LIT("/"));
}

static tn_status read_pair(tni_file_reading *r, const tni_yaml *value, tni_rule *rule,
                           tn_error *err)
{
    tni_sides sides = {TN_STR_NONE, TN_STR_NONE};
    int side = 0;
    size_t at = 0;
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    if (status == TN_OK) {
        status = spell(r, value->key, &sides.from, err);
    }
    if (status == TN_OK) {
        status = spell(r, value, &sides.to, err);
    }
    if (status == TN_OK) {
        status = tni_file_place(r, value->key, rule, err);
    }
    if (status != TN_OK) {
        return status;
    }
    bool moves = is_scope(value->key) || is_scope(value);
    status = moves ? tni_rule_compile_move(r->arena, r->set, NULL, sides, rule, &side, &at, err)
                   : tni_rule_compile(r->arena, r->set, NULL, sides, rule, &side, &at, err);
    if (status != TN_OK) {
        tni_yaml_place(side == 0 ? value->key : value, 0, err);
    }
    return status;
}

tn_status tni_file_assignment(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    static const tni_key keys[] = {{"assignment_map", false}, {NULL, false}};
    const tni_yaml *map = tni_keys_find(root, "assignment_map");
    void *block = NULL;
    tn_status status = tni_keys_check(root, keys, "file with an assignment_map", err);
    if (status == TN_OK) {
        status = tni_value_kind(map, TNI_YAML_MAP, err);
    }
    if (status == TN_OK && map->count == 0) {
        status = tni_value_wrong(map, err, "there are no names in it");
    }
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, map->count, sizeof(tni_rule), &block, err);
    }
    r->set->unmatched = TNI_UNMATCHED_KEEP;
    r->set->separator = '/';
    r->set->rules = block;
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        status = read_pair(r, one, &r->set->rules[r->set->count++], err);
    }
    return status;
}
