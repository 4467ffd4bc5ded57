#include "formats/shared/state_file.h"
#include "core/buffer.h"
#include "core/error.h"
#include <stdlib.h>

enum { MAX_NUMBER = 63 };

typedef struct parser {
    tn_str text;
    size_t pos;
    const char *path;
    tni_arena *arena;
    tni_buffer string; /* the string at hand, decoded */
    tn_str *all;
    size_t n_all, all_room;
    double *times;
    size_t n_times, times_room;
    tni_tf_state state;
} parser;

static tn_status fail(const parser *p, const char *what, tn_error *err)
{
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < p->pos && i < p->text.len; i++) {
        column = p->text.data[i] == '\n' ? 1 : column + 1;
        line += p->text.data[i] == '\n';
    }
    tn_status status = tni_fail(err, TN_E_CORRUPT, "%s", what);
    tni_error_path(err, p->path);
    tni_error_place(err, line, column);
    return status;
}

/* Returns the byte at the cursor, or -1 at the end. */
static int peek(const parser *p)
{
    return p->pos < p->text.len ? (uint8_t)p->text.data[p->pos] : -1;
}

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(parser *p)
{
    for (;;) {
        while (is_space(peek(p))) {
            p->pos++;
        }
        if (peek(p) != '#') {
            return;
        }
        while (peek(p) != -1 && peek(p) != '\n') {
            p->pos++;
        }
    }
}

static bool take(parser *p, char c)
{
    skip_space(p);
    if (peek(p) != c) {
        return false;
    }
    p->pos++;
    return true;
}

static bool is_word_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static int digit(int c, int base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    return value < base ? value : -1;
}

/* Reads up to `most` digits of a base; returns how many there were. */
static int digits(parser *p, int base, int most, uint32_t *value_out)
{
    int count = 0;
    *value_out = 0;
    while (count < most && digit(peek(p), base) >= 0) {
        *value_out = *value_out * (uint32_t)base + (uint32_t)digit(peek(p), base);
        p->pos++;
        count++;
    }
    return count;
}

static void add_utf8(tni_buffer *buffer, uint32_t c)
{
    if (c < 0x80) {
        tni_buffer_char(buffer, (char)c);
        return;
    }
    if (c < 0x800) {
        tni_buffer_char(buffer, (char)(0xC0 | c >> 6));
    } else {
        if (c < 0x10000) {
            tni_buffer_char(buffer, (char)(0xE0 | c >> 12));
        } else {
            tni_buffer_char(buffer, (char)(0xF0 | c >> 18));
            tni_buffer_char(buffer, (char)(0x80 | (c >> 12 & 0x3F)));
        }
        tni_buffer_char(buffer, (char)(0x80 | (c >> 6 & 0x3F)));
    }
    tni_buffer_char(buffer, (char)(0x80 | (c & 0x3F)));
}

