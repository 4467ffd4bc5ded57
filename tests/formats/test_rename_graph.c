/* New names in graphs. What has to come out is the same graph built with the new names. */
#include "core/buffer.h"
#include "formats/format.h"
#include "graph_build.h"
#include "support/scratch.h"

#define SAVED TN_FIXTURES "/saved_model"
#define TEXT(...) CAT(a, __VA_ARGS__)
#define L(literal) TN_LIT(literal)

/* What the names of a graph are in one version of it. */
typedef struct version {
    tn_str w, k, p; /* variables: a reference's, a resource's, and the whole of a partitioned one */
} version;

static const version before = {{"W", 1}, {"scope/kernel", 12}, {"table", 5}};

/* The variables: W with a slot, scope/kernel, table/part_0, and what TensorFlow makes for them. */
static tn_str variables(tni_arena *a, const version *v)
{
    tn_str place = list_attr(a, "_class", TEXT(L("loc:@"), v->w));
    tn_str content = {calloc(1, 10000), 10000};
    tn_str value = entry(
        a, 5, "value",
        len_field(a, 8,
                  TEXT(var_field(a, 1, 1), len_field(a, 2, len_field(a, 2, var_field(a, 1, 2500))),
                       len_field(a, 4, content))));
    free((void *)(uintptr_t)content.data);
    tn_str shared =
        TEXT(text_attr(a, "shared_name", v->k), text_attr(a, "debug_name", TEXT(v->k, L("/"))),
             text_attr(a, "container", before.k));
    return TEXT(
        node(a, 1, TEXT(v->w, L("/Initializer/zeros")), "Const", L(""), TEXT(value, place)),
        node(a, 1, v->w, "VariableV2", L(""), TEXT(text_attr(a, "shared_name", L("")), place)),
        node(a, 1, TEXT(v->w, L("/Assign")), "Assign",
             TEXT(v->w, L(" "), v->w, L("/Initializer/zeros")), place),
        node(a, 1, TEXT(v->w, L("/Adam")), "VariableV2", L(""), place),
        node(a, 1, v->k, "VarHandleOp", L(""), shared),
        node(a, 1, L("table_of/x"), "HashTableV2", L(""), text_attr(a, "shared_name", before.k)),
        node(a, 1, TEXT(v->p, L("/part_0")), "VariableV2", L(""), L("")),
        node(a, 1, TEXT(v->p, L("/part_0/Adam")), "VariableV2", L(""), L("")),
        node(a, 1, TEXT(v->p, L("/PartitionedInitializer/Slice")), "Slice", L(""), L("")),
        node(a, 1, L("Wide"), "Add", TEXT(v->w, L("/Adam:0 "), v->w, L(":0 W_x ^"), v->k), L("")));
}

static tn_str keys(tni_arena *a, const version *v)
{
    return TEXT(len_field(a, 8, v->w), len_field(a, 8, TEXT(v->w, L("/Adam"))),
                len_field(a, 8, v->k), len_field(a, 8, v->p),
                len_field(a, 8, TEXT(v->p, L("/Adam"))), len_field(a, 8, L("elsewhere")));
}

/* Assigns output `i` of the restore to a variable. */
static tn_str assign(tni_arena *a, const char *name, const char *op, tn_str variable,
                     const char *output)
{
    return node(a, 1, tn_str_of(name), op, TEXT(variable, L(" "), tn_str_of(output)),
                list_attr(a, "_class", TEXT(L("loc:@"), variable)));
}

/* The saver, and a restore of another checkpoint, whose names are its own. */
static tn_str saver(tni_arena *a, const version *v)
{
    tn_str slices =
        TEXT(len_field(a, 8, L("")), len_field(a, 8, L("")), len_field(a, 8, L("")),
             len_field(a, 8, L("4 0,4")), len_field(a, 8, L("4 0,4")), len_field(a, 8, L("")));
    tn_str other = TEXT(len_field(a, 8, L("W")));
    return TEXT(
        node(a, 1, L("save/Const"), "Const", L(""), strings_attr(a, 1, len_field(a, 8, L("W")))),
        node(a, 1, L("save/names"), "Const", L(""), strings_attr(a, 6, keys(a, v))),
        node(a, 1, L("save/slices"), "Const", L(""), strings_attr(a, 6, slices)),
        node(a, 1, L("save/SaveV2"), "SaveV2",
             TEXT(L("save/Const save/names save/slices "), v->w, L(" other/RestoreV2")), L("")),
        node(a, 1, L("save/control"), "Identity", L("save/Const ^save/SaveV2"), L("")),
        node(a, 1, L("save/RestoreV2"), "RestoreV2", L("save/Const save/names save/slices"), L("")),
        assign(a, "save/A0", "Assign", v->w, "save/RestoreV2"),
        assign(a, "save/A1", "Assign", TEXT(v->w, L("/Adam")), "save/RestoreV2:1"),
        assign(a, "save/A2", "AssignVariableOp", v->k, "save/RestoreV2:2"),
        assign(a, "save/A3", "Assign", TEXT(v->p, L("/part_0")), "save/RestoreV2:3"),
        assign(a, "save/A4", "Assign", TEXT(v->p, L("/part_0/Adam")), "save/RestoreV2:4"),
        node(a, 1, L("save/all"), "NoOp", L("^save/A0 ^save/A1 ^save/A2 ^save/A3 ^save/A4"), L("")),
        node(a, 1, L("other/names"), "Const", L(""), strings_attr(a, 1, other)),
        node(a, 1, L("other/RestoreV2"), "RestoreV2", L("save/Const other/names save/slices"),
             L("")));
}

