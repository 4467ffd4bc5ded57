/* From a pattern's text to what is matched. */
#include "converters/rules/lexer.h"
#include "converters/rules/regex.h"

/* What a text holds. */
typedef struct census {
    size_t stars, holes, bytes;
    size_t first_star, first_hole; /* offsets */
} census;

static tn_status take_census(tn_str text, census *out, size_t *at, tn_error *err)
{
    tni_lexer lexer = {text, 0};
    tni_lexeme lexeme;
    tn_status status;
    *out = (census){0};
    while ((status = tni_lex(&lexer, &lexeme, err)) == TN_OK && lexeme.kind != TNI_LEX_END) {
        if (lexeme.kind == TNI_LEX_STAR) {
            out->first_star = out->stars++ == 0 ? lexeme.start : out->first_star;
        } else if (lexeme.kind == TNI_LEX_HOLE) {
            out->first_hole = out->holes++ == 0 ? lexeme.start : out->first_hole;
        } else {
            out->bytes++;
        }
    }
    *at = lexer.at;
    return status;
}

/* A list of parts in the making: the literal that grows at its end, and the bytes it grows in. */
typedef struct builder {
    tni_arena *arena;
    tn_pattern *pattern;
    tni_part *parts;
    char *bytes;
    size_t literal; /* bytes of the open literal; they end at `bytes` */
} builder;

static void end_literal(builder *b)
{
    if (b->literal > 0) {
        tn_str text = {b->bytes - b->literal, b->literal};
        b->parts[b->pattern->n_parts++] = (tni_part){text, NULL};
        b->literal = 0;
    }
}

static const tni_hole *first_mention(const builder *b, tn_str name)
{
    for (size_t i = 0; i < b->pattern->n_parts; i++) {
        const tni_hole *hole = b->parts[i].hole;
        if (hole != NULL && tn_str_equal(hole->name, name)) {
            return hole;
        }
    }
    return NULL;
}

/* Takes over the type of the first mention where the second has none. */
static tn_status repeat_hole(builder *b, tni_hole *hole, const tni_hole *first, tn_error *err)
{
    tn_str name = hole->name;
    if (hole->kind == TNI_HOLE_SEGMENT) {
        *hole = *first;
    }
    if (hole->kind != first->kind) {
        return tni_fail(err, TN_E_RULE, "the hole {%.*s} has two different types", (int)name.len,
                        name.data);
    }
    hole->slot = first->slot;
    b->pattern->repeats = true;
    return TN_OK;
}

static tn_status add_hole(builder *b, tn_str inside, tn_error *err)
{
    void *block;
    tn_pattern *pattern = b->pattern;
    tn_status status = tni_arena_alloc(b->arena, sizeof(tni_hole), &block, err);
    tni_hole *hole = block;
    if (status == TN_OK) {
        status = tni_hole_read(b->arena, inside, pattern->separator, hole, err);
    }
    if (status != TN_OK) {
        return status;
    }
    const tni_hole *first = first_mention(b, hole->name);
    if (first != NULL) {
        status = repeat_hole(b, hole, first, err);
    } else {
        hole->slot = pattern->n_slots++;
    }
    end_literal(b);
    b->parts[pattern->n_parts++] = (tni_part){TN_STR_NONE, hole};
    return status;
}

static tn_status add_parts(builder *b, tn_str text, size_t *at, tn_error *err)
{
    tni_lexer lexer = {text, 0};
    tni_lexeme lexeme;
    tn_status status;
    while ((status = tni_lex(&lexer, &lexeme, err)) == TN_OK && lexeme.kind != TNI_LEX_END) {
        *at = lexeme.start;
        if (lexeme.kind == TNI_LEX_HOLE) {
            status = add_hole(b, lexeme.inside, err);
        } else {
            *b->bytes++ = lexeme.byte;
            b->literal++;
        }
        if (status != TN_OK) {
            return status;
        }
    }
    end_literal(b);
    return status;
}

/* Compiles a text without stars: an exact name if it has no holes. */
static tn_status compile_parts(tni_arena *arena, tn_pattern *pattern, const census *found,
                               size_t *at, tn_error *err)
{
    void *parts = NULL, *bytes = NULL;
    tn_status status = tni_arena_array(arena, 2 * found->holes + 1, sizeof(tni_part), &parts, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(arena, found->bytes + 1, &bytes, err);
    }
    if (status != TN_OK) {
        return status;
    }
    builder b = {arena, pattern, parts, bytes, 0};
    status = add_parts(&b, pattern->source, at, err);
    pattern->parts = parts;
    pattern->exact = (tn_str){bytes, found->bytes};
    return status;
}

/* Returns the part of a text behind its last separator outside holes. */
static tn_str last_segment(tn_str text, char separator)
{
    tni_lexer lexer = {text, 0};
    tni_lexeme lexeme;
    size_t start = 0;
    while (tni_lex(&lexer, &lexeme, NULL) == TN_OK && lexeme.kind != TNI_LEX_END) {
        if (lexeme.kind == TNI_LEX_BYTE && lexeme.byte == separator) {
            start = lexer.at;
        }
    }
    return tn_str_skip(text, start);
}

static tn_status spell(tni_arena *arena, tn_pattern *pattern, tn_str text, tn_error *err)
{
    return text.len == 0 ? TN_OK
                         : tni_arena_str(arena, text, &pattern->spelt[pattern->n_spelt++], err);
}

