#include "formats/shared/table_first.h"
#include "core/cursor.h"

enum { V2_FIRST = 0x08, V1_FIRST = 0x0A };

/* Reads the first entry of a block that is stored plainly from here on. */
static tni_first first_entry(tni_cursor cursor)
{
    uint32_t shared, unshared, length;
    uint8_t first;
    if (!tni_get_varint32(&cursor, &shared) || !tni_get_varint32(&cursor, &unshared) ||
        !tni_get_varint32(&cursor, &length) || !tni_get_u8(&cursor, &first) || shared != 0 ||
        unshared != 0 || length == 0) {
        return TNI_FIRST_UNKNOWN;
    }
    return first == V2_FIRST ? TNI_FIRST_V2 : first == V1_FIRST ? TNI_FIRST_V1 : TNI_FIRST_UNKNOWN;
}

/* Steps over what stands before the first literal of a Snappy block: the plain length and the
 * literal's tag, whose low bits are 0 and whose length may follow in up to four bytes. */
static bool skip_snappy_head(tni_cursor *cursor)
{
    enum { LONGEST_IN_TAG = 59 };
    uint32_t plain;
    uint8_t tag;
    if (!tni_get_varint32(cursor, &plain) || plain == 0 || !tni_get_u8(cursor, &tag) ||
        (tag & 3) != 0) {
        return false;
    }
    unsigned length = tag >> 2;
    return length <= LONGEST_IN_TAG || tni_skip(cursor, length - LONGEST_IN_TAG);
}

tni_first tni_table_first(const uint8_t *head, size_t len)
{
    tni_cursor cursor = tni_cursor_of(head, len);
    tni_first found = first_entry(cursor);
    if (found == TNI_FIRST_UNKNOWN && skip_snappy_head(&cursor)) {
        found = first_entry(cursor);
    }
    return found;
}
