/* The real program, with a signal at each of its steps: TERM, INT and HUP unwind and kill, KILL
 * kills. A step is a system call or a frame of the HDF5 helper. Afterwards the output is the old
 * one or the new one, whole: after KILL once `tenon ckpt recover` has run, otherwise at once, with
 * nothing left over. Then the same steps fail, for the exit codes and the sentences.
 *
 * At most TRIALS steps of one conversion are tried for each signal; TN_SWEEP=all tries all. */
#include "faults/proxy.h"
#include "faults/scene.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { TRIALS = 5, ARGUMENTS = 20, TEXT = 4096 };

static proxy helper;
static tn_scratch notes; /* what the program prints and counts */

/* ---------------------------------------------------------------- running it */

/* The command line of a scene's conversion. */
static void arguments_of(const scene *s, const char *argv[ARGUMENTS])
{
    static char shard_size[32];
    size_t n = 0;
    argv[n++] = "tenon";
    if (s->freeze != NULL) {
        argv[n++] = "graph";
        argv[n++] = "freeze";
        argv[n++] = s->in;
        argv[n++] = s->path;
        argv[n++] = "--outputs";
        argv[n++] = s->freeze;
        argv[n++] = s->options.replace ? "-f" : "-q";
        argv[n] = NULL;
        return;
    }
    argv[n++] = "convert";
    argv[n++] = "--to";
    argv[n++] = s->options.to == NULL ? "tf_checkpoint" : s->options.to;
    if (s->options.replace) {
        argv[n++] = "-f";
    }
    if (s->options.link) {
        argv[n++] = "--link";
    }
    if (s->options.weights_only) {
        argv[n++] = "--weights-only";
    }
    if (s->options.max_shard_size > 0) {
        snprintf(shard_size, sizeof shard_size, "%u", (unsigned)s->options.max_shard_size);
        argv[n++] = "--max-shard-size";
        argv[n++] = shard_size;
    }
    if (s->options.n_drop > 0) {
        argv[n++] = "--drop";
        argv[n++] = s->options.drop[0];
    }
    if (s->like != NULL) {
        argv[n++] = "--like";
        argv[n++] = s->like;
    }
    for (size_t i = 0; i < s->options.n_fill; i++) {
        argv[n++] = "--fill";
        argv[n++] = s->options.fill[i];
    }
    if (s->options.n_rename > 0) {
        argv[n++] = "--rename";
        argv[n++] = s->options.rename[0];
    }
    if (s->options.layout != NULL) {
        argv[n++] = "--layout";
        argv[n++] = s->options.layout;
    }
    argv[n++] = s->in;
    argv[n++] = s->path;
    argv[n] = NULL;
}

/* Runs a program with its streams in files of `notes`; returns its wait status. */
static int run(const char *program, const char *const *argv, const char *fault)
{
    int how = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int out = open(tn_scratch_at(&notes, "said"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        signal(SIGINT,
               SIG_DFL); /* a shell's background jobs have it ignored, and tenon heeds that */
        setenv("TN_FAULT", fault, 1);
        setenv("TN_FAULT_CALLS", tn_scratch_at(&notes, "calls"), 1);
        setenv("ASAN_OPTIONS", "quarantine_size_mb=1", 1);
        if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0) {
            _exit(98);
        }
        close(out);
        helper.state->program = getpid();
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(98);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static int run_scene(const scene *s, tn_fault_kind kind, unsigned long at, int number)
{
    const char *argv[ARGUMENTS];
    char fault[64];
    arguments_of(s, argv);
    snprintf(fault, sizeof fault, "%d %lu %d 0", (int)kind, at, number);
    return run(TN_FAULTY, argv, fault);
}

/* Returns what the program printed, in a buffer of its own. */
static const char *said(void)
{
    static char text[TEXT];
    conv_bytes file = conv_load(tn_scratch_at(&notes, "said"));
    snprintf(text, sizeof text, "%.*s", (int)file.len, file.at);
    free(file.at);
    return text;
}

static unsigned long calls_made(void)
{
    unsigned long calls = 0;
    FILE *stream = fopen(tn_scratch_at(&notes, "calls"), "r");
    assert_non_null(stream);
    assert_int_equal(fscanf(stream, "%lu", &calls), 1);
    fclose(stream);
    return calls;
}

/* Fails with all that is known of a run. */
static void wrong(const scene *s, const char *step, unsigned long at, int number, int how,
                  const char *why)
{
    fail_msg("%s: %s %lu, %d: %s (wait status %x): %s", s->title, step, at, number, why,
             (unsigned)how, said());
}

/* ---------------------------------------------------------------- signals */

/* Finishes by the program itself, as a user would. */
static void recover(const scene *s)
{
    const char *const argv[] = {"tenon", "ckpt", "recover", s->out.path, NULL};
    int how = run(TN_PROGRAM, argv, "");
    if (how != 0) {
        wrong(s, "recovery", 0, 0, how, "it failed");
    }
}

static void check_inputs(const scene *s)
{
    char folder[SCENE_PATH];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(s->in, '/') - s->in), s->in);
    assert_true(tn_folder_is(folder, &s->inputs));
}

