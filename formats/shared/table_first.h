/* Which of TensorFlow's two checkpoint formats a table holds, told by its first bytes. */
#ifndef TN_FORMATS_SHARED_TABLE_FIRST_H
#define TN_FORMATS_SHARED_TABLE_FIRST_H

#include <stddef.h>
#include <stdint.h>

typedef enum tni_first { TNI_FIRST_UNKNOWN, TNI_FIRST_V1, TNI_FIRST_V2 } tni_first;

/* Looks at the head of a table file: the key "" stands first, before the header of V2, which begins
 * with field 1 as a varint, or before the meta of V1, which begins with field 1 as a message. A
 * first block that is compressed with Snappy begins with these bytes as a literal. */
tni_first tni_table_first(const uint8_t *head, size_t len);

#endif
