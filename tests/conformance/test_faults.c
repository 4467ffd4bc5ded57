/* Every allocation and every system call of a conversion goes wrong once, for each pair of formats
 * that can be written. The output is the old one or the new one, whole, and nothing else is left.
 *
 * At most TRIALS places of one conversion are tried, spread evenly; TN_SWEEP=all tries all. */
#include "converters/conv.h"
#include "converters/conv_fixtures.h"
#include "support/faults.h"
#include <errno.h>

enum { TRIALS = 400, OPEN_TRIALS = 60, PATHS = 2 * TN_SCRATCH_PATH };

/* AddressSanitizer asks for this: a small quarantine makes thousands of conversions cheap. */
TN_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1";
}

typedef struct failing {
    unsigned long calls, at; /* at 0: none fails */
    bool sticky;
} failing;

static void *failing_resize(void *user, void *block, size_t bytes)
{
    failing *f = user;
    f->calls++;
    bool now = f->at != 0 && (f->sticky ? f->calls >= f->at : f->calls == f->at);
    return now ? NULL : realloc(block, bytes == 0 ? 1 : bytes);
}

static void failing_release(void *user, void *block)
{
    (void)user;
    free(block);
}

static tn_context *failing_context(failing *f)
{
    tn_allocator allocator = {failing_resize, failing_release, f};
    *f = (failing){.calls = 0};
    tn_context *ctx = tn_context_new(&(tn_context_options){.allocator = &allocator, .threads = 1});
    assert_non_null(ctx);
    return ctx;
}

static unsigned long step_for(unsigned long places, unsigned long trials)
{
    const char *all = getenv("TN_SWEEP");
    bool every = (all != NULL && strcmp(all, "all") == 0) || places <= trials;
    return every ? 1 : places / trials + 1;
}

/* All names and bytes in a folder, one behind the other. */
static conv_bytes snapshot(const tn_scratch *scratch)
{
    struct dirent **names;
    conv_bytes all = {malloc(1), 0};
    int n = scandir(scratch->path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_type == DT_REG) {
            conv_bytes file = conv_load(tn_scratch_at(scratch, names[i]->d_name));
            size_t len = strlen(names[i]->d_name) + 1;
            all.at = realloc(all.at, all.len + len + file.len + 1);
            memcpy(all.at + all.len, names[i]->d_name, len);
            memcpy(all.at + all.len + len, file.at, file.len);
            all.len += len + file.len;
            free(file.at);
        } else if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0) {
            all.at[0] = '\0'; /* a folder that should not be there: equal to nothing */
            all.len = 1;
        }
        free(names[i]);
    }
    free(names);
    return all;
}

static bool is_like(const tn_scratch *scratch, const conv_bytes *wanted)
{
    conv_bytes now = snapshot(scratch);
    bool same = now.len == wanted->len && memcmp(now.at, wanted->at, now.len) == 0;
    free(now.at);
    return same;
}

/* One conversion that is made again and again. */
typedef struct scene {
    conv *c;        /* holds the inputs */
    tn_scratch out; /* holds the output, and nothing else */
    char in[PATHS], first[PATHS], path[PATHS];
    tn_convert_options options, old_options;
    conv_bytes old, new;
} scene;

/* Puts the old output into its place. */
static void scene_reset(scene *s)
{
    tn_scratch_empty(&s->out);
    if (s->options.replace) {
        conv_must(s->c->ctx, s->first, s->path, &s->old_options);
    }
}

/* Takes the outputs before and after a conversion without faults. */
static void scene_settle(scene *s)
{
    scene_reset(s);
    s->old = snapshot(&s->out);
    conv_must(s->c->ctx, s->in, s->path, &s->options);
    s->new = snapshot(&s->out);
    assert_false(is_like(&s->out, &s->old));
}

/* Legacy files of Keras take weights alone from other formats. */
static bool holds_slots(const tn_format *format)
{
    return strcmp(format->name, "keras_h5") != 0;
}

