/* The texts of `checkpoint` state files, right and wrong. */
#include "formats/shared/state_file.h"
#include "tf_file.h"

typedef struct fixture {
    tn_context *ctx;
    tni_arena arena;
} fixture;

static tni_tf_state parsed(fixture *f, tn_str text)
{
    tni_tf_state state;
    tn_error err = {0};
    if (tni_tf_state_parse(text, "checkpoint", &f->arena, &state, &err) != TN_OK) {
        fail_msg("%.*s: %s", (int)text.len, text.data, err.message);
    }
    return state;
}

static void latest_is(fixture *f, const char *text, tn_str want)
{
    tni_tf_state state = parsed(f, tn_str_of(text));
    if (!tn_str_equal(state.latest, want)) {
        fail_msg("%s: %.*s", text, (int)state.latest.len, state.latest.data);
    }
}

static void real_texts(void **state)
{
    fixture *f = *state;
    tni_tf_state s = parsed(f, TN_LIT("model_checkpoint_path: \"ckpt-2\"\n"
                                      "all_model_checkpoint_paths: \"ckpt-1\"\n"
                                      "all_model_checkpoint_paths: \"ckpt-2\"\n"
                                      "all_model_checkpoint_timestamps: 1704067201.5\n"
                                      "all_model_checkpoint_timestamps: 1704067203.25\n"
                                      "last_preserved_timestamp: 1704067200.0\n"));
    assert_true(tn_str_equal(s.latest, TN_LIT("ckpt-2")));
    assert_int_equal(s.n_all, 2);
    assert_true(tn_str_equal(s.all[0], TN_LIT("ckpt-1")));
    assert_int_equal(s.n_times, 2);
    assert_true(s.times[1] > 1704067203.2 && s.times[1] < 1704067203.3);
    assert_true(s.has_last_preserved && s.last_preserved > 1704067199.0);
    s = parsed(f, TN_LIT(""));
    assert_null(s.latest.data);
    assert_false(s.has_last_preserved);
}

static void spellings(void **state)
{
    fixture *f = *state;
    latest_is(f, "model_checkpoint_path:'a'", TN_LIT("a"));
    latest_is(f, "model_checkpoint_path: \"a\" 'b'\n  \"c\"", TN_LIT("abc"));
    latest_is(f, "# one\nmodel_checkpoint_path # two\n: # three\n\"a\" # four", TN_LIT("a"));
    latest_is(f, "model_checkpoint_path: \"a\"; model_checkpoint_path: \"b\",", TN_LIT("b"));
    latest_is(f, "model_checkpoint_path: \"gr\\303\\274n\"", TN_LIT("gr\303\274n"));
    latest_is(f, "model_checkpoint_path: \"gr\\u00fcn\"", TN_LIT("gr\303\274n"));
    latest_is(f, "model_checkpoint_path: \"\\U0001F600\"", TN_LIT("\xF0\x9F\x98\x80"));
    latest_is(f, "model_checkpoint_path: \"\\ud83d\\ude00\"", TN_LIT("\xF0\x9F\x98\x80"));
    latest_is(f, "model_checkpoint_path: \"\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\?\"",
              TN_LIT("\a\b\f\n\r\t\v\\'\"?"));
    latest_is(f, "model_checkpoint_path: \"\\x41\\x4g\\0\\1017\"", TN_LIT("A\x04g\0A7"));
    latest_is(f, "model_checkpoint_path: \"\xFF\"", TN_LIT("\xFF"));
    latest_is(f, "model_checkpoint_path: \"\"", TN_LIT(""));
    tni_tf_state s = parsed(f, TN_LIT("all_model_checkpoint_paths: [\"a\", 'b']\n"
                                      "all_model_checkpoint_paths: []"
                                      "all_model_checkpoint_timestamps: [1, -2.5e3, 3f, inf]"));
    assert_int_equal(s.n_all, 2);
    assert_int_equal(s.n_times, 4);
    assert_true(s.times[1] < -2499 && s.times[1] > -2501);
}

