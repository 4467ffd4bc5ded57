#include <stdlib.h>

#include "cli/brackets.h"
#include "cli/errors.h"
#include "cli/get.h"
#include "cli/print.h"
#include "cli/values.h"

enum {
    ELIDE_FROM = 1000, /* elements that a terminal still gets whole */
    EDGE = 3           /* entries that an elided dimension keeps at each end */
};

static void print_string(FILE *out, tn_str text)
{
    char *escaped = text_escaped(text);
    fputc('"', out);
    for (const char *at = escaped; *at != '\0'; at++) {
        if (*at == '"') {
            fputc('\\', out);
        }
        fputc(*at, out);
    }
    fputc('"', out);
    free(escaped);
}

static void repeat(FILE *out, char c, uint32_t count)
{
    while (count-- > 0) {
        fputc(c, out);
    }
}

/* Prints what stands between two entries: a comma and a space, or for each of the `anew` dimensions
 * that begin again a new line, indented to `depth` brackets. */
static void separate(FILE *out, uint32_t anew, uint32_t depth)
{
    fputc(',', out);
    repeat(out, '\n', anew);
    repeat(out, ' ', anew == 0 ? 1 : depth);
}

/* Tells whether the element at hand is left out, and prints the dots that stand for its like. */
static bool elided(FILE *out, const cli_brackets *at)
{
    for (uint32_t i = 0; i < at->rank; i++) {
        if (at->shape[i] > 2 * EDGE && at->at[i] >= EDGE && at->at[i] < at->shape[i] - EDGE) {
            uint32_t below = at->rank - 1 - i;
            if (at->at[i] == EDGE && brackets_open(at) >= below) {
                separate(out, below, i + 1);
                fputs("...", out);
            }
            return true;
        }
    }
    return false;
}

static void print_value(FILE *out, const cli_values *values, const void *element, tn_str string)
{
    char text[TN_NUMBER_ROOM];
    if (values->strings != NULL) {
        print_string(out, string);
    } else {
        fwrite(text, 1, tn_number_text(values->dtype, element, text), out);
    }
}

/* Prints all elements; they are all read, so that the stored sum is checked. */
static tn_status print_elements(FILE *out, cli_values *values, bool elide, tn_error *err)
{
    cli_brackets at;
    tn_status status = TN_OK;
    brackets_init(&at, values->rank, values->shape);
    for (uint64_t i = 0; i < values->count && status == TN_OK; i++) {
        const void *element = NULL;
        tn_str string = TN_STR_NONE;
        if (values->strings != NULL) {
            string = values_string(values);
        } else {
            status = values_next(values, &element, err);
        }
        if (status == TN_OK && !(elide && elided(out, &at))) {
            uint32_t open = brackets_open(&at);
            if (i > 0) {
                separate(out, open, at.rank - open);
            }
            repeat(out, '[', open);
            print_value(out, values, element, string);
            repeat(out, ']', brackets_close(&at));
        }
        brackets_step(&at);
    }
    brackets_clear(&at);
    return status;
}

static void print_heading(const cli_get *get, FILE *out, const cli_values *values, size_t n)
{
    char *shape = text_shape(values->rank, values->shape);
    fputs(n == 0 ? "# " : "\n# ", out);
    print_escaped(out, values->tensor->alias[get->choice->scheme]);
    fprintf(out, "  %s %s\n", tn_dtype_about(values->dtype)->name, shape);
    free(shape);
}

static tn_status print_tensor(const cli_get *get, size_t n, tn_error *err)
{
    FILE *out = get->out->stream;
    const cli_settings *set = get->cli->set;
    cli_values values;
    tn_status status = get_start(get, n, &values, err);
    if (status == TN_OK && values.strings == NULL && values.size == 0) {
        tn_escape(values.tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
        status = cli_fail(err, TN_E_UNSUPPORTED, "values of dtype %s are packed and have no text",
                          tn_dtype_about(values.tensor->dtype)->name);
        cli_hint(err, "--as raw");
    }
    if (status == TN_OK && get->choice->count > 1) {
        print_heading(get, out, &values, n);
    }
    if (status == TN_OK) {
        bool terminal = get->cli->terminal && get->out->path == NULL;
        status =
            print_elements(out, &values, terminal && !set->full && values.count > ELIDE_FROM, err);
    }
    if (status == TN_OK) {
        fputs(values.count == 0 ? "[]\n" : "\n", out);
        status = values_end(&values, err);
    }
    values_clear(&values);
    return status;
}

tn_status get_text(const cli_get *get, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; i < get->choice->count && status == TN_OK; i++) {
        status = print_tensor(get, i, err);
    }
    return status;
}
