/* Whatever the HDF5 helper does at any of its frames (it dies, hangs, lies), and whichever call
 * fails that leads to it: the output is the old one or a whole one, and nothing else is left.
 *
 * At most TRIALS frames of one conversion are tried for each way to misbehave, spread evenly;
 * TN_SWEEP=all tries all. Silence is only told by waiting for its end, so few of them are tried:
 * at most SILENCES in all, of every conversation a share with TN_SWEEP=all. */
#include "faults/proxy.h"
#include "faults/scene.h"
#include "formats/shared/hdf5_protocol.h"
#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { TRIALS = 6, SILENCES = 2 };

/* ---------------------------------------------------------------- ways to misbehave */

typedef struct way {
    const char *what;
    proxy_way way;
    bool told; /* such a thing can never go unnoticed */
} way;

static const way ways[] = {
    {"killed", PROXY_KILLED, true},
    {"crashed", PROXY_CRASHES, true},
    {"ended without a word", PROXY_EXITS, true},
    {"ended within a frame", PROXY_CUTS, true},
    {"a frame left out", PROXY_DROPS, false},
    {"a frame twice", PROXY_REPEATS, false},
    {"two frames out of order", PROXY_SWAPS, false},
    {"a frame of another kind", PROXY_RENAMES, true},
    {"a frame too long", PROXY_LONGER, false},
    {"a frame too short", PROXY_SHORTER, false},
    {"a length of 4 GiB", PROXY_HUGE, true},
    {"a wrong number", PROXY_LIES, true},
    {"a bit turned", PROXY_FLIPS, false},
};
static const way silence = {"silent", PROXY_HANGS, true};

static proxy helper;

static void wrong(const scene *s, const char *what, unsigned long at, const char *why,
                  const tn_error *err)
{
    fail_msg("%s: %s at %lu (frame %d): %s: %s: %s: %s", s->title, what, at,
             atomic_load(&helper.state->hit), why, tn_code_name(err->code), err->path,
             err->message);
}

/* What a helper says of values and names cannot be proved. So a lie may be believed, but then what
 * it is believed to be is whole: it opens, and nothing lies beside it. */
static bool is_whole(const scene *s)
{
    tn_model *model = NULL;
    tn_folder now = tn_folder_take(s->out.path);
    bool whole = !now.strange && tn_open(s->c->ctx, s->path, NULL, &model, NULL) == TN_OK;
    for (size_t i = 0; i < now.count; i++) {
        whole = whole && now.files[i].name[0] != '.';
    }
    tn_model_free(model);
    tn_folder_free(&now);
    return whole;
}

/* Tells whether a success is right although something happened. */
static bool is_right(const scene *s, const way *w)
{
    int hit = atomic_load(&helper.state->hit);
    if (w->way == PROXY_LIES) { /* a number that means nothing: the place of what has no bytes */
        return scene_is_new(s) || (hit == TNI_H5_BYTES && is_whole(s));
    }
    return w->told ? hit == 0 && scene_is_new(s) : scene_is_new(s) || is_whole(s);
}

static void check(const scene *s, const way *w, unsigned long at, tn_status status,
                  const tn_error *err)
{
    if (status == TN_OK && !is_right(s, w)) {
        wrong(s, w->what, at, "nobody noticed", err);
    }
    if (status != TN_OK && !scene_is_old(s)) {
        wrong(s, w->what, at, "the old one is not as it was", err);
    }
    if (status != TN_OK && (err->message[0] == '\0' || err->path[0] == '\0')) {
        wrong(s, w->what, at, "no sentence or no path", err);
    }
    bool died = w->way <= PROXY_HANGS;
    if (status != TN_OK && died && status != TN_CORRUPT && status != TN_WRITE &&
        status != TN_UNSUPPORTED && status != TN_VERIFY) {
        wrong(s, w->what, at, "another kind of error", err);
    }
    tn_tally(status != TN_OK   ? "left the old one"
             : scene_is_new(s) ? "left the new one"
                               : "left one that was lied into being, whole",
             1);
}

/* Converts with this context's helper path. */
static tn_status convert(const scene *s, tn_error *err)
{
    return scene_try_with(s, helper.path, err);
}

static void misbehave(scene *s, const way *w, unsigned long at)
{
    tn_error err = {0};
    scene_reset(s);
    proxy_set(&helper, w->way, at);
    check(s, w, at, convert(s, &err), &err);
    tn_tally(w->what, atomic_load(&helper.state->hit) != 0);
}

static void every_frame(scene *s)
{
    static unsigned long silences;
    tn_error err = {0};
    if (!s->helped) {
        return;
    }
    proxy_set(&helper, PROXY_HONEST, 0);
    conv_ok(convert(s, &err), &err);
    assert_true(scene_is_new(s));
    unsigned long count = atomic_load(&helper.state->frames), step = scene_step(count, TRIALS);
    assert_true(count > 5);
    tn_tally("frames of the helper", count);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        for (unsigned long at = 1 + i % step; at <= count; at += step) {
            misbehave(s, &ways[i], at);
        }
    }
    if (silences++ < SILENCES || step == 1) {
        misbehave(s, &silence, 2 + silences % (count - 1));
    }
}

