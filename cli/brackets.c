#include "cli/brackets.h"

#include <stdlib.h>

#include "cli/errors.h"

void brackets_init(cli_brackets *brackets, uint32_t rank, const int64_t *shape)
{
    *brackets = (struct cli_brackets){.rank = rank, .shape = shape};
    brackets->at = memory(calloc((size_t)rank + 1, sizeof *brackets->at));
}

void brackets_clear(cli_brackets *brackets)
{
    free(brackets->at);
    brackets->at = NULL;
}

uint32_t brackets_open(const cli_brackets *brackets)
{
    uint32_t count = 0;
    while (count < brackets->rank && brackets->at[brackets->rank - 1 - count] == 0) {
        count++;
    }
    return count;
}

uint32_t brackets_close(const cli_brackets *brackets)
{
    uint32_t count = 0;
    while (count < brackets->rank) {
        uint32_t i = brackets->rank - 1 - count;
        if (brackets->at[i] != brackets->shape[i] - 1) {
            break;
        }
        count++;
    }
    return count;
}

void brackets_step(cli_brackets *brackets)
{
    for (uint32_t i = brackets->rank; i-- > 0;) {
        if (++brackets->at[i] < brackets->shape[i]) {
            return;
        }
        brackets->at[i] = 0;
    }
}
