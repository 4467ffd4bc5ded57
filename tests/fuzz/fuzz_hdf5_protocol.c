/* What the helper program says, with libhdf5 in the power of a hostile file: everything in its
 * place is an input. An input is the file's size in four bytes, then the answers of one helper
 * after the other, each with its length before it; the linker puts __wrap_tni_hdf5_spawn in the
 * place of the start of one (CMakeLists.txt). */
#include "formats/shared/hdf5_session.h"
#include "target.h"

#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_FILE = 1 << 20, MOST_ANSWER = 100000 /* what a socket takes in at once */ };

static tni_cursor answers; /* of the input at hand */

tn_status __wrap_tni_hdf5_spawn(tn_context *ctx, int input, bool may_be_free, uint64_t cpu_seconds,
                                uint64_t memory, pid_t *pid_out, int *socket_out, tn_error *err);

/* Starts nobody: the answer lies in the socket already. No process can have this number, so that
 * the session may signal it and wait for it. */
tn_status __wrap_tni_hdf5_spawn(tn_context *ctx, int input, bool may_be_free, uint64_t cpu_seconds,
                                uint64_t memory, pid_t *pid_out, int *socket_out, tn_error *err)
{
    int pair[2];
    tn_str answer = fuzz_part(&answers);
    (void)ctx;
    (void)input;
    (void)may_be_free;
    (void)cpu_seconds;
    (void)memory;
    (void)err;
    answer.len = answer.len < MOST_ANSWER ? answer.len : MOST_ANSWER;
    FUZZ_HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    FUZZ_HOLDS(send(pair[1], answer.data, answer.len, MSG_DONTWAIT) == (ssize_t)answer.len);
    FUZZ_HOLDS(close(pair[1]) == 0);
    *pid_out = INT_MAX;
    *socket_out = pair[0];
    return TN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    uint32_t file_size;
    answers = tni_cursor_of(data, size);
    if (!tni_get_u32le(&answers, &file_size)) {
        return 0;
    }
    const char *path = fuzz_file("m.h5", TN_LIT(""));
    FUZZ_HOLDS(truncate(path, (off_t)(file_size % (MOST_FILE + 1))) == 0);
    fuzz_begin(&f);
    tn_model *model;
    tn_error err = {0};
    if (tn_open(f.ctx, path, &(tn_open_options){.from = "keras_h5"}, &model, &err) == TN_OK) {
        (void)fuzz_model(&f, model); /* answers are used up: a second reading would get none */
        tn_model_free(model);
    } else {
        FUZZ_HOLDS(err.code != TN_E_NONE && err.message[0] != '\0');
    }
    fuzz_end(&f);
    return 0;
}
