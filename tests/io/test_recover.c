/* Recovery reads markers that anybody could have put there. */
#include "core/buffer.h"
#include "core/crc32c.h"
#include "io/in_scratch.h"
#include "io/redo.h"
#include "support/faults.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER ".m.index.tenon-commit"
#define STAGING ".m.index.tenon-0123ab"
#define HEAD "tenon-commit 1\nstaging 21 " STAGING "\nreplace yes\n"
#define GOOD HEAD "install 6 m.data\ninstall 7 m.index\nremove 5 m.old\n"

/* Plants a marker of these lines with the checksum that fits, and a staged set. */
static void plant(const char *lines)
{
    tn_scratch_empty(&scratch);
    char text[4096];
    snprintf(text, sizeof text, "%scrc32c %08" PRIx32 "\n", lines,
             tni_crc32c(0, lines, strlen(lines)));
    tn_scratch_write(&scratch, MARKER, text);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, STAGING), 0700), 0);
    tn_scratch_write(&scratch, STAGING "/m.data", "NEW");
    tn_scratch_write(&scratch, STAGING "/m.index", "NEW");
    tn_scratch_write(&scratch, "m.index", "old");
    tn_scratch_write(&scratch, "m.old", "old");
}

static bool untouched(void)
{
    return tn_scratch_is(&scratch, STAGING "/m.data", "NEW") &&
           tn_scratch_is(&scratch, STAGING "/m.index", "NEW") &&
           tn_scratch_is(&scratch, "m.index", "old") && tn_scratch_is(&scratch, "m.old", "old") &&
           tn_scratch_count(&scratch) == 4;
}

static tn_status recover(bool dry, tni_recovery *done, tn_code *code)
{
    tn_error err = {0};
    *done = (tni_recovery){0, 0};
    tn_status status = tni_output_recover(ctx, scratch.path, dry, done, &err);
    *code = err.code;
    assert_true(status == TN_OK || (err.message[0] != '\0' && err.path[0] != '\0'));
    return status;
}

static void refused(const char *lines, tn_code want)
{
    plant(lines);
    tni_recovery done;
    tn_code code;
    assert_int_equal(recover(false, &done, &code), tn_code_status(want));
    assert_int_equal(code, want);
    assert_true(untouched());
}

static void a_marker_is_rolled_forward(void **state)
{
    (void)state;
    plant(GOOD);
    tni_recovery done;
    tn_code code;
    bool is = false;
    assert_int_equal(tni_output_interrupted(ctx, scratch.path, TN_LIT("m.index"), &is, NULL),
                     TN_OK);
    assert_true(is);
    assert_int_equal(recover(true, &done, &code), TN_OK);
    assert_int_equal(done.finished, 1);
    assert_int_equal(done.staging, 0);
    assert_true(untouched());
    assert_int_equal(recover(false, &done, &code), TN_OK);
    assert_int_equal(done.finished, 1);
    assert_true(tn_scratch_is(&scratch, "m.index", "NEW") &&
                tn_scratch_is(&scratch, "m.data", "NEW"));
    assert_int_equal(tn_scratch_count(&scratch), 2);
    assert_int_equal(recover(false, &done, &code), TN_OK);
    assert_int_equal(done.finished + done.staging, 0);
}

static void malformed_markers_are_refused(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "tenon-commit 2\n",
        HEAD,
        HEAD "remove 5 m.old\n",
        HEAD "install 6 m.data\ninstall 8 m.index\n",
        HEAD "install 6 m.data\ninstall 6 m.index\n",
        HEAD "install 6 m.data\ninstall 7 m.index",
        HEAD "install 7 m.index\nremove 5 m.old\ninstall 6 m.data\n",
        HEAD "install 7 m.index\nmore\n",
        HEAD "install  m.index\n",
        HEAD "install 0 \n",
        HEAD "install 4294967303 m.index\n",
        HEAD "install 999 m.index\n",
        HEAD "install 4 ../x\n",
        HEAD "install 2 ..\n",
        HEAD "install 1 .\n",
        HEAD "install 11 /etc/passwd\n",
        HEAD "install 7 m.index\nremove 4 ../x\n",
        "tenon-commit 1\nstaging 2 ..\nreplace yes\ninstall 7 m.index\n",
        "tenon-commit 1\nstaging 21 " STAGING "\nreplace maybe\ninstall 7 m.index\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refused(bad[i], TN_E_CORRUPT);
    }
}

static void planted_markers_are_refused(void **state)
{
    (void)state;
    const char *const bad[] = {
        HEAD "install 7 m.index\nremove 7 m.index\n",
        HEAD "install 7 m.index\nremove 21 " MARKER "\n",
        HEAD "install 21 " STAGING "\n",
        HEAD "install 10 .tenon-old\n",
        "tenon-commit 1\nstaging 5 m.dir\nreplace yes\ninstall 7 m.index\n",
        "tenon-commit 1\nstaging 21 .x.index.tenon-0123ab\nreplace yes\ninstall 7 m.index\n",
        "tenon-commit 1\nstaging 21 .m.index.tenon-commit\nreplace yes\ninstall 7 m.index\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refused(bad[i], TN_E_UNSAFE);
    }
}

