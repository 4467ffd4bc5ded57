/* Where the brackets of nested values stand, as the elements pass by in row-major order. */
#ifndef TENON_CLI_BRACKETS_H
#define TENON_CLI_BRACKETS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cli_brackets {
    uint32_t rank;
    const int64_t *shape;
    int64_t *at; /* coordinates of the element at hand */
} cli_brackets;

/* Begins at the first element. Free with brackets_clear. */
void brackets_init(cli_brackets *brackets, uint32_t rank, const int64_t *shape);
void brackets_clear(cli_brackets *brackets);
/* Counts the brackets that open before the element at hand. */
uint32_t brackets_open(const cli_brackets *brackets);
/* Counts the brackets that close behind it. */
uint32_t brackets_close(const cli_brackets *brackets);
/* Steps to the next element. */
void brackets_step(cli_brackets *brackets);

#endif
