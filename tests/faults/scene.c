#include "faults/scene.h"

#include "formats/format.h"
#include "io/output.h"
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

/* AddressSanitizer asks for this: a small quarantine makes thousands of conversions cheap. */
TN_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1";
}

static void *memory_resize(void *user, void *block, size_t bytes)
{
    scene_memory *m = user;
    unsigned long number = atomic_fetch_add(&m->calls, 1) + 1;
    bool now = m->at != 0 && (m->sticky ? number >= m->at : number == m->at);
    void *result = now ? NULL : realloc(block, bytes == 0 ? 1 : bytes);
    if (block == NULL && result != NULL) {
        atomic_fetch_add(&m->held, 1);
    }
    return result;
}

static void memory_release(void *user, void *block)
{
    scene_memory *m = user;
    if (block != NULL) {
        atomic_fetch_sub(&m->held, 1);
    }
    free(block);
}

tn_context *scene_context(scene_memory *memory)
{
    tn_allocator allocator = {memory_resize, memory_release, memory};
    unsigned long at = memory->at;
    memory->at = 0; /* the context itself is always there */
    tn_context *ctx = tn_context_new(&(tn_context_options){.allocator = &allocator, .threads = 1});
    assert_non_null(ctx);
    atomic_store(&memory->calls, 0);
    memory->at = at;
    return ctx;
}

unsigned long scene_step(unsigned long places, unsigned long trials)
{
    const char *all = getenv("TN_SWEEP");
#ifdef TN_SANITIZED
    trials = trials > 3 ? trials / 3 : 1; /* each costs four times as much */
#endif
    bool every = (all != NULL && strcmp(all, "all") == 0) || places <= trials;
    return every ? 1 : places / trials + 1;
}

size_t scene_descriptors(void)
{
    size_t count = 0;
    DIR *stream = opendir("/proc/self/fd");
    assert_non_null(stream);
    while (readdir(stream) != NULL) {
        count++;
    }
    closedir(stream);
    return count;
}

void scene_reset(scene *s)
{
    tn_scratch_empty(&s->out);
    tn_folder_put(s->out.path, &s->old);
}

bool scene_is_old(const scene *s)
{
    return tn_folder_is(s->out.path, &s->old);
}

bool scene_is_new(const scene *s)
{
    return tn_folder_is(s->out.path, &s->new);
}

/* Returns the folder of a path, in a buffer that the next call uses too. */
static const char *folder_of(const char *path)
{
    static char folder[SCENE_PATH];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    return folder;
}

static tn_status freeze(const scene *s, tn_context *ctx, tn_error *err)
{
    tn_graph *graph;
    tn_frozen frozen;
    tn_freeze_options options = {
        .outputs = &s->freeze, .n_outputs = 1, .replace = s->options.replace};
    tn_status status = tn_graph_open(ctx, s->in, NULL, &graph, err);
    if (status == TN_OK) {
        status = tn_graph_freeze(graph, 0, s->path, &options, &frozen, err);
        tn_graph_free(graph);
    }
    return status;
}

tn_status scene_run(const scene *s, tn_context *ctx, tn_error *err)
{
    if (s->freeze != NULL) {
        return freeze(s, ctx, err);
    }
    tn_model *like = NULL;
    tn_convert_options options = s->options;
    tn_status status = s->like == NULL ? TN_OK : tn_open(ctx, s->like, NULL, &like, err);
    if (status == TN_OK) {
        options.like = like;
        status = conv_run(ctx, s->in, s->path, &options, NULL, err);
    }
    tn_model_free(like);
    return status;
}

/* Converts, and checks that nothing is left over. */
static tn_status convert(const scene *s, scene_memory *m, const tni_sys *sys, const char *helper,
                         tn_error *err)
{
    size_t descriptors = scene_descriptors();
    tn_context *ctx = scene_context(m);
    ctx->sys = sys;
    ctx->helper_path = helper;
    tn_status status = scene_run(s, ctx, err);
    tn_context_free(ctx);
    if (atomic_load(&m->held) != 0) {
        fail_msg("%s: %lu blocks are left over (%s: %s: %s)", s->title, atomic_load(&m->held),
                 tn_code_name(err->code), err->path, err->message);
    }
    if (scene_descriptors() != descriptors) {
        fail_msg("%s: a descriptor is left over", s->title);
    }
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
        fail_msg("%s: a child process is left over", s->title);
    }
    if (!tn_folder_is(folder_of(s->in), &s->inputs)) {
        fail_msg("%s: the input was changed", s->title);
    }
    return status;
}

tn_status scene_try(const scene *s, scene_memory *memory, const tni_sys *sys, tn_error *err)
{
    scene_memory sound = {.at = 0};
    return convert(s, memory == NULL ? &sound : memory, sys, NULL, err);
}

tn_status scene_try_with(const scene *s, const char *helper, tn_error *err)
{
    scene_memory sound = {.at = 0};
    return convert(s, &sound, NULL, helper, err);
}

size_t scene_recover(const scene *s)
{
    tni_recovery done = {0};
    tn_error err = {0};
    conv_ok(tni_output_recover(s->c->ctx, s->out.path, false, &done, &err), &err);
    return done.finished;
}

