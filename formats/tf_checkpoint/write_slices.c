/* Slices of a tensor, as tensors of their own. A tensor that was read in slices mostly still
 * consists of these, piece by piece; any other one is cut by composing index maps. */
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/write.h"

/* One slice with its lengths resolved. */
typedef struct box {
    int64_t start[TNI_TF_MAX_RANK], size[TNI_TF_MAX_RANK], step[TNI_TF_MAX_RANK];
    int64_t elements;
} box;

static void load_box(const tn_tensor *whole, uint32_t index, box *b)
{
    const int64_t *slice = whole->slices + 2 * (size_t)index * whole->rank;
    b->elements = 1;
    for (uint32_t k = 0; k < whole->rank; k++) {
        b->start[k] = slice[2 * k];
        b->size[k] = slice[2 * k + 1] == TNI_TF_WHOLE ? whole->shape[k] : slice[2 * k + 1];
        b->step[k] = 1;
        b->elements *= b->size[k]; /* slices tile a tensor whose elements were counted */
    }
}

/* Tells whether piece `index` is just the slice, out of a leaf that holds nothing else. */
static tn_status is_piece(tni_write *write, const tn_tensor *whole, uint32_t index, const box *b,
                          bool *is_out, tn_error *err)
{
    tni_map wanted;
    *is_out = false;
    if (index >= whole->n_pieces || whole->pieces[index].leaf->elements != b->elements) {
        return TN_OK;
    }
    tn_status status =
        tni_map_box(write->arena, whole->rank, whole->shape, b->start, b->size, &wanted, err);
    if (status == TN_OK) {
        const tni_map *map = &whole->pieces[index].map;
        *is_out = map->to == wanted.to && map->from == 0 && map->rank == wanted.rank;
        for (uint32_t k = 0; *is_out && k < map->rank; k++) {
            *is_out = map->dim[k].size == wanted.dim[k].size &&
                      map->dim[k].to == wanted.dim[k].to && map->dim[k].from == wanted.dim[k].from;
        }
    }
    return status;
}

/* Makes the slice's pieces of all those of the tensor. */
static tn_status cut(tni_write *write, const tn_tensor *whole, const box *b, tn_tensor *made,
                     tn_error *err)
{
    tni_map outer;
    tni_map_list list;
    void *block = NULL;
    tni_map_list_init(&list, write->arena, write->ctx->limits.pieces);
    tn_status status = tni_map_slice(write->arena, whole->rank, whole->shape, b->start, b->step,
                                     b->size, &outer, err);
    for (uint32_t i = 0; status == TN_OK && i < whole->n_pieces; i++) {
        status = tni_map_compose(outer, &whole->pieces[i].map, &i, 1, &list, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(write->arena, list.count, sizeof(tni_piece), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_piece *pieces = block;
    for (size_t i = 0; i < list.count; i++) {
        pieces[i] = (tni_piece){list.at[i], whole->pieces[list.leaf[i]].leaf};
    }
    made->pieces = pieces;
    made->n_pieces = (uint32_t)list.count;
    return TN_OK;
}

/* Makes the slice's only piece: the whole leaf. */
static tn_status take(tni_write *write, const tni_leaf *leaf, tn_tensor *made, tn_error *err)
{
    typedef struct whole_leaf {
        tni_piece piece;
        tni_dim dim;
    } whole_leaf;
    void *block = NULL;
    tn_status status = tni_arena_alloc(write->arena, sizeof(whole_leaf), &block, err);
    if (status == TN_OK) {
        whole_leaf *only = block;
        only->piece.leaf = leaf;
        tni_map_whole(leaf->elements, &only->dim, &only->piece.map);
        made->pieces = &only->piece;
        made->n_pieces = 1;
    }
    return status;
}

tn_status tni_tf_slice_tensor(tni_write *write, const tn_tensor *whole, uint32_t index,
                              const tn_tensor **tensor_out, tn_error *err)
{
    box b;
    bool is_whole = false;
    void *block = NULL;
    tn_status status = tni_arena_alloc(write->arena, sizeof(tn_tensor), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_tensor *made = block;
    load_box(whole, index, &b);
    *made = *whole;
    made->slices = NULL;
    made->n_slices = 0;
    made->elements = b.elements;
    (void)tn_dtype_bytes(made->dtype, (uint64_t)b.elements, &made->bytes); /* less than the whole */
    status = is_piece(write, whole, index, &b, &is_whole, err);
    if (status == TN_OK) {
        status = is_whole ? take(write, whole->pieces[index].leaf, made, err)
                          : cut(write, whole, &b, made, err);
    }
    if (status == TN_OK) {
        *tensor_out = made;
    }
    return status;
}
