/* Outputs: what appears, what is refused, and that nothing is left over. */
#include "io/in_scratch.h"
#include "support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const tni_output_options fresh = {.replace = false};
static const tni_output_options force = {.replace = true};

/* Writes the set NAME.data and NAME.index. */
static tn_status pair(const char *name, const char *text, const tni_output_options *options,
                      tn_error *err)
{
    char index[64], data[64];
    snprintf(index, sizeof index, "%s.index", name);
    snprintf(data, sizeof data, "%s.data", name);
    tni_output *output = NULL;
    tn_status status = tni_output_new(ctx, scratch.path, tn_str_of(index), options, &output, err);
    if (status == TN_OK) {
        status = put(output, data, text, err);
    }
    if (status == TN_OK) {
        status = put(output, index, text, err);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, tn_str_of(index), err);
    }
    tni_output_free(output);
    return status;
}

static void refused(const char *name, const tni_output_options *options, tn_code code)
{
    tn_error err = {0};
    assert_int_equal(one(name, "NEW", options, &err), tn_code_status(code));
    assert_int_equal(err.code, code);
    assert_true(err.message[0] != '\0');
    assert_true(err.path[0] != '\0');
}

static void a_file_appears_whole(void **state)
{
    (void)state;
    tni_output *output = NULL;
    tn_sink *sink = NULL;
    assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("a.bin"), &fresh, &output, NULL),
                     TN_OK);
    assert_int_equal(tni_output_create(output, TN_LIT("a.bin"), 6, &sink, NULL), TN_OK);
    assert_string_equal(tni_sink_path(sink), tn_scratch_at(&scratch, "a.bin"));
    assert_int_equal(tni_sink_write(sink, 3, "def", 3, NULL), TN_OK);
    assert_int_equal(tni_sink_write(sink, 0, "abc", 3, NULL), TN_OK);
    tni_sink_written(sink, 0, 6);
    assert_true(tn_scratch_is(&scratch, "a.bin", NULL));
    char staged[1024];
    snprintf(staged, sizeof staged, "%s/a.bin", tni_output_staged(output));
    assert_int_equal(access(staged, R_OK), 0);
    assert_int_equal(tni_output_commit(output, TN_LIT("a.bin"), NULL), TN_OK);
    assert_true(tn_scratch_is(&scratch, "a.bin", "abcdef"));
    assert_int_equal(tn_scratch_count(&scratch), 1);
    assert_int_equal(tni_output_commit(output, TN_LIT("a.bin"), NULL), TN_WRITE);
    tni_output_free(output);
    tni_output_free(NULL);
    assert_int_equal(tn_scratch_count(&scratch), 1);
}

static void without_commit_nothing_stays(void **state)
{
    (void)state;
    tni_output *output = NULL;
    assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("a.bin"), &fresh, &output, NULL),
                     TN_OK);
    assert_int_equal(put(output, "a.bin", "abc", NULL), TN_OK);
    assert_int_equal(put(output, "b.bin", "", NULL), TN_OK);
    tni_output_free(output);
    assert_int_equal(tn_scratch_count(&scratch), 0);
}

static void modes_follow_the_umask(void **state)
{
    (void)state;
    const mode_t masks[] = {022, 077, 0};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t before = umask(masks[i]);
        struct stat info;
        assert_int_equal(one("a.bin", "x", &force, NULL), TN_OK);
        umask(before);
        assert_int_equal(stat(tn_scratch_at(&scratch, "a.bin"), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0666 & ~masks[i]);
    }
}

static void nothing_is_replaced_unasked(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.bin", "old");
    refused("a.bin", &fresh, TN_E_EXISTS);
    assert_true(tn_scratch_is(&scratch, "a.bin", "old"));
    assert_int_equal(one("a.bin", "NEW", &force, NULL), TN_OK);
    assert_true(tn_scratch_is(&scratch, "a.bin", "NEW"));
    assert_int_equal(tn_scratch_count(&scratch), 1);
}

static void win_the_race(void)
{
    tn_scratch_write(&scratch, "a.bin", "theirs");
}

static void a_lost_race_replaces_nothing(void **state)
{
    (void)state;
    for (int lacking = 0; lacking < 2; lacking++) {
        tn_scratch_empty(&scratch);
        ctx->sys = tn_faults((tn_fault_plan){.at = 1,
                                             .calls = lacking ? TN_CALL_LINKAT : TN_CALL_RENAMEAT2,
                                             .no_noreplace = lacking,
                                             .before = win_the_race});
        refused("a.bin", &fresh, TN_E_EXISTS);
        assert_true(tn_faults_hit() != 0);
        assert_true(tn_scratch_is(&scratch, "a.bin", "theirs"));
        assert_int_equal(tn_scratch_count(&scratch), 1);
    }
    ctx->sys = NULL;
}