/* Makes the old output and takes the folders before and after a conversion without faults. */
static void settle(scene *s, const char *first, const tn_convert_options *old)
{
    s->main = strrchr(s->path, '/') + 1;
    if (old != NULL) {
        conv_must(s->c->ctx, first, s->path, old);
    }
    s->inputs = tn_folder_take(folder_of(s->in));
    s->old = tn_folder_take(s->out.path);
    tn_error err = {0};
    conv_ok(scene_run(s, s->c->ctx, &err), &err);
    s->new = tn_folder_take(s->out.path);
    assert_false(tn_folder_equal(&s->old, &s->new));
    scene_reset(s);
}

static void scene_end(scene *s)
{
    tn_folder_free(&s->inputs);
    tn_folder_free(&s->old);
    tn_folder_free(&s->new);
    tn_scratch_remove(&s->out);
}

/* Legacy files of Keras take weights alone from other formats. */
static bool is_keras(const tn_format *format)
{
    return strcmp(format->name, "keras_h5") == 0;
}

/* Names a file, or the folder that a format writes in its place. */
static void name_of(const tn_format *format, const char *stem, char *name, size_t room)
{
    snprintf(name, room, "%s%s", stem, format->writer->folder ? "" : format->extensions[0]);
}

/* `from` wrote the input; `to` writes the output, in shards of 60 bytes if `sharded`, over an old
 * set of up to three files if `replace`. */
static void pair_start(scene *s, conv *c, const tn_format *from, const tn_format *to, bool sharded,
                       bool replace)
{
    static const char *const scope[] = {"my_model/**"}, *const weight[] = {"my_model/W"};
    static const char first[] = TN_FIXTURES "/tf_checkpoint/good-v1-adam/model.ckpt";
    char name[64];
    bool all = !is_keras(from) && !is_keras(to);
    *s = (scene){.c = c, .helped = is_keras(from) || is_keras(to), .folder = to->writer->folder};
    tn_scratch_make(&s->out);
    snprintf(s->title, sizeof s->title, "%s to %s%s%s", from->name, to->name,
             sharded ? ", sharded" : "", replace ? ", over an old one" : "");
    name_of(from, "in", name, sizeof name);
    snprintf(s->in, sizeof s->in, "%s", conv_at(c, name));
    tn_scratch_empty(&c->dir);
    conv_must(c->ctx, first, s->in,
              &(tn_convert_options){.to = from->name, .weights_only = !all, .replace = true});
    name_of(to, "out", name, sizeof name);
    snprintf(s->path, sizeof s->path, "%s", tn_scratch_at(&s->out, name));
    s->options = (tn_convert_options){.to = to->name,
                                      .replace = replace,
                                      .weights_only = !all,
                                      .max_shard_size = sharded ? 60 : 0};
    tn_convert_options old = {.to = to->name,
                              .only = all ? scope : weight,
                              .n_only = 1,
                              .max_shard_size = 60,
                              .weights_only = !all};
    settle(s, first, replace ? &old : NULL);
    /* Without faults nothing is lost. A SavedModel made of other files has their names as its full
     * names. */
    static const char *const graph[] = {"_CHECKPOINTABLE_OBJECT_GRAPH"};
    conv_must(c->ctx, s->in, s->path, &s->options);
    tn_diff_options by = {.has_scheme = all && !from->writer->folder,
                          .scheme = TN_SCHEME_FULL,
                          .drop = graph,
                          .n_drop = 1,
                          .ignore_unmatch = true};
    tn_differences d = conv_diff(c->ctx, s->in, s->path, &by);
    assert_int_equal(d.equal, all ? 9 : 2);
    assert_int_equal(d.different + d.only_a + d.only_b, 0);
    scene_reset(s);
}

/* A checkpoint whose object graph or strings are made anew: more than payload is written. */
static void graph_start(scene *s, conv *c, const char *fixture, const char *what,
                        const tn_convert_options *options)
{
    *s = (scene){.c = c};
    tn_scratch_make(&s->out);
    snprintf(s->title, sizeof s->title, "the object graph of %s, %s", fixture, what);
    snprintf(s->in, sizeof s->in, "%s/tf_checkpoint/%s/ckpt", TN_FIXTURES, fixture);
    snprintf(s->path, sizeof s->path, "%s", tn_scratch_at(&s->out, "ckpt-1"));
    s->options = *options;
    settle(s, NULL, NULL);
}

/* A checkpoint whose data files are linked to the input's. */
static void link_start(scene *s, conv *c, bool replace)
{
    static const char *const weight[] = {"my_model/W"};
    static const char first[] = TN_FIXTURES "/tf_checkpoint/good-v1-adam/model.ckpt";
    *s = (scene){.c = c};
    tn_scratch_make(&s->out);
    snprintf(s->title, sizeof s->title, "linked data files%s", replace ? ", over an old one" : "");
    snprintf(s->in, sizeof s->in, "%s", conv_at(c, "in.ckpt"));
    tn_scratch_empty(&c->dir);
    conv_must(c->ctx, first, s->in, NULL);
    snprintf(s->path, sizeof s->path, "%s", tn_scratch_at(&s->out, "out.ckpt"));
    s->options = (tn_convert_options){.to = "tf_checkpoint", .replace = replace, .link = true};
    tn_convert_options old = {.to = "tf_checkpoint", .only = weight, .n_only = 1};
    settle(s, first, replace ? &old : NULL);
}

