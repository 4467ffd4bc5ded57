/* Folders of checkpoints: what is listed, which is the latest, state files written and mended, and
 * a replacement that is killed at every step. The expected texts are those of TensorFlow 2.21. */
#include "ckpt_folder.h"
#include "formats/shared/state_write.h"
#include "formats/tf_checkpoint/directory.h"
#include "io/output.h"
#include "support/faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static tn_scratch scratch;
static tn_context *ctx;

static void ok(tn_status status, const tn_error *err)
{
    if (status != TN_OK) {
        fail_msg("%s: %s", err->path, err->message);
    }
}

static void put_ckpt(const char *fixture, const char *name)
{
    put_manager_ckpt(&scratch, fixture, name);
}

/* Lists the folder as `prefix class` words. */
static void listed(const char *want)
{
    static const char *const classes[] = {"live", "preserved", "unlisted", "incomplete"};
    tn_ckpt_list list;
    tn_error err = {0};
    char text[1024] = "";
    size_t used = 0;
    ok(tn_ckpt_list_open(ctx, scratch.path, &list, &err), &err);
    for (size_t i = 0; i < list.count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s %s\n",
                                 (int)list.at[i].prefix.len, list.at[i].prefix.data,
                                 classes[list.at[i].kind]);
    }
    snprintf(text + used, sizeof text - used, "latest %.*s\n", (int)list.latest.len,
             list.latest.data == NULL ? "" : list.latest.data);
    tn_ckpt_list_clear(&list);
    assert_string_equal(text, want);
}

/* The latest of a path below the scratch folder; NULL: an error of this code. */
static void latest_is(const char *below, const char *want, tn_code code)
{
    char path[TN_SCRATCH_PATH * 2], found[TN_CKPT_PATH], wanted[TN_SCRATCH_PATH * 2];
    tn_error err = {0};
    snprintf(path, sizeof path, "%s%s", scratch.path, below);
    tn_status status = tn_ckpt_latest(ctx, path, found, &err);
    if (want == NULL) {
        assert_int_equal(err.code, code);
        assert_int_equal(status, tn_code_status(code));
        return;
    }
    ok(status, &err);
    snprintf(wanted, sizeof wanted, "%s/%s", scratch.path, want);
    assert_string_equal(found, wanted);
}

static tn_ckpt_recovered recover(bool rebuild, bool dry)
{
    tn_ckpt_recovered done = {0};
    tn_error err = {0};
    tn_report *report = tn_report_new(ctx);
    ok(tn_ckpt_recover(ctx, scratch.path, rebuild, dry, report, &done, &err), &err);
    tn_report_free(report);
    return done;
}

/* Escapes and numbers as protobuf's text format writes them. */
static void texts(void **state)
{
    (void)state;
    const struct {
        tn_str name;
        const char *text;
    } names[] = {
        {TN_LIT("ckpt-1"), "ckpt-1"},
        {TN_LIT("a b/c"), "a b/c"},
        {TN_LIT("q\"q'q\\q"), "q\\\"q\\'q\\\\q"},
        {TN_LIT("\n\r\t"), "\\n\\r\\t"},
        {TN_LIT("\x01\x1f\x7f"), "\\001\\037\\177"},
        {TN_LIT("\a\b\f\v"), "\\007\\010\\014\\013"},
        {TN_LIT("gr\303\274n"), "gr\303\274n"},
        {TN_LIT("?"), "?"},
        {TN_LIT(""), ""},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tni_tf_state one = {.latest = names[i].name, .all = &names[i].name, .n_all = 1};
        tni_buffer out;
        char want[256];
        tni_buffer_init(&out, ctx);
        tni_tf_state_text(&one, &out);
        tni_buffer_char(&out, '\0');
        snprintf(want, sizeof want,
                 "model_checkpoint_path: \"%s\"\nall_model_checkpoint_paths: \"%s\"\n",
                 names[i].text, names[i].text);
        assert_string_equal(out.data, want);
        tni_buffer_clear(&out);
    }
}

static void times(void **state)
{
    (void)state;
    const double values[] = {1704067204.5, 1704067200, 0, 1e16, 1234567890.123456, 0.1};
    tni_tf_state one = {.latest = TN_LIT("x"),
                        .times = values,
                        .n_times = 6,
                        .has_last_preserved = true,
                        .last_preserved = 1700000000.0625};
    tni_buffer out;
    tni_buffer_init(&out, ctx);
    tni_tf_state_text(&one, &out);
    tni_buffer_char(&out, '\0');
    assert_string_equal(out.data, "model_checkpoint_path: \"x\"\n"
                                  "all_model_checkpoint_timestamps: 1704067204.5\n"
                                  "all_model_checkpoint_timestamps: 1704067200.0\n"
                                  "all_model_checkpoint_timestamps: 0.0\n"
                                  "all_model_checkpoint_timestamps: 1e+16\n"
                                  "all_model_checkpoint_timestamps: 1234567890.123456\n"
                                  "all_model_checkpoint_timestamps: 0.1\n"
                                  "last_preserved_timestamp: 1700000000.0625\n");
    tni_buffer_clear(&out);
}

