#include "formats/shared/hdf5_session.h"
#include "core/error.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The helper gets 1 s of CPU plus 1 s per 10 MB of work, and may be silent for 1 s plus 1 s per 50
 * MB; but starting may take a slow disk and a busy machine longer. Sanitizers need ten times as
 * much, and more addresses than any limit allows. */
enum {
    CPU_BYTES = 10000000,
    SILENCE_BYTES = 50000000,
    START_MS = 10000,
    STEP_MS = 200, /* how often a wait looks whether the work was cancelled */
    IN_ROOM = TNI_H5_HEADER + TNI_H5_PAYLOAD,
    OUT_ROOM = 65536 /* frames are small and many: they travel together */
};

#ifdef TN_SANITIZED
enum { SLOWNESS = 10, MEMORY_LIMITED = 0 };
#else
enum { SLOWNESS = 1, MEMORY_LIMITED = 1 };
#endif

tn_status tni_hdf5_hostile(const tni_hdf5_session *session, const char *what, tn_error *err)
{
    if (session->source == NULL) {
        return tni_fail(err, TN_E_WRITE, "the helper program tenon-hdf5 failed: %s", what);
    }
    tn_status status = tni_fail(err, TN_E_CORRUPT, "the input is corrupt or hostile: %s", what);
    tni_error_path(err, tni_source_path(session->source));
    tni_error_hint(err, "get the file again, from somebody you trust");
    return status;
}

tn_status tni_hdf5_session_new(tn_context *ctx, tn_source *source, tni_hdf5_session **session_out,
                               tn_error *err)
{
    void *block, *room;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tni_hdf5_session), &block, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_alloc(ctx, IN_ROOM + OUT_ROOM, &room, err);
    if (status != TN_OK) {
        tni_free(ctx, block);
        return status;
    }
    tni_hdf5_session *session = block;
    *session = (tni_hdf5_session){.ctx = ctx,
                                  .source = source,
                                  .may_be_free = ctx->no_sandbox || source == NULL,
                                  .socket = -1,
                                  .in = room,
                                  .out = (uint8_t *)room + IN_ROOM};
    if (pthread_mutex_init(&session->lock, NULL) != 0) {
        tni_free(ctx, room);
        tni_free(ctx, block);
        return tni_fail(err, TN_E_NOMEM, "out of memory");
    }
    *session_out = session;
    return TN_OK;
}

void tni_hdf5_session_free(void *state)
{
    tni_hdf5_session *session = state;
    if (session == NULL) {
        return;
    }
    tni_hdf5_stop(session);
    pthread_mutex_destroy(&session->lock);
    tni_free(session->ctx, session->in);
    tni_free(session->ctx, session);
}

/* Waits for the end of the helper, which is near; returns its wait status, or -1. */
static int reap(tni_hdf5_session *session)
{
    int how = -1;
    pid_t done = 0;
    while (session->pid > 0 && (done = waitpid(session->pid, &how, 0)) < 0 && errno == EINTR) {
    }
    how = done == session->pid && session->pid > 0 ? how : -1;
    session->pid = 0;
    if (session->socket >= 0) {
        close(session->socket);
        session->socket = -1;
    }
    session->in_len = session->in_pos = session->out_len = 0;
    return how;
}

void tni_hdf5_stop(tni_hdf5_session *session)
{
    if (session->pid > 0) {
        (void)kill(-session->pid, SIGKILL);
        (void)kill(session->pid, SIGKILL);
        (void)reap(session);
    }
}

static uint64_t cpu_seconds(const tni_hdf5_session *session)
{
    return (1 + session->work / CPU_BYTES) * SLOWNESS;
}

static int64_t silence_ms(const tni_hdf5_session *session)
{
    return (int64_t)(1000 + session->work / (SILENCE_BYTES / 1000)) * SLOWNESS;
}

