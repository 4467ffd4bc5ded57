#include "faults/proxy.h"

#include "core/cursor.h"
#include "formats/shared/hdf5_protocol.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH = 4096, FRAME = TNI_H5_HEADER + TNI_H5_PAYLOAD, ROOM = 4 * FRAME, NEXT_MS = 20 };

/* Ends this process, whatever else it was about. */
static void must(bool held)
{
    if (!held) {
        _exit(99);
    }
}

static proxy_state *map_state(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    must(fd >= 0 && (flags == O_RDWR || ftruncate(fd, sizeof(proxy_state)) == 0));
    void *block = mmap(NULL, sizeof(proxy_state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(block != MAP_FAILED);
    close(fd);
    return block;
}

/* Gives the program that runs, or what lies beside it. */
static void own_path(const char *beside, char path[PATH])
{
    ssize_t len = readlink("/proc/self/exe", path, PATH - 1);
    must(len > 0);
    path[len] = '\0';
    if (beside != NULL) {
        char *name = strrchr(path, '/') + 1;
        snprintf(name, PATH - (size_t)(name - path), "%s", beside);
    }
}

void proxy_make(proxy *p)
{
    char self[PATH];
    own_path(NULL, self);
    tn_scratch_make(&p->folder);
    snprintf(p->path, sizeof p->path, "%s", tn_scratch_at(&p->folder, "helper"));
    must(symlink(self, p->path) == 0);
    p->state = map_state(tn_scratch_at(&p->folder, "state"), O_RDWR | O_CREAT);
}

void proxy_remove(proxy *p)
{
    munmap(p->state, sizeof *p->state);
    tn_scratch_remove(&p->folder);
}

void proxy_set(proxy *p, proxy_way way, unsigned long at)
{
    p->state->way = way;
    p->state->at = at;
    atomic_store(&p->state->frames, 0);
    atomic_store(&p->state->hit, 0);
}

/* ---------------------------------------------------------------- the proxy's own process */

/* One conversation. */
typedef struct relay {
    proxy_state *state;
    int helper; /* socket to the true one */
    pid_t pid;
    uint8_t in[ROOM]; /* from the true one, not yet passed on */
    size_t len;
} relay;

static void send_up(const void *data, size_t len)
{
    const char *from = data;
    while (len > 0) {
        ssize_t sent = send(TNI_H5_SOCKET_FD, from, len, MSG_NOSIGNAL);
        must(sent > 0);
        from += sent;
        len -= (size_t)sent;
    }
}

static void start_helper(relay *r, char **argv)
{
    static const char name[] = "tenon-hdf5";
    char path[PATH];
    char *const environment[] = {NULL};
    int pair[2];
    posix_spawn_file_actions_t actions;
    own_path(name, path);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    must(fcntl(pair[0], F_SETFD, FD_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], TNI_H5_SOCKET_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, TNI_H5_SOCKET_FD + 1);
    must(posix_spawn(&r->pid, path, &actions, NULL, argv, environment) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    r->helper = pair[0];
}

/* Receives what the helper has said; false at its end. */
static bool hear(relay *r)
{
    ssize_t got = recv(r->helper, r->in + r->len, ROOM - r->len, 0);
    if (got > 0) {
        r->len += (size_t)got;
    }
    return got > 0;
}

/* Returns the length of the frame at `at`; 0 if it is not there as a whole. */
static size_t whole(const relay *r, size_t at)
{
    if (r->len < at + TNI_H5_HEADER) {
        return 0;
    }
    size_t len = TNI_H5_HEADER + tni_load_u32le(r->in + at + 1);
    return r->len < at + len ? 0 : len;
}

static void send_frame(const uint8_t *frame, uint32_t length_said, size_t len)
{
    uint8_t head[TNI_H5_HEADER] = {frame[0]};
    tni_store_u32le(head + 1, length_said);
    send_up(head, sizeof head);
    send_up(frame + TNI_H5_HEADER, len);
}

static void swap(relay *r, size_t len)
{
    struct pollfd wanted = {.fd = r->helper, .events = POLLIN};
    while (whole(r, len) == 0 && poll(&wanted, 1, NEXT_MS) > 0 && hear(r)) {
    }
    size_t next = whole(r, len);
    send_up(r->in + len, next);
    send_up(r->in, len);
    memmove(r->in + len, r->in + len + next, r->len - len - next);
    r->len -= next;
}

/* Ends like a helper that something happened to. */
static void end_badly(const relay *r, const uint8_t *frame, size_t len)
{
    switch ((int)r->state->way) {
    case PROXY_KILLED:
        raise(SIGKILL);
        break;
    case PROXY_CRASHES:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;
    case PROXY_HANGS:
        for (;;) {
            pause();
        }
    case PROXY_CUTS:
        send_up(frame, len / 2);
        _exit(0);
    case PROXY_DROPS:
        if (frame[0] != TNI_H5_READY && frame[0] != TNI_H5_END) {
            break;
        }
        _exit(0); /* nothing comes after it, and silence is tried by PROXY_HANGS */
    case PROXY_EXITS:
        _exit(0);
    default:
        break;
    }
}

/* Sends something else than the frame, whose payload has `n` bytes. */
static void send_other(relay *r, uint8_t *frame, uint32_t n)
{
    switch ((int)r->state->way) {
    case PROXY_REPEATS:
        send_frame(frame, n, n);
        break;
    case PROXY_RENAMES:
        frame[0] = (uint8_t)(frame[0] % TNI_H5_REFUSE + 1);
        break;
    case PROXY_LONGER:
        frame[TNI_H5_HEADER + n] = 'x';
        n++;
        break;
    case PROXY_SHORTER:
        n -= n > 0;
        break;
    case PROXY_HUGE:
        send_frame(frame, UINT32_MAX, n);
        return;
    case PROXY_LIES:
        memset(frame + TNI_H5_HEADER, 0xFE, n < 4 ? n : 4);
        break;
    case PROXY_FLIPS:
        frame[TNI_H5_HEADER + n / 2] ^= n > 0 ? 1 : 0;
        break;
    case PROXY_SIGNALS:
        kill(r->state->program, r->state->signal);
        break;
    default:
        break;
    }
    send_frame(frame, n, n);
}

static void misbehave(relay *r, size_t len)
{
    static uint8_t frame[FRAME + 1];
    memcpy(frame, r->in, len);
    atomic_store(&r->state->hit, frame[0]);
    end_badly(r, frame, len);
    if (r->state->way == PROXY_SWAPS) {
        swap(r, len);
    } else if (r->state->way != PROXY_DROPS) {
        send_other(r, frame, (uint32_t)(len - TNI_H5_HEADER));
    }
}

/* Passes on all whole frames. */
static void pass_frames(relay *r)
{
    for (size_t len = whole(r, 0); len > 0; len = whole(r, 0)) {
        unsigned long number = atomic_fetch_add(&r->state->frames, 1) + 1;
        if (number == r->state->at) {
            misbehave(r, len);
        } else {
            send_up(r->in, len);
        }
        memmove(r->in, r->in + len, r->len - len);
        r->len -= len;
    }
}

/* Passes on what tenon says; false at its end. */
static bool pass_down(const relay *r)
{
    char part[FRAME];
    ssize_t got = recv(TNI_H5_SOCKET_FD, part, sizeof part, 0);
    for (ssize_t at = 0; at < got;) {
        ssize_t sent = send(r->helper, part + at, (size_t)(got - at), MSG_NOSIGNAL);
        if (sent <= 0) {
            return true; /* it has ended: its last words are still to be heard */
        }
        at += sent;
    }
    return got > 0;
}

static void serve(relay *r)
{
    bool talks = true;
    while (talks) {
        struct pollfd both[] = {{.fd = TNI_H5_SOCKET_FD, .events = POLLIN},
                                {.fd = r->helper, .events = POLLIN}};
        must(poll(both, 2, -1) > 0 || errno == EINTR);
        if (both[1].revents != 0) {
            talks = hear(r);
            pass_frames(r);
        } else if (both[0].revents != 0) {
            talks = pass_down(r);
        }
    }
}

void proxy_serve(int argc, char **argv)
{
    static relay r;
    char path[PATH];
    int how;
    if (argc != 4 || strcmp(argv[0], "tenon-hdf5") != 0) {
        return;
    }
    /* The name that this program was started by leads to the state: a helper has no environment. */
    snprintf(path, sizeof path, "%s", (const char *)getauxval(AT_EXECFN));
    char *name = strrchr(path, '/') + 1;
    snprintf(name, sizeof path - (size_t)(name - path), "state");
    r.state = map_state(path, O_RDWR);
    start_helper(&r, argv);
    serve(&r);
    close(r.helper);
    waitpid(r.pid, &how, 0);
    if (WIFSIGNALED(how)) {
        raise(WTERMSIG(how));
    }
    _exit(0);
}
