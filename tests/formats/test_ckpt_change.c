/* Pruning, deleting and renaming in folders of checkpoints: what is planned, what is refused, and
 * what is there when it is stopped at any step. Expected state files are those of TensorFlow 2.21's
 * CheckpointManager with the same list, times and clock. */
#include "ckpt_folder.h"
#include "support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static tn_scratch scratch;
static tn_context *ctx;

static void ok(tn_status status, const tn_error *err)
{
    if (status != TN_OK) {
        fail_msg("%s: %s: %s", err->path, err->subject, err->message);
    }
}

static bool there(const char *name)
{
    struct stat info;
    return lstat(tn_scratch_at(&scratch, name), &info) == 0;
}

static bool has_file(const char *prefix, const char *suffix)
{
    char name[320];
    snprintf(name, sizeof name, "%s%s", prefix, suffix);
    return there(name);
}

static bool whole(const char *prefix)
{
    return has_file(prefix, ".index") && has_file(prefix, DATA);
}

/* Makes ckpt-1 … ckpt-`count`, and a state file that lists them at 1000.5, 2000.5 … */
static void put_row(int count, double preserved)
{
    char text[2048];
    size_t used =
        (size_t)snprintf(text, sizeof text, "model_checkpoint_path: \"ckpt-%d\"\n", count);
    tn_scratch_empty(&scratch);
    for (int i = 1; i <= count; i++) {
        char name[32];
        snprintf(name, sizeof name, "ckpt-%d", i);
        put_manager_ckpt(&scratch, i % 2 == 1 ? "ckpt-1" : "ckpt-2", name);
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "all_model_checkpoint_paths: \"ckpt-%d\"\n", i);
    }
    for (int i = 1; i <= count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "all_model_checkpoint_timestamps: %d.5\n", 1000 * i);
    }
    snprintf(text + used, sizeof text - used, "last_preserved_timestamp: %.1f\n", preserved);
    tn_scratch_write(&scratch, "checkpoint", text);
}

static tn_status plan_prune(uint64_t keep, double every, double now, tn_ckpt_change *change,
                            tn_error *err)
{
    const tn_ckpt_prune_options options = {.keep = keep, .keep_every = every, .now = now};
    tn_report *report = tn_report_new(ctx);
    tn_status status = tn_ckpt_plan_prune(ctx, scratch.path, &options, report, change, err);
    tn_report_free(report);
    return status;
}

static void prune(uint64_t keep, double every, double now)
{
    tn_ckpt_change change;
    tn_error err = {0};
    ok(plan_prune(keep, every, now, &change, &err), &err);
    ok(tn_ckpt_change_run(&change, &err), &err);
    tn_ckpt_change_clear(&change);
}

static void prune_fails(uint64_t keep, double every, tn_code code)
{
    tn_ckpt_change change;
    tn_error err = {0};
    assert_int_equal(plan_prune(keep, every, 0, &change, &err), tn_code_status(code));
    assert_int_equal(err.code, code);
}

static void rm(const char *a, const char *b)
{
    const char *const names[] = {a, b};
    tn_ckpt_change change;
    tn_error err = {0};
    ok(tn_ckpt_plan_rm(ctx, scratch.path, names, b == NULL ? 1 : 2, &change, &err), &err);
    ok(tn_ckpt_change_run(&change, &err), &err);
    tn_ckpt_change_clear(&change);
}

static void rm_fails(const char *name, tn_code code)
{
    tn_ckpt_change change;
    tn_error err = {0};
    tn_ckpt_plan_rm(ctx, scratch.path, &name, 1, &change, &err);
    assert_int_equal(err.code, code);
}

static tn_status rename_to(const char *old, const char *new, tn_error *err)
{
    tn_ckpt_change change;
    tn_status status = tn_ckpt_plan_rename(ctx, scratch.path, old, new, &change, err);
    if (status == TN_OK) {
        status = tn_ckpt_change_run(&change, err);
        tn_ckpt_change_clear(&change);
    }
    return status;
}

static void rename_fails(const char *old, const char *new, tn_code code)
{
    tn_error err = {0};
    size_t before = tn_scratch_count(&scratch);
    rename_to(old, new, &err);
    if (err.code != code) {
        fail_msg("%s to %s: %s, %s", old, new, tn_code_name(err.code), err.message);
    }
    assert_int_equal(tn_scratch_count(&scratch), before);
}

