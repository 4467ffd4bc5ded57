/* JSON text changed by its structure. The text is cut into its tokens by a scanner of its own, so
 * that what tenon's parser would refuse can be changed too. */
#include "mutate.h"

#include <string.h>

enum { MOST_TOKENS = 20000 };

typedef struct span {
    size_t at, len;
} span;

/* Finds the tokens of a text: brackets, commas and colons alone, strings with their quotes, words.
 */
static size_t find_tokens(const mut_bytes *text, span *tokens)
{
    size_t count = 0;
    for (size_t i = 0; i < text->len && count < MOST_TOKENS;) {
        size_t start = i++;
        if (strchr(" \t\r\n", text->at[start]) != NULL) {
            continue;
        }
        if (text->at[start] == '"') {
            while (i < text->len && text->at[i] != '"') {
                i += text->at[i] == '\\' ? 2 : 1;
            }
            i = i < text->len ? i + 1 : text->len;
        } else if (strchr("{}[],:", text->at[start]) == NULL) {
            while (i < text->len && strchr("{}[],: \t\r\n\"", text->at[i]) == NULL) {
                i++;
            }
        }
        tokens[count++] = (span){start, i - start};
    }
    return count;
}

static bool is(const mut_bytes *text, span token, char c)
{
    return token.len == 1 && text->at[token.at] == (uint8_t)c;
}

/* Finds the end of the value that begins at token `first`: the index behind its last token. */
static size_t value_end(const mut_bytes *text, const span *tokens, size_t count, size_t first)
{
    size_t depth = 0, i = first;
    for (; i < count; i++) {
        bool open = is(text, tokens[i], '{') || is(text, tokens[i], '[');
        bool close = is(text, tokens[i], '}') || is(text, tokens[i], ']');
        if (close && depth == 0) {
            return i;
        }
        depth = depth + open - close;
        if (depth == 0) {
            return i + 1;
        }
    }
    return count;
}

/* Draws a member: its key's token, and the index behind its value. */
static bool draw_member(mut_rng *rng, const mut_bytes *text, const span *tokens, size_t count,
                        size_t *key, size_t *end)
{
    size_t start = mut_below(rng, count);
    for (size_t n = 0; n < count; n++) {
        size_t i = (start + n) % count;
        if (i > 0 && i + 1 < count && is(text, tokens[i], ':')) {
            *key = i - 1;
            *end = value_end(text, tokens, count, i + 1);
            return *end > i + 1;
        }
    }
    return false;
}

static void put_value(mut_rng *rng, mut_bytes *text, size_t at, size_t len)
{
    static const char *const values[] = {
        "0",
        "-1",
        "1",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "4294967296",
        "281474976710656",
        "1e400",
        "0.5",
        "1e2",
        "-0",
        "null",
        "true",
        "\"\"",
        "[]",
        "{}",
        "[0]",
        "[-1]",
        "[9223372036854775807,9223372036854775807]",
        "[0,18446744073709551615]",
        "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
        "[4294967296,4294967296,0]",
        "[8,0]",
        "\"F64\"",
        "\"BOOL\"",
        "\"F4\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"../x\"",
        "{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}"};
    const char *value = values[mut_below(rng, sizeof values / sizeof values[0])];
    mut_replace(text, at, len, value, strlen(value));
}

static void nest(mut_rng *rng, mut_bytes *text, size_t at)
{
    size_t depth = 1 + mut_below(rng, mut_below(rng, 2) == 0 ? 4 : 200);
    for (size_t i = 0; i < depth; i++) {
        mut_replace(text, at, 0, "[", 1);
    }
    if (mut_below(rng, 2) == 0) {
        for (size_t i = 0; i < depth; i++) {
            mut_replace(text, at + depth, 0, "]", 1);
        }
    }
}

/* Puts a copy of one member behind or before another, or of its key in the place of another's. */
static void copy_member(mut_rng *rng, mut_bytes *text, const span *tokens, size_t count, size_t key,
                        size_t end)
{
    size_t other, other_end;
    mut_bytes copy = {NULL, 0, 0};
    bool key_alone = mut_below(rng, 2) == 0;
    size_t last = key_alone ? key : end - 1;
    mut_set(&copy, text->at + tokens[key].at, tokens[last].at + tokens[last].len - tokens[key].at);
    if (draw_member(rng, text, tokens, count, &other, &other_end)) {
        size_t at = tokens[other].at;
        if (key_alone) {
            mut_replace(text, at, tokens[other].len, copy.at, copy.len);
        } else {
            mut_add(&copy, ",", 1);
            mut_replace(text, at, 0, copy.at, copy.len);
        }
    }
    mut_clear(&copy);
}

void mut_json(mut_rng *rng, mut_bytes *text)
{
    static span tokens[MOST_TOKENS];
    size_t count = find_tokens(text, tokens), key, end;
    if (count == 0 || !draw_member(rng, text, tokens, count, &key, &end)) {
        return;
    }
    size_t value = tokens[key + 2].at;
    size_t len = tokens[end - 1].at + tokens[end - 1].len - value;
    switch (mut_below(rng, 5)) {
    case 0:
        put_value(rng, text, value, len);
        break;
    case 1: { /* one number or word of it */
        size_t i = key + 2 + mut_below(rng, end - key - 2);
        put_value(rng, text, tokens[i].at, tokens[i].len);
        break;
    }
    case 2:
        nest(rng, text, value);
        break;
    case 3: /* the member goes, with the comma behind it */
        len += value - tokens[key].at;
        len += end < count && is(text, tokens[end], ',')
                   ? tokens[end].at + 1 - (tokens[key].at + len)
                   : 0;
        mut_replace(text, tokens[key].at, len, NULL, 0);
        break;
    default:
        copy_member(rng, text, tokens, count, key, end);
        break;
    }
}
