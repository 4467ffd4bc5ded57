/* The program and its HDF5 helper against each other: neither believes the other.
 *
 * The program's side is tried with false helpers: this test is its own false helper, which sends
 * what the "input" holds, word for word, and then does what its last byte says. The helper's side
 * is tried with frames that are damaged. */
#include "core/arena.h"
#include "core/context.h"
#include "core/cursor.h"
#include "fixtures.h"
#include "formats/format.h"
#include "formats/shared/hdf5_client.h"
#include "formats/shared/hdf5_session.h"
#include "support/scratch.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROOM = 1 << 16,
    ENDS = 'e',
    HANGS = 'h',
    CRASHES = 'c',
    BURNS = 'b',
    CLOSES = 'x',
    DRIPS = 'd' /* sends byte by byte, then ends */
};

/* Sends bytes one by one, each when the other side has taken the one before: so every frame is cut
 * at every byte. */
static bool drip(int socket, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int unread = 1;
        if (send(socket, data + i, 1, MSG_NOSIGNAL) != 1) {
            return false;
        }
        while (ioctl(socket, SIOCOUTQ, &unread) == 0 && unread > 0) {
            struct pollfd closed = {.fd = socket};
            (void)sched_yield();
            if (poll(&closed, 1, 0) > 0 && (closed.revents & POLLHUP) != 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---------------------------------------------------------------- the false helper */

static void send_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = write(TNI_H5_SOCKET_FD, data, len);
        if (sent <= 0) {
            _exit(0);
        }
        data += sent;
        len -= (size_t)sent;
    }
}

static int false_helper(void)
{
    static char script[ROOM];
    ssize_t len = pread(TNI_H5_INPUT_FD, script, sizeof script, 0);
    if (len < 1) {
        return 1;
    }
    if (script[len - 1] == DRIPS) {
        return drip(TNI_H5_SOCKET_FD, (const uint8_t *)script, (size_t)len - 1) ? 0 : 1;
    }
    send_all(script, (size_t)len - 1);
    switch (script[len - 1]) {
    case HANGS:
        for (;;) {
            pause();
        }
    case CRASHES:
        raise(SIGSEGV);
        break;
    case BURNS:
        for (volatile unsigned i = 0;; i++) {
        }
    case CLOSES:
        close(TNI_H5_SOCKET_FD);
        pause();
        break;
    default:
        break;
    }
    return 0;
}

/* ---------------------------------------------------------------- scripts */

typedef struct script {
    uint8_t bytes[ROOM];
    size_t len, begin;
} script;

static void put(script *s, const void *data, size_t len)
{
    assert_true(s->len + len <= ROOM);
    memcpy(s->bytes + s->len, data, len);
    s->len += len;
}

static void put_u8(script *s, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    put(s, &byte, 1);
}

static void put_u32(script *s, uint32_t value)
{
    uint8_t bytes[4];
    tni_store_u32le(bytes, value);
    put(s, bytes, 4);
}

static void put_u64(script *s, uint64_t value)
{
    uint8_t bytes[8];
    tni_store_u64le(bytes, value);
    put(s, bytes, 8);
}

static void begin(script *s, tni_h5_frame frame)
{
    s->begin = s->len;
    put_u8(s, frame);
    put_u32(s, 0);
}

static void end(script *s)
{
    tni_store_u32le(s->bytes + s->begin + 1, (uint32_t)(s->len - s->begin - TNI_H5_HEADER));
}

static void put_ready(script *s)
{
    begin(s, TNI_H5_READY);
    put_u8(s, TNI_H5_VERSION);
    put_u8(s, 1);
    end(s);
}

static void put_group(script *s, uint32_t parent, uint64_t links, const char *name)
{
    begin(s, TNI_H5_GROUP);
    put_u32(s, parent);
    put_u64(s, 96);
    put_u64(s, links);
    put(s, name, strlen(name));
    end(s);
}

/* A float32 vector of `elements` at `offset`. */
static void put_dataset(script *s, uint32_t parent, uint64_t elements, uint64_t offset,
                        uint64_t bytes, const char *name)
{
    begin(s, TNI_H5_DATASET);
    put_u32(s, parent);
    put_u64(s, 800);
    put_u8(s, TN_FLOAT32);
    put_u8(s, 0);
    put_u32(s, 0);
    put_u8(s, 1);
    put_u64(s, elements);
    put_u8(s, 1); /* contiguous */
    put_u64(s, offset);
    put_u64(s, bytes);
    put_u8(s, 0);
    put(s, name, strlen(name));
    end(s);
}

static void put_attribute(script *s, uint64_t elements, const char *name, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    begin(s, TNI_H5_ATTRIBUTE);
    put_u8(s, TN_STRING);
    put_u8(s, TNI_H5_VARIABLE);
    put_u32(s, 0);
    put_u8(s, 1);
    put_u64(s, elements);
    put_u64(s, 4 + len);
    put(s, name, strlen(name));
    end(s);
    begin(s, TNI_H5_BYTES);
    put_u32(s, len);
    put(s, text, len);
    end(s);
}

/* The END's size is the whole script's: the END's own frame and the last byte still come. */
static void put_end(script *s, uint64_t objects, uint64_t attributes, uint64_t bytes)
{
    begin(s, TNI_H5_END);
    put_u64(s, objects);
    put_u64(s, attributes);
    put_u64(s, bytes);
    put_u64(s, s->len + 8 + 1);
    end(s);
}

/* An honest listing. */
static script honest(void)
{
    script s = {.len = 0};
    put_ready(&s);
    put_group(&s, UINT32_MAX, 2, "");
    put_attribute(&s, 1, "backend", "numpy");
    put_group(&s, 0, 1, "dense");
    put_dataset(&s, 1, 4, 16, 16, "kernel");
    put_dataset(&s, 0, 2, 40, 8, "other");
    put_end(&s, 4, 1, 9);
    return s;
}

/* ---------------------------------------------------------------- the program against false
 * helpers */

typedef struct trial {
    tn_context *ctx;
    tn_scratch scratch;
} trial;

/* Opens an input that is a script, read by this program as helper. */
static tn_code open_script(trial *t, const script *s, char ending, tn_error *err)
{
    tn_model *model;
    tn_source *source;
    const tni_hdf5_file *file;
    const char *path = tn_scratch_at(&t->scratch, "script.h5");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, s->bytes, s->len), s->len);
    assert_int_equal(write(fd, &ending, 1), 1);
    close(fd);
    *err = (tn_error){0};
    assert_int_equal(tni_model_new(t->ctx, &model, err), TN_OK);
    assert_int_equal(tni_source_open(t->ctx, path, &source, err), TN_OK);
    assert_int_equal(tni_model_keep(model, source, err), TN_OK);
    (void)tni_hdf5_open(model, source, &file, err);
    tn_model_free(model);
    /* It is dead and buried. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return err->code;
}

static void expect(trial *t, const script *s, char ending, tn_code code, const char *what)
{
    tn_error err = {0};
    tn_code found = open_script(t, s, ending, &err);
    if (found != code) {
        fail_msg("%s: %s: %s", what, tn_code_name(found), err.message);
    }
}

static void setup(trial *t)
{
    static char self[FIXTURE_PATH];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    tn_scratch_make(&t->scratch);
    t->ctx = tn_context_new(&(tn_context_options){.helper_path = self});
}

static void teardown(trial *t)
{
    tn_context_free(t->ctx);
    tn_scratch_remove(&t->scratch);
}

static void ends_badly(void **state)
{
    trial t;
    script s = honest(), part = honest();
    (void)state;
    setup(&t);
    expect(&t, &s, ENDS, TN_E_NONE, "honest");
    part.len = 40;
    expect(&t, &part, ENDS, TN_E_CORRUPT, "ends early");
    expect(&t, &part, CRASHES, TN_E_CORRUPT, "crashes");
    expect(&t, &part, CLOSES, TN_E_CORRUPT, "closes its socket and lives on");
    expect(&t, &part, HANGS, TN_E_CORRUPT, "hangs");
    expect(&t, &part, BURNS, TN_E_CORRUPT, "loops");
    part.len = 0;
    expect(&t, &part, CRASHES, TN_E_CORRUPT, "crashes at once");
    teardown(&t);
}

/* However the frames are cut on their way, the listing is the same; and however early it ends, it
 * is never a success. */
