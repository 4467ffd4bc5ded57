/* The messages are packed by protobuf-c, which writes fields in order of their numbers and leaves
 * defaults out, as TensorFlow does (tensorflow/core/util/tensor_bundle/tensor_bundle.cc,
 * BundleWriter::Finish). */
#include "formats/tf_checkpoint/index_write.h"

#include "core/crc32c.h"
#include "core/error.h"
#include "formats/shared/table_build.h"
#include "formats/tf_checkpoint/layout.h"
#include "schemas/tensor_bundle.pb-c.h"

/* Field 6 of an entry with value 0, which packing leaves out: a sum that happens to be 0 when
 * masked is still said. */
static const char zero_crc[] = {0x35, 0, 0, 0, 0};

/* Room for one message at a time; messages are small, so it is kept for the next. */
typedef struct packer {
    tni_arena arena; /* the parts of the message at hand */
    tni_buffer bytes;
} packer;

static tn_status make_shape(packer *p, const tni_tf_out_entry *entry, Tenon__TensorShape *shape_out,
                            tn_error *err)
{
    void *dims, *pointers;
    tn_status status = tni_arena_array(&p->arena, entry->rank, sizeof(Tenon__Dim), &dims, err);
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, entry->rank, sizeof(Tenon__Dim *), &pointers, err);
    }
    if (status != TN_OK) {
        return status;
    }
    Tenon__Dim *dim = dims, **pointer = pointers;
    for (uint32_t i = 0; i < entry->rank; i++) {
        tenon__dim__init(&dim[i]);
        dim[i].size = entry->shape[i];
        pointer[i] = &dim[i];
    }
    shape_out->n_dim = entry->rank;
    shape_out->dim = pointer;
    return TN_OK;
}

static tn_status make_slice(packer *p, const int64_t *box, uint32_t rank,
                            Tenon__TensorSlice **slice_out, tn_error *err)
{
    void *slice, *extents, *pointers;
    tn_status status = tni_arena_alloc(&p->arena, sizeof(Tenon__TensorSlice), &slice, err);
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, rank, sizeof(Tenon__Extent), &extents, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, rank, sizeof(Tenon__Extent *), &pointers, err);
    }
    if (status != TN_OK) {
        return status;
    }
    Tenon__Extent *extent = extents, **pointer = pointers;
    for (uint32_t i = 0; i < rank; i++) {
        tenon__extent__init(&extent[i]);
        extent[i].start = box[2 * i];
        if (box[2 * i + 1] != TNI_TF_WHOLE) {
            extent[i].has_length_case = TENON__EXTENT__HAS_LENGTH_LENGTH;
            extent[i].length = box[2 * i + 1];
        }
        pointer[i] = &extent[i];
    }
    *slice_out = slice;
    tenon__tensor_slice__init(*slice_out);
    (*slice_out)->n_extent = rank;
    (*slice_out)->extent = pointer;
    return TN_OK;
}

static tn_status make_slices(packer *p, const tni_tf_out_entry *entry, Tenon__BundleEntry *message,
                             tn_error *err)
{
    void *pointers;
    tn_status status =
        tni_arena_array(&p->arena, entry->n_slices, sizeof(Tenon__TensorSlice *), &pointers, err);
    if (status == TN_OK) {
        message->slices = pointers;
        message->n_slices = entry->n_slices;
    }
    for (uint32_t i = 0; status == TN_OK && i < entry->n_slices; i++) {
        status = make_slice(p, entry->slices[i], entry->rank, &message->slices[i], err);
    }
    return status;
}

/* Packs any message into the packer's buffer. */
static tn_status pack(packer *p, const ProtobufCMessage *message, tn_error *err)
{
    void *room;
    size_t len = protobuf_c_message_get_packed_size(message);
    tn_status status = tni_arena_alloc(&p->arena, len, &room, err);
    if (status == TN_OK) {
        protobuf_c_message_pack(message, room);
        tni_buffer_reset(&p->bytes);
        tni_buffer_add(&p->bytes, room, len);
        status = tni_buffer_check(&p->bytes, err);
    }
    return status;
}

static tn_status pack_entry(packer *p, const tni_tf_out_entry *entry, tn_error *err)
{
    Tenon__BundleEntry message = TENON__BUNDLE_ENTRY__INIT;
    Tenon__TensorShape shape = TENON__TENSOR_SHAPE__INIT;
    tn_status status = make_shape(p, entry, &shape, err);
    message.dtype = tni_tf_dtype_number(entry->dtype);
    message.shape = &shape;
    if (status == TN_OK && entry->n_slices > 0) {
        status = make_slices(p, entry, &message, err);
    }
    if (entry->has_data) {
        message.shard_id = (int32_t)entry->shard;
        message.offset = (int64_t)entry->offset;
        message.size = (int64_t)entry->size;
        message.crc32c = tni_crc32c_mask(entry->crc);
    }
    if (status == TN_OK) {
        status = pack(p, &message.base, err);
    }
    if (status == TN_OK && entry->has_data && message.crc32c == 0) {
        tni_buffer_add(&p->bytes, zero_crc, sizeof zero_crc);
        status = tni_buffer_check(&p->bytes, err);
    }
    return status;
}

static tn_status pack_header(packer *p, uint32_t shards, tn_error *err)
{
    Tenon__BundleHeader message = TENON__BUNDLE_HEADER__INIT;
    Tenon__VersionDef version = TENON__VERSION_DEF__INIT;
    version.producer = TNI_TF_VERSION;
    message.num_shards = (int32_t)shards;
    message.version = &version;
    return pack(p, &message.base, err);
}

static tn_str packed(const packer *p)
{
    return (tn_str){p->bytes.data, p->bytes.len};
}

tn_status tni_tf_index_build(tn_context *ctx, const tni_tf_out_entry *entries, size_t count,
                             uint32_t shards, tni_buffer *out, tn_error *err)
{
    packer p;
    tni_table_build table;
    tni_arena_init(&p.arena, ctx, ctx->limits.header_bytes);
    tni_buffer_init(&p.bytes, ctx);
    tni_table_build_start(&table, ctx, out);
    tn_status status = pack_header(&p, shards, err);
    if (status == TN_OK) {
        tni_table_build_add(&table, TN_LIT(""), packed(&p));
    }
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = pack_entry(&p, &entries[i], err);
        if (status == TN_OK) {
            tni_table_build_add(&table, entries[i].key, packed(&p));
        }
        tni_arena_clear(&p.arena);
    }
    if (status == TN_OK) {
        status = tni_table_build_finish(&table, err);
    }
    tni_table_build_clear(&table);
    tni_buffer_clear(&p.bytes);
    tni_arena_clear(&p.arena);
    return status;
}
