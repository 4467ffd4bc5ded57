#include "converters/rules/keys.h"

#include "converters/rules/lexer.h"
#include <stdarg.h>
#include <stdio.h>
#include <tenon/text.h>

enum { KEYS_MOST = 40 };

static const tni_key *find_key(const tni_key *keys, tn_str name)
{
    for (size_t i = 0; keys[i].name != NULL; i++) {
        if (tn_str_equal(name, tn_str_of(keys[i].name))) {
            return &keys[i];
        }
    }
    return NULL;
}

/* Lists the keys of this version. */
static size_t usable(const tni_key *keys, const char *names[KEYS_MOST + 1])
{
    size_t count = 0;
    for (size_t i = 0; keys[i].name != NULL && count < KEYS_MOST; i++) {
        if (!keys[i].later) {
            names[count++] = keys[i].name;
        }
    }
    names[count] = NULL;
    return count;
}

static tn_status unknown_key(const tni_yaml *key, const tni_key *keys, const char *what,
                             tn_error *err)
{
    char name[TN_ERROR_SUBJECT], list[256] = "";
    const char *names[KEYS_MOST + 1];
    size_t count = usable(keys, names), used = 0;
    tn_escape(key->text, name, sizeof name);
    tn_status status = tni_fail(err, TN_E_RULE, "%s %s has no key '%s'",
                                strchr("aeiou", what[0]) == NULL ? "a" : "an", what, name);
    tni_yaml_place(key, 0, err);
    const char *nearest = tni_nearest_word(key->text, names);
    if (nearest != NULL) {
        tni_error_hint(err, "did you mean '%s'?", nearest);
        return status;
    }
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    tni_error_hint(err, "its keys are %s", list);
    return status;
}

tn_status tni_keys_check(const tni_yaml *map, const tni_key *keys, const char *what, tn_error *err)
{
    for (const tni_yaml *value = map->first; value != NULL; value = value->next) {
        const tni_key *key = find_key(keys, value->key->text);
        if (key == NULL) {
            return unknown_key(value->key, keys, what, err);
        }
        if (key->later) {
            char text[80];
            snprintf(text, sizeof text, "the key '%s' of %s %s", key->name,
                     strchr("aeiou", what[0]) == NULL ? "a" : "an", what);
            tn_status status = tni_not_yet(err, text);
            tni_yaml_place(value->key, 0, err);
            return status;
        }
    }
    return TN_OK;
}

const tni_yaml *tni_keys_find(const tni_yaml *map, const char *key)
{
    const tni_yaml *first = map->kind == TNI_YAML_MAP ? map->first : NULL;
    for (const tni_yaml *value = first; value != NULL; value = value->next) {
        if (tn_str_equal(value->key->text, tn_str_of(key))) {
            return value;
        }
    }
    return NULL;
}

tn_status tni_value_wrong(const tni_yaml *value, tn_error *err, const char *format, ...)
{
    char what[TN_ERROR_TEXT / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    tn_status status;
    if (value->key != NULL) {
        char key[TN_ERROR_SUBJECT];
        tn_escape(value->key->text, key, sizeof key);
        status = tni_fail(err, TN_E_RULE, "'%s': %s", key, what);
    } else {
        status = tni_fail(err, TN_E_RULE, "%s", what);
    }
    tni_error_place(err, value->line, value->column);
    return status;
}

tn_status tni_value_kind(const tni_yaml *value, tni_yaml_kind kind, tn_error *err)
{
    static const char *const names[] = {
        [TNI_YAML_TEXT] = "a text", [TNI_YAML_LIST] = "a list", [TNI_YAML_MAP] = "a map"};
    if (value->kind == kind) {
        return TN_OK;
    }
    return tni_value_wrong(value, err, "this is %s; it must be %s", names[value->kind],
                           names[kind]);
}

tn_status tni_value_word(const tni_yaml *value, const char *const *words, int *index_out,
                         tn_error *err)
{
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    if (status != TN_OK) {
        return status;
    }
    char list[160] = "", text[TN_ERROR_SUBJECT];
    size_t used = 0;
    for (int i = 0; words[i] != NULL; i++) {
        if (tn_str_equal(value->text, tn_str_of(words[i]))) {
            *index_out = i;
            return TN_OK;
        }
        if (used < sizeof list) {
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                                     words[i]);
        }
    }
    tn_escape(value->text, text, sizeof text);
    status = tni_value_wrong(value, err, "it cannot be '%s'", text);
    const char *nearest = tni_nearest_word(value->text, words);
    if (nearest != NULL) {
        tni_error_hint(err, "did you mean '%s'?", nearest);
    } else {
        tni_error_hint(err, "it is one of: %s", list);
    }
    return status;
}