static void cut_anywhere(void **state)
{
    trial t;
    script s = honest();
    size_t whole = s.len;
    (void)state;
    setup(&t);
    expect(&t, &s, DRIPS, TN_E_NONE, "byte by byte");
    for (s.len = 0; s.len < whole; s.len++) {
        expect(&t, &s, ENDS, TN_E_CORRUPT, "ends early");
    }
    s.len = s.begin + TNI_H5_HEADER - 2;
    expect(&t, &s, HANGS, TN_E_CORRUPT, "hangs in the header of a frame");
    s.len = s.begin + TNI_H5_HEADER + 3;
    expect(&t, &s, HANGS, TN_E_CORRUPT, "hangs in the payload of a frame");
    teardown(&t);
}

static void lies(void **state)
{
    trial t;
    (void)state;
    setup(&t);
    static const struct {
        const char *what;
        uint32_t parent;
        uint64_t elements, offset, bytes, objects, attributes;
        const char *name;
    } cases[] = {
        {"a range beyond the file", 0, 4, 1 << 20, 16, 2, 0, "w"},
        {"a range that wraps", 0, 4, UINT64_MAX - 3, 16, 2, 0, "w"},
        {"a shape that is not its range", 0, 5, 16, 16, 2, 0, "w"},
        {"a shape that overflows", 0, INT64_MAX, 16, 16, 2, 0, "w"},
        {"a negative size", 0, UINT64_MAX, 16, 16, 2, 0, "w"},
        {"a parent that is not there", 7, 4, 16, 16, 2, 0, "w"},
        {"a second root", UINT32_MAX, 4, 16, 16, 2, 0, ""},
        {"a name with a slash", 0, 4, 16, 16, 2, 0, "a/b"},
        {"no name", 0, 4, 16, 16, 2, 0, ""},
        {"another number of objects", 0, 4, 16, 16, 3, 0, "w"},
        {"another number of attributes", 0, 4, 16, 16, 2, 1, "w"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script s = {.len = 0};
        put_ready(&s);
        put_group(&s, UINT32_MAX, 1, "");
        put_dataset(&s, cases[i].parent, cases[i].elements, cases[i].offset, cases[i].bytes,
                    cases[i].name);
        put_end(&s, cases[i].objects, cases[i].attributes, 0);
        expect(&t, &s, ENDS, TN_E_CORRUPT, cases[i].what);
    }
    script twice = {.len = 0};
    put_ready(&twice);
    put_group(&twice, UINT32_MAX, 2, "");
    put_group(&twice, 0, 0, "a");
    put_group(&twice, 0, 0, "a");
    put_end(&twice, 3, 0, 0);
    expect(&t, &twice, ENDS, TN_E_CORRUPT, "a name twice");
    script many = {.len = 0};
    put_ready(&many);
    put_group(&many, UINT32_MAX, 0, "");
    put_attribute(&many, UINT64_C(1) << 60, "names", "x");
    put_end(&many, 1, 1, 5);
    expect(&t, &many, ENDS, TN_E_CORRUPT, "more strings than bytes");
    teardown(&t);
}

/* Every bit of an honest listing, turned. Whatever comes of it, the program survives and no error
 * is without a sentence. */
static void every_bit(void **state)
{
    trial t;
    script s = honest();
    size_t refused = 0, tried = 0;
    (void)state;
    setup(&t);
    for (size_t bit = 0; bit < 8 * s.len; bit += 3) {
        tn_error err = {0};
        s.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (open_script(&t, &s, ENDS, &err) != TN_E_NONE) {
            refused++;
            assert_true(err.message[0] != '\0');
        }
        s.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tried++;
    }
    print_message("%zu listings, %zu refused\n", tried, refused);
    assert_true(refused > tried / 2);
    teardown(&t);
}

/* ---------------------------------------------------------------- the helper against a false
 * program */

/* Lets the true helper hear frames, whole or byte by byte; returns how much of its answer came into
 * `answer`. It may answer what it likes and must end by itself, not by a signal, when the socket is
 * shut. */
static size_t ask(const script *s, bool whole, uint8_t *answer, size_t room)
{
    tn_error err = {0};
    size_t len = 0;
    ssize_t got;
    int socket, how;
    pid_t pid;
    tn_context *ctx = tn_context_new(NULL);
    int input = open(TN_FIXTURES "/keras_h5/good-chunked/model.h5", O_RDONLY | O_CLOEXEC);
    if (tni_hdf5_spawn(ctx, input, false, 20, 0, &pid, &socket, &err) != TN_OK) {
        fail_msg("%s", err.message);
    }
    if (whole) {
        (void)send(socket, s->bytes, s->len, MSG_NOSIGNAL);
    } else {
        assert_true(drip(socket, s->bytes, s->len));
    }
    (void)shutdown(socket, SHUT_WR);
    while ((got = recv(socket, answer + len, room - len, 0)) > 0) {
        len = len + (size_t)got < room ? len + (size_t)got : 0;
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    if (WIFSIGNALED(how)) {
        fail_msg("the helper died of signal %d", WTERMSIG(how));
    }
    close(socket);
    close(input);
    tn_context_free(ctx);
    return len;
}

static void hear(const script *s)
{
    static uint8_t answer[ROOM];
    (void)ask(s, true, answer, sizeof answer);
}

/* Says where the chunked file has its first dataset, a float32, and how many elements it has. */
static void find_dataset(uint64_t *address_out, uint64_t *elements_out)
{
    tn_error err = {0};
    tn_model *model;
    tn_source *source;
    const tni_hdf5_file *file;
    tn_context *ctx = tn_context_new(NULL);
    assert_int_equal(tni_model_new(ctx, &model, &err), TN_OK);
    assert_int_equal(
        tni_source_open(ctx, TN_FIXTURES "/keras_h5/good-chunked/model.h5", &source, &err), TN_OK);
    assert_int_equal(tni_model_keep(model, source, &err), TN_OK);
    assert_int_equal(tni_hdf5_open(model, source, &file, &err), TN_OK);
    size_t at = 0;
    while (at < file->count && file->objects[at].kind != TNI_HDF5_DATASET) {
        at++;
    }
    assert_true(at < file->count && file->objects[at].dtype == TN_FLOAT32);
    assert_true(file->objects[at].elements > 53);
    *address_out = file->objects[at].address;
    *elements_out = (uint64_t)file->objects[at].elements;
    tn_model_free(model);
    tn_context_free(ctx);
}

static script request(void)
{
    uint64_t address, elements;
    static const uint64_t limits[] = {1000, 1000, 100, 100000};
    struct stat about;
    script s = {.len = 0};
    assert_int_equal(stat(TN_FIXTURES "/keras_h5/good-chunked/model.h5", &about), 0);
    begin(&s, TNI_H5_OPEN);
    put_u64(&s, 0);
    put_u64(&s, (uint64_t)about.st_size);
    for (size_t i = 0; i < 4; i++) {
        put_u64(&s, limits[i]);
    }
    end(&s);
    find_dataset(&address, &elements);
    begin(&s, TNI_H5_DECODE);
    put_u64(&s, address);
    put_u64(&s, elements);
    put_u32(&s, 4);
    put_u64(&s, 3);
    put_u64(&s, 50);
    end(&s);
    return s;
}

static script image_request(void)
{
    script s = {.len = 0};
    begin(&s, TNI_H5_BEGIN);
    put_u8(&s, 0);
    put_u32(&s, 2);
    end(&s);
    for (unsigned dataset = 0; dataset < 2; dataset++) {
        begin(&s, TNI_H5_NODE);
        put_u8(&s, dataset);
        put_u32(&s, 0);
        put_u8(&s, dataset == 1 ? TN_FLOAT32 : 0);
        put_u8(&s, 0);
        put_u32(&s, 0);
        put_u8(&s, dataset);
        if (dataset == 1) {
            put_u64(&s, 12);
        }
        put(&s, "w", dataset);
        end(&s);
        put_attribute(&s, 1, "name", "words");
    }
    begin(&s, TNI_H5_FINISH);
    end(&s);
    return s;
}

/* However the requests are cut on their way, the answers are the same. */
static void requests_cut_anywhere(void **state)
{
    static uint8_t at_once[ROOM], dripped[ROOM];
    script scripts[] = {request(), image_request()};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len = ask(&scripts[i], true, at_once, sizeof at_once);
        assert_true(len > 200 && len < ROOM); /* an answer, no refusal */
        assert_int_equal(ask(&scripts[i], false, dripped, sizeof dripped), len);
        assert_memory_equal(at_once, dripped, len);
    }
}

static void damaged_frames(void **state)
{
    script scripts[] = {request(), image_request()};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        script *s = &scripts[i];
        hear(s);
        for (size_t bit = i; bit < 8 * s->len; bit += 5) {
            s->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            hear(s);
            s->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t len = s->len; len > 0; len -= len > 7 ? 7 : len) {
            s->len = len;
            hear(s);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[0], "tenon-hdf5") == 0) {
        return false_helper();
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(ends_badly),
                                       cmocka_unit_test(cut_anywhere),
                                       cmocka_unit_test(lies),
                                       cmocka_unit_test(every_bit),
                                       cmocka_unit_test(requests_cut_anywhere),
                                       cmocka_unit_test(damaged_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
