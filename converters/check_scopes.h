/* Changes of scope that would make a file's names those that a program wants. */
#ifndef TN_CONVERTERS_CHECK_SCOPES_H
#define TN_CONVERTERS_CHECK_SCOPES_H

#include "converters/check.h"
#include "core/hash.h"

enum { TNI_MOST_LOOKS = 1 << 22 }; /* at what changes would move, in all */

/* A tensor of A that nothing wants. */
typedef struct tni_spare {
    tn_str name;
    uint32_t index;
} tni_spare;

/* FROM/… becomes TO/…; either may be empty. */
typedef struct tni_change {
    tn_str from, to; /* without the separator behind it */
    char separator;
    size_t same;    /* bytes of the common ending of the pair that was looked at */
    uint32_t votes; /* pairs that it would make equal */
    bool harmful;   /* it would also move what is in its place, or onto what is there */
} tni_change;

typedef struct tni_scopes {
    tni_checking *check;
    const tni_spare *spares; /* by their names from the end */
    size_t n_spares;
    const uint32_t *movable; /* what a rename of a subtree could move, by name */
    size_t n_movable;
    size_t looks; /* at what changes would move, so far */
    tni_change *changes;
    size_t n_changes, room;
    tni_hash by_text;
} tni_scopes;

/* Collects the spares and lets every pair of an open want and a spare vote. Clear it also after a
 * failure. */
tn_status tni_scopes_make(tni_checking *check, tni_scopes *scopes, tn_error *err);
void tni_scopes_clear(tni_scopes *scopes);

/* Finds for a want, among the names of the longest common ending, the change with most votes that
 * is not harmful, else one that is. *spare_out is TN_NO_INDEX if there is none, or none is better
 * than another; *change_out is TN_NO_INDEX where only the name itself can be changed. `taken[i]` is
 * not 0 for tensors of A that are spoken for. */
tn_status tni_scopes_best(const tni_scopes *scopes, const tni_want *want, const uint32_t *taken,
                          uint32_t *change_out, uint32_t *spare_out, tn_error *err);
/* Gives the change of scope that makes a spare's name that of a want; TN_NO_INDEX: only the name
 * itself can be changed. */
tn_status tni_scopes_change(tni_scopes *scopes, const tni_want *want, uint32_t spare,
                            uint32_t *change_out, tn_error *err);
/* Gives the range of `movable` in which the names of a change's scope lie; not all of it does. */
size_t tni_scopes_range(const tni_scopes *scopes, const tni_change *change, size_t *first_out);
/* Tells whether a name lies in a change's scope. */
bool tni_lies_in(tn_str name, const tni_change *change);

/* Tells whether a want is not met, and about a tensor. */
bool tni_want_is_open(const tni_want *want);
/* Tells whether a tensor of A could serve a want: the same kind of thing, and of that form. */
bool tni_could_serve(const tni_checking *check, uint32_t a, const tni_want *want);

#endif
