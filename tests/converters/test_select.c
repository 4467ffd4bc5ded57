/* Choosing tensors: by arguments, and by --only, --drop and --weights-only. */
#include "converters/conv.h"
#include "converters/select.h"

static const char *const adam = TN_FIXTURES "/tf_checkpoint/good-v1-adam/model.ckpt";
static const char *const keras = TN_FIXTURES "/tf_checkpoint/good-keras2-sequential/ckpt";

/* Joins the names of all that was chosen, in order. */
static const char *chosen_names(const tn_model *model, const bool *chosen)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < tn_model_count(model); i++) {
        tn_str name = tn_model_at(model, i)->alias[TN_SCHEME_NAME];
        if (chosen[i]) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", len == 0 ? "" : " ",
                                    (int)name.len, name.data);
        }
    }
    return text;
}

typedef struct choice_row {
    tn_scheme scheme;
    bool all;
    const char *arguments[3];
    const char *names;
} choice_row;

static void select_rows(const tn_model *model, const choice_row *rows, size_t count)
{
    bool chosen[64];
    for (size_t i = 0; i < count; i++) {
        tn_error err = {0};
        size_t n = 0;
        while (n < 3 && rows[i].arguments[n] != NULL) {
            n++;
        }
        conv_ok(tn_select(model, rows[i].scheme, rows[i].arguments, n, rows[i].all, chosen, &err),
                &err);
        assert_string_equal(chosen_names(model, chosen), rows[i].names);
    }
}

static void by_arguments(void **state)
{
    static const choice_row rows[] = {
        {TN_SCHEME_NAME, false, {"my_model/W"}, "my_model/W"},
        {TN_SCHEME_NAME, false, {"my_model/W:0"}, "my_model/W"},
        {TN_SCHEME_NAME, false, {"my_model/b", "global_step"}, "global_step my_model/b"},
        {TN_SCHEME_NAME, false, {"my_model/*"}, "my_model/W my_model/b"},
        {TN_SCHEME_NAME, false, {"**/Adam"}, "my_model/W/Adam my_model/b/Adam"},
        {TN_SCHEME_NAME,
         false,
         {"**/W", "**/W/**"},
         "my_model/W my_model/W/Adam my_model/W/Adam_1"},
        {TN_SCHEME_NAME, false, {NULL}, ""},
    };
    static const choice_row object_rows[] = {
        {TN_SCHEME_NAME, false, {"hidden/kernel"}, "model/layer_with_weights-0/kernel"},
        {TN_SCHEME_NAME, false, {"hidden/kernel:0"}, "model/layer_with_weights-0/kernel"},
        {TN_SCHEME_NAME,
         false,
         {"model/layer_with_weights-0/bias/.ATTRIBUTES/VARIABLE_VALUE"},
         "model/layer_with_weights-0/bias"},
        {TN_SCHEME_FULL,
         false,
         {"*/kernel"},
         "model/layer_with_weights-0/kernel model/layer_with_weights-1/kernel"},
        {TN_SCHEME_FULL, false, {"learning_rate"}, "learning_rate"},
        /* Metadata is reached by its exact name, and by patterns only on demand. */
        {TN_SCHEME_NAME, false, {"_CHECKPOINTABLE_OBJECT_GRAPH"}, "_CHECKPOINTABLE_OBJECT_GRAPH"},
        {TN_SCHEME_NAME, true, {"_*"}, "_CHECKPOINTABLE_OBJECT_GRAPH"},
    };
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam);
    select_rows(model, rows, sizeof(rows) / sizeof(rows[0]));
    tn_model_free(model);
    model = conv_open(c->ctx, keras);
    select_rows(model, object_rows, sizeof(object_rows) / sizeof(object_rows[0]));
    tn_model_free(model);
}

typedef struct refusal {
    const char *argument;
    tn_code code;
    const char *hint;
} refusal;