/* The clock is behind the newest times: they count as of now. */
static void clock_behind(void **state)
{
    (void)state;
    put_row(4, 500);
    prune(2, 0, 3500);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-4\"\n"
                              "all_model_checkpoint_paths: \"ckpt-3\"\n"
                              "all_model_checkpoint_paths: \"ckpt-4\"\n"
                              "all_model_checkpoint_timestamps: 3000.5\n"
                              "all_model_checkpoint_timestamps: 3500.0\n"
                              "last_preserved_timestamp: 500.0\n"));
    assert_true(!has_file("ckpt-1", ".index") && !has_file("ckpt-2", DATA));
    assert_true(whole("ckpt-3") && whole("ckpt-4"));
    assert_int_equal(tn_scratch_count(&scratch), 5);
}

/* What is not newer than the last one kept for good leaves the list, and stays. */
static void already_preserved(void **state)
{
    (void)state;
    put_row(4, 1500);
    prune(1, 3600, 3500);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-4\"\n"
                              "all_model_checkpoint_paths: \"ckpt-4\"\n"
                              "all_model_checkpoint_timestamps: 3500.0\n"
                              "last_preserved_timestamp: 1500.0\n"));
    assert_true(whole("ckpt-1") && whole("ckpt-4"));
    assert_int_equal(tn_scratch_count(&scratch), 5);
}

/* Just as old as it must be is old enough: of what lies hours apart those on the hour stay. */
static void kept_for_good(void **state)
{
    (void)state;
    put_row(5, 0);
    tn_scratch_write(&scratch, "checkpoint",
                     "model_checkpoint_path: \"ckpt-5\"\n"
                     "all_model_checkpoint_paths: "
                     "[\"ckpt-1\", \"ckpt-2\", \"ckpt-3\", \"ckpt-4\", \"ckpt-5\"]\n"
                     "all_model_checkpoint_timestamps: [1000, 4600, 4601, 8200, 9000]\n");
    prune(1, 3600, 1e6);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-5\"\n"
                              "all_model_checkpoint_paths: \"ckpt-5\"\n"
                              "all_model_checkpoint_timestamps: 9000.0\n"
                              "last_preserved_timestamp: 8200.0\n"));
    assert_true(whole("ckpt-2") && whole("ckpt-4") && whole("ckpt-5"));
    assert_int_equal(tn_scratch_count(&scratch), 7);
}

/* The plan of a prune, as `action prefix: reason` lines. */
static void plan_is(uint64_t keep, double every, const char *want)
{
    static const char *const words[] = {"keep", "unlist", "delete", "rename"};
    tn_ckpt_change change;
    tn_error err = {0};
    char text[2048] = "";
    size_t used = 0;
    ok(plan_prune(keep, every, 0, &change, &err), &err);
    for (size_t i = 0; i < change.count; i++) {
        const tn_ckpt_step *step = &change.steps[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %.*s: %.*s\n",
                                 words[step->action], (int)step->ckpt->prefix.len,
                                 step->ckpt->prefix.data, (int)step->reason.len, step->reason.data);
    }
    tn_ckpt_change_clear(&change);
    assert_string_equal(text, want);
}

static void reasons(void **state)
{
    (void)state;
    put_row(6, 1500);
    put_manager_ckpt(&scratch, "ckpt-1", "ckpt-0");
    put_manager_ckpt(&scratch, "ckpt-1", "ckpt-9");
    const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, tn_scratch_at(&scratch, "ckpt-0.index"), old, 0), 0);
    tn_scratch_write(&scratch, "ckpt-2.index", "no index");
    plan_is(2, 2000,
            "keep ckpt-0: kept for good before\n"
            "unlist ckpt-1: not newer than the last one kept for good\n"
            "unlist ckpt-2: its index cannot be read, so which files are its own is not known\n"
            "delete ckpt-3: older than the last 2\n"
            "unlist ckpt-4: kept for good from now on\n"
            "keep ckpt-5: one of the last 2\n"
            "keep ckpt-6: the latest\n"
            "keep ckpt-9: the state file does not list it\n");
    prune(2, 2000, 0);
    assert_true(tn_scratch_is(&scratch, "ckpt-2.index", "no index"));
    assert_true(has_file("ckpt-2", DATA) && !has_file("ckpt-3", DATA));
    assert_true(whole("ckpt-0") && whole("ckpt-1") && whole("ckpt-4") && whole("ckpt-9"));
}