/* Counts the texts that a segment may spell: one more than what stands between them, and the words
 * of its choices. */
static size_t most_spelt(tn_str segment)
{
    size_t count = 2;
    for (size_t i = 0; i < segment.len; i++) {
        char c = segment.data[i];
        count += c == '*' || c == '{' || c == '|' || c == '}';
    }
    return count;
}

static tn_status spell_choice(tni_arena *arena, tn_pattern *pattern, tn_str inside, tn_error *err)
{
    tni_hole hole = {.n_words = 0};
    tn_status status = tni_hole_read(arena, inside, pattern->separator, &hole, err);
    for (size_t i = 0; status == TN_OK && i < hole.n_words; i++) {
        status = spell(arena, pattern, hole.words[i], err);
    }
    return status;
}

/* Lists the literal texts and choices of the last segment: what can name an optimizer's slot. */
static tn_status list_spelt(tni_arena *arena, tn_pattern *pattern, tn_error *err)
{
    tn_str segment = last_segment(pattern->source, pattern->separator);
    tni_lexer lexer = {segment, 0};
    tni_lexeme lexeme;
    void *block = NULL, *bytes = NULL;
    tn_status status = tni_arena_array(arena, most_spelt(segment), sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(arena, segment.len + 1, &bytes, err);
    }
    char *literal = bytes;
    size_t len = 0;
    pattern->spelt = block;
    while (status == TN_OK && (status = tni_lex(&lexer, &lexeme, err)) == TN_OK) {
        if (lexeme.kind == TNI_LEX_BYTE) {
            literal[len++] = lexeme.byte;
            continue;
        }
        status = spell(arena, pattern, (tn_str){literal, len}, err);
        len = 0;
        if (status == TN_OK && lexeme.kind == TNI_LEX_HOLE) {
            status = spell_choice(arena, pattern, lexeme.inside, err);
        }
        if (lexeme.kind == TNI_LEX_END) {
            break;
        }
    }
    return status;
}

/* Refuses what cannot be compiled whatever its parts are. */
static tn_status check_census(const census *found, tn_str text, size_t *at, tn_error *err)
{
    tn_status status = TN_OK;
    if (found->stars > 0 && found->holes > 0) {
        *at = found->first_star > found->first_hole ? found->first_star : found->first_hole;
        status = tni_fail(err, TN_E_RULE, "the pattern '%.*s' mixes stars and holes", (int)text.len,
                          text.data);
        tni_error_hint(err, "a star copies nothing: write {x} for *, {x:**} for **");
    } else if (found->holes > TNI_HOLES_MOST) {
        *at = found->first_hole;
        status = tni_fail(err, TN_E_RULE, "the pattern has more than %d holes", TNI_HOLES_MOST);
    } else if (found->stars + found->holes > 0 && text.len > TNI_PATTERN_BYTES) {
        *at = 0;
        status = tni_fail(err, TN_E_RULE, "the pattern is longer than %d bytes", TNI_PATTERN_BYTES);
    }
    return status;
}

/* Lists the words of the last segment of a regular expression. */
static tn_status list_words(tni_arena *arena, tn_pattern *pattern, tn_error *err)
{
    tn_str text = tn_str_skip(pattern->source, 3);
    const char *last = memrchr(text.data, pattern->separator, text.len);
    tn_str segment = last == NULL ? text : tn_str_skip(text, (size_t)(last - text.data) + 1);
    void *block;
    size_t at = 0;
    tn_status status = tni_arena_array(arena, segment.len / 2 + 1, sizeof(tn_str), &block, err);
    pattern->spelt = block;
    while (status == TN_OK && at < segment.len) {
        status = spell(arena, pattern, tni_regex_word(segment, &at), err);
    }
    return status;
}

static tn_status compile(tni_arena *arena, tn_pattern *pattern, size_t *at, tn_error *err)
{
    if (tni_is_regex(pattern->source)) {
        tn_status compiled = tni_regex_compile(arena, pattern, at, err);
        return compiled != TN_OK ? compiled : list_words(arena, pattern, err);
    }
    census found;
    tn_status status = take_census(pattern->source, &found, at, err);
    if (status == TN_OK) {
        status = check_census(&found, pattern->source, at, err);
    }
    if (status != TN_OK) {
        return status;
    }
    pattern->kind = found.stars > 0 ? TNI_GLOB : found.holes > 0 ? TNI_HOLES : TNI_EXACT;
    status = pattern->kind == TNI_GLOB ? tni_glob_compile(arena, pattern, err)
                                       : compile_parts(arena, pattern, &found, at, err);
    if (status == TN_OK && pattern->kind != TNI_EXACT) {
        status = list_spelt(arena, pattern, err);
    }
    return status;
}

tn_status tni_pattern_compile(tni_arena *arena, tn_str text, char separator,
                              tn_pattern **pattern_out, size_t *at_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(arena, sizeof(tn_pattern), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_pattern *pattern = block;
    size_t at = 0;
    *pattern = (tn_pattern){.ctx = arena->ctx, .separator = separator};
    status = tni_arena_str(arena, text, &pattern->source, err);
    if (status == TN_OK && separator == 0) {
        char own = tni_separator_in(pattern->source);
        pattern->separator = own == 0 ? '/' : own;
    }
    if (status == TN_OK) {
        status = compile(arena, pattern, &at, err);
    }
    if (status == TN_OK) {
        *pattern_out = pattern;
    } else if (at_out != NULL) {
        *at_out = at;
    }
    return status;
}