static void refuses(void **state)
{
    static const refusal rows[] = {
        {"my_model/w", TN_E_NO_SUCH_NAME, "my_model/W [3, 2]"},
        {"**/Adam_2", TN_E_NO_SUCH_NAME, "tenon ls "},
        {"Adam*", TN_E_NO_SUCH_NAME, "'**/Adam' matches 2 names"},
        {"W/*", TN_E_NO_SUCH_NAME, "'**/W' matches 1 name"},
        {"model*", TN_E_NO_SUCH_NAME, "'**/*model*/**' matches 6 names"},
        {"\\q", TN_E_RULE, "\\\\"},
    };
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam);
    bool chosen[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tn_error err = {0};
        assert_int_not_equal(
            tn_select(model, TN_SCHEME_NAME, &rows[i].argument, 1, false, chosen, &err), TN_OK);
        assert_int_equal(err.code, rows[i].code);
        if (strstr(err.hint, rows[i].hint) == NULL) {
            fail_msg("'%s': hint '%s'", rows[i].argument, err.hint);
        }
    }
    tn_model_free(model);
}

static tn_tensor *add_tensor(tn_model *model, tn_str name, tn_str key, tn_str full)
{
    tn_tensor *tensor;
    tni_leaf *leaf;
    int64_t one = 1;
    assert_int_equal(tni_model_add(model, &tensor, NULL), TN_OK);
    tensor->alias[TN_SCHEME_NAME] = name;
    tensor->alias[TN_SCHEME_KEY] = key;
    tensor->alias[TN_SCHEME_FULL] = full;
    assert_int_equal(tni_tensor_form(model, tensor, TN_FLOAT32, 1, &one, NULL), TN_OK);
    assert_int_equal(tni_tensor_leaf(model, tensor, &leaf, NULL), TN_OK);
    leaf->kind = TNI_LEAF_ABSENT;
    return tensor;
}

/* One alias of several tensors, in one scheme or in two. */
static void ambiguous(void **state)
{
    static const char *const both[] = {"x", "y", "y:0"};
    conv *c = *state;
    tn_model *model;
    bool chosen[4];
    assert_int_equal(tni_model_new(c->ctx, &model, NULL), TN_OK);
    model->path = "m";
    add_tensor(model, TN_LIT("one"), TN_LIT("k/one"), TN_LIT("x"));
    add_tensor(model, TN_LIT("two"), TN_LIT("k/two"), TN_LIT("x"));
    add_tensor(model, TN_LIT("three"), TN_LIT("y"), TN_LIT("z"));
    add_tensor(model, TN_LIT("four"), TN_LIT("k/four"), TN_LIT("y"));
    assert_int_equal(tni_model_finish(model, NULL), TN_OK);
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        tn_error err = {0};
        assert_int_equal(tn_select(model, TN_SCHEME_NAME, &both[i], 1, false, chosen, &err),
                         TN_USAGE);
        assert_int_equal(err.code, TN_E_AMBIGUOUS);
        assert_non_null(strstr(err.hint, i == 0 ? "one [1], two [1]" : "four [1]"));
    }
    /* In its own scheme it is one. */
    assert_int_equal(tn_select(model, TN_SCHEME_KEY, &both[1], 1, false, chosen, NULL), TN_OK);
    assert_string_equal(chosen_names(model, chosen), "three");
    tn_model_free(model);
}

typedef struct flags_row {
    const char *only[2], *drop[2];
    bool weights_only;
    const char *kept;
    const char *causes; /* of the tensors in order: k o(nly) d(rop) s(lot) w(eights) */
} flags_row;