static void check_signal(const scene *s, const char *step, unsigned long at, int number, int how)
{
    bool killed = WIFSIGNALED(how) && WTERMSIG(how) == number;
    tn_tally(number == SIGKILL  ? "KILL"
             : number == SIGINT ? "INT"
             : number == SIGHUP ? "HUP"
                                : "TERM",
             1);
    bool is_new = scene_is_new(s), is_old = scene_is_old(s);
    if (!killed) {
        wrong(s, step, at, number, how, "it did not die of the signal");
    }
    if (!is_new && !is_old && number == SIGKILL) {
        recover(s);
        is_new = scene_is_new(s);
        is_old = scene_is_old(s);
        tn_tally(is_new ? "left the new one to recovery"
                        : "left the old one, and something to remove",
                 1);
    } else {
        tn_tally(is_new ? "left the new one" : "left the old one", 1);
    }
    if (!is_new && !is_old) {
        wrong(s, step, at, number, how, "neither the old nor the new one");
    }
    check_inputs(s);
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGKILL};

static void signal_at_calls(scene *s)
{
    if (run_scene(s, TN_FAULT_NONE, 0, 0) != 0 || !scene_is_new(s)) {
        wrong(s, "call", 0, 0, 0, "without faults it is another output");
    }
    unsigned long count = calls_made(), step = scene_step(count, TRIALS);
    assert_true(count > 20);
    tn_tally("system calls", count);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        for (unsigned long at = 1 + (i * step) / 4; at <= count; at += step) {
            for (int after = 0; after < (signals[i] == SIGKILL ? 2 : 1); after++) {
                scene_reset(s);
                int how = run_scene(s, after == 1 ? TN_FAULT_DIE_AFTER : TN_FAULT_DIE_BEFORE, at,
                                    signals[i]);
                check_signal(s, after == 1 ? "after call" : "before call", at, signals[i], how);
            }
        }
    }
}

static void calls_are_interrupted(void **state)
{
    scenes_visit(*state, signal_at_calls);
}

static void signal_at_frames(scene *s)
{
    if (!s->helped) {
        return;
    }
    scene_reset(s);
    proxy_set(&helper, PROXY_HONEST, 0);
    if (run_scene(s, TN_FAULT_NONE, 0, 0) != 0 || !scene_is_new(s)) {
        wrong(s, "frame", 0, 0, 0, "without faults it is another output");
    }
    unsigned long count = atomic_load(&helper.state->frames), step = scene_step(count, TRIALS);
    tn_tally("frames of the helper", count);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        for (unsigned long at = 1 + (i * step) / 4; at <= count; at += step) {
            scene_reset(s);
            proxy_set(&helper, PROXY_SIGNALS, at);
            helper.state->signal = signals[i];
            check_signal(s, "frame", at, signals[i], run_scene(s, TN_FAULT_NONE, 0, 0));
        }
    }
}

static void frames_are_interrupted(void **state)
{
    setenv("TN_FAULT_HELPER", helper.path, 1);
    scenes_visit(*state, signal_at_frames);
    unsetenv("TN_FAULT_HELPER");
}

/* ---------------------------------------------------------------- exit codes */

/* The codes of "cannot read" and "could not write", and a sentence of the form `tenon: PATH: …`. */
static void fail_at(scene *s, unsigned long at, int number)
{
    scene_reset(s);
    int how = run_scene(s, TN_FAULT_FAIL, at, number);
    int code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    bool durable = strstr(said(), "could not be synced") != NULL;
    if (code != 0 && code != 3 && code != 5) {
        wrong(s, "failing call", at, number, how, "another exit code");
    }
    if (code != 0 && strncmp(said(), "tenon: /", 8) != 0) {
        wrong(s, "failing call", at, number, how, "no sentence");
    }
    bool new = code == 0 || durable;
    if (!(new ? scene_is_new(s) : scene_is_old(s))) {
        recover(s);
    }
    if (!scene_is_new(s) && (new || !scene_is_old(s))) {
        wrong(s, "failing call", at, number, how, "neither the old nor the new one");
    }
    tn_tally(code == 0   ? "failing call: exit 0"
             : code == 3 ? "failing call: exit 3"
             : durable   ? "failing call: exit 5, durability unknown"
                         : "failing call: exit 5",
             1);
}

static void exit_codes(scene *s)
{
    scene_reset(s);
    assert_int_equal(run_scene(s, TN_FAULT_NONE, 0, 0), 0);
    unsigned long count = calls_made(), step = scene_step(count, 2 * TRIALS);
    for (unsigned long at = 1; at <= count; at += step) {
        fail_at(s, at, EIO);
        fail_at(s, at, ENOSPC);
    }
}

static void calls_fail(void **state)
{
    scenes_visit(*state, exit_codes);
    assert_true(tn_tally_of("failing call: exit 3") > 0 && tn_tally_of("failing call: exit 5") > 0);
}

int main(int argc, char **argv)
{
    proxy_serve(argc, argv);
    conv_in_memory();
    proxy_make(&helper);
    tn_scratch_make(&notes);
    const struct CMUnitTest tests[] = {CONV_TEST(calls_are_interrupted),
                                       CONV_TEST(frames_are_interrupted), CONV_TEST(calls_fail)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tn_scratch_remove(&notes);
    proxy_remove(&helper);
    tn_tally_print();
    return failed;
}