/* Each single damaged byte, and each length that it may be cut to, is noticed. */
static void damage_is_noticed(void **state)
{
    (void)state;
    char text[1024];
    int len = snprintf(text, sizeof text, "%scrc32c %08" PRIx32 "\n", GOOD,
                       tni_crc32c(0, GOOD, sizeof GOOD - 1));
    tni_arena arena;
    tni_redo redo;
    tni_arena_init(&arena, ctx, 1 << 20);
    const tn_str marker = TN_LIT(MARKER);
    assert_int_equal(tni_redo_parse((tn_str){text, (size_t)len}, marker, &arena, &redo, NULL),
                     TN_OK);
    for (int i = 0; i < len; i++) {
        char *cut = malloc((size_t)i + 1); /* of just that size: the sanitizer sees any overrun */
        assert_non_null(cut);
        memcpy(cut, text, (size_t)i);
        assert_int_equal(tni_redo_parse((tn_str){cut, (size_t)i}, marker, &arena, &redo, NULL),
                         TN_CORRUPT);
        free(cut);
        text[i] ^= 4;
        assert_int_equal(tni_redo_parse((tn_str){text, (size_t)len}, marker, &arena, &redo, NULL),
                         TN_CORRUPT);
        text[i] ^= 4;
    }
    tni_arena_clear(&arena);
}

static void names_of_any_bytes_come_back(void **state)
{
    (void)state;
    tn_str install[] = {TN_LIT("a\nremove 1 b"), TN_LIT("\xff\x01 "), TN_LIT("m.index")};
    tn_str gone[] = {TN_LIT("crc32c 00000000\n")};
    tni_redo redo = {TN_LIT(STAGING), false, install, 3, gone, 1};
    tni_buffer text;
    tni_arena arena;
    tni_buffer_init(&text, ctx);
    tni_arena_init(&arena, ctx, 1 << 20);
    tni_redo_text(&redo, &text);
    tni_redo back = {0};
    assert_int_equal(
        tni_redo_parse((tn_str){text.data, text.len}, TN_LIT(MARKER), &arena, &back, NULL), TN_OK);
    assert_int_equal(back.n_install, 3);
    assert_int_equal(back.n_remove, 1);
    assert_false(back.replace);
    for (size_t i = 0; i < 3; i++) {
        assert_true(tn_str_equal(back.install[i], install[i]));
    }
    assert_true(tn_str_equal(back.remove[0], gone[0]));
    tni_arena_clear(&arena);
    tni_buffer_clear(&text);
}

static void odd_things_in_their_places(void **state)
{
    (void)state;
    alarm(10);
    tni_recovery done;
    tn_code code;
    /* The marker is a FIFO, or a link. */
    assert_int_equal(mkfifo(tn_scratch_at(&scratch, MARKER), 0600), 0);
    assert_int_equal(recover(false, &done, &code), TN_UNSAFE);
    tn_scratch_empty(&scratch);
    assert_int_equal(symlink("/dev/null", tn_scratch_at(&scratch, MARKER)), 0);
    assert_int_equal(recover(false, &done, &code), TN_READ);
    /* A staged member is a link; the staging folder is one. */
    plant(GOOD);
    assert_int_equal(unlink(tn_scratch_at(&scratch, STAGING "/m.data")), 0);
    assert_int_equal(symlink("/etc/passwd", tn_scratch_at(&scratch, STAGING "/m.data")), 0);
    assert_int_equal(recover(false, &done, &code), TN_UNSAFE);
    plant(GOOD);
    assert_int_equal(rename(tn_scratch_at(&scratch, STAGING), tn_scratch_at(&scratch, "elsewhere")),
                     0);
    assert_int_equal(symlink("elsewhere", tn_scratch_at(&scratch, STAGING)), 0);
    assert_int_equal(recover(false, &done, &code), TN_READ);
    assert_true(tn_scratch_is(&scratch, "elsewhere/m.data", "NEW"));
    /* Members that are nowhere: the old set stays as it is. */
    plant(GOOD);
    assert_int_equal(unlink(tn_scratch_at(&scratch, STAGING "/m.data")), 0);
    assert_int_equal(recover(false, &done, &code), TN_WRITE);
    assert_true(tn_scratch_is(&scratch, "m.old", "old"));
    alarm(0);
}