/* beta1_power beta2_power global_step W W/Adam W/Adam_1 b b/Adam b/Adam_1 */
static const flags_row flag_rows[] = {
    {{NULL}, {NULL}, false, NULL, "kkkkkkkkk"},
    {{"**/W"}, {NULL}, false, "my_model/W", "oookooooo"},
    {{"my_model/**"}, {NULL}, true, "my_model/W my_model/b", "oookwwkww"},
    {{NULL}, {NULL}, true, "my_model/W my_model/b", "wwwkwwkww"},
    {{NULL}, {"my_model/W"}, false, NULL, "kkkdsskkk"},
    {{NULL}, {"my_model/W", "beta*"}, false, NULL, "ddkdsskkk"},
    {{NULL}, {"**/Adam"}, false, NULL, "kkkkdkkdk"},
    /* Named by --only itself, a slot stays without its variable. */
    {{"my_model/W/Adam"}, {NULL}, false, "my_model/W/Adam", "ooookoooo"},
    {{"**/Adam"}, {"my_model/W"}, false, "my_model/W/Adam my_model/b/Adam", "ooodkooko"},
    {{"my_model/**"}, {"my_model/W", "my_model/b/Adam"}, false, NULL, "ooodkkkdk"},
    {{"my_model/W"}, {"my_model/W"}, false, "", "ooodooooo"},
    {{"**/b"},
     {NULL},
     true,
     "my_model/b",
     "oooooo"
     "koo"},
};

static void by_flags(void **state)
{
    static const char letters[] = "kodsw";
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam);
    size_t count = tn_model_count(model);
    assert_int_equal(count, 9);
    for (size_t i = 0; i < sizeof(flag_rows) / sizeof(flag_rows[0]); i++) {
        const flags_row *row = &flag_rows[i];
        tni_selection selection = {
            .only = row->only,
            .n_only = (size_t)(row->only[0] != NULL) + (row->only[1] != NULL),
            .drop = row->drop,
            .n_drop = (size_t)(row->drop[0] != NULL) + (row->drop[1] != NULL),
            .weights_only = row->weights_only};
        tni_choice choice[9];
        bool matched[4] = {false}, kept[9];
        char causes[10] = "";
        tn_error err = {0};
        conv_ok(tni_choose(model, &selection, choice, matched, &err), &err);
        for (size_t k = 0; k < count; k++) {
            causes[k] = letters[choice[k].cause];
            kept[k] = choice[k].cause == TNI_KEPT;
        }
        if (strcmp(causes, row->causes) != 0) {
            fail_msg("row %zu: %s", i, causes);
        }
        if (row->kept != NULL) {
            assert_string_equal(chosen_names(model, kept), row->kept);
        }
        for (size_t k = 0; k < selection.n_only + selection.n_drop; k++) {
            assert_true(matched[k]);
        }
    }
    tn_model_free(model);
}

/* Which flag it was, counted from one; and which flags matched nothing. */
static void counts_flags(void **state)
{
    static const char *const only[] = {"nothing/**", "my_model/**"};
    static const char *const drop[] = {"nowhere", "my_model/b", "my_model/b"};
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam);
    tni_selection selection = {.only = only, .n_only = 2, .drop = drop, .n_drop = 3};
    tni_choice choice[9];
    bool matched[5] = {false};
    assert_int_equal(tni_choose(model, &selection, choice, matched, NULL), TN_OK);
    assert_false(matched[0]);
    assert_true(matched[1]);
    assert_false(matched[2]);
    assert_true(matched[3] && matched[4]);
    assert_int_equal(choice[6].cause, TNI_DROPPED);
    assert_int_equal(choice[6].flag, 2);
    tn_error err = {0};
    assert_int_equal(tni_nothing_matches(model, TN_SCHEME_NAME, "--drop", "my_model/B", &err),
                     TN_NO_MATCH);
    assert_string_equal(err.message, "--drop 'my_model/B' matches no tensor");
    assert_non_null(strstr(err.hint, "my_model/b [2]"));
    tn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(by_arguments), CONV_TEST(refuses),      CONV_TEST(ambiguous),
        CONV_TEST(by_flags),     CONV_TEST(counts_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
