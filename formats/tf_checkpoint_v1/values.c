#include "formats/tf_checkpoint_v1/values.h"
#include "core/error.h"
#include <pthread.h>

enum { FEW_WORDS = 1 << 16 }; /* that are not worth marks */

/* The block that was decompressed last. TensorFlow's own writer compresses none. */
struct tni_v1_cache {
    tn_context *ctx;
    pthread_mutex_t lock; /* over all below, as long as a slice is decoded from `plain` */
    const tni_v1_block *holds;
    void *plain;
};

/* What a leaf knows. */
typedef struct state {
    tni_v1_values values;
    tni_v1_block *block;
    tni_v1_cache *cache;
} state;

static void close_cache(void *user)
{
    tni_v1_cache *cache = user;
    tni_free(cache->ctx, cache->plain);
    pthread_mutex_destroy(&cache->lock);
}

tn_status tni_v1_cache_new(tn_model *model, tni_v1_cache **cache_out, tn_error *err)
{
    void *made;
    tn_status status = tni_arena_alloc(&model->arena, sizeof(tni_v1_cache), &made, err);
    if (status != TN_OK) {
        return status;
    }
    tni_v1_cache *cache = made;
    cache->ctx = model->ctx;
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        return tni_fail(err, TN_E_NOMEM, "no memory for a lock");
    }
    status = tni_model_close_with(model, close_cache, cache, err);
    if (status == TN_OK) {
        *cache_out = cache;
    }
    return status;
}

/* Fetches a block decompressed; the cache's lock is held. Its sum is checked on the way. */
static tn_status fetch_plain(tni_v1_cache *cache, tni_v1_block *block, tn_error *err)
{
    void *plain;
    size_t len;
    if (cache->holds == block) {
        return TN_OK;
    }
    tn_status status = tni_table_load(block->ctx, block->source, &block->table, &plain, &len, err);
    if (status == TN_OK) {
        tni_free(cache->ctx, cache->plain);
        cache->plain = plain;
        cache->holds = block;
        atomic_store(&block->proved, true);
    }
    return status;
}

/* Checks the sum of a block once. */
static tn_status prove_block(tni_v1_block *block, tn_error *err)
{
    if (atomic_load(&block->proved)) {
        return TN_OK;
    }
    tn_status status = tni_table_prove(block->ctx, block->source, &block->table, err);
    if (status == TN_OK) {
        atomic_store(&block->proved, true);
    }
    return status;
}

/* What is wanted of a slice. */
typedef struct wanted {
    uint64_t first, count; /* elements */
    void *out;             /* NULL: they are only walked over */
    tni_arena *arena;
} wanted;

static tn_status read_strings(tni_v1_words *words, const tni_leaf *leaf, const wanted *want,
                              tn_error *err)
{
    tn_str *out = want->out;
    uint64_t total = 0, len;
    for (uint64_t i = 0; i < want->count; i++) {
        void *text;
        tn_status status = tni_v1_words_string(words, &len, err);
        if (status == TN_OK) {
            total += len;
            status = tni_check_limit(total, leaf->ctx->limits.decoded_bytes, "decoded-bytes", err);
        }
        if (status != TN_OK ||
            (status = tni_arena_alloc(want->arena, (size_t)len, &text, err)) != TN_OK ||
            (status = tni_v1_words_text(words, text, err)) != TN_OK) {
            return status;
        }
        out[i] = (tn_str){text, (size_t)len};
    }
    return TN_OK;
}

static tn_status walk(const tni_leaf *leaf, const uint8_t *plain, const wanted *want, tn_error *err)
{
    const state *s = leaf->decoder_state;
    uint64_t unit = s->values.type->words;
    tni_v1_words words;
    tni_v1_words_start(&words, &s->values, plain, want->first * unit);
    tn_status status = tni_v1_words_skip(&words, want->first * unit, err);
    if (status == TN_OK && want->out != NULL) {
        status = leaf->dtype == TN_STRING
                     ? read_strings(&words, leaf, want, err)
                     : tni_v1_words_read(&words, want->count * unit, want->out, err);
    } else if (status == TN_OK) {
        status = tni_v1_words_skip(&words, (want->first + want->count) * unit, err);
    }
    return status == TN_OK && words.next == s->values.words ? tni_v1_words_end(&words, err)
                                                            : status;
}

