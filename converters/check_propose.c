/* Proposing renames: a change of scope where that explains a want, else the one name that is equal
 * but for `-`, `_` and number suffixes; slots go with their variable. What no rename explains is
 * told with the nearest names. */
#include "converters/check_scopes.h"
#include "core/buffer.h"
#include "core/hash.h"
#include <stdlib.h>
#include <tenon/text.h>

enum {
    MOST_PAIRS = 1 << 16, /* pairs whose edits are counted in all */
    SHOWN = 3,
    NEAR_ENOUGH = 24 /* edits */
};

typedef struct proposing {
    tni_checking *check;
    tni_proposal *proposals;
    tni_scopes scopes;
    tni_hash by_spelling, by_plain; /* which spare; MANY: several */
    tni_hash by_slot;               /* owner and slot: which spare */
    uint32_t *taken;                /* by tensor of A: 1 + the want that it is for, or 0 */
    uint32_t *change;               /* by want: of scope, or TN_NO_INDEX: the name alone */
    uint32_t *want_of;              /* by tensor of B, or TN_NO_INDEX */
    size_t pairs;
} proposing;

#define MANY (UINT32_MAX - 1)

/* Writes one side of a rename as --rename takes it. False: the name has a star, which is none
 * there. */
static bool put_side(tni_buffer *out, tn_str name)
{
    char stack[TN_ERROR_SUBJECT];
    size_t len = tn_escape(name, stack, sizeof stack);
    if (len >= sizeof stack) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = stack[i];
        if (c == '*') {
            return false;
        }
        if (c == '=') {
            tni_buffer_text(out, "\\x3d");
        } else {
            tni_buffer_char(out, c);
            if (c == '{' || c == '}') {
                tni_buffer_char(out, c);
            }
        }
    }
    return true;
}

/* Writes a scope: `a/`, or `a.{x:**}` where names have no slashes; the root is `/`. */
static bool put_scope(tni_buffer *out, const tni_change *change, tn_str scope, bool target)
{
    if (change->separator == '/') {
        bool good = put_side(out, scope);
        tni_buffer_char(out, '/');
        return good;
    }
    bool good = put_side(out, scope);
    if (scope.len > 0) {
        tni_buffer_char(out, '.');
    }
    tni_buffer_text(out, target ? "{x}" : "{x:**}");
    return good;
}

/* Decides what a want's rename is for. */
static void settle(proposing *p, size_t i, uint32_t spare, uint32_t change)
{
    p->proposals[i].spare = spare;
    p->change[i] = change;
    p->taken[spare] = (uint32_t)i + 1;
}

/* Writes the rename that was decided on. */
static tn_status write_rename(proposing *p, size_t i, tni_buffer *text, tn_error *err)
{
    const tni_checking *c = p->check;
    tni_buffer_reset(text);
    bool good;
    if (p->change[i] == TN_NO_INDEX) {
        good = put_side(text, c->a->tensors[p->proposals[i].spare].alias[TN_SCHEME_NAME]);
        tni_buffer_char(text, '=');
        good = put_side(text, c->wants[i].name) && good;
    } else {
        const tni_change *change = &p->scopes.changes[p->change[i]];
        good = put_scope(text, change, change->from, false);
        tni_buffer_char(text, '=');
        good = put_scope(text, change, change->to, true) && good;
    }
    tn_status status = tni_buffer_check(text, err);
    if (!good) {
        p->proposals[i].spare = TN_NO_INDEX;
        return status;
    }
    return status != TN_OK ? status
                           : tni_arena_str(&p->check->arena, (tn_str){text->data, text->len},
                                           &p->proposals[i].rename, err);
}

/* Writes a name with `-` as `_`, and, if `numbers` do not count, without `_1`, `_2` … at the ends
 * of components. */
static tn_status make_plain(tn_str name, bool numbers, tni_buffer *out, tn_error *err)
{
    tni_buffer_reset(out);
    for (size_t i = 0; i < name.len; i++) {
        size_t digit = i + 1;
        while (!numbers && name.data[i] == '_' && digit < name.len && name.data[digit] >= '0' &&
               name.data[digit] <= '9') {
            digit++;
        }
        if (digit > i + 1 && (digit == name.len || name.data[digit] == '/')) {
            i = digit - 1;
        } else {
            tni_buffer_char(out, name.data[i] == '-' ? '_' : name.data[i]);
        }
    }
    return tni_buffer_check(out, err);
}