/* `from` wrote the input; `to` writes the output, over an old set of three files if `replace`. */
static void scene_start(scene *s, conv *c, const tn_format *from, const tn_format *to, bool replace)
{
    static const char *const scope[] = {"my_model/**"}, *const weight[] = {"my_model/W"};
    char name[64];
    bool all = holds_slots(from) && holds_slots(to);
    *s = (scene){.c = c};
    tn_scratch_make(&s->out);
    snprintf(s->first, sizeof(s->first), "%s/tf_checkpoint/good-v1-adam/model.ckpt", TN_FIXTURES);
    snprintf(name, sizeof(name), "in%s", from->extensions[0]);
    snprintf(s->in, sizeof(s->in), "%s", conv_at(c, name));
    conv_must(c->ctx, s->first, s->in,
              &(tn_convert_options){.to = from->name, .weights_only = !all, .replace = true});
    snprintf(name, sizeof(name), "out%s", to->extensions[0]);
    snprintf(s->path, sizeof(s->path), "%s", tn_scratch_at(&s->out, name));
    s->options = (tn_convert_options){.to = to->name, .replace = replace, .weights_only = !all};
    s->old_options = (tn_convert_options){.to = to->name,
                                          .only = all ? scope : weight,
                                          .n_only = 1,
                                          .max_shard_size = 60,
                                          .weights_only = !all};
    scene_settle(s);
    /* Without faults nothing is lost. */
    tn_differences d = conv_diff(c->ctx, s->in, s->path, NULL);
    assert_int_equal(d.equal, all ? 9 : 2);
    assert_int_equal(d.different + d.only_a + d.only_b, 0);
}

/* A checkpoint whose object graph and strings are made anew. */
static void graph_start(scene *s, conv *c, const char *fixture, const char *const *drop)
{
    *s = (scene){.c = c};
    tn_scratch_make(&s->out);
    snprintf(s->in, sizeof(s->in), "%s/tf_checkpoint/%s/ckpt", TN_FIXTURES, fixture);
    snprintf(s->path, sizeof(s->path), "%s", tn_scratch_at(&s->out, "ckpt-1"));
    s->options = (tn_convert_options){.drop = drop, .n_drop = drop != NULL};
    scene_settle(s);
}

static void scene_end(scene *s)
{
    free(s->old.at);
    free(s->new.at);
    tn_scratch_remove(&s->out);
}

/* Calls `each` for every pair of formats that are written and read, new and replacing. */
static void every_pair(conv *c, void (*each)(scene *s, unsigned long *trials), const char *what)
{
    unsigned long trials = 0;
    size_t pairs = 0;
    for (const tn_format *const *from = tni_formats(); *from != NULL; from++) {
        for (const tn_format *const *to = tni_formats(); *to != NULL; to++) {
            bool able = (*from)->writer != NULL && (*from)->reader != NULL &&
                        (*to)->writer != NULL && (*to)->reader != NULL;
            for (int replace = 0; able && replace < 2; replace++) {
                scene s;
                scene_start(&s, c, *from, *to, replace == 1);
                each(&s, &trials);
                scene_end(&s);
                pairs++;
            }
        }
    }
    print_message("%zu conversions, %lu %s\n", pairs, trials, what);
    assert_true(pairs >= 8 && trials > 100);
}

static void fail_allocation(scene *s, unsigned long at, bool sticky)
{
    failing f;
    tn_error err = {0};
    tn_context *ctx = failing_context(&f);
    f = (failing){.at = at, .sticky = sticky};
    tn_status status = conv_run(ctx, s->in, s->path, &s->options, NULL, &err);
    tn_context_free(ctx);
    if (status == TN_OK && !sticky) {
        assert_true(is_like(&s->out, &s->new));
        scene_reset(s);
    } else if (status != TN_NOMEM || !is_like(&s->out, &s->old)) {
        fail_msg("%s: allocation %lu of %s: %s: %s", s->path, at, s->in, tn_code_name(err.code),
                 err.message);
    }
}

static void every_allocation(scene *s, unsigned long *trials)
{
    failing f;
    tn_context *ctx = failing_context(&f);
    f = (failing){.at = 0};
    scene_reset(s);
    conv_must(ctx, s->in, s->path, &s->options);
    tn_context_free(ctx);
    unsigned long count = f.calls, step = step_for(count, TRIALS);
    scene_reset(s);
    for (unsigned long at = 1; at <= count; at += step) {
        fail_allocation(s, at, false);
        fail_allocation(s, at, true);
        *trials += 2;
    }
}

static void allocations_fail(void **state)
{
    every_pair(*state, every_allocation, "allocations failed");
}

/* Finishes what was interrupted; removes what a fault in cleaning up left. */
static void recover(scene *s, bool *finished_out)
{
    tni_recovery done = {0};
    tn_error err = {0};
    conv_ok(tni_output_recover(s->c->ctx, s->out.path, false, &done, &err), &err);
    *finished_out = done.finished > 0;
}

