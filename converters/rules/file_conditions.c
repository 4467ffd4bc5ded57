/* Rule files: `priority`, `otherwise`, `when` and `expect` of one rule. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include <stdlib.h>
#include <tenon/text.h>

static const tni_key when_keys[] = {{"rank", false},   {"shape", false}, {"dtype", false},
                                    {"exists", false}, {"role", false},  {NULL, false}};

static tni_scope no_holes(const tni_file_reading *r)
{
    return (tni_scope){NULL, &r->set->vars, NULL};
}

/* Compiles text[from, to) of a value as an expression. */
static tn_status read_part(tni_file_reading *r, const tni_yaml *value, size_t from, size_t to,
                           const tni_scope *scope, tni_expression *out, tn_error *err)
{
    size_t end = 0, at = 0;
    tn_str text = tn_str_first(tn_str_skip(value->text, from), to - from);
    tn_status status = tni_expression_compile(r->arena, text, scope, out, &end, &at, err);
    if (status == TN_OK && end < text.len) {
        at = end;
        status = tni_fail(err, TN_E_RULE, "'%.*s' is no whole number", (int)text.len, text.data);
    }
    if (status != TN_OK) {
        tni_yaml_place(value, from + at, err);
    }
    r->set->prints_vars = r->set->prints_vars || (status == TN_OK && out->vars);
    return status;
}

tn_status tni_file_expression(tni_file_reading *r, const tni_yaml *value, const tni_scope *scope,
                              tni_expression *out, tn_error *err)
{
    return read_part(r, value, 0, value->text.len, scope, out, err);
}

/* Computes text[from, to) of a value, which has no holes. */
static tn_status compute_part(tni_file_reading *r, const tni_yaml *value, size_t from, size_t to,
                              int64_t *number_out, tn_error *err)
{
    tni_scope scope = no_holes(r);
    tni_expression expression;
    tni_values none = {NULL, NULL, NULL, NULL};
    tn_error why = {0};
    tn_status status = read_part(r, value, from, to, &scope, &expression, err);
    if (status == TN_OK && !expression.constant) {
        return tni_value_wrong(value, err, "a number is needed that no tensor decides");
    }
    if (status == TN_OK && tni_expression_run(&expression, &none, number_out, &why) != TN_OK) {
        return tni_value_wrong(value, err, "%s", why.message);
    }
    return status;
}

tn_status tni_file_number(tni_file_reading *r, const tni_yaml *value, int64_t *number_out,
                          tn_error *err)
{
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    return status != TN_OK ? status : compute_part(r, value, 0, value->text.len, number_out, err);
}

static tn_status read_rank(tni_file_reading *r, const tni_yaml *value, tni_form *form,
                           tn_error *err)
{
    tn_status status = tni_file_number(r, value, &form->rank, err);
    form->has_rank = true;
    if (status == TN_OK && form->rank < 0) {
        status = tni_value_wrong(value, err, "a rank is not negative");
    }
    return status;
}

static tn_status read_shape(tni_file_reading *r, const tni_yaml *list, const tni_scope *scope,
                            tni_form *form, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list->count, sizeof(tni_expression), &block, err);
    }
    tni_expression *sizes = block;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_value_kind(one, TNI_YAML_TEXT, err);
        if (status == TN_OK) {
            status = read_part(r, one, 0, one->text.len, scope, &sizes[form->n_shape++], err);
        }
    }
    form->has_shape = true;
    form->shape = sizes;
    return status;
}

static tn_status read_dtype(const tni_yaml *value, tni_form *form, tn_error *err)
{
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    if (status != TN_OK) {
        return status;
    }
    form->dtype = tn_dtype_find(value->text);
    if (form->dtype == TN_DTYPE_NONE) {
        const char *words[TN_DTYPE_COUNT] = {NULL};
        char shown[TN_ERROR_SUBJECT];
        for (int i = 1; i < TN_DTYPE_COUNT; i++) {
            words[i - 1] = tn_dtype_about((tn_dtype)i)->name;
        }
        tn_escape(value->text, shown, sizeof shown);
        status = tni_value_wrong(value, err, "there is no dtype '%s'", shown);
        const char *nearest = tni_nearest_word(value->text, words);
        if (nearest != NULL) {
            tni_error_hint(err, "did you mean '%s'?", nearest);
        }
    }
    return status;
}