/* Reads \uXXXX and \UXXXXXXXX; a pair of surrogates is one character. */
static bool unicode_escape(parser *p, int length)
{
    uint32_t c, low;
    if (digits(p, 16, length, &c) != length || c > 0x10FFFF || (c >= 0xDC00 && c <= 0xDFFF)) {
        return false;
    }
    if (c >= 0xD800 && c <= 0xDBFF) {
        if (length != 4 || p->text.len - p->pos < 2 || p->text.data[p->pos] != '\\' ||
            p->text.data[p->pos + 1] != 'u') {
            return false;
        }
        p->pos += 2;
        if (digits(p, 16, 4, &low) != 4 || low < 0xDC00 || low > 0xDFFF) {
            return false;
        }
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    add_utf8(&p->string, c);
    return true;
}

/* Reads what follows a backslash. */
static bool escape(parser *p)
{
    static const char letters[] = "abfnrtv\\'\"?", meanings[] = "\a\b\f\n\r\t\v\\'\"?";
    uint32_t value;
    int c = peek(p);
    if (digit(c, 8) >= 0) {
        digits(p, 8, 3, &value);
        tni_buffer_char(&p->string, (char)value);
        return value <= 0xFF;
    }
    p->pos += c != -1;
    if (c == 'x' || c == 'X') {
        bool any = digits(p, 16, 2, &value) > 0;
        tni_buffer_char(&p->string, (char)value);
        return any;
    }
    if (c == 'u' || c == 'U') {
        return unicode_escape(p, c == 'u' ? 4 : 8);
    }
    const char *at = c <= 0 ? NULL : strchr(letters, c);
    if (at == NULL) {
        return false;
    }
    tni_buffer_char(&p->string, meanings[at - letters]);
    return true;
}

/* Reads one quoted part up to its closing quote. */
static tn_status quoted(parser *p, int quote, tn_error *err)
{
    for (;;) {
        int c = peek(p);
        if (c == -1 || c == '\n') {
            return fail(p, "a string is not closed on its line", err);
        }
        p->pos++;
        if (c == quote) {
            return TN_OK;
        }
        if (c != '\\') {
            tni_buffer_char(&p->string, (char)c);
        } else if (!escape(p)) {
            return fail(p, "a string has an escape that is not known", err);
        }
    }
}

/* Reads a string: quoted parts that stand side by side are one. */
static tn_status string_value(parser *p, tn_str *text_out, tn_error *err)
{
    tn_status status = TN_OK;
    bool any = false;
    tni_buffer_reset(&p->string);
    skip_space(p);
    while (status == TN_OK && (peek(p) == '"' || peek(p) == '\'')) {
        int quote = peek(p);
        p->pos++;
        status = quoted(p, quote, err);
        any = true;
        skip_space(p);
    }
    if (status == TN_OK && !any) {
        return fail(p, "a string in quotes is missing here", err);
    }
    if (status == TN_OK) {
        status = tni_buffer_check(&p->string, err);
    }
    tn_str text = {p->string.len == 0 ? "" : p->string.data, p->string.len};
    return status == TN_OK ? tni_arena_str(p->arena, text, text_out, err) : status;
}

static tn_status number_value(parser *p, double *number_out, tn_error *err)
{
    char text[MAX_NUMBER + 1];
    size_t len = 0;
    skip_space(p);
    size_t start = p->pos;
    while (len < MAX_NUMBER &&
           (is_word_byte(peek(p)) || peek(p) == '.' || peek(p) == '+' || peek(p) == '-')) {
        text[len++] = (char)peek(p);
        p->pos++;
    }
    text[len] = '\0';
    char *end;
    double number = strtod(text, &end);
    bool suffix = end > text && (*end == 'f' || *end == 'F') && end[1] == '\0';
    if (len == 0 || len == MAX_NUMBER || end == text || (*end != '\0' && !suffix)) {
        p->pos = start;
        return fail(p, "a number is missing here", err);
    }
    *number_out = number;
    return TN_OK;
}

/* Makes room for one more element of an array in the arena. */
static tn_status grow(parser *p, void **array, size_t count, size_t *room, size_t size,
                      tn_error *err)
{
    void *more;
    if (count < *room) {
        return TN_OK;
    }
    size_t wanted = *room == 0 ? 8 : 2 * *room;
    tn_status status = tni_arena_array(p->arena, wanted, size, &more, err);
    if (status == TN_OK) {
        if (count != 0) {
            memcpy(more, *array, count * size);
        }
        *array = more;
        *room = wanted;
    }
    return status;
}

static tn_status add_path(parser *p, tn_error *err)
{
    void *all = p->all;
    tn_status status = grow(p, &all, p->n_all, &p->all_room, sizeof(tn_str), err);
    if (status != TN_OK) {
        return status;
    }
    p->all = all;
    status = string_value(p, &p->all[p->n_all], err);
    p->n_all += status == TN_OK;
    return status;
}

static tn_status add_time(parser *p, tn_error *err)
{
    void *times = p->times;
    tn_status status = grow(p, &times, p->n_times, &p->times_room, sizeof(double), err);
    if (status != TN_OK) {
        return status;
    }
    p->times = times;
    status = number_value(p, &p->times[p->n_times], err);
    p->n_times += status == TN_OK;
    return status;
}

/* Reads the values of a repeated field: one, or a list in brackets. */
static tn_status repeated(parser *p, tn_status (*add)(parser *, tn_error *), tn_error *err)
{
    if (!take(p, '[')) {
        return add(p, err);
    }
    if (take(p, ']')) {
        return TN_OK;
    }
    tn_status status;
    do {
        status = add(p, err);
    } while (status == TN_OK && take(p, ','));
    if (status == TN_OK && !take(p, ']')) {
        status = fail(p, "a list is not closed here", err);
    }
    return status;
}

static tn_status field(parser *p, tn_error *err)
{
    size_t start = p->pos;
    while (is_word_byte(peek(p))) {
        p->pos++;
    }
    tn_str name = {p->text.data + start, p->pos - start};
    bool latest = tn_str_equal(name, TN_LIT("model_checkpoint_path"));
    bool all = tn_str_equal(name, TN_LIT("all_model_checkpoint_paths"));
    bool times = tn_str_equal(name, TN_LIT("all_model_checkpoint_timestamps"));
    bool preserved = tn_str_equal(name, TN_LIT("last_preserved_timestamp"));
    if (!latest && !all && !times && !preserved) {
        p->pos = start;
        return fail(p, "this is no field of a state file", err);
    }
    if (!take(p, ':')) {
        return fail(p, "a colon is missing here", err);
    }
    tn_status status;
    if (latest) {
        status = string_value(p, &p->state.latest, err);
    } else if (preserved) {
        status = number_value(p, &p->state.last_preserved, err);
        p->state.has_last_preserved = true;
    } else {
        status = repeated(p, all ? add_path : add_time, err);
    }
    if (status == TN_OK && !take(p, ',')) {
        take(p, ';');
    }
    return status;
}

tn_status tni_tf_state_parse(tn_str text, const char *path, tni_arena *arena,
                             tni_tf_state *state_out, tn_error *err)
{
    parser p = {.text = text, .path = path, .arena = arena};
    tn_status status = TN_OK;
    tni_buffer_init(&p.string, arena->ctx);
    skip_space(&p);
    while (status == TN_OK && peek(&p) != -1) {
        status = field(&p, err);
        skip_space(&p);
    }
    if (status == TN_OK) {
        p.state.all = p.all;
        p.state.n_all = p.n_all;
        p.state.times = p.times;
        p.state.n_times = p.n_times;
        *state_out = p.state;
    }
    tni_buffer_clear(&p.string);
    return status;
}
