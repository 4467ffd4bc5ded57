/* Standard input as a whole, for the few small texts that may come from there. */
#include "core/buffer.h"
#include "core/error.h"
#include "io/source.h"

#include <errno.h>
#include <unistd.h>

tn_status tni_stdin_load(tn_context *ctx, uint64_t most, void **data_out, size_t *len_out,
                         tn_error *err)
{
    tni_buffer buffer;
    tn_status status = TN_OK;
    bool more = true;
    tni_buffer_init(&buffer, ctx);
    while (status == TN_OK && more && buffer.len < most) {
        char block[4096];
        uint64_t left = most - buffer.len;
        ssize_t got = read(STDIN_FILENO, block, left < sizeof block ? (size_t)left : sizeof block);
        if (got > 0) {
            tni_buffer_add(&buffer, block, (size_t)got);
        } else if (got < 0 && errno != EINTR) {
            status = tni_fail_errno(err, TN_E_READ, errno, "standard input cannot be read");
        }
        more = got != 0;
        if (status == TN_OK) {
            status = tni_buffer_check(&buffer, err);
        }
    }
    if (status != TN_OK) {
        tni_buffer_clear(&buffer);
        return status;
    }
    *data_out = buffer.data;
    *len_out = buffer.len;
    return TN_OK;
}
