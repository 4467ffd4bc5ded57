#include "converters/rules/regex.h"

#include "converters/rules/lexer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* What PCRE2 needs for matching; one matcher's. */
struct tni_regex_room {
    tn_context *ctx;
    pcre2_general_context *general;
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

bool tni_is_regex(tn_str text)
{
    return tn_str_starts(text, TN_LIT("re:"));
}

static void *arena_malloc(size_t bytes, void *arena)
{
    void *block;
    return tni_arena_alloc(arena, bytes, &block, NULL) == TN_OK ? block : NULL;
}

/* What lies in an arena goes with it. */
static void arena_free(void *block, void *arena)
{
    (void)block;
    (void)arena;
}

static void *context_malloc(size_t bytes, void *ctx)
{
    void *block;
    return tni_alloc(ctx, bytes, &block, NULL) == TN_OK ? block : NULL;
}

static void context_free(void *block, void *ctx)
{
    tni_free(ctx, block);
}

static tn_status no_memory(tn_error *err)
{
    return tni_fail(err, TN_E_NOMEM, "out of memory");
}

static tn_status wrong(int number, tn_error *err)
{
    PCRE2_UCHAR text[160];
    if (number == PCRE2_ERROR_NOMEMORY || number == PCRE2_ERROR_HEAP_FAILED) {
        return no_memory(err);
    }
    pcre2_get_error_message(number, text, sizeof text);
    return tni_fail(err, TN_E_RULE, "the regular expression is wrong: %s", (const char *)text);
}

static tn_status count_groups(tn_pattern *pattern, tn_error *err)
{
    uint32_t groups = 0;
    pcre2_pattern_info(pattern->regex, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups > TNI_HOLES_MOST) {
        return tni_fail(err, TN_E_RULE, "the regular expression has more than %d groups",
                        TNI_HOLES_MOST);
    }
    pattern->n_slots = groups;
    return TN_OK;
}

tn_status tni_regex_compile(tni_arena *arena, tn_pattern *pattern, size_t *at_out, tn_error *err)
{
    tn_str text = tn_str_skip(pattern->source, 3);
    int number = 0;
    PCRE2_SIZE offset = 0;
    *at_out = 3;
    if (text.len == 0 || text.len > TNI_PATTERN_BYTES) {
        return text.len == 0 ? tni_fail(err, TN_E_RULE, "the regular expression is empty")
                             : tni_fail(err, TN_E_RULE, "the pattern is longer than %d bytes",
                                        TNI_PATTERN_BYTES);
    }
    pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_free, arena);
    pcre2_compile_context *limits = general == NULL ? NULL : pcre2_compile_context_create(general);
    if (limits == NULL) {
        return no_memory(err);
    }
    pcre2_set_parens_nest_limit(limits, TNI_REGEX_NESTING);
    pattern->regex = pcre2_compile((PCRE2_SPTR)text.data, text.len,
                                   PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY,
                                   &number, &offset, limits);
    pattern->kind = TNI_REGEX;
    *at_out = 3 + offset;
    return pattern->regex == NULL ? wrong(number, err) : count_groups(pattern, err);
}

void tni_regex_room_free(struct tni_regex_room *room)
{
    if (room != NULL) {
        pcre2_match_data_free(room->data);
        pcre2_match_context_free(room->limits);
        pcre2_general_context_free(room->general);
        tni_free(room->ctx, room);
    }
}

static tn_status make_room(tni_matcher *matcher, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(matcher->ctx, 1, sizeof(struct tni_regex_room), &block, err);
    if (status != TN_OK) {
        return status;
    }
    struct tni_regex_room *room = block;
    matcher->regex = room;
    room->ctx = matcher->ctx;
    room->general = pcre2_general_context_create(context_malloc, context_free, matcher->ctx);
    if (room->general != NULL) {
        room->limits = pcre2_match_context_create(room->general);
        room->data = pcre2_match_data_create(TNI_HOLES_MOST + 1, room->general);
    }
    if (room->limits == NULL || room->data == NULL) {
        return no_memory(err);
    }
    pcre2_set_match_limit(room->limits, TNI_REGEX_STEPS);
    pcre2_set_depth_limit(room->limits, TNI_REGEX_DEPTH);
    pcre2_set_heap_limit(room->limits, TNI_REGEX_HEAP_KIB);
    return TN_OK;
}

/* Sets the bindings; groups count from 1. */
static void bind(tni_matcher *matcher, tn_str name, uint32_t groups, uint32_t matched)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(matcher->regex->data);
    for (uint32_t i = 1; i <= groups; i++) {
        bool took_part = i < matched && ends[2 * i] != PCRE2_UNSET;
        tn_str text = took_part ? (tn_str){name.data + ends[2 * i], ends[2 * i + 1] - ends[2 * i]}
                                : tn_str_first(name, 0);
        matcher->bound[i - 1] = (tni_binding){text, NULL};
    }
}

static tn_status stopped(const tn_pattern *pattern, int number, tn_error *err)
{
    int shown = pattern->source.len > 200 ? 200 : (int)pattern->source.len;
    if (number == PCRE2_ERROR_NOMEMORY) {
        return no_memory(err);
    }
    tn_status status = tni_fail(err, TN_E_LIMIT,
                                "the regular expression '%.*s' would be searched for too long in "
                                "this name",
                                shown, pattern->source.data);
    tni_error_hint(err, "typed holes are never slow: {x}, {x:**}, {i:int}, {x:a|b}");
    return status;
}

tn_status tni_regex_match(const tn_pattern *pattern, tni_matcher *matcher, tn_str name,
                          bool *found_out, tn_error *err)
{
    tn_status status = matcher->regex == NULL ? make_room(matcher, err) : TN_OK;
    if (status != TN_OK) {
        return status;
    }
    int result = pcre2_match(pattern->regex, (PCRE2_SPTR)name.data, name.len, 0,
                             PCRE2_ANCHORED | PCRE2_ENDANCHORED, matcher->regex->data,
                             matcher->regex->limits);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH) {
        return stopped(pattern, result, err);
    }
    *found_out = result > 0;
    if (result > 0) {
        bind(matcher, name, pattern->n_slots, (uint32_t)result);
    }
    return TN_OK;
}

char tni_regex_separator(tn_str text)
{
    if (memchr(text.data, '/', text.len) != NULL) {
        return '/';
    }
    return memmem(text.data, text.len, "\\.", 2) != NULL ? '.' : 0;
}

tn_str tni_regex_word(tn_str text, size_t *at)
{
    size_t start = *at;
    while (start < text.len && !tni_is_name_byte(text.data[start])) {
        start += text.data[start] == '\\' && start + 1 < text.len ? 2 : 1;
    }
    size_t end = start;
    while (end < text.len && tni_is_name_byte(text.data[end])) {
        end++;
    }
    *at = end;
    return tn_str_first(tn_str_skip(text, start), end - start);
}
