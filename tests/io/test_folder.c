/* Outputs that are folders: what appears, what is refused, and that at any fault, death or power
 * cut the old one or the new one is there, whole. */
#include "io/in_scratch.h"
#include "support/faults.h"
#include "support/folder.h"
#include "support/power.h"
#include "support/tally.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What lies around the output, before and after: the output is the folder `m`. */
typedef struct file {
    const char *name, *text;
} file;

static const file nothing[] = {{"bystander", "nobody"}, {NULL, NULL}};
static const file old_files[] = {
    {"bystander", "nobody"},    {"m/", ""},        {"m/assets/", ""},
    {"m/main.pb", "old main"},  {"m/values/", ""}, {"m/values/v.data", "old data"},
    {"m/values/v.more", "old"}, {NULL, NULL},
};
static const file new_files[] = {
    {"bystander", "nobody"},
    {"m/", ""},
    {"m/main.pb", "MAIN"},
    {"m/values/", ""},
    {"m/values/v.data", "DATA OF THE NEW"},
    {"m/values/v.index", "INDEX"},
    {NULL, NULL},
};

static tn_folder folder_of(const file *files)
{
    tn_folder folder = {.files = calloc(8, sizeof(tn_folder_file))};
    assert_non_null(folder.files);
    for (; files[folder.count].name != NULL; folder.count++) {
        const file *f = &files[folder.count];
        folder.files[folder.count] =
            (tn_folder_file){strdup(f->name), strdup(f->text), strlen(f->text)};
    }
    return folder;
}

static tn_str known_names[] = {
    {"assets/", 7},        {"main.pb", 7},         {"values/", 7},
    {"values/v.data", 13}, {"values/v.index", 14}, {"values/v.more", 13},
};
static const tni_names known = {known_names, sizeof known_names / sizeof known_names[0]};
static const tni_output_options fresh = {.folder = true};
static const tni_output_options force = {.folder = true, .replace = true, .old = &known};

static tn_status produce(const tni_output_options *options, tn_error *err)
{
    tni_output *output = NULL;
    tn_status status = tni_output_new(ctx, scratch.path, TN_LIT("m"), options, &output, err);
    for (size_t i = 2; new_files[i].name != NULL && status == TN_OK; i++) {
        if (new_files[i].text[0] != '\0') {
            status = put(output, new_files[i].name + 2, new_files[i].text, err);
        }
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, TN_LIT("main.pb"), err);
    }
    tni_output_free(output);
    return status;
}

static void reset(bool with_old)
{
    tn_folder folder = folder_of(with_old ? old_files : nothing);
    tn_scratch_empty(&scratch);
    tn_folder_put(scratch.path, &folder);
    tn_folder_free(&folder);
}

static bool is_just(const char *path, bool new, bool with_old)
{
    tn_folder wanted = folder_of(new ? new_files : with_old ? old_files : nothing);
    bool is = tn_folder_is(path, &wanted);
    tn_folder_free(&wanted);
    return is;
}

static void refused(const tni_output_options *options, tn_code code, const char *subject)
{
    tn_error err = {0};
    tn_folder before = tn_folder_take(scratch.path);
    assert_int_equal(produce(options, &err), tn_code_status(code));
    assert_int_equal(err.code, code);
    assert_string_equal(err.path, tn_scratch_at(&scratch, "m"));
    assert_string_equal(err.subject, subject);
    assert_true(err.hint[0] != '\0');
    assert_true(tn_folder_is(scratch.path, &before));
    tn_folder_free(&before);
}

