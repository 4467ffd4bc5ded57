#include "formats/saved_model/new_edges.h"
#include "core/cursor.h"
#include "core/error.h"
#include <tenon/text.h>

enum {
    NUMBER = 4,  /* bytes of an object's number in a key */
    USUAL = 256, /* bytes of a key for which no memory is asked */
};

void tni_sm_new_edges_init(tni_sm_new_edges *edges, tni_arena *arena)
{
    *edges = (tni_sm_new_edges){.arena = arena};
    tni_hash_init(&edges->edges, arena->ctx, 0);
}

void tni_sm_new_edges_clear(tni_sm_new_edges *edges)
{
    tni_hash_clear(&edges->edges);
    tni_free(edges->arena->ctx, edges->to);
}

/* Spells an object and a name as one text, into a block that has room for it. */
static tn_str spell(void *block, uint32_t object, tn_str name)
{
    tni_store_u32le(block, object);
    if (name.len > 0) {
        memcpy((char *)block + NUMBER, name.data, name.len);
    }
    return (tn_str){block, NUMBER + name.len};
}

tn_status tni_sm_edge_key(tni_arena *arena, uint32_t object, tn_str name, tn_str *key_out,
                          tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(arena, NUMBER + name.len, &block, err);
    if (status == TN_OK) {
        *key_out = spell(block, object, name);
    }
    return status;
}

static tn_status make_room(tni_sm_new_edges *edges, tn_error *err)
{
    void *block = edges->to;
    size_t room = edges->room * 2 + 16;
    if (edges->count < edges->room) {
        return TN_OK;
    }
    tn_status status = tni_resize(edges->arena->ctx, &block, room * sizeof(tn_str), err);
    if (status == TN_OK) {
        edges->to = block;
        edges->room = room;
    }
    return status;
}

tn_status tni_sm_new_edge(tni_sm_new_edges *edges, uint32_t object, tn_str from, tn_str to,
                          tn_error *err)
{
    tn_str key;
    uint32_t old = TNI_HASH_NONE;
    tn_status status = make_room(edges, err);
    if (status == TN_OK) {
        status = tni_sm_edge_key(edges->arena, object, from, &key, err);
    }
    if (status == TN_OK) {
        status = tni_hash_add(&edges->edges, key, edges->count, &old, err);
    }
    if (status == TN_OK && old == TNI_HASH_NONE) {
        edges->to[edges->count++] = to;
    } else if (status == TN_OK && !tn_str_equal(edges->to[old], to)) {
        char was[160], one[160], other[160];
        tn_escape(from, was, sizeof was);
        tn_escape(edges->to[old], one, sizeof one);
        tn_escape(to, other, sizeof other);
        status = tni_fail(err, TN_E_IMPOSSIBLE,
                          "the edge '%s' of one object of the SavedModel would be called '%s' and "
                          "'%s'",
                          was, one, other);
    }
    return status;
}

tn_status tni_sm_edge_becomes(const tni_sm_new_edges *edges, uint32_t object, tn_str name,
                              tn_str *to_out, tn_error *err)
{
    tn_str key;
    char room[USUAL];
    tn_status status = TN_OK;
    if (edges == NULL || edges->count == 0) {
        *to_out = name;
        return TN_OK;
    }
    if (name.len <= USUAL - NUMBER) {
        key = spell(room, object, name);
    } else {
        status = tni_sm_edge_key(edges->arena, object, name, &key, err);
    }
    if (status == TN_OK) {
        uint32_t at = tni_hash_get(&edges->edges, key);
        bool stays = at == TNI_HASH_NONE || tn_str_equal(edges->to[at], name);
        *to_out = stays ? name : edges->to[at];
    }
    return status;
}
