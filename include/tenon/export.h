/* The library's version and the mark of what it exports. */
#ifndef TENON_EXPORT_H
#define TENON_EXPORT_H

#define TN_VERSION "0.1.0"

/* Everything else in the library is hidden (-fvisibility=hidden). */
#define TN_API __attribute__((visibility("default")))

/* Checks the arguments of a printf-like function at compile time. */
#define TN_PRINTF(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))

#endif
