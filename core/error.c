#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/text.h"
#include <tenon/text.h>

typedef struct status_row {
    const char *word;
    int exit_code;
} status_row;

/* The one table of exit codes. A user learns from it what to do next, so it never changes. */
static const status_row statuses[] = {
    [TN_OK] = {"ok", 0},
    [TN_NO] = {"no", 1},
    [TN_USAGE] = {"usage", 2},
    [TN_RULE_FILE] = {"rule_file", 2},
    [TN_NO_MATCH] = {"no_match", 2},
    [TN_NOT_FOUND] = {"not_found", 3},
    [TN_UNKNOWN_FORMAT] = {"unknown_format", 3},
    [TN_UNSUPPORTED] = {"unsupported", 3},
    [TN_READ] = {"read", 3},
    [TN_CORRUPT] = {"corrupt", 4},
    [TN_WRITE] = {"write", 5},
    [TN_EXISTS] = {"exists", 5},
    [TN_LIMIT] = {"limit", 6},
    [TN_NOMEM] = {"nomem", 6},
    [TN_VERIFY] = {"verify", 7},
    [TN_UNSAFE] = {"unsafe", 8},
    [TN_CANCELLED] = {"cancelled", 130},
};

typedef struct code_row {
    const char *name;
    tn_status status;
    const char *meaning;
} code_row;

static const code_row codes[TN_CODE_COUNT] = {
    [TN_E_NONE] = {"TN_E_NONE", TN_OK, "there is no error"},
#define TN_CODE(code, status, meaning) [code] = {#code, TN_##status, meaning},
#include <tenon/codes.def>
#undef TN_CODE
};

static const status_row *status_about(tn_status status)
{
    return &statuses[(unsigned)status <= TN_CANCELLED ? status : TN_OK];
}

static const code_row *code_about(tn_code code)
{
    return &codes[(unsigned)code < TN_CODE_COUNT ? code : TN_E_NONE];
}

int tn_status_exit_code(tn_status status)
{
    return status_about(status)->exit_code;
}

const char *tn_status_word(tn_status status)
{
    return status_about(status)->word;
}

const char *tn_code_name(tn_code code)
{
    return code_about(code)->name;
}

const char *tn_code_meaning(tn_code code)
{
    return code_about(code)->meaning;
}

tn_status tn_code_status(tn_code code)
{
    return code_about(code)->status;
}

/* Formats into a text field of an error: nothing that could move a terminal's cursor gets in. */
TN_PRINTF(3, 0)
static void format_field(char field[TN_ERROR_TEXT], bool keep_lines, const char *format,
                         va_list args)
{
    char raw[TN_ERROR_TEXT];
    int wanted = vsnprintf(raw, sizeof raw, format, args);
    tn_str text = tn_str_of(wanted < 0 ? "" : raw);
    if (wanted >= (int)sizeof raw) {
        text.len = tni_utf8_floor(text);
    }
    tni_escape_sentence(text, keep_lines, field, TN_ERROR_TEXT);
}

tn_status tni_fail(tn_error *err, tn_code code, const char *format, ...)
{
    if (err == NULL) {
        return tn_code_status(code);
    }
    if (err->code == TN_E_NONE) {
        va_list args;
        va_start(args, format);
        format_field(err->message, false, format, args);
        va_end(args);
        err->code = code;
        err->status = tn_code_status(code);
    }
    return err->status;
}

static tn_code code_of_errno(tn_code code, int sys_errno)
{
    if (code == TN_E_DURABILITY) {
        return code; /* that the output is in place is what counts */
    }
    if (sys_errno == ENOMEM) {
        return TN_E_NOMEM;
    }
    if (code == TN_E_WRITE && (sys_errno == ENOSPC || sys_errno == EDQUOT)) {
        return TN_E_NO_SPACE;
    }
    return code;
}

tn_status tni_fail_errno(tn_error *err, tn_code code, int sys_errno, const char *format, ...)
{
    char sentence[TN_ERROR_TEXT];
    char room[128];
    code = code_of_errno(code, sys_errno);
    if (err == NULL || err->code != TN_E_NONE) {
        return tni_fail(err, code, "%s", "");
    }
    va_list args;
    va_start(args, format);
    format_field(sentence, false, format, args);
    va_end(args);
    err->sys_errno = sys_errno;
    return tni_fail(err, code, "%s: %s", sentence, strerror_r(sys_errno, room, sizeof room));
}

void tni_error_path(tn_error *err, const char *path)
{
    if (err != NULL && path != NULL && err->path[0] == '\0') {
        tn_escape(tn_str_of(path), err->path, sizeof err->path);
    }
}

void tni_error_offset(tn_error *err, uint64_t offset)
{
    if (err != NULL && !err->has_offset) {
        err->has_offset = true;
        err->offset = offset;
    }
}

void tni_error_place(tn_error *err, uint32_t line, uint32_t column)
{
    if (err != NULL && err->line == 0) {
        err->line = line;
        err->column = column;
    }
}

void tni_error_subject(tn_error *err, tn_str name)
{
    if (err != NULL && name.data != NULL && err->subject[0] == '\0') {
        tn_escape(name, err->subject, sizeof err->subject);
    }
}

void tni_error_hint(tn_error *err, const char *format, ...)
{
    if (err != NULL && err->hint[0] == '\0') {
        va_list args;
        va_start(args, format);
        format_field(err->hint, true, format, args);
        va_end(args);
    }
}

void tni_error_hint_line(tn_error *err, const char *format, ...)
{
    char line[TN_ERROR_TEXT];
    if (err == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    format_field(line, true, format, args);
    va_end(args);
    size_t used = strlen(err->hint), len = strlen(line);
    if (used + 1 + len < sizeof err->hint) {
        snprintf(err->hint + used, sizeof err->hint - used, "%s%s", used == 0 ? "" : "\n", line);
    }
}
