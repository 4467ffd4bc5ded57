/* What casts did to values, for rules that ask: `{cast: f16, report: [max_abs_err, subnormals]}`.
 */
#ifndef TN_CONVERTERS_CAST_REPORT_H
#define TN_CONVERTERS_CAST_REPORT_H

#include <tenon/convert.h>

typedef enum tni_cast_figure {
    TNI_CAST_MAX_ABS_ERR,
    TNI_CAST_INEXACT,
    TNI_CAST_SUBNORMALS,
    TNI_CAST_OVERFLOWS,
    TNI_CAST_NANS,
    TNI_CAST_FIGURES
} tni_cast_figure;

/* Returns the word that a rule file has for a figure. */
const char *tni_cast_word(tni_cast_figure figure);

/* Reads what is cast by rules that ask for a report, and adds to the plan's warnings a note for
 * each tensor that it comes from (code "cast-report"). Each is read once more than the conversion
 * does. Errors: of reading, TN_E_OVERFLOW. */
tn_status tni_cast_report(tn_plan *plan, tn_error *err);

#endif