static tn_status list_plain(proposing *p, tni_hash *hash, bool numbers, tni_buffer *plain,
                            tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t k = 0; status == TN_OK && k < p->scopes.n_spares; k++) {
        uint32_t old = TNI_HASH_NONE;
        tn_str key;
        status = make_plain(p->scopes.spares[k].name, numbers, plain, err);
        if (status == TN_OK) {
            status = tni_arena_str(&p->check->arena, (tn_str){plain->data, plain->len}, &key, err);
        }
        if (status == TN_OK) {
            status = tni_hash_add(hash, key, p->scopes.spares[k].index, &old, err);
        }
        if (status == TN_OK && old != TNI_HASH_NONE) {
            status = tni_hash_set(hash, key, MANY, err);
        }
    }
    return status;
}

/* Finds the one spare of this plain name: of two, naming one would be a guess. */
static tn_status find_plain(proposing *p, const tni_hash *hash, bool numbers, size_t i,
                            tni_buffer *plain, uint32_t *spare_out, tn_error *err)
{
    const tni_want *want = &p->check->wants[i];
    tn_status status = make_plain(want->name, numbers, plain, err);
    uint32_t spare =
        status == TN_OK ? tni_hash_get(hash, (tn_str){plain->data, plain->len}) : TNI_HASH_NONE;
    bool found = spare != TNI_HASH_NONE && spare != MANY && p->taken[spare] == 0 &&
                 tni_could_serve(p->check, spare, want);
    *spare_out = found ? spare : TN_NO_INDEX;
    return status;
}

/* Chooses a spare: the one whose name differs by `-` and `_` alone, else the one whose change of
 * scope serves most wants, else the one whose name differs by number suffixes. Its name alone is
 * changed where its scope holds others that have to stay. */
static tn_status choose(proposing *p, size_t i, tni_buffer *plain, tn_error *err)
{
    const tni_want *want = &p->check->wants[i];
    uint32_t spare, change = TN_NO_INDEX;
    tn_status status = find_plain(p, &p->by_spelling, true, i, plain, &spare, err);
    if (status == TN_OK && spare != TN_NO_INDEX) {
        status = tni_scopes_change(&p->scopes, want, spare, &change, err);
    } else if (status == TN_OK) {
        status = tni_scopes_best(&p->scopes, want, p->taken, &change, &spare, err);
    }
    if (status == TN_OK && spare == TN_NO_INDEX) {
        change = TN_NO_INDEX;
        status = find_plain(p, &p->by_plain, false, i, plain, &spare, err);
    }
    if (status == TN_OK && spare != TN_NO_INDEX) {
        settle(p, i, spare, change);
    }
    return status;
}

/* Tells whether a scope holds something that another rename is for: both would claim it. */
static bool is_mixed(proposing *p, uint32_t index)
{
    const tni_change *change = &p->scopes.changes[index];
    size_t first, count = tni_scopes_range(&p->scopes, change, &first);
    for (size_t i = first; i < first + count; i++) {
        uint32_t tensor = p->scopes.movable[i], want = p->taken[tensor];
        if (++p->scopes.looks > 2 * TNI_MOST_LOOKS ||
            (want != 0 && p->change[want - 1] != index &&
             tni_lies_in(p->check->a->tensors[tensor].alias[TN_SCHEME_NAME], change))) {
            return true;
        }
    }
    return false;
}

/* Changes names alone where changes of scope would meet. */
static tn_status part(proposing *p, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(&p->check->arena, p->scopes.n_changes, sizeof(char), &block, err);
    char *known = block; /* by change: 1 alone in its scope, 2 not */
    for (size_t i = 0; status == TN_OK && i < p->check->n_wants; i++) {
        uint32_t index = p->change[i];
        if (p->proposals[i].spare == TN_NO_INDEX || index == TN_NO_INDEX) {
            continue;
        }
        if (known[index] == 0) {
            known[index] = is_mixed(p, index) ? 2 : 1;
        }
    }
    for (size_t i = 0; status == TN_OK && i < p->check->n_wants; i++) {
        bool settled = p->proposals[i].spare != TN_NO_INDEX && p->change[i] != TN_NO_INDEX;
        if (settled && known[p->change[i]] == 2) {
            p->change[i] = TN_NO_INDEX;
        }
    }
    return status;
}

