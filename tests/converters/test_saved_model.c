/* SavedModels of weights, read again: every variable under the names that the plan says, each with
 * its own value, also by the graph's operations. The names are those that TensorFlow was asked for
 * (tests/interop/test_saved_model_write.py). */
#include "converters/conv.h"

typedef struct row {
    const char *name, *graph; /* the tensor's, in JSON; the variable's in the graph */
    const char *object;       /* the object path */
    const char *op;           /* what the plan says; NULL: nothing */
} row;

static const row rows[] = {
    {"dense/kernel", "dense/kernel", "dense/kernel", NULL},
    {"layer.0.weight", "layer.0.weight", "layer..0..weight", NULL},
    {"a", "a", "a", NULL},
    {"a/b", "a/b", "a.Sb", "attribute a/b"},
    {"a/b/c", "a/b/c", "a.Sb.Sc", "attribute a/b/c"},
    {"x//y", "x//y", "x/y", NULL},
    {"x/y", "x/y", "x.Sy", "attribute x/y"},
    {"two words", "two_words_1", "two words", "graph name two_words_1"},
    {"two_words", "two_words", "two_words", NULL},
    {"two:words", "two_words_2", "two:words", "graph name two_words_2"},
    {"_kernel", "v_kernel", "_kernel", "graph name v_kernel"},
    {"m/_kernel", "m/_kernel", "m/_kernel", NULL},
    {"m/__call__", "m/__call__", "weights_1/m.S__call__", "item of weights: m/__call__"},
    {"signatures", "signatures", "weights_1/signatures", "item of weights: signatures"},
    {"m/signatures", "m/signatures", "m/signatures", NULL},
    {"__class__", "v__class__", "weights_1/__class__",
     "item of weights: __class__, graph name v__class__"},
    {"weights/kernel", "weights/kernel", "weights/kernel", NULL},
    {"save/Const", "save/Const", "save/Const", NULL},
    {"save_1/x", "save_1/x", "save_1/x", NULL},
    {"init", "init", "init", NULL},
    {"w", "w", "w", NULL},
    {"w/Assign", "w/Assign", "w.SAssign", "attribute w/Assign"},
    {"w/Read/ReadVariableOp", "w/Read/ReadVariableOp", "w.SRead.SReadVariableOp",
     "attribute w/Read/ReadVariableOp"},
    {"/", "v", ".S", "attribute /, graph name v"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Writes the tensors; the value of each is its row's number. */
static const char *write_input(const conv *c)
{
    static float values[ROWS];
    conv_tensor tensors[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        values[i] = (float)i;
        tensors[i] = (conv_tensor){rows[i].name, "F32", "", &values[i], sizeof values[i]};
    }
    return conv_safetensors(c, "in.safetensors", tensors, ROWS);
}

static bool is(tn_str text, const char *wanted)
{
    return tn_str_equal(text, tn_str_of(wanted));
}

/* What the plan says of each tensor, and in all. */
static void check_plan(const tn_plan *plan)
{
    const tn_plan_tensor *tensors;
    const tn_report *warnings = tn_plan_warnings(plan);
    assert_int_equal(tn_plan_tensors(plan, &tensors), ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        size_t k = 0;
        while (!is(tensors[k].name, rows[i].name)) {
            assert_true(++k < ROWS);
        }
        assert_int_equal(tensors[k].n_ops, rows[i].op != NULL);
        if (rows[i].op != NULL && !is(tensors[k].ops[0], rows[i].op)) {
            fail_msg("%s: %.*s", rows[i].name, (int)tensors[k].ops[0].len, tensors[k].ops[0].data);
        }
    }
    assert_int_equal(tn_report_count(warnings), 2);
    assert_string_equal(tn_report_at(warnings, 0)->code, "graph-names");
    assert_string_equal(tn_report_at(warnings, 1)->code, "object-paths");
}

/* The graph leads from a variable's operation to the key of its value. */
static void check_graph(const tn_model *model, const tn_tensor *tensor, const char *graph)
{
    char name[64];
    tn_resolution found;
    tn_error err = {0};
    snprintf(name, sizeof name, "%s:0", graph);
    conv_ok(tn_graph_resolve(tn_model_graph(model), 0, tn_str_of(name), &found, &err), &err);
    assert_int_equal(found.as_tensor, TN_GRAPH_FITS);
    assert_int_equal(found.kind, TN_GRAPH_VARIABLE);
    assert_true(tn_str_equal(found.value_key, tensor->alias[TN_SCHEME_KEY]));
}

static void check_model(tn_context *ctx, const char *path)
{
    tn_model *model = conv_open(ctx, path);
    tn_reader *reader;
    tn_error err = {0};
    conv_ok(tn_reader_new(ctx, true, &reader, &err), &err);
    for (size_t i = 0; i < ROWS; i++) {
        float value = -1;
        uint32_t index = tn_model_find(model, TN_SCHEME_FULL, tn_str_of(rows[i].graph));
        assert_int_not_equal(index, TN_NO_INDEX);
        const tn_tensor *tensor = tn_model_at(model, index);
        conv_ok(tn_reader_start(reader, tensor, &err), &err);
        conv_ok(tn_reader_next(reader, 1, &value, &err), &err);
        conv_ok(tn_reader_end(reader, &err), &err);
        assert_int_equal((int)value, i);
        if (!is(tensor->alias[TN_SCHEME_OBJECT], rows[i].object) ||
            !is(tensor->alias[TN_SCHEME_NAME], rows[i].object)) {
            fail_msg("%s is %.*s", rows[i].name, (int)tensor->alias[TN_SCHEME_OBJECT].len,
                     tensor->alias[TN_SCHEME_OBJECT].data);
        }
        check_graph(model, tensor, rows[i].graph);
    }
    tn_reader_free(reader);
    tn_model_free(model);
}

static void names(void **state)
{
    conv *c = *state;
    char out[TN_SCRATCH_PATH];
    tn_model *model = conv_open(c->ctx, write_input(c));
    tn_convert_options options = {.to = "saved_model"};
    tn_plan *plan;
    tn_converted converted;
    tn_error err = {0};
    snprintf(out, sizeof out, "%s", conv_at(c, "out"));
    conv_ok(tn_plan_new(c->ctx, model, out, &options, &plan, &err), &err);
    check_plan(plan);
    conv_ok(tn_convert(plan, &converted, &err), &err);
    assert_int_equal(converted.files_written, 3);
    check_model(c->ctx, out);
    tn_plan_free(plan);
    tn_model_free(model);
}

static void refusals(void **state)
{
    static const uint16_t value = 0;
    static const struct {
        const char *name, *dtype, *out, *layout, *said;
        tn_code code;
    } cases[] = {
        {"a.ATTRIBUTES/b", "F16", "out", NULL, ".ATTRIBUTES", TN_E_CANNOT_HOLD},
        {"b", "F16", "out.pbtxt", NULL, "not a .pbtxt file", TN_E_USAGE},
        {"b", "F16", "out", "objects", "no layout 'objects'", TN_E_USAGE},
        {"b", "F16", "out", "graph", "no SavedModel with a graph", TN_E_IMPOSSIBLE},
        {"b", "F8_E4M3FNUZ", "out", NULL, "float8_e4m3fnuz", TN_E_CANNOT_HOLD},
    };
    conv *c = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool small = strcmp(cases[i].dtype, "F16") != 0;
        conv_tensor tensor = {cases[i].name, cases[i].dtype, "1", &value, small ? 1 : 2};
        tn_convert_options options = {.to = "saved_model", .layout = cases[i].layout};
        char in[TN_SCRATCH_PATH];
        tn_error err = {0};
        snprintf(in, sizeof in, "%s", conv_safetensors(c, "in.safetensors", &tensor, 1));
        tn_status status = conv_run(c->ctx, in, conv_at(c, cases[i].out), &options, NULL, &err);
        assert_int_not_equal(status, TN_OK);
        if (err.code != cases[i].code || strstr(err.message, cases[i].said) == NULL) {
            fail_msg("%s: %s: %s", cases[i].name, tn_code_name(err.code), err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CONV_TEST(names), CONV_TEST(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
