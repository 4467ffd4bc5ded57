/* The --cast flags: [PATTERN=]DTYPE, all together one stage. */
#include "converters/rules/rule.h"
#include <tenon/text.h>

static tn_status read_dtype(const char *argument, const char *word, tni_rule_op *op, tn_error *err)
{
    *op = (tni_rule_op){.kind = TNI_RULE_CAST, .dtype = tn_dtype_find(tn_str_of(word))};
    if (op->dtype != TN_DTYPE_NONE &&
        (tn_cast_known(TN_FLOAT32, op->dtype) || tn_cast_known(TN_COMPLEX64, op->dtype))) {
        return TN_OK;
    }
    tn_status status =
        tni_fail(err, TN_E_USAGE, "--cast '%s': nothing casts to '%s'", argument, word);
    tni_error_hint(err, "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 int8 … int64 "
                        "uint8 … uint64 bool, or short: f32 bf16 i8");
    return status;
}

/* Compiles what stands before the last '='; without one, all floating tensors are meant. */
static tn_status read_pattern(tni_arena *arena, const tni_ruleset *set, const char *argument,
                              size_t len, tni_rule *rule, tn_error *err)
{
    tni_sides sides = {TN_LIT("**"), TN_STR_NONE};
    tn_str text = TN_STR_NONE;
    int side;
    size_t at;
    tn_status status = TN_OK;
    if (len > 0) {
        status = tni_arena_str(arena, (tn_str){argument, len}, &text, err);
        if (status == TN_OK && !tn_unescape((char *)(uintptr_t)text.data, &text.len)) {
            status = tni_fail(err, TN_E_USAGE, "--cast '%s': a malformed escape", argument);
        }
        sides.from = text;
        rule->argument = text;
    }
    return status == TN_OK ? tni_rule_compile(arena, set, NULL, sides, rule, &side, &at, err)
                           : status;
}

static tn_status read_flag(tni_arena *arena, const tni_ruleset *set, const char *argument,
                           size_t number, tni_rule *rule, tn_error *err)
{
    void *block;
    const char *equals = strrchr(argument, '=');
    const char *word = equals == NULL ? argument : equals + 1;
    tn_status status = tni_arena_alloc(arena, sizeof(tni_rule_op), &block, err);
    if (status == TN_OK) {
        status = read_dtype(argument, word, block, err);
    }
    if (status == TN_OK && equals == argument) {
        status = tni_fail(err, TN_E_USAGE, "--cast '%s': the pattern is empty", argument);
    }
    if (status == TN_OK) {
        status = tni_arena_format(arena, &((tni_rule_op *)block)->text, err, "cast %s", word);
    }
    if (status == TN_OK) {
        status = tni_arena_format(arena, &rule->place, err, "--cast %zu", number);
    }
    if (status == TN_OK) {
        rule->operates = true;
        rule->floats_only = true;
        rule->deed = TNI_DEED_RENAME;
        rule->ops = block;
        rule->n_ops = 1;
        status = read_pattern(arena, set, argument,
                              equals == NULL ? 0 : (size_t)(equals - argument), rule, err);
    }
    return status;
}

tn_status tni_casts_of_flags(tni_arena *arena, const char *const *cast, size_t count,
                             tni_ruleset *set, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, count, sizeof(tni_rule), &block, err);
    set->unmatched = TNI_UNMATCHED_KEEP;
    set->rules = status == TN_OK ? block : NULL;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = read_flag(arena, set, cast[i], i + 1, &set->rules[set->count++], err);
    }
    return status;
}