/* Live, preserved, unlisted, incomplete; by step, then name. */
static void classes(void **state)
{
    (void)state;
    tn_scratch_empty(&scratch);
    listed("latest \n");
    put_ckpt("ckpt-1", "ckpt-10");
    put_ckpt("ckpt-1", "ckpt-9");
    put_ckpt("ckpt-1", "best");
    put_ckpt("ckpt-1", "ckpt-2");
    listed("best unlisted\nckpt-2 unlisted\nckpt-9 unlisted\nckpt-10 unlisted\nlatest \n");
    tn_scratch_write(&scratch, "checkpoint",
                     "model_checkpoint_path: \"/old/ckpt-10\"\n"
                     "all_model_checkpoint_paths: \"/old/ckpt-8\"\n"
                     "all_model_checkpoint_paths: \"/old/ckpt-8\"\n"
                     "all_model_checkpoint_paths: \"/old/ckpt-9\"\n"
                     "all_model_checkpoint_paths: \"/old/ckpt-10\"\n");
    listed("best unlisted\nckpt-2 unlisted\nckpt-8 incomplete\nckpt-9 live\nckpt-10 live\n"
           "latest ckpt-10\n");
    tn_scratch_write(&scratch, "checkpoint",
                     "model_checkpoint_path: \"ckpt-11\"\n"
                     "all_model_checkpoint_paths: \"ckpt-9\"\n"
                     "last_preserved_timestamp: 99999999999.0\n");
    listed("best preserved\nckpt-2 preserved\nckpt-9 live\nckpt-10 preserved\nckpt-11 incomplete\n"
           "latest \n");
    assert_int_equal(unlink(tn_scratch_at(&scratch, "ckpt-9" DATA)), 0);
    tn_scratch_write(&scratch, "ckpt-2.index", "no index");
    listed("best preserved\nckpt-2 incomplete\nckpt-9 incomplete\nckpt-10 preserved\n"
           "ckpt-11 incomplete\nlatest \n");
}

/* A name without a number has the step of its counter, and its place by it: the manager's two were
 * its first and second save. */
static void counters(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        int64_t step;
    } want[] = {{"broken", -1}, {"zero", 1}, {"best", 2}, {"ckpt-3", 3}};
    tn_ckpt_list list;
    tn_error err = {0};
    tn_scratch_empty(&scratch);
    put_ckpt("ckpt-2", "best");
    put_ckpt("ckpt-1", "zero");
    put_ckpt("ckpt-1", "ckpt-3");
    put_ckpt("ckpt-1", "broken");
    tn_scratch_write(&scratch, "broken" DATA, "");
    ok(tn_ckpt_list_open(ctx, scratch.path, &list, &err), &err);
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(tn_str_equal(list.at[i].prefix, tn_str_of(want[i].prefix)));
        assert_int_equal(list.at[i].step, want[i].step);
    }
    tn_ckpt_list_clear(&list);
}

static void set_time(const char *name, time_t time)
{
    const struct timespec both[2] = {{time, 0}, {time, 0}};
    assert_int_equal(utimensat(AT_FDCWD, tn_scratch_at(&scratch, name), both, 0), 0);
}

static void latest(void **state)
{
    (void)state;
    tn_scratch_empty(&scratch);
    latest_is("", NULL, TN_E_NO_CHECKPOINT);
    put_ckpt("ckpt-1", "train-9");
    put_ckpt("ckpt-1", "train-10");
    put_ckpt("ckpt-1", "train_eval-11");
    put_ckpt("ckpt-1", "train-010");
    set_time("train-10.index", 1000);
    set_time("train-010.index", 2000);
    latest_is("", NULL, TN_E_NO_CHECKPOINT); /* nothing names one */
    latest_is("/train", "train_eval-11", 0);
    latest_is("/train-", "train-010", 0);
    set_time("train-10.index", 3000);
    latest_is("/train-", "train-10", 0);
    latest_is("/train-9", "train-9", 0);
    latest_is("/none", NULL, TN_E_NO_CHECKPOINT);
    tn_scratch_write(&scratch, "checkpoint", "model_checkpoint_path: \"/else/where/train-9\"\n");
    latest_is("", "train-9", 0);
    tn_scratch_write(&scratch, "checkpoint", "model_checkpoint_path: \"../train-9\"\n");
    latest_is("", "train-9", 0);
    tn_scratch_write(&scratch, "checkpoint", "model_checkpoint_path: \"train-8\"\n");
    latest_is("", NULL, TN_E_NO_CHECKPOINT);
    tn_scratch_write(&scratch, "checkpoint", "model_checkpoint_path \"train-9\"\n");
    latest_is("", NULL, TN_E_CORRUPT);
}

