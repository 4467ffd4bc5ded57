/* Fixtures that this build can read. */
#ifndef TN_TESTS_CONVERTERS_CONV_FIXTURES_H
#define TN_TESTS_CONVERTERS_CONV_FIXTURES_H

#include "formats/fixtures.h"
#include "formats/format.h"

/* Tells whether a fixture's format has a reader (a fixture may come before it) that works in this
 * process: HDF5 is read through a helper program, and the tests of its drawer start that. */
static inline bool fixture_readable(const json_t *expected)
{
    tn_str name = fixture_json_text(json_object_get(expected, "format"));
    const tn_format *format = tni_format_find(name);
    bool helped = tn_str_starts(name, TN_LIT("keras_"));
    return !helped && format != NULL && format->reader != NULL;
}

#endif
