/* A conversation with one helper program: its start, its frames, its limits and its end. Everything
 * that it says is hostile; so is its silence. */
#ifndef TN_FORMATS_SHARED_HDF5_SESSION_H
#define TN_FORMATS_SHARED_HDF5_SESSION_H

#include "core/cursor.h"
#include "formats/shared/hdf5_protocol.h"
#include "io/source.h"
#include <pthread.h>
#include <sys/types.h>

typedef struct tni_hdf5_session {
    tn_context *ctx;
    tn_source *source; /* what it reads; NULL: it makes an image */
    bool may_be_free;  /* what it works on comes from this process, so the cage is welcome but not a
                          condition */
    pthread_mutex_t lock; /* one question at a time */
    pid_t pid;            /* 0: it does not run */
    int socket;
    uint64_t work;         /* bytes that the answer at hand may take time for */
    uint8_t *in;           /* what was received */
    size_t in_len, in_pos; /* of it; the frames before in_pos have been handed out */
    uint8_t *out;          /* frames that are not sent yet */
    size_t out_len;
} tni_hdf5_session;

/* Makes a session without a helper. Free with tni_hdf5_session_free, which ends the helper. */
tn_status tni_hdf5_session_new(tn_context *ctx, tn_source *source, tni_hdf5_session **session_out,
                               tn_error *err);
void tni_hdf5_session_free(void *state);
/* Starts the helper unless it runs, and waits until it is ready. Errors: TN_E_UNSUPPORTED (it is
 * not there; the source is no file), TN_E_UNSAFE (no cage), TN_E_READ, TN_E_CORRUPT. */
tn_status tni_hdf5_start(tni_hdf5_session *session, tn_error *err);
/* Ends the helper, whatever it does, and reaps it. */
void tni_hdf5_stop(tni_hdf5_session *session);
/* Allows time for more work: `bytes` is how much is read, decoded or written in the next answer. */
void tni_hdf5_allow(tni_hdf5_session *session, uint64_t bytes);
/* Sends a frame: with others when they fill the buffer, or before the next frame is received. */
tn_status tni_hdf5_send(tni_hdf5_session *session, tni_h5_frame frame, const void *payload,
                        size_t len, tn_error *err);
/* Receives a frame; the payload is valid until the next call. A REFUSE is turned into its error. */
tn_status tni_hdf5_receive(tni_hdf5_session *session, tni_h5_frame *frame_out,
                           tni_cursor *payload_out, tn_error *err);
/* Raises what an answer means that is none: the input is corrupt or hostile. */
tn_status tni_hdf5_hostile(const tni_hdf5_session *session, const char *what, tn_error *err);
/* Raises the error of a REFUSE (hdf5_refuse.c). */
tn_status tni_hdf5_refused(const tni_hdf5_session *session, tni_cursor *payload, tn_error *err);
/* Starts tenon-hdf5 with `input` as its descriptor 3 (-1: nothing to read), `may_be_free` of its
 * cage where the system refuses it (hdf5_spawn.c). */
tn_status tni_hdf5_spawn(tn_context *ctx, int input, bool may_be_free, uint64_t cpu_seconds,
                         uint64_t memory, pid_t *pid_out, int *socket_out, tn_error *err);

#endif
