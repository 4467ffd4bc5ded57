#include "core/yaml_escape.h"

/* Returns the bytes of the UTF-8 character at the start of a text that is not empty. */
static size_t character(tn_str text)
{
    size_t len = 1;
    while (len < text.len && ((unsigned char)text.data[len] & 0xC0) == 0x80) {
        len++;
    }
    return len;
}

static unsigned long hex(tn_str digits)
{
    unsigned long value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.data[i];
        value = value * 16 + (unsigned long)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* Reads one escape: how many bytes it takes, and how many it means (YAML 1.1, 5.7). */
static size_t escape(tn_str rest, size_t *means_out)
{
    char kind = rest.len > 1 ? rest.data[1] : 0;
    size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    *means_out = kind == 'N' || kind == '_' ? 2 : kind == 'L' || kind == 'P' ? 3 : 1;
    if (digits > 0 && rest.len >= 2 + digits) {
        unsigned long code = hex(tn_str_first(tn_str_skip(rest, 2), digits));
        *means_out = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    }
    return 2 + digits < rest.len ? 2 + digits : rest.len;
}

size_t tni_yaml_characters(tn_str raw, bool doubled, size_t at)
{
    size_t characters = 0, meant = 0;
    while (raw.len > 0 && meant < at) {
        size_t takes = character(raw), means = takes;
        if (doubled && raw.data[0] == '\\') {
            takes = escape(raw, &means); /* ASCII: a byte is a character */
            characters += takes - 1;
        } else if (!doubled && tn_str_starts(raw, TN_LIT("''"))) {
            takes = 2;
            means = 1;
            characters++;
        }
        characters++;
        meant += means;
        raw = tn_str_skip(raw, takes);
    }
    return characters;
}