static void win_the_index(void)
{
    tn_scratch_write(&scratch, "m.index", "theirs");
}

/* The set is stuck then: the foreign file is never touched, and recovery finishes once it is gone.
 */
static void a_set_that_loses_the_race_waits_for_recovery(void **state)
{
    (void)state;
    ctx->sys = tn_faults((tn_fault_plan){
        .at = 3, .calls = TN_CALL_RENAMEAT2, .before = win_the_index}); /* marker, data, index */
    tn_error err = {0};
    assert_int_equal(pair("m", "NEW", &fresh, &err), TN_EXISTS);
    assert_non_null(strstr(err.hint, "tenon ckpt recover "));
    assert_true(tn_scratch_is(&scratch, "m.index", "theirs"));
    ctx->sys = NULL;
    tni_recovery done;
    assert_int_equal(tni_output_recover(ctx, scratch.path, false, &done, NULL), TN_EXISTS);
    assert_true(tn_scratch_is(&scratch, "m.index", "theirs"));
    assert_int_equal(unlink(tn_scratch_at(&scratch, "m.index")), 0);
    assert_int_equal(tni_output_recover(ctx, scratch.path, false, &done, NULL), TN_OK);
    assert_int_equal(done.finished, 1);
    assert_true(tn_scratch_is(&scratch, "m.index", "NEW") &&
                tn_scratch_is(&scratch, "m.data", "NEW"));
    assert_int_equal(tn_scratch_count(&scratch), 2);
}

static void a_taken_member_name_is_refused_early(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "m.data", "theirs");
    tn_error err = {0};
    assert_int_equal(pair("m", "NEW", &fresh, &err), TN_EXISTS);
    assert_string_equal(err.path, tn_scratch_at(&scratch, "m.data"));
    assert_true(tn_scratch_is(&scratch, "m.data", "theirs"));
    assert_int_equal(tn_scratch_count(&scratch), 1);
}

static void a_busy_set_is_refused(void **state)
{
    (void)state;
    tni_output *first = NULL;
    tn_error err = {0};
    assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("m.index"), &force, &first, NULL),
                     TN_OK);
    assert_int_equal(put(first, "m.index", "1", NULL), TN_OK);
    assert_int_equal(put(first, "m.data", "1", NULL), TN_OK);
    tn_scratch_write(&scratch, ".m.index.tenon-commit", "somebody's");
    assert_int_equal(tni_output_commit(first, TN_LIT("m.index"), &err), TN_EXISTS);
    assert_int_equal(err.code, TN_E_BUSY);
    tni_output_free(first);
    refused("m.index", &force, TN_E_BUSY);
    assert_true(tn_scratch_is(&scratch, ".m.index.tenon-commit", "somebody's"));
    assert_int_equal(tn_scratch_count(&scratch), 1);
}

static void links_lead_to_their_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "d"), 0700), 0);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "d/e"), 0700), 0);
    tn_scratch_write(&scratch, "d/real.bin", "old");
    assert_int_equal(symlink("d/e/hop", tn_scratch_at(&scratch, "a.bin")), 0);
    assert_int_equal(symlink("../real.bin", tn_scratch_at(&scratch, "d/e/hop")), 0);
    refused("a.bin", &fresh, TN_E_EXISTS);
    assert_int_equal(one("a.bin", "NEW", &force, NULL), TN_OK);
    assert_true(tn_scratch_is(&scratch, "d/real.bin", "NEW"));
    struct stat info;
    assert_int_equal(lstat(tn_scratch_at(&scratch, "a.bin"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(lstat(tn_scratch_at(&scratch, "d/e/hop"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    /* Dangling and absolute: the file is made where the link says. */
    assert_int_equal(symlink(tn_scratch_at(&scratch, "d/new.bin"), tn_scratch_at(&scratch, "b")),
                     0);
    assert_int_equal(one("b", "fresh", &fresh, NULL), TN_OK);
    assert_true(tn_scratch_is(&scratch, "d/new.bin", "fresh"));
}

static void links_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "d"), 0700), 0);
    assert_int_equal(symlink("loop", tn_scratch_at(&scratch, "loop")), 0);
    assert_int_equal(symlink("d", tn_scratch_at(&scratch, "folder")), 0);
    assert_int_equal(symlink("d/", tn_scratch_at(&scratch, "slash")), 0);
    assert_int_equal(symlink("none/x", tn_scratch_at(&scratch, "lost")), 0);
    assert_int_equal(symlink("/dev/null", tn_scratch_at(&scratch, "null")), 0);
    refused("loop", &force, TN_E_WRITE);
    refused("folder", &force, TN_E_EXISTS);
    refused("slash", &force, TN_E_EXISTS);
    refused("lost", &force, TN_E_WRITE);
    refused("null", &force, TN_E_WRITE);
    assert_int_equal(tn_scratch_count(&scratch), 6);
}

/* The index of a set that is a link: never followed, since its members would go elsewhere. */
static void a_set_replaces_links(void **state)
{
    (void)state;
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "blobs"), 0700), 0);
    tn_scratch_write(&scratch, "blobs/1", "blob");
    assert_int_equal(symlink("blobs/1", tn_scratch_at(&scratch, "m.index")), 0);
    tn_error err = {0};
    assert_int_equal(pair("m", "NEW", &force, &err), TN_EXISTS); /* no list: taken for one file */
    tn_str names[] = {TN_LIT("m.index")};
    tni_names old = {names, 1};
    tni_output_options options = {.replace = true, .old = &old};
    assert_int_equal(pair("m", "NEW", &options, NULL), TN_OK);
    assert_true(tn_scratch_is(&scratch, "m.index", "NEW"));
    assert_true(tn_scratch_is(&scratch, "blobs/1", "blob"));
    assert_int_equal(tn_scratch_count(&scratch), 3);
}

