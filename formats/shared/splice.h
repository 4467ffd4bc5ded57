/* Splices: a file that differs from another one in few places. All bytes between them are copied as
 * they are, straight from that file. */
#ifndef TN_FORMATS_SHARED_SPLICE_H
#define TN_FORMATS_SHARED_SPLICE_H

#include "io/output.h"
#include "io/source.h"

/* What stands in the place of a range of the old file. */
typedef struct tni_splice {
    uint64_t at, gone;
    tn_str bytes;
} tni_splice;

typedef struct tni_splices {
    tni_splice *at; /* in order of place, none over another */
    size_t count;
    uint64_t size; /* bytes of the new file */
} tni_splices;

/* Takes the next bytes of the new file. */
typedef tn_status (*tni_splices_take)(void *state, const void *data, size_t len, tn_error *err);

/* Hands the new file over from front to back, in blocks of at most 256 KiB. Errors: what reading
 * `source` and `take` give, TN_E_NOMEM, TN_E_CANCELLED. */
tn_status tni_splices_run(tn_context *ctx, tn_source *source, const tni_splices *splices,
                          tni_splices_take take, void *state, tn_error *err);

/* A file as it was written, or as it is: its size and the CRC-32C of all its bytes. */
typedef struct tni_splices_sum {
    uint64_t size;
    uint32_t crc;
} tni_splices_sum;

/* Writes the new file into `sink` from its beginning (NULL: nowhere) and sums it. Errors: as above,
 * and those of writing. */
tn_status tni_splices_write(tn_context *ctx, tn_source *source, const tni_splices *splices,
                            tn_sink *sink, tni_splices_sum *sum_out, tn_error *err);

#endif
