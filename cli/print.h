/* Text for people: escaped names, shapes, aligned tables, colours. */
#ifndef TENON_CLI_PRINT_H
#define TENON_CLI_PRINT_H

#include <stdio.h>

#include <tenon/tenon.h>

typedef enum cli_paint { PAINT_PLAIN, PAINT_HEAD, PAINT_NAME, PAINT_DIM, PAINT_BAD } cli_paint;

/* Returns the control sequence that begins a colour (PAINT_PLAIN: ends it); "" if not `wanted`. */
const char *paint_start(bool wanted, cli_paint colour);

/* Formats into new memory; never NULL. The caller frees it. */
char *text_format(const char *format, ...) TN_PRINTF(1, 2);
/* Makes the printable form of a name; never NULL. The caller frees it. */
char *text_escaped(tn_str name);
/* Makes `[2, 3]` of a shape, `?` for unknown dimensions. The caller frees it. */
char *text_shape(uint32_t rank, const int64_t *shape);
/* The same for a tensor, whose shape may be unknown as a whole. The caller frees it. */
char *text_tensor_shape(const tn_tensor *tensor);
/* Makes `1 tensor`, `2 tensors`. The caller frees it. */
char *text_count(uint64_t count, const char *noun);
/* Prints a name escaped. */
void print_escaped(FILE *out, tn_str name);

/* A table whose cells align. */
typedef struct cli_table {
    size_t columns;
    const char *align; /* one of 'l', 'r' for each column */
    char **cells;      /* owned; row by row */
    size_t count, room;
    bool headed; /* the first row is the heading */
} cli_table;

void table_init(cli_table *table, const char *align);
void table_clear(cli_table *table);
/* Adds the next cell and takes its memory. */
void table_add(cli_table *table, char *cell);
/* Adds a copy of a text as the next cell. */
void table_text(cli_table *table, const char *text);
/* Prints it, each line behind `indent` spaces. `width` > 0: the first column is cut in its middle
 * until lines fit. */
void table_print(const cli_table *table, FILE *out, unsigned indent, unsigned width, bool colour);

#endif
