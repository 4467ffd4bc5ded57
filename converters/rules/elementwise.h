/* Operations on values one by one: casts, and sums with a number or another tensor. */
#ifndef TN_CONVERTERS_RULES_ELEMENTWISE_H
#define TN_CONVERTERS_RULES_ELEMENTWISE_H

#include "converters/ops/value.h"
#include "model/model.h"

/* A cast that a rule asks for. */
typedef struct tni_casting {
    tn_dtype dtype;
    tn_overflow overflow;
    unsigned report; /* bits by tni_cast_figure */
} tni_casting;

/* Casts a value; equal dtypes change nothing. What is made lives in the model. Errors: TN_E_OVERLAP
 * (it is cast already), TN_E_IMPOSSIBLE (no cast does this pair). */
tn_status tni_cast_value(tn_model *model, const tni_casting *how, tni_value *value, tn_error *err);
/* Adds scale · other + number to a value of real floats; `other` may be NULL. Errors: TN_E_SHAPE.
 */
tn_status tni_add_to_value(tn_model *model, const tni_value *other, double scale, double number,
                           tni_value *value, tn_error *err);
/* Puts the mean of values into the first of them: summed up in float64 in their order, divided and
 * rounded once. Errors: TN_E_SHAPE. */
tn_status tni_mean_of_values(tn_model *model, tni_value *values, size_t count, tn_error *err);

#endif
