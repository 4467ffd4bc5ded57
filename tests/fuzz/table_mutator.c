/* How libFuzzer changes tables and checkpoints: one time in eight as bytes alone, else so that the
 * sums fit. */
#include "target.h"

#include "table_edit.h"

/* libFuzzer's own; absent where a target is only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

static void mutate_bytes(mut_bytes *bytes, size_t max_size)
{
    size_t room = bytes->len + 64 < max_size ? bytes->len + 64 : max_size, len = bytes->len;
    if (LLVMFuzzerMutate == NULL || room < len || room == 0) {
        return;
    }
    while (bytes->len < room) { /* what it may write to */
        mut_add(bytes, "", 1);
    }
    bytes->len = LLVMFuzzerMutate(bytes->at, len, room);
}

size_t table_mutate_lone(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    mut_rng rng = {seed};
    mut_bytes index = {NULL, 0, 0};
    size_t how = mut_below(&rng, 8);
    mut_set(&index, data, size);
    if (how < 5) {
        mutate_bytes(&index, max_size);
    } else {
        table_edit(&rng, &index);
    }
    if (how > 0) {
        table_repair(&index, NULL);
    }
    size = index.len < max_size ? index.len : max_size;
    memcpy(data, index.at, size);
    mut_clear(&index);
    return size;
}

/* Splits a pack of two and puts it together again. */
static void split(const uint8_t *data, size_t size, mut_bytes *index, mut_bytes *shard)
{
    tni_cursor input = tni_cursor_of(data, size);
    tn_str first = fuzz_part(&input), second = fuzz_rest(&input);
    mut_set(index, first.data, first.len);
    mut_set(shard, second.data, second.len);
}

static size_t join(uint8_t *data, size_t max_size, const mut_bytes *index, const mut_bytes *shard)
{
    if (4 + index->len + shard->len > max_size) {
        return 0;
    }
    tni_store_u32le(data, (uint32_t)index->len);
    memcpy(data + 4, index->at, index->len);
    memcpy(data + 4 + index->len, shard->at, shard->len);
    return 4 + index->len + shard->len;
}

size_t table_mutate_pair(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    mut_rng rng = {seed};
    mut_bytes index = {NULL, 0, 0}, shard = {NULL, 0, 0};
    size_t how = mut_below(&rng, 8);
    split(data, size, &index, &shard);
    if (how < 3) {
        mutate_bytes(&index, max_size);
    } else if (how < 5) {
        mutate_bytes(&shard, max_size);
    } else if (how < 7) {
        table_edit(&rng, &index);
    } else {
        graph_edit(&rng, &index, &shard);
    }
    if (how > 0) {
        table_repair(&index, &shard);
    }
    size_t joined = join(data, max_size, &index, &shard);
    mut_clear(&index);
    mut_clear(&shard);
    return joined > 0 ? joined : size;
}
