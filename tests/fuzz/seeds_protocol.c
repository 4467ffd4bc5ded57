/* Answers of the real helper, recorded: the linker puts the two functions below before recv and the
 * helper's start (CMakeLists.txt). */
#include "formats/shared/hdf5_session.h"
#include "seeds.h"
#include "target.h"

#include <sys/socket.h>
#include <sys/stat.h>

static mut_bytes answers; /* of all helpers so far, each with its length before it */
static size_t answer_at;  /* where the last one's length stands */

ssize_t __real_recv(int fd, void *buffer, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t len, int flags);
tn_status __real_tni_hdf5_spawn(tn_context *ctx, int input, bool may_be_free, uint64_t cpu_seconds,
                                uint64_t memory, pid_t *pid_out, int *socket_out, tn_error *err);
tn_status __wrap_tni_hdf5_spawn(tn_context *ctx, int input, bool may_be_free, uint64_t cpu_seconds,
                                uint64_t memory, pid_t *pid_out, int *socket_out, tn_error *err);

ssize_t __wrap_recv(int fd, void *buffer, size_t len, int flags)
{
    ssize_t got = __real_recv(fd, buffer, len, flags);
    if (got > 0) {
        mut_add(&answers, buffer, (size_t)got);
        tni_store_u32le(answers.at + answer_at, (uint32_t)(answers.len - answer_at - 4));
    }
    return got;
}

tn_status __wrap_tni_hdf5_spawn(tn_context *ctx, int input, bool may_be_free, uint64_t cpu_seconds,
                                uint64_t memory, pid_t *pid_out, int *socket_out, tn_error *err)
{
    answer_at = answers.len;
    mut_add_u32(&answers, 0);
    return __real_tni_hdf5_spawn(ctx, input, may_be_free, cpu_seconds, memory, pid_out, socket_out,
                                 err);
}

void seed_protocol(const char *path, const char *name)
{
    fuzz f;
    tn_model *model;
    struct stat about;
    FUZZ_HOLDS(stat(path, &about) == 0);
    answers.len = 0;
    mut_add_u32(&answers, (uint32_t)about.st_size);
    fuzz_begin(&f);
    if (tn_open(f.ctx, path, NULL, &model, NULL) == TN_OK) {
        (void)fuzz_model(&f, model);
        tn_model_free(model);
    }
    fuzz_end(&f);
    seed_write("hdf5_protocol", name, &answers);
    mut_clear(&answers);
}
