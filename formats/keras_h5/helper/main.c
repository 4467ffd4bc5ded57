/* tenon-hdf5: the only program of tenon that libhdf5 runs in. It is started by tenon, with an input
 * on descriptor 3 and a socket on descriptor 4 (formats/shared/hdf5_protocol.h), and locks itself
 * into its cage before it reads a byte of the input. */
#include "formats/keras_h5/helper/cage.h"
#include "formats/keras_h5/helper/helper.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

_Noreturn void tnh_refuse_here(tnh_helper *helper, tni_h5_reason reason, uint64_t a, uint64_t b)
{
    tnh_refuse(&helper->channel, reason, a, b, (tn_str){helper->path, helper->path_len});
}

static herr_t look_for_version(unsigned n, const H5E_error2_t *entry, void *user)
{
    (void)n;
    if (entry->min_num == H5E_VERSION) {
        *(bool *)user = true;
    }
    return 0;
}

_Noreturn void tnh_damaged(tnh_helper *helper)
{
    bool version = false;
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, look_for_version, &version);
    tnh_refuse_here(helper, version ? TNI_H5_TOO_NEW : TNI_H5_DAMAGED, 0, 0);
}

hid_t tnh_must(tnh_helper *helper, hid_t result)
{
    if (result < 0) {
        tnh_damaged(helper);
    }
    return result;
}

void tnh_limit(tnh_helper *helper, uint64_t value, uint64_t limit, tni_h5_reason reason)
{
    if (value > limit) {
        tnh_refuse_here(helper, reason, value, limit);
    }
}

/* libhdf5 lets its cache of metadata grow to 32 MiB, which take 200 MiB of memory, when little is
 * found in it; but here nearly all is looked at once. It still grows for what is large, such as the
 * names of a large group. */
bool tnh_cache(hid_t access)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &config) < 0) {
        return false;
    }
    config.set_initial_size = true;
    config.initial_size = config.min_size;
    config.incr_mode = H5C_incr__off;
    config.decr_mode = H5C_decr__off;
    return H5Pset_mdc_config(access, &config) >= 0;
}

/* Opens the input. */
static void open_input(tnh_helper *helper, tni_cursor *payload)
{
    uint64_t base = 0;
    tnh_demand(&helper->channel,
               tni_get_u64le(payload, &base) && tni_get_u64le(payload, &helper->length) &&
                   tni_get_u64le(payload, &helper->max_objects) &&
                   tni_get_u64le(payload, &helper->max_name) &&
                   tni_get_u64le(payload, &helper->max_depth) &&
                   tni_get_u64le(payload, &helper->max_header) && base <= INT64_MAX &&
                   helper->length <= INT64_MAX - base && helper->file == 0);
    hid_t access = tnh_must(helper, tnh_reading_access(helper->reading, base, helper->length));
    helper->file = tnh_must(helper, H5Fopen("input", H5F_ACC_RDONLY, access));
}

static void serve(tnh_helper *helper)
{
    for (;;) {
        tni_cursor payload;
        tni_h5_frame frame = tnh_next(&helper->channel, &payload);
        if (frame == TNI_H5_OPEN) {
            open_input(helper, &payload);
        } else if (frame == TNI_H5_BEGIN && helper->file == 0) {
            tnh_image(helper, &payload);
            _exit(0);
        } else {
            tnh_demand(&helper->channel, helper->file != 0);
            if (frame == TNI_H5_LIST) {
                tnh_list(helper);
                _exit(0);
            }
            tnh_demand(&helper->channel, frame == TNI_H5_DECODE);
            tnh_decode(helper, &payload);
        }
    }
}

/* Reads a decimal number. */
static bool number(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && i < 18; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *out = value;
    return i > 0 && text[i] == '\0';
}

static bool is_socket(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
}

/* Everything of libhdf5 that wants a system without a cage, before the first hostile byte. */
static bool prepare(tnh_helper *helper)
{
    (void)H5dont_atexit();
    return H5open() >= 0 && H5PLset_loading_state(0) >= 0 &&
           H5Eset_auto2(H5E_DEFAULT, NULL, NULL) >= 0 &&
           (helper->reading = tnh_reading_driver()) >= 0;
}

int main(int argc, char **argv)
{
    static const char usage[] = "tenon-hdf5 is a part of tenon, which starts it by itself\n";
    uint64_t cpu_seconds, memory;
    tnh_helper helper = {.file = 0};
    if (argc != 4 || (strcmp(argv[1], "caged") != 0 && strcmp(argv[1], "free") != 0) ||
        !number(argv[2], &cpu_seconds) || !number(argv[3], &memory) ||
        !is_socket(TNI_H5_SOCKET_FD)) {
        (void)!write(STDERR_FILENO, usage, sizeof usage - 1);
        return 2;
    }
    tnh_channel_init(&helper.channel);
    if (!prepare(&helper)) {
        return 1;
    }
    tnh_cage_limits(cpu_seconds, memory);
    bool caged = tnh_cage_lock(memory == 0);
    if (!caged && strcmp(argv[1], "caged") == 0) {
        tnh_refuse_here(&helper, TNI_H5_NO_CAGE, 0, 0);
    }
    tnh_begin(&helper.channel, TNI_H5_READY);
    tnh_put_u8(&helper.channel, TNI_H5_VERSION);
    tnh_put_u8(&helper.channel, caged);
    tnh_end(&helper.channel);
    tnh_flush(&helper.channel);
    serve(&helper);
}
