#include "formats/shared/tf_shard.h"

#include <string.h>

enum { LEAST_DIGITS = 5, MOST_DIGITS = 10 };

static bool read_number(tn_str text, uint64_t *number_out)
{
    uint64_t number = 0;
    if (text.len < LEAST_DIGITS || text.len > MOST_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = 10 * number + (uint64_t)(text.data[i] - '0');
    }
    *number_out = number;
    return true;
}

static bool is_pattern(tn_str text)
{
    size_t marks = 0;
    while (marks < text.len && text.data[marks] == '?') {
        marks++;
    }
    return marks == text.len && marks >= LEAST_DIGITS && marks <= MOST_DIGITS;
}

bool tni_tf_shard_numbers(tn_str text, uint64_t *shard_out, uint64_t *shards_out, bool *pattern_out)
{
    const char *of = memmem(text.data, text.len, "-of-", 4);
    if (of == NULL) {
        return false;
    }
    tn_str shard = tn_str_first(text, (size_t)(of - text.data));
    tn_str shards = tn_str_skip(text, shard.len + 4);
    uint64_t first = 0, count;
    bool pattern = pattern_out != NULL && is_pattern(shard);
    if ((!pattern && !read_number(shard, &first)) || !read_number(shards, &count)) {
        return false;
    }
    *shard_out = first;
    *shards_out = count;
    if (pattern_out != NULL) {
        *pattern_out = pattern;
    }
    return true;
}