static void mended(void **state)
{
    (void)state;
    tn_scratch_empty(&scratch);
    put_ckpt("ckpt-1", "ckpt-1");
    put_ckpt("ckpt-2", "ckpt-2");
    const char *stale = "model_checkpoint_path: \"/old/ckpt-3\"\n"
                        "all_model_checkpoint_paths: \"/old/ckpt-1\"\n"
                        "all_model_checkpoint_paths: \"/old/ckpt-2\"\n"
                        "all_model_checkpoint_paths: \"/old/ckpt-3\"\n"
                        "all_model_checkpoint_timestamps: 10.5\n"
                        "all_model_checkpoint_timestamps: 20.5\n"
                        "all_model_checkpoint_timestamps: 30.5\n"
                        "last_preserved_timestamp: 5.0\n";
    tn_scratch_write(&scratch, "checkpoint", stale);
    assert_true(recover(false, true).state_mended);
    assert_true(tn_scratch_is(&scratch, "checkpoint", stale));
    assert_true(recover(false, false).state_mended);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-2\"\n"
                              "all_model_checkpoint_paths: \"ckpt-1\"\n"
                              "all_model_checkpoint_paths: \"ckpt-2\"\n"
                              "all_model_checkpoint_timestamps: 10.5\n"
                              "all_model_checkpoint_timestamps: 20.5\n"
                              "last_preserved_timestamp: 5.0\n"));
    tn_ckpt_recovered again = recover(true, false);
    assert_false(again.state_mended || again.state_rebuilt);
    /* A list that names nothing of this folder stays: there is nothing to put in its place. */
    tn_scratch_write(&scratch, "checkpoint", "model_checkpoint_path: \"gone\"\n");
    again = recover(true, false);
    assert_false(again.state_mended || again.state_rebuilt);
    assert_true(tn_scratch_is(&scratch, "checkpoint", "model_checkpoint_path: \"gone\"\n"));
}

static void rebuilt(void **state)
{
    (void)state;
    tn_scratch_empty(&scratch);
    put_ckpt("ckpt-1", "ckpt-10");
    put_ckpt("ckpt-2", "ckpt-9");
    put_ckpt("ckpt-2", "ckpt-11");
    assert_int_equal(unlink(tn_scratch_at(&scratch, "ckpt-11" DATA)), 0);
    set_time("ckpt-9.index", 1000);
    set_time("ckpt-10.index", 2000);
    assert_false(recover(false, false).state_rebuilt);
    assert_true(recover(true, true).state_rebuilt);
    assert_true(tn_scratch_is(&scratch, "checkpoint", NULL));
    assert_true(recover(true, false).state_rebuilt);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-10\"\n"
                              "all_model_checkpoint_paths: \"ckpt-9\"\n"
                              "all_model_checkpoint_paths: \"ckpt-10\"\n"
                              "all_model_checkpoint_timestamps: 1000.0\n"
                              "all_model_checkpoint_timestamps: 2000.0\n"));
}

static void added(void **state)
{
    (void)state;
    tn_error err = {0};
    tn_scratch_empty(&scratch);
    ok(tn_ckpt_state_add(ctx, tn_scratch_at(&scratch, "a-1"), &err), &err);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"a-1\"\n"
                              "all_model_checkpoint_paths: \"a-1\"\n"));
    ok(tn_ckpt_state_add(ctx, tn_scratch_at(&scratch, "a-2"), &err), &err);
    ok(tn_ckpt_state_add(ctx, tn_scratch_at(&scratch, "a-1"), &err), &err);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"a-1\"\n"
                              "all_model_checkpoint_paths: \"a-2\"\n"
                              "all_model_checkpoint_paths: \"a-1\"\n"));
    tn_scratch_write(&scratch, "checkpoint", "garbage");
    assert_int_equal(tn_ckpt_state_add(ctx, tn_scratch_at(&scratch, "a-3"), &err), TN_CORRUPT);
    assert_true(tn_scratch_is(&scratch, "checkpoint", "garbage"));
}

