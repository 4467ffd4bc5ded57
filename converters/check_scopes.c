/* A scope that was added, stripped or changed shows as many pairs of names that end alike: each
 * pair votes for the change of beginnings that would make it equal. Names are sorted from their
 * ends, so that those with the longest common ending stand together. */
#include "converters/check_scopes.h"

#include "core/buffer.h"
#include <stdlib.h>

enum { AROUND = 12 }; /* spares on either side of a want's place that are looked at */

bool tni_want_is_open(const tni_want *want)
{
    return !want->met && want->b != TN_NO_INDEX;
}

bool tni_could_serve(const tni_checking *c, uint32_t index, const tni_want *want)
{
    const tn_tensor *a = &c->a->tensors[index], *b = &c->b->tensors[want->b];
    return a->role == b->role && tni_check_form_fits(a, b);
}

static tn_str name_of(const tni_checking *check, size_t i)
{
    return check->a->tensors[i].alias[TN_SCHEME_NAME];
}

/* Compares as bytes from the end. */
static int compare_ends(tn_str a, tn_str b)
{
    size_t i = 0;
    while (i < a.len && i < b.len && a.data[a.len - 1 - i] == b.data[b.len - 1 - i]) {
        i++;
    }
    if (i == a.len || i == b.len) {
        return (a.len > b.len) - (a.len < b.len);
    }
    return (unsigned char)a.data[a.len - 1 - i] < (unsigned char)b.data[b.len - 1 - i] ? -1 : 1;
}

static int by_end(const void *a, const void *b)
{
    const tni_spare *x = a, *y = b;
    return compare_ends(x->name, y->name);
}

/* Tells whether a rename of a subtree moves a tensor: not counters, not state without a scope;
 * slots go with their variables. */
static bool is_movable(const tn_tensor *tensor)
{
    tn_str name = tensor->alias[TN_SCHEME_NAME];
    bool scoped = name.len > 0 && (memchr(name.data, '/', name.len) != NULL ||
                                   memchr(name.data, '.', name.len) != NULL);
    return tensor->role == TN_ROLE_VARIABLE || tensor->role == TN_ROLE_CONSTANT ||
           (tensor->role == TN_ROLE_STATE && scoped);
}

/* Splits two names that end alike into what differs before the common ending, which begins at a
 * component. False: they do not, or are equal. */
static bool difference(tn_str from, tn_str to, tni_change *change)
{
    bool slash = (from.len > 0 && memchr(from.data, '/', from.len) != NULL) ||
                 (to.len > 0 && memchr(to.data, '/', to.len) != NULL);
    char separator = slash ? '/' : '.';
    size_t same = 0, cut = 0;
    while (same < from.len && same < to.len &&
           from.data[from.len - 1 - same] == to.data[to.len - 1 - same]) {
        same++;
        bool from_ends = same == from.len || from.data[from.len - 1 - same] == separator;
        bool to_ends = same == to.len || to.data[to.len - 1 - same] == separator;
        if (from_ends && to_ends) {
            cut = same;
        }
    }
    size_t f = from.len - cut, t = to.len - cut;
    *change = (tni_change){.from = tn_str_first(from, f > 0 ? f - 1 : 0),
                           .to = tn_str_first(to, t > 0 ? t - 1 : 0),
                           .separator = separator,
                           .same = cut};
    return cut > 0 && f + t > 0;
}

/* The text by which equal changes are known. */
static tn_status change_key(const tni_change *c, tni_buffer *key, tn_error *err)
{
    tni_buffer_reset(key);
    tni_buffer_char(key, c->separator);
    tni_buffer_str(key, c->from);
    tni_buffer_char(key, '\0');
    tni_buffer_str(key, c->to);
    return tni_buffer_check(key, err);
}

static tn_status grow(tni_scopes *s, tn_error *err)
{
    void *block;
    if (s->n_changes < s->room) {
        return TN_OK;
    }
    size_t more = s->room == 0 ? 64 : s->room * 2;
    tn_status status = tni_arena_array(&s->check->arena, more, sizeof(tni_change), &block, err);
    if (status == TN_OK) {
        if (s->n_changes > 0) {
            memcpy(block, s->changes, s->n_changes * sizeof(tni_change));
        }
        s->changes = block;
        s->room = more;
    }
    return status;
}