/* Functions: their names are their own, but for keys and by what name a variable is shared. */
static tn_str library(tni_arena *a, const version *v)
{
    tn_str body =
        TEXT(node(a, 3, L("W"), "Const", L(""),
                  TEXT(list_attr(a, "_class", L("loc:@W")),
                       strings_attr(a, 1, len_field(a, 8, L("W"))))),
             node(a, 3, L("handle"), "VarHandleOp", L("W"), text_attr(a, "shared_name", v->k)),
             node(a, 3, L("names"), "Const", L(""), strings_attr(a, 6, keys(a, v))),
             node(a, 3, L("RestoreV2"), "RestoreV2", L("file names:output:0 W"), L("")));
    tn_str first = len_field(a, 1, TEXT(len_field(a, 1, len_field(a, 1, L("plain")))));
    return len_field(
        a, 2, TEXT(first, len_field(a, 1, TEXT(len_field(a, 1, len_field(a, 1, L("f"))), body))));
}

/* A collection of one item that is bytes. */
static tn_str collection(tni_arena *a, const char *key, tn_str item)
{
    return entry(a, 4, key, len_field(a, 2, len_field(a, 1, item)));
}

static tn_str collections(tni_arena *a, const version *v)
{
    tn_str slice = len_field(a, 4, TEXT(len_field(a, 1, v->p)));
    tn_str variable = TEXT(len_field(a, 1, TEXT(v->p, L("/part_0:0"))),
                           len_field(a, 2, TEXT(v->p, L("/part_0/Assign"))),
                           len_field(a, 3, TEXT(v->p, L("/part_0/read:0"))), slice,
                           len_field(a, 6, TEXT(v->w, L("/Initializer/zeros:0"))));
    tn_str values =
        TEXT(len_field(a, 1, TEXT(v->w, L(":0"))), entry(a, 2, "untouched", TEXT(v->k, L(":0"))));
    tn_str cond = TEXT(len_field(a, 1, TEXT(v->w, L("/cond"))), len_field(a, 2, L("pred:0")),
                       len_field(a, 5, values));
    tn_str loop = TEXT(len_field(a, 1, TEXT(L("W"), L("/while"))), /* a frame, of its own name */
                       len_field(a, 5, TEXT(v->k, L("/pivot:0"))), len_field(a, 9, values),
                       len_field(a, 12, len_field(a, 1, cond)));
    tn_str queue =
        TEXT(len_field(a, 1, TEXT(v->w, L("/queue"))), len_field(a, 2, TEXT(v->w, L("/enqueue"))));
    tn_str info = len_field(a, 1, TEXT(v->k, L("/file:0")));
    tn_str asset = TEXT(len_field(a, 1, info), len_field(a, 2, L("W")));
    tn_str any =
        len_field(a, 5, len_field(a, 1, TEXT(len_field(a, 1, L("W")), len_field(a, 2, asset))));
    return TEXT(collection(a, "variables", variable), collection(a, "cond_context", cond),
                collection(a, "while_context", loop), collection(a, "queue_runners", queue),
                collection(a, "mine", L("\x0a\x01W")), entry(a, 4, "saved_model_assets", any),
                entry(a, 4, "train_op", len_field(a, 1, len_field(a, 1, TEXT(v->w, L(":0"))))),
                len_field(a, 6, asset));
}

