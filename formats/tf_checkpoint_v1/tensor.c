/* One tensor from what the metas tell of it: its form, and its slices wherever they lie
 * (tensorflow/core/util/tensor_slice_reader.cc, tensor_slice_set.cc). */
#include "core/checked.h"
#include "core/error.h"
#include "formats/shared/ordered_code.h"
#include "formats/tf_checkpoint_v1/layout.h"
#include "formats/tf_checkpoint_v1/set.h"
#include <inttypes.h>

/* One tensor on its way. */
typedef struct form {
    tni_v1_set *set;
    tn_str name;
    uint64_t number; /* DataType */
    const tni_v1_type *type;
    tni_tf_shape shape;
    int64_t elements;
    tni_piece *pieces;
    tni_map *maps;
    int64_t *extents;
    uint32_t count, slices;                                  /* pieces so far, and in all */
    int64_t start[TNI_TF_MAX_RANK], length[TNI_TF_MAX_RANK]; /* of the slice at hand, resolved */
    tni_buffer key;
} form;

static tn_status fail_form(const form *f, uint32_t shard, const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "%s", what);
    tni_error_path(err, tni_source_path(f->set->sources[shard]));
    tni_error_subject(err, f->name);
    return status;
}

/* Reads dtype and shape of one part and counts its slices. */
static tn_status read_part(const form *f, const tni_v1_part *part, uint64_t *number_out,
                           tni_tf_shape *shape, uint32_t *slices, tn_error *err)
{
    tni_wire wire = tni_wire_of(part->message);
    tni_wire_field field;
    bool ok = true;
    *number_out = 0;
    shape->rank = 0;
    shape->unknown_rank = shape->too_many_dims = false;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == TNI_V1_TENSOR_TYPE) {
            *number_out = field.number;
        } else if (field.tag == TNI_V1_TENSOR_SHAPE) {
            ok = tni_tf_shape_walk(field.bytes, shape);
        } else if (field.tag == TNI_V1_TENSOR_SLICE) {
            ok = ++*slices != 0;
        }
    }
    if (!ok || wire.cursor.failed) {
        return fail_form(f, part->shard, "what the meta says of it is damaged", err);
    }
    return TN_OK;
}

/* Reads the form that all parts must agree on. */
static tn_status read_form(form *f, const tni_v1_part *parts, size_t count, tn_error *err)
{
    tni_tf_shape again;
    uint64_t number;
    tn_status status = read_part(f, &parts[0], &f->number, &f->shape, &f->slices, err);
    for (size_t i = 1; status == TN_OK && i < count; i++) {
        status = read_part(f, &parts[i], &number, &again, &f->slices, err);
        if (status == TN_OK &&
            (number != f->number || again.rank != f->shape.rank ||
             memcmp(again.size, f->shape.size, again.rank * sizeof(int64_t)) != 0)) {
            status =
                fail_form(f, parts[i].shard, "another part of it says another dtype or shape", err);
        }
    }
    if (status != TN_OK) {
        return status;
    }
    if (f->shape.unknown_rank || f->shape.too_many_dims ||
        !tni_shape_elements(f->shape.size, f->shape.rank, &f->elements)) {
        return fail_form(f, parts[0].shard, "the meta gives it a shape that no stored tensor has",
                         err);
    }
    f->type = tni_v1_type_find(f->number);
    if (f->type == NULL) {
        status = tni_fail(err, TN_E_UNSUPPORTED,
                          "its type is TensorFlow's DataType %" PRIu64
                          ", which this format does not store",
                          f->number);
        tni_error_subject(err, f->name);
    }
    return status;
}

/* Reads a slice's extents, makes its key and resolves them against the shape. */
static tn_status read_slice(form *f, const tni_v1_part *part, tn_str message, int64_t *extents,
                            tn_error *err)
{
    uint32_t rank = f->shape.rank;
    if (!tni_tf_slice_walk(message, rank, f->start, f->length)) {
        return fail_form(f, part->shard, "the list of its slices is damaged", err);
    }
    tni_buffer_reset(&f->key);
    tni_ordered_put_slice(&f->key, f->name, rank, f->start, f->length);
    for (uint32_t i = 0; i < rank; i++) {
        int64_t size = f->shape.size[i];
        bool open = f->start[i] == 0 && f->length[i] == TNI_TF_WHOLE;
        extents[2 * (size_t)i] = f->start[i];
        extents[2 * (size_t)i + 1] = f->length[i];
        f->length[i] = open ? size : f->length[i];
        if (!open && (f->start[i] < 0 || f->length[i] < 1 || f->start[i] > size ||
                      f->length[i] > size - f->start[i])) {
            return fail_form(f, part->shard, "one of its slices lies outside its shape", err);
        }
    }
    return tni_buffer_check(&f->key, err);
}

