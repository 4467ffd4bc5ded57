#include <tenon/dtype.h>

#include "core/checked.h"

static const tn_dtype_info dtypes[TN_DTYPE_COUNT] = {
    [TN_DTYPE_NONE] = {"?", "?", 0, 1, TN_KIND_NONE},
#define TN_DTYPE(id, name, short_name, bits, word, kind) \
    [TN_##id] = {name, short_name, bits, word, TN_KIND_##kind},
#include <tenon/dtypes.def>
#undef TN_DTYPE
};

const tn_dtype_info *tn_dtype_about(tn_dtype dtype)
{
    return &dtypes[(unsigned)dtype < TN_DTYPE_COUNT ? dtype : TN_DTYPE_NONE];
}

tn_dtype tn_dtype_find(tn_str name)
{
    for (unsigned i = TN_DTYPE_NONE + 1; i < TN_DTYPE_COUNT; i++) {
        if (tn_str_equal(name, tn_str_of(dtypes[i].name)) ||
            tn_str_equal(name, tn_str_of(dtypes[i].short_name))) {
            return (tn_dtype)i;
        }
    }
    return TN_DTYPE_NONE;
}

bool tn_dtype_bytes(tn_dtype dtype, uint64_t elements, uint64_t *bytes_out)
{
    unsigned bits = tn_dtype_about(dtype)->bits;
    if (bits == 0) {
        return false;
    }
    if (bits % 8 == 0) {
        return tni_mul_u64(elements, bits / 8, bytes_out);
    }
    uint64_t all;
    if (!tni_mul_u64(elements, bits, &all) || all % 8 != 0) {
        return false;
    }
    *bytes_out = all / 8;
    return true;
}
