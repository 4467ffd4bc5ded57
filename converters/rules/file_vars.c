/* Variables of a rule file: what `vars` says, what `vars_from` finds in a config file, what the
 * file that includes this one says, and what --var says; each in turn replaces what came before. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include "core/json.h"
#include <tenon/text.h>

static tni_var *find(const tni_vars *vars, tn_str name)
{
    for (size_t i = 0; i < vars->count; i++) {
        if (tn_str_equal(vars->at[i].name, name)) {
            return &vars->at[i];
        }
    }
    return NULL;
}

/* Tells whether a key of `vars_from` says where and not what. */
static bool is_place(const tni_yaml *value)
{
    return tn_str_equal(value->key->text, TN_LIT("input")) ||
           tn_str_equal(value->key->text, TN_LIT("file"));
}

/* Adds the variables of a map, with their values or, from `vars_from`, without. */
static tn_status add_all(tni_file_reading *r, const tni_yaml *map, bool values, tn_error *err)
{
    tni_vars *vars = &r->set->vars;
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        if (!values && is_place(one)) {
            continue;
        }
        if (!tni_is_word(one->key->text)) {
            status = tni_value_wrong(one, err, "a variable's name is letters, digits and _");
        } else {
            status = tni_value_kind(one, TNI_YAML_TEXT, err);
        }
        if (status == TN_OK && find(vars, one->key->text) == NULL) {
            vars->at[vars->count++] = (tni_var){one->key->text, values ? one->text : TN_STR_NONE};
        }
    }
    return status;
}

/* Takes the value of one member of a config for the variables that ask for it. */
static tn_status take_member(tni_file_reading *r, const tni_yaml *map, tn_str key, tni_json *json,
                             tn_error *err)
{
    tni_json_token value;
    tn_status status = tni_json_next(json, &value, err);
    bool usable = value.type == TNI_JSON_STRING || value.type == TNI_JSON_NUMBER;
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        if (is_place(one) || !tn_str_equal(one->text, key)) {
            continue;
        }
        if (!usable) {
            status = tni_json_fail(json, &value, err, "'%.*s' is no number and no string",
                                   (int)key.len, key.data);
        } else {
            status = tni_arena_str(r->arena, value.text,
                                   &find(&r->set->vars, one->key->text)->value, err);
        }
    }
    return status != TN_OK ? status : tni_json_skip(json, &value, err);
}

/* Reads the members of a config that variables ask for. */
static tn_status read_config(tni_file_reading *r, const tni_yaml *map, tn_str text,
                             const char *path, tn_error *err)
{
    tni_json json;
    tni_json_token token;
    tn_str key;
    tni_json_init(&json, r->arena->ctx, text, path, 0, 0);
    json.lenient_numbers = true;
    tn_status status = tni_json_expect(&json, TNI_JSON_OBJECT, "an object", &token, err);
    while (status == TN_OK && (status = tni_json_next(&json, &token, err)) == TN_OK &&
           token.type == TNI_JSON_KEY) {
        status = tni_arena_str(r->arena, token.text, &key, err);
        status = status != TN_OK ? status : take_member(r, map, key, &json, err);
    }
    if (status == TN_OK) {
        status = tni_json_expect(&json, TNI_JSON_END, "the end", &token, err);
    }
    tni_json_clear(&json);
    return status;
}

/* Replaces the value of a variable. False: the file has none of that name. */
static bool replace(tni_vars *vars, const tni_var *with)
{
    tni_var *var = find(vars, with->name);
    if (var != NULL) {
        var->value = with->value;
    }
    return var != NULL;
}

static tn_status take_given(tni_file_reading *r, tn_error *err)
{
    const tni_rule_source *source = r->source;
    const tni_yaml *node = source->given_node == NULL ? NULL : source->given_node->first;
    for (size_t i = 0; i < source->given.count; i++, node = node->next) {
        const tni_var *given = &source->given.at[i];
        if (!replace(&r->set->vars, given)) {
            char name[TN_ERROR_SUBJECT];
            tn_escape(given->name, name, sizeof name);
            tn_status status =
                tni_fail(err, TN_E_RULE, "'%s': %s declares no such variable", name, source->path);
            tni_error_path(err, source->by->path);
            tni_error_place(err, node->key->line, node->key->column);
            tni_vars_hint(&r->set->vars, given->name, err);
            return status;
        }
    }
    return TN_OK;
}

static void take_overrides(tni_file_reading *r)
{
    const tni_vars *overrides = &r->loading->overrides;
    for (size_t i = 0; i < overrides->count; i++) {
        if (replace(&r->set->vars, &overrides->at[i])) {
            r->loading->used[i] = true;
        }
    }
}

/* Demands a value for every variable that `vars_from` names. */
static tn_status check_found(const tni_file_reading *r, const tni_yaml *map, bool read,
                             tn_error *err)
{
    for (const tni_yaml *one = map->first; one != NULL; one = one->next) {
        const tni_var *var = is_place(one) ? NULL : find(&r->set->vars, one->key->text);
        if (var == NULL || var->value.data != NULL) {
            continue;
        }
        const tni_yaml *input = tni_keys_find(map, "input");
        tn_status status;
        char key[TN_ERROR_SUBJECT];
        tn_escape(one->text, key, sizeof key);
        if (read) {
            status = tni_fail(err, TN_E_EXPECT, "the config has no '%s'", key);
            tni_error_place(err, one->line, one->column);
            return status;
        }
        status = tni_fail(err, TN_E_USAGE, "the input '%.*s' is missing", (int)input->text.len,
                          input->text.data);
        tni_error_place(err, input->line, input->column);
        tni_error_hint(err, "--input %.*s=PATH, or --var %.*s=VALUE", (int)input->text.len,
                       input->text.data, (int)one->key->text.len, one->key->text.data);
        return status;
    }
    return TN_OK;
}

/* Reads the config, unless all that it would give is said already. */
static tn_status read_from(tni_file_reading *r, const tni_yaml *map, bool *read_out, tn_error *err)
{
    const char *path = NULL;
    void *data = NULL;
    size_t len = 0;
    tn_status status = tni_rule_source_data(r->loading, r->source, map, &path, &data, &len, err);
    *read_out = data != NULL;
    for (const tni_yaml *one = map->first; status == TN_OK && data != NULL && one != NULL;
         one = one->next) {
        tni_var *var = is_place(one) ? NULL : find(&r->set->vars, one->key->text);
        if (var != NULL) {
            var->value = TN_STR_NONE;
        }
    }
    if (status == TN_OK && data != NULL) {
        status = read_config(r, map, (tn_str){data, len}, path, err);
    }
    tni_free(r->arena->ctx, data);
    return status;
}

tn_status tni_file_vars(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    const tni_yaml *vars = tni_keys_find(root, "vars"), *from = tni_keys_find(root, "vars_from");
    void *block;
    bool read = false;
    size_t most = (vars == NULL ? 0 : vars->count) + (from == NULL ? 0 : from->count);
    tn_status status = tni_arena_array(r->arena, most, sizeof(tni_var), &block, err);
    r->set->vars.at = status == TN_OK ? block : NULL;
    if (status == TN_OK && vars != NULL) {
        status = add_all(r, vars, true, err);
    }
    if (status == TN_OK && from != NULL) {
        status = add_all(r, from, false, err);
    }
    if (status == TN_OK && from != NULL) {
        status = read_from(r, from, &read, err);
    }
    if (status == TN_OK) {
        status = take_given(r, err);
    }
    if (status == TN_OK) {
        take_overrides(r);
    }
    return status == TN_OK && from != NULL ? check_found(r, from, read, err) : status;
}
