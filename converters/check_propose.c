/* Proposing renames. A scope that was added, stripped or changed shows as many pairs of names that
 * end alike: each pair votes for the change of beginnings that would make it equal, and a want
 * takes the change with the most votes. What no scope explains is tried with `-` for `_` and
 * without `_1` suffixes, and last by nearness. */
#include "converters/check.h"

#include "core/buffer.h"
#include "core/hash.h"
#include <stdio.h>
#include <stdlib.h>
#include <tenon/text.h>

enum {
    MOST_PAIRS = 1 << 20, /* pairs that are looked at in all */
    PER_LEAF = 64,        /* spare names of one last component that are looked at */
    SHOWN = 3,
    NEAR_ENOUGH = 24 /* edits */
};

/* A change of beginnings: FROM/ becomes TO/; either may be empty. */
typedef struct change {
    tn_str from, to; /* without the slash at the end */
    uint32_t votes;
} change;

/* A spare tensor of A. */
typedef struct spare {
    tn_str name, leaf;
    uint32_t index;
} spare;

typedef struct proposing {
    tni_checking *check;
    tni_proposal *proposals;
    spare *spares; /* by leaf, then name */
    size_t n_spares;
    change *changes;
    size_t n_changes, changes_room;
    tni_hash by_text; /* FROM NUL TO: which change */
    size_t pairs;
} proposing;

static tn_str leaf_of(tn_str name)
{
    const char *slash = name.len == 0 ? NULL : memrchr(name.data, '/', name.len);
    return slash == NULL ? name : tn_str_skip(name, (size_t)(slash - name.data) + 1);
}

static int by_leaf(const void *a, const void *b)
{
    const spare *x = a, *y = b;
    int order = tn_str_compare(x->leaf, y->leaf);
    return order != 0 ? order : tn_str_compare(x->name, y->name);
}

/* The name by which A's tensor would be renamed. */
static tn_str name_of(const tni_checking *check, size_t i)
{
    return check->a->tensors[i].alias[TN_SCHEME_NAME];
}

static tn_status list_spares(proposing *p, tn_error *err)
{
    const tni_checking *c = p->check;
    void *block;
    tn_status status = tni_arena_array(&p->check->arena, c->a->count, sizeof(spare), &block, err);
    if (status != TN_OK) {
        return status;
    }
    p->spares = block;
    for (uint32_t i = 0; i < c->a->count; i++) {
        const tn_tensor *tensor = &c->a->tensors[i];
        if (!c->used[i] && c->chosen_a[i].cause == TNI_KEPT && tensor->role != TN_ROLE_METADATA) {
            tn_str name = name_of(c, i);
            p->spares[p->n_spares++] = (spare){.name = name, .leaf = leaf_of(name), .index = i};
        }
    }
    qsort(p->spares, p->n_spares, sizeof *p->spares, by_leaf);
    return TN_OK;
}

