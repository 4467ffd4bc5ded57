/* What can be read and written. */
#ifndef TENON_FORMATS_H
#define TENON_FORMATS_H

#include <tenon/dtype.h>

/* How a format's writer stores a dtype. */
typedef struct tn_format_dtype {
    tn_dtype dtype;
    bool stored; /* false: refused */
    tn_dtype as; /* equal to dtype: as is */
} tn_format_dtype;

/* What is to be known about one format. All pointers live for ever. */
typedef struct tn_format_info {
    const char *name, *title;
    const char *const *extensions; /* NULL-terminated */
    const char *const *notes;      /* NULL-terminated */
    bool reads, writes;
} tn_format_info;

/* Returns how many formats there are, and describes each (0 <= index < count). */
TN_API size_t tn_format_count(void);
TN_API tn_format_info tn_format_at(size_t index);
/* Tells how format `index` would write a dtype. */
TN_API tn_format_dtype tn_format_stores(size_t index, tn_dtype dtype);

#endif
