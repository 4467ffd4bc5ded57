/* Hash table from byte strings to 32-bit numbers. Keys are borrowed, not copied. Seeded per table,
 * so that hostile names cannot aim at one bucket. */
#ifndef TN_CORE_HASH_H
#define TN_CORE_HASH_H

#include "core/context.h"
#include <tenon/str.h>

typedef struct tni_hash {
    tn_context *ctx;
    struct tni_hash_slot *slots;
    size_t room; /* power of two, or 0 */
    size_t count;
    uint64_t seed;
} tni_hash;

#define TNI_HASH_NONE UINT32_MAX /* not a value that may be stored */

/* Initialises; `expected` keys get room at the first insertion (0: grow as needed). */
void tni_hash_init(tni_hash *hash, tn_context *ctx, size_t expected);
void tni_hash_clear(tni_hash *hash);
/* Inserts unless the key is there. *old_out (may be NULL) gets the value that was there, else
 * TNI_HASH_NONE. */
tn_status tni_hash_add(tni_hash *hash, tn_str key, uint32_t value, uint32_t *old_out,
                       tn_error *err);
/* Inserts or replaces. */
tn_status tni_hash_set(tni_hash *hash, tn_str key, uint32_t value, tn_error *err);
/* Returns the value of a key, or TNI_HASH_NONE. */
uint32_t tni_hash_get(const tni_hash *hash, tn_str key);

/* Makes a seed that nobody can foresee. */
uint64_t tni_hash_seed(void);
/* Returns the keyed hash of a key. */
uint64_t tni_hash_of(uint64_t seed, tn_str key);

#endif