/* Returns whether the call was made at all. */
static bool fail_call(scene *s, unsigned long at)
{
    static const unsigned cleaning = TN_CALL_UNLINKAT | TN_CALL_GETDENTS | TN_CALL_FSTATAT;
    bool finished = false;
    tn_error err = {0};
    scene_reset(s);
    tn_context *ctx = tn_context_new(&(tn_context_options){.threads = 1});
    ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_FAIL, .at = at, .sys_errno = EIO});
    tn_status status = conv_run(ctx, s->in, s->path, &s->options, NULL, &err);
    unsigned hit = tn_faults_hit();
    tn_context_free(ctx);
    bool there = status == TN_OK || err.code == TN_E_DURABILITY;
    bool sensible = there || status == TN_READ || status == TN_WRITE;
    bool clean = is_like(&s->out, there ? &s->new : &s->old);
    if (!clean) {
        recover(s, &finished);
    }
    bool explained = (hit & cleaning) != 0 || finished;
    if (!sensible || (!clean && !explained) ||
        !is_like(&s->out, there || finished ? &s->new : &s->old) ||
        (!there && (err.message[0] == '\0' || err.path[0] == '\0'))) {
        fail_msg("%s from %s: call %lu (%x): %s: %s: %s; clean %d finished %d", s->path, s->in, at,
                 hit, tn_code_name(err.code), err.path, err.message, clean, finished);
    }
    return hit != 0;
}

static void every_call(scene *s, unsigned long *trials)
{
    scene_reset(s);
    tn_context *ctx = tn_context_new(&(tn_context_options){.threads = 1});
    ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE});
    conv_must(ctx, s->in, s->path, &s->options);
    unsigned long count = tn_faults_calls(), step = step_for(count, TRIALS);
    tn_context_free(ctx);
    assert_true(count > 20);
    for (unsigned long at = 1; at <= count; at += step) {
        fail_call(s, at);
        ++*trials;
    }
}

static void system_calls_fail(void **state)
{
    every_pair(*state, every_call, "system calls failed");
}

/* The same where more than payload is written. */
static void graphs_fail(void **state)
{
    static const char *const fixtures[] = {"good-keras2-legacy-adam", "good-big-endian"};
    static const char *const drop[] = {"**hidden**"};
    unsigned long allocations = 0, calls = 0;
    for (size_t i = 0; i < 2; i++) {
        scene s;
        graph_start(&s, *state, fixtures[i], i == 0 ? drop : NULL);
        every_allocation(&s, &allocations);
        every_call(&s, &calls);
        scene_end(&s);
    }
    print_message("%lu allocations and %lu system calls failed\n", allocations, calls);
}

/* Opens with each allocation failing once: out of memory, or all the same in the end. */
static void open_fixture(const char *folder, const json_t *expected, void *user)
{
    char path[2 * FIXTURE_PATH];
    unsigned long *trials = user;
    failing f;
    if (!fixture_readable(expected)) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", folder,
             json_string_value(json_object_get(expected, "path")));
    tn_context *ctx = failing_context(&f);
    f = (failing){.at = 0};
    tn_model *model = conv_open(ctx, path);
    size_t count = tn_model_count(model);
    tn_model_free(model);
    unsigned long calls = f.calls, step = step_for(calls, OPEN_TRIALS);
    for (unsigned long at = 1; at <= calls; at += step) {
        tn_error err = {0};
        f = (failing){.at = at, .sticky = *trials % 2 == 1};
        tn_status status = tn_open(ctx, path, NULL, &model, &err);
        if (status == TN_OK) {
            assert_int_equal(tn_model_count(model), count);
            tn_model_free(model);
        } else if (status != TN_NOMEM) {
            fail_msg("%s: allocation %lu: %s: %s", path, at, tn_code_name(err.code), err.message);
        }
        ++*trials;
    }
    tn_context_free(ctx);
}

static void openings_fail(void **state)
{
    unsigned long trials = 0;
    (void)state;
    size_t fixtures = fixture_visit(TN_FIXTURES, 2, open_fixture, &trials);
    print_message("%zu fixtures, %lu allocations failed\n", fixtures, trials);
    assert_true(trials > 500);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(openings_fail),
        CONV_TEST(allocations_fail),
        CONV_TEST(system_calls_fail),
        CONV_TEST(graphs_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
