#include "core/order.h"

#include <limits.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/text.h"
#include <tenon/text.h>

/* A name's number, and which name it is. */
typedef struct keyed {
    uint64_t key;
    uint32_t index;
} keyed;

enum { BYTE_VALUES = 256, KEY_BYTES = 8 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Counts the bytes that all names begin with, without the digits at their end: a number is read as
 * a whole. */
static size_t common_start(const tni_names_view *view)
{
    tn_str first = tni_names_view_at(view, 0);
    size_t len = first.len;
    for (size_t i = 1; i < view->count && len > 0; i++) {
        tn_str name = tni_names_view_at(view, i);
        if (name.len < len || memcmp(name.data, first.data, len) != 0) {
            len = tni_common_bytes(tn_str_first(first, len), name);
        }
    }
    while (len > 0 && is_digit(first.data[len - 1])) {
        len--;
    }
    return len;
}

/* A number under construction: bytes from the left, as they are compared. */
typedef struct key_text {
    uint64_t key;
    unsigned used;
} key_text;

static void put(key_text *text, unsigned char byte)
{
    if (text->used < KEY_BYTES) {
        text->key |= (uint64_t)byte << (8 * (KEY_BYTES - 1 - text->used));
        text->used++;
    }
}

/* Makes the number whose order never denies the natural order: the name's first bytes, a run of
 * digits as '0', its length, and the digits. */
static uint64_t natural_key(tn_str name)
{
    key_text text = {0, 0};
    size_t i = 0;
    while (i < name.len && text.used < KEY_BYTES) {
        if (!is_digit(name.data[i])) {
            put(&text, (unsigned char)name.data[i++]);
            continue;
        }
        while (i < name.len && name.data[i] == '0') {
            i++;
        }
        size_t end = i;
        while (end < name.len && is_digit(name.data[end])) {
            end++;
        }
        put(&text, '0');
        put(&text, end - i < UCHAR_MAX ? (unsigned char)(end - i) : UCHAR_MAX);
        if (end - i >= UCHAR_MAX) {
            break; /* too long to tell by its length */
        }
        while (i < end && text.used < KEY_BYTES) {
            put(&text, (unsigned char)name.data[i++]);
        }
        i = end;
    }
    return text.key;
}

/* Sorts by key, stable: one pass for each byte that is not the same in all. `spare` is as long. The
 * result is in either; it is returned. */
static keyed *sort_by_key(keyed *at, keyed *spare, size_t count)
{
    uint64_t ones = 0, all = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        ones |= at[i].key;
        all &= at[i].key;
    }
    for (unsigned shift = 0; shift < 8 * KEY_BYTES; shift += 8) {
        if (((ones ^ all) >> shift & UINT8_MAX) == 0) {
            continue;
        }
        size_t place[BYTE_VALUES] = {0}, next = 0;
        for (size_t i = 0; i < count; i++) {
            place[at[i].key >> shift & UINT8_MAX]++;
        }
        for (size_t value = 0; value < BYTE_VALUES; value++) {
            size_t here = place[value];
            place[value] = next;
            next += here;
        }
        for (size_t i = 0; i < count; i++) {
            spare[place[at[i].key >> shift & UINT8_MAX]++] = at[i];
        }
        keyed *swap = at;
        at = spare;
        spare = swap;
    }
    return at;
}

static int by_name(const void *a, const void *b, void *user)
{
    const keyed *one = a, *two = b;
    int order = tn_natural_compare(tni_names_view_at(user, one->index),
                                   tni_names_view_at(user, two->index));
    return order != 0 ? order : (one->index > two->index) - (one->index < two->index);
}

/* Sorts the runs of equal keys by whole names. */
static void sort_equals(keyed *at, const tni_names_view *view)
{
    tni_names_view names = *view;
    for (size_t first = 0, end; first < view->count; first = end) {
        for (end = first + 1; end < view->count && at[end].key == at[first].key;) {
            end++;
        }
        if (end - first > 1) {
            qsort_r(at + first, end - first, sizeof *at, by_name, &names);
        }
    }
}

/* Tells whether the names stand in natural order, each but once. */
static bool is_sorted(const tni_names_view *view)
{
    for (size_t i = 1; i < view->count; i++) {
        if (tn_natural_compare(tni_names_view_at(view, i - 1), tni_names_view_at(view, i)) >= 0) {
            return false;
        }
    }
    return true;
}

/* Allocates the numbers and as many again. */
static tn_status make_room(tn_context *ctx, const tni_names_view *view, keyed **at_out,
                           tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, view->count, 2 * sizeof(keyed), &block, err);
    if (status == TN_OK) {
        *at_out = block;
    }
    return status;
}

tn_status tni_names_order(tn_context *ctx, const tni_names_view *view, uint32_t **order_out,
                          tn_error *err)
{
    keyed *at = NULL;
    void *order = NULL;
    if (is_sorted(view)) {
        *order_out = NULL;
        return TN_OK;
    }
    tn_status status = make_room(ctx, view, &at, err);
    if (status == TN_OK) {
        status = tni_alloc_array(ctx, view->count, sizeof(uint32_t), &order, err);
    }
    if (status == TN_OK) {
        size_t skip = common_start(view);
        for (size_t i = 0; i < view->count; i++) {
            tn_str rest = tn_str_skip(tni_names_view_at(view, i), skip);
            at[i] = (keyed){natural_key(rest), (uint32_t)i};
        }
        keyed *sorted = sort_by_key(at, at + view->count, view->count);
        sort_equals(sorted, view);
        for (size_t i = 0; i < view->count; i++) {
            ((uint32_t *)order)[i] = sorted[i].index;
        }
        *order_out = order;
    }
    tni_free(ctx, at);
    return status;
}

/* Looks through a run of equal keys for names that are the same; the run is in the names' own
 * order. Keeps the pair whose second name stands first of all. */
static void find_repeat(const keyed *at, size_t count, const tni_names_view *view, size_t *before,
                        size_t *again)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = 0; k < i && at[i].index < *again; k++) {
            if (tn_str_equal(tni_names_view_at(view, at[k].index),
                             tni_names_view_at(view, at[i].index))) {
                *before = at[k].index;
                *again = at[i].index;
            }
        }
    }
}

tn_status tni_names_repeat(tn_context *ctx, const tni_names_view *view, size_t *before_out,
                           size_t *again_out, tn_error *err)
{
    size_t before = SIZE_MAX, again = SIZE_MAX;
    keyed *at = NULL;
    tn_status status = view->count < 2 ? TN_OK : make_room(ctx, view, &at, err);
    if (status == TN_OK && at != NULL) {
        uint64_t seed = tni_hash_seed();
        for (size_t i = 0; i < view->count; i++) {
            /* 32 bits are enough to tell nearly all apart, and half the work to sort. */
            at[i] = (keyed){(uint32_t)tni_hash_of(seed, tni_names_view_at(view, i)), (uint32_t)i};
        }
        const keyed *sorted = sort_by_key(at, at + view->count, view->count);
        for (size_t first = 0, end; first < view->count; first = end) {
            for (end = first + 1; end < view->count && sorted[end].key == sorted[first].key;) {
                end++;
            }
            find_repeat(sorted + first, end - first, view, &before, &again);
        }
    }
    tni_free(ctx, at);
    if (status == TN_OK) {
        *before_out = before;
        *again_out = again;
    }
    return status;
}