static void helper_misbehaves(void **state)
{
    scenes_visit(*state, every_frame);
    assert_true(tn_tally_of("left the old one") > 200);
}

/* ---------------------------------------------------------------- calls that lead to it */

/* The linker puts these in the place of the system's (-Wl,--wrap). */
static struct {
    unsigned long calls, at;
    int number;
} plan;

static bool fails_now(void)
{
    bool now = ++plan.calls == plan.at;
    errno = now ? plan.number : errno;
    return now;
}

#define WRAPPED(name, type, parameters, arguments, failure)       \
    type __real_##name parameters;                                \
    type __wrap_##name parameters;                                \
    type __wrap_##name parameters                                 \
    {                                                             \
        return fails_now() ? (failure) : __real_##name arguments; \
    }

WRAPPED(posix_spawn, int,
        (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
         const posix_spawnattr_t *attributes, char *const *argv, char *const *envp),
        (pid, path, actions, attributes, argv, envp), plan.number)
WRAPPED(socketpair, int, (int domain, int type, int protocol, int *pair),
        (domain, type, protocol, pair), -1)
WRAPPED(poll, int, (struct pollfd * wanted, nfds_t count, int wait), (wanted, count, wait), -1)
WRAPPED(send, ssize_t, (int fd, const void *data, size_t len, int flags), (fd, data, len, flags),
        -1)
WRAPPED(recv, ssize_t, (int fd, void *data, size_t len, int flags), (fd, data, len, flags), -1)

static void fail_call(scene *s, unsigned long at, int number, const char *what)
{
    tn_error err = {0};
    scene_reset(s);
    tn_tally(what, 1);
    plan.calls = 0;
    plan.at = at;
    plan.number = number;
    tn_status status = scene_try_with(s, NULL, &err);
    plan.at = 0;
    bool sensible = status == TN_READ || status == TN_CORRUPT || status == TN_WRITE ||
                    status == TN_VERIFY || (status == TN_NOMEM && number == ENOMEM);
    if (status == TN_OK ? !scene_is_new(s) : !sensible || !scene_is_old(s) || err.path[0] == '\0') {
        wrong(s, what, at, "neither refused nor made", &err);
    }
    tn_tally(status == TN_OK ? "left the new one" : "left the old one", 1);
}

static void every_call(scene *s)
{
    tn_error err = {0};
    if (!s->helped) {
        return;
    }
    plan.calls = plan.at = 0;
    conv_ok(scene_try_with(s, NULL, &err), &err);
    unsigned long count = plan.calls, step = scene_step(count, 3 * TRIALS);
    assert_true(count > 4);
    for (unsigned long at = 1; at <= count; at += step) {
        fail_call(s, at, EIO, "spawn, poll, send or receive: EIO");
        fail_call(s, at, EAGAIN, "spawn, poll, send or receive: EAGAIN");
        fail_call(s, at, ENOMEM, "spawn, poll, send or receive: ENOMEM");
        fail_call(s, at, EINTR, "spawn, poll, send or receive: EINTR");
    }
}

static void calls_fail(void **state)
{
    scenes_visit(*state, every_call);
}

/* No more descriptors, at every place where one is wanted. */
static void every_descriptor(scene *s)
{
    struct rlimit old, now;
    bool made = false;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    now = old;
    for (now.rlim_cur = scene_descriptors(); !made && now.rlim_cur < 100; now.rlim_cur++) {
        tn_error err = {0};
        scene_reset(s);
        tn_context *ctx = tn_context_new(&(tn_context_options){.threads = 1});
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        tn_status status = scene_run(s, ctx, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        tn_context_free(ctx);
        made = status == TN_OK;
        if (made ? !scene_is_new(s) : !scene_is_old(s)) {
            wrong(s, "descriptors", now.rlim_cur, "neither the old nor the new one", &err);
        }
        if (!made && err.sys_errno != EMFILE) {
            wrong(s, "descriptors", now.rlim_cur, "another reason", &err);
        }
        tn_tally("limits of descriptors", 1);
    }
    assert_true(made);
}

static void descriptors_run_out(void **state)
{
    scenes_visit(*state, every_descriptor);
}

int main(int argc, char **argv)
{
    proxy_serve(argc, argv);
    conv_in_memory();
    proxy_make(&helper);
    const struct CMUnitTest tests[] = {CONV_TEST(helper_misbehaves), CONV_TEST(calls_fail),
                                       CONV_TEST(descriptors_run_out)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    proxy_remove(&helper);
    tn_tally_print();
    return failed;
}