static void odd_targets_are_refused(void **state)
{
    (void)state;
    alarm(10);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "d"), 0700), 0);
    assert_int_equal(mkfifo(tn_scratch_at(&scratch, "fifo"), 0600), 0);
    refused("d", &force, TN_E_EXISTS);
    refused("d", &fresh, TN_E_EXISTS);
    refused("fifo", &force, TN_E_WRITE);
    refused("", &force, TN_E_WRITE);
    refused(".", &force, TN_E_WRITE);
    refused("..", &force, TN_E_WRITE);
    refused("d/x", &force, TN_E_WRITE);
    refused(".x.tenon-commit", &force, TN_E_WRITE);
    refused(".x.tenon-012abc", &force, TN_E_WRITE);
    refused(".tenon-old", &force, TN_E_WRITE);
    tn_error err = {0};
    assert_int_equal(one_in(tn_scratch_at(&scratch, "none"), "a", "x", &fresh, &err), TN_WRITE);
    assert_non_null(strstr(err.hint, "mkdir -p "));
    assert_int_equal(tn_scratch_count(&scratch), 2);
    alarm(0);
}

static void long_names_are_cut_in_the_hidden_ones(void **state)
{
    (void)state;
    char name[257];
    memset(name, 'n', 256);
    name[256] = '\0';
    refused(name, &fresh, TN_E_WRITE);
    name[255] = '\0';
    assert_int_equal(one(name, "x", &fresh, NULL), TN_OK);
    assert_true(tn_scratch_is(&scratch, name, "x"));
    assert_int_equal(tn_scratch_count(&scratch), 1);
}

static void the_current_folder_needs_no_name(void **state)
{
    (void)state;
    int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(scratch.path), 0);
    assert_int_equal(one_in("", "a.bin", "x", &fresh, NULL), TN_OK);
    tni_recovery done = {9, 9};
    assert_int_equal(tni_output_recover(ctx, "", false, &done, NULL), TN_OK);
    assert_int_equal(done.finished + done.staging, 0);
    assert_int_equal(fchdir(before), 0);
    close(before);
    assert_true(tn_scratch_is(&scratch, "a.bin", "x"));
}

static void short_and_interrupted_writes_go_on(void **state)
{
    (void)state;
    ctx->sys = tn_faults((tn_fault_plan){.longest = 2, .interrupt = true});
    assert_int_equal(one("a.bin", "0123456789", &fresh, NULL), TN_OK);
    assert_int_equal(pair("m", "0123456789", &fresh, NULL), TN_OK); /* the marker, too */
    ctx->sys = NULL;
    assert_true(tn_scratch_is(&scratch, "a.bin", "0123456789"));
    assert_true(tn_scratch_is(&scratch, "m.data", "0123456789"));
    assert_int_equal(tn_scratch_count(&scratch), 3);
}

static void the_first_write_error_sticks(void **state)
{
    (void)state;
    tni_output *output = NULL;
    tn_sink *sink = NULL;
    tn_error err = {0};
    ctx->sys = tn_faults(
        (tn_fault_plan){.kind = TN_FAULT_FAIL, .at = 1, .sys_errno = EIO, .calls = TN_CALL_PWRITE});
    assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("a"), &fresh, &output, NULL), TN_OK);
    assert_int_equal(tni_output_create(output, TN_LIT("a"), 3, &sink, NULL), TN_OK);
    assert_int_equal(tni_sink_write(sink, 0, "abc", 3, &err), TN_WRITE);
    assert_int_equal(err.sys_errno, EIO);
    assert_int_equal(tni_sink_write(sink, 0, "abc", 3, NULL), TN_OK);
    assert_int_equal(tni_output_commit(output, TN_LIT("a"), NULL), TN_WRITE);
    tni_output_free(output);
    ctx->sys = NULL;
    assert_int_equal(tn_scratch_count(&scratch), 0);
}

