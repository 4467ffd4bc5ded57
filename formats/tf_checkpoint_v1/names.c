#include "formats/tf_checkpoint_v1/names.h"
#include "formats/shared/tf_shard.h"
#include "formats/tf_checkpoint_v1/layout.h"
#include <inttypes.h>
#include <string.h>

bool tni_v1_name_parse(tn_str name, tn_str *prefix_out, uint64_t *shards_out)
{
    size_t at = name.len;
    while (at > 0 && !tn_str_starts(tn_str_skip(name, at), TN_LIT("-of-"))) {
        at--;
    }
    tn_str before = tn_str_first(name, at);
    const char *dash = before.len == 0 ? NULL : memrchr(before.data, '-', before.len);
    if (dash == NULL || dash == name.data) {
        return false;
    }
    tn_str prefix = tn_str_first(name, (size_t)(dash - name.data));
    uint64_t shard, shards;
    bool pattern;
    if (tn_str_ends(prefix, TN_LIT(".data")) ||
        !tni_tf_shard_numbers(tn_str_skip(name, prefix.len + 1), &shard, &shards, &pattern) ||
        shard >= shards) {
        return false;
    }
    *prefix_out = prefix;
    *shards_out = shards;
    return true;
}

tn_status tni_v1_name_shard(tn_str prefix, uint64_t shard, uint64_t shards, tni_arena *arena,
                            tn_str *name_out, tn_error *err)
{
    return tni_arena_format(arena, name_out, err, "%.*s-%05" PRIu64 "-of-%05" PRIu64,
                            (int)prefix.len, prefix.data, shard, shards);
}

tn_status tni_v1_name_pattern(tn_str prefix, uint64_t shards, tni_arena *arena, tn_str *name_out,
                              tn_error *err)
{
    return tni_arena_format(arena, name_out, err,
                            "%.*s-?????"
                            "-of-%05" PRIu64,
                            (int)prefix.len, prefix.data, shards);
}

bool tni_v1_name_main(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out)
{
    tn_str prefix, suffix = TN_LIT(TNI_V1_META_SUFFIX);
    uint64_t shards;
    if (tni_v1_name_parse(name, &prefix, &shards)) {
        return tni_v1_name_shard(prefix, 0, shards, arena, main_out, NULL) == TN_OK;
    }
    if (name.len <= suffix.len || !tn_str_ends(name, suffix)) {
        return false;
    }
    tn_str stem = tn_str_first(name, name.len - suffix.len);
    if (!tni_names_has(siblings, stem)) {
        return false;
    }
    *main_out = stem;
    return true;
}