/* Reads `shape` and `dtype`, where they stand. */
static tn_status read_form(tni_file_reading *r, const tni_yaml *map, const tn_pattern *pattern,
                           tni_form *form, tn_error *err)
{
    const tni_yaml *shape = tni_keys_find(map, "shape"), *dtype = tni_keys_find(map, "dtype");
    tni_scope scope = {pattern, &r->set->vars, NULL};
    tn_status status = TN_OK;
    if (shape != NULL) {
        status = read_shape(r, shape, &scope, form, err);
    }
    return status == TN_OK && dtype != NULL ? read_dtype(dtype, form, err) : status;
}

/* Holes in conditions are those of the one pattern of the rule. */
static const tn_pattern *only_pattern(const tni_rule *rule)
{
    return rule->n_patterns == 1 ? rule->patterns[0] : NULL;
}

static tn_status read_exists(tni_file_reading *r, const tni_yaml *value, const tni_rule *rule,
                             tni_when *when, tn_error *err)
{
    tn_str text, expanded;
    size_t at = 0;
    tni_template *target = NULL;
    const tn_pattern *pattern = rule->patterns[0];
    tni_scope scope = {pattern, &r->set->vars, &r->set->tables};
    tn_status status = tni_file_text(r, value, &text, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_vars_expand(r->arena, &r->set->vars, text, false, &expanded, &at, err);
    if (status == TN_OK) {
        status =
            tni_template_compile(r->arena, expanded, pattern->separator, &scope, &target, &at, err);
        at = tn_str_equal(text, expanded) ? at : 0;
    }
    if (status == TN_OK && (target->ranks || (!target->constant && rule->n_patterns > 1))) {
        at = 0;
        status = tni_fail(err, TN_E_RULE, "%s",
                          target->ranks ? "rank() is not known yet when rules choose"
                                        : "holes need a 'match' of one pattern");
    }
    if (status != TN_OK) {
        tni_yaml_place(value, at, err);
    }
    r->set->prints_vars = r->set->prints_vars || !tn_str_equal(text, expanded);
    when->exists = target;
    return status;
}

/* Reads one role, or a list of them. */
static tn_status read_roles(const tni_yaml *value, unsigned *roles_out, tn_error *err)
{
    const char *words[TN_ROLE_COUNT + 1] = {NULL};
    bool list = value->kind == TNI_YAML_LIST;
    const tni_yaml *one = list ? value->first : value;
    tn_status status = one == NULL ? tni_value_wrong(value, err, "the list is empty") : TN_OK;
    for (int role = 0; role < TN_ROLE_COUNT; role++) {
        words[role] = tn_role_name((tn_role)role);
    }
    for (; status == TN_OK && one != NULL; one = list ? one->next : NULL) {
        int word = 0;
        status = tni_value_word(one, words, &word, err);
        *roles_out |= 1U << word;
    }
    return status;
}

static tn_status read_when(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(map, when_keys, "condition", err);
    }
    if (status == TN_OK && map->count == 0) {
        status = tni_value_wrong(map, err, "there is no condition in it");
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(r->arena, sizeof(tni_when), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_when *when = block;
    when->node = map;
    const tni_yaml *exists = tni_keys_find(map, "exists"), *rank = tni_keys_find(map, "rank");
    const tni_yaml *role = tni_keys_find(map, "role");
    if (role != NULL) {
        status = read_roles(role, &when->roles, err);
    }
    if (status == TN_OK && rank != NULL) {
        status = read_rank(r, rank, &when->form, err);
    }
    if (status == TN_OK) {
        status = read_form(r, map, only_pattern(rule), &when->form, err);
    }
    if (status == TN_OK && exists != NULL) {
        status = read_exists(r, exists, rule, when, err);
    }
    rule->when = when;
    return status;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_text(const void *a, const void *b)
{
    const tn_str *x = a, *y = b;
    return tn_str_compare(*x, *y);
}

/* Sorts what is expected and refuses what stands there twice. */
static tn_status sort_expected(tni_expected *hole, tn_error *err)
{
    bool twice = false;
    if (hole->words != NULL) {
        qsort(hole->words, hole->count, sizeof(tn_str), by_text);
    } else {
        qsort(hole->numbers, hole->count, sizeof(int64_t), by_number);
    }
    for (size_t i = 1; i < hole->count; i++) {
        twice = twice || (hole->words != NULL ? tn_str_equal(hole->words[i], hole->words[i - 1])
                                              : hole->numbers[i] == hole->numbers[i - 1]);
    }
    return twice ? tni_value_wrong(hole->node, err, "a value stands in the list twice") : TN_OK;
}

static tn_status read_list(tni_file_reading *r, const tni_yaml *list, bool numbers,
                           tni_expected *hole, tn_error *err)
{
    void *block = NULL;
    tn_status status = list->count == 0 ? tni_value_wrong(list, err, "the list is empty") : TN_OK;
    size_t size = numbers ? sizeof(int64_t) : sizeof(tn_str);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list->count, size, &block, err);
    }
    hole->numbers = numbers ? block : NULL;
    hole->words = numbers ? NULL : block;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = numbers ? tni_file_number(r, one, &hole->numbers[hole->count++], err)
                         : tni_file_text(r, one, &hole->words[hole->count++], err);
    }
    return status != TN_OK ? status : sort_expected(hole, err);
}

