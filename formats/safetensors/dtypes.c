#include "formats/safetensors/layout.h"

/* Ranks of the dtypes that the format knows, low to high. */
enum {
#define X(id, word) RANK_##id,
    TNI_ST_DTYPES(X)
#undef X
        RANK_COUNT
};

static const struct {
    tn_str word;
    tn_dtype dtype;
} by_rank[RANK_COUNT] = {
#define X(id, text) {{text, sizeof(text) - 1}, TN_##id},
    TNI_ST_DTYPES(X)
#undef X
};

/* Rank plus one, so that what is not listed stays 0. */
static const uint8_t rank_of[TN_DTYPE_COUNT] = {
#define X(id, word) [TN_##id] = RANK_##id + 1,
    TNI_ST_DTYPES(X)
#undef X
};

tn_dtype tni_st_dtype_of(tn_str word)
{
    for (size_t i = 0; i < RANK_COUNT; i++) {
        if (tn_str_equal(word, by_rank[i].word)) {
            return by_rank[i].dtype;
        }
    }
    return TN_DTYPE_NONE;
}

uint8_t tni_st_rank(tn_dtype dtype)
{
    uint8_t rank = rank_of[dtype];
    return rank == 0 ? TNI_ST_NOT_A_DTYPE : (uint8_t)(rank - 1);
}

const char *tni_st_word(tn_dtype dtype)
{
    uint8_t rank = tni_st_rank(dtype);
    return rank == TNI_ST_NOT_A_DTYPE ? NULL : by_rank[rank].word.data;
}

/* Quantised integers hold plain integers; that they stood for other numbers is known to a graph
 * alone. */
static tn_dtype plain_integer(tn_dtype dtype)
{
    static const tn_dtype plain[TN_DTYPE_COUNT] = {[TN_QINT8] = TN_INT8,
                                                   [TN_QINT16] = TN_INT16,
                                                   [TN_QINT32] = TN_INT32,
                                                   [TN_QUINT8] = TN_UINT8,
                                                   [TN_QUINT16] = TN_UINT16};
    return plain[dtype];
}

tni_store_rule tni_st_stores(tn_dtype dtype)
{
    if (tni_st_rank(dtype) != TNI_ST_NOT_A_DTYPE) {
        return (tni_store_rule){.how = TNI_STORE_AS_IS, .as = dtype};
    }
    tn_dtype plain = plain_integer(dtype);
    if (plain != TN_DTYPE_NONE) {
        return (tni_store_rule){.how = TNI_STORE_AS_OTHER, .as = plain};
    }
    return (tni_store_rule){.how = TNI_STORE_REFUSED};
}