/* Replaces m by the second checkpoint's files, as `convert -f` does. */
static tn_status replace(tn_error *err)
{
    static tn_str names[] = {{"m" DATA, sizeof "m" DATA - 1}, {"m.index", 7}};
    static const char *const sources[] = {MANAGER "ckpt-2" DATA, MANAGER "ckpt-2.index"};
    const tni_names old = {.at = names, .count = 2};
    const tni_output_options options = {.replace = true, .old = &old};
    tni_output *output = NULL;
    char folder[TN_SCRATCH_PATH + 2];
    snprintf(folder, sizeof folder, "%s/", scratch.path);
    tn_status status = tni_output_new(ctx, folder, names[1], &options, &output, err);
    for (size_t i = 0; status == TN_OK && i < 2; i++) {
        size_t len;
        tn_sink *sink;
        char *text = read_file(sources[i], &len);
        status = tni_output_create(output, names[i], len, &sink, err);
        if (status == TN_OK) {
            status = tni_sink_write(sink, 0, text, len, err);
        }
        free(text);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, names[1], err);
    }
    tni_output_free(output);
    return status;
}

/* Tells which checkpoint's files m has: 1 or 2; 0: a mixture. */
static int generation(void)
{
    size_t len;
    int found = 0;
    for (int which = 1; which <= 2; which++) {
        bool same = true;
        for (int part = 0; part < 2; part++) {
            char path[512], name[64];
            const char *suffix = part == 0 ? DATA : ".index";
            snprintf(path, sizeof path, MANAGER "ckpt-%d%s", which, suffix);
            snprintf(name, sizeof name, "m%s", suffix);
            char *want = read_file(path, &len), *is;
            size_t is_len;
            is = read_file(tn_scratch_at(&scratch, name), &is_len);
            same = same && is_len == len && memcmp(want, is, len) == 0;
            free(want);
            free(is);
        }
        found = same ? which : found;
    }
    return found;
}

/* What a reader meets: a whole set, old or new, or word that it was interrupted. */
static bool read_is_safe(bool *interrupted)
{
    tn_model *model;
    tn_error err = {0};
    char path[TN_SCRATCH_PATH * 2];
    snprintf(path, sizeof path, "%s/m", scratch.path);
    tn_status status = tn_open(ctx, path, NULL, &model, &err);
    *interrupted = false;
    if (status == TN_OK) {
        tn_model_free(model);
        return generation() != 0;
    }
    *interrupted = err.code == TN_E_INTERRUPTED;
    return *interrupted && strstr(err.hint, "tenon ckpt recover ") != NULL &&
           tn_status_exit_code(status) == 3;
}

/* Kills a replacement at call n; false if it was done before. */
static bool kill_at(unsigned long n, tn_fault_kind kind)
{
    pid_t child = fork();
    if (child == 0) {
        ctx->sys = tn_faults((tn_fault_plan){.kind = kind, .at = n});
        _exit(replace(NULL) == TN_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        return false;
    }
    return true;
}

/* At every step: readers see the old set, the new one, or that it was interrupted; recovery leaves
 * the old or the new, and nothing else. */
static void killed(void **state)
{
    (void)state;
    size_t kills = 0, marked = 0, old = 0, new = 0;
    for (int kind = TN_FAULT_DIE_BEFORE; kind <= TN_FAULT_DIE_AFTER; kind++) {
        for (unsigned long n = 1;; n++) {
            bool interrupted;
            tn_scratch_empty(&scratch);
            put_ckpt("ckpt-1", "m");
            if (!kill_at(n, (tn_fault_kind)kind)) {
                assert_int_equal(generation(), 2);
                break;
            }
            kills++;
            if (!read_is_safe(&interrupted)) {
                fail_msg("killed at call %lu: a reader took a mixture", n);
            }
            if (interrupted) {
                listed("m incomplete\nlatest \n");
                latest_is("/m", NULL, TN_E_INTERRUPTED);
                assert_int_equal(recover(false, true).finished, 1);
            }
            marked += interrupted;
            recover(false, false);
            int which = generation();
            assert_true(which == 2 || (which == 1 && !interrupted));
            assert_int_equal(tn_scratch_count(&scratch), 2);
            listed("m unlisted\nlatest \n");
            old += which == 1;
            new += which == 2;
        }
    }
    assert_true(kills > 50 && marked > 5 && old > 5 && new > 5);
}

static int set_up(void **state)
{
    (void)state;
    tn_scratch_make(&scratch);
    ctx = tn_context_new(NULL);
    return ctx == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    tn_context_free(ctx);
    tn_scratch_remove(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),   cmocka_unit_test(times),    cmocka_unit_test(classes),
        cmocka_unit_test(latest),  cmocka_unit_test(counters), cmocka_unit_test(mended),
        cmocka_unit_test(rebuilt), cmocka_unit_test(added),    cmocka_unit_test(killed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
