/* Freezing graphs beyond what TensorFlow judges (tests/interop/test_freeze.py): outputs that are in
 * the way, damage, odd graphs, what is kept of a library. */
#include "fixtures.h"
#include "support/folder.h"
#include "support/scratch.h"
#include <stdlib.h>
#include <unistd.h>

#define BESIDE TN_FIXTURES "/saved_model/good-meta-beside"

typedef struct place {
    tn_context *ctx;
    tn_scratch in, out;
} place;

/* Freezes what a path names to `name` in the folder for outputs. */
static tn_status freeze(place *p, const char *path, const char *name, const char *output,
                        bool replace, tn_frozen *frozen, tn_error *err)
{
    tn_graph *graph;
    *err = (tn_error){0};
    tn_status status = tn_graph_open(p->ctx, path, NULL, &graph, err);
    if (status == TN_OK) {
        tn_freeze_options options = {.outputs = &output, .n_outputs = 1, .replace = replace};
        status = tn_graph_freeze(graph, 0, name, &options, frozen, err);
        tn_graph_free(graph);
    }
    assert_int_equal(status, err->status);
    return status;
}

/* Expects that nothing is written, for this reason. */
static void expect_refusal(place *p, const char *path, const char *name, const char *output,
                           tn_code code, const char *said)
{
    tn_frozen frozen;
    tn_error err = {0};
    tn_folder before = tn_folder_take(p->out.path);
    (void)freeze(p, path, name, output, false, &frozen, &err);
    if (err.code != code || strstr(err.message, said) == NULL) {
        fail_msg("%s: %s: %s: \"%s\" does not say \"%s\"", output, tn_code_name(err.code),
                 err.subject, err.message, said);
    }
    assert_true(tn_folder_is(p->out.path, &before));
    tn_folder_free(&before);
}

/* Freezes a graph given as text; gives what the output holds. */
static tn_frozen freeze_text(place *p, const char *text, const char *output, char **bytes_out)
{
    tn_frozen frozen;
    tn_error err = {0};
    tn_scratch_empty(&p->out);
    tn_scratch_write(&p->in, "g.pbtxt", text);
    if (freeze(p, tn_scratch_at(&p->in, "g.pbtxt"), tn_scratch_at(&p->out, "f.pb"), output, false,
               &frozen, &err) != TN_OK) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    tn_folder folder = tn_folder_take(p->out.path);
    assert_int_equal(folder.count, 1);
    assert_int_equal(folder.files[0].len, frozen.bytes);
    *bytes_out = malloc(frozen.bytes + 1);
    assert_non_null(*bytes_out);
    memcpy(*bytes_out, folder.files[0].data, frozen.bytes);
    tn_folder_free(&folder);
    return frozen;
}

static bool holds(const char *bytes, size_t len, const char *word)
{
    return memmem(bytes, len, word, strlen(word)) != NULL;
}

/* A file that is there, folders, and names by which the output would be something else. */
static void outputs_in_the_way(void **state)
{
    place *p = *state;
    tn_frozen frozen;
    tn_error err = {0};
    static const char graph[] = BESIDE "/model.ckpt-3.meta";
    tn_scratch_write(&p->out, "old.pb", "old");
    expect_refusal(p, graph, tn_scratch_at(&p->out, "old.pb"), "scores", TN_E_EXISTS, "exists");
    expect_refusal(p, graph, p->out.path, "scores", TN_E_USAGE, "a folder");
    expect_refusal(p, graph, tn_scratch_at(&p->out, "saved_model.pb"), "scores", TN_E_USAGE,
                   "something else by this name");
    expect_refusal(p, graph, tn_scratch_at(&p->out, "f.pbtxt"), "scores", TN_E_USAGE, "binary");
    expect_refusal(p, graph, tn_scratch_at(&p->out, "none/f.pb"), "scores", TN_E_WRITE, "");
    assert_true(tn_scratch_is(&p->out, "old.pb", "old"));
    assert_int_equal(
        freeze(p, graph, tn_scratch_at(&p->out, "old.pb"), "scores", true, &frozen, &err), TN_OK);
    assert_int_equal(frozen.variables, 2);
    assert_int_equal(tn_scratch_count(&p->out), 1);
}

/* Copies the checkpoint and its graph, so that they may be changed. */
static tn_folder copy_inputs(place *p)
{
    tn_folder folder = tn_folder_take(BESIDE);
    tn_folder_put(p->in.path, &folder);
    return folder;
}

static void own_inputs_stay(void **state)
{
    static const char *const names[] = {"model.ckpt-3.meta", "model.ckpt-3.index",
                                        "model.ckpt-3.data-00000-of-00001"};
    place *p = *state;
    tn_folder inputs = copy_inputs(p);
    const char *graph = tn_scratch_at(&p->in, "model.ckpt-3");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tn_frozen frozen;
        tn_error err = {0};
        char link[TN_SCRATCH_PATH];
        snprintf(link, sizeof link, "%s", tn_scratch_at(&p->in, "link.pb"));
        assert_int_equal(symlink(names[i], link), 0);
        (void)freeze(p, graph, link, "scores", true, &frozen, &err);
        assert_int_equal(err.code, TN_E_SAME_FILE);
        assert_int_equal(unlink(link), 0);
        assert_true(tn_folder_is(p->in.path, &inputs));
    }
    tn_folder_free(&inputs);
}

