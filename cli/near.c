#include "cli/near.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/errors.h"
#include "cli/print.h"
#include <tenon/text.h>

/* Tells whether one of the words of `words` is `name`. */
static bool has_word(const char *words, tn_str name)
{
    while (words != NULL && *words != '\0') {
        size_t span = strcspn(words, " ");
        if (tn_str_equal((tn_str){words, span}, name)) {
            return true;
        }
        words += span + (words[span] == ' ');
    }
    return false;
}

/* Tells whether `part` stands in `whole` as one or more of its words between dashes. */
static bool has_part(tn_str whole, tn_str part)
{
    if (part.len < 3 || part.len >= whole.len) {
        return false;
    }
    for (size_t i = 0; i + part.len <= whole.len; i++) {
        bool begins = i == 0 || whole.data[i - 1] == '-';
        bool ends = i + part.len == whole.len || whole.data[i + part.len] == '-';
        if (begins && ends && tn_str_starts(tn_str_skip(whole, i), part)) {
            return true;
        }
    }
    return false;
}

/* Says how far a word is from a known one: 0 is another word for it, 9 is too far. */
static unsigned distance(tn_str typed, const char *known, const char *also)
{
    tn_str name = tn_str_of(known);
    if (has_word(also, typed)) {
        return 0;
    }
    unsigned limit = name.len < 4 ? 1 : name.len < 8 ? 2 : 3;
    unsigned edits = tn_edit_distance(typed, name, limit + 1);
    if (edits <= limit && edits < typed.len) {
        return edits;
    }
    if (typed.len >= 3 && (tn_str_starts(name, typed) || has_part(name, typed))) {
        return 4;
    }
    return has_part(typed, name) ? 5 : 9;
}

static const cli_option *nearest(const cli_option *options, tn_str name, unsigned *best)
{
    const cli_option *found = NULL;
    for (; options != NULL && options->name != NULL; options++) {
        unsigned far = distance(name, options->name, options->also);
        if (far < *best) {
            *best = far;
            found = options;
        }
    }
    return found;
}

/* Finds the first verb that has an option of exactly this name. */
static const cli_verb *owner_of(tn_str name)
{
    for (const cli_verb *v = verbs; v->name != NULL; v++) {
        for (const cli_option *o = v->options; o->name != NULL; o++) {
            if (tn_str_equal(name, tn_str_of(o->name))) {
                return v;
            }
        }
    }
    return NULL;
}

static void hint_help(const cli_verb *verb, tn_error *err)
{
    if (verb == NULL) {
        cli_hint(err, "tenon --help");
    } else {
        cli_hint(err, "tenon help %s", verb->name);
    }
}

tn_status near_option(const cli_verb *verb, tn_str name, tn_error *err)
{
    const struct cli_verb *owner = owner_of(name);
    if (owner != NULL && verb == NULL) {
        cli_fail(err, TN_E_USAGE, "--%.*s belongs to a verb and stands behind it", (int)name.len,
                 name.data);
        cli_hint(err, "tenon %s --%.*s …", owner->name, (int)name.len, name.data);
        return TN_USAGE;
    }
    if (owner != NULL) {
        cli_fail(err, TN_E_USAGE, "%s has no option --%.*s; %s has it", verb->name, (int)name.len,
                 name.data, owner->name);
        cli_hint(err, "tenon help %s", verb->name);
        return TN_USAGE;
    }
    char *typed = text_escaped(name);
    cli_fail(err, TN_E_USAGE, "unknown option --%s", typed);
    free(typed);
    unsigned best = 9;
    const cli_option *found = verb == NULL ? NULL : nearest(verb->options, name, &best);
    const cli_option *global = nearest(global_options, name, &best);
    found = global != NULL ? global : found;
    if (found != NULL) {
        cli_hint(err, "did you mean --%s?", found->name);
    } else {
        hint_help(verb, err);
    }
    return TN_USAGE;
}

tn_status near_letter(const cli_verb *verb, char letter, tn_error *err)
{
    char *typed = text_escaped((tn_str){&letter, 1});
    cli_fail(err, TN_E_USAGE, "unknown option -%s", typed);
    free(typed);
    hint_help(verb, err);
    return TN_USAGE;
}

tn_status near_verb(const char *word, tn_error *err)
{
    char *typed = text_escaped(tn_str_of(word));
    cli_fail(err, TN_E_USAGE, "there is no verb %s", *typed == '\0' ? "''" : typed);
    const cli_verb *found = NULL;
    unsigned best = 9;
    for (const cli_verb *v = verbs; v->name != NULL; v++) {
        unsigned far = distance(tn_str_of(word), v->name, v->also);
        if (far < best) {
            best = far;
            found = v;
        }
    }
    if (*word != '\0' && access(word, F_OK) == 0) {
        cli_hint(err, "tenon ls %s", typed);
    } else if (found != NULL) {
        cli_hint(err, "did you mean tenon %s?", found->name);
    } else {
        cli_hint(err, "tenon --help");
    }
    free(typed);
    return TN_USAGE;
}
