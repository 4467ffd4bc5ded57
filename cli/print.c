#include "cli/print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"

enum { NAME_LEAST = 24 }; /* columns that a cut name keeps */

const char *paint_start(bool wanted, cli_paint colour)
{
    static const char *const sequences[] = {[PAINT_PLAIN] = "\033[0m",
                                            [PAINT_HEAD] = "\033[1m",
                                            [PAINT_NAME] = "\033[36m",
                                            [PAINT_DIM] = "\033[2m",
                                            [PAINT_BAD] = "\033[1;31m"};
    return wanted ? sequences[colour] : "";
}

char *text_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    return memory(len < 0 ? NULL : text);
}

char *text_escaped(tn_str name)
{
    size_t len = tn_escape(name, NULL, 0);
    char *text = memory(malloc(len + 1));
    tn_escape(name, text, len + 1);
    return text;
}

void print_escaped(FILE *out, tn_str name)
{
    char *text = text_escaped(name);
    fputs(text, out);
    free(text);
}

char *text_shape(uint32_t rank, const int64_t *shape)
{
    enum { DIGITS = 24 }; /* of one dimension with its comma */
    size_t room = (size_t)rank * DIGITS + 3, at = 1;
    char *text = memory(malloc(room));
    text[0] = '[';
    for (uint32_t i = 0; i < rank; i++) {
        const char *comma = i == 0 ? "" : ", ";
        int len = shape[i] < 0
                      ? snprintf(text + at, room - at, "%s?", comma)
                      : snprintf(text + at, room - at, "%s%lld", comma, (long long)shape[i]);
        at += (size_t)len;
    }
    text[at] = ']';
    text[at + 1] = '\0';
    return text;
}

char *text_tensor_shape(const tn_tensor *tensor)
{
    return tensor->any_shape ? text_format("?") : text_shape(tensor->rank, tensor->shape);
}

char *text_count(uint64_t count, const char *noun)
{
    return text_format("%llu %s%s", (unsigned long long)count, noun, count == 1 ? "" : "s");
}

void table_init(cli_table *table, const char *align)
{
    *table = (struct cli_table){.columns = strlen(align), .align = align};
}

void table_clear(cli_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
}

void table_add(cli_table *table, char *cell)
{
    if (table->count == table->room) {
        table->room = table->room == 0 ? 64 : 2 * table->room;
        table->cells = memory(realloc(table->cells, table->room * sizeof *table->cells));
    }
    table->cells[table->count++] = cell;
}

void table_text(cli_table *table, const char *text)
{
    table_add(table, memory(strdup(text)));
}

/* Counts the columns that a text takes, one for each character of UTF-8. */
static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++) {
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return columns;
}

/* Finds the byte where column `column` of a text begins. */
static const char *column_at(const char *text, size_t column)
{
    while (*text != '\0') {
        if (((unsigned char)*text & 0xC0) != 0x80 && column-- == 0) {
            break;
        }
        text++;
    }
    return text;
}

/* Prints a cell; one that is wider than its column loses its middle. */
static void print_cell(FILE *out, const char *text, size_t width, char align, bool last)
{
    size_t columns = columns_of(text);
    if (columns > width) {
        size_t head = (width - 1) / 2, tail = width - 1 - head;
        const char *end = column_at(text, head);
        fprintf(out, "%.*s…%s", (int)(end - text), text, column_at(text, columns - tail));
        return;
    }
    int pad = (int)(width - columns);
    if (align == 'r') {
        fprintf(out, "%*s%s", pad, "", text);
    } else {
        fprintf(out, "%s%*s", text, last ? 0 : pad, "");
    }
}

/* Measures the columns; the first shrinks until all fit into `width`. */
static void measure(const cli_table *table, size_t *widths, unsigned indent, unsigned width)
{
    for (size_t i = 0; i < table->count; i++) {
        size_t columns = columns_of(table->cells[i]), at = i % table->columns;
        widths[at] = columns > widths[at] ? columns : widths[at];
    }
    size_t others = indent;
    for (size_t i = 1; i < table->columns; i++) {
        others += widths[i] + 2;
    }
    if (width > 0 && others + widths[0] > width) {
        size_t room = width > others + NAME_LEAST ? width - others : NAME_LEAST;
        widths[0] = room < widths[0] ? room : widths[0];
    }
}

void table_print(const cli_table *table, FILE *out, unsigned indent, unsigned width, bool colour)
{
    size_t *widths = memory(calloc(table->columns, sizeof *widths));
    measure(table, widths, indent, width);
    for (size_t i = 0; i < table->count; i++) {
        size_t at = i % table->columns;
        bool head = table->headed && i < table->columns;
        cli_paint paint = head ? PAINT_HEAD : at == 0 ? PAINT_NAME : PAINT_PLAIN;
        bool painted = colour && paint != PAINT_PLAIN;
        fprintf(out, "%*s%s", at == 0 ? (int)indent : 2, "", paint_start(painted, paint));
        print_cell(out, table->cells[i], widths[at], table->align[at], at + 1 == table->columns);
        fputs(paint_start(painted, PAINT_PLAIN), out);
        if (at + 1 == table->columns) {
            fputc('\n', out);
        }
    }
    free(widths);
}