static void writes_stay_in_the_layout(void **state)
{
    (void)state;
    const struct {
        uint64_t offset;
        size_t len;
    } bad[] = {{0, 4}, {3, 1}, {4, 0}, {UINT64_MAX, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tni_output *output = NULL;
        tn_sink *sink = NULL;
        tn_error err = {0};
        assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("a"), &fresh, &output, NULL),
                         TN_OK);
        assert_int_equal(tni_output_create(output, TN_LIT("a"), 3, &sink, NULL), TN_OK);
        assert_int_equal(tni_sink_write(sink, bad[i].offset, "abcd", bad[i].len, &err), TN_VERIFY);
        assert_int_equal(tni_output_commit(output, TN_LIT("a"), NULL), TN_WRITE);
        tni_output_free(output);
    }
    assert_int_equal(tn_scratch_count(&scratch), 0);
}

/* Somebody swaps the folder for another between creation and commit. */
static void the_folder_opened_first_is_written(void **state)
{
    (void)state;
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "d"), 0700), 0);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "other"), 0700), 0);
    tni_output *output = NULL;
    assert_int_equal(
        tni_output_new(ctx, tn_scratch_at(&scratch, "d"), TN_LIT("a"), &fresh, &output, NULL),
        TN_OK);
    assert_int_equal(put(output, "a", "x", NULL), TN_OK);
    assert_int_equal(rename(tn_scratch_at(&scratch, "d"), tn_scratch_at(&scratch, "e")), 0);
    assert_int_equal(symlink("other", tn_scratch_at(&scratch, "d")), 0);
    assert_int_equal(tni_output_commit(output, TN_LIT("a"), NULL), TN_OK);
    tni_output_free(output);
    assert_true(tn_scratch_is(&scratch, "e/a", "x"));
    assert_int_equal(rmdir(tn_scratch_at(&scratch, "other")), 0); /* it is still empty */
}

/* Two processes, one target, many times: it holds one of both, whole; without -f one of them loses.
 */
static void two_writers_never_mix(void **state)
{
    (void)state;
    for (int round = 0; round < 60; round++) {
        tn_scratch_empty(&scratch);
        bool replace = round % 2 == 0;
        pid_t children[2];
        for (int i = 0; i < 2; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                usleep((useconds_t)(i * (round / 2) * 20));
                _exit((int)pair("m", i == 0 ? "first" : "second", replace ? &force : &fresh, NULL));
            }
        }
        int done = 0;
        for (int i = 0; i < 2; i++) {
            int how;
            assert_int_equal(waitpid(children[i], &how, 0), children[i]);
            assert_true(WIFEXITED(how));
            int status = WEXITSTATUS(how);
            assert_true(status == TN_OK || status == TN_EXISTS);
            done += status == TN_OK;
        }
        assert_true(replace ? done >= 1 : done == 1);
        const char *whole = tn_scratch_is(&scratch, "m.index", "first") ? "first" : "second";
        assert_true(tn_scratch_is(&scratch, "m.index", whole));
        assert_true(tn_scratch_is(&scratch, "m.data", whole));
        assert_int_equal(tn_scratch_count(&scratch), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_file_appears_whole),
        IN_SCRATCH(without_commit_nothing_stays),
        IN_SCRATCH(modes_follow_the_umask),
        IN_SCRATCH(nothing_is_replaced_unasked),
        IN_SCRATCH(a_lost_race_replaces_nothing),
        IN_SCRATCH(a_set_that_loses_the_race_waits_for_recovery),
        IN_SCRATCH(a_taken_member_name_is_refused_early),
        IN_SCRATCH(a_busy_set_is_refused),
        IN_SCRATCH(links_lead_to_their_file),
        IN_SCRATCH(links_that_lead_nowhere_are_refused),
        IN_SCRATCH(a_set_replaces_links),
        IN_SCRATCH(odd_targets_are_refused),
        IN_SCRATCH(long_names_are_cut_in_the_hidden_ones),
        IN_SCRATCH(the_current_folder_needs_no_name),
        IN_SCRATCH(short_and_interrupted_writes_go_on),
        IN_SCRATCH(the_first_write_error_sticks),
        IN_SCRATCH(writes_stay_in_the_layout),
        IN_SCRATCH(the_folder_opened_first_is_written),
        IN_SCRATCH(two_writers_never_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
