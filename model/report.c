#include <tenon/report.h>

#include <stdarg.h>
#include <stdio.h>

#include "core/arena.h"

enum { SEVERITIES = TN_SEVERITY_ERROR + 1, FIRST_ROOM = 16 };

struct tn_report {
    tn_context *ctx;
    tni_arena arena; /* strings and shapes */
    tn_finding *findings;
    size_t count, room;
    size_t by_severity[SEVERITIES];
};

tn_report *tn_report_new(tn_context *ctx)
{
    void *block = NULL;
    if (tni_alloc_array(ctx, 1, sizeof(tn_report), &block, NULL) != TN_OK) {
        return NULL;
    }
    tn_report *report = block;
    report->ctx = ctx;
    tni_arena_init(&report->arena, ctx, ctx->limits.memory);
    return report;
}

void tn_report_free(tn_report *report)
{
    if (report != NULL) {
        tni_arena_clear(&report->arena);
        tni_free(report->ctx, report->findings);
        tni_free(report->ctx, report);
    }
}

size_t tn_report_count(const tn_report *report)
{
    return report->count;
}

const tn_finding *tn_report_at(const tn_report *report, size_t index)
{
    return &report->findings[index];
}

size_t tn_report_severity(const tn_report *report, tn_severity severity)
{
    return (unsigned)severity < SEVERITIES ? report->by_severity[severity] : 0;
}

/* Appends a finding whose strings the report owns already. */
static tn_status append(tn_report *report, const tn_finding *finding, tn_error *err)
{
    if (report->count == report->room) {
        size_t room = report->room == 0 ? FIRST_ROOM : report->room * 2;
        size_t bytes = room > SIZE_MAX / sizeof *finding ? SIZE_MAX : room * sizeof *finding;
        void *findings = report->findings;
        tn_status status = tni_resize(report->ctx, &findings, bytes, err);
        if (status != TN_OK) {
            return status;
        }
        report->findings = findings;
        report->room = room;
    }
    report->findings[report->count++] = *finding;
    report->by_severity[finding->severity]++;
    return TN_OK;
}

static tn_status keep_text(tn_report *report, tn_str *text, tn_error *err)
{
    return text->data == NULL ? TN_OK : tni_arena_str(&report->arena, *text, text, err);
}

static tn_status keep_code(tn_report *report, const char **code, tn_error *err)
{
    tn_str text = tn_str_of(*code);
    tn_status status = keep_text(report, &text, err);
    *code = text.data;
    return status;
}

static tn_status keep_shape(tn_report *report, tn_form *form, tn_error *err)
{
    void *shape = NULL;
    if (!form->has || form->rank == 0) {
        return TN_OK;
    }
    tn_status status =
        tni_arena_array(&report->arena, form->rank, sizeof *form->shape, &shape, err);
    if (status == TN_OK) {
        memcpy(shape, form->shape, form->rank * sizeof *form->shape);
        form->shape = shape;
    }
    return status;
}

tn_status tn_report_add(tn_report *report, const tn_finding *finding, tn_error *err)
{
    tn_finding copy = *finding;
    tn_str *const texts[] = {&copy.name, &copy.other, &copy.message, &copy.rule, &copy.fix};
    tn_status status = keep_code(report, &copy.code, err);
    for (size_t i = 0; status == TN_OK && i < sizeof texts / sizeof texts[0]; i++) {
        status = keep_text(report, texts[i], err);
    }
    if (status == TN_OK) {
        status = keep_shape(report, &copy.expected, err);
    }
    if (status == TN_OK) {
        status = keep_shape(report, &copy.found, err);
    }
    return status == TN_OK ? append(report, &copy, err) : status;
}

tn_status tn_report_say(tn_report *report, tn_severity severity, const char *code, tn_str name,
                        tn_error *err, const char *format, ...)
{
    va_list args, again;
    void *sentence = NULL;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    size_t room = len < 0 ? 1 : (size_t)len + 1;
    tn_status status = tni_arena_alloc(&report->arena, room, &sentence, err);
    if (status == TN_OK) {
        vsnprintf(sentence, room, format, again);
    }
    va_end(again);
    va_end(args);
    if (status != TN_OK) {
        return status;
    }
    tn_finding finding = {.code = code, .severity = severity, .name = name};
    finding.message = (tn_str){sentence, room - 1};
    status = keep_code(report, &finding.code, err);
    if (status == TN_OK) {
        status = keep_text(report, &finding.name, err);
    }
    return status == TN_OK ? append(report, &finding, err) : status;
}
