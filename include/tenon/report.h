/* Reports: findings of checks, kept apart from errors. A report only grows; it is printed as text
 * or JSON. */
#ifndef TENON_REPORT_H
#define TENON_REPORT_H

#include <tenon/context.h>
#include <tenon/dtype.h>
#include <tenon/str.h>

/* How much a finding matters: only an error makes a check fail. */
typedef enum tn_severity { TN_SEVERITY_NOTE, TN_SEVERITY_WARNING, TN_SEVERITY_ERROR } tn_severity;

/* A shape and dtype that was expected or found. `has` false: not known or not the point. */
typedef struct tn_form {
    bool has;
    tn_dtype dtype;
    uint32_t rank;
    const int64_t *shape;
    bool any_shape; /* not known at all; rank and shape are not set then */
} tn_form;

/* Differences of values, counted over all elements of a pair. */
typedef struct tn_value_difference {
    bool has;
    double max_abs, max_rel;
    uint64_t max_ulp;
    uint64_t differ; /* elements */
} tn_value_difference;

/* One finding. All strings live as long as the report. */
typedef struct tn_finding {
    const char *code; /* stable words, listed in docs/codes.md: "missing", "different" … */
    tn_severity severity;
    tn_str name;  /* TN_STR_NONE where no tensor is meant */
    tn_str other; /* the name on the other side */
    tn_form expected, found;
    tn_value_difference values;
    tn_str message; /* a sentence for people */
    tn_str rule;    /* the rule that would repair it, as YAML or `--rename` text */
    tn_str fix;     /* a whole command */
} tn_finding;

typedef struct tn_report tn_report;

/* Makes an empty report; NULL without memory. Free with tn_report_free (NULL is fine). */
TN_API tn_report *tn_report_new(tn_context *ctx);
TN_API void tn_report_free(tn_report *report);
/* Returns the number of findings, and each of them (0 <= index < count), in the order they came. */
TN_API size_t tn_report_count(const tn_report *report);
TN_API const tn_finding *tn_report_at(const tn_report *report, size_t index);
/* Counts the findings of one severity. */
TN_API size_t tn_report_severity(const tn_report *report, tn_severity severity);
/* Copies a finding with all its strings into the report. Errors: TN_E_NOMEM. */
TN_API tn_status tn_report_add(tn_report *report, const tn_finding *finding, tn_error *err);
/* Adds a finding that is only a code, a name (may be TN_STR_NONE) and a sentence. */
TN_API tn_status tn_report_say(tn_report *report, tn_severity severity, const char *code,
                               tn_str name, tn_error *err, const char *format, ...) TN_PRINTF(6, 7);

#endif
