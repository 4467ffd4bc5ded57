/* Rule files: what stands in one, turned into a stage. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include "io/source.h"
#include <tenon/text.h>

enum { RULE_BYTES = 1 << 20 };

static const tni_key file_keys[] = {
    {"tenon", false},   {"about", false},    {"scheme", false},   {"separator", false},
    {"vars", false},    {"defaults", false}, {"rules", false},    {"from", false},
    {"to", false},      {"tables", false},   {"inputs", true},    {"slot_families", true},
    {"stages", true},   {"include", true},   {"vars_from", true}, {"assert", false},
    {"metadata", true}, {NULL, false},
};
static const tni_key default_keys[] = {{"unmatched", false},
                                       {"slots", false},
                                       {"counters", false},
                                       {NULL, false}};

static tn_status make_rules(tni_file_reading *r, size_t count, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(r->arena, count, sizeof(tni_rule), &block, err);
    if (status == TN_OK) {
        r->set->rules = block;
    }
    return status;
}

static tn_status read_rules(tni_file_reading *r, const tni_yaml *list, tn_error *err)
{
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    if (status == TN_OK && list->count == 0) {
        status = tni_value_wrong(list, err, "there are no rules in it");
    }
    if (status == TN_OK) {
        status = make_rules(r, list->count, err);
    }
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_file_rule(r, one, &r->set->rules[r->set->count++], err);
    }
    return status;
}

/* Reads the variables; those of the command line replace them. */
static tn_status read_vars(tni_file_reading *r, const tni_yaml *map, tn_error *err)
{
    void *block;
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, map->count, sizeof(tni_var), &block, err);
    }
    r->set->vars.at = status == TN_OK ? block : NULL;
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        tni_var *var = &r->set->vars.at[r->set->vars.count++];
        *var = (tni_var){one->key->text, one->text};
        if (!tni_is_word(var->name)) {
            status = tni_value_wrong(one, err, "a variable's name is letters, digits and _");
        } else {
            status = tni_value_kind(one, TNI_YAML_TEXT, err);
        }
        for (size_t i = 0; status == TN_OK && i < r->overrides->count; i++) {
            if (tn_str_equal(r->overrides->at[i].name, var->name)) {
                var->value = r->overrides->at[i].value;
                r->used[i] = true;
            }
        }
    }
    return status;
}

static tn_status read_table(tni_file_reading *r, const tni_yaml *map, tni_table *table,
                            tn_error *err)
{
    void *block = NULL;
    *table = (tni_table){.name = map->key->text};
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK && !tni_is_word(table->name)) {
        status = tni_value_wrong(map, err, "a table's name is letters, digits and _");
    }
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, map->count, sizeof(tni_table_entry), &block, err);
    }
    table->entries = block;
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        tni_table_entry *entry = &table->entries[table->count++];
        entry->word = one->key->text;
        status = tni_file_text(r, one, &entry->text, err);
    }
    tni_table_sort(table);
    return status;
}

static tn_status read_tables(tni_file_reading *r, const tni_yaml *map, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, map->count, sizeof(tni_table), &block, err);
    }
    r->set->tables.at = block;
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        status = read_table(r, one, &r->set->tables.at[r->set->tables.count++], err);
    }
    return status;
}

static tn_status read_defaults(tni_file_reading *r, const tni_yaml *map, tn_error *err)
{
    static const char *const unmatched_words[] = {"error", "keep", "drop", NULL};
    static const char *const slot_words[] = {"follow", "keep", "seen", NULL};
    static const char *const counter_words[] = {"keep", "seen", NULL};
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(map, default_keys, "map of defaults", err);
    }
    const tni_yaml *unmatched = tni_keys_find(map, "unmatched");
    const tni_yaml *slots = tni_keys_find(map, "slots"), *counters = tni_keys_find(map, "counters");
    int word = 0;
    if (status == TN_OK && unmatched != NULL) {
        status = tni_value_word(unmatched, unmatched_words, &word, err);
        r->set->unmatched = (tni_unmatched)word;
    }
    if (status == TN_OK && unmatched != NULL) {
        status = tni_arena_format(r->arena, &r->set->unmatched_place, err, "%s:%u", r->set->file,
                                  unmatched->line);
    }
    word = 0;
    if (status == TN_OK && slots != NULL) {
        status = tni_value_word(slots, slot_words, &word, err);
        r->set->slots = (tni_slots)word;
    }
    word = 0;
    if (status == TN_OK && counters != NULL) {
        status = tni_value_word(counters, counter_words, &word, err);
        r->set->sees_counters = word == 1;
    }
    return status;
}

static tn_status read_scheme(tni_file_reading *r, const tni_yaml *value, tn_error *err)
{
    static const char *const words[] = {"name", "key", "object", "full", "order", NULL};
    int word = 0;
    tn_status status = tni_value_word(value, words, &word, err);
    if (status == TN_OK) {
        tn_scheme_find(words[word], &r->set->scheme);
    }
    return status;
}

static tn_status read_separator(tni_file_reading *r, const tni_yaml *value, tn_error *err)
{
    static const char *const words[] = {"/", ".", NULL};
    int word = 0;
    tn_status status = tni_value_word(value, words, &word, err);
    if (status == TN_OK) {
        r->set->separator = words[word][0];
    }
    return status;
}