/* Times that are not there, and a latest that is not the last: it stays whatever happens. */
static void odd_lists(void **state)
{
    (void)state;
    put_row(4, 0);
    tn_scratch_write(
        &scratch, "checkpoint",
        "model_checkpoint_path: \"ckpt-1\"\n"
        "all_model_checkpoint_paths: [\"ckpt-1\", \"/x/ckpt-2\", \"ckpt-3\", \"ckpt-4\"]\n"
        "all_model_checkpoint_timestamps: [1.5, 2.5]\n");
    plan_is(1, 0,
            "keep ckpt-1: the latest\n"
            "delete ckpt-2: older than the last 1\n"
            "unlist ckpt-3: the state file has no time for it\n"
            "unlist ckpt-4: the state file has no time for it\n");
    prune(1, 0, 0);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-1\"\n"
                              "all_model_checkpoint_paths: \"ckpt-1\"\n"
                              "all_model_checkpoint_timestamps: 1.5\n"));
    put_row(3, 0);
    tn_scratch_write(
        &scratch, "checkpoint",
        "all_model_checkpoint_paths: \"ckpt-3\"\nall_model_checkpoint_paths: \"ckpt-1\"\n"
        "all_model_checkpoint_paths: \"ckpt-2\"\n");
    prune(2, 0, 0);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-2\"\n"
                              "all_model_checkpoint_paths: \"ckpt-1\"\n"
                              "all_model_checkpoint_paths: \"ckpt-2\"\n"));
    /* Named twice: the first place, the last time. A latest that is not listed is taken up. */
    put_row(3, 0);
    tn_scratch_write(&scratch, "checkpoint",
                     "model_checkpoint_path: \"ckpt-3\"\n"
                     "all_model_checkpoint_paths: [\"ckpt-1\", \"ckpt-2\", \"ckpt-1\"]\n"
                     "all_model_checkpoint_timestamps: [5, 6, 7]\n");
    const struct timespec past[2] = {{9, 0}, {9, 0}};
    assert_int_equal(utimensat(AT_FDCWD, tn_scratch_at(&scratch, "ckpt-3.index"), past, 0), 0);
    prune(3, 0, 0);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-3\"\n"
                              "all_model_checkpoint_paths: \"ckpt-1\"\n"
                              "all_model_checkpoint_paths: \"ckpt-2\"\n"
                              "all_model_checkpoint_paths: \"ckpt-3\"\n"
                              "all_model_checkpoint_timestamps: 7.0\n"
                              "all_model_checkpoint_timestamps: 6.0\n"
                              "all_model_checkpoint_timestamps: 9.0\n"));
}

/* What looks like a part of the set and is none stays; the .meta goes. */
static void strangers(void **state)
{
    (void)state;
    static const char *const names[] = {"ckpt-1.data-00001-of-00002", "ckpt-1.index.bak",
                                        "ckpt-1.data-00000-of-00001x", "ckpt-1", "ckpt-11.meta"};
    put_row(2, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tn_scratch_write(&scratch, names[i], "not mine");
    }
    tn_scratch_write(&scratch, "ckpt-1.meta", "graph");
    prune(1, 0, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(tn_scratch_is(&scratch, names[i], "not mine"));
    }
    assert_true(!has_file("ckpt-1", ".index") && !has_file("ckpt-1", DATA));
    assert_false(there("ckpt-1.meta"));
    assert_int_equal(tn_scratch_count(&scratch), 3 + sizeof names / sizeof names[0]);
    /* A name that is cut at a NUL would be another checkpoint's. */
    put_row(2, 0);
    tn_scratch_write(
        &scratch, "checkpoint",
        "model_checkpoint_path: \"ckpt-2\"\n"
        "all_model_checkpoint_paths: [\"ckpt-1\\000x\", \"ckpt-9\\000\", \"ckpt-2\"]\n");
    tn_scratch_write(&scratch, "ckpt-9.meta", "not of the second");
    prune(1, 0, 0);
    assert_true(there("ckpt-9.meta"));
    assert_true(whole("ckpt-1") && whole("ckpt-2"));
}

