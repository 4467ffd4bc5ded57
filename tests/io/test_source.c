/* Sources: reading, siblings, windows, and what is refused. */
#include "io/in_scratch.h"
#include "io/source.h"
#include "support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static tn_source *open_ok(const char *path)
{
    tn_source *source = NULL;
    tn_error err = {0};
    if (tni_source_open(ctx, path, &source, &err) != TN_OK) {
        fail_msg("%s: %s", err.path, err.message);
    }
    return source;
}

static void refused(const char *path, tn_code code)
{
    tn_source *source = NULL;
    tn_error err = {0};
    assert_int_equal(tni_source_open(ctx, path, &source, &err), tn_code_status(code));
    assert_int_equal(err.code, code);
    assert_string_equal(err.path, path);
    assert_null(source);
}

static void reads_whole_ranges(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.bin", "0123456789");
    tn_source *source = open_ok(tn_scratch_at(&scratch, "a.bin"));
    assert_int_equal(tni_source_size(source), 10);
    assert_true(tn_str_equal(tni_source_name(source), TN_LIT("a.bin")));
    assert_string_equal(tni_source_path(source), tn_scratch_at(&scratch, "a.bin"));
    char got[11] = {0};
    assert_int_equal(tni_source_read(source, 0, got, 10, NULL), TN_OK);
    assert_string_equal(got, "0123456789");
    assert_int_equal(tni_source_read(source, 7, got, 3, NULL), TN_OK);
    assert_memory_equal(got, "789", 3);
    assert_int_equal(tni_source_read(source, 10, got, 0, NULL), TN_OK);
    const uint64_t beyond[][2] = {{0, 11}, {10, 1}, {11, 0}, {UINT64_MAX, 2}, {1, UINT64_MAX}};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        tn_error err = {0};
        assert_int_equal(tni_source_read(source, beyond[i][0], got, (size_t)beyond[i][1], &err),
                         TN_CORRUPT);
        assert_int_equal(err.code, TN_E_TRUNCATED);
    }
    tni_source_release(source);
    tni_source_release(NULL);
}

static void short_and_interrupted_reads_go_on(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.bin", "0123456789");
    ctx->sys = tn_faults((tn_fault_plan){.longest = 3, .interrupt = true});
    tn_source *source = open_ok(tn_scratch_at(&scratch, "a.bin"));
    char got[11] = {0};
    assert_int_equal(tni_source_read(source, 0, got, 10, NULL), TN_OK);
    assert_string_equal(got, "0123456789");
    tni_source_release(source);
    ctx->sys = NULL;
}

static void read_errors_name_the_place(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.bin", "0123456789");
    ctx->sys = tn_faults((tn_fault_plan){
        .kind = TN_FAULT_FAIL, .at = 2, .sys_errno = EIO, .calls = TN_CALL_PREAD, .longest = 4});
    tn_source *source = open_ok(tn_scratch_at(&scratch, "a.bin"));
    char got[10];
    tn_error err = {0};
    assert_int_equal(tni_source_read(source, 1, got, 9, &err), TN_READ);
    assert_int_equal(err.code, TN_E_READ);
    assert_int_equal(err.sys_errno, EIO);
    assert_true(err.has_offset);
    assert_int_equal(err.offset, 5);
    tni_source_release(source);
    ctx->sys = NULL;
}

static void every_failing_call_leaks_nothing(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.bin", "0123456789");
    unsigned hit = 1;
    for (unsigned long n = 1; hit != 0; n++) {
        ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_FAIL, .at = n, .sys_errno = EIO});
        tn_source *source = NULL;
        tn_source *sibling = NULL;
        tn_error err = {0};
        tn_status status = tni_source_open(ctx, tn_scratch_at(&scratch, "a.bin"), &source, &err);
        if (status == TN_OK) {
            status = tni_source_sibling(source, TN_LIT("a.bin"), &sibling, &err);
        }
        if (status == TN_OK) {
            status = tni_source_unchanged(sibling, &err);
        }
        tni_source_release(source);
        tni_source_release(sibling);
        hit = tn_faults_hit();
        assert_int_equal(status, hit == 0 || hit == TN_CALL_CLOSE ? TN_OK : TN_READ);
    }
    ctx->sys = NULL;
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    alarm(10); /* a FIFO that hangs ends the test */
    assert_int_equal(mkfifo(tn_scratch_at(&scratch, "fifo"), 0600), 0);
    refused(tn_scratch_at(&scratch, "fifo"), TN_E_NOT_REGULAR);
    refused(scratch.path, TN_E_NOT_REGULAR);
    refused(tn_scratch_at(&scratch, ""), TN_E_NOT_REGULAR);
    refused("/dev/null", TN_E_NOT_REGULAR);
    refused("/", TN_E_NOT_REGULAR);
    refused("", TN_E_NOT_FOUND);
    refused(tn_scratch_at(&scratch, "none"), TN_E_NOT_FOUND);
    refused(tn_scratch_at(&scratch, "none/none"), TN_E_NOT_FOUND);
    tn_scratch_write(&scratch, "f", "x");
    refused(tn_scratch_at(&scratch, "f/"), TN_E_NOT_FOUND);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/sock", scratch.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refused(address.sun_path, TN_E_NOT_REGULAR);
    close(fd);
    assert_int_equal(symlink("loop", tn_scratch_at(&scratch, "loop")), 0);
    refused(tn_scratch_at(&scratch, "loop"), TN_E_READ);
    alarm(0);
}

