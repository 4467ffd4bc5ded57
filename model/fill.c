#include "model/fill.h"

enum { WIDEST = 16 }; /* bytes of an element */

static tn_status decode(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                        tni_arena *arena, tn_error *err)
{
    (void)first;
    (void)arena;
    (void)err;
    size_t unit = tn_dtype_about(leaf->dtype)->bits / 8;
    char *to = out;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(to + i * unit, leaf->decoder_state, unit);
    }
    return TN_OK;
}

static const tni_decoder decoder = {.decode = decode};

tn_status tni_fill_leaf(tn_model *model, tn_dtype dtype, int64_t elements, const void *element,
                        const tni_leaf **leaf_out, tn_error *err)
{
    typedef struct filled {
        tni_leaf leaf;
        unsigned char element[WIDEST];
    } filled;
    void *block;
    tn_status status = tni_arena_alloc(&model->arena, sizeof(filled), &block, err);
    if (status == TN_OK) {
        filled *made = block;
        memcpy(made->element, element, tn_dtype_about(dtype)->bits / 8);
        made->leaf = (tni_leaf){.kind = TNI_LEAF_DECODER,
                                .encoding = TNI_ENCODING_BLOCKS,
                                .dtype = dtype,
                                .elements = elements,
                                .decoder = &decoder,
                                .decoder_state = made->element,
                                .ctx = model->ctx};
        *leaf_out = &made->leaf;
    }
    return status;
}
