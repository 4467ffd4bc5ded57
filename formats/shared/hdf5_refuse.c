/* What the helper refuses, said to people. */
#include "core/error.h"
#include "formats/shared/hdf5_session.h"
#include <inttypes.h>

typedef struct refusal {
    tn_code code;
    const char *what, *hint; /* the hint may hold one %s, the file's path */
} refusal;

/* Those that need no numbers. */
static const refusal refusals[TNI_H5_REASONS] = {
    [TNI_H5_DAMAGED] = {TN_E_CORRUPT, "the HDF5 file is damaged here",
                        "get the file again; h5stat '%s' tells whether other tools can read it"},
    [TNI_H5_TOO_NEW] = {TN_E_UNSUPPORTED,
                        "this was written by a newer HDF5 than 1.10, which tenon reads with",
                        "write the file again with h5py.File(PATH, 'w', libver=('earliest', "
                        "'v110'))"},
    [TNI_H5_EXTERNAL_STORAGE] = {TN_E_UNSAFE,
                                 "its values lie in another file, which is never opened",
                                 "if you trust it: h5repack -l CONTI '%s' NEW.h5"},
    [TNI_H5_EXTERNAL_LINK] = {TN_E_UNSAFE,
                              "this link leads into another file, which is never opened",
                              "if you trust it: h5copy -f ext -i '%s' -o NEW.h5 -s / -d /all"},
    [TNI_H5_SOFT_LINK] = {TN_E_UNSAFE, "this is a soft link, which is never followed",
                          "if you trust it: h5copy -f soft -i '%s' -o NEW.h5 -s / -d /all"},
    [TNI_H5_USER_LINK] = {TN_E_UNSAFE,
                          "this is a link of a user-defined kind, which only its "
                          "maker's code can follow",
                          "remove the link with the program that made it"},
    [TNI_H5_VIRTUAL] = {TN_E_UNSAFE,
                        "this is a virtual dataset: its values lie in other files, which are never "
                        "opened",
                        "if you trust it: h5repack -l CONTI '%s' NEW.h5"},
    [TNI_H5_CIRCLE] = {TN_E_UNSAFE, "this group lies within itself", NULL},
    [TNI_H5_LADDER] = {TN_E_UNSAFE,
                       "groups with several names lead to more objects than the file has room for",
                       NULL},
    [TNI_H5_NO_CAGE] = {TN_E_UNSAFE,
                        "the system refuses the cage (seccomp) in which HDF5 files are read",
                        "if you trust the file, say --no-sandbox"},
    [TNI_H5_UNWRITABLE] = {TN_E_CANNOT_HOLD,
                           "HDF5 cannot hold this object or one of its attributes", NULL},
};

static tn_status refuse_unallocated(uint64_t found, uint64_t wanted, tn_error *err)
{
    if (wanted == 0) {
        return tni_fail(err, TN_E_CORRUPT, "its values were never written to the file");
    }
    return tni_fail(err, TN_E_CORRUPT,
                    "its values were never written to the file: there are %" PRIu64 " of %" PRIu64
                    " chunks",
                    found, wanted);
}

/* Names filters that people meet (the HDF Group's registry of filters). */
static const char *filter_name(uint64_t filter)
{
    static const struct {
        uint64_t filter;
        const char *name;
    } names[] = {{32000, "LZF"}, {32001, "Blosc"},     {32004, "LZ4"},   {32008, "Bitshuffle"},
                 {32013, "ZFP"}, {32015, "Zstandard"}, {32026, "Blosc2"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].filter == filter) {
            return names[i].name;
        }
    }
    return "unknown";
}

static tn_status refuse_filter(const char *path, uint64_t filter, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_UNSUPPORTED,
                 "its values are packed by filter %" PRIu64 " (%s), which tenon does not have",
                 filter, filter_name(filter));
    tni_error_hint(err, "where the filter is installed: h5repack -f NONE '%s' NEW.h5", path);
    return status;
}

static tn_status refuse_chunk(const char *path, uint64_t bytes, uint64_t limit, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_LIMIT,
                 "it has chunks of %" PRIu64 " bytes; at most %" PRIu64 " are read", bytes, limit);
    tni_error_hint(err, "h5repack -l CONTI '%s' NEW.h5", path);
    return status;
}

/* A limit of the context, or of the frames for names. */
static tn_status refuse_limit(tni_h5_reason reason, uint64_t wanted, uint64_t limit, tn_error *err)
{
    static const char *const names[] = {"tensors", "name-bytes", "nesting", "header-bytes"};
    return tni_check_limit(wanted, limit, names[reason - TNI_H5_LIMIT_OBJECTS], err);
}

static tn_status refuse_plainly(const refusal *why, const char *path, tn_error *err)
{
    tn_status status = tni_fail(err, why->code, "%s", why->what);
    if (why->hint != NULL) {
        const char *place = strstr(why->hint, "%s");
        int before = place == NULL ? (int)strlen(why->hint) : (int)(place - why->hint);
        tni_error_hint(err, "%.*s%s%s", before, why->hint, place == NULL ? "" : path,
                       place == NULL ? "" : place + 2);
    }
    return status;
}

tn_status tni_hdf5_refused(const tni_hdf5_session *session, tni_cursor *payload, tn_error *err)
{
    uint8_t reason = 0;
    uint64_t a = 0, b = 0;
    const uint8_t *subject;
    tn_status status = TN_OK;
    const char *path = session->source == NULL ? "" : tni_source_path(session->source);
    if (tni_get_u8(payload, &reason) && tni_get_u64le(payload, &a) && tni_get_u64le(payload, &b)) {
        if (reason == TNI_H5_UNALLOCATED) {
            status = refuse_unallocated(a, b, err);
        } else if (reason == TNI_H5_FILTER) {
            status = refuse_filter(path, a, err);
        } else if (reason == TNI_H5_CHUNK) {
            status = refuse_chunk(path, a, b, err);
        } else if (reason >= TNI_H5_LIMIT_OBJECTS && reason <= TNI_H5_LIMIT_HEADER) {
            status = refuse_limit((tni_h5_reason)reason, a, b, err);
        } else if (reason < TNI_H5_REASONS && refusals[reason].what != NULL) {
            status = refuse_plainly(&refusals[reason], path, err);
        }
    }
    if (status == TN_OK) {
        return tni_hdf5_hostile(session, "the helper that reads it talks nonsense", err);
    }
    size_t len = tni_cursor_left(payload);
    if (len > 0 && tni_get_bytes(payload, len, &subject)) {
        tni_error_subject(err, (tn_str){(const char *)subject, len});
    }
    if (session->source != NULL) {
        tni_error_path(err, path);
    }
    return status;
}
