/* Names of optimizer slots: LEAD + variable + SUFFIX, and how they follow their variable. */
#ifndef TN_CONVERTERS_RULES_SLOTS_H
#define TN_CONVERTERS_RULES_SLOTS_H

#include "converters/rules/pattern.h"
#include "core/buffer.h"

typedef struct tni_slot_name {
    tn_str lead, owner, suffix;
} tni_slot_name;

/* Takes a slot's name apart around its owner's: by the slot families, else where the owner's name
 * stands in it as whole components just once. False: it does not stand there for certain. */
bool tni_slot_split(tn_str slot, tn_str owner, tni_slot_name *name_out);

/* Tells whether a pattern's last segment spells a slot's suffix or a part of it that has a letter.
 */
bool tni_slot_spelt(const tn_pattern *pattern, tn_str suffix);

/* Writes the slot's name for the owner's new name. The suffix stays; so does the lead, but a lead
 * that repeats the owner's scope (optimizers that were made inside it) is renamed with it.
 * `old_separator` and `new_separator` end the components of the two names. */
void tni_slot_follow(const tni_slot_name *name, tn_str new_owner, char old_separator,
                     char new_separator, tni_buffer *out);

#endif