/* Reads what must be known before the first rule is compiled. */
static tn_status read_head(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    const tni_yaml *about = tni_keys_find(root, "about"), *vars = tni_keys_find(root, "vars");
    const tni_yaml *scheme = tni_keys_find(root, "scheme");
    const tni_yaml *separator = tni_keys_find(root, "separator");
    const tni_yaml *defaults = tni_keys_find(root, "defaults");
    const tni_yaml *tables = tni_keys_find(root, "tables");
    tn_status status = TN_OK;
    if (about != NULL && (status = tni_value_kind(about, TNI_YAML_TEXT, err)) == TN_OK) {
        r->set->title = about->text;
    }
    if (status == TN_OK && scheme != NULL) {
        status = read_scheme(r, scheme, err);
    }
    if (status == TN_OK && separator != NULL) {
        status = read_separator(r, separator, err);
    }
    if (status == TN_OK && vars != NULL) {
        status = read_vars(r, vars, err);
    }
    if (status == TN_OK && tables != NULL) {
        status = read_tables(r, tables, err);
    }
    if (status == TN_OK && defaults != NULL) {
        status = read_defaults(r, defaults, err);
    }
    return status;
}

static tn_status read_guards(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    const tni_yaml *from = tni_keys_find(root, "from"), *to = tni_keys_find(root, "to");
    tn_status status = TN_OK;
    r->set->asserted = tni_keys_find(root, "assert");
    if (from != NULL) {
        status = tni_file_guard(r, from, &r->set->from, err);
    }
    if (status == TN_OK && to != NULL) {
        status = tni_file_guard(r, to, &r->set->to, err);
    }
    if (status == TN_OK && r->set->asserted != NULL) {
        status = tni_file_assertions(r, r->set->asserted, err);
    }
    return status;
}

static tn_status read_rule_file(tni_file_reading *r, const tni_yaml *root, const tni_yaml *version,
                                tn_error *err)
{
    tn_status status = tni_value_kind(version, TNI_YAML_TEXT, err);
    if (status == TN_OK && !tn_str_equal(version->text, TN_LIT("1"))) {
        status = tni_value_wrong(version, err, "this tenon reads version 1 of the rule language");
    }
    if (status == TN_OK) {
        status = tni_keys_check(root, file_keys, "rule file", err);
    }
    if (status == TN_OK) {
        status = read_head(r, root, err);
    }
    if (status == TN_OK) {
        status = read_guards(r, root, err);
    }
    const tni_yaml *rules = tni_keys_find(root, "rules");
    if (status == TN_OK && rules == NULL) {
        status = tni_value_wrong(root, err, "a rule file needs 'rules'");
    }
    return status != TN_OK ? status : read_rules(r, rules, err);
}

/* A flat map: each `old: new` is what --rename old=new is. */
static tn_status read_flat(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    r->set->unmatched = TNI_UNMATCHED_KEEP;
    tn_status status = make_rules(r, root->count, err);
    for (const tni_yaml *one = root->first; status == TN_OK && one != NULL; one = one->next) {
        tni_rule *rule = &r->set->rules[r->set->count++];
        if (one->kind != TNI_YAML_TEXT) {
            status = tni_value_wrong(one, err, "a flat map of names holds texts alone");
            tni_error_hint(err, "a rule file begins with tenon: 1");
        }
        if (status == TN_OK) {
            status = tni_file_place(r, one->key, rule, err);
        }
        if (status == TN_OK) {
            status = tni_file_compile(r, one->key, one, true, rule, err);
        }
    }
    return status;
}

static tn_status read_root(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    if (root == NULL || (root->kind == TNI_YAML_MAP && root->count == 0)) {
        tn_status status = tni_fail(err, TN_E_RULE, "the file holds no rules");
        tni_error_place(err, 1, 1);
        return status;
    }
    tn_status status = tni_value_kind(root, TNI_YAML_MAP, err);
    if (status != TN_OK) {
        return status;
    }
    const tni_yaml *version = tni_keys_find(root, "tenon");
    const tni_yaml *assignment = tni_keys_find(root, "assignment_map");
    if (version == NULL && assignment != NULL) {
        status = tni_not_yet(err, "the key 'assignment_map'");
        tni_yaml_place(assignment->key, 0, err);
        return status;
    }
    return version != NULL ? read_rule_file(r, root, version, err) : read_flat(r, root, err);
}

/* Loads the file's bytes. */
static tn_status load(tn_context *ctx, const char *path, void **data_out, size_t *len_out,
                      tn_error *err)
{
    tn_source *source = NULL;
    if (strcmp(path, "-") == 0) {
        return tni_stdin_load(ctx, RULE_BYTES + 1, data_out, len_out, err);
    }
    tn_status status = tni_source_open(ctx, path, &source, err);
    if (status != TN_OK) {
        return status;
    }
    uint64_t size = tni_source_size(source);
    if (size > RULE_BYTES) {
        status = tni_fail(err, TN_E_RULE, "the file is larger than %d bytes", RULE_BYTES);
    } else {
        status = tni_source_load(source, 0, size, RULE_BYTES, "header-bytes", data_out, err);
    }
    tni_source_release(source);
    *len_out = status == TN_OK ? (size_t)size : 0;
    return status;
}

tn_status tni_rules_of_file(tni_arena *arena, const char *path, const tni_vars *overrides,
                            bool *used, tni_ruleset *set, tn_error *err)
{
    tni_file_reading r = {arena, overrides, used, set};
    void *data = NULL;
    size_t len = 0;
    tni_yaml *root = NULL;
    set->file = path;
    tn_status status;
    if (strncmp(path, "preset:", 7) == 0) {
        status = tni_not_yet(err, "presets");
    } else {
        status = load(arena->ctx, path, &data, &len, err);
    }
    if (status == TN_OK) {
        status = tni_yaml_read(arena, (tn_str){data, len}, RULE_BYTES, &root, err);
    }
    if (status == TN_OK) {
        status = read_root(&r, root, err);
    }
    tni_free(arena->ctx, data);
    if (status != TN_OK) {
        tni_error_path(err, path);
    }
    return status;
}