static void a_folder_appears_whole(void **state)
{
    (void)state;
    struct stat info;
    reset(false);
    mode_t before = umask(027);
    assert_int_equal(produce(&fresh, NULL), TN_OK);
    umask(before);
    assert_true(is_just(scratch.path, true, false));
    assert_int_equal(stat(tn_scratch_at(&scratch, "m"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0750);
    assert_int_equal(stat(tn_scratch_at(&scratch, "m/values"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0750);
    assert_int_equal(stat(tn_scratch_at(&scratch, "m/values/v.data"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void it_is_staged_as_it_will_be(void **state)
{
    (void)state;
    tni_output *output = NULL;
    tn_sink *sink = NULL;
    char staged[1024];
    reset(false);
    assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("m"), &fresh, &output, NULL), TN_OK);
    assert_int_equal(tni_output_create(output, TN_LIT("values/v.data"), 0, &sink, NULL), TN_OK);
    assert_string_equal(tni_sink_path(sink), tn_scratch_at(&scratch, "m/values/v.data"));
    snprintf(staged, sizeof staged, "%s/values/v.data", tni_output_staged(output));
    assert_int_equal(access(staged, R_OK), 0);
    assert_int_not_equal(access(tn_scratch_at(&scratch, "m"), F_OK), 0);
    tni_output_free(output);
    assert_true(is_just(scratch.path, false, false));
}

static void an_old_folder_is_replaced_only_if_asked(void **state)
{
    (void)state;
    reset(true);
    refused(&fresh, TN_E_EXISTS, "");
    assert_int_equal(produce(&force, NULL), TN_OK);
    assert_true(is_just(scratch.path, true, true));
    assert_int_equal(produce(&force, NULL), TN_OK);
    assert_true(is_just(scratch.path, true, true));
}

static void what_is_not_of_the_output_stays(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *file, *subject;
    } cases[] = {
        {NULL, "m/notes.txt", "notes.txt"},
        {NULL, "m/values/notes.txt", "values/notes.txt"},
        {"m/more", NULL, "more/"},
        {"m/assets/deep", NULL, "assets/deep/"},
        {"m/values/v.index", NULL, "values/v.index/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reset(true);
        if (cases[i].folder != NULL) {
            assert_int_equal(mkdir(tn_scratch_at(&scratch, cases[i].folder), 0755), 0);
        } else {
            tn_scratch_write(&scratch, cases[i].file, "mine");
        }
        refused(&force, TN_E_EXISTS, cases[i].subject);
        tn_error err = {0};
        assert_int_equal(tni_folder_holds_only(ctx, tn_scratch_at(&scratch, "m"), &known, &err),
                         TN_EXISTS);
        assert_string_equal(err.subject, cases[i].subject);
    }
    reset(true);
    assert_int_equal(tni_folder_holds_only(ctx, tn_scratch_at(&scratch, "m"), &known, NULL), TN_OK);
    assert_int_equal(tni_folder_holds_only(ctx, tn_scratch_at(&scratch, "none"), &known, NULL),
                     TN_NOT_FOUND);
    assert_int_equal(mkfifo(tn_scratch_at(&scratch, "m/values/v.index"), 0600), 0);
    tn_error err = {0};
    assert_int_equal(produce(&force, &err), TN_EXISTS);
}

static void a_file_is_no_old_folder(void **state)
{
    (void)state;
    reset(false);
    tn_scratch_write(&scratch, "m", "a file");
    refused(&fresh, TN_E_EXISTS, "");
    refused(&force, TN_E_EXISTS, "");
}

static void a_link_to_a_folder_is_followed(void **state)
{
    (void)state;
    reset(true);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "far"), 0755), 0);
    assert_int_equal(rename(tn_scratch_at(&scratch, "m"), tn_scratch_at(&scratch, "far/real")), 0);
    assert_int_equal(symlink("far/real", tn_scratch_at(&scratch, "m")), 0);
    assert_int_equal(produce(&force, NULL), TN_OK);
    assert_true(tn_scratch_is(&scratch, "far/real/main.pb", "MAIN"));
    assert_true(tn_scratch_is(&scratch, "far/real/values/v.more", NULL));
    struct stat info;
    assert_int_equal(lstat(tn_scratch_at(&scratch, "m"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

static void odd_member_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"a/b/c", "../a", "a/..", "/a", "a/", "", ".", "a//b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tni_output *output = NULL;
        tn_sink *sink;
        reset(false);
        assert_int_equal(tni_output_new(ctx, scratch.path, TN_LIT("m"), &fresh, &output, NULL),
                         TN_OK);
        assert_int_equal(tni_output_create(output, tn_str_of(names[i]), 1, &sink, NULL), TN_WRITE);
        tni_output_free(output);
        assert_true(is_just(scratch.path, false, false));
    }
}

static void win_the_race(void)
{
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "m"), 0755), 0);
    tn_scratch_write(&scratch, "m/main.pb", "theirs");
}

static void a_lost_race_replaces_nothing(void **state)
{
    (void)state;
    for (int no_noreplace = 0; no_noreplace < 2; no_noreplace++) {
        tn_error err = {0};
        reset(false);
        ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE,
                                             .calls = TN_CALL_RENAMEAT2,
                                             .at = 1,
                                             .no_noreplace = no_noreplace == 1,
                                             .before = win_the_race});
        assert_int_equal(produce(&fresh, &err), TN_EXISTS);
        ctx->sys = NULL;
        assert_true(tn_scratch_is(&scratch, "m/main.pb", "theirs"));
        assert_int_equal(tn_scratch_count(&scratch), 2);
    }
}

static void add_a_file(void)
{
    tn_scratch_write(&scratch, "m/values/notes.txt", "mine");
}