static void prune_refused(void **state)
{
    (void)state;
    put_row(3, 0);
    prune_fails(0, 0, TN_E_USAGE);
    assert_int_equal(unlink(tn_scratch_at(&scratch, "ckpt-3.index")), 0);
    prune_fails(1, 0, TN_E_NO_CHECKPOINT); /* the latest is gone: the others are all there is */
    put_row(3, 0);
    tn_scratch_write(&scratch, ".ckpt-3.index.tenon-commit", "");
    prune_fails(1, 0, TN_E_INTERRUPTED);
    rm_fails("ckpt-3", TN_E_INTERRUPTED);
    rename_fails("ckpt-3", "x", TN_E_INTERRUPTED);
    put_row(3, 0);
    tn_scratch_write(&scratch, "checkpoint",
                     "model_checkpoint_path: \"ckpt-3\"\nall_model_checkpoint_paths: \"ckpt-3\"\n");
    prune_fails(1, 60, TN_E_IMPOSSIBLE);
    tn_scratch_write(&scratch, "checkpoint", "");
    prune_fails(1, 0, TN_E_NO_CHECKPOINT);
    tn_scratch_write(&scratch, "checkpoint", "garbage");
    prune_fails(1, 0, TN_E_CORRUPT);
    assert_int_equal(unlink(tn_scratch_at(&scratch, "checkpoint")), 0);
    prune_fails(1, 0, TN_E_NO_CHECKPOINT);
    assert_int_equal(tn_scratch_count(&scratch), 6);
}

static void deleted(void **state)
{
    (void)state;
    put_row(3, 500);
    put_manager_ckpt(&scratch, "ckpt-1", "aside");
    char *before, *after;
    size_t len;
    before = read_file(tn_scratch_at(&scratch, "checkpoint"), &len);
    rm("aside", NULL);
    after = read_file(tn_scratch_at(&scratch, "checkpoint"), &len);
    assert_string_equal(before, after);
    free(before);
    free(after);
    rm("ckpt-3", "ckpt-3");
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-2\"\n"
                              "all_model_checkpoint_paths: \"ckpt-1\"\n"
                              "all_model_checkpoint_paths: \"ckpt-2\"\n"
                              "all_model_checkpoint_timestamps: 1000.5\n"
                              "all_model_checkpoint_timestamps: 2000.5\n"
                              "last_preserved_timestamp: 500.0\n"));
    rm("ckpt-1", NULL);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-2\"\n"
                              "all_model_checkpoint_paths: \"ckpt-2\"\n"
                              "all_model_checkpoint_timestamps: 2000.5\n"
                              "last_preserved_timestamp: 500.0\n"));
    rm_fails("ckpt-1", TN_E_NO_CHECKPOINT);
    rm_fails("ckpt", TN_E_NO_CHECKPOINT);
    rm_fails("", TN_E_NO_CHECKPOINT);
    /* Its index is gone: the data file is not known to be its own. */
    assert_int_equal(unlink(tn_scratch_at(&scratch, "ckpt-2.index")), 0);
    rm("ckpt-2", NULL);
    assert_false(there("checkpoint"));
    assert_true(has_file("ckpt-2", DATA));
    assert_int_equal(tn_scratch_count(&scratch), 1);
    put_row(1, 0);
    tn_scratch_write(&scratch, "ckpt-1.index", "no index");
    rm_fails("ckpt-1", TN_E_CORRUPT);
    assert_int_equal(tn_scratch_count(&scratch), 3);
}

