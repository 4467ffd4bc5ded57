/* Power cuts without cutting power: what a program does to a folder is recorded, and every state
 * is built that the disk could be in had the power failed at any moment.
 *
 * The disk is a weak one. Bytes and sizes are on it after an fsync of the file; before that, each
 * may be there or not. A change of names is on it after an fsync of the folder; a rename is two,
 * the new name and then the old one; an exchange of two names is one. Of the changes that no fsync
 * covers, any first part may be there, or all but one. That is weaker than what ext4, XFS and Btrfs
 * do. */
#ifndef TN_TESTS_POWER_H
#define TN_TESTS_POWER_H

#include "io/sys.h"

typedef struct tn_power tn_power;

/* What a replay built. */
typedef struct tn_power_counts {
    unsigned long states; /* cuts, times what may be missing */
    unsigned long differ; /* of these, states unlike all before */
} tn_power_counts;

/* Takes what lies in the folder `root` (files, and folders of files) as the durable beginning.
 * Free with tn_power_free. One recording at a time in a program. */
tn_power *tn_power_new(const char *root);
void tn_power_free(tn_power *power);
/* Returns a table that records into `power` and does its work by `next`, a table of its own. */
const tni_sys *tn_power_sys(tn_power *power, const tni_sys *next);
/* Returns how many operations were recorded. */
size_t tn_power_operations(const tn_power *power);
/* Builds every state that differs from all before, in the empty folder `where`, and calls `each`
 * with it. `complete`: the program had come to its end. `each` leaves `where` empty. */
tn_power_counts tn_power_replay(const tn_power *power, const char *where,
                                void (*each)(void *user, bool complete), void *user);

#endif