/* Reads `0..11`, or `0..`, which ends where the values do. */
static tn_status read_range(tni_file_reading *r, const tni_yaml *value, bool numbers,
                            tni_expected *hole, tn_error *err)
{
    tn_str text = value->text;
    const char *dots = text.len == 0 ? NULL : memmem(text.data, text.len, "..", 2);
    size_t at = dots == NULL ? 0 : (size_t)(dots - text.data);
    if (dots == NULL || !numbers) {
        tn_status status = tni_value_wrong(value, err,
                                           numbers ? "a range is needed, 0..11 or 0.., or a list"
                                                   : "a list is needed");
        return status;
    }
    tn_status status = compute_part(r, value, 0, at, &hole->low, err);
    hole->open = at + 2 == text.len;
    hole->high = INT64_MAX;
    if (status == TN_OK && !hole->open) {
        status = compute_part(r, value, at + 2, text.len, &hole->high, err);
    }
    if (status == TN_OK && hole->high < hole->low) {
        status = tni_value_wrong(value, err, "the range is empty");
    }
    hole->range = true;
    return status;
}

static tn_status unknown_hole(const tni_yaml *value, const tn_pattern *pattern, tn_error *err)
{
    char name[TN_ERROR_SUBJECT], list[200] = "";
    size_t used = 0;
    tn_escape(value->key->text, name, sizeof name);
    tn_status status = tni_fail(err, TN_E_RULE, "'%s' is no hole of the pattern", name);
    tni_yaml_place(value->key, 0, err);
    for (size_t i = 0; pattern != NULL && pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        const tni_hole *hole = pattern->parts[i].hole;
        if (hole != NULL && used + hole->name.len + 3 < sizeof list) {
            used += (size_t)snprintf(list + used, sizeof list - used, ", %.*s", (int)hole->name.len,
                                     hole->name.data);
        }
    }
    tni_error_hint(err, "one can expect count, complete, shape, dtype%s", list);
    return status;
}

/* Tells whether a pattern's hole is bound to numbers alone. */
static bool binds_numbers(const tn_pattern *pattern, int slot)
{
    bool numbers = false;
    for (size_t i = 0; i < pattern->n_parts; i++) {
        const tni_hole *part = pattern->parts[i].hole;
        numbers = part != NULL && (int)part->slot == slot ? tni_hole_is_number(part) : numbers;
    }
    return numbers;
}

