/* Every system call of a commit goes wrong once: it fails, or the process dies before or after it.
 * Afterwards the target is the old one or the new one, whole, and recovery leaves nothing over. */
#include "io/in_scratch.h"
#include "support/faults.h"
#include "support/tally.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 5 };

typedef struct file {
    const char *name, *text;
} file;

/* Index first in both lists. */
typedef struct scenario {
    const char *title;
    file old_files[MOST], new_files[MOST];
    bool replace, set, no_noreplace, no_fallocate;
} scenario;

#define OLD_SET                                                                        \
    {                                                                                  \
        {"m.index", "old index"}, {"m.data-0-of-1", "old 0/1"}, {"m.data-1", "old 1"}, \
        {                                                                              \
            "m.data-2", "old 2"                                                        \
        }                                                                              \
    }
#define NEW_SET                                               \
    {                                                         \
        {"m.index", "NEW INDEX"}, {"m.data-0-of-1", "NEW 0"}, \
        {                                                     \
            "m.other", "NEW OTHER"                            \
        }                                                     \
    }

static const scenario scenarios[] = {
    {.title = "one file, new", .new_files = {{"m.bin", "NEW"}}},
    {.title = "one file, replaced",
     .old_files = {{"m.bin", "old"}},
     .new_files = {{"m.bin", "NEW"}},
     .replace = true},
    {.title = "one file, new, without RENAME_NOREPLACE and fallocate",
     .new_files = {{"m.bin", "NEW"}},
     .no_noreplace = true,
     .no_fallocate = true},
    {.title = "set of 3, new", .new_files = NEW_SET, .set = true},
    {.title = "set of 3 over a set of 4",
     .old_files = OLD_SET,
     .new_files = NEW_SET,
     .replace = true,
     .set = true},
    {.title = "set of 3, new, without RENAME_NOREPLACE",
     .new_files = NEW_SET,
     .set = true,
     .no_noreplace = true},
    {.title = "set of 3 over a set of 4, without RENAME_NOREPLACE",
     .old_files = OLD_SET,
     .new_files = NEW_SET,
     .replace = true,
     .set = true,
     .no_noreplace = true},
    {.title = "one file over a set of 4",
     .old_files = OLD_SET,
     .new_files = {{"m.index", "NEW"}},
     .replace = true,
     .set = true},
};

/* AddressSanitizer asks for this: a small quarantine makes its thousands of forks cheap. */
TN_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1";
}

static size_t count_files(const file *files)
{
    size_t count = 0;
    while (count < MOST && files[count].name != NULL) {
        count++;
    }
    return count;
}

static tn_status write_files(tni_output *output, const scenario *s, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; i < count_files(s->new_files) && status == TN_OK; i++) {
        tn_sink *sink;
        tn_str text = tn_str_of(s->new_files[i].text);
        status = tni_output_create(output, tn_str_of(s->new_files[i].name), text.len, &sink, err);
        if (status == TN_OK) {
            status = tni_sink_write(sink, 0, text.data, text.len, err);
        }
    }
    return status;
}

static tn_status produce(const scenario *s, tn_error *err)
{
    tn_str names[MOST];
    tni_names old = {names, count_files(s->old_files)};
    for (size_t i = 0; i < old.count; i++) {
        names[i] = tn_str_of(s->old_files[i].name);
    }
    tni_output_options options = {.replace = s->replace, .old = s->set ? &old : NULL};
    tn_str index = tn_str_of(s->new_files[0].name);
    tni_output *output = NULL;
    tn_status status = tni_output_new(ctx, scratch.path, index, &options, &output, err);
    if (status == TN_OK) {
        status = write_files(output, s, err);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, index, err);
    }
    tni_output_free(output);
    return status;
}

static void reset(const scenario *s)
{
    tn_scratch_empty(&scratch);
    tn_scratch_write(&scratch, "bystander", "nobody touches me");
    for (size_t i = 0; i < count_files(s->old_files); i++) {
        tn_scratch_write(&scratch, s->old_files[i].name, s->old_files[i].text);
    }
}

static bool all_there(const file *files)
{
    bool there = true;
    for (size_t i = 0; i < count_files(files); i++) {
        there = there && tn_scratch_is(&scratch, files[i].name, files[i].text);
    }
    return there;
}

/* The files and the bystander, and nothing else. */
static bool is_just(const file *files)
{
    return all_there(files) && tn_scratch_is(&scratch, "bystander", "nobody touches me") &&
           tn_scratch_count(&scratch) == count_files(files) + 1;
}