/* A file that comes into the old folder right before it is replaced makes the two change back. */
static void a_late_file_is_not_lost(void **state)
{
    (void)state;
    tn_error err = {0};
    reset(true);
    ctx->sys = tn_faults((tn_fault_plan){
        .kind = TN_FAULT_NONE, .calls = TN_CALL_RENAMEAT2, .at = 1, .before = add_a_file});
    assert_int_equal(produce(&force, &err), TN_EXISTS);
    ctx->sys = NULL;
    assert_string_equal(err.subject, "values/notes.txt");
    assert_true(tn_scratch_is(&scratch, "m/main.pb", "old main"));
    assert_true(tn_scratch_is(&scratch, "m/values/notes.txt", "mine"));
    assert_int_equal(tn_scratch_count(&scratch), 2);
}

static void without_exchange_nothing_is_replaced(void **state)
{
    (void)state;
    tn_error err = {0};
    reset(true);
    ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE, .no_noreplace = true});
    assert_int_equal(produce(&force, &err), TN_WRITE);
    ctx->sys = NULL;
    assert_int_equal(err.code, TN_E_WRITE);
    assert_non_null(strstr(err.hint, "another name"));
    assert_true(is_just(scratch.path, false, true));
    reset(false);
    ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE, .no_noreplace = true});
    assert_int_equal(produce(&force, NULL), TN_OK);
    ctx->sys = NULL;
    assert_true(is_just(scratch.path, true, false));
}

static void a_busy_old_folder_is_refused(void **state)
{
    (void)state;
    tn_error err = {0};
    reset(true);
    const tni_sys *sys = tni_sys_of(ctx);
    int fd = sys->openat(-1, tn_scratch_at(&scratch, "m"), 0, 0);
    assert_true(fd >= 0 && sys->flock(fd, 2 /* LOCK_EX */) == 0);
    assert_int_equal(produce(&force, &err), tn_code_status(TN_E_BUSY));
    sys->close(fd);
    assert_int_equal(err.code, TN_E_BUSY);
    assert_true(is_just(scratch.path, false, true));
}

/* ---------------------------------------------------------------- faults */

static void recover(void)
{
    tni_recovery done = {0};
    tn_error err = {0};
    if (tni_output_recover(ctx, scratch.path, false, &done, &err) != TN_OK) {
        fail_msg("recovery: %s: %s", err.path, err.message);
    }
    assert_int_equal(done.finished, 0);
}

static bool fail_once(bool replace, unsigned long at, int number)
{
    tn_error err = {0};
    reset(replace);
    ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_FAIL, .at = at, .sys_errno = number});
    tn_status status = produce(replace ? &force : &fresh, &err);
    unsigned hit = tn_faults_hit();
    ctx->sys = NULL;
    bool new = status == TN_OK || err.code == TN_E_DURABILITY;
    unsigned cleaning = TN_CALL_UNLINKAT | TN_CALL_GETDENTS | TN_CALL_FSTATAT | TN_CALL_OPENAT;
    assert_true(hit != 0 || status == TN_OK);
    if (!new) {
        assert_true(status == TN_WRITE || status == TN_READ);
        assert_true(err.message[0] != '\0' && err.path[0] != '\0');
    }
    if (err.code == TN_E_DURABILITY && replace) {
        assert_non_null(strstr(err.hint, "tenon ckpt recover "));
    } else if (!is_just(scratch.path, new, replace)) {
        assert_true((hit & cleaning) != 0);
    }
    recover();
    assert_true(is_just(scratch.path, new, replace));
    tn_tally("calls of a folder's commit failed", hit != 0);
    return hit != 0;
}

static void every_call_fails(void **state)
{
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        unsigned long n = 1, m = 1;
        while (fail_once(replace == 1, n, EIO)) {
            n++;
        }
        while (fail_once(replace == 1, m, ENOSPC)) {
            m++;
        }
        assert_true(n > 25 && m > 25);
    }
}

/* Runs the writer, or a recovery, in a child that dies at a call. False: it came to its end. */
static bool die(bool replace, tn_fault_kind kind, unsigned long at, bool recovery)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tni_recovery done;
        ctx->sys = tn_faults((tn_fault_plan){.kind = kind, .at = at});
        tn_status status = recovery ? tni_output_recover(ctx, scratch.path, false, &done, NULL)
                                    : produce(replace ? &force : &fresh, NULL);
        _exit(status == TN_OK ? 0 : 1);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    bool died = WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL;
    assert_true(died || (WIFEXITED(how) && WEXITSTATUS(how) == 0));
    return died;
}

/* Tells whether the folder at the output's place is the old one, or there is none, or the new one,
 * whatever lies beside it. */
