#include <errno.h>
#include <stdlib.h>

#include "cli/errors.h"
#include "cli/get.h"
#include "cli/values.h"

/* Begins a tensor that is wanted as bytes. */
static tn_status start(const cli_get *get, size_t n, cli_values *values, tn_error *err)
{
    const tn_tensor *tensor = choice_at(get->choice, n);
    if (tn_dtype_about(tensor->dtype)->kind == TN_KIND_STRING) {
        *values = (struct cli_values){0};
        tn_escape(tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
        tn_status status = cli_fail(err, TN_E_UNSUPPORTED, "strings have no binary form");
        cli_hint(err, "--as json");
        return status;
    }
    return get_start(get, n, values, err);
}

static tn_status put(const cli_get *get, const void *data, size_t len, tn_error *err)
{
    errno = 0;
    if (fwrite(data, 1, len, get->out->stream) == len) {
        return TN_OK;
    }
    if (get->out->path != NULL) {
        cli_error_path(err, get->out->path);
    }
    return cli_fail_errno(err, errno != 0 ? errno : EIO, "cannot write the values");
}

/* Writes what is left of the values, and checks their sums. */
static tn_status put_values(const cli_get *get, cli_values *values, tn_npz *npz, tn_error *err)
{
    for (;;) {
        const void *bytes = NULL;
        size_t len = 0;
        tn_status status = values_block(values, &bytes, &len, err);
        if (status == TN_OK && len > 0) {
            status = npz != NULL ? tn_npz_write(npz, bytes, len, err) : put(get, bytes, len, err);
        }
        if (status != TN_OK) {
            return status;
        }
        if (len == 0) {
            return values_end(values, err);
        }
    }
}

/* Adds to a refusal whose values cannot be held, and the forms that hold them. */
static tn_status refused(const cli_values *values, tn_status status, tn_error *err)
{
    if (status == TN_UNSUPPORTED) {
        if (err->subject[0] == '\0') {
            tn_escape(values->tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
        }
        err->hint[0] = '\0';
        if (tn_dtype_about(values->dtype)->kind == TN_KIND_FLOAT) {
            cli_hint(err, "--cast float32 loses nothing; --as raw gives the bytes");
        } else {
            cli_hint(err, "--as raw gives the bytes, --as text and --as json the values");
        }
    }
    return status;
}

static tn_status put_header(const cli_get *get, const cli_values *values, tn_error *err)
{
    size_t len = 0;
    tn_dtype dtype = values->dtype;
    tn_status status = tn_npy_header(dtype, values->rank, values->shape, NULL, 0, &len, err);
    if (status != TN_OK) {
        return refused(values, status, err);
    }
    char *header = memory(malloc(len));
    status = tn_npy_header(dtype, values->rank, values->shape, header, len, &len, err);
    if (status == TN_OK) {
        status = put(get, header, len, err);
    }
    free(header);
    return status;
}

tn_status get_npy(const cli_get *get, tn_error *err)
{
    if (get->choice->count > 1) {
        tn_status status = cli_fail(err, TN_E_USAGE, "a .npy file holds one tensor, these are %zu",
                                    get->choice->count);
        cli_hint(err, "--as npz");
        return status;
    }
    cli_values values;
    tn_status status = start(get, 0, &values, err);
    if (status == TN_OK) {
        status = put_header(get, &values, err);
    }
    if (status == TN_OK) {
        status = put_values(get, &values, NULL, err);
    }
    values_clear(&values);
    return status;
}

static tn_status put_member(const cli_get *get, size_t n, tn_npz *npz, tn_error *err)
{
    cli_values values;
    tn_status status = start(get, n, &values, err);
    if (status == TN_OK) {
        tn_str name = values.tensor->alias[get->choice->scheme];
        status = refused(
            &values, tn_npz_start(npz, name, values.dtype, values.rank, values.shape, err), err);
    }
    if (status == TN_OK) {
        status = put_values(get, &values, npz, err);
    }
    if (status == TN_OK) {
        status = tn_npz_end(npz, err);
    }
    values_clear(&values);
    return status;
}

tn_status get_npz(const cli_get *get, tn_error *err)
{
    tn_npz *npz = NULL;
    tn_status status = tn_npz_new(get->cli->ctx, get->out->stream, &npz, err);
    for (size_t i = 0; i < get->choice->count && status == TN_OK; i++) {
        status = put_member(get, i, npz, err);
    }
    if (status == TN_OK) {
        status = tn_npz_finish(npz, err);
    }
    tn_npz_free(npz);
    return status;
}

tn_status get_raw(const cli_get *get, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; i < get->choice->count && status == TN_OK; i++) {
        cli_values values;
        status = start(get, i, &values, err);
        if (status == TN_OK) {
            status = put_values(get, &values, NULL, err);
        }
        values_clear(&values);
    }
    return status;
}
