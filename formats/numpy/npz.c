/* Writes .npz archives: what numpy/lib/_npyio_impl.py (savez) writes, but with data descriptors, as
 * Python's zipfile does to a stream that it cannot seek in. */
#include "core/arena.h"
#include "core/checked.h"
#include "core/error.h"
#include "core/hash.h"
#include "formats/numpy/npz_layout.h"
#include <errno.h>
#include <tenon/npy.h>
#include <tenon/text.h>
#include <zlib.h>

#define NPY ".npy"

struct tn_npz {
    tn_context *ctx;
    FILE *stream;
    tni_arena arena; /* members' names */
    tni_hash names;  /* of members */
    tni_zip_member *members;
    size_t count, room;
    uint64_t offset; /* bytes written */
    uint64_t left;   /* of the array at hand */
};

static tn_status emit(tn_npz *npz, const void *data, size_t len, tn_error *err)
{
    errno = 0;
    if (fwrite(data, 1, len, npz->stream) != len) {
        return tni_fail_errno(err, TN_E_WRITE, errno, "the archive cannot be written");
    }
    npz->offset += len;
    return TN_OK;
}

tn_status tn_npz_new(tn_context *ctx, FILE *stream, tn_npz **npz_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_npz), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_npz *npz = block;
    npz->ctx = ctx;
    npz->stream = stream;
    tni_arena_init(&npz->arena, ctx, ctx->limits.memory);
    tni_hash_init(&npz->names, ctx, 0);
    *npz_out = npz;
    return TN_OK;
}

void tn_npz_free(tn_npz *npz)
{
    if (npz == NULL) {
        return;
    }
    tni_hash_clear(&npz->names);
    tni_arena_clear(&npz->arena);
    tni_free(npz->ctx, npz->members);
    tni_free(npz->ctx, npz);
}

/* Tells whether a path has the component "..". */
static bool climbs(tn_str name)
{
    size_t start = 0;
    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && name.data[i] != '/') {
            continue;
        }
        if (i - start == 2 && name.data[start] == '.' && name.data[start + 1] == '.') {
            return true;
        }
        start = i + 1;
    }
    return false;
}

/* Says what is wrong with a name, or NULL. */
static const char *name_fault(tn_str name)
{
    if (!tn_utf8_valid(name)) {
        return "it is not UTF-8";
    }
    if (name.len > TNI_ZIP_NAME_MAX - (sizeof NPY - 1)) {
        return "it is longer than an archive allows";
    }
    if (name.len > 0 && name.data[0] == '/') {
        return "it is an absolute path";
    }
    if (climbs(name)) {
        return "it has the path component '..'";
    }
    if (name.len > 0 && memchr(name.data, '\\', name.len) != NULL) {
        return "it has a backslash, which Windows takes for a path";
    }
    if (name.len > 0 && memchr(name.data, '\0', name.len) != NULL) {
        return "it has a NUL";
    }
    return NULL;
}

/* numpy.load() takes a key with or without ".npy", so that NAME and NAME.npy are one to it. */
static tn_status check_new(const tn_npz *npz, tn_str name, tn_str member, tn_error *err)
{
    tn_str longer;
    tni_arena scratch;
    tni_arena_init(&scratch, npz->ctx, npz->ctx->limits.memory);
    tn_status status =
        tni_arena_format(&scratch, &longer, err, "%.*s" NPY, (int)member.len, member.data);
    if (status == TN_OK && (tni_hash_get(&npz->names, member) != TNI_HASH_NONE ||
                            tni_hash_get(&npz->names, name) != TNI_HASH_NONE ||
                            tni_hash_get(&npz->names, longer) != TNI_HASH_NONE)) {
        status = tni_fail(err, TN_E_CANNOT_HOLD,
                          "NumPy could not tell it from an array before it in the archive");
    }
    tni_arena_clear(&scratch);
    return status;
}

static tn_status name_member(tn_npz *npz, tn_str name, tn_str *member_out, tn_error *err)
{
    tn_str member;
    const char *fault = name_fault(name);
    tn_status status = fault == NULL ? TN_OK
                                     : tni_fail(err, TN_E_CANNOT_HOLD,
                                                "an archive must not hold this name: %s", fault);
    if (status == TN_OK) {
        status = tni_arena_format(&npz->arena, &member, err, "%.*s" NPY, (int)name.len, name.data);
    }
    if (status == TN_OK) {
        status = check_new(npz, name, member, err);
    }
    if (status == TN_OK) {
        status = tni_hash_add(&npz->names, member, (uint32_t)npz->count, NULL, err);
    }
    if (status == TN_OK) {
        *member_out = member;
    } else {
        tni_error_subject(err, name);
    }
    return status;
}