static void siblings_stay_in_the_folder(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.index", "index");
    tn_scratch_write(&scratch, "a.data", "data");
    tn_source *source = open_ok(tn_scratch_at(&scratch, "a.index"));
    tn_source *sibling = NULL;
    assert_int_equal(tni_source_sibling(source, TN_LIT("a.data"), &sibling, NULL), TN_OK);
    assert_string_equal(tni_source_path(sibling), tn_scratch_at(&scratch, "a.data"));
    tni_source_release(sibling);
    char long_name[257];
    memset(long_name, 'x', sizeof long_name);
    const tn_str bad[] = {TN_LIT("../x"),  TN_LIT("/etc/passwd"), TN_LIT("."),   TN_LIT(".."),
                          TN_LIT(""),      TN_LIT("a.data\0x"),   TN_LIT("a/b"), TN_LIT("a.data/"),
                          {long_name, 256}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tn_error err = {0};
        tn_source *none = NULL;
        assert_int_equal(tni_source_sibling(source, bad[i], &none, &err), TN_UNSAFE);
        assert_int_equal(err.code, TN_E_UNSAFE);
        assert_null(none);
    }
    tn_error err = {0};
    assert_int_equal(tni_source_sibling(source, TN_LIT("gone"), &sibling, &err), TN_CORRUPT);
    assert_int_equal(err.code, TN_E_MISSING_FILE);
    assert_string_equal(err.path, tn_scratch_at(&scratch, "gone"));
    tni_source_release(source);
}

/* Download caches are farms of links: the link is followed, its own folder holds the siblings. */
static void links_are_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "blobs"), 0700), 0);
    tn_scratch_write(&scratch, "blobs/1", "index");
    tn_scratch_write(&scratch, "blobs/2", "data");
    assert_int_equal(symlink("blobs/1", tn_scratch_at(&scratch, "m.index")), 0);
    assert_int_equal(symlink("blobs/2", tn_scratch_at(&scratch, "m.data")), 0);
    assert_int_equal(symlink("blobs", tn_scratch_at(&scratch, "m.folder")), 0);
    tn_source *source = open_ok(tn_scratch_at(&scratch, "m.index"));
    tn_source *sibling = NULL;
    assert_int_equal(tni_source_sibling(source, TN_LIT("m.data"), &sibling, NULL), TN_OK);
    uint64_t device, inode;
    struct stat info;
    assert_true(tni_source_identity(sibling, &device, &inode));
    assert_int_equal(stat(tn_scratch_at(&scratch, "blobs/2"), &info), 0);
    assert_int_equal(inode, info.st_ino);
    assert_int_equal(device, info.st_dev);
    tn_source *none = NULL;
    tn_error err = {0};
    assert_int_equal(tni_source_sibling(source, TN_LIT("m.folder"), &none, &err), TN_READ);
    assert_int_equal(err.code, TN_E_NOT_REGULAR);
    tni_source_release(sibling);
    tni_source_release(source);
}

/* Somebody puts another folder in the place of ours between index and data. */
static void siblings_survive_a_swapped_folder(void **state)
{
    (void)state;
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "d"), 0700), 0);
    tn_scratch_write(&scratch, "d/index", "index");
    tn_scratch_write(&scratch, "d/data", "right");
    tn_source *source = open_ok(tn_scratch_at(&scratch, "d/index"));
    assert_int_equal(rename(tn_scratch_at(&scratch, "d"), tn_scratch_at(&scratch, "e")), 0);
    assert_int_equal(mkdir(tn_scratch_at(&scratch, "d"), 0700), 0);
    tn_scratch_write(&scratch, "d/data", "wrong");
    tn_source *data = NULL;
    char got[5];
    assert_int_equal(tni_source_sibling(source, TN_LIT("data"), &data, NULL), TN_OK);
    tni_source_release(source); /* the sibling holds the folder alone now */
    assert_int_equal(tni_source_read(data, 0, got, 5, NULL), TN_OK);
    assert_memory_equal(got, "right", 5);
    tni_source_release(data);
}