/* A value whose stored sum is not that of its bytes is no constant. */
static void damaged_values(void **state)
{
    place *p = *state;
    tn_folder inputs = copy_inputs(p);
    const tn_folder_file *data = tn_folder_find(&inputs, "model.ckpt-3.data-00000-of-00001");
    data->data[0] ^= 1;
    tn_folder_put(p->in.path, &inputs);
    expect_refusal(p, tn_scratch_at(&p->in, "model.ckpt-3"), tn_scratch_at(&p->out, "f.pb"),
                   "scores", TN_E_CRC, "");
    tn_folder_free(&inputs);
}

#define VARIABLE(name, type, shape)                                                            \
    "node { name: '" name "' op: 'VariableV2' attr { key: 'dtype' value { type: " type " } } " \
    "attr { key: 'shape' value { shape { " shape " } } } }"

/* A checkpoint of another graph, and none at all. */
static void other_checkpoints(void **state)
{
    static const struct {
        const char *text;
        tn_code code;
        const char *said;
    } rows[] = {
        {VARIABLE("W", "DT_DOUBLE", "dim { size: 3 } dim { size: 2 }"), TN_E_CORRUPT, "dtype"},
        {VARIABLE("W", "DT_FLOAT", "dim { size: 2 } dim { size: 3 }"), TN_E_CORRUPT, "shape"},
        {VARIABLE("W", "DT_FLOAT", "dim { size: 6 }"), TN_E_CORRUPT, "shape"},
        {VARIABLE("other", "DT_FLOAT", ""), TN_E_NOT_FOUND, "the checkpoint has no other"},
    };
    place *p = *state;
    tn_folder inputs = copy_inputs(p);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "graph_def { %s }", rows[i].text);
        tn_scratch_write(&p->in, "model.ckpt-3.meta", text);
        expect_refusal(p, tn_scratch_at(&p->in, "model.ckpt-3"), tn_scratch_at(&p->out, "f.pb"),
                       i < 3 ? "W" : "other", rows[i].code, rows[i].said);
    }
    tn_scratch_write(&p->in, "g.pbtxt", rows[0].text);
    expect_refusal(p, tn_scratch_at(&p->in, "g.pbtxt"), tn_scratch_at(&p->out, "f.pb"), "W",
                   TN_E_NOT_FOUND, "a graph alone");
    expect_refusal(p, TN_FIXTURES "/saved_model/good-meta-alone/model.ckpt.meta",
                   tn_scratch_at(&p->out, "f.pb"), "W", TN_E_NOT_FOUND, "is not there");
    tn_folder_free(&inputs);
    inputs = tn_folder_take(TN_FIXTURES "/saved_model/good-tf1-text/model");
    tn_scratch_empty(&p->in);
    const tn_folder_file *graph = tn_folder_find(&inputs, "saved_model.pbtxt");
    assert_non_null(graph);
    tn_folder alone = {.files = (tn_folder_file[]){*graph}, .count = 1};
    tn_folder_put(p->in.path, &alone); /* without the folder of variables */
    expect_refusal(p, p->in.path, tn_scratch_at(&p->out, "f.pb"), "scores", TN_E_MISSING_FILE,
                   "is not there");
    tn_folder_free(&inputs);
}

/* Ways that end nowhere, and operations that are not there. */
static void odd_graphs(void **state)
{
    place *p = *state;
    char *bytes;
    tn_frozen frozen = freeze_text(p,
                                   "node { name: 'a' op: 'Identity' input: 'b' }"
                                   "node { name: 'b' op: 'Identity' input: 'a' }"
                                   "node { name: 'c' op: 'Identity' input: 'c' }"
                                   "node { name: 'd' op: 'Odd' input: 'b' input: '^c' }",
                                   "d", &bytes);
    assert_int_equal(frozen.operations, 4);
    free(bytes);
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"node { name: 'a' op: 'Odd' input: 'none:1' }", "not in the graph"},
        {"node { name: 'a' op: 'Odd' input: '^none' }", "not in the graph"},
        {"node { name: 'a' op: 'Odd' attr { key: '_class' value { list { s: 'loc:@none' } } } }",
         "not in the graph"},
        {"node { name: 'a' op: 'VarHandleOp' }", "no dtype"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_scratch_write(&p->in, "g.pbtxt", rows[i].text);
        expect_refusal(p, tn_scratch_at(&p->in, "g.pbtxt"), tn_scratch_at(&p->out, "g.pb"), "a",
                       TN_E_CORRUPT, rows[i].said);
    }
}