/* Half the values, widened, in the object graph of another file, which fills the rest. */
static void like_start(scene *s, conv *c)
{
    static const char *const half[] = {"float16"}, *const drop[] = {"logits/**"};
    static const char *const fill[] = {"model/layer_with_weights-1/**", "Adam/**"};
    static const char form[] = TN_FIXTURES "/tf_checkpoint/good-keras2-legacy-adam/ckpt";
    *s = (scene){.c = c, .like = form};
    tn_scratch_make(&s->out);
    snprintf(s->title, sizeof s->title, "values in another file's object graph");
    snprintf(s->in, sizeof s->in, "%s", conv_at(c, "in.safetensors"));
    tn_scratch_empty(&c->dir);
    conv_must(c->ctx, form, s->in,
              &(tn_convert_options){.weights_only = true,
                                    .has_scheme = true,
                                    .scheme = TN_SCHEME_FULL,
                                    .cast = half,
                                    .n_cast = 1});
    snprintf(s->path, sizeof s->path, "%s", tn_scratch_at(&s->out, "ckpt-1"));
    s->options = (tn_convert_options){.drop = drop, .n_drop = 1, .fill = fill, .n_fill = 2};
    settle(s, NULL, NULL);
}

/* A graph frozen with its variables as constants. */
static void freeze_start(scene *s, conv *c, bool replace)
{
    *s = (scene){.c = c, .freeze = "scores", .options = {.replace = replace}};
    tn_scratch_make(&s->out);
    snprintf(s->title, sizeof s->title, "a frozen graph%s", replace ? ", over an old one" : "");
    snprintf(s->in, sizeof s->in, "%s", TN_FIXTURES "/saved_model/good-meta-beside/model.ckpt-3");
    snprintf(s->path, sizeof s->path, "%s", tn_scratch_at(&s->out, "frozen.pb"));
    if (replace) {
        tn_scratch_write(&s->out, "frozen.pb", "old");
    }
    settle(s, NULL, NULL);
}

static bool able(const tn_format *format)
{
    return format->reader != NULL && format->writer != NULL;
}

/* Visits one pair in all its forms; a format that knows no shards has half as many. */
static size_t visit_pair(conv *c, const tn_format *from, const tn_format *to,
                         void (*each)(scene *s))
{
    size_t count = 0;
    for (unsigned form = 0; form < 4; form++) {
        scene s;
        bool sharded = (form & 2) != 0;
        pair_start(&s, c, from, to, sharded, (form & 1) != 0);
        if (!sharded || s.new.count > 2) {
            each(&s);
            count++;
        }
        scene_end(&s);
    }
    return count;
}

/* Visits object graphs: with values left out, as they are with strings of another byte order, with
 * edges renamed, and made anew where no edges follow. */
static size_t visit_graphs(conv *c, void (*each)(scene *s))
{
    static const char *const drop[] = {"**hidden**"}, *const rename[] = {"model/=net/"},
                             *const away[] = {"model/=/"};
    static const struct {
        const char *fixture, *what;
        tn_convert_options options;
    } graphs[] = {
        {"good-keras2-legacy-adam", "pruned", {.drop = drop, .n_drop = 1}},
        {"good-big-endian", "carried", {.drop = NULL}},
        {"good-keras2-legacy-adam", "relabelled", {.rename = rename, .n_rename = 1}},
        {"good-keras2-legacy-adam",
         "made anew",
         {.rename = away, .n_rename = 1, .layout = "objects"}},
    };
    size_t count = 0;
    for (; count < sizeof graphs / sizeof *graphs; count++) {
        scene s;
        graph_start(&s, c, graphs[count].fixture, graphs[count].what, &graphs[count].options);
        each(&s);
        scene_end(&s);
    }
    return count;
}

size_t scenes_visit(conv *c, void (*each)(scene *s))
{
    size_t count = 0;
    bool first = tn_tally_of("conversions") == 0;
    tn_tally("conversions", 0); /* the first line */
    for (const tn_format *const *from = tni_formats(); *from != NULL; from++) {
        for (const tn_format *const *to = tni_formats(); *to != NULL; to++) {
            count += able(*from) && able(*to) ? visit_pair(c, *from, *to, each) : 0;
        }
    }
    count += visit_graphs(c, each);
    scene like;
    like_start(&like, c);
    each(&like);
    scene_end(&like);
    count++;
    for (int replace = 0; replace < 2; replace++) {
        scene s;
        link_start(&s, c, replace == 1);
        each(&s);
        scene_end(&s);
        freeze_start(&s, c, replace == 1);
        each(&s);
        scene_end(&s);
        count += 2;
    }
    assert_true(count >= 20);
    tn_tally("conversions", first ? count : 0);
    return count;
}
