/* --link: data files that stay as they are are linked under their new names. */
#include "converters/conv.h"
#include "support/faults.h"
#include <errno.h>
#include <sys/stat.h>

#define FIXTURE TN_FIXTURES "/tf_checkpoint/"

static const tn_convert_options linking = {.link = true};

static uint64_t inode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return (uint64_t)about.st_ino;
}

/* Copies a fixture's files into the folder under the prefix `in`, so that links stay on one file
 * system. */
static const char *bring(const conv *c, const char *fixture, unsigned shards)
{
    char from[512], to[64];
    for (unsigned i = 0; i < shards; i++) {
        snprintf(from, sizeof from, FIXTURE "%s.data-%05u-of-%05u", fixture, i, shards);
        snprintf(to, sizeof to, "in.data-%05u-of-%05u", i, shards);
        conv_copy(from, conv_at(c, to));
    }
    snprintf(from, sizeof from, FIXTURE "%s.index", fixture);
    conv_copy(from, conv_at(c, "in.index"));
    return conv_at(c, "in");
}

static void assert_same_values(const conv *c, const char *a, const char *b)
{
    tn_differences d = conv_diff(c->ctx, a, b, NULL);
    assert_int_equal(d.different + d.only_a + d.only_b, 0);
    assert_true(d.equal > 0);
}

static void whole_sets_share_their_data(void **state)
{
    conv *c = *state;
    const char *in = bring(c, "good-v1-sharded/model.ckpt", 2);
    tn_converted done = conv_must(c->ctx, in, conv_at(c, "out-1"), &linking);
    struct stat about;
    assert_int_equal(stat(conv_at(c, "in.data-00000-of-00002"), &about), 0);
    assert_int_equal(done.files_written, 3);
    assert_true(done.bytes_linked > (uint64_t)about.st_size);
    assert_int_equal(done.bytes_verified, 0);
    assert_true(conv_same(conv_at(c, "in.index"), conv_at(c, "out-1.index")));
    assert_int_equal(inode_of(conv_at(c, "in.data-00001-of-00002")),
                     inode_of(conv_at(c, "out-1.data-00001-of-00002")));
    assert_same_values(c, in, conv_at(c, "out-1"));
}

/* What is renamed stays where it is: the index alone is new. */
static void renames_touch_the_index_alone(void **state)
{
    conv *c = *state;
    const char *in = bring(c, "good-v1-adam/model.ckpt", 1);
    const char *const renames[] = {"my_model/=other/"};
    tn_convert_options options = {.link = true, .rename = renames, .n_rename = 1};
    tn_converted done = conv_must(c->ctx, in, conv_at(c, "out-1"), &options);
    assert_int_equal(done.files_written, 2);
    assert_int_equal(inode_of(conv_at(c, "in.data-00000-of-00001")),
                     inode_of(conv_at(c, "out-1.data-00000-of-00001")));
    options.link = false;
    conv_must(c->ctx, in, conv_at(c, "copied-1"), &options);
    assert_same_values(c, conv_at(c, "copied-1"), conv_at(c, "out-1"));
    tn_model *model = conv_open(c->ctx, conv_at(c, "out-1"));
    assert_int_not_equal(tn_model_find(model, TN_SCHEME_NAME, TN_LIT("other/W/Adam")), TN_NO_INDEX);
    tn_model_free(model);
}

/* A graph that had to be pruned goes into a data file of its own behind the linked ones, and what
 * is dead in those is said. */
