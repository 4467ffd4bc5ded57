/* The text of a commit marker. */
#include "core/crc32c.h"
#include "core/error.h"
#include "io/redo.h"

#include <inttypes.h>
#include <stdio.h>

static const char HEAD[] = "tenon-commit 1\n";

/* The last line: "crc32c " and eight hexadecimal digits. */
enum { SUM_LINE = 7 + 8 + 1 };

static void add_name(tni_buffer *text, const char *keyword, tn_str name)
{
    tni_buffer_format(text, "%s %zu ", keyword, name.len);
    tni_buffer_str(text, name);
    tni_buffer_char(text, '\n');
}

static void sum_line(tn_str covered, char out[SUM_LINE + 1])
{
    snprintf(out, SUM_LINE + 1, "crc32c %08" PRIx32 "\n", tni_crc32c(0, covered.data, covered.len));
}

void tni_redo_text(const tni_redo *redo, tni_buffer *text)
{
    tni_buffer_text(text, HEAD);
    add_name(text, "staging", redo->staging);
    tni_buffer_text(text, redo->replace ? "replace yes\n" : "replace no\n");
    for (size_t i = 0; i < redo->n_install; i++) {
        add_name(text, "install", redo->install[i]);
    }
    for (size_t i = 0; i < redo->n_remove; i++) {
        add_name(text, "remove", redo->remove[i]);
    }
    char sum[SUM_LINE + 1];
    sum_line((tn_str){text->data, text->len}, sum);
    tni_buffer_text(text, sum);
}

/* Takes `head` off the front of the rest; false if it does not stand there. */
static bool take(tn_str *rest, tn_str head)
{
    if (!tn_str_starts(*rest, head)) {
        return false;
    }
    *rest = tn_str_skip(*rest, head.len);
    return true;
}

/* Takes "KEYWORD LEN NAME\n" off the front; the name is plain. False: something else stands there,
 * and the rest is as it was. */
static bool take_name(tn_str *rest, tn_str keyword, tn_str *name_out)
{
    tn_str left = *rest;
    if (!take(&left, keyword)) {
        return false;
    }
    size_t len = 0;
    size_t digits = 0;
    while (digits < left.len && digits < 3 && left.data[digits] >= '0' &&
           left.data[digits] <= '9') {
        len = len * 10 + (size_t)(left.data[digits] - '0');
        digits++;
    }
    left = tn_str_skip(left, digits);
    if (digits == 0 || !take(&left, TN_LIT(" ")) || left.len <= len || left.data[len] != '\n') {
        return false;
    }
    tn_str name = tn_str_first(left, len);
    if (!tni_name_plain(name)) {
        return false;
    }
    *name_out = name;
    *rest = tn_str_skip(left, len + 1);
    return true;
}

/* Reads all lines; false where the text is malformed. `names` has room for all of them. */
static bool parse_lines(tn_str rest, tn_str *names, tni_redo *redo)
{
    if (!take(&rest, tn_str_of(HEAD)) || !take_name(&rest, TN_LIT("staging "), &redo->staging)) {
        return false;
    }
    redo->replace = take(&rest, TN_LIT("replace yes\n"));
    if (!redo->replace && !take(&rest, TN_LIT("replace no\n"))) {
        return false;
    }
    redo->install = names;
    while (take_name(&rest, TN_LIT("install "), &redo->install[redo->n_install])) {
        redo->n_install++;
    }
    redo->remove = names + redo->n_install;
    while (take_name(&rest, TN_LIT("remove "), &redo->remove[redo->n_remove])) {
        redo->n_remove++;
    }
    return rest.len == 0 && redo->n_install > 0;
}

static bool sum_fits(tn_str text)
{
    if (text.len < SUM_LINE) {
        return false;
    }
    char sum[SUM_LINE + 1];
    sum_line(tn_str_first(text, text.len - SUM_LINE), sum);
    return memcmp(text.data + text.len - SUM_LINE, sum, SUM_LINE) == 0;
}

/* The marker could have been planted: it may only speak of what a writer would have written. */
static tn_status check_names(const tni_redo *redo, tn_str marker, tni_arena *arena, tn_error *err)
{
    char belongs[TNI_NAME_ROOM] = "";
    if (tni_is_staging(redo->staging)) {
        tni_marker_of_staging(redo->staging, belongs);
    }
    bool safe = tn_str_equal(tn_str_of(belongs), marker);
    void *block;
    tn_status status = tni_arena_array(arena, redo->n_install, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_names sorted = {block, redo->n_install};
    memcpy(sorted.at, redo->install, redo->n_install * sizeof(tn_str));
    tni_names_sort(&sorted);
    for (size_t i = 0; i < redo->n_install; i++) {
        safe = safe && !tni_name_reserved(redo->install[i]);
    }
    for (size_t i = 0; i < redo->n_remove; i++) {
        safe =
            safe && !tni_name_reserved(redo->remove[i]) && !tni_names_has(&sorted, redo->remove[i]);
    }
    return safe ? TN_OK : tni_fail(err, TN_E_UNSAFE, "this commit marker was not written by tenon");
}

tn_status tni_redo_parse(tn_str text, tn_str marker, tni_arena *arena, tni_redo *redo_out,
                         tn_error *err)
{
    if (!sum_fits(text)) {
        return tni_fail(err, TN_E_CORRUPT, "the commit marker is damaged: its checksum differs");
    }
    tn_str lines = tn_str_first(text, text.len - SUM_LINE);
    void *block;
    /* The shortest line with a name is "remove 1 x\n". One more: a slot to try the next line on. */
    tn_status status = tni_arena_array(arena, lines.len / 11 + 1, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_redo redo = {0};
    if (!parse_lines(lines, block, &redo)) {
        return tni_fail(err, TN_E_CORRUPT, "the commit marker breaks the rules of its format");
    }
    status = check_names(&redo, marker, arena, err);
    if (status == TN_OK) {
        *redo_out = redo;
    }
    return status;
}
