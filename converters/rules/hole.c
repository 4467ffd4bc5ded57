/* Reading one hole: `x`, `x:**`, `i:int`, `i:int03`, `x:a|b`. */
#include "converters/rules/lexer.h"
#include "converters/rules/pattern.h"

static const char *const types[] = {"**", "int", "int02", "int03", NULL};

bool tni_int_type(tn_str type, unsigned *digits_out)
{
    tn_str digits = tn_str_skip(type, type.len < 3 ? type.len : 3);
    unsigned count = 0;
    if (!tn_str_starts(type, TN_LIT("int"))) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || i > 2) {
            return false;
        }
        count = count * 10 + (unsigned)(digits.data[i] - '0');
    }
    bool width = digits.len >= 2 && digits.data[0] == '0' && count >= 1 && count <= TNI_INT_DIGITS;
    if (digits.len != 0 && !width) {
        return false;
    }
    *digits_out = count;
    return true;
}

static tn_status unknown_type(tn_str inside, tn_str type, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_RULE, "the hole {%.*s} has no type '%.*s'",
                                (int)inside.len, inside.data, (int)type.len, type.data);
    const char *nearest = tni_nearest_word(type, types);
    if (nearest != NULL) {
        tni_error_hint(err, "did you mean '%s'?", nearest);
    } else {
        tni_error_hint(err, "types are **, int, int03 and choices such as a|b");
    }
    return status;
}

static tn_status bad_choice(tn_str inside, const char *why, tn_error *err)
{
    return tni_fail(err, TN_E_RULE, "the choice {%.*s} %s", (int)inside.len, inside.data, why);
}

/* Reads `a|b|c`. */
static tn_status read_choice(tni_arena *arena, tn_str inside, tn_str words, char separator,
                             tni_hole *hole, tn_error *err)
{
    size_t count = 1;
    for (size_t i = 0; i < words.len; i++) {
        count += words.data[i] == '|';
        if (words.data[i] == separator) {
            return bad_choice(inside, "holds the separator", err);
        }
    }
    void *block;
    tn_status status = tni_arena_array(arena, count, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *all = block;
    for (size_t i = 0; i < count; i++) {
        const char *bar = words.len == 0 ? NULL : memchr(words.data, '|', words.len);
        all[i] = bar == NULL ? words : tn_str_first(words, (size_t)(bar - words.data));
        words = tn_str_skip(words, all[i].len + (bar != NULL));
        if (all[i].len == 0) {
            return bad_choice(inside, "has an empty word", err);
        }
        for (size_t k = 0; k < i && count <= 64; k++) {
            if (tn_str_equal(all[k], all[i])) {
                return bad_choice(inside, "has a word twice", err);
            }
        }
    }
    hole->kind = TNI_HOLE_CHOICE;
    hole->words = all;
    hole->n_words = count;
    return TN_OK;
}

static tn_status read_type(tni_arena *arena, tn_str inside, tn_str type, char separator,
                           tni_hole *hole, tn_error *err)
{
    if (tn_str_equal(type, TN_LIT("**"))) {
        hole->kind = TNI_HOLE_PATH;
    } else if (tni_int_type(type, &hole->digits)) {
        hole->kind = TNI_HOLE_INT;
    } else if (type.len > 0 && memchr(type.data, '|', type.len) != NULL) {
        return read_choice(arena, inside, type, separator, hole, err);
    } else {
        return unknown_type(inside, type, err);
    }
    return TN_OK;
}

tn_status tni_hole_read(tni_arena *arena, tn_str inside, char separator, tni_hole *hole_out,
                        tn_error *err)
{
    const char *colon = inside.len == 0 ? NULL : memchr(inside.data, ':', inside.len);
    tn_str name = colon == NULL ? inside : tn_str_first(inside, (size_t)(colon - inside.data));
    tni_hole hole = {.name = name, .kind = TNI_HOLE_SEGMENT};
    if (!tni_is_word(name)) {
        tn_status status =
            tni_fail(err, TN_E_RULE, "the hole {%.*s} has no name", (int)inside.len, inside.data);
        tni_error_hint(err, "write {x} for one segment, {x:**} for several, {i:int} for a number, "
                            "and {{ for a brace");
        return status;
    }
    tn_status status = TN_OK;
    if (colon != NULL) {
        status = read_type(arena, inside, tn_str_skip(inside, name.len + 1), separator, &hole, err);
    }
    if (status == TN_OK) {
        *hole_out = hole;
    }
    return status;
}