/* A hole that is expected stands in every pattern of the rule. */
static tn_status expect_hole(tni_file_reading *r, const tni_yaml *value, tni_rule *rule,
                             tni_expected *hole, tn_error *err)
{
    bool numbers = true;
    for (size_t i = 0; i < rule->n_patterns; i++) {
        const tn_pattern *pattern = rule->patterns[i];
        int slot = pattern->kind == TNI_HOLES ? tni_pattern_slot(pattern, value->key->text) : -1;
        if (slot < 0) {
            return unknown_hole(value, pattern, err);
        }
        numbers = numbers && binds_numbers(pattern, slot);
    }
    int slot = tni_pattern_slot(rule->patterns[0], value->key->text);
    *hole = (tni_expected){.node = value, .slot = (uint32_t)slot};
    rule->recorded |= 1U << slot;
    if (value->kind == TNI_YAML_LIST) {
        return read_list(r, value, numbers, hole, err);
    }
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    return status != TN_OK ? status : read_range(r, value, numbers, hole, err);
}

static bool is_form_key(tn_str key)
{
    return tn_str_equal(key, TN_LIT("count")) || tn_str_equal(key, TN_LIT("shape")) ||
           tn_str_equal(key, TN_LIT("dtype")) || tn_str_equal(key, TN_LIT("complete"));
}

/* Reads `complete`, which needs something to combine. */
static tn_status read_complete(const tni_yaml *map, const tni_rule *rule, tni_expect *expect,
                               tn_error *err)
{
    static const char *const truth[] = {"false", "true", NULL};
    const tni_yaml *complete = tni_keys_find(map, "complete");
    int is_complete = 0;
    tn_status status =
        complete == NULL ? TN_OK : tni_value_word(complete, truth, &is_complete, err);
    expect->complete = is_complete == 1;
    if (status == TN_OK && expect->complete && expect->n_holes * rule->n_patterns < 2) {
        status = tni_value_wrong(complete, err, "values combine where two holes are expected");
    }
    return status;
}

static tn_status read_expect(tni_file_reading *r, const tni_yaml *map, tni_rule *rule,
                             tn_error *err)
{
    void *block = NULL, *holes = NULL;
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK && map->count == 0) {
        status = tni_value_wrong(map, err, "nothing is expected in it");
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(r->arena, sizeof(tni_expect), &block, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, map->count, sizeof(tni_expected), &holes, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_expect *expect = block;
    *expect = (tni_expect){.node = map, .holes = holes};
    const tni_yaml *count = tni_keys_find(map, "count");
    if (count != NULL) {
        expect->has_count = true;
        status = tni_file_number(r, count, &expect->count, err);
    }
    if (status == TN_OK) {
        status = read_form(r, map, only_pattern(rule), &expect->form, err);
    }
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        if (!is_form_key(one->key->text)) {
            status = expect_hole(r, one, rule, &expect->holes[expect->n_holes++], err);
        }
    }
    rule->expect = expect;
    return status == TN_OK ? read_complete(map, rule, expect, err) : status;
}

static tn_status read_priority(tni_file_reading *r, const tni_yaml *priority,
                               const tni_yaml *otherwise, tni_rule *rule, tn_error *err)
{
    static const char *const truth[] = {"false", "true", NULL};
    int is_last = 0;
    tn_status status = TN_OK;
    if (priority != NULL) {
        status = tni_file_number(r, priority, &rule->priority, err);
    }
    if (status == TN_OK && otherwise != NULL) {
        status = tni_value_word(otherwise, truth, &is_last, err);
    }
    if (status == TN_OK && priority != NULL && is_last == 1) {
        return tni_value_wrong(otherwise, err, "such a rule lies below every priority");
    }
    if (status == TN_OK && rule->priority == TNI_OTHERWISE) {
        return tni_value_wrong(priority, err, "no priority is as low as that");
    }
    rule->priority = is_last == 1 ? TNI_OTHERWISE : rule->priority;
    return status;
}

tn_status tni_file_conditions(tni_file_reading *r, const tni_yaml *map, tni_rule *rule,
                              tn_error *err)
{
    const tni_yaml *when = tni_keys_find(map, "when"), *expect = tni_keys_find(map, "expect");
    tn_status status = read_priority(r, tni_keys_find(map, "priority"),
                                     tni_keys_find(map, "otherwise"), rule, err);
    if (status == TN_OK && when != NULL) {
        status = read_when(r, when, rule, err);
    }
    return status == TN_OK && expect != NULL ? read_expect(r, expect, rule, err) : status;
}