static void dead_staging_folders_go(void **state)
{
    (void)state;
    tni_recovery done;
    tn_code code;
    assert_int_equal(mkdir(tn_scratch_at(&scratch, ".a.tenon-000000"), 0700), 0);
    tn_scratch_write(&scratch, ".a.tenon-000000/x", "x");
    assert_int_equal(mkdir(tn_scratch_at(&scratch, ".deep.tenon-ffffff"), 0700), 0);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, ".deep.tenon-ffffff/sub"), 0700), 0);
    tn_scratch_write(&scratch, ".deep.tenon-ffffff/sub/x", "x");
    assert_int_equal(mkdir(tn_scratch_at(&scratch, ".deep.tenon-ffffff/sub/sub"), 0700), 0);
    tn_scratch_write(&scratch, ".deep.tenon-ffffff/sub/sub/x", "kept");
    assert_int_equal(mkdir(tn_scratch_at(&scratch, ".old.tenon-aaaaaa"), 0700), 0);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, ".old.tenon-aaaaaa/sub"), 0700), 0);
    tn_scratch_write(&scratch, ".old.tenon-aaaaaa/sub/x", "x");
    const char *fifo = tn_scratch_at(&scratch, ".deep.tenon-ffffff/fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, ".live.tenon-abcdef"), 0700), 0);
    const char *const kept[] = {".a.tenon-00000g", ".a.tenon-0000000", ".tenon-000000",
                                "a.tenon-000000"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        assert_int_equal(mkdir(tn_scratch_at(&scratch, kept[i]), 0700), 0);
    }
    int fd = open(tn_scratch_at(&scratch, ".live.tenon-abcdef"), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(recover(false, &done, &code), TN_OK);
    assert_int_equal(done.staging, 2);
    assert_true(tn_scratch_is(&scratch, ".deep.tenon-ffffff/sub/x", NULL));
    assert_true(tn_scratch_is(&scratch, ".deep.tenon-ffffff/sub/sub/x", "kept"));
    assert_int_equal(access(tn_scratch_at(&scratch, ".deep.tenon-ffffff/fifo"), F_OK), 0);
    assert_int_equal(tn_scratch_count(&scratch), 6);
    close(fd);
    assert_int_equal(recover(true, &done, &code), TN_OK);
    assert_int_equal(tn_scratch_count(&scratch), 6);
    assert_int_equal(recover(false, &done, &code), TN_OK);
    assert_int_equal(done.staging, 1);
    assert_int_equal(tn_scratch_count(&scratch), 5);
}

static void a_live_writer_is_not_recovered(void **state)
{
    (void)state;
    plant(GOOD);
    tni_recovery done;
    tn_code code;
    int fd = open(tn_scratch_at(&scratch, STAGING), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(recover(false, &done, &code), TN_EXISTS);
    assert_int_equal(code, TN_E_BUSY);
    assert_true(untouched());
    close(fd);
    fd = open(scratch.path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* another recovery */
    assert_int_equal(recover(false, &done, &code), TN_EXISTS);
    assert_int_equal(code, TN_E_BUSY);
    close(fd);
    assert_int_equal(recover(false, &done, &code), TN_OK);
}

/* The writer finishes, and another one makes a file that the old redo list would remove. */
static void finish_as_writer(void)
{
    unlink(tn_scratch_at(&scratch, MARKER));
    unlink(tn_scratch_at(&scratch, STAGING "/m.data"));
    unlink(tn_scratch_at(&scratch, STAGING "/m.index"));
    rmdir(tn_scratch_at(&scratch, STAGING));
    tn_scratch_write(&scratch, "m.index", "third");
    tn_scratch_write(&scratch, "m.data", "third");
    tn_scratch_write(&scratch, "m.old", "third");
}

static void a_marker_that_is_gone_is_not_carried_out(void **state)
{
    (void)state;
    const unsigned moments[] = {TN_CALL_FLOCK, TN_CALL_OPENAT};
    const unsigned long at[] = {2, 3}; /* the staging folder's lock; its opening */
    for (int i = 0; i < 2; i++) {
        plant(GOOD);
        ctx->sys = tn_faults(
            (tn_fault_plan){.at = at[i], .calls = moments[i], .before = finish_as_writer});
        tni_recovery done;
        tn_code code;
        assert_int_equal(recover(false, &done, &code), TN_OK);
        ctx->sys = NULL;
        assert_true(tn_faults_hit() != 0);
        assert_int_equal(done.finished, 0);
        assert_true(tn_scratch_is(&scratch, "m.old", "third"));
        assert_int_equal(tn_scratch_count(&scratch), 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_marker_is_rolled_forward),
        IN_SCRATCH(malformed_markers_are_refused),
        IN_SCRATCH(planted_markers_are_refused),
        IN_SCRATCH(damage_is_noticed),
        IN_SCRATCH(names_of_any_bytes_come_back),
        IN_SCRATCH(odd_things_in_their_places),
        IN_SCRATCH(dead_staging_folders_go),
        IN_SCRATCH(a_live_writer_is_not_recovered),
        IN_SCRATCH(a_marker_that_is_gone_is_not_carried_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