static bool has_marker(const scenario *s)
{
    bool is = false;
    tn_error err = {0};
    assert_int_equal(
        tni_output_interrupted(ctx, scratch.path, tn_str_of(s->new_files[0].name), &is, &err),
        TN_OK);
    return is;
}

/* Whoever follows the index, with or without knowledge of markers, must never see a mixture. */
static bool never_mixed(const scenario *s)
{
    if (tn_scratch_is(&scratch, s->new_files[0].name, NULL)) {
        return count_files(s->old_files) == 0 || has_marker(s);
    }
    if (tn_scratch_is(&scratch, s->new_files[0].name, s->new_files[0].text)) {
        return all_there(s->new_files);
    }
    return all_there(s->old_files);
}

static void recover_and_check(const scenario *s, bool marker)
{
    ctx->sys = NULL;
    tni_recovery done = {0};
    tn_error err = {0};
    tn_status status = tni_output_recover(ctx, scratch.path, false, &done, &err);
    if (status != TN_OK) {
        fail_msg("%s: recovery: %s: %s", s->title, err.path, err.message);
    }
    assert_int_equal(done.finished, marker ? 1 : 0);
    assert_false(has_marker(s));
    assert_true(is_just(s->new_files) || (!marker && is_just(s->old_files)));
}

static tn_fault_plan plan_of(const scenario *s, tn_fault_kind kind, unsigned long at, int number)
{
    return (tn_fault_plan){.kind = kind,
                           .at = at,
                           .sys_errno = number,
                           .no_noreplace = s->no_noreplace,
                           .no_fallocate = s->no_fallocate};
}

/* Only a fault in cleaning up may leave something. */
static void check_leftovers(const file *files)
{
    unsigned cleaning = TN_CALL_UNLINKAT | TN_CALL_GETDENTS | TN_CALL_FSTATAT;
    if ((tn_faults_hit() & cleaning) == 0) {
        assert_int_equal(tn_scratch_count(&scratch), count_files(files) + 1);
    }
}

static bool fail_once(const scenario *s, unsigned long at, int number)
{
    reset(s);
    ctx->sys = tn_faults(plan_of(s, TN_FAULT_FAIL, at, number));
    tn_error err = {0};
    tn_status status = produce(s, &err);
    bool hit = tn_faults_hit() != 0;
    ctx->sys = NULL;
    bool marker = has_marker(s);
    assert_true(never_mixed(s));
    assert_true(hit || status == TN_OK);
    if (status == TN_OK || err.code == TN_E_DURABILITY) {
        assert_false(marker);
        assert_true(all_there(s->new_files));
        check_leftovers(s->new_files);
    } else {
        assert_int_equal(status, TN_WRITE);
        assert_true(err.message[0] != '\0' && err.path[0] != '\0');
        if (number == ENOSPC && err.sys_errno == ENOSPC) {
            assert_int_equal(err.code, TN_E_NO_SPACE);
        }
        if (marker) {
            assert_non_null(strstr(err.hint, "tenon ckpt recover "));
        } else {
            assert_true(all_there(s->old_files));
            check_leftovers(s->old_files);
        }
    }
    recover_and_check(s, marker);
    tn_tally("calls of a commit failed", hit);
    return hit;
}

/* Runs `produce` or a recovery in a child that dies at a call. False: it came to its end. */
static bool die(const scenario *s, tn_fault_kind kind, unsigned long at, bool recovery)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ctx->sys = tn_faults(plan_of(s, kind, at, 0));
        tni_recovery done;
        tn_status status =
            recovery ? tni_output_recover(ctx, scratch.path, false, &done, NULL) : produce(s, NULL);
        _exit(status == TN_OK ? 0 : 1);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    bool died = WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL;
    assert_true(died || (WIFEXITED(how) && WEXITSTATUS(how) == 0));
    return died;
}

static bool die_once(const scenario *s, tn_fault_kind kind, unsigned long at)
{
    reset(s);
    bool died = die(s, kind, at, false);
    assert_true(never_mixed(s));
    recover_and_check(s, has_marker(s));
    tn_tally("commits killed", died);
    return died;
}

