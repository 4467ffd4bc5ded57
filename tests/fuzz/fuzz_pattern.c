/* Patterns: an input is the pattern, a NUL, and a name. Globs must agree with a matcher that tries
 * everything; what holes are bound to must make up the name. */
#include "converters/rules/pattern.h"
#include "target.h"

#include <stdlib.h>

enum { SMALL = 24, STEPS = 200000 };

typedef struct naive {
    tn_str pattern, name;
    char separator;
    unsigned steps;
} naive;

static char at(tn_str text, size_t i)
{
    return i < text.len ? text.data[i] : '\0';
}

/* Tells whether pattern[p..) matches name[i..), by trying everything. Texts with braces are not
 * asked. */
static bool matches(naive *n, size_t p, size_t i)
{
    if (n->steps++ > STEPS) {
        return false;
    }
    if (p == n->pattern.len) {
        return i == n->name.len;
    }
    if (n->pattern.data[p] != '*') {
        return i < n->name.len && n->name.data[i] == n->pattern.data[p] && matches(n, p + 1, i + 1);
    }
    bool twice = at(n->pattern, p + 1) == '*' && p + 1 < n->pattern.len;
    bool subtree = twice && p + 2 < n->pattern.len && n->pattern.data[p + 2] == n->separator &&
                   (p == 0 || n->pattern.data[p - 1] == n->separator);
    size_t rest = p + (subtree ? 3 : twice ? 2 : 1);
    if (matches(n, rest, i)) {
        return true;
    }
    for (; i < n->name.len && (twice || n->name.data[i] != n->separator); i++) {
        if ((!subtree || n->name.data[i] == n->separator) && matches(n, rest, i + 1)) {
            return true;
        }
    }
    return false;
}

static void check_glob(const tn_pattern *pattern, tn_str name, bool found)
{
    tn_str text = pattern->source;
    if (pattern->kind != TNI_GLOB || text.len > SMALL || name.len > SMALL ||
        memchr(text.data, '{', text.len) != NULL || memchr(text.data, '}', text.len) != NULL) {
        return;
    }
    naive n = {.pattern = text, .name = name, .separator = pattern->separator};
    bool wanted = matches(&n, 0, 0);
    FUZZ_HOLDS(n.steps > STEPS || wanted == found);
}

/* Puts literal texts and bindings one behind the other. A hole that is repeated may be spelt in two
 * ways (int). */
static void check_holes(const tn_pattern *pattern, const tni_matcher *matcher, tn_str name,
                        bool found)
{
    size_t done = 0;
    for (size_t i = 0;
         found && pattern->kind == TNI_HOLES && !pattern->repeats && i < pattern->n_parts; i++) {
        const tni_part *part = &pattern->parts[i];
        tn_str text = part->hole == NULL ? part->text : matcher->bound[part->hole->slot].text;
        FUZZ_HOLDS(tn_str_starts(tn_str_skip(name, done), text));
        FUZZ_HOLDS(part->hole == NULL || text.len > 0 || part->hole->kind == TNI_HOLE_CHOICE);
        done += text.len;
    }
    FUZZ_HOLDS(!found || pattern->kind != TNI_HOLES || pattern->repeats || done == name.len);
}

static void check(fuzz *f, const char *text, tn_str name)
{
    tn_pattern *pattern;
    tni_matcher matcher;
    tn_error err = {0};
    bool found = false;
    tn_status status = tn_pattern_new(f->ctx, text, &pattern, &err);
    if (status != TN_OK) {
        FUZZ_HOLDS(err.code == TN_E_RULE && err.message[0] != '\0');
        return;
    }
    tni_matcher_init(&matcher, f->ctx);
    status = tni_pattern_match(pattern, &matcher, name, &found, &err);
    FUZZ_HOLDS(status == TN_OK || (err.code == TN_E_LIMIT && pattern->repeats));
    if (status == TN_OK) {
        FUZZ_HOLDS(found == tn_pattern_matches(pattern, name));
        check_glob(pattern, name, found);
        check_holes(pattern, &matcher, name, found);
    }
    tni_matcher_clear(&matcher);
    tn_pattern_free(pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\0', size);
    size_t len = end == NULL ? size : (size_t)(end - data);
    char *text = malloc(len + 1);
    FUZZ_HOLDS(text != NULL);
    memcpy(text, data, len);
    text[len] = '\0';
    fuzz_begin(&f);
    check(&f, text, end == NULL ? TN_LIT("") : (tn_str){(const char *)end + 1, size - len - 1});
    fuzz_end(&f);
    free(text);
    return 0;
}
