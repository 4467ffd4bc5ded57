/* From an argument of --rules to stages: the files that `stages` and `include` name. Nothing here
 * recurses: files that name files wait in lists. */
#include "converters/rules/keys.h"
#include "converters/rules/loading.h"
#include <tenon/text.h>

tn_status tni_rules_add_stage(tni_loading *loading, tni_ruleset **set_out, tn_error *err)
{
    tni_rulesets *sets = &loading->sets;
    if (sets->count == loading->room) {
        void *block;
        size_t room = loading->room * 2 + 4;
        tn_status status = tni_arena_array(loading->arena, room, sizeof(tni_ruleset), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (sets->count > 0) {
            memcpy(block, sets->at, sets->count * sizeof(tni_ruleset));
        }
        sets->at = block;
        loading->room = room;
    }
    *set_out = &sets->at[sets->count++];
    return TN_OK;
}

/* Tells whether a file's rules lie in those that its `stages` name. */
static bool has_stages(const tni_yaml *root)
{
    return root != NULL && tni_keys_find(root, "tenon") != NULL &&
           tni_keys_find(root, "stages") != NULL;
}

/* The files of one stage, in the order in which they were met. */
typedef struct parts {
    tni_rule_source *sources; /* TNI_RULE_FILES of them */
    tni_ruleset *sets;
    size_t count;
} parts;

/* Appends the files that a list names. */
static tn_status add_entries(tni_loading *loading, const tni_rule_source *by, const tni_vars *vars,
                             const tni_yaml *list, tni_rule_source *sources, size_t *count,
                             tn_error *err)
{
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        if (*count == TNI_RULE_FILES) {
            status =
                tni_value_wrong(one, err, "the rules lie in more than %d files", TNI_RULE_FILES);
        } else {
            status = tni_rule_source_entry(loading, by, vars, one, &sources[(*count)++], err);
        }
    }
    if (status != TN_OK) {
        tni_error_path(err, by->path);
    }
    return status;
}

/* Refuses what an included file cannot be or say. */
static tn_status check_included(const parts *all, size_t index, const tni_yaml *root, tn_error *err)
{
    const tni_rule_source *source = &all->sources[index];
    const tni_ruleset *set = &all->sets[index];
    tn_status status = TN_OK;
    if (has_stages(root)) {
        status = tni_fail(err, TN_E_RULE,
                          "%s has stages of its own, so it can only be one of "
                          "'stages'",
                          source->path);
    } else if (set->scheme != all->sets[0].scheme) {
        status = tni_fail(err, TN_E_RULE, "%s sees names of the scheme %s, this file those of %s",
                          source->path, tn_scheme_name(set->scheme),
                          tn_scheme_name(all->sets[0].scheme));
    } else if (set->listed != NULL) {
        status = tni_fail(err, TN_E_RULE,
                          "%s says slot_families, which only the file that includes "
                          "it can say",
                          source->path);
    }
    if (status != TN_OK) {
        tni_error_path(err, source->by->path);
        tni_error_place(err, source->node->line, source->node->column);
    }
    return status;
}

/* Puts the rules of all files of a stage into one list. */
static tn_status merge(tni_loading *loading, const parts *all, tni_ruleset *set, tn_error *err)
{
    void *block;
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        count += all->sets[i].count;
    }
    tn_status status = tni_arena_array(loading->arena, count, sizeof(tni_rule), &block, err);
    if (status != TN_OK) {
        return status;
    }
    *set = all->sets[0];
    set->rules = block;
    set->count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const tni_ruleset *part = &all->sets[i];
        if (part->count > 0) {
            memcpy(set->rules + set->count, part->rules, part->count * sizeof(tni_rule));
        }
        set->count += part->count;
    }
    set->included = all->sets + 1;
    set->n_included = all->count - 1;
    return TN_OK;
}

/* Reads the files that the first one includes, and those that they include. */
static tn_status read_parts(tni_loading *loading, parts *all, const tni_yaml *first, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < all->count; i++) {
        tni_rule_source *source = &all->sources[i];
        tni_yaml *root = NULL;
        if (i > 0) {
            status = tni_rule_source_read(loading, source, &root, err);
        }
        if (status == TN_OK && !has_stages(root)) {
            status = tni_rules_of_text(loading, source, i == 0 ? first : root, &all->sets[i], err);
        }
        if (status == TN_OK && i > 0) {
            status = check_included(all, i, root, err);
        }
        if (status == TN_OK && all->sets[i].include != NULL) {
            status = add_entries(loading, source, &all->sets[i].vars, all->sets[i].include,
                                 all->sources, &all->count, err);
        }
    }
    return status;
}