static void renamed(void **state)
{
    (void)state;
    struct stat before, after;
    tn_error err = {0};
    put_row(3, 500);
    tn_scratch_write(&scratch, "ckpt-2.meta", "graph");
    tn_scratch_write(&scratch, "ckpt-2.index.bak", "not mine");
    const struct timespec past[2] = {{1234, 5}, {1234, 5}};
    assert_int_equal(utimensat(AT_FDCWD, tn_scratch_at(&scratch, "ckpt-2.index"), past, 0), 0);
    assert_int_equal(stat(tn_scratch_at(&scratch, "ckpt-2.index"), &before), 0);
    ok(rename_to("ckpt-2", "b\303\274st one", &err), &err);
    assert_int_equal(stat(tn_scratch_at(&scratch, "b\303\274st one.index"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(after.st_mtim.tv_sec, 1234);
    assert_int_equal(after.st_nlink, 1);
    assert_true(tn_scratch_is(&scratch, "b\303\274st one.meta", "graph"));
    assert_true(has_file("b\303\274st one", DATA) && there("ckpt-2.index.bak"));
    assert_int_equal(tn_scratch_count(&scratch), 9);
    assert_true(tn_scratch_is(&scratch, "checkpoint",
                              "model_checkpoint_path: \"ckpt-3\"\n"
                              "all_model_checkpoint_paths: \"ckpt-1\"\n"
                              "all_model_checkpoint_paths: \"b\303\274st one\"\n"
                              "all_model_checkpoint_paths: \"ckpt-3\"\n"
                              "all_model_checkpoint_timestamps: 1000.5\n"
                              "all_model_checkpoint_timestamps: 2000.5\n"
                              "all_model_checkpoint_timestamps: 3000.5\n"
                              "last_preserved_timestamp: 500.0\n"));
    put_row(1, 0);
    tn_scratch_write(&scratch, "checkpoint", "model_checkpoint_path: \"/old/place/ckpt-1\"\n");
    ok(rename_to("ckpt-1", "x", &err), &err);
    assert_true(tn_scratch_is(&scratch, "checkpoint", "model_checkpoint_path: \"x\"\n"));
    tn_scratch_write(&scratch, "checkpoint", "model_checkpoint_path: \"/old/place/other\"\n");
    ok(rename_to("x", "y", &err), &err); /* not of the state file's: it stays as it is */
    assert_true(
        tn_scratch_is(&scratch, "checkpoint", "model_checkpoint_path: \"/old/place/other\"\n"));
    assert_true(whole("y"));
}

static void rename_refused(void **state)
{
    (void)state;
    char longest[252], most[TN_SCRATCH_PATH];
    put_row(3, 0);
    rename_fails("ckpt-4", "x", TN_E_NO_CHECKPOINT);
    rename_fails("ckpt-1", "ckpt-2", TN_E_EXISTS);
    rename_fails("ckpt-1", "ckpt-1", TN_E_EXISTS);
    rename_fails("ckpt-1", "", TN_E_USAGE);
    rename_fails("ckpt-1", "../x", TN_E_USAGE);
    rename_fails("ckpt-1", "checkpoint", TN_E_USAGE);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    rename_fails("ckpt-1", longest, TN_E_USAGE); /* the index's name fits, the data file's not */
    static const char *const left[] = {"n.data-00007-of-00009", "n.meta", "n.index"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        tn_scratch_write(&scratch, left[i], "somebody's");
        rename_fails("ckpt-1", "n", TN_E_EXISTS);
        snprintf(most, sizeof most, "%s", tn_scratch_at(&scratch, left[i]));
        assert_int_equal(unlink(most), 0);
    }
    tn_scratch_write(&scratch, "checkpoint",
                     "model_checkpoint_path: \"ckpt-3\"\nall_model_checkpoint_paths: \"n\"\n");
    rename_fails("ckpt-1", "n", TN_E_EXISTS);
    assert_int_equal(unlink(tn_scratch_at(&scratch, "ckpt-1" DATA)), 0);
    rename_fails("ckpt-1", "m", TN_E_MISSING_FILE);
}

/* A training that saves between plan and deed keeps what it wrote; of two tenons one waits. */
static void others_at_work(void **state)
{
    (void)state;
    tn_ckpt_change change;
    tn_error err = {0};
    put_row(3, 0);
    ok(plan_prune(1, 0, 0, &change, &err), &err);
    tn_scratch_write(&scratch, "checkpoint",
                     "model_checkpoint_path: \"ckpt-1\"\nall_model_checkpoint_paths: \"ckpt-1\"\n");
    assert_int_equal(tn_ckpt_change_run(&change, &err), TN_READ);
    assert_int_equal(err.code, TN_E_CHANGED);
    tn_ckpt_change_clear(&change);
    assert_int_equal(tn_scratch_count(&scratch), 7);
    put_row(3, 0);
    int folder = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(folder, LOCK_EX | LOCK_NB), 0);
    err = (tn_error){0};
    ok(plan_prune(1, 0, 0, &change, &err), &err);
    tn_ckpt_change_run(&change, &err);
    assert_int_equal(err.code, TN_E_BUSY);
    assert_int_equal(tn_scratch_count(&scratch), 7);
    close(folder);
    err = (tn_error){0};
    ok(tn_ckpt_change_run(&change, &err), &err);
    tn_ckpt_change_clear(&change);
    assert_int_equal(tn_scratch_count(&scratch), 3);
}

/* The deeds that are stopped at every step. */
typedef enum deed { PRUNE, RM, RM_LAST, RENAME, DEEDS } deed;

static tn_status plan_deed(deed what, tn_ckpt_change *change, tn_error *err)
{
    static const char *const names[] = {"ckpt-4", "ckpt-1"};
    return what == PRUNE    ? plan_prune(2, 0, 0, change, err)
           : what == RENAME ? tn_ckpt_plan_rename(ctx, scratch.path, "ckpt-4", "new", change, err)
                            : tn_ckpt_plan_rm(ctx, scratch.path, names + (what == RM_LAST),
                                              what == RM_LAST ? 1 : 2, change, err);
}

static void put_deed(deed what)
{
    put_row(what == RM_LAST ? 1 : 4, 0);
    tn_scratch_write(&scratch, "ckpt-1.meta", "graph");
    tn_scratch_write(&scratch, "ckpt-1.index.bak", "not mine");
}

/* Opens a checkpoint of the folder by its prefix. */
static bool opens(const char *prefix)
{
    char path[TN_SCRATCH_PATH * 2];
    tn_model *model;
    snprintf(path, sizeof path, "%s/%s", scratch.path, prefix);
    if (tn_open(ctx, path, NULL, &model, NULL) != TN_OK) {
        return false;
    }
    tn_model_free(model);
    return true;
}

/* Holds what is true at every moment: the state file is whole and its latest opens; whatever it
 * lists opens; a checkpoint that has an index opens, so none is half gone; who asks for the renamed
 * one gets it under one of its names; strangers stay. */
static void invariants(deed what, const char *when, unsigned long n)
{
    tn_ckpt_list list;
    tn_error err = {0};
    char latest[TN_CKPT_PATH];
    tn_model *model;
    if (there("checkpoint")) {
        ok(tn_ckpt_latest(ctx, scratch.path, latest, &err), &err);
        ok(tn_open(ctx, latest, NULL, &model, &err), &err);
        tn_model_free(model);
    } else {
        assert_int_equal(what, RM_LAST);
    }
    ok(tn_ckpt_list_open(ctx, scratch.path, &list, &err), &err);
    for (size_t i = 0; i < list.count; i++) {
        const tn_ckpt *ckpt = &list.at[i];
        /* A link that was posted and not yet finished is told as interrupted. */
        if (ckpt->kind == TN_CKPT_INCOMPLETE && !(what == RENAME && ckpt->interrupted)) {
            fail_msg("deed %d, %s call %lu: %.*s is half gone", (int)what, when, n,
                     (int)ckpt->prefix.len, ckpt->prefix.data);
        }
    }
    tn_ckpt_list_clear(&list);
    assert_true(what != RENAME || opens("ckpt-4") || opens("new"));
    assert_true(what != PRUNE || (whole("ckpt-3") && whole("ckpt-4")));
    assert_true(what != RM || (whole("ckpt-2") && whole("ckpt-3")));
    assert_true(tn_scratch_is(&scratch, "ckpt-1.index.bak", "not mine"));
}

static void is_done(deed what)
{
    static const size_t files[DEEDS] = {6, 6, 1, 11};
    invariants(what, "after the last", 0);
    assert_int_equal(tn_scratch_count(&scratch), files[what]);
    assert_true(what != RENAME || (whole("new") && !has_file("ckpt-4", DATA)));
}

static tn_status run_faulty(deed what, tn_fault_plan plan, tn_error *err)
{
    tn_ckpt_change change;
    ok(plan_deed(what, &change, err), err);
    const tni_sys *real = ctx->sys;
    ctx->sys = tn_faults(plan);
    tn_status status = tn_ckpt_change_run(&change, err);
    ctx->sys = real;
    tn_ckpt_change_clear(&change);
    return status;
}

/* Kills a deed at call n; false if it was done before. */
static bool kill_at(deed what, unsigned long n, tn_fault_kind kind)
{
    pid_t child = fork();
    if (child == 0) {
        tn_error err = {0};
        _exit(run_faulty(what, (tn_fault_plan){.kind = kind, .at = n}, &err) == TN_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void recover(void)
{
    tn_ckpt_recovered done;
    tn_error err = {0};
    tn_report *report = tn_report_new(ctx);
    ok(tn_ckpt_recover(ctx, scratch.path, false, false, report, &done, &err), &err);
    tn_report_free(report);
}

static void killed(void **state)
{
    (void)state;
    size_t kills = 0;
    for (int what = 0; what < DEEDS; what++) {
        for (int kind = TN_FAULT_DIE_BEFORE; kind <= TN_FAULT_DIE_AFTER; kind++) {
            for (unsigned long n = 1;; n++) {
                put_deed((deed)what);
                if (!kill_at((deed)what, n, (tn_fault_kind)kind)) {
                    is_done((deed)what);
                    break;
                }
                kills++;
                invariants((deed)what, "killed at", n);
                recover();
                invariants((deed)what, "recovered after", n);
                assert_true(what != RENAME || whole("ckpt-4") || whole("new"));
            }
        }
    }
    assert_true(kills > 200);
}

/* A call that fails ends the deed with an error, or does not matter; doing it again finishes. */
static void failing(void **state)
{
    (void)state;
    size_t errors = 0;
    for (int what = 0; what < DEEDS; what++) {
        for (unsigned long n = 1;; n++) {
            tn_error err = {0};
            put_deed((deed)what);
            const tn_fault_plan plan = {.kind = TN_FAULT_FAIL, .at = n, .sys_errno = EIO};
            tn_status status = run_faulty((deed)what, plan, &err);
            if (tn_faults_hit() == 0) {
                ok(status, &err);
                break;
            }
            invariants((deed)what, "failed at", n);
            if (status == TN_OK) {
                recover(); /* a staging folder that could not be removed */
                is_done((deed)what);
            } else {
                errors++;
                assert_true(err.message[0] != '\0');
                assert_int_equal(tn_status_exit_code(status) == 5 || err.code == TN_E_READ ||
                                     err.code == TN_E_CHANGED,
                                 1);
            }
        }
    }
    assert_true(errors > 50);
}

/* The order on the disk: the state file is there before the first index goes, each index is gone
 * before its data files are. */
static void synced(void **state)
{
    (void)state;
    tn_error err = {0};
    put_row(2, 0);
    tn_ckpt_change change;
    ok(plan_prune(1, 0, 0, &change, &err), &err);
    const tni_sys *real = ctx->sys;
    ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE});
    ok(tn_ckpt_change_run(&change, &err), &err);
    ctx->sys = real;
    tn_ckpt_change_clear(&change);
    /* state file: synced, renamed, folder synced, its empty staging folder removed */
    assert_string_equal(tn_faults_log(), "frFu"
                                         "uFuF");
}

/* A renamed file is the same file, also where the file system could clone it. */
static void never_cloned(void **state)
{
    (void)state;
    tn_error err = {0};
    put_row(2, 0);
    const tni_sys *real = ctx->sys;
    ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE, .calls = TN_CALL_CLONE});
    ok(rename_to("ckpt-2", "new", &err), &err);
    ctx->sys = real;
    assert_int_equal(tn_faults_calls(), 0);
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
        cmocka_unit_test(clock_behind),   cmocka_unit_test(already_preserved),
        cmocka_unit_test(kept_for_good),  cmocka_unit_test(reasons),
        cmocka_unit_test(odd_lists),      cmocka_unit_test(strangers),
        cmocka_unit_test(prune_refused),  cmocka_unit_test(deleted),
        cmocka_unit_test(renamed),        cmocka_unit_test(rename_refused),
        cmocka_unit_test(others_at_work), cmocka_unit_test(killed),
        cmocka_unit_test(failing),        cmocka_unit_test(synced),
        cmocka_unit_test(never_cloned),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