/* Computes the lengths of an array's header and of its whole member. */
static tn_status measure(tn_dtype dtype, uint32_t rank, const int64_t *shape, size_t *header_out,
                         uint64_t *size_out, tn_error *err)
{
    int64_t elements;
    uint64_t values;
    tn_status status = tn_npy_header(dtype, rank, shape, NULL, 0, header_out, err);
    if (status == TN_OK && (!tni_shape_elements(shape, rank, &elements) ||
                            !tn_dtype_bytes(dtype, (uint64_t)elements, &values) ||
                            !tni_add_u64(values, *header_out, size_out))) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "its size overflows");
    }
    return status;
}

static tn_status add_member(tn_npz *npz, const tni_zip_member *member, tn_error *err)
{
    if (npz->count == npz->room) {
        void *members = npz->members;
        size_t room = npz->room == 0 ? 16 : npz->room * 2;
        tn_status status = tni_resize(npz->ctx, &members, room * sizeof *npz->members, err);
        if (status != TN_OK) {
            return status;
        }
        npz->members = members;
        npz->room = room;
    }
    npz->members[npz->count++] = *member;
    return TN_OK;
}

static tn_status emit_halves(tn_npz *npz, const uint8_t *out, size_t fixed, size_t len, tn_str name,
                             tn_error *err)
{
    tn_status status = emit(npz, out, fixed, err);
    if (status == TN_OK) {
        status = emit(npz, name.data, name.len, err);
    }
    return status == TN_OK ? emit(npz, out + fixed, len - fixed, err) : status;
}

static tn_status emit_npy_header(tn_npz *npz, tn_dtype dtype, uint32_t rank, const int64_t *shape,
                                 size_t len, tn_error *err)
{
    void *header;
    tn_status status = tni_alloc(npz->ctx, len, &header, err);
    if (status != TN_OK) {
        return status;
    }
    status = tn_npy_header(dtype, rank, shape, header, len, &len, err);
    if (status == TN_OK) {
        status = tn_npz_write(npz, header, len, err);
    }
    tni_free(npz->ctx, header);
    return status;
}

tn_status tn_npz_start(tn_npz *npz, tn_str name, tn_dtype dtype, uint32_t rank,
                       const int64_t *shape, tn_error *err)
{
    tni_zip_member member = {.offset = npz->offset};
    size_t header, fixed;
    uint8_t local[TNI_ZIP_LOCAL];
    tn_status status = measure(dtype, rank, shape, &header, &member.size, err);
    if (status == TN_OK) {
        status = name_member(npz, name, &member.name, err);
    }
    if (status == TN_OK) {
        status = add_member(npz, &member, err);
    }
    if (status == TN_OK) {
        size_t len = tni_zip_local(&member, local, &fixed);
        status = emit_halves(npz, local, fixed, len, member.name, err);
    }
    if (status == TN_OK) {
        npz->left = member.size;
        status = emit_npy_header(npz, dtype, rank, shape, header, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, name);
    }
    return status;
}

tn_status tn_npz_write(tn_npz *npz, const void *data, size_t len, tn_error *err)
{
    if (len > npz->left) {
        return tni_fail(err, TN_E_USAGE, "the array has fewer bytes than are written to it");
    }
    tni_zip_member *member = &npz->members[npz->count - 1];
    member->crc = (uint32_t)crc32_z(member->crc, data, len);
    npz->left -= len;
    return emit(npz, data, len, err);
}

tn_status tn_npz_end(tn_npz *npz, tn_error *err)
{
    if (npz->left != 0) {
        return tni_fail(err, TN_E_USAGE, "the array has more bytes than were written to it");
    }
    uint8_t descriptor[TNI_ZIP_DESCRIPTOR];
    size_t len = tni_zip_descriptor(&npz->members[npz->count - 1], descriptor);
    return emit(npz, descriptor, len, err);
}

tn_status tn_npz_finish(tn_npz *npz, tn_error *err)
{
    uint64_t start = npz->offset;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < npz->count; i++) {
        uint8_t central[TNI_ZIP_CENTRAL];
        size_t fixed, len = tni_zip_central(&npz->members[i], central, &fixed);
        status = emit_halves(npz, central, fixed, len, npz->members[i].name, err);
    }
    if (status == TN_OK) {
        uint8_t end[TNI_ZIP_END];
        size_t len = tni_zip_end(npz->count, start, npz->offset - start, end);
        status = emit(npz, end, len, err);
    }
    errno = 0;
    if (status == TN_OK && fflush(npz->stream) != 0) {
        status = tni_fail_errno(err, TN_E_WRITE, errno, "the archive cannot be written");
    }
    return status;
}