void tni_hdf5_allow(tni_hdf5_session *session, uint64_t bytes)
{
    clockid_t clock;
    struct timespec used = {0, 0};
    struct rlimit limit;
    session->work = bytes;
    if (session->pid > 0 && clock_getcpuclockid(session->pid, &clock) == 0 &&
        clock_gettime(clock, &used) == 0 && prlimit(session->pid, RLIMIT_CPU, NULL, &limit) == 0) {
        limit.rlim_cur = (rlim_t)((uint64_t)used.tv_sec + 1 + cpu_seconds(session));
        (void)prlimit(session->pid, RLIMIT_CPU, &limit, NULL);
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Says how the helper ended after it has closed its socket. A helper that closes it and lives on is
 * killed. */
static tn_status fail_ended(tni_hdf5_session *session, tn_error *err)
{
    const char *what = "libhdf5 gave up on it";
    int how;
    (void)kill(session->pid, SIGKILL); /* no effect on one that has ended */
    how = reap(session);
    if (how != -1 && WIFSIGNALED(how)) {
        int signal = WTERMSIG(how);
        what = signal == SIGXCPU  ? "reading it takes longer than a file of its size should"
               : signal == SIGSYS ? "reading it led to a forbidden call"
                                  : "reading it crashed libhdf5";
    }
    return tni_hdf5_hostile(session, what, err);
}

/* Waits until the socket is ready for `events` or the deadline passes. */
static tn_status wait_for(tni_hdf5_session *session, short events, int64_t deadline, tn_error *err)
{
    for (;;) {
        tn_status status = tni_cancelled(session->ctx, err);
        int64_t left = deadline - now_ms();
        if (status != TN_OK) {
            return status;
        }
        struct pollfd wanted = {.fd = session->socket, .events = events};
        int ready = poll(&wanted, 1, left < 0 ? 0 : left < STEP_MS ? (int)left : STEP_MS);
        if (ready > 0) {
            return TN_OK;
        }
        if (ready == 0 && left <= 0) {
            tni_hdf5_stop(session);
            return tni_hdf5_hostile(session, "the helper that reads it hangs", err);
        }
        if (ready < 0 && errno != EINTR) {
            return tni_fail_errno(err, TN_E_READ, errno, "cannot talk to the helper program");
        }
    }
}

/* Sends what tni_hdf5_send has put aside. */
static tn_status flush(tni_hdf5_session *session, tn_error *err)
{
    size_t at = 0, len = session->out_len;
    int64_t deadline = now_ms() + silence_ms(session);
    tn_status status = tni_cancelled(session->ctx, err);
    session->out_len = 0;
    while (status == TN_OK && at < len) {
        ssize_t sent =
            send(session->socket, session->out + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += (size_t)sent;
        } else if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return TN_OK; /* it has something to say first, which tni_hdf5_receive hears */
        } else if (sent < 0 && errno == EAGAIN) {
            status = wait_for(session, POLLOUT, deadline, err);
        } else if (sent < 0 && errno != EINTR) {
            status = tni_fail_errno(err, TN_E_READ, errno, "cannot talk to the helper program");
        }
    }
    return status;
}

static tn_status put(tni_hdf5_session *session, const uint8_t *data, size_t len, tn_error *err)
{
    tn_status status = TN_OK;
    while (status == TN_OK && len > 0) {
        size_t room = OUT_ROOM - session->out_len, part = len < room ? len : room;
        memcpy(session->out + session->out_len, data, part);
        session->out_len += part;
        data += part;
        len -= part;
        if (session->out_len == OUT_ROOM) {
            status = flush(session, err);
        }
    }
    return status;
}

tn_status tni_hdf5_send(tni_hdf5_session *session, tni_h5_frame frame, const void *payload,
                        size_t len, tn_error *err)
{
    uint8_t header[TNI_H5_HEADER] = {(uint8_t)frame};
    tni_store_u32le(header + 1, (uint32_t)len);
    tn_status status = put(session, header, sizeof header, err);
    return status == TN_OK ? put(session, payload, len, err) : status;
}

/* Receives more bytes until `len` are at hand, and as many more as there are: the socket is asked
 * before it is waited for. */
static tn_status fill(tni_hdf5_session *session, size_t len, int64_t deadline, tn_error *err)
{
    if (session->in_pos == session->in_len || session->in_pos + len > IN_ROOM) {
        memmove(session->in, session->in + session->in_pos, session->in_len - session->in_pos);
        session->in_len -= session->in_pos;
        session->in_pos = 0;
    }
    while (session->in_len - session->in_pos < len) {
        tn_status status = tni_cancelled(session->ctx, err);
        if (status != TN_OK) {
            return status;
        }
        ssize_t got = recv(session->socket, session->in + session->in_len,
                           IN_ROOM - session->in_len, MSG_DONTWAIT);
        if (got > 0) {
            session->in_len += (size_t)got;
        } else if (got < 0 && errno == EAGAIN) {
            status = wait_for(session, POLLIN, deadline, err);
        } else if (got == 0 || errno != EINTR) {
            return fail_ended(session, err);
        }
        if (status != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

static tn_status receive(tni_hdf5_session *session, int64_t deadline, tni_h5_frame *frame_out,
                         tni_cursor *payload_out, tn_error *err)
{
    if (session->pid <= 0) {
        return tni_hdf5_hostile(session, "the helper that reads it has ended", err);
    }
    tn_status status = session->out_len > 0 ? flush(session, err) : TN_OK;
    if (status == TN_OK) {
        status = fill(session, TNI_H5_HEADER, deadline, err);
    }
    if (status != TN_OK) {
        return status;
    }
    uint32_t len = tni_load_u32le(session->in + session->in_pos + 1);
    if (len > TNI_H5_PAYLOAD) {
        return tni_hdf5_hostile(session, "the helper that reads it talks nonsense", err);
    }
    status = fill(session, TNI_H5_HEADER + len, deadline, err);
    if (status != TN_OK) {
        return status;
    }
    const uint8_t *frame = session->in + session->in_pos;
    *frame_out = (tni_h5_frame)frame[0];
    *payload_out = tni_cursor_of(frame + TNI_H5_HEADER, len);
    session->in_pos += TNI_H5_HEADER + len;
    if (frame[0] == TNI_H5_REFUSE) {
        return tni_hdf5_refused(session, payload_out, err);
    }
    return TN_OK;
}

tn_status tni_hdf5_receive(tni_hdf5_session *session, tni_h5_frame *frame_out,
                           tni_cursor *payload_out, tn_error *err)
{
    return receive(session, now_ms() + silence_ms(session), frame_out, payload_out, err);
}

static tn_status wait_ready(tni_hdf5_session *session, tn_error *err)
{
    tni_h5_frame frame = TNI_H5_REFUSE;
    tni_cursor payload;
    uint8_t version = 0, caged = 0;
    tn_status status =
        receive(session, now_ms() + (int64_t)START_MS * SLOWNESS, &frame, &payload, err);
    if (status != TN_OK) {
        return status;
    }
    if (frame != TNI_H5_READY || !tni_get_u8(&payload, &version) || !tni_get_u8(&payload, &caged) ||
        version != TNI_H5_VERSION) {
        status = tni_fail(err, TN_E_UNSUPPORTED,
                          "the helper program tenon-hdf5 is of another version than tenon");
        tni_error_hint(err, "install both from one build");
    }
    return status;
}

/* Tells the helper which bytes of its descriptor are the file, and how much of it may be listed. */
static tn_status send_open(tni_hdf5_session *session, uint64_t base, tn_error *err)
{
    const tn_limits *limits = &session->ctx->limits;
    const uint64_t words[] = {base,
                              tni_source_size(session->source),
                              limits->tensors,
                              limits->name_bytes < TNI_H5_NAME ? limits->name_bytes : TNI_H5_NAME,
                              limits->nesting,
                              limits->header_bytes};
    enum { WORDS = sizeof words / sizeof words[0] };
    uint8_t payload[8 * WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        tni_store_u64le(payload + 8 * i, words[i]);
    }
    return tni_hdf5_send(session, TNI_H5_OPEN, payload, sizeof payload, err);
}

tn_status tni_hdf5_start(tni_hdf5_session *session, tn_error *err)
{
    const uint64_t gib = UINT64_C(1) << 30, most = 16 * gib;
    int input = -1;
    uint64_t base = 0, size = session->source == NULL ? 0 : tni_source_size(session->source);
    if (session->pid > 0) {
        return TN_OK;
    }
    if (session->source != NULL && !tni_source_descriptor(session->source, &input, &base)) {
        return tni_fail(err, TN_E_UNSUPPORTED, "HDF5 data in memory cannot be read");
    }
    uint64_t memory = gib + (size > most ? most : size) / 4 + session->work / 8;
    session->work = session->work < size ? size : session->work;
    tn_status status =
        tni_hdf5_spawn(session->ctx, input, session->may_be_free, cpu_seconds(session),
                       MEMORY_LIMITED ? memory : 0, &session->pid, &session->socket, err);
    if (status == TN_OK) {
        status = wait_ready(session, err);
    }
    if (status == TN_OK && session->source != NULL) {
        status = send_open(session, base, err);
    }
    if (status != TN_OK) {
        tni_hdf5_stop(session);
    }
    return status;
}