static bool never_mixed(bool replace)
{
    if (tn_scratch_is(&scratch, "m/main.pb", "MAIN")) {
        return tn_scratch_is(&scratch, "m/values/v.data", "DATA OF THE NEW") &&
               tn_scratch_is(&scratch, "m/values/v.index", "INDEX") &&
               tn_scratch_is(&scratch, "m/values/v.more", NULL);
    }
    return replace ? tn_scratch_is(&scratch, "m/main.pb", "old main") &&
                         tn_scratch_is(&scratch, "m/values/v.data", "old data") &&
                         tn_scratch_is(&scratch, "m/values/v.more", "old")
                   : access(tn_scratch_at(&scratch, "m"), F_OK) != 0;
}

static bool die_once(bool replace, tn_fault_kind kind, unsigned long at)
{
    bool again = true;
    reset(replace);
    bool died = die(replace, kind, at, false);
    assert_true(never_mixed(replace));
    bool new = tn_scratch_is(&scratch, "m/main.pb", "MAIN");
    for (unsigned long second = 1; again && at % 5 == 0; second++) {
        again = die(replace, TN_FAULT_DIE_AFTER, second, true);
        assert_true(never_mixed(replace));
        tn_tally("recoveries of a folder killed", again);
    }
    recover();
    assert_true(is_just(scratch.path, new, replace));
    tn_tally("commits of a folder killed", died);
    return died;
}

static void every_call_is_the_last(void **state)
{
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        unsigned long n = 1, m = 1;
        while (die_once(replace == 1, TN_FAULT_DIE_BEFORE, n)) {
            n++;
        }
        while (die_once(replace == 1, TN_FAULT_DIE_AFTER, m)) {
            m++;
        }
        assert_true(n > 25 && m > 25);
    }
}

/* ---------------------------------------------------------------- power */

typedef struct power_test {
    tn_scratch where;
    bool replace;
} power_test;

static void check_cut(void *user, bool complete)
{
    const power_test *t = user;
    tn_scratch outer = scratch;
    scratch = t->where;
    assert_true(never_mixed(t->replace));
    bool new = tn_scratch_is(&scratch, "m/main.pb", "MAIN");
    assert_true(new || !complete);
    recover();
    assert_true(is_just(scratch.path, new, t->replace));
    tn_tally(new ? "power cuts that left the new folder" : "power cuts that left the old one", 1);
    tn_scratch_empty(&scratch);
    scratch = outer;
}

static void power_fails_at_any_moment(void **state)
{
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        power_test t = {.replace = replace == 1};
        reset(t.replace);
        tn_scratch_make(&t.where);
        tn_power *power = tn_power_new(scratch.path);
        ctx->sys = tn_power_sys(power, tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE}));
        assert_int_equal(produce(t.replace ? &force : &fresh, NULL), TN_OK);
        ctx->sys = NULL;
        tn_power_counts counts = tn_power_replay(power, t.where.path, check_cut, &t);
        assert_true(counts.differ > 30);
        tn_power_free(power);
        tn_scratch_remove(&t.where);
    }
    assert_true(tn_tally_of("power cuts that left the new folder") > 5);
    assert_true(tn_tally_of("power cuts that left the old one") > 50);
}

/* What no crash of a process can show: all is on the disk before the folder's name leads to it, and
 * that name before the old one goes. */
static void syncs_come_in_order(void **state)
{
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        reset(replace == 1);
        ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE});
        assert_int_equal(produce(replace == 1 ? &force : &fresh, NULL), TN_OK);
        ctx->sys = NULL;
        assert_string_equal(tn_faults_log(), replace == 1 ? "fff"    /* the files */
                                                            "FF"     /* their folders */
                                                            "rF"     /* in place */
                                                            "uuuuuu" /* the old one */
                                                          : "fffFFrF");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_appears_whole),
        cmocka_unit_test(it_is_staged_as_it_will_be),
        cmocka_unit_test(an_old_folder_is_replaced_only_if_asked),
        cmocka_unit_test(what_is_not_of_the_output_stays),
        cmocka_unit_test(a_file_is_no_old_folder),
        cmocka_unit_test(a_link_to_a_folder_is_followed),
        cmocka_unit_test(odd_member_names_are_refused),
        cmocka_unit_test(a_lost_race_replaces_nothing),
        cmocka_unit_test(a_late_file_is_not_lost),
        cmocka_unit_test(without_exchange_nothing_is_replaced),
        cmocka_unit_test(a_busy_old_folder_is_refused),
        cmocka_unit_test(every_call_fails),
        cmocka_unit_test(every_call_is_the_last),
        cmocka_unit_test(power_fails_at_any_moment),
        cmocka_unit_test(syncs_come_in_order),
    };
    int failed = cmocka_run_group_tests(tests, group_in_scratch, out_of_scratch);
    tn_tally_print();
    return failed;
}
