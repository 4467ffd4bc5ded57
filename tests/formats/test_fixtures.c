/* Every fixture of every format: what tenon says of it is what the framework that wrote it says. */
#include "fixtures.h"

typedef struct totals {
    tn_context *ctx;
    size_t fixtures, tensors, wrong;
} totals;

/* What is being looked at, for messages. */
typedef struct place {
    const char *folder;
    const json_t *record;
    totals *totals;
} place;

static void wrong(const place *p, const char *what, tn_str found)
{
    const char *key = p->record == NULL ? "" : json_string_value(json_object_get(p->record, "key"));
    print_error("%s: %s: %s (found: %.*s)\n", p->folder, key, what, (int)found.len,
                found.data == NULL ? "" : found.data);
    p->totals->wrong++;
}

static void same_text(const place *p, const char *field, tn_str found)
{
    char bytes_field[64];
    snprintf(bytes_field, sizeof(bytes_field), "%s_b64", field);
    const json_t *bytes = json_object_get(p->record, bytes_field);
    tn_str want = bytes != NULL ? fixture_base64(bytes)
                                : fixture_json_text(json_object_get(p->record, field));
    if ((want.data == NULL) != (found.data == NULL) || !tn_str_equal(want, found)) {
        wrong(p, field, found);
    }
    if (bytes != NULL) {
        free((void *)(uintptr_t)want.data);
    }
}

static void same_shape(const place *p, const tn_tensor *tensor)
{
    const json_t *shape = json_object_get(p->record, "shape");
    bool same = json_is_null(shape) == tensor->any_shape && json_array_size(shape) == tensor->rank;
    for (uint32_t i = 0; same && i < tensor->rank; i++) {
        const json_t *size = json_array_get(shape, i);
        same = (json_is_null(size) ? -1 : json_integer_value(size)) == tensor->shape[i];
    }
    if (!same) {
        wrong(p, "shape", TN_STR_NONE);
    }
}

static void same_twins(const place *p, const tn_model *model, const tn_tensor *tensor)
{
    const json_t *twins = json_object_get(p->record, "twins");
    if (json_array_size(twins) != tensor->n_twins) {
        wrong(p, "twins", TN_STR_NONE);
        return;
    }
    for (uint32_t i = 0; i < tensor->n_twins; i++) {
        if (!tn_str_equal(fixture_json_text(json_array_get(twins, i)), tensor->twins[i])) {
            wrong(p, "twin", tensor->twins[i]);
        }
        uint32_t index = tn_model_find(model, TN_SCHEME_KEY, tensor->twins[i]);
        if (index == TN_NO_INDEX || tn_model_at(model, index) != tensor) {
            wrong(p, "twin does not lead to its tensor", tensor->twins[i]);
        }
    }
}

static void same_tensor(const place *p, const tn_model *model, const tn_tensor *tensor,
                        tn_reader *reader)
{
    bool owned = tensor->slot_of != TN_NO_INDEX;
    same_text(p, "name", tensor->alias[TN_SCHEME_NAME]);
    same_text(p, "key", tensor->alias[TN_SCHEME_KEY]);
    same_text(p, "object", tensor->alias[TN_SCHEME_OBJECT]);
    same_text(p, "full", tensor->alias[TN_SCHEME_FULL]);
    same_text(p, "order", tensor->alias[TN_SCHEME_ORDER]);
    same_text(p, "dtype",
              tensor->dtype == TN_DTYPE_NONE ? TN_STR_NONE
                                             : tn_str_of(tn_dtype_about(tensor->dtype)->name));
    same_text(p, "role", tn_str_of(tn_role_name(tensor->role)));
    same_text(p, "slot", tensor->slot);
    same_text(p, "slot_of",
              owned ? tn_model_at(model, tensor->slot_of)->alias[TN_SCHEME_NAME] : TN_STR_NONE);
    same_shape(p, tensor);
    same_twins(p, model, tensor);
    const json_t *trainable = json_object_get(p->record, "trainable");
    tn_trainable want = trainable == NULL || json_is_null(trainable) ? TN_TRAINABLE_UNKNOWN
                        : json_is_true(trainable)                    ? TN_TRAINABLE_YES
                                                                     : TN_TRAINABLE_NO;
    if (tensor->trainable != want) {
        wrong(p, "trainable", TN_STR_NONE);
    }
    bool hidden = json_is_true(json_object_get(p->record, "hidden"));
    if (tensor->hidden != (hidden || tensor->role == TN_ROLE_METADATA)) {
        wrong(p, "hidden", TN_STR_NONE);
    }
    tn_error err = {0};
    const char *what = fixture_values(p->totals->ctx, reader, tensor, p->record, &err);
    if (what != NULL) {
        wrong(p, what, tn_str_of(err.message));
    }
}

