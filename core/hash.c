#include "core/hash.h"

#include <sys/random.h>
#include <time.h>

#include "core/cursor.h"
#include "core/error.h"

/* Open addressing with linear probing; at most three quarters of the slots are taken. */
typedef struct tni_hash_slot {
    const char *key;
    size_t len;
    uint32_t mark; /* the hash's low 32 bits, made odd; 0: empty */
    uint32_t value;
} tni_hash_slot;

enum { FIRST_ROOM = 16 };

static uint64_t rotate(uint64_t x, unsigned count)
{
    return x << count | x >> (64 - count);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* SipHash-1-3 (Aumasson and Bernstein), as Rust's and Ruby's tables use it: a keyed hash whose
 * collisions cannot be built without the seed. */
uint64_t tni_hash_of(uint64_t seed, tn_str key)
{
    const uint64_t second = ~rotate(seed, 29);
    uint64_t v[4] = {seed ^ UINT64_C(0x736F6D6570736575), second ^ UINT64_C(0x646F72616E646F6D),
                     seed ^ UINT64_C(0x6C7967656E657261), second ^ UINT64_C(0x7465646279746573)};
    size_t i = 0;
    for (; i + 8 <= key.len; i += 8) {
        sip_word(v, tni_load_u64le(key.data + i));
    }
    uint64_t last = (uint64_t)key.len << 56;
    for (unsigned shift = 0; i < key.len; i++, shift += 8) {
        last |= (uint64_t)(unsigned char)key.data[i] << shift;
    }
    sip_word(v, last);
    v[2] ^= 0xFF;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t tni_hash_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)clock() << 32;
    }
    return seed;
}

/* Returns the room for `count` keys: the power of two of which they fill at most three quarters. */
static size_t room_for(size_t count)
{
    size_t room = FIRST_ROOM;
    while (room / 4 * 3 < count && room <= SIZE_MAX / 2) {
        room *= 2;
    }
    return room;
}

void tni_hash_init(tni_hash *hash, tn_context *ctx, size_t expected)
{
    *hash = (tni_hash){.ctx = ctx, .room = expected == 0 ? 0 : room_for(expected)};
    hash->seed = tni_hash_seed();
}

void tni_hash_clear(tni_hash *hash)
{
    tni_free(hash->ctx, hash->slots);
    hash->slots = NULL;
    hash->room = 0;
    hash->count = 0;
}

/* Finds the slot of a key, or the empty slot where it belongs. */
static tni_hash_slot *find(const tni_hash *hash, tn_str key, uint64_t sum)
{
    size_t mask = hash->room - 1;
    uint32_t mark = (uint32_t)sum | 1;
    for (size_t i = (size_t)(sum >> 32) & mask;; i = (i + 1) & mask) {
        tni_hash_slot *slot = &hash->slots[i];
        if (slot->mark == 0 ||
            (slot->mark == mark && tn_str_equal((tn_str){slot->key, slot->len}, key))) {
            return slot;
        }
    }
}

static tn_status resize(tni_hash *hash, size_t room, tn_error *err)
{
    void *slots = NULL;
    tn_status status = tni_alloc_array(hash->ctx, room, sizeof(tni_hash_slot), &slots, err);
    if (status != TN_OK) {
        return status;
    }
    tni_hash old = *hash;
    hash->slots = slots;
    hash->room = room;
    for (size_t i = 0; old.slots != NULL && i < old.room; i++) {
        if (old.slots[i].mark != 0) {
            tn_str key = {old.slots[i].key, old.slots[i].len};
            *find(hash, key, tni_hash_of(hash->seed, key)) = old.slots[i];
        }
    }
    tni_free(hash->ctx, old.slots);
    return TN_OK;
}

static tn_status make_room(tni_hash *hash, tn_error *err)
{
    if (hash->slots == NULL) {
        return resize(hash, hash->room == 0 ? FIRST_ROOM : hash->room, err);
    }
    if (hash->count < hash->room / 4 * 3) {
        return TN_OK;
    }
    if (hash->room > SIZE_MAX / 2) {
        return tni_fail(err, TN_E_NOMEM, "there is no memory for a larger table of names");
    }
    return resize(hash, hash->room * 2, err);
}

/* Finds the slot for a key and fills it if it was empty; *old_out: see tni_hash_add. */
static tn_status claim(tni_hash *hash, tn_str key, uint32_t value, tni_hash_slot **slot_out,
                       uint32_t *old_out, tn_error *err)
{
    tn_status status = make_room(hash, err);
    if (status != TN_OK) {
        return status;
    }
    uint64_t sum = tni_hash_of(hash->seed, key);
    tni_hash_slot *slot = find(hash, key, sum);
    *old_out = slot->mark == 0 ? TNI_HASH_NONE : slot->value;
    if (slot->mark == 0) {
        *slot = (tni_hash_slot){key.data, key.len, (uint32_t)sum | 1, value};
        hash->count++;
    }
    *slot_out = slot;
    return TN_OK;
}

tn_status tni_hash_add(tni_hash *hash, tn_str key, uint32_t value, uint32_t *old_out, tn_error *err)
{
    tni_hash_slot *slot;
    uint32_t old;
    tn_status status = claim(hash, key, value, &slot, &old, err);
    if (status == TN_OK && old_out != NULL) {
        *old_out = old;
    }
    return status;
}

tn_status tni_hash_set(tni_hash *hash, tn_str key, uint32_t value, tn_error *err)
{
    tni_hash_slot *slot;
    uint32_t old;
    tn_status status = claim(hash, key, value, &slot, &old, err);
    if (status == TN_OK) {
        slot->value = value;
    }
    return status;
}

uint32_t tni_hash_get(const tni_hash *hash, tn_str key)
{
    if (hash->slots == NULL) {
        return TNI_HASH_NONE;
    }
    const tni_hash_slot *slot = find(hash, key, tni_hash_of(hash->seed, key));
    return slot->mark == 0 ? TNI_HASH_NONE : slot->value;
}