/* The writer dies, and so does the recovery, at each of its calls in turn. */
static void die_twice(const scenario *s, unsigned long at)
{
    bool again = true;
    for (unsigned long second = 1; again; second++) {
        reset(s);
        die(s, TN_FAULT_DIE_AFTER, at, false);
        bool marker = has_marker(s);
        again = die(s, TN_FAULT_DIE_AFTER, second, true);
        assert_true(never_mixed(s));
        recover_and_check(s, has_marker(s));
        assert_true(!marker || all_there(s->new_files));
        tn_tally("recoveries killed", again);
    }
}

/* The recovery itself meets an error at each of its calls in turn; the next one finishes. */
static void recovery_fails(const scenario *s, unsigned long at)
{
    unsigned hit = 1;
    for (unsigned long second = 1; hit != 0; second++) {
        reset(s);
        die(s, TN_FAULT_DIE_AFTER, at, false);
        ctx->sys = tn_faults(plan_of(s, TN_FAULT_FAIL, second, EIO));
        tni_recovery done;
        (void)tni_output_recover(ctx, scratch.path, false, &done, NULL);
        hit = tn_faults_hit();
        ctx->sys = NULL;
        assert_true(never_mixed(s));
        recover_and_check(s, has_marker(s));
        tn_tally("calls of a recovery failed", hit != 0);
    }
}

static void every_call_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        unsigned long n = 1;
        while (fail_once(&scenarios[i], n, EIO)) {
            n++;
        }
        unsigned long m = 1;
        while (fail_once(&scenarios[i], m, ENOSPC)) {
            m++;
        }
        print_message("%s: %lu calls\n", scenarios[i].title, n - 1);
        assert_true(n > 10 && m > 10);
    }
}

static void every_call_is_the_last(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        unsigned long n = 1;
        while (die_once(&scenarios[i], TN_FAULT_DIE_BEFORE, n)) {
            n++;
        }
        n = 1;
        while (die_once(&scenarios[i], TN_FAULT_DIE_AFTER, n)) {
            n++;
        }
        assert_true(n > 10);
    }
}

static void recovery_is_hit_too(void **state)
{
    (void)state;
    static const size_t chosen[] = {4, 5}; /* replaced; new, by hard links */
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        const scenario *s = &scenarios[chosen[i]];
        bool died = true;
        for (unsigned long n = 1; died; n++) {
            reset(s);
            died = die(s, TN_FAULT_DIE_AFTER, n, false);
            if (has_marker(s)) {
                die_twice(s, n);
                recovery_fails(s, n);
            }
        }
    }
}

/* What no crash of a process can show: data is on the disk before a name leads to it. */
static void syncs_come_in_order(void **state)
{
    (void)state;
    const struct {
        size_t scenario;
        const char *log;
    } want[] = {
        {1, "f"  /* the file */
            "rF" /* in place */
            "u" /* staging folder */},
        {2, "f"
            "lF"
            "uu"},
        {4, "fff" /* the members */
            "fFF" /* the marker and what it speaks of */
            "rF"  /* posted */
            "rF"  /* old index aside */
            "rrF" /* members */
            "rF"  /* index */
            "uuF" /* old members */
            "uF"  /* marker */
            "uu" /* the old index, the staging folder */},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const scenario *s = &scenarios[want[i].scenario];
        reset(s);
        ctx->sys = tn_faults(plan_of(s, TN_FAULT_NONE, 0, 0));
        assert_int_equal(produce(s, NULL), TN_OK);
        ctx->sys = NULL;
        assert_string_equal(tn_faults_log(), want[i].log);
    }
}

/* The writer is only stopped, not dead: recovery must keep its hands off. */
static void live_writer_is_left_alone(void **state)
{
    (void)state;
    const scenario *s = &scenarios[4];
    reset(s);
    tni_output *output;
    tni_output_options options = {.replace = true};
    assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("m.index"), &options, &output, NULL),
                     TN_OK);
    tni_recovery done = {9, 9};
    assert_int_equal(tni_output_recover(ctx, scratch.path, false, &done, NULL), TN_OK);
    assert_int_equal(done.staging, 0);
    assert_int_equal(access(tni_output_staged(output), F_OK), 0);
    tni_output_free(output);
    assert_true(is_just(s->old_files));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_fails),          cmocka_unit_test(every_call_is_the_last),
        cmocka_unit_test(recovery_is_hit_too),       cmocka_unit_test(syncs_come_in_order),
        cmocka_unit_test(live_writer_is_left_alone),
    };
    int failed = cmocka_run_group_tests(tests, group_in_scratch, out_of_scratch);
    tn_tally_print();
    return failed;
}
