/* The copy loop: moves or sums many ranges of bytes, in parallel, in constant memory. */
#ifndef TN_CONVERTERS_MOVE_H
#define TN_CONVERTERS_MOVE_H

#include "io/output.h"

/* One contiguous range. Runs that go to a sink are listed in ascending order of (sink, to). */
typedef struct tni_run {
    tn_source *source;
    uint64_t from, bytes;
    tn_sink *sink; /* NULL: the bytes are only summed */
    uint64_t to;
    uint32_t crc; /* out: CRC-32C of the bytes */
    bool failed;  /* out, with keep_going: some of the bytes could not be read */
} tni_run;

typedef struct tni_moving {
    const char *phase;    /* for progress: "copy", "verify" */
    uint64_t done, total; /* bytes before these runs, and of the whole work */
    bool keep_going;      /* a read that fails marks its run and does not stop the others */
} tni_moving;

/* Bytes of one buffer; one buffer a worker. With 1 MiB at places that 1 MiB divides, ext4 keeps the
 * file in folios of that size, and to fill fresh ones can take four times as long
 * (docs/performance.md). */
enum { TNI_WINDOW = 1 << 19 };

/* Moves all runs. Workers take windows of the target in ascending order, so the error that is
 * reported is that of the lowest place, whatever the number of threads. Errors: of reading,
 * writing, TN_E_CANCELLED, TN_E_NOMEM. */
tn_status tni_move(tn_context *ctx, tni_run *runs, size_t count, const tni_moving *moving,
                   tn_error *err);
/* Returns the memory that tni_move takes beyond its input, in bytes. */
uint64_t tni_move_memory(const tn_context *ctx, size_t count, uint64_t bytes);

#endif