/* Finds the first spare with this leaf, or n_spares. */
static size_t first_spare(const proposing *p, tn_str leaf)
{
    size_t low = 0, high = p->n_spares;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tn_str_compare(p->spares[middle].leaf, leaf) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Splits two names that end alike into what differs before the common ending. The ending begins at
 * a component. */
static change difference(tn_str from, tn_str to)
{
    size_t same = 0, cut = 0;
    while (same < from.len && same < to.len &&
           from.data[from.len - 1 - same] == to.data[to.len - 1 - same]) {
        same++;
        bool from_ends = same == from.len || from.data[from.len - 1 - same] == '/';
        bool to_ends = same == to.len || to.data[to.len - 1 - same] == '/';
        if (from_ends && to_ends) {
            cut = same;
        }
    }
    size_t f = from.len - cut, t = to.len - cut;
    return (change){.from = tn_str_first(from, f > 0 ? f - 1 : 0),
                    .to = tn_str_first(to, t > 0 ? t - 1 : 0)};
}

static tn_status change_key(proposing *p, const change *c, tn_str *key_out, tn_error *err)
{
    tni_buffer key;
    tni_buffer_init(&key, p->check->a->ctx);
    tni_buffer_str(&key, c->from);
    tni_buffer_char(&key, '\0');
    tni_buffer_str(&key, c->to);
    tn_status status = tni_buffer_check(&key, err);
    if (status == TN_OK) {
        status = tni_arena_str(&p->check->arena, (tn_str){key.data, key.len}, key_out, err);
    }
    tni_buffer_clear(&key);
    return status;
}

static tn_status vote(proposing *p, const change *c, tn_error *err)
{
    tn_str key;
    uint32_t index;
    tn_status status = change_key(p, c, &key, err);
    if (status == TN_OK) {
        status = tni_hash_add(&p->by_text, key, (uint32_t)p->n_changes, &index, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (index != TNI_HASH_NONE) {
        p->changes[index].votes++;
        return TN_OK;
    }
    if (p->n_changes == p->changes_room) {
        size_t more = p->changes_room == 0 ? 64 : p->changes_room * 2;
        void *block;
        status = tni_arena_array(&p->check->arena, more, sizeof(change), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (p->n_changes > 0) {
            memcpy(block, p->changes, p->n_changes * sizeof(change));
        }
        p->changes = block;
        p->changes_room = more;
    }
    p->changes[p->n_changes] = *c;
    p->changes[p->n_changes++].votes = 1;
    return TN_OK;
}

/* Tells whether a want is open: not met, and about a tensor. */
static bool is_open(const tni_want *want)
{
    return !want->met && want->b != TN_NO_INDEX;
}

/* Tells whether a spare tensor could serve a want: same form, and the same kind of thing. */
static bool could_serve(const tni_checking *c, const spare *one, const tni_want *want)
{
    const tn_tensor *a = &c->a->tensors[one->index], *b = &c->b->tensors[want->b];
    return a->role == b->role && tni_check_form_fits(a, b);
}

/* Calls vote() for all pairs of an open want and a spare that end alike and have the same form. */
static tn_status vote_all(proposing *p, tn_error *err)
{
    const tni_checking *c = p->check;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < c->n_wants && p->pairs < MOST_PAIRS; i++) {
        const tni_want *want = &c->wants[i];
        if (!is_open(want)) {
            continue;
        }
        tn_str leaf = leaf_of(want->name);
        size_t first = first_spare(p, leaf);
        for (size_t k = first; status == TN_OK && k < p->n_spares && k < first + PER_LEAF &&
                               tn_str_equal(p->spares[k].leaf, leaf);
             k++) {
            p->pairs++;
            if (could_serve(c, &p->spares[k], want)) {
                change one = difference(p->spares[k].name, want->name);
                status = vote(p, &one, err);
            }
        }
    }
    return status;
}

/* Writes a change as --rename takes it. */
static tn_status write_change(proposing *p, const change *c, tn_str *text_out, tn_error *err)
{
    return tni_arena_format(&p->check->arena, text_out, err, "%.*s/=%.*s/", (int)c->from.len,
                            c->from.data, (int)c->to.len, c->to.data);
}

/* Proposes for one want the change with the most votes among those that fit it. */
static tn_status propose_scope(proposing *p, size_t i, tn_error *err)
{
    const tni_checking *c = p->check;
    const tni_want *want = &c->wants[i];
    tn_str leaf = leaf_of(want->name);
    const change *best = NULL;
    size_t first = first_spare(p, leaf);
    for (size_t k = first;
         k < p->n_spares && k < first + PER_LEAF && tn_str_equal(p->spares[k].leaf, leaf); k++) {
        if (!could_serve(c, &p->spares[k], want)) {
            continue;
        }
        change one = difference(p->spares[k].name, want->name);
        tn_str key;
        tn_status status = change_key(p, &one, &key, err);
        if (status != TN_OK) {
            return status;
        }
        uint32_t index = tni_hash_get(&p->by_text, key);
        if (index != TNI_HASH_NONE && (best == NULL || p->changes[index].votes > best->votes)) {
            best = &p->changes[index];
        }
    }
    return best == NULL ? TN_OK : write_change(p, best, &p->proposals[i].rename, err);
}

/* Reads the next byte of a name with `-` taken for `_`, and `_1`, `_2` … before a component's end
 * left out. */
static int plain_byte(tn_str name, size_t *at)
{
    if (*at >= name.len) {
        return -1;
    }
    if (name.data[*at] == '_') {
        size_t digit = *at + 1;
        while (digit < name.len && name.data[digit] >= '0' && name.data[digit] <= '9') {
            digit++;
        }
        if (digit > *at + 1 && (digit == name.len || name.data[digit] == '/')) {
            *at = digit;
            return plain_byte(name, at);
        }
    }
    char byte = name.data[(*at)++];
    return byte == '-' ? '_' : (unsigned char)byte;
}

static bool equal_when_plain(tn_str a, tn_str b)
{
    size_t i = 0, k = 0;
    for (;;) {
        int x = plain_byte(a, &i), y = plain_byte(b, &k);
        if (x != y || x < 0) {
            return x == y;
        }
    }
}

/* Proposes the one spare that is equal but for `-`, `_` and number suffixes. */
static tn_status propose_plain(proposing *p, size_t i, tn_error *err)
{
    const tni_checking *c = p->check;
    const tni_want *want = &c->wants[i];
    const spare *found = NULL;
    for (size_t k = 0; k < p->n_spares && p->pairs < MOST_PAIRS; k++) {
        p->pairs++;
        if (equal_when_plain(p->spares[k].name, want->name) &&
            could_serve(c, &p->spares[k], want)) {
            if (found != NULL) {
                return TN_OK; /* two would do: naming one would be a guess */
            }
            found = &p->spares[k];
        }
    }
    if (found == NULL) {
        return TN_OK;
    }
    return tni_arena_format(&p->check->arena, &p->proposals[i].rename, err, "%.*s=%.*s",
                            (int)found->name.len, found->name.data, (int)want->name.len,
                            want->name.data);
}

/* Appends a name with its shape. */
static void show(tni_buffer *out, const tn_tensor *tensor)
{
    char name[TN_ERROR_SUBJECT];
    tn_escape(tensor->alias[TN_SCHEME_NAME], name, sizeof name);
    tni_buffer_format(out, "%s%s [", out->len > 0 ? ", " : "", name);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        tni_buffer_format(out, "%s%lld", i > 0 ? ", " : "", (long long)tensor->shape[i]);
    }
    tni_buffer_char(out, ']');
}

/* Names the nearest spares. */
static tn_status name_near(proposing *p, size_t i, tn_error *err)
{
    const tni_checking *c = p->check;
    const spare *best[SHOWN] = {NULL};
    unsigned edits[SHOWN] = {0};
    tni_buffer text;
    for (size_t k = 0; k < p->n_spares && p->pairs < MOST_PAIRS; k++) {
        p->pairs++;
        unsigned distance = tn_edit_distance(p->spares[k].name, c->wants[i].name, NEAR_ENOUGH);
        const spare *one = &p->spares[k];
        for (size_t n = 0; distance < NEAR_ENOUGH && one != NULL && n < SHOWN; n++) {
            if (best[n] == NULL || distance < edits[n]) {
                const spare *other = best[n];
                unsigned its = edits[n];
                best[n] = one;
                edits[n] = distance;
                one = other;
                distance = its;
            }
        }
    }
    tni_buffer_init(&text, c->a->ctx);
    for (size_t n = 0; n < SHOWN && best[n] != NULL; n++) {
        show(&text, &c->a->tensors[best[n]->index]);
    }
    tn_status status = tni_buffer_check(&text, err);
    if (status == TN_OK && text.len > 0) {
        status = tni_arena_str(&p->check->arena, (tn_str){text.data, text.len},
                               &p->proposals[i].near, err);
    }
    tni_buffer_clear(&text);
    return status;
}

tn_status tni_check_propose(tni_checking *check, tni_proposal *proposals, tn_error *err)
{
    proposing p = {.check = check, .proposals = proposals};
    tni_hash_init(&p.by_text, check->a->ctx, 0);
    tn_status status = list_spares(&p, err);
    if (status == TN_OK) {
        status = vote_all(&p, err);
    }
    p.pairs = 0;
    for (size_t i = 0; status == TN_OK && i < check->n_wants; i++) {
        if (!is_open(&check->wants[i])) {
            continue;
        }
        status = propose_scope(&p, i, err);
        if (status == TN_OK && proposals[i].rename.data == NULL) {
            status = propose_plain(&p, i, err);
        }
        if (status == TN_OK) {
            status = name_near(&p, i, err);
        }
    }
    tni_hash_clear(&p.by_text);
    return status;
}