static tn_str signature(tni_arena *a, const version *v)
{
    tn_str name = len_field(a, 1, TEXT(v->w, L("/read:0")));
    tn_str sparse = len_field(
        a, 4, TEXT(len_field(a, 1, TEXT(v->k, L(":0"))), len_field(a, 3, TEXT(v->w, L(":1")))));
    tn_str composite = len_field(a, 5, TEXT(len_field(a, 1, L("W")), len_field(a, 2, name)));
    tn_str body = TEXT(entry(a, 1, "W", name), entry(a, 1, "sparse", sparse),
                       entry(a, 2, "all", composite), len_field(a, 3, L("W")));
    return entry(a, 5, "W", body);
}

/* A whole MetaGraphDef, with fields that nobody knows, a group among them. */
static tn_str meta_graph(tni_arena *a, const version *v)
{
    tn_str saver_def =
        TEXT(len_field(a, 1, L("save/Const:0")), len_field(a, 2, L("save/control:0")),
             len_field(a, 3, L("save/all")), var_field(a, 7, 2));
    tn_str own = TEXT(len_field(a, 1, var_field(a, 1, 1)), len_field(a, 6, v->k),
                      len_field(a, 8, len_field(a, 6, v->k)));
    tn_str object =
        TEXT(len_field(a, 1, TEXT(len_field(a, 1, len_field(a, 2, L("W"))), len_field(a, 7, own))),
             len_field(a, 1, len_field(a, 9, len_field(a, 1, TEXT(v->w, L("/read"))))),
             len_field(a, 1, len_field(a, 12, len_field(a, 1, TEXT(v->w, L(":0"))))));
    return TEXT(len_field(a, 1, len_field(a, 5, L("2.21.0"))), L("\xfb\x07\x0a\x01W\xfc\x07"),
                len_field(a, 2, TEXT(variables(a, v), saver(a, v), library(a, v))),
                len_field(a, 3, saver_def), collections(a, v), signature(a, v),
                len_field(a, 7, object), len_field(a, 1000, L("W")));
}

/* A file that is open, and what becomes of it. */
typedef struct opened {
    tn_source *source;
    tn_model *model;
    tni_arena arena;
    tni_splices splices;
} opened;

static tn_status open_graph(tn_context *ctx, const char *path, const tni_rekeys *rekeys, opened *o,
                            tn_error *err)
{
    *o = (opened){.model = NULL};
    tni_arena_init(&o->arena, ctx, UINT64_MAX);
    assert_int_equal(tni_source_open(ctx, path, &o->source, NULL), TN_OK);
    tn_error why = {0};
    if (tni_open_nested(ctx, "saved_model", tni_source_retain(o->source), &o->model, &why) !=
        TN_OK) {
        fail_msg("%s: %s", path, why.message);
    }
    return o->model->format->reader->rekey(o->model, rekeys, &o->arena, &o->splices, err);
}

static void close_graph(opened *o)
{
    tni_source_release(o->source);
    tn_model_free(o->model);
    tni_arena_clear(&o->arena);
}

static tn_status take(void *state, const void *data, size_t len, tn_error *err)
{
    tni_buffer_add(state, data, len);
    return tni_buffer_check(state, err);
}

/* Renames within a file; the new bytes are put into `out`. */
static void rename_file(tn_context *ctx, const char *path, const tni_rekeys *rekeys,
                        tni_buffer *out)
{
    opened o;
    tn_error err = {0};
    if (open_graph(ctx, path, rekeys, &o, &err) != TN_OK) {
        fail_msg("%s: %s", path, err.message);
    }
    tni_buffer_init(out, ctx);
    assert_int_equal(tni_splices_run(ctx, o.source, &o.splices, take, out, NULL), TN_OK);
    assert_int_equal(out->len, o.splices.size);
    close_graph(&o);
}

