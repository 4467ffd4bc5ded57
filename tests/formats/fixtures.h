/* Fixtures with what the framework that wrote them says is in them (fixtures/README.md). */
#ifndef TN_TESTS_FIXTURES_H
#define TN_TESTS_FIXTURES_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <tenon/tenon.h>

enum { FIXTURE_PATH = 1024 };

/* Calls `each` with every folder below fixtures/ that holds an expected.json, and its document.
 * Returns how many there were. */
typedef void (*fixture_each)(const char *folder, const json_t *expected, void *user);

static inline size_t fixture_visit(const char *folder, int depth, fixture_each each, void *user)
{
    char path[FIXTURE_PATH];
    size_t count = 0;
    json_error_t error;
    snprintf(path, sizeof(path), "%s/expected.json", folder);
    json_t *expected = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (expected != NULL) {
        each(folder, expected, user);
        json_decref(expected);
        return 1;
    }
    if (json_error_code(&error) != json_error_cannot_open_file) {
        fail_msg("%s:%d: %s", path, error.line, error.text);
    }
    struct dirent **names;
    int found = depth == 0 ? 0 : scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        if (names[i]->d_name[0] != '.' && names[i]->d_type == DT_DIR) {
            snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
            count += fixture_visit(path, depth - 1, each, user);
        }
        free(names[i]);
    }
    if (depth != 0) {
        free(names);
    }
    return count;
}

static inline tn_str fixture_json_text(const json_t *value)
{
    return json_is_string(value) ? (tn_str){json_string_value(value), json_string_length(value)}
                                 : TN_STR_NONE;
}

/* Decodes base64 into memory of malloc. */
static inline tn_str fixture_base64(const json_t *value)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    tn_str text = fixture_json_text(value);
    char *data = malloc(text.len + 1);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned n = 0;
    for (size_t i = 0; i < text.len && text.data[i] != '='; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, text.data[i]) - digits);
        n += 6;
        if (n >= 8) {
            n -= 8;
            data[len++] = (char)(bits >> n);
        }
    }
    return (tn_str){data, len};
}

/* Decodes hexadecimal into memory of malloc. */
static inline tn_str fixture_hex(const json_t *value)
{
    tn_str text = fixture_json_text(value);
    char *data = malloc(text.len / 2 + 1);
    for (size_t i = 0; i < text.len / 2; i++) {
        char pair[3] = {text.data[2 * i], text.data[2 * i + 1], '\0'};
        data[i] = (char)strtoul(pair, NULL, 16);
    }
    return (tn_str){data, text.len / 2};
}

/* Reads a tensor's values and compares them with the expected record. Returns NULL, or what is
 * wrong; *err holds a reading error. Nothing to compare (variants) is right. */
static inline const char *fixture_values(tn_context *ctx, tn_reader *reader,
                                         const tn_tensor *tensor, const json_t *record,
                                         tn_error *err)
{
    const char *wrong = NULL;
    const json_t *strings = json_object_get(record, "strings_b64");
    const json_t *hex = json_object_get(record, "hex");
    if (strings != NULL) {
        const tn_str *found;
        if (tn_reader_strings(reader, tensor, &found, err) != TN_OK) {
            return "strings cannot be read";
        }
        if ((uint64_t)tensor->elements != json_array_size(strings)) {
            return "another number of strings";
        }
        for (size_t i = 0; i < json_array_size(strings); i++) {
            tn_str want = fixture_base64(json_array_get(strings, i));
            wrong = tn_str_equal(want, found[i]) ? wrong : "a string differs";
            free((void *)(uintptr_t)want.data);
        }
        return wrong;
    }
    if (hex == NULL) {
        return NULL;
    }
    tn_str want = fixture_hex(hex);
    uint64_t bytes = 0;
    char *found = NULL;
    (void)ctx;
    if (!tn_dtype_bytes(tensor->dtype, (uint64_t)tensor->elements, &bytes) || bytes != want.len) {
        wrong = "another number of bytes";
    } else {
        found = malloc((size_t)bytes + 1);
        if (tn_reader_start(reader, tensor, err) != TN_OK ||
            tn_reader_next(reader, tensor->elements, found, err) != TN_OK ||
            tn_reader_end(reader, err) != TN_OK) {
            wrong = "values cannot be read";
        } else if (memcmp(found, want.data, want.len) != 0) {
            wrong = "values differ";
        }
    }
    free(found);
    free((void *)(uintptr_t)want.data);
    return wrong;
}

/* Finds a record's tensor by its key; NULL if it is not there. */
static inline const tn_tensor *fixture_find(const tn_model *model, const json_t *record)
{
    const json_t *bytes = json_object_get(record, "key_b64");
    tn_str key =
        bytes != NULL ? fixture_base64(bytes) : fixture_json_text(json_object_get(record, "key"));
    uint32_t index = tn_model_find(model, TN_SCHEME_KEY, key);
    if (bytes != NULL) {
        free((void *)(uintptr_t)key.data);
    }
    return index == TN_NO_INDEX ? NULL : tn_model_at(model, index);
}

#endif