/* A long way from a variable is walked without a stack of calls. */
static void long_way(void **state)
{
    enum { LENGTH = 200000, ROOM = 96 };
    place *p = *state;
    char *text = malloc((size_t)LENGTH * ROOM), *bytes;
    size_t len = 0;
    assert_non_null(text);
    len += (size_t)snprintf(text, ROOM, "node { name: 'n0' op: 'Placeholder' }\n");
    for (unsigned i = 1; i < LENGTH; i++) {
        len += (size_t)snprintf(text + len, ROOM,
                                "node { name: 'n%u' op: 'Identity' input: 'n%u' }\n", i, i - 1);
    }
    tn_frozen frozen = freeze_text(p, text, "n199999", &bytes);
    assert_int_equal(frozen.operations, LENGTH);
    free(bytes);
    free(text);
}

/* Functions are kept that are called: by name, by an attribute, in a list, within attributes of
 * another, and as a gradient; others are not. */
static void libraries(void **state)
{
    static const char text[] =
        "node { name: 'a' op: 'by_name' }"
        "node { name: 'b' op: 'If' input: 'a' attr { key: 'then_branch' value { func { name: "
        "'by_attr' attr { key: 'x' value { list { func { name: 'inner' } } } } } } } attr { key: "
        "'branches' value { list { func { name: 'by_list' } } } } }"
        "library {"
        " function { signature { name: 'by_name' } node_def { name: 'n' op: 'nested' } }"
        " function { signature { name: 'nested' } }"
        " function { signature { name: 'by_attr' } }"
        " function { signature { name: 'by_list' } }"
        " function { signature { name: 'inner' } }"
        " function { signature { name: 'slope' } }"
        " function { signature { name: 'unused' } node_def { name: 'n' op: 'unused_too' } }"
        " function { signature { name: 'unused_too' } }"
        " gradient { function_name: 'inner' gradient_func: 'slope' }"
        " gradient { function_name: 'unused' gradient_func: 'unused_too' }"
        "}"
        "versions { producer: 27 }";
    place *p = *state;
    char *bytes;
    tn_frozen frozen = freeze_text(p, text, "b", &bytes);
    assert_int_equal(frozen.operations, 2);
    assert_int_equal(frozen.functions, 6);
    assert_true(holds(bytes, frozen.bytes, "slope") && holds(bytes, frozen.bytes, "nested"));
    assert_false(holds(bytes, frozen.bytes, "unused"));
    assert_memory_equal(bytes + frozen.bytes - 4, "\x22\x02\x08\x1b", 4); /* the versions */
    free(bytes);
    frozen = freeze_text(p,
                         "node { name: 'a' op: 'X' } library { function { signature { name: "
                         "'unused' } } }",
                         "a", &bytes);
    assert_int_equal(frozen.bytes, 8); /* the node alone */
    free(bytes);
    tn_scratch_write(&p->in, "g.pbtxt",
                     "node { name: 'a' op: 'f' } library { function { signature { name: 'f' } "
                     "node_def { name: 'v' op: 'VarHandleOp' } } }");
    expect_refusal(p, tn_scratch_at(&p->in, "g.pbtxt"), tn_scratch_at(&p->out, "g.pb"), "a",
                   TN_E_UNSUPPORTED, "a variable of its own");
}

static void proposals(void **state)
{
    static const char text[] =
        "node { name: 'x' op: 'Placeholder' } node { name: 'c' op: 'Const' }" VARIABLE(
            "W", "DT_FLOAT",
            "") "node { name: 'W/read' op: 'Identity' input: 'W' attr { key: 'T' value { type: "
                "DT_FLOAT } } }"
                "node { name: 'sum' op: 'Odd' input: 'x' }"
                "node { name: 'init' op: 'NoOp' input: '^W' }"
                "node { name: 'save' op: 'SaveV2' }"
                "node { name: 'save/after' op: 'Identity' input: 'c' input: '^save' }"
                "node { name: 'gradients/one' op: 'Odd' }";
    place *p = *state;
    tn_graph *graph;
    const tn_str *names;
    size_t count;
    tn_scratch_write(&p->in, "g.pbtxt", text);
    assert_int_equal(tn_graph_open(p->ctx, tn_scratch_at(&p->in, "g.pbtxt"), NULL, &graph, NULL),
                     TN_OK);
    assert_int_equal(tn_graph_propose_outputs(graph, 0, &names, &count, NULL), TN_OK);
    assert_int_equal(count, 1);
    assert_true(tn_str_equal(names[0], TN_LIT("sum")));
    tn_graph_free(graph);
}

static int make_place(void **state)
{
    static place p;
    p.ctx = tn_context_new(NULL);
    tn_scratch_make(&p.in);
    tn_scratch_make(&p.out);
    *state = &p;
    return p.ctx == NULL;
}

static int clear_place(void **state)
{
    place *p = *state;
    tn_context_free(p->ctx);
    tn_scratch_remove(&p->in);
    tn_scratch_remove(&p->out);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, clear_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(outputs_in_the_way), TEST(own_inputs_stay), TEST(damaged_values),
        TEST(other_checkpoints),  TEST(odd_graphs),      TEST(long_way),
        TEST(libraries),          TEST(proposals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
