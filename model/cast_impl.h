/* What the files of casts share. cast_loops.h holds the loops; each instruction set that is worth
 * it compiles them anew, in exactly one of cast_x86.c and cast_other.c, which is all of the
 * conditional compilation here. */
#ifndef TN_MODEL_CAST_IMPL_H
#define TN_MODEL_CAST_IMPL_H

#include <tenon/cast.h>

/* Elements that one call of a loop takes, always all of them: with a constant count every compiler
 * makes vectors of it. Four buffers of 8-byte elements stay in the first-level cache. */
enum { TNI_CAST_TILE = 512 };

/* How the values of a pair are compared before and after, and so what counts as a loss. */
typedef enum tni_cast_view {
    TNI_VIEW_F32,   /* floats as float32 */
    TNI_VIEW_F64,   /* floats, and integers of up to 32 bits that become floats, as float64 */
    TNI_VIEW_RANGE, /* float64 against the range of an integer */
    TNI_VIEW_BITS,  /* integers as int64; what changed is out of range */
    TNI_VIEW_INT64, /* int64 against a float or bool as float64 */
    TNI_VIEW_UINT64 /* the same of uint64 */
} tni_cast_view;

/* One comparison of two tiles. */
typedef struct tni_cast_check {
    tni_cast_view view;
    double smallest;    /* normal number of the target; 0 where there is none */
    double low, beyond; /* RANGE: truncated values lie in [low, beyond) */
    bool sign_matters;  /* BITS: one side is uint64, so that the highest bit means two things */
} tni_cast_check;

/* The loops as compiled for one instruction set. */
typedef struct tni_cast_impl {
    const char *name; /* "portable", "avx2" */
    /* Does one step of tni_cast_next with a tile. */
    void (*step)(tn_dtype from, tn_dtype to, const void *in, void *out);
    /* Compares a tile of values with what became of them, and adds to `stats`. Both sides are of
     * the view's dtype, but `after` is float64 for INT64 and UINT64 and not read for RANGE. */
    void (*compare)(const tni_cast_check *check, const void *before, const void *after,
                    tn_cast_stats *stats);
} tni_cast_impl;

/* The loops as the build's compiler flags make them: they run everywhere. */
extern const tni_cast_impl tni_cast_portable;
/* Returns the fastest loops for this CPU. */
const tni_cast_impl *tni_cast_choose(void);
/* Casts with these loops; otherwise as tn_cast. For tests. */
void tni_cast_with(const tni_cast_impl *impl, tn_dtype from, tn_dtype to, tn_overflow overflow,
                   const void *in, void *out, size_t count, tn_cast_stats *stats);

/* Returns the dtype that comes next on the way of a known pair of different real dtypes; `to`
 * where the loops reach it in one step. */
tn_dtype tni_cast_next(tn_dtype from, tn_dtype to);
/* Returns how many bits of an integer's storage count: int2 and int4 take a byte in memory. */
unsigned tni_integer_bits(tn_dtype dtype);

#endif