static void windows_nest(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.bin", "0123456789");
    tn_source *whole = open_ok(tn_scratch_at(&scratch, "a.bin"));
    tn_source *outer = NULL;
    tn_source *inner = NULL;
    assert_int_equal(tni_source_window(whole, 2, 6, &outer, NULL), TN_OK);
    assert_int_equal(tni_source_window(outer, 1, 3, &inner, NULL), TN_OK);
    tni_source_release(whole);
    tni_source_release(outer);
    char got[3];
    assert_int_equal(tni_source_size(inner), 3);
    assert_int_equal(tni_source_read(inner, 0, got, 3, NULL), TN_OK);
    assert_memory_equal(got, "345", 3);
    assert_string_equal(tni_source_path(inner), tn_scratch_at(&scratch, "a.bin"));
    const uint64_t beyond[][2] = {{0, 4}, {3, 1}, {4, 0}, {UINT64_MAX, 1}};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        tn_source *none = NULL;
        tn_error err = {0};
        assert_int_equal(tni_source_read(inner, beyond[i][0], got, beyond[i][1], &err), TN_CORRUPT);
        assert_int_equal(tni_source_window(inner, beyond[i][0], beyond[i][1], &none, NULL),
                         TN_CORRUPT);
        assert_int_equal(err.code, TN_E_TRUNCATED);
    }
    tni_source_release(inner);
}

static void memory_is_a_source(void **state)
{
    (void)state;
    tn_source *source = NULL;
    tn_source *none = NULL;
    tn_source *window = NULL;
    uint64_t device, inode;
    char got[2];
    tn_error err = {0};
    assert_int_equal(tni_source_memory(ctx, "abcdef", 6, "here", &source, NULL), TN_OK);
    assert_int_equal(tni_source_window(source, 2, 2, &window, NULL), TN_OK);
    assert_int_equal(tni_source_read(window, 0, got, 2, NULL), TN_OK);
    assert_memory_equal(got, "cd", 2);
    assert_false(tni_source_identity(window, &device, &inode));
    assert_int_equal(tni_source_unchanged(window, NULL), TN_OK);
    assert_int_equal(tni_source_sibling(window, TN_LIT("x"), &none, &err), TN_CORRUPT);
    assert_int_equal(err.code, TN_E_MISSING_FILE);
    tni_source_release(window);
    tni_source_release(source);
    assert_int_equal(tni_source_memory(ctx, NULL, 0, "empty", &source, NULL), TN_OK);
    assert_int_equal(tni_source_read(source, 0, got, 0, NULL), TN_OK);
    tni_source_release(source);
}

static void load_checks_before_it_allocates(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "a.bin", "0123456789");
    tn_source *source = open_ok(tn_scratch_at(&scratch, "a.bin"));
    void *data = NULL;
    tn_error limit = {0};
    tn_error end = {0};
    assert_int_equal(tni_source_load(source, 0, 10, 9, "header-bytes", &data, &limit), TN_LIMIT);
    assert_int_equal(
        tni_source_load(source, 1, UINT64_MAX, UINT64_MAX, "header-bytes", &data, &end),
        TN_CORRUPT);
    assert_int_equal(end.code, TN_E_TRUNCATED);
    assert_null(data);
    assert_int_equal(tni_source_load(source, 3, 4, 4, "header-bytes", &data, NULL), TN_OK);
    assert_memory_equal(data, "3456", 4);
    tni_free(ctx, data);
    tni_source_release(source);
}

typedef void (*change)(void);

static void shrink(void)
{
    assert_int_equal(truncate(tn_scratch_at(&scratch, "a.bin"), 4), 0);
}

static void grow(void)
{
    FILE *file = fopen(tn_scratch_at(&scratch, "a.bin"), "ab");
    fputs("more", file);
    fclose(file);
}

static void overwrite(void)
{
    FILE *file = fopen(tn_scratch_at(&scratch, "a.bin"), "r+b");
    fputs("XX", file);
    fclose(file);
}

static void rename_over(void)
{
    tn_scratch_write(&scratch, "b.bin", "0123456789");
    assert_int_equal(rename(tn_scratch_at(&scratch, "b.bin"), tn_scratch_at(&scratch, "a.bin")), 0);
}

