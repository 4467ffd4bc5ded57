#include "formats/saved_model/new_names.h"
#include "formats/saved_model/index.h"

void tni_sm_new_names_init(tni_sm_new_names *names, tni_arena *arena)
{
    *names = (tni_sm_new_names){.arena = arena};
    tni_hash_init(&names->keys, arena->ctx, 0);
    tni_hash_init(&names->nodes, arena->ctx, 0);
}

void tni_sm_new_names_clear(tni_sm_new_names *names)
{
    tni_hash_clear(&names->keys);
    tni_hash_clear(&names->nodes);
    tni_free(names->arena->ctx, names->to);
}

static tn_status make_room(tni_sm_new_names *names, tn_error *err)
{
    void *block = names->to;
    size_t room = names->room * 2 + 64;
    if (names->count < names->room) {
        return TN_OK;
    }
    tn_status status = tni_resize(names->arena->ctx, &block, room * sizeof(tn_str), err);
    if (status == TN_OK) {
        names->to = block;
        names->room = room;
    }
    return status;
}

static tn_status say(tni_sm_new_names *names, tni_hash *hash, tn_str from, tn_str to, tn_error *err)
{
    uint32_t old;
    tn_status status = make_room(names, err);
    if (status == TN_OK) {
        status = tni_hash_add(hash, from, names->count, &old, err);
    }
    if (status == TN_OK && old == TNI_HASH_NONE) {
        names->to[names->count++] = to;
        names->any = names->any || !tn_str_equal(from, to);
    }
    return status;
}

tn_status tni_sm_new_key(tni_sm_new_names *names, tn_str from, tn_str to, tn_error *err)
{
    return say(names, &names->keys, from, to, err);
}

tn_status tni_sm_new_node(tni_sm_new_names *names, tn_str from, tn_str to, tn_error *err)
{
    return say(names, &names->nodes, from, to, err);
}

tn_str tni_sm_key_becomes(const tni_sm_new_names *names, tn_str key)
{
    uint32_t at = tni_hash_get(&names->keys, key);
    return at == TNI_HASH_NONE || tn_str_equal(names->to[at], key) ? key : names->to[at];
}

/* Makes the text of three parts. */
static tn_status join(const tni_sm_new_names *names, tn_str a, tn_str b, tn_str c, tn_str *text_out,
                      tn_error *err)
{
    void *block;
    const tn_str parts[] = {a, b, c};
    tn_status status = tni_arena_alloc(names->arena, a.len + b.len + c.len + 1, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char *at = block;
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].len > 0) {
            memcpy(at, parts[i].data, parts[i].len);
            at += parts[i].len;
        }
    }
    *text_out = (tn_str){block, (size_t)(at - (char *)block)};
    return TN_OK;
}

/* Finds the variable that an operation is, or lies below; TNI_HASH_NONE: none. */
static uint32_t find_owner(const tni_sm_new_names *names, tn_str node, size_t *len_out)
{
    uint32_t found = TNI_HASH_NONE;
    size_t len = node.len;
    while (names->any && found == TNI_HASH_NONE && len > 0) {
        *len_out = len;
        found = tni_hash_get(&names->nodes, tn_str_first(node, len));
        const char *slash = memrchr(node.data, '/', len);
        len = slash == NULL ? 0 : (size_t)(slash - node.data);
    }
    return found;
}

tn_status tni_sm_node_becomes(const tni_sm_new_names *names, tn_str node, tn_str *to_out,
                              tn_error *err)
{
    size_t len = 0;
    uint32_t owner = find_owner(names, node, &len);
    if (owner == TNI_HASH_NONE || tn_str_equal(names->to[owner], tn_str_first(node, len))) {
        *to_out = node;
        return TN_OK;
    }
    return join(names, names->to[owner], tn_str_skip(node, len), TN_LIT(""), to_out, err);
}

/* Gives what a text becomes that holds a node's name between other things. */
static tn_status becomes_inside(const tni_sm_new_names *names, tn_str text, size_t from, size_t len,
                                tn_str *to_out, tn_error *err)
{
    tn_str node = tn_str_first(tn_str_skip(text, from), len), to;
    tn_status status = tni_sm_node_becomes(names, node, &to, err);
    if (status == TN_OK && to.data == node.data) {
        *to_out = text;
        return TN_OK;
    }
    return status != TN_OK ? status
                           : join(names, tn_str_first(text, from), to,
                                  tn_str_skip(text, from + len), to_out, err);
}

tn_status tni_sm_input_becomes(const tni_sm_new_names *names, tn_str input, tn_str *to_out,
                               tn_error *err)
{
    int64_t output;
    tn_str node = tni_sm_input_node(input, &output);
    return becomes_inside(names, input, (size_t)(node.data - input.data), node.len, to_out, err);
}

tn_status tni_sm_place_becomes(const tni_sm_new_names *names, tn_str place, tn_str *to_out,
                               tn_error *err)
{
    tn_str head = TN_LIT("loc:@");
    if (!tn_str_starts(place, head)) {
        *to_out = place;
        return TN_OK;
    }
    return becomes_inside(names, place, head.len, place.len - head.len, to_out, err);
}

bool tni_sm_node_name_ok(tn_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool inner = i > 0 && (c == '_' || c == '/' || c == '-' || c == '>');
        if (!word && c != '.' && !inner) {
            return false;
        }
    }
    return name.len > 0 && name.data[name.len - 1] != '/';
}
