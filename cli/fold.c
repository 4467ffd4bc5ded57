#include "cli/fold.h"

#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/print.h"

enum {
    LEAST = 3,       /* layers that fold */
    MOST_DIGITS = 9, /* of a layer's number */
    MOST_RUNS = 8    /* numbers of a name that are looked at */
};

/* Where the layers end that share their name up to the number at `digits`, so that each is walked
 * once and not once for each of its tensors. */
typedef struct layer_end {
    size_t digits, end;
} layer_end;

static tn_str name_at(const cli_choice *choice, size_t n)
{
    return choice_name(choice, n);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the run of digits at `at`; 0 if it is none that counts layers. */
static size_t digits_at(tn_str name, size_t at, uint64_t *number_out)
{
    size_t len = 0;
    uint64_t number = 0;
    while (at + len < name.len && is_digit(name.data[at + len])) {
        number = 10 * number + (uint64_t)(name.data[at + len++] - '0');
        if (len > MOST_DIGITS) {
            return 0;
        }
    }
    *number_out = number;
    return len > 1 && name.data[at] == '0' ? 0 : len;
}

/* Tells whether `name` begins as `first` does up to its number, and then has `number`. */
static bool in_layer(tn_str name, tn_str first, size_t digits, uint64_t number, size_t *len_out)
{
    uint64_t found = 0;
    if (name.len <= digits || memcmp(name.data, first.data, digits) != 0) {
        return false;
    }
    *len_out = digits_at(name, digits, &found);
    return *len_out > 0 && found == number;
}

/* Tells whether tensor `b` is tensor `a` of a layer whose number is greater by `step`. */
static bool same_but_number(const cli_choice *choice, size_t a, size_t b, size_t digits,
                            uint64_t step)
{
    const tn_tensor *one = choice_at(choice, a), *two = choice_at(choice, b);
    tn_str x = name_at(choice, a), y = name_at(choice, b);
    uint64_t number = 0;
    size_t len = digits_at(x, digits, &number), other = 0;
    return in_layer(y, x, digits, number + step, &other) &&
           tn_str_equal(tn_str_skip(x, digits + len), tn_str_skip(y, digits + other)) &&
           one->dtype == two->dtype && one->rank == two->rank && one->role == two->role &&
           one->any_shape == two->any_shape &&
           (one->rank == 0 || memcmp(one->shape, two->shape, one->rank * sizeof *one->shape) == 0);
}

/* Counts how many layers follow that are like the block of `rows` tensors at `first`. */
static size_t count_layers(const cli_choice *choice, size_t first, size_t rows, size_t digits)
{
    size_t layers = 1;
    for (;; layers++) {
        size_t at = first + layers * rows;
        if (at + rows > choice->count) {
            return layers;
        }
        for (size_t i = 0; i < rows; i++) {
            if (!same_but_number(choice, first + i, at + i, digits, layers)) {
                return layers;
            }
        }
    }
}

/* Counts the tensors from `first` on that belong to its layer. */
static size_t layer_rows(const cli_choice *choice, size_t first, size_t digits, uint64_t number,
                         layer_end *known)
{
    if (known->digits != digits || known->end <= first) {
        tn_str name = name_at(choice, first);
        size_t end = first + 1, len = 0;
        while (end < choice->count && in_layer(name_at(choice, end), name, digits, number, &len)) {
            end++;
        }
        *known = (layer_end){.digits = digits, .end = end};
    }
    return known->end - first;
}

/* Finds the fold that begins at `first`: fills `line` for its first tensor and returns the tensors
 * of one layer; 0 if nothing folds. */
static size_t fold_at(const cli_choice *choice, size_t first, layer_end *known, fold_line *line)
{
    tn_str name = name_at(choice, first);
    size_t runs = 0;
    for (size_t at = 0; at < name.len && runs < MOST_RUNS; at++) {
        uint64_t number = 0;
        bool begins = is_digit(name.data[at]) && (at == 0 || !is_digit(name.data[at - 1]));
        size_t len = begins ? digits_at(name, at, &number) : 0;
        if (len == 0) {
            continue;
        }
        size_t rows = layer_rows(choice, first, at, number, &known[runs++]);
        size_t layers = count_layers(choice, first, rows, at);
        if (layers >= LEAST) {
            *line = (fold_line){.first = first,
                                .times = layers,
                                .digits = at,
                                .digits_len = len,
                                .from = number,
                                .to = number + layers - 1};
            return rows;
        }
    }
    return 0;
}

size_t fold(const cli_choice *choice, fold_line **lines_out)
{
    fold_line *lines = memory(calloc(choice->count + 1, sizeof *lines));
    layer_end known[MOST_RUNS] = {{0}};
    size_t count = 0;
    for (size_t first = 0; first < choice->count;) {
        fold_line line = {.first = first, .times = 1};
        size_t rows = fold_at(choice, first, known, &line);
        for (size_t i = 0; i < rows || i == 0; i++) {
            line.first = first + i;
            line.bytes = line.times * choice_at(choice, first + i)->bytes;
            lines[count++] = line;
        }
        first += line.times * (rows == 0 ? 1 : rows);
    }
    *lines_out = lines;
    return count;
}

char *fold_name(const cli_choice *choice, const fold_line *line)
{
    tn_str name = name_at(choice, line->first);
    if (line->times == 1) {
        return text_escaped(name);
    }
    char *head = text_escaped(tn_str_first(name, line->digits));
    char *tail = text_escaped(tn_str_skip(name, line->digits + line->digits_len));
    char *whole = text_format("%s{%llu..%llu}%s", head, (unsigned long long)line->from,
                              (unsigned long long)line->to, tail);
    free(head);
    free(tail);
    return whole;
}
