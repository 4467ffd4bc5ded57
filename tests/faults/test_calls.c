/* Every system call of a conversion goes wrong: it fails once or for good, is interrupted, or moves
 * a single byte. The output is the old one or the new one, whole, and nothing else is left.
 *
 * At most TRIALS places of one conversion are tried for each way to go wrong, spread evenly;
 * TN_SWEEP=all tries all. */
#include "faults/scene.h"
#include <errno.h>

enum { TRIALS = 25 };

/* One way to go wrong. */
typedef struct fault {
    const char *what; /* for the tally */
    tn_fault_kind kind;
    int number; /* errno */
    bool sticky;
    bool harmless; /* the conversion must succeed */
} fault;

static const fault faults[] = {
    {"EIO once", TN_FAULT_FAIL, EIO, false, false},
    {"EIO for good", TN_FAULT_FAIL, EIO, true, false},
    {"ENOSPC once", TN_FAULT_FAIL, ENOSPC, false, false},
    {"ENOSPC for good", TN_FAULT_FAIL, ENOSPC, true, false},
    {"EDQUOT once", TN_FAULT_FAIL, EDQUOT, false, false},
    {"EDQUOT for good", TN_FAULT_FAIL, EDQUOT, true, false},
    {"ENOMEM once", TN_FAULT_FAIL, ENOMEM, false, false},
    {"EINTR once", TN_FAULT_FAIL, EINTR, false, false},
    {"one byte moved, once", TN_FAULT_SHORT, 0, false, true},
    {"one byte moved, for good", TN_FAULT_SHORT, 0, true, true},
};

/* These calls are made again when they are interrupted, so a conversion does not notice. */
static const unsigned resumed = TN_CALL_PREAD | TN_CALL_PWRITE | TN_CALL_FALLOCATE;
/* A fault in cleaning up may leave the staging folder to recovery. */
static const unsigned cleaning = TN_CALL_UNLINKAT | TN_CALL_GETDENTS | TN_CALL_FSTATAT;

/* What one trial did. */
typedef struct outcome {
    const scene *s;
    const fault *fault;
    unsigned long at;
    unsigned hit;
    tn_status status;
    tn_error err;
} outcome;

static void wrong(const outcome *o, const char *why)
{
    fail_msg("%s: %s at call %lu (%x): %s: %s: %s: %s", o->s->title, o->fault->what, o->at, o->hit,
             why, tn_code_name(o->err.code), o->err.path, o->err.message);
}

/* The error is of the right kind and says what and where. */
static void check_error(const outcome *o)
{
    const tn_error *err = &o->err;
    bool full = err->sys_errno == ENOSPC || err->sys_errno == EDQUOT;
    if (o->fault->harmless) {
        wrong(o, "nothing had to fail");
    }
    if (o->fault->number == EINTR && (o->hit & resumed) != 0) {
        wrong(o, "an interruption is no failure");
    }
    bool memory = o->status == TN_NOMEM && o->fault->number == ENOMEM;
    if (o->status != TN_READ && o->status != TN_WRITE && !memory) {
        wrong(o, "neither reading nor writing failed");
    }
    if (err->message[0] == '\0' || err->path[0] == '\0') {
        wrong(o, "no sentence or no path");
    }
    if (o->status == TN_WRITE && full && err->code != TN_E_NO_SPACE &&
        err->code != TN_E_DURABILITY) {
        wrong(o, "a full disk is not named so");
    }
    /* What could not be removed is in the way of what comes next. */
    if (err->sys_errno != 0 && err->sys_errno != o->fault->number &&
        (o->hit & TN_CALL_UNLINKAT) == 0) {
        wrong(o, "another reason than the system's");
    }
}

/* Only a fault in cleaning up leaves something, and a folder that was replaced as long as the disk
 * may not know; only a stopped commit leaves something to finish. */
static void check_folder(const outcome *o)
{
    const scene *s = o->s;
    bool there = o->status == TN_OK || o->err.code == TN_E_DURABILITY;
    bool clean = there ? scene_is_new(s) : scene_is_old(s);
    size_t finished = clean ? 0 : scene_recover(s);
    bool kept = s->folder && s->options.replace && o->err.code == TN_E_DURABILITY &&
                strstr(o->err.hint, "tenon ckpt recover ") != NULL;
    bool explained = (o->hit & cleaning) != 0 || o->fault->sticky || finished > 0 || kept;
    if (!clean && !explained) {
        wrong(o, "something is left over");
    }
    if (finished > 0 && there) {
        wrong(o, "a success was left to recovery");
    }
    if (finished > 0 && strstr(o->err.hint, "tenon ckpt recover ") == NULL) {
        wrong(o, "no hint of the recovery");
    }
    bool new = there || finished > 0;
    if (!(new ? scene_is_new(s) : scene_is_old(s))) {
        wrong(o, "neither the old nor the new one");
    }
    tn_tally(finished > 0 ? "left the new one to recovery"
             : new        ? "left the new one"
                          : "left the old one",
             1);
}

static void fail_call(scene *s, const fault *f, unsigned long at)
{
    outcome o = {.s = s, .fault = f, .at = at};
    tn_fault_plan plan = {.kind = f->kind, .at = at, .sticky = f->sticky, .sys_errno = f->number};
    scene_reset(s);
    tn_tally(f->what, 1);
    o.status = scene_try(s, NULL, tn_faults(plan), &o.err);
    o.hit = tn_faults_hit();
    if (o.status != TN_OK) {
        check_error(&o);
    }
    check_folder(&o);
}

static void every_call(scene *s)
{
    tn_error err = {0};
    conv_ok(scene_try(s, NULL, tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE}), &err), &err);
    unsigned long count = tn_faults_calls(), step = scene_step(count, TRIALS);
    assert_true(count > 20);
    tn_tally("system calls", count);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        /* Each way begins elsewhere, so that together they meet more places. */
        for (unsigned long at = 1 + i % step; at <= count; at += step) {
            fail_call(s, &faults[i], at);
        }
    }
}

static void calls_fail(void **state)
{
    scenes_visit(*state, every_call);
    assert_true(tn_tally_of("left the old one") > 500 && tn_tally_of("left the new one") > 500);
    assert_true(tn_tally_of("left the new one to recovery") > 0);
}

SCENE_MAIN(CONV_TEST(calls_fail))
