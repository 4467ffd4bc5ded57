/* Rule files: `from`, `to` and `assert`. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include "formats/format.h"
#include <stdlib.h>
#include <tenon/formats.h>
#include <tenon/text.h>

enum { FORMATS_MOST = 64 };

static const tni_key guard_keys[] = {{"format", false},
                                     {"has", false},
                                     {"not", false},
                                     {"like", false},
                                     {NULL, false}};
static const tni_key assert_keys[] = {{"unmatched_source", false},
                                      {"params", false},
                                      {"unmatched_target", false},
                                      {NULL, false}};

static tn_status read_format(const tni_yaml *value, tni_guard *guard, tn_error *err)
{
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    const tn_format *format = status == TN_OK ? tni_format_find(value->text) : NULL;
    if (status != TN_OK || format != NULL) {
        guard->format = format == NULL ? TN_STR_NONE : tn_str_of(format->name);
        return status;
    }
    const char *words[FORMATS_MOST + 1] = {NULL};
    char shown[TN_ERROR_SUBJECT];
    for (size_t i = 0; i < tn_format_count() && i < FORMATS_MOST; i++) {
        words[i] = tn_format_at(i).name;
    }
    tn_escape(value->text, shown, sizeof shown);
    status = tni_value_wrong(value, err, "there is no format '%s'", shown);
    const char *nearest = tni_nearest_word(value->text, words);
    if (nearest != NULL) {
        tni_error_hint(err, "did you mean '%s'?", nearest);
    } else {
        tni_error_hint(err, "tenon formats");
    }
    return status;
}

/* Reads a list of names or patterns. */
static tn_status read_names(tni_file_reading *r, const tni_yaml *list, tn_pattern ***names_out,
                            size_t *count_out, tn_error *err)
{
    tni_rule rule = {.n_patterns = 0};
    void *block = NULL;
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list->count, sizeof(tn_pattern *), &block, err);
    }
    rule.patterns = block;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_file_compile(r, one, NULL, false, &rule, err);
    }
    *names_out = rule.patterns;
    *count_out = rule.n_patterns;
    r->set->prints_vars = true;
    return status;
}

tn_status tni_file_guard(tni_file_reading *r, const tni_yaml *map, tni_guard *guard, tn_error *err)
{
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(map, guard_keys, "guard", err);
    }
    const tni_yaml *format = tni_keys_find(map, "format");
    const tni_yaml *like = tni_keys_find(map, "like");
    guard->node = map;
    guard->like_node = like;
    guard->has_node = tni_keys_find(map, "has");
    guard->not_node = tni_keys_find(map, "not");
    if (status == TN_OK && format != NULL) {
        status = read_format(format, guard, err);
    }
    if (status == TN_OK && guard->has_node != NULL) {
        status = read_names(r, guard->has_node, &guard->has, &guard->n_has, err);
    }
    if (status == TN_OK && guard->not_node != NULL) {
        status = read_names(r, guard->not_node, &guard->not, &guard->n_not, err);
    }
    if (status == TN_OK && like != NULL && guard == &r->set->from) {
        status = tni_value_wrong(like, err, "'like' is for 'to': it says what the result is like");
    }
    return status == TN_OK && like != NULL ? tni_file_model(r, like, &guard->like, err) : status;
}

static int by_text(const void *a, const void *b)
{
    const tn_str *x = a, *y = b;
    return tn_str_compare(*x, *y);
}

static tn_status read_asserted_names(tni_file_reading *r, const tni_yaml *list,
                                     tni_assertion *assertion, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(r->arena, list->count + 1, sizeof(tn_str), &block, err);
    assertion->names = block;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_file_text(r, one, &assertion->names[assertion->n_names++], err);
    }
    if (status == TN_OK) {
        qsort(assertion->names, assertion->n_names, sizeof(tn_str), by_text);
    }
    return status;
}

static tn_status read_assertion(tni_file_reading *r, const tni_yaml *map, tni_assertion *assertion,
                                tn_error *err)
{
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(map, assert_keys, "assertion", err);
    }
    if (status == TN_OK && map->count != 1) {
        status = tni_value_wrong(map, err, "an assertion is a map of one key");
    }
    if (status != TN_OK) {
        return status;
    }
    const tni_yaml *value = map->first;
    bool params = tn_str_equal(value->key->text, TN_LIT("params"));
    bool target = tn_str_equal(value->key->text, TN_LIT("unmatched_target"));
    *assertion = (tni_assertion){.kind = params   ? TNI_ASSERT_PARAMS
                                         : target ? TNI_ASSERT_UNMATCHED_TARGET
                                                  : TNI_ASSERT_UNMATCHED_SOURCE,
                                 .node = value};
    if (target && r->set->to.like.data == NULL) {
        return tni_value_wrong(value, err, "it needs to: {like: {input: NAME}}");
    }
    return value->kind == TNI_YAML_LIST && !params
               ? read_asserted_names(r, value, assertion, err)
               : tni_file_number(r, value, &assertion->number, err);
}

tn_status tni_file_assertions(tni_file_reading *r, const tni_yaml *list, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list->count, sizeof(tni_assertion), &block, err);
    }
    r->set->assertions = block;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = read_assertion(r, one, &r->set->assertions[r->set->n_assertions++], err);
    }
    return status;
}
