/* What a sweep tried and found, as counts: printed one a line at the end, `tally: WHAT: N`, for
 * tests/faults/run to make its table of. */
#ifndef TN_TESTS_TALLY_H
#define TN_TESTS_TALLY_H

/* Adds `count` to what is counted as `what`: a text that outlives the program's main. */
void tn_tally(const char *what, unsigned long count);
/* Returns a count; 0 if nothing of that name was counted. */
unsigned long tn_tally_of(const char *what);
/* Prints all counts in the order of their first use. */
void tn_tally_print(void);

#endif
