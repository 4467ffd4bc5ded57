/* Which tensors have values that a reader can give. */
#include "core/error.h"
#include "model/reader.h"

#include <inttypes.h>

static tn_status no_values(tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_UNSUPPORTED, "the file holds no values for it");
    tni_error_hint(err, "it is only listed with its shape; read it from a checkpoint that was "
                        "written after it had a value");
    return status;
}

static tn_status accept_leaf(const tn_tensor *tensor, const tni_leaf *leaf, tn_error *err)
{
    if (leaf->kind == TNI_LEAF_ABSENT) {
        return no_values(err);
    }
    if (leaf->kind == TNI_LEAF_DECODER) {
        return TN_OK;
    }
    /* What follows reads `elements` elements and trusts the sizes, so they are checked here even
     * though readers of files check them too. */
    uint64_t bytes;
    tn_dtype stored = tni_leaf_stored(leaf);
    bool plain = leaf->encoding == TNI_ENCODING_RAW ||
                 (leaf->encoding == TNI_ENCODING_SWAPPED && tn_dtype_about(stored)->bits >= 8);
    if (!plain || leaf->dtype != tensor->dtype || leaf->elements < 0 ||
        !tn_dtype_bytes(stored, (uint64_t)leaf->elements, &bytes) || bytes != leaf->bytes) {
        return tni_fail(err, TN_E_CORRUPT,
                        "its %" PRIu64 " stored bytes do not hold %" PRId64 " elements of %s",
                        leaf->bytes, leaf->elements, tn_dtype_about(stored)->name);
    }
    return TN_OK;
}

tn_status tni_reader_accepts(const tn_tensor *tensor, tn_error *err)
{
    const tn_dtype_info *about = tn_dtype_about(tensor->dtype);
    if (tensor->n_pieces == 0 ? tensor->elements != 0
                              : tensor->pieces[0].leaf->kind == TNI_LEAF_ABSENT) {
        return no_values(err);
    }
    if (about->bits == 0) {
        return tni_fail(err, TN_E_UNSUPPORTED, "values of dtype %s cannot be read as numbers",
                        about->name);
    }
    if (tensor->elements < 0) {
        return tni_fail(err, TN_E_UNSUPPORTED,
                        "its shape is not known, so its values cannot be read");
    }
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < tensor->n_pieces; i++) {
        status = accept_leaf(tensor, tensor->pieces[i].leaf, err);
    }
    return status;
}