static tn_status vote(tni_scopes *s, const tni_change *change, tni_buffer *key, tn_error *err)
{
    tn_str text, copy;
    tn_status status = change_key(change, key, err);
    text = (tn_str){key->data, key->len};
    uint32_t index = status == TN_OK ? tni_hash_get(&s->by_text, text) : TNI_HASH_NONE;
    if (index != TNI_HASH_NONE) {
        s->changes[index].votes++;
        return TN_OK;
    }
    if (status == TN_OK) {
        status = grow(s, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(&s->check->arena, text, &copy, err);
    }
    if (status == TN_OK) {
        status = tni_hash_set(&s->by_text, copy, (uint32_t)s->n_changes, err);
    }
    if (status == TN_OK) {
        s->changes[s->n_changes] = *change;
        s->changes[s->n_changes++].votes = 1;
    }
    return status;
}

/* Gives the range of spares around a want's place in the order of endings. */
static void around(const tni_scopes *s, tn_str name, size_t *first_out, size_t *end_out)
{
    size_t low = 0, high = s->n_spares;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_ends(s->spares[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *first_out = low > AROUND ? low - AROUND : 0;
    *end_out = s->n_spares - low > AROUND ? low + AROUND : s->n_spares;
}

/* A spare that could serve a want, and the change that this takes. */
typedef struct candidate {
    tni_change change;
    uint32_t spare;
} candidate;

/* Lists the spares that could serve a want and share the longest ending with it. `taken` may be
 * NULL. */
static size_t list_candidates(const tni_scopes *s, const tni_want *want, const uint32_t *taken,
                              candidate found[2 * AROUND])
{
    size_t first, end, count = 0;
    around(s, want->name, &first, &end);
    for (size_t k = first; k < end; k++) {
        candidate one = {.spare = s->spares[k].index};
        if ((taken != NULL && taken[one.spare] != 0) ||
            !tni_could_serve(s->check, one.spare, want) ||
            !difference(s->spares[k].name, want->name, &one.change)) {
            continue;
        }
        if (count > 0 && one.change.same > found[0].change.same) {
            count = 0;
        }
        if (count == 0 || one.change.same == found[0].change.same) {
            found[count++] = one;
        }
    }
    return count;
}

static tn_status vote_all(tni_scopes *s, tni_buffer *key, tn_error *err)
{
    const tni_checking *c = s->check;
    candidate found[2 * AROUND];
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < c->n_wants; i++) {
        bool open = tni_want_is_open(&c->wants[i]);
        size_t count = open ? list_candidates(s, &c->wants[i], NULL, found) : 0;
        for (size_t k = 0; status == TN_OK && k < count; k++) {
            if (is_movable(&c->a->tensors[found[k].spare])) {
                status = vote(s, &found[k].change, key, err);
            }
        }
    }
    return status;
}

static int by_name(const void *a, const void *b, void *user)
{
    const tni_checking *c = user;
    return tn_str_compare(name_of(c, *(const uint32_t *)a), name_of(c, *(const uint32_t *)b));
}

/* Sorts what a rename could move by names. */
static tn_status list_movable(tni_scopes *s, tn_error *err)
{
    tni_checking *c = s->check;
    void *block;
    tn_status status = tni_arena_array(&c->arena, c->a->count, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *movable = block;
    for (uint32_t i = 0; i < c->a->count; i++) {
        if (c->chosen_a[i].cause == TNI_KEPT && is_movable(&c->a->tensors[i])) {
            movable[s->n_movable++] = i;
        }
    }
    qsort_r(movable, s->n_movable, sizeof *movable, by_name, c);
    s->movable = movable;
    return TN_OK;
}

bool tni_lies_in(tn_str name, const tni_change *change)
{
    tn_str scope = change->from;
    return scope.len == 0 || (name.len > scope.len && tn_str_starts(name, scope) &&
                              name.data[scope.len] == change->separator);
}

/* Tells whether the moved name is that of another tensor, which stays where it is. */
static bool collides(const tni_scopes *s, const tni_change *change, tn_str name, tni_buffer *moved)
{
    tn_str rest = change->from.len == 0 ? name : tn_str_skip(name, change->from.len + 1);
    tni_buffer_reset(moved);
    tni_buffer_str(moved, change->to);
    if (change->to.len > 0) {
        tni_buffer_char(moved, change->separator);
    }
    tni_buffer_str(moved, rest);
    tn_str target = {moved->data, moved->len};
    return moved->failed || (tn_model_find(s->check->a, TN_SCHEME_NAME, target) != TN_NO_INDEX &&
                             !tni_lies_in(target, change));
}

/* Finds the first place in `movable` whose name is not before `name`, or that does not begin with
 * it any more. */
static size_t place_of(const tni_scopes *s, tn_str name, bool behind)
{
    size_t low = 0, high = s->n_movable;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        tn_str here = name_of(s->check, s->movable[middle]);
        if (tn_str_compare(here, name) < 0 || (behind && tn_str_starts(here, name))) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t tni_scopes_range(const tni_scopes *s, const tni_change *change, size_t *first_out)
{
    *first_out = place_of(s, change->from, false);
    return place_of(s, change->from, true) - *first_out;
}

/* Looks at all that a change would move. */
static bool is_harmful(tni_scopes *s, const tni_change *change, tni_buffer *moved)
{
    size_t first, count = tni_scopes_range(s, change, &first);
    for (size_t i = first; i < first + count; i++) {
        tn_str name = name_of(s->check, s->movable[i]);
        if (++s->looks > TNI_MOST_LOOKS ||
            (tni_lies_in(name, change) &&
             (s->check->used[s->movable[i]] || collides(s, change, name, moved)))) {
            return true;
        }
    }
    return false;
}

static tn_status list_spares(tni_scopes *s, tn_error *err)
{
    tni_checking *c = s->check;
    void *block;
    tn_status status = tni_arena_array(&c->arena, c->a->count, sizeof(tni_spare), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_spare *spares = block;
    for (uint32_t i = 0; i < c->a->count; i++) {
        if (!c->used[i] && c->chosen_a[i].cause == TNI_KEPT &&
            c->a->tensors[i].role != TN_ROLE_METADATA) {
            spares[s->n_spares++] = (tni_spare){name_of(c, i), i};
        }
    }
    if (s->n_spares > 0) {
        qsort(spares, s->n_spares, sizeof *spares, by_end);
    }
    s->spares = spares;
    return TN_OK;
}

tn_status tni_scopes_make(tni_checking *check, tni_scopes *s, tn_error *err)
{
    tni_buffer text;
    *s = (tni_scopes){.check = check};
    tni_hash_init(&s->by_text, check->a->ctx, 0);
    tni_buffer_init(&text, check->a->ctx);
    tn_status status = list_spares(s, err);
    if (status == TN_OK) {
        status = list_movable(s, err);
    }
    if (status == TN_OK) {
        status = vote_all(s, &text, err);
    }
    for (size_t i = 0; status == TN_OK && i < s->n_changes; i++) {
        s->changes[i].harmful = is_harmful(s, &s->changes[i], &text);
    }
    tni_buffer_clear(&text);
    return status;
}

void tni_scopes_clear(tni_scopes *s)
{
    tni_hash_clear(&s->by_text);
}

/* Compares two changes for one want: above 0 if the first is better. */
static int better(const tni_change *a, const tni_change *b)
{
    if (a->harmful != b->harmful) {
        return a->harmful ? -1 : 1;
    }
    return (a->votes > b->votes) - (a->votes < b->votes);
}

/* Says of a change what the votes say. */
static tn_status look_up(const tni_scopes *s, tni_change *change, uint32_t *index_out,
                         tni_buffer *key, tn_error *err)
{
    tn_status status = change_key(change, key, err);
    uint32_t index =
        status == TN_OK ? tni_hash_get(&s->by_text, (tn_str){key->data, key->len}) : TNI_HASH_NONE;
    change->votes = index == TNI_HASH_NONE ? 0 : s->changes[index].votes;
    change->harmful = index == TNI_HASH_NONE || s->changes[index].harmful;
    *index_out = index;
    return status;
}

tn_status tni_scopes_best(const tni_scopes *s, const tni_want *want, const uint32_t *taken,
                          uint32_t *change_out, uint32_t *spare_out, tn_error *err)
{
    candidate found[2 * AROUND];
    uint32_t spare = TN_NO_INDEX, change = TN_NO_INDEX;
    bool tie = false;
    tni_change best = {.same = 0};
    tni_buffer key;
    tn_status status = TN_OK;
    size_t count = list_candidates(s, want, taken, found);
    tni_buffer_init(&key, s->check->a->ctx);
    for (size_t k = 0; status == TN_OK && k < count; k++) {
        candidate *one = &found[k];
        uint32_t known;
        status = look_up(s, &one->change, &known, &key, err);
        one->change.harmful = one->change.harmful || !is_movable(&s->check->a->tensors[one->spare]);
        int order = spare == TN_NO_INDEX ? 1 : better(&one->change, &best);
        tie = order == 0 || (tie && order < 0);
        if (order > 0) {
            best = one->change;
            spare = one->spare;
            change = best.harmful ? TN_NO_INDEX : known;
        }
    }
    tni_buffer_clear(&key);
    *change_out = change;
    *spare_out = tie ? TN_NO_INDEX : spare;
    return status;
}

tn_status tni_scopes_change(tni_scopes *s, const tni_want *want, uint32_t spare,
                            uint32_t *change_out, tn_error *err)
{
    tni_change change;
    uint32_t known = TN_NO_INDEX;
    tni_buffer text;
    tn_status status = TN_OK;
    tni_buffer_init(&text, s->check->a->ctx);
    if (is_movable(&s->check->a->tensors[spare]) &&
        difference(name_of(s->check, spare), want->name, &change)) {
        status = look_up(s, &change, &known, &text, err);
        if (status == TN_OK && known == TNI_HASH_NONE) {
            known = (uint32_t)s->n_changes;
            status = vote(s, &change, &text, err);
        }
        if (status == TN_OK) {
            tni_change *kept = &s->changes[known];
            kept->harmful = kept->harmful || is_harmful(s, kept, &text);
            known = kept->harmful ? TN_NO_INDEX : known;
        }
    }
    tni_buffer_clear(&text);
    *change_out = known;
    return status;
}