static const char *write_bytes(const tn_scratch *scratch, const char *name, tn_str bytes)
{
    const char *path = tn_scratch_at(scratch, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
    return path;
}

enum { KEYS = 5 };

/* What becomes of the built graph's keys between two versions. */
static tni_rekeys rekeys_of(tni_arena *a, const version *from, const version *to,
                            tni_rekey list[KEYS])
{
    list[0] = (tni_rekey){from->w, to->w, NULL};
    list[1] = (tni_rekey){TEXT(from->w, L("/Adam")), TEXT(to->w, L("/Adam")), NULL};
    list[2] = (tni_rekey){from->k, to->k, NULL};
    list[3] = (tni_rekey){from->p, to->p, NULL};
    list[4] = (tni_rekey){TEXT(from->p, L("/Adam")), TEXT(to->p, L("/Adam")), NULL};
    return (tni_rekeys){list, KEYS, false};
}

/* Long names grow the lengths around them by one byte and by two; a swap is no chain. */
static void every_place(void **state)
{
    tni_arena arena, *a = &arena;
    tn_scratch scratch;
    tni_arena_init(&arena, *state, UINT64_MAX);
    tn_scratch_make(&scratch);
    char long_name[20001];
    memset(long_name, 'n', 20000);
    long_name[20000] = '\0';
    const version versions[] = {
        {L("V"), L("k"), L("t")},
        {L("a/much/longer/scope/of/names/W"), L("scope/kernel"), L("table")},
        {L("scope/kernel"), L("W"), L("scope/kernel/table")},
        {{long_name, 200}, {long_name, 300}, {long_name, 20000}},
        before,
    };
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        tni_rekey list[KEYS];
        tni_buffer out, back;
        const version *to = &versions[i];
        tn_str old = meta_graph(a, &before), wanted = meta_graph(a, to);
        tni_rekeys there = rekeys_of(a, &before, to, list);
        rename_file(*state, write_bytes(&scratch, "old.meta", old), &there, &out);
        assert_int_equal(out.len, wanted.len);
        assert_memory_equal(out.data, wanted.data, wanted.len);
        tni_rekeys again = rekeys_of(a, to, &before, list);
        rename_file(*state, write_bytes(&scratch, "new.meta", wanted), &again, &back);
        assert_int_equal(back.len, old.len);
        assert_memory_equal(back.data, old.data, old.len);
        tni_buffer_clear(&out);
        tni_buffer_clear(&back);
    }
    tn_scratch_remove(&scratch);
    tni_arena_clear(&arena);
}

/* Renames nothing, or each key there and back, in what TensorFlow wrote. */
static void fixtures(void **state)
{
    static const char *const paths[] = {
        SAVED "/good-meta-beside/model.ckpt-3.meta", SAVED "/good-meta-alone/model.ckpt.meta",
        SAVED "/good-tf1-keys/model/saved_model.pb", SAVED "/good-frozen/frozen.pb",
        TN_FIXTURES "/tf_checkpoint/good-v1-plain/model.ckpt-7.meta"};
    tn_scratch scratch;
    tn_scratch_make(&scratch);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        tni_arena arena, *a = &arena;
        opened o;
        tni_arena_init(&arena, *state, UINT64_MAX);
        tni_rekeys none = {NULL, 0, false};
        assert_int_equal(open_graph(*state, paths[i], &none, &o, NULL), TN_OK);
        assert_int_equal(o.splices.count, 0);
        assert_int_equal(o.splices.size, tni_source_size(o.source));
        size_t count = o.model->count;
        tni_rekey *there = calloc(count, sizeof *there), *back = calloc(count, sizeof *back);
        for (size_t k = 0; k < count; k++) {
            tn_str key = o.model->tensors[k].alias[TN_SCHEME_KEY],
                   to = TEXT(L("a/new/scope/"), key);
            there[k] = (tni_rekey){key, to, NULL};
            back[k] = (tni_rekey){to, key, NULL};
        }
        tni_buffer renamed, again, old;
        tni_buffer_init(&old, *state);
        assert_int_equal(tni_splices_run(*state, o.source, &o.splices, take, &old, NULL), TN_OK);
        rename_file(*state, paths[i], &(tni_rekeys){there, count, false}, &renamed);
        const char *name = strrchr(paths[i], '/') + 1;
        bool model = strcmp(name, "saved_model.pb") == 0; /* its variables are not beside it here */
        assert_int_equal(renamed.len == old.len, i == 3);
        if (!model) {
            const char *path = write_bytes(&scratch, name, (tn_str){renamed.data, renamed.len});
            rename_file(*state, path, &(tni_rekeys){back, count, false}, &again);
            assert_int_equal(again.len, old.len);
            assert_memory_equal(again.data, old.data, old.len);
            tni_buffer_clear(&again);
        }
        tni_buffer_clear(&renamed);
        tni_buffer_clear(&old);
        free(there);
        free(back);
        close_graph(&o);
        tni_arena_clear(&arena);
    }
    tn_scratch_remove(&scratch);
}

static void expect_refusal(tn_context *ctx, const char *path, const tni_rekeys *rekeys,
                           tn_code code, const char *said)
{
    opened o;
    tn_error err = {0};
    assert_int_not_equal(open_graph(ctx, path, rekeys, &o, &err), TN_OK);
    assert_int_equal(err.code, code);
    if (strstr(err.message, said) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, said);
    }
    close_graph(&o);
}