static void same_metadata(const place *p, const tn_model *model, const json_t *expected)
{
    const json_t *metadata = json_object_get(expected, "metadata");
    const tn_pair *pairs;
    size_t count = tn_model_metadata(model, &pairs);
    if (json_object_size(metadata) != count) {
        wrong(p, "metadata", TN_STR_NONE);
    }
    for (size_t i = 0; i < count; i++) {
        char key[256];
        snprintf(key, sizeof(key), "%.*s", (int)pairs[i].key.len, pairs[i].key.data);
        if (!tn_str_equal(fixture_json_text(json_object_get(metadata, key)), pairs[i].value)) {
            wrong(p, "metadata", pairs[i].key);
        }
    }
}

static void same_model(place *p, const tn_model *model, const json_t *expected)
{
    size_t index, listed = 0;
    const json_t *record;
    tn_reader *reader;
    if (strcmp(tn_model_format(model), json_string_value(json_object_get(expected, "format"))) !=
        0) {
        wrong(p, "format", tn_str_of(tn_model_format(model)));
    }
    if (strcmp(tn_model_layout(model), json_string_value(json_object_get(expected, "layout"))) !=
        0) {
        wrong(p, "layout", tn_str_of(tn_model_layout(model)));
    }
    same_metadata(p, model, expected);
    assert_int_equal(tn_reader_new(p->totals->ctx, true, &reader, NULL), TN_OK);
    json_array_foreach(json_object_get(expected, "tensors"), index, record)
    {
        p->record = record;
        p->totals->tensors++;
        const tn_tensor *tensor = fixture_find(model, record);
        if (tensor == NULL) {
            wrong(p, "is missing", TN_STR_NONE);
        } else if (json_is_null(json_object_get(record, "twin_of"))) {
            listed++;
            same_tensor(p, model, tensor, reader);
        }
    }
    p->record = NULL;
    if (listed != tn_model_count(model)) {
        wrong(p, "has more tensors than expected", TN_STR_NONE);
    }
    tn_reader_free(reader);
}

static void check_fixture(const char *folder, const json_t *expected, void *user)
{
    place p = {folder, NULL, user};
    char path[FIXTURE_PATH];
    tn_model *model;
    tn_error err = {0};
    snprintf(path, sizeof(path), "%s/%s", folder,
             json_string_value(json_object_get(expected, "path")));
    p.totals->fixtures++;
    if (tn_open(p.totals->ctx, path, NULL, &model, &err) != TN_OK) {
        wrong(&p, "cannot be opened", tn_str_of(err.message));
        return;
    }
    same_model(&p, model, expected);
    tn_model_free(model);
}

static void every_fixture(void **state)
{
    (void)state;
    totals t = {.ctx = tn_context_new(NULL)};
    fixture_visit(TN_FIXTURES, 2, check_fixture, &t);
    print_message("%zu fixtures, %zu tensors, %zu differences\n", t.fixtures, t.tensors, t.wrong);
    tn_context_free(t.ctx);
    assert_true(t.fixtures > 0);
    assert_int_equal(t.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_fixture)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