static void a_changed_graph_is_a_further_file(void **state)
{
    conv *c = *state;
    const char *in = bring(c, "good-objects-manager/ckpt-1", 1);
    tn_model *model = conv_open(c->ctx, in);
    tn_convert_options options = {.link = true, .weights_only = true};
    tn_plan *plan;
    tn_error err = {0};
    conv_ok(tn_plan_new(c->ctx, model, conv_at(c, "out-1"), &options, &plan, &err), &err);
    assert_int_equal(tn_report_count(tn_plan_warnings(plan)), 1);
    assert_string_equal(tn_report_at(tn_plan_warnings(plan), 0)->code, "dead-bytes");
    tn_converted done;
    conv_ok(tn_convert(plan, &done, &err), &err);
    tn_plan_free(plan);
    tn_model_free(model);
    assert_int_equal(done.files_written, 3);
    assert_int_equal(inode_of(conv_at(c, "in.data-00000-of-00001")),
                     inode_of(conv_at(c, "out-1.data-00000-of-00002")));
    options.link = false;
    conv_must(c->ctx, in, conv_at(c, "copied-1"), &options);
    assert_same_values(c, conv_at(c, "copied-1"), conv_at(c, "out-1"));
}

/* A set that was linked may be replaced by one that is linked to the same files. */
static void replacing_a_linked_set(void **state)
{
    conv *c = *state;
    const char *in = bring(c, "good-v1-sharded/model.ckpt", 2);
    tn_convert_options options = {.link = true, .replace = true};
    conv_must(c->ctx, in, conv_at(c, "out-1"), &linking);
    conv_must(c->ctx, in, conv_at(c, "out-1"), &options);
    assert_same_values(c, in, conv_at(c, "out-1"));
    assert_int_equal(inode_of(conv_at(c, "in.data-00000-of-00002")),
                     inode_of(conv_at(c, "out-1.data-00000-of-00002")));
    size_t files = tn_scratch_count(&c->dir);
    assert_int_equal(files, 6); /* nothing else was left */
}

static void assert_refused(const conv *c, const char *in, const char *out,
                           const tn_convert_options *options, tn_code code)
{
    tn_error err = {0};
    assert_int_not_equal(conv_run(c->ctx, in, out, options, NULL, &err), TN_OK);
    assert_int_equal(err.code, code);
}

static void refused_where_nothing_can_be_linked(void **state)
{
    conv *c = *state;
    const char *in = bring(c, "good-v1-plain/model.ckpt-7", 1);
    tn_convert_options cut = {.link = true, .max_shard_size = 100};
    assert_refused(c, in, conv_at(c, "out.safetensors"), &linking, TN_E_IMPOSSIBLE);
    assert_refused(c, in, conv_at(c, "out-1"), &cut, TN_E_USAGE);
}

/* What lies in another byte order than an index of ours says is copied. */
static void big_endian_values_are_copied(void **state)
{
    conv *c = *state;
    const char *in = bring(c, "good-big-endian/ckpt", 1);
    tn_converted done = conv_must(c->ctx, in, conv_at(c, "out-1"), &linking);
    assert_true(done.bytes_verified > 0);
    assert_same_values(c, in, conv_at(c, "out-1"));
}

/* A file system that cannot link says so, and nothing is left. */
static void links_that_fail(void **state)
{
    static const int reasons[] = {EXDEV, EPERM, EMLINK, ENOSPC};
    conv *c = *state;
    const char *in = bring(c, "good-v1-sharded/model.ckpt", 2);
    size_t files = tn_scratch_count(&c->dir);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        c->ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_FAIL,
                                                .at = 1,
                                                .sticky = true,
                                                .sys_errno = reasons[i],
                                                .calls = TN_CALL_LINKAT | TN_CALL_CLONE});
        tn_error err = {0};
        assert_int_equal(conv_run(c->ctx, in, conv_at(c, "out-1"), &linking, NULL, &err), TN_WRITE);
        assert_string_equal(err.hint, "leave --link out: then it is copied");
        c->ctx->sys = NULL;
        assert_int_equal(tn_scratch_count(&c->dir), files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(whole_sets_share_their_data),
        CONV_TEST(renames_touch_the_index_alone),
        CONV_TEST(a_changed_graph_is_a_further_file),
        CONV_TEST(replacing_a_linked_set),
        CONV_TEST(refused_where_nothing_can_be_linked),
        CONV_TEST(big_endian_values_are_copied),
        CONV_TEST(links_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
