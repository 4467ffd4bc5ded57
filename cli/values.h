/* The values of one tensor or of a slice of it, element by element, in row-major order. */
#ifndef TENON_CLI_VALUES_H
#define TENON_CLI_VALUES_H

#include "cli/cli.h"

typedef struct cli_values {
    const tn_tensor *tensor;
    tn_dtype dtype; /* of what is given: the tensor's, or what it is cast to */
    uint32_t rank;  /* of what is read */
    const int64_t *shape;
    uint64_t count; /* elements */
    uint64_t next;  /* the element that comes next */
    size_t size;    /* bytes of one element that is given; 0: strings, or packed elements */
    tn_context *ctx;
    tn_reader *reader;
    unsigned char *buffer; /* elements as they are given */
    unsigned char *stored; /* elements that are still to be cast; NULL without a cast */
    tn_cast_stats lost;    /* by the cast */
    uint64_t buffered, at; /* elements in the buffer; the one that comes next */
    bool whole;            /* the buffer holds everything: a slice */
    const tn_str *strings; /* of a string tensor */
    tn_slice slice;
    bool sliced;
} cli_values;

/* Begins to read a tensor as elements of `dtype`, its own or one that it can be cast to; `slice`
 * may be NULL. Always end with values_clear. Errors: those of reading, TN_E_USAGE for the slice. */
tn_status values_start(cli_values *values, tn_context *ctx, tn_reader *reader,
                       const tn_tensor *tensor, tn_dtype dtype, const char *slice, tn_error *err);
/* Gives the next element of a tensor with fixed-size elements. */
tn_status values_next(cli_values *values, const void **element_out, tn_error *err);
/* Gives the next string. */
tn_str values_string(cli_values *values);
/* Gives the next bytes of a tensor of fixed size, as many as are at hand; 0 at the end. */
tn_status values_block(cli_values *values, const void **bytes_out, size_t *len_out, tn_error *err);
/* Checks after the last element the sums that are still open, and that the cast could hold every
 * value. Errors also: TN_E_OVERFLOW. */
tn_status values_end(cli_values *values, tn_error *err);
void values_clear(cli_values *values);

#endif
