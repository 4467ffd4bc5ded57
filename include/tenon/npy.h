/* NumPy's files: the header of a .npy, and .npz archives. Both are written only, in a stream. */
#ifndef TENON_NPY_H
#define TENON_NPY_H

#include <stdio.h>

#include <tenon/context.h>
#include <tenon/dtype.h>
#include <tenon/str.h>

/* Writes the header of a .npy file in C order, as NumPy 1.26 and 2 do: version 1.0, or 2.0 where
 * 1.0 cannot hold it. The little-endian row-major values follow it. *len_out gets the header's
 * length, a multiple of 64; the header is written to `buffer` only if `room` is enough (0: just
 * measure; `buffer` may then be NULL). Errors: TN_E_CANNOT_HOLD for a dtype that NumPy has no
 * letter for, or for an unknown dimension. */
TN_API tn_status tn_npy_header(tn_dtype dtype, uint32_t rank, const int64_t *shape, void *buffer,
                               size_t room, size_t *len_out, tn_error *err);

/* A .npz archive in the making: stored (not deflated) members, written to a stream that is never
 * sought, so it may be a pipe. Memory grows with the number of arrays, not with their size. */
typedef struct tn_npz tn_npz;

/* Begins an archive. The stream stays the caller's: he opens, flushes and closes it. Free with
 * tn_npz_free. */
TN_API tn_status tn_npz_new(tn_context *ctx, FILE *stream, tn_npz **npz_out, tn_error *err);
TN_API void tn_npz_free(tn_npz *npz); /* NULL is fine */
/* Begins the array that numpy.load() will give under `name` (the member is NAME.npy). Errors:
 * TN_E_CANNOT_HOLD for a name that is not UTF-8, is too long, or would escape from the folder that
 * a careless unpacker writes to; for two names that NumPy cannot tell apart; and as tn_npy_header.
 * TN_E_WRITE, TN_E_NO_SPACE, TN_E_NOMEM. */
TN_API tn_status tn_npz_start(tn_npz *npz, tn_str name, tn_dtype dtype, uint32_t rank,
                              const int64_t *shape, tn_error *err);
/* Writes the next `len` bytes of the array's values: little-endian, row-major. */
TN_API tn_status tn_npz_write(tn_npz *npz, const void *data, size_t len, tn_error *err);
/* Ends the array, all of whose bytes were written. */
TN_API tn_status tn_npz_end(tn_npz *npz, tn_error *err);
/* Writes the archive's directory and flushes the stream. Nothing but tn_npz_free may follow. */
TN_API tn_status tn_npz_finish(tn_npz *npz, tn_error *err);

#endif