/* Makes the piece of the slice at hand. */
static tn_status make_piece(form *f, const tni_v1_part *part, tn_error *err)
{
    tni_v1_set *set = f->set;
    void *leaf_made;
    tni_piece *piece = &f->pieces[f->count];
    tn_str key = {f->key.data, f->key.len};
    const tni_v1_place *place = tni_v1_place_find(&set->shards[part->shard], key);
    if (place == NULL) {
        return fail_form(f, part->shard, "one of its slices is missing from the table", err);
    }
    tn_status status = tni_arena_alloc(&set->model->arena, sizeof(tni_leaf), &leaf_made, err);
    if (status == TN_OK) {
        status = tni_map_box(&set->model->arena, f->shape.rank, f->shape.size, f->start, f->length,
                             &piece->map, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_leaf *leaf = leaf_made;
    leaf->dtype = f->type->dtype;
    leaf->elements = 1;
    for (uint32_t i = 0; i < f->shape.rank; i++) {
        leaf->elements *= f->length[i]; /* within the shape, whose product was checked */
    }
    piece->leaf = leaf;
    f->maps[f->count++] = piece->map;
    status = tni_v1_values_leaf(set->model, set->cache, f->type, place, leaf, err);
    if (status != TN_OK) {
        tni_error_subject(err, f->name);
    }
    return status;
}

static tn_status read_slices(form *f, const tni_v1_part *part, tn_error *err)
{
    tni_wire wire = tni_wire_of(part->message);
    tni_wire_field field;
    tn_status status = TN_OK;
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        if (field.tag == TNI_V1_TENSOR_SLICE) {
            int64_t *extents = f->extents + 2 * (size_t)f->count * f->shape.rank;
            status = read_slice(f, part, field.bytes, extents, err);
            if (status == TN_OK) {
                status = make_piece(f, part, err);
            }
        }
    }
    return status;
}

/* Makes room for all slices of the tensor. */
static tn_status prepare(form *f, tn_error *err)
{
    tni_v1_set *set = f->set;
    void *pieces, *extents, *maps;
    tni_arena *arena = &set->model->arena;
    size_t extent = 2 * (size_t)f->shape.rank * sizeof(int64_t);
    set->pieces += f->slices;
    tn_status status = tni_check_limit(set->pieces, set->ctx->limits.pieces, "pieces", err);
    if (status == TN_OK && f->slices > 1 && f->type->dtype == TN_STRING) {
        status =
            tni_fail(err, TN_E_UNSUPPORTED, "partitioned tensors of strings are not supported");
    }
    if (status == TN_OK &&
        (status = tni_arena_array(arena, f->slices, sizeof(tni_piece), &pieces, err)) == TN_OK &&
        (status = tni_arena_array(arena, f->slices, extent, &extents, err)) == TN_OK &&
        (status = tni_arena_array(&set->scratch, f->slices, sizeof(tni_map), &maps, err)) ==
            TN_OK) {
        f->pieces = pieces;
        f->extents = extents;
        f->maps = maps;
    }
    if (status != TN_OK) {
        tni_error_subject(err, f->name);
    }
    return status;
}

/* Checks that the slices cover the tensor exactly once. */
static tn_status check_cover(form *f, uint32_t shard, tn_error *err)
{
    bool tile = false;
    tn_status status =
        f->count == 0 ? TN_OK
                      : tni_maps_tile(&f->set->scratch, f->maps, f->count, f->elements, &tile, err);
    if (status == TN_OK && !tile) {
        status = fail_form(f, shard, "its slices overlap, or do not cover all of it", err);
    }
    return status;
}

static tn_status fill_tensor(form *f, const tni_v1_part *parts, size_t count, tn_tensor *tensor,
                             tn_error *err)
{
    tn_status status =
        tni_tensor_form(f->set->model, tensor, f->type->dtype, f->shape.rank, f->shape.size, err);
    if (status == TN_OK) {
        status = prepare(f, err);
    }
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = read_slices(f, &parts[i], err);
    }
    if (status == TN_OK) {
        status = check_cover(f, parts[0].shard, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tensor->pieces = f->pieces;
    tensor->n_pieces = f->count;
    if (f->count > 1) {
        tensor->slices = f->extents;
        tensor->n_slices = f->count;
    }
    if (f->type->dtype == TN_STRING) {
        tensor->bytes = f->pieces[0].leaf->bytes;
    }
    return TN_OK;
}

tn_status tni_v1_tensor_add(tni_v1_set *set, const tni_v1_part *parts, size_t count, tn_error *err)
{
    tn_str name;
    tn_tensor *tensor;
    form f;
    tn_status status = tni_arena_str(&set->model->arena, parts[0].name, &name, err);
    if (status != TN_OK || (status = tni_model_add(set->model, &tensor, err)) != TN_OK) {
        return status;
    }
    tensor->alias[TN_SCHEME_NAME] = tensor->alias[TN_SCHEME_KEY] = name;
    f.set = set;
    f.name = name;
    f.count = f.slices = 0;
    tni_buffer_init(&f.key, set->ctx);
    status = read_form(&f, parts, count, err);
    if (status == TN_OK) {
        status = fill_tensor(&f, parts, count, tensor, err);
    }
    tni_buffer_clear(&f.key);
    return status;
}