static void remove_it(void)
{
    assert_int_equal(unlink(tn_scratch_at(&scratch, "a.bin")), 0);
}

static void changed_files_are_noticed(void **state)
{
    (void)state;
    const change changes[] = {shrink, grow, overwrite, rename_over, remove_it};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        tn_scratch_write(&scratch, "a.bin", "0123456789");
        tn_source *source = open_ok(tn_scratch_at(&scratch, "a.bin"));
        assert_int_equal(tni_source_unchanged(source, NULL), TN_OK);
        usleep(20000); /* file times move in ticks of up to 10 ms */
        changes[i]();
        tn_error err = {0};
        assert_int_equal(tni_source_unchanged(source, &err), TN_READ);
        assert_int_equal(err.code, TN_E_CHANGED);
        char got[10];
        tn_error read = {0};
        tn_status status = tni_source_read(source, 0, got, 10, &read);
        assert_int_equal(status, changes[i] == shrink ? TN_READ : TN_OK);
        assert_int_equal(read.code, changes[i] == shrink ? TN_E_CHANGED : TN_E_NONE);
        tni_source_release(source);
    }
}

static void folders_are_listed_in_order(void **state)
{
    (void)state;
    tni_arena arena;
    tni_names names = {NULL, 0};
    tni_arena_init(&arena, ctx, 1 << 20);
    assert_int_equal(tni_list_folder(ctx, scratch.path, 0, &arena, &names, NULL), TN_OK);
    assert_int_equal(names.count, 0);
    assert_false(tni_names_has(&names, TN_LIT("a")));
    for (int i = 99; i >= 0; i--) {
        char name[8];
        snprintf(name, sizeof name, "%02d", i);
        tn_scratch_write(&scratch, name, "");
    }
    assert_int_equal(tni_list_folder(ctx, scratch.path, 100, &arena, &names, NULL), TN_OK);
    assert_int_equal(names.count, 100);
    for (size_t i = 1; i < names.count; i++) {
        assert_true(tn_str_compare(names.at[i - 1], names.at[i]) < 0);
    }
    assert_true(tni_names_has(&names, TN_LIT("00")) && tni_names_has(&names, TN_LIT("99")));
    assert_false(tni_names_has(&names, TN_LIT("990")));
    assert_int_equal(tni_list_folder(ctx, scratch.path, 99, &arena, &names, NULL), TN_LIMIT);
    assert_int_equal(tni_list_folder(ctx, tn_scratch_at(&scratch, "00"), 9, &arena, &names, NULL),
                     TN_NOT_FOUND);
    tni_arena_clear(&arena);
}

static void kinds_of_paths(void **state)
{
    (void)state;
    tn_scratch_write(&scratch, "f", "");
    assert_int_equal(symlink("nowhere", tn_scratch_at(&scratch, "dangling")), 0);
    assert_int_equal(symlink("f", tn_scratch_at(&scratch, "link")), 0);
    const struct {
        const char *name;
        tni_path_kind kind;
    } want[] = {{"f", TNI_PATH_FILE},        {"link", TNI_PATH_FILE}, {".", TNI_PATH_FOLDER},
                {"dangling", TNI_PATH_NONE}, {"none", TNI_PATH_NONE}, {"f/x", TNI_PATH_NONE}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        tni_path_kind kind;
        assert_int_equal(tni_path_kind_of(ctx, tn_scratch_at(&scratch, want[i].name), &kind, NULL),
                         TN_OK);
        assert_int_equal(kind, want[i].kind);
    }
    tni_path_kind kind;
    assert_int_equal(tni_path_kind_of(ctx, "/dev/null", &kind, NULL), TN_OK);
    assert_int_equal(kind, TNI_PATH_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(reads_whole_ranges),
        IN_SCRATCH(short_and_interrupted_reads_go_on),
        IN_SCRATCH(read_errors_name_the_place),
        IN_SCRATCH(every_failing_call_leaks_nothing),
        IN_SCRATCH(what_is_no_file_is_refused_at_once),
        IN_SCRATCH(siblings_stay_in_the_folder),
        IN_SCRATCH(links_are_followed),
        IN_SCRATCH(siblings_survive_a_swapped_folder),
        IN_SCRATCH(windows_nest),
        IN_SCRATCH(memory_is_a_source),
        IN_SCRATCH(load_checks_before_it_allocates),
        IN_SCRATCH(changed_files_are_noticed),
        IN_SCRATCH(folders_are_listed_in_order),
        IN_SCRATCH(kinds_of_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
