/* Rule files: what stands in one, turned into a stage. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include "model/roles.h"
#include <tenon/text.h>

static const tni_key file_keys[] = {
    {"tenon", false},         {"about", false},    {"notes", false},    {"scheme", false},
    {"separator", false},     {"vars", false},     {"defaults", false}, {"rules", false},
    {"from", false},          {"to", false},       {"tables", false},   {"inputs", false},
    {"slot_families", false}, {"stages", false},   {"include", false},  {"vars_from", false},
    {"assert", false},        {"metadata", false}, {NULL, false},
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

tn_status tni_file_families(tni_file_reading *r, const tni_yaml *list, tn_error *err)
{
    enum { FAMILIES_MOST = 63 };
    const char *words[FAMILIES_MOST + 1];
    const tni_slot_family *families = tni_slot_families();
    size_t count = 0;
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    for (; families[count].id != NULL && count < FAMILIES_MOST; count++) {
        words[count] = families[count].id;
    }
    words[count] = NULL;
    r->set->families = UINT64_C(1) << FAMILIES_MOST; /* an empty list is not all of them */
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        int index = 0;
        status = tni_value_word(one, words, &index, err);
        for (size_t i = 0; status == TN_OK && i < count; i++) {
            bool named = strcmp(words[i], words[index]) == 0;
            r->set->families |= named ? UINT64_C(1) << i : 0;
        }
    }
    return status;
}

static tn_status read_notes(tni_file_reading *r, const tni_yaml *list, tn_error *err)
{
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_value_kind(one, TNI_YAML_TEXT, err);
    }
    r->set->notes = list;
    return status;
}

/* Reads what must be known before the first rule is compiled. */
static tn_status read_head(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    const tni_yaml *about = tni_keys_find(root, "about"), *notes = tni_keys_find(root, "notes");
    const tni_yaml *scheme = tni_keys_find(root, "scheme");
    const tni_yaml *separator = tni_keys_find(root, "separator");
    const tni_yaml *defaults = tni_keys_find(root, "defaults");
    const tni_yaml *tables = tni_keys_find(root, "tables"), *inputs = tni_keys_find(root, "inputs");
    tn_status status = TN_OK;
    if (about != NULL && (status = tni_value_kind(about, TNI_YAML_TEXT, err)) == TN_OK) {
        r->set->title = about->text;
    }
    if (status == TN_OK && notes != NULL) {
        status = read_notes(r, notes, err);
    }
    if (status == TN_OK && scheme != NULL) {
        status = read_scheme(r, scheme, err);
    }
    if (status == TN_OK && separator != NULL) {
        status = read_separator(r, separator, err);
    }
    if (status == TN_OK) {
        status = tni_file_vars(r, root, err);
    }
    if (status == TN_OK && tables != NULL) {
        status = read_tables(r, tables, err);
    }
    if (status == TN_OK && defaults != NULL) {
        status = read_defaults(r, defaults, err);
    }
    if (status == TN_OK && inputs != NULL) {
        status = tni_file_inputs(r, inputs, err);
    }
    r->set->listed = tni_keys_find(root, "slot_families");
    r->set->include = tni_keys_find(root, "include");
    return status != TN_OK || r->set->listed == NULL ? status
                                                     : tni_file_families(r, r->set->listed, err);
}

static tn_status read_guards(tni_file_reading *r, const tni_yaml *root, tn_error *err)
{
    const tni_yaml *from = tni_keys_find(root, "from"), *to = tni_keys_find(root, "to");
    const tni_yaml *metadata = tni_keys_find(root, "metadata");
    tn_status status = TN_OK;
    r->set->asserted = tni_keys_find(root, "assert");
    if (from != NULL) {
        status = tni_file_guard(r, from, &r->set->from, err);
    }
    if (status == TN_OK && to != NULL) {
        status = tni_file_guard(r, to, &r->set->to, err);
    }
    if (status == TN_OK && metadata != NULL) {
        status = tni_file_metadata(r, metadata, err);
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
    bool elsewhere = r->set->include != NULL || tni_keys_find(root, "stages") != NULL;
    if (status != TN_OK || (rules == NULL && elsewhere)) {
        return status;
    }
    return rules != NULL ? read_rules(r, rules, err)
                         : tni_value_wrong(root, err, "a rule file needs 'rules'");
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
    if (version == NULL && assignment != NULL && assignment->kind != TNI_YAML_TEXT) {
        return tni_file_assignment(r, root, err);
    }
    return version != NULL ? read_rule_file(r, root, version, err) : read_flat(r, root, err);
}

tn_status tni_rules_of_text(tni_loading *loading, const tni_rule_source *source,
                            const tni_yaml *root, tni_ruleset *set, tn_error *err)
{
    tni_file_reading r = {loading->arena, loading, source, set};
    set->file = source->path;
    set->root = root;
    tn_status status = read_root(&r, root, err);
    for (size_t i = 0; status == TN_OK && i < set->count; i++) {
        set->rules[i].file = set->file;
        set->rules[i].sees_slots = set->slots == TNI_SLOTS_SEEN;
        set->rules[i].sees_counters = set->sees_counters;
    }
    set->n_own = set->count;
    if (status != TN_OK) {
        tni_error_path(err, source->path);
    }
    return status;
}