static tn_status run(const tni_leaf *leaf, const wanted *want, tn_error *err)
{
    const state *s = leaf->decoder_state;
    if (!s->block->table.compressed) {
        return walk(leaf, NULL, want, err);
    }
    pthread_mutex_lock(&s->cache->lock);
    tn_status status = fetch_plain(s->cache, s->block, err);
    if (status == TN_OK) {
        status = walk(leaf, s->cache->plain, want, err);
    }
    pthread_mutex_unlock(&s->cache->lock);
    return status;
}

static tn_status verify(const tni_leaf *leaf, tn_error *err)
{
    const state *s = leaf->decoder_state;
    wanted all = {.first = 0, .count = (uint64_t)leaf->elements};
    tn_status status = prove_block(s->block, err);
    return status == TN_OK ? run(leaf, &all, err) : status;
}

static tn_status decode(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                        tni_arena *arena, tn_error *err)
{
    const state *s = leaf->decoder_state;
    wanted want = {first, count, out, arena};
    bool whole = first == 0 && count == (uint64_t)leaf->elements;
    tn_status status = whole ? prove_block(s->block, err) : TN_OK;
    return status == TN_OK ? run(leaf, &want, err) : status;
}

static const tni_decoder decoder = {decode, verify};

/* Checks that a slice's bytes can hold as many words, before anything is made of their number. */
static tn_status check_room(const tni_v1_type *type, const tni_v1_place *place, uint64_t words,
                            tn_error *err)
{
    uint64_t least = type->wire == TNI_WIRE_I32      ? 4
                     : type->wire == TNI_WIRE_I64    ? 8
                     : type->wire == TNI_WIRE_VARINT ? 1
                                                     : 2; /* a tag and a length */
    if (words <= place->len / least) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_CORRUPT, "a slice has fewer values than its shape wants");
    tni_error_path(err, tni_source_path(place->block->source));
    tni_error_offset(err, place->block->table.offset);
    return status;
}

tn_status tni_v1_values_leaf(tn_model *model, tni_v1_cache *cache, const tni_v1_type *type,
                             const tni_v1_place *place, tni_leaf *leaf, tn_error *err)
{
    void *made = NULL, *marks = NULL;
    uint64_t words = (uint64_t)leaf->elements * type->words;
    tn_status status = check_room(type, place, words, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(&model->arena, sizeof(state), &made, err);
    }
    if (status == TN_OK && words > FEW_WORDS) {
        status = tni_arena_array(&model->arena, TNI_V1_MARKS, sizeof(tni_v1_mark), &marks, err);
    }
    if (status != TN_OK) {
        return status;
    }
    state *s = made;
    const tni_table_block *table = &place->block->table;
    s->cache = cache;
    s->block = place->block;
    s->values = (tni_v1_values){.type = type,
                                .block = place->block,
                                .at = place->at,
                                .len = place->len,
                                .words = words,
                                .width = tn_dtype_about(type->dtype)->bits / 8 / type->words,
                                .marks = marks};
    leaf->kind = TNI_LEAF_DECODER;
    leaf->encoding = TNI_ENCODING_BLOCKS;
    leaf->sum_kind = TNI_SUM_BLOCK;
    leaf->sum = table->sum;
    leaf->ctx = model->ctx;
    leaf->source = place->block->source;
    uint64_t from = type->wire == TNI_WIRE_LEN ? place->at : place->inner;
    leaf->offset = table->offset + (table->compressed ? 0 : from);
    leaf->bytes = table->compressed ? table->size : place->at + place->len - from;
    leaf->decoder = &decoder;
    leaf->decoder_state = s;
    return TN_OK;
}
