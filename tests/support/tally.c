#include "support/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 32 };

static struct {
    const char *what;
    unsigned long count;
} counts[MOST];
static size_t used;

static size_t find(const char *what)
{
    size_t at = 0;
    while (at < used && strcmp(counts[at].what, what) != 0) {
        at++;
    }
    return at;
}

void tn_tally(const char *what, unsigned long count)
{
    size_t at = find(what);
    if (at == MOST) {
        fprintf(stderr, "tally: no room for %s\n", what);
        abort();
    }
    if (at == used) {
        counts[used++].what = what;
    }
    counts[at].count += count;
}

unsigned long tn_tally_of(const char *what)
{
    size_t at = find(what);
    return at < used ? counts[at].count : 0;
}

void tn_tally_print(void)
{
    for (size_t i = 0; i < used; i++) {
        printf("tally: %s: %lu\n", counts[i].what, counts[i].count);
    }
}
