/* HDF5 files that must be refused: for the right reason, at the right object (fixtures/keras_h5).
 */
#include "fixtures.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t check_folder(const char *folder)
{
    char path[3 * FIXTURE_PATH];
    tn_model *model;
    tn_error err = {0};
    json_error_t error;
    snprintf(path, sizeof(path), "%s/refused.json", folder);
    json_t *wanted = json_load_file(path, 0, &error);
    if (wanted == NULL) {
        return 0;
    }
    tn_context *ctx = tn_context_new(NULL);
    snprintf(path, sizeof(path), "%s/%s", folder,
             json_string_value(json_object_get(wanted, "path")));
    assert_int_not_equal(tn_open(ctx, path, NULL, &model, &err), TN_OK);
    if (strcmp(tn_code_name(err.code), json_string_value(json_object_get(wanted, "code"))) != 0) {
        fail_msg("%s: %s: %s", path, tn_code_name(err.code), err.message);
    }
    assert_string_equal(err.subject, json_string_value(json_object_get(wanted, "subject")));
    assert_string_equal(err.path, path);
    tn_context_free(ctx);
    json_decref(wanted);
    return 1;
}

static void each_is_refused(void **state)
{
    struct dirent **names;
    size_t count = 0;
    int found = scandir(TN_FIXTURES "/keras_h5", &names, NULL, alphasort);
    (void)state;
    for (int i = 0; i < found; i++) {
        char folder[2 * FIXTURE_PATH];
        snprintf(folder, sizeof(folder), TN_FIXTURES "/keras_h5/%s", names[i]->d_name);
        count += check_folder(folder);
        free(names[i]);
    }
    free(names);
    assert_true(count >= 42);
}

/* The limits that the helper keeps are the context's. */
static void limits_hold(void **state)
{
    static const struct {
        const char *limit, *fixture;
    } cases[] = {{"tensors", "many"},
                 {"name-bytes", "groups"},
                 {"nesting", "groups"},
                 {"header-bytes", "attributes"},
                 {"decoded-bytes", "chunked"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[3 * FIXTURE_PATH];
        tn_limits limits = tn_limits_default();
        tn_model *model;
        tn_error err = {0};
        assert_int_equal(tn_limits_set(&limits, cases[i].limit, 10, &err), TN_OK);
        tn_context *ctx = tn_context_new(&(tn_context_options){.limits = &limits});
        snprintf(path, sizeof(path), TN_FIXTURES "/keras_h5/good-%s/model.h5", cases[i].fixture);
        assert_int_not_equal(tn_open(ctx, path, NULL, &model, &err), TN_OK);
        assert_int_equal(err.code, TN_E_LIMIT);
        assert_non_null(strstr(err.message, cases[i].limit));
        tn_context_free(ctx);
    }
}

/* Without its helper nothing is read, and the error tells what is missing. */
static void helper_is_missing(void **state)
{
    tn_context *ctx = tn_context_new(&(tn_context_options){.helper_path = "/nowhere/tenon-hdf5"});
    tn_model *model;
    tn_error err = {0};
    (void)state;
    assert_int_not_equal(
        tn_open(ctx, TN_FIXTURES "/keras_h5/good-chunked/model.h5", NULL, &model, &err), TN_OK);
    assert_int_equal(err.code, TN_E_UNSUPPORTED);
    assert_non_null(strstr(err.hint, "/nowhere/tenon-hdf5"));
    tn_context_free(ctx);
}

/* Makes this process one of a system that has no seccomp, as some containers are. */
static bool refuse_seccomp(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* Opens a file on such a system; gives the exit code that the program would end with. */
static int open_without_seccomp(bool no_sandbox)
{
    int how;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tn_context *ctx = tn_context_new(&(tn_context_options){.no_sandbox = no_sandbox});
        tn_model *model;
        tn_error err = {0};
        if (!refuse_seccomp()) {
            _exit(99);
        }
        tn_status status =
            tn_open(ctx, TN_FIXTURES "/keras_h5/good-chunked/model.h5", NULL, &model, &err);
        bool said = status == TN_OK || strstr(err.hint, "--no-sandbox") != NULL;
        _exit(said ? tn_status_exit_code(status) : 98);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void no_cage_no_reading(void **state)
{
    (void)state;
    assert_int_equal(open_without_seccomp(false), 8);
    assert_int_equal(open_without_seccomp(true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused), cmocka_unit_test(limits_hold),
        cmocka_unit_test(helper_is_missing), cmocka_unit_test(no_cage_no_reading)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