static void wrong_texts(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, column;
    } cases[] = {
        {"model_checkpoint: \"a\"", 1, 1},
        {"model_checkpoint_path \"a\"", 1, 23},
        {"model_checkpoint_path: a", 1, 24},
        {"model_checkpoint_path: \"a\n\"", 1, 26},
        {"model_checkpoint_path: \"a", 1, 26},
        {"model_checkpoint_path: \"\\q\"", 1, 27},
        {"model_checkpoint_path: \"\\u12\"", 1, 29},
        {"model_checkpoint_path: \"\\ud800\"", 1, 31},
        {"model_checkpoint_path: \"\\777\"", 1, 29},
        {"model_checkpoint_path: \"a\"\nlast_preserved_timestamp: soon", 2, 27},
        {"\n\n  all_model_checkpoint_paths: [\"a\"", 3, 35},
        {"\xEF\xBB\xBFmodel_checkpoint_path: \"a\"", 1, 1},
        {"model_checkpoint_path {}", 1, 23},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tni_tf_state s;
        tn_error err = {0};
        tn_status status =
            tni_tf_state_parse(tn_str_of(cases[i].text), "checkpoint", &f->arena, &s, &err);
        if (status != TN_CORRUPT || err.line != cases[i].line || err.column != cases[i].column) {
            fail_msg("%s: %s at %u:%u: %s", cases[i].text, tn_code_name(err.code), err.line,
                     err.column, err.message);
        }
        assert_string_equal(err.path, "checkpoint");
    }
}

/* Opens a folder whose state file says `text`. */
static tn_status open_folder(tn_context *ctx, const tn_scratch *scratch, const char *text,
                             tn_model **model, tn_error *err)
{
    tn_scratch_write(scratch, "checkpoint", text);
    memset(err, 0, sizeof(*err));
    return tn_open(ctx, scratch->path, NULL, model, err);
}

static void folders(void **state)
{
    fixture *f = *state;
    tn_scratch scratch;
    tn_model *model;
    tn_error err = {0};
    const tf_key keys[] = {{TN_LIT(""), "0801 1a020801"}};
    tn_scratch_make(&scratch);
    write_checkpoint(f->ctx, &scratch, keys, 1, "");
    assert_int_equal(open_folder(f->ctx, &scratch, "model_checkpoint_path: \"c\"", &model, &err),
                     TN_OK);
    assert_int_equal(tn_report_count(tn_model_findings(model)), 0);
    tn_model_free(model);
    /* A folder that was moved: the note says so. */
    assert_int_equal(
        open_folder(f->ctx, &scratch, "model_checkpoint_path: \"/gone/c\"", &model, &err), TN_OK);
    assert_int_equal(tn_report_severity(tn_model_findings(model), TN_SEVERITY_NOTE), 1);
    tn_model_free(model);
    /* Never out of the folder, and never another checkpoint than the one that is named. */
    open_folder(f->ctx, &scratch, "model_checkpoint_path: \"../d\"", &model, &err);
    assert_int_equal(err.code, TN_E_NOT_FOUND);
    /* A state file that cannot be read is left aside with a warning. */
    assert_int_equal(open_folder(f->ctx, &scratch, "what is this", &model, &err), TN_OK);
    assert_int_equal(tn_report_severity(tn_model_findings(model), TN_SEVERITY_WARNING), 1);
    tn_model_free(model);
    tn_scratch_remove(&scratch);
}

static int set_up(void **state)
{
    static fixture f;
    f.ctx = tn_context_new(NULL);
    tni_arena_init(&f.arena, f.ctx, 1 << 20);
    *state = &f;
    return f.ctx == NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tni_arena_clear(&f->arena);
    tn_context_free(f->ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_texts),
        cmocka_unit_test(spellings),
        cmocka_unit_test(wrong_texts),
        cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