/* The text by which a slot of an owner in A is known. */
static tn_status slot_key(uint32_t owner, tn_str slot, tni_buffer *key, tn_error *err)
{
    tni_buffer_reset(key);
    tni_buffer_add(key, &owner, sizeof owner);
    tni_buffer_str(key, slot);
    return tni_buffer_check(key, err);
}

static tn_status list_slots(proposing *p, tni_buffer *text, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t k = 0; status == TN_OK && k < p->scopes.n_spares; k++) {
        const tn_tensor *spare = &p->check->a->tensors[p->scopes.spares[k].index];
        tn_str key;
        if (spare->role != TN_ROLE_SLOT || spare->slot_of == TN_NO_INDEX) {
            continue;
        }
        status = slot_key(spare->slot_of, spare->slot, text, err);
        if (status == TN_OK) {
            status = tni_arena_str(&p->check->arena, (tn_str){text->data, text->len}, &key, err);
        }
        if (status == TN_OK) {
            status = tni_hash_set(&p->by_slot, key, p->scopes.spares[k].index, err);
        }
    }
    return status;
}

/* Tells whether a slot that follows its variable gets the name that is wanted: what stands behind
 * the variable's name stays behind it. */
static bool follows_to(tn_str slot, tn_str owner, tn_str new_owner, tn_str wanted)
{
    for (size_t at = slot.len; at-- > 0;) {
        tn_str tail = tn_str_skip(slot, at);
        if (owner.len > 0 && tn_str_starts(tail, owner)) {
            tn_str behind = tn_str_skip(tail, owner.len);
            return tn_str_ends(wanted, behind) &&
                   tn_str_ends(tn_str_first(wanted, wanted.len - behind.len), new_owner);
        }
    }
    return false;
}

/* Gives a slot the rename of its variable, which it follows, if the file has that slot. */
static tn_status follow_owner(proposing *p, size_t i, tni_buffer *text, tn_error *err)
{
    const tni_checking *c = p->check;
    const tn_tensor *slot = &c->b->tensors[c->wants[i].b];
    uint32_t owner = slot->slot_of == TN_NO_INDEX ? TN_NO_INDEX : p->want_of[slot->slot_of];
    if (owner == TN_NO_INDEX || p->proposals[owner].rename.data == NULL) {
        return TN_OK;
    }
    uint32_t spare = p->proposals[owner].spare;
    tn_status status = slot_key(spare, slot->slot, text, err);
    uint32_t index = status == TN_OK ? tni_hash_get(&p->by_slot, (tn_str){text->data, text->len})
                                     : TNI_HASH_NONE;
    if (index != TNI_HASH_NONE && p->taken[index] == 0 &&
        tni_check_form_fits(&c->a->tensors[index], slot) &&
        follows_to(c->a->tensors[index].alias[TN_SCHEME_NAME],
                   c->a->tensors[spare].alias[TN_SCHEME_NAME], c->wants[owner].name,
                   c->wants[i].name)) {
        settle(p, i, index, TN_NO_INDEX);
        p->proposals[i].rename = p->proposals[owner].rename;
    }
    return status;
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

static tn_status keep_near(proposing *p, size_t i, const tni_buffer *text, tn_error *err)
{
    tn_status status = tni_buffer_check(text, err);
    return status != TN_OK || text->len == 0
               ? status
               : tni_arena_str(&p->check->arena, (tn_str){text->data, text->len},
                               &p->proposals[i].near, err);
}

/* Names what a rename is for. */
static tn_status name_spare(proposing *p, size_t i, tni_buffer *text, tn_error *err)
{
    tni_buffer_reset(text);
    show(text, &p->check->a->tensors[p->proposals[i].spare]);
    return keep_near(p, i, text, err);
}

/* Names the nearest spares. */
static tn_status name_near(proposing *p, size_t i, tni_buffer *text, tn_error *err)
{
    const tni_checking *c = p->check;
    const tni_spare *best[SHOWN] = {NULL};
    unsigned edits[SHOWN] = {0};
    for (size_t k = 0; k < p->scopes.n_spares && p->pairs < MOST_PAIRS; k++) {
        p->pairs++;
        const tni_spare *one = &p->scopes.spares[k];
        unsigned distance = tn_edit_distance(one->name, c->wants[i].name, NEAR_ENOUGH);
        for (size_t n = 0; distance < NEAR_ENOUGH && one != NULL && n < SHOWN; n++) {
            if (best[n] == NULL || distance < edits[n]) {
                const tni_spare *other = best[n];
                unsigned its = edits[n];
                best[n] = one;
                edits[n] = distance;
                one = other;
                distance = its;
            }
        }
    }
    tni_buffer_reset(text);
    for (size_t n = 0; n < SHOWN && best[n] != NULL; n++) {
        show(text, &c->a->tensors[best[n]->index]);
    }
    return keep_near(p, i, text, err);
}

static bool is_slot(const proposing *p, size_t i)
{
    const tni_want *want = &p->check->wants[i];
    return tni_want_is_open(want) && p->check->b->tensors[want->b].role == TN_ROLE_SLOT;
}

/* Chooses and writes for what is no slot. */
static tn_status propose_variables(proposing *p, tni_buffer *text, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < p->check->n_wants; i++) {
        if (tni_want_is_open(&p->check->wants[i]) && !is_slot(p, i)) {
            status = choose(p, i, text, err);
        }
    }
    if (status == TN_OK) {
        status = part(p, err);
    }
    for (size_t i = 0; status == TN_OK && i < p->check->n_wants; i++) {
        if (p->proposals[i].spare != TN_NO_INDEX) {
            status = write_rename(p, i, text, err);
        }
    }
    return status;
}

