#include "cli/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/print.h"

void *memory(void *block)
{
    if (block == NULL) {
        fputs("tenon: there is not enough memory\n", stderr);
        exit(tn_status_exit_code(TN_NOMEM));
    }
    return block;
}

tn_status cli_fail(tn_error *err, tn_code code, const char *format, ...)
{
    if (err->status == TN_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->message, sizeof err->message, format, arguments);
        va_end(arguments);
        err->code = code;
        err->status = tn_code_status(code);
    }
    return err->status;
}

tn_status cli_fail_errno(tn_error *err, int sys_errno, const char *format, ...)
{
    char what[TN_ERROR_TEXT / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    tn_code code = sys_errno == ENOSPC || sys_errno == EDQUOT ? TN_E_NO_SPACE : TN_E_WRITE;
    if (err->status == TN_OK) {
        err->sys_errno = sys_errno;
    }
    return cli_fail(err, code, "%s: %s", what, strerror(sys_errno));
}

void cli_hint(tn_error *err, const char *format, ...)
{
    size_t used = strlen(err->hint);
    if (used > 0 && used + 1 < sizeof err->hint) {
        err->hint[used++] = '\n';
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->hint + used, sizeof err->hint - used, format, arguments);
    va_end(arguments);
}

void cli_error_path(tn_error *err, const char *path)
{
    if (err->path[0] == '\0') {
        tn_escape(tn_str_of(path), err->path, sizeof err->path);
    }
}

/* Prints where in the path it is: the tensor, else line and column, else the offset. */
static void print_place(FILE *out, const tn_error *err)
{
    if (err->subject[0] != '\0') {
        fprintf(out, "%s: ", err->subject);
    } else if (err->line != 0) {
        fprintf(out, "%u:%u: ", err->line, err->column);
    } else if (err->has_offset) {
        fprintf(out, "offset %llu: ", (unsigned long long)err->offset);
    }
}

void error_print(const cli_state *cli, const tn_error *err)
{
    fprintf(stderr, "%stenon:%s ", paint_start(cli->color_err, PAINT_BAD),
            paint_start(cli->color_err, PAINT_PLAIN));
    static const tn_code codes[] = {TN_E_RULE,   TN_E_NO_MATCH, TN_E_EXPECT,   TN_E_NO_INVERSE,
                                    TN_E_UNSAFE, TN_E_USAGE,    TN_E_NOT_FOUND};
    bool in_rules = false;
    for (size_t i = 0; err->line != 0 && i < sizeof codes / sizeof *codes; i++) {
        in_rules = in_rules || err->code == codes[i];
    }
    if (err->path[0] != '\0' && in_rules) {
        fprintf(stderr, "%s:%u:%u: ", err->path, err->line, err->column);
    } else if (err->path[0] != '\0') {
        fprintf(stderr, "%s: ", err->path);
    }
    if (!in_rules) {
        print_place(stderr, err);
    }
    fprintf(stderr, "%s\n", err->message);
    const char *hint = err->hint;
    while (*hint != '\0') {
        size_t span = strcspn(hint, "\n");
        fprintf(stderr, "  hint: %.*s\n", (int)span, hint);
        hint += span + (hint[span] == '\n');
    }
}

static const char *severity_word(tn_severity severity)
{
    return severity == TN_SEVERITY_NOTE      ? "note"
           : severity == TN_SEVERITY_WARNING ? "warning"
                                             : "error";
}

static void finding_line(const cli_state *cli, const char *path, const tn_finding *finding)
{
    if (cli->json) {
        tn_json_out out;
        json_line_begin(&out, stderr);
        tn_json_key(&out, "path");
        tn_json_text(&out, path);
        tn_json_key(&out, "finding");
        json_finding(&out, finding);
        json_line_end(&out);
        return;
    }
    fputs("tenon: ", stderr);
    print_escaped(stderr, tn_str_of(path));
    fprintf(stderr, ": %s: ", severity_word(finding->severity));
    if (finding->name.data != NULL) {
        print_escaped(stderr, finding->name);
        fputs(": ", stderr);
    }
    fprintf(stderr, "%.*s\n", (int)finding->message.len, finding->message.data);
    if (finding->fix.len > 0) {
        fprintf(stderr, "  hint: %.*s\n", (int)finding->fix.len, finding->fix.data);
    }
}

void notes_print(const cli_state *cli, const char *path, const tn_report *report)
{
    for (size_t i = 0; !cli->set->quiet && i < tn_report_count(report); i++) {
        finding_line(cli, path, tn_report_at(report, i));
    }
}

void note_print(const cli_state *cli, const char *path, const tn_finding *note)
{
    if (!cli->set->quiet) {
        finding_line(cli, path, note);
    }
}
