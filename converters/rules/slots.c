#include "converters/rules/slots.h"

#include "model/roles.h"

static bool is_separator(char c)
{
    return c == '/' || c == '.';
}

/* Tells whether a text begins a component at `at`. */
static bool begins(tn_str text, size_t at)
{
    return at == 0 || is_separator(text.data[at - 1]);
}

/* Splits by the families: what stands before a family's suffix ends in the owner's name. */
static bool split_by_family(tn_str slot, tn_str owner, tni_slot_name *name_out)
{
    size_t family = 0;
    tn_str base;
    while (tni_slot_base(slot, &family, &base)) {
        if (tn_str_ends(base, owner) && begins(base, base.len - owner.len)) {
            *name_out = (tni_slot_name){tn_str_first(slot, base.len - owner.len), owner,
                                        tn_str_skip(slot, base.len)};
            return true;
        }
    }
    return false;
}

bool tni_slot_split(tn_str slot, tn_str owner, tni_slot_name *name_out)
{
    size_t found = 0;
    if (owner.len == 0 || slot.len <= owner.len) {
        return false;
    }
    if (split_by_family(slot, owner, name_out)) {
        return true;
    }
    for (size_t at = 0; at + owner.len <= slot.len; at++) {
        size_t end = at + owner.len;
        bool ends =
            end == slot.len || is_separator(slot.data[end]) || (at == 0 && slot.data[end] == '_');
        if (begins(slot, at) && ends && memcmp(slot.data + at, owner.data, owner.len) == 0) {
            *name_out = (tni_slot_name){tn_str_first(slot, at), owner, tn_str_skip(slot, end)};
            found++;
        }
    }
    return found == 1;
}

static bool has_letter(tn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] | 0x20) >= 'a' && (text.data[i] | 0x20) <= 'z') {
            return true;
        }
    }
    return false;
}

/* Tells whether one spelt text stands in the suffix, holds it, or runs into it with a letter. */
static bool spells(tn_str spelt, tn_str suffix)
{
    if (memmem(suffix.data, suffix.len, spelt.data, spelt.len) != NULL) {
        return has_letter(spelt);
    }
    if (memmem(spelt.data, spelt.len, suffix.data, suffix.len) != NULL) {
        return true;
    }
    for (size_t len = 1; len < spelt.len && len < suffix.len; len++) {
        tn_str head = tn_str_first(suffix, len);
        if (tn_str_ends(spelt, head) && has_letter(head)) {
            return true;
        }
    }
    return false;
}

bool tni_slot_spelt(const tn_pattern *pattern, tn_str suffix)
{
    tn_str last = tni_last_component(suffix);
    bool found = false;
    for (size_t i = 0; last.len > 0 && !found && i < pattern->n_spelt; i++) {
        found = spells(pattern->spelt[i], last);
    }
    return found;
}

/* Returns all components of a name but the last, with the separator. */
static tn_str scope_of(tn_str name, char separator)
{
    const char *last = name.len == 0 ? NULL : memrchr(name.data, separator, name.len);
    return tn_str_first(name, last == NULL ? 0 : (size_t)(last - name.data) + 1);
}

/* Returns the last component of a scope, with the separator that ends it. */
static tn_str last_of(tn_str scope, char separator)
{
    tn_str before = scope_of(tn_str_first(scope, scope.len - 1), separator);
    return tn_str_skip(scope, before.len);
}

void tni_slot_follow(const tni_slot_name *name, tn_str new_owner, char old_separator,
                     char new_separator, tni_buffer *out)
{
    tn_str was = scope_of(name->owner, old_separator);
    tn_str is = scope_of(new_owner, new_separator);
    while (was.len > 0 && is.len > 0 &&
           tn_str_equal(last_of(was, old_separator), last_of(is, new_separator))) {
        size_t len = last_of(was, old_separator).len;
        was.len -= len;
        is.len -= len;
    }
    tni_buffer_reset(out);
    bool repeats = name->lead.len > 0 && tn_str_starts(name->owner, name->lead);
    if (repeats && tn_str_starts(name->lead, was)) {
        tni_buffer_str(out, is);
        tni_buffer_str(out, tn_str_skip(name->lead, was.len));
    } else {
        tni_buffer_str(out, name->lead);
    }
    tni_buffer_str(out, new_owner);
    tni_buffer_str(out, name->suffix);
}