/* Chooses for slots, and names what is near. */
static tn_status propose_rest(proposing *p, tni_buffer *text, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < p->check->n_wants; i++) {
        tni_proposal *proposal = &p->proposals[i];
        if (is_slot(p, i)) {
            status = follow_owner(p, i, text, err);
            if (status == TN_OK && proposal->spare == TN_NO_INDEX) {
                status = choose(p, i, text, err);
            }
            if (status == TN_OK && proposal->spare != TN_NO_INDEX &&
                proposal->rename.data == NULL) {
                status = write_rename(p, i, text, err);
            }
        }
        if (status == TN_OK && tni_want_is_open(&p->check->wants[i])) {
            status = proposal->spare == TN_NO_INDEX ? name_near(p, i, text, err)
                                                    : name_spare(p, i, text, err);
        }
    }
    return status;
}

static tn_status prepare(proposing *p, tn_error *err)
{
    tni_checking *c = p->check;
    void *taken, *want_of, *change;
    tn_status status = tni_arena_array(&c->arena, c->a->count, sizeof(uint32_t), &taken, err);
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->n_wants, sizeof(uint32_t), &change, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->b->count, sizeof(uint32_t), &want_of, err);
    }
    if (status != TN_OK) {
        return status;
    }
    p->taken = taken;
    p->change = change;
    p->want_of = memset(want_of, 0xFF, c->b->count * sizeof(uint32_t));
    for (size_t i = 0; i < c->n_wants; i++) {
        p->proposals[i].spare = TN_NO_INDEX;
        if (tni_want_is_open(&c->wants[i])) {
            p->want_of[c->wants[i].b] = (uint32_t)i;
        }
    }
    return TN_OK;
}

tn_status tni_check_propose(tni_checking *check, tni_proposal *proposals, tn_error *err)
{
    proposing p = {.check = check, .proposals = proposals};
    tni_buffer text;
    tni_buffer_init(&text, check->a->ctx);
    tni_hash_init(&p.by_spelling, check->a->ctx, 0);
    tni_hash_init(&p.by_plain, check->a->ctx, 0);
    tni_hash_init(&p.by_slot, check->a->ctx, 0);
    tn_status status = tni_scopes_make(check, &p.scopes, err);
    if (status == TN_OK) {
        status = prepare(&p, err);
    }
    if (status == TN_OK) {
        status = list_plain(&p, &p.by_spelling, true, &text, err);
    }
    if (status == TN_OK) {
        status = list_plain(&p, &p.by_plain, false, &text, err);
    }
    if (status == TN_OK) {
        status = list_slots(&p, &text, err);
    }
    if (status == TN_OK) {
        status = propose_variables(&p, &text, err);
    }
    if (status == TN_OK) {
        status = propose_rest(&p, &text, err);
    }
    tni_hash_clear(&p.by_spelling);
    tni_hash_clear(&p.by_plain);
    tni_hash_clear(&p.by_slot);
    tni_scopes_clear(&p.scopes);
    tni_buffer_clear(&text);
    return status;
}