/* Makes a stage of a file and what it includes. */
static tn_status make_stage(tni_loading *loading, const tni_rule_source *source,
                            const tni_yaml *root, tn_error *err)
{
    void *sources = NULL, *sets = NULL;
    tni_ruleset *set;
    bool alone = root == NULL || tni_keys_find(root, "include") == NULL;
    size_t room = alone ? 1 : TNI_RULE_FILES;
    tn_status status = tni_rules_add_stage(loading, &set, err);
    if (status == TN_OK) {
        status = tni_arena_array(loading->arena, room, sizeof(tni_rule_source), &sources, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(loading->arena, room, sizeof(tni_ruleset), &sets, err);
    }
    if (status != TN_OK) {
        return status;
    }
    parts all = {sources, sets, 1};
    all.sources[0] = *source;
    status = read_parts(loading, &all, root, err);
    return status != TN_OK ? status : merge(loading, &all, set, err);
}

/* Files that are still to be read, the next one last. */
typedef struct waiting {
    tni_rule_source *at;
    size_t count, room;
} waiting;

/* Makes room for all files that there can be; most arguments are one file. */
static tn_status make_room(tni_loading *loading, waiting *list, tn_error *err)
{
    void *block;
    if (list->room == TNI_RULE_FILES) {
        return TN_OK;
    }
    tn_status status =
        tni_arena_array(loading->arena, TNI_RULE_FILES, sizeof(tni_rule_source), &block, err);
    if (status == TN_OK) {
        memcpy(block, list->at, list->count * sizeof(tni_rule_source));
        list->at = block;
        list->room = TNI_RULE_FILES;
    }
    return status;
}

/* Reads a file whose rules are in those that its `stages` name; they are done before what waits. */
static tn_status read_stages(tni_loading *loading, const tni_rule_source *source,
                             const tni_yaml *root, waiting *list, tn_error *err)
{
    static const tni_key keys[] = {{"tenon", false},     {"about", false},  {"vars", false},
                                   {"vars_from", false}, {"inputs", false}, {"stages", false},
                                   {NULL, false}};
    const tni_yaml *stages = tni_keys_find(root, "stages");
    tni_ruleset head = {.n_own = 0};
    size_t first = list->count;
    tn_status status = tni_keys_check(root, keys, "file of stages", err);
    if (status == TN_OK && (stages->kind != TNI_YAML_LIST || stages->count == 0)) {
        status = tni_value_wrong(stages, err, "it must be a list of files, and not an empty one");
    }
    if (status == TN_OK) {
        status = tni_rules_of_text(loading, source, root, &head, err);
    }
    if (status == TN_OK) {
        status = make_room(loading, list, err);
    }
    if (status == TN_OK) {
        status = add_entries(loading, source, &head.vars, stages, list->at, &list->count, err);
    }
    for (size_t i = first, k = list->count; status == TN_OK && i + 1 < k; i++) {
        tni_rule_source swapped = list->at[i];
        list->at[i] = list->at[--k];
        list->at[k] = swapped;
    }
    if (status != TN_OK) {
        tni_error_path(err, source->path);
    }
    return status;
}

/* Reads a file that waits, and what it names. `source` outlives the reading: others point to it. */
static tn_status read_next(tni_loading *loading, waiting *list, tn_error *err)
{
    void *block;
    tni_yaml *root = NULL;
    tn_status status = tni_arena_alloc(loading->arena, sizeof(tni_rule_source), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_rule_source *source = block;
    *source = list->at[--list->count];
    status = tni_rule_source_read(loading, source, &root, err);
    if (status != TN_OK) {
        return status;
    }
    return has_stages(root) ? read_stages(loading, source, root, list, err)
                            : make_stage(loading, source, root, err);
}

tn_status tni_rules_compose(tni_loading *loading, const char *argument, tn_error *err)
{
    tn_str path;
    tni_rule_source first;
    waiting list = {&first, 1, 1};
    tn_status status = tni_arena_str(loading->arena, tn_str_of(argument), &path, err);
    if (status != TN_OK) {
        return status;
    }
    bool preset = tn_str_starts(path, TN_LIT("preset:"));
    first = (tni_rule_source){
        .path = path.data, .preset = preset, .entry = tn_str_skip(path, preset ? 7 : 0)};
    loading->n_files = 0;
    while (status == TN_OK && list.count > 0) {
        status = read_next(loading, &list, err);
    }
    return status;
}