/* What the new checkpoint lacks, and names that no graph can have. */
static void refusals(void **state)
{
    const char *path = SAVED "/good-meta-beside/model.ckpt-3.meta";
    const struct {
        tni_rekey key;
        tn_code code;
        const char *said;
    } rows[] = {
        {{L("W"), TN_STR_NONE, "left out"}, TN_E_IMPOSSIBLE, "it restores 'W', which is left out"},
        {{L("W"), L("b"), NULL}, TN_E_COLLISION, "would be called 'b/Initializer/zeros'"},
        {{L("W"), L("save"), NULL}, TN_E_COLLISION, "would be called 'save/Assign'"},
        {{L("W"), L("_W"), NULL}, TN_E_CANNOT_HOLD, "no operation can be called '_W"},
        {{L("W"), L("a b"), NULL}, TN_E_CANNOT_HOLD, "no operation can be called 'a b"},
        {{L("W"), L("/W"), NULL}, TN_E_CANNOT_HOLD, "no operation can be called '/W"},
        {{L("W"), L(""), NULL}, TN_E_CANNOT_HOLD, "no operation can be called '"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tni_rekeys rekeys = {&rows[i].key, 1, false};
        expect_refusal(*state, path, &rekeys, rows[i].code, rows[i].said);
    }
    tni_rekey unknown = {L("nobody"), TN_STR_NONE, "left out"};
    opened o;
    assert_int_equal(open_graph(*state, path, &(tni_rekeys){&unknown, 1, false}, &o, NULL), TN_OK);
    assert_int_equal(o.splices.count, 0);
    close_graph(&o);
}

/* The operations of TensorFlow's first format, text, keys in another form, and too deep. */
static void rare_forms(void **state)
{
    tni_arena arena, *a = &arena;
    tn_scratch scratch;
    tni_arena_init(&arena, *state, UINT64_MAX);
    tn_scratch_make(&scratch);
    tni_rekey key = {L("W"), L("V"), NULL};
    tni_rekeys second = {&key, 1, false}, first = {&key, 1, true};
    tn_str variable = node(a, 1, L("W"), "VariableV2", L(""), L(""));
    tn_str restore = node(a, 1, L("r"), "RestoreSlice", L("file name slice"), L(""));
    tn_str assign_all = node(a, 1, L("all"), "Assign", L("W r"), L(""));
    tn_str scalar = TEXT(var_field(a, 1, 7), len_field(a, 2, L("")), len_field(a, 8, L("W")));
    tn_str name =
        node(a, 1, L("name"), "Const", L(""), entry(a, 5, "value", len_field(a, 8, scalar)));
    tn_str saver_def = len_field(a, 3, len_field(a, 3, L("all")));
    tn_str about = len_field(a, 1, len_field(a, 5, L("1.0.0")));
    const char *path = write_bytes(
        &scratch, "first.meta",
        TEXT(about, len_field(a, 2, TEXT(variable, name, restore, assign_all)), saver_def));
    tni_buffer out;
    expect_refusal(*state, path, &second, TN_E_IMPOSSIBLE, "first checkpoint format alone");
    rename_file(*state, path, &first, &out);
    assert_non_null(memmem(out.data, out.len, "\x42\x01V", 3));
    tni_buffer_clear(&out);

    tn_str content = TEXT(var_field(a, 1, 7), len_field(a, 2, L("")), len_field(a, 4, L("\x01W")));
    name = node(a, 1, L("name"), "Const", L(""), entry(a, 5, "value", len_field(a, 8, content)));
    path = write_bytes(
        &scratch, "content.meta",
        TEXT(about, len_field(a, 2, TEXT(variable, name, restore, assign_all)), saver_def));
    expect_refusal(*state, path, &first, TN_E_UNSUPPORTED, "as one content");

    path = write_bytes(&scratch, "text.meta",
                       L("graph_def { node { name: \"W\" op: \"VariableV2\" } }"));
    expect_refusal(*state, path, &first, TN_E_UNSUPPORTED, "in text form");

    tn_str info = len_field(a, 1, L("W:0"));
    for (int i = 0; i < 200; i++) {
        info = len_field(a, 5, len_field(a, 2, info));
    }
    path = write_bytes(
        &scratch, "deep.meta",
        TEXT(about, len_field(a, 2, variable), entry(a, 5, "s", entry(a, 1, "x", info))));
    expect_refusal(*state, path, &first, TN_E_CORRUPT, "more than 100 deep");
    tn_scratch_remove(&scratch);
    tni_arena_clear(&arena);
}

static int make_context(void **state)
{
    *state = tn_context_new(NULL);
    return *state == NULL;
}

static int free_context(void **state)
{
    tn_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place),
        cmocka_unit_test(fixtures),
        cmocka_unit_test(refusals),
        cmocka_unit_test(rare_forms),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
