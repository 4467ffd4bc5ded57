#include "cli/brackets.h"
#include "cli/errors.h"
#include "cli/get.h"
#include "cli/json.h"
#include "cli/values.h"

/* Writes a string; one that is not UTF-8 as {"b64": …}. */
static void string_value(tn_json_out *out, tn_str text)
{
    if (tn_utf8_valid(text)) {
        tn_json_str(out, text);
        return;
    }
    tn_json_object(out);
    tn_json_key(out, "b64");
    tn_json_base64(out, text.data, text.len);
    tn_json_object_end(out);
}

/* Writes nested arrays; on failure those that are open are closed, so that the document stays one.
 */
static tn_status elements(tn_json_out *out, cli_values *values, tn_error *err)
{
    cli_brackets at;
    uint32_t opened = 0;
    tn_status status = TN_OK;
    brackets_init(&at, values->rank, values->shape);
    for (uint64_t i = 0; i < values->count && status == TN_OK; i++) {
        const void *element = NULL;
        for (uint32_t open = brackets_open(&at); open > 0; open--, opened++) {
            tn_json_array(out);
        }
        if (values->strings != NULL) {
            string_value(out, values_string(values));
        } else {
            status = values_next(values, &element, err);
        }
        if (element != NULL) {
            tn_json_number(out, values->dtype, element);
        }
        uint32_t close = status == TN_OK ? brackets_close(&at) : opened;
        for (; close > 0; close--, opened--) {
            tn_json_array_end(out);
        }
        brackets_step(&at);
    }
    brackets_clear(&at);
    return status;
}

static tn_status tensor(const cli_get *get, tn_json_out *out, size_t n, tn_error *err)
{
    cli_values values;
    const tn_tensor *tensor = choice_at(get->choice, n);
    tn_status status = get_start(get, n, &values, err);
    if (status == TN_OK && values.strings == NULL && values.size == 0) {
        tn_escape(tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
        status = cli_fail(err, TN_E_UNSUPPORTED, "values of dtype %s are packed and have no text",
                          tn_dtype_about(tensor->dtype)->name);
        cli_hint(err, "--as raw");
    }
    if (status != TN_OK) {
        values_clear(&values);
        return status;
    }
    tn_json_object(out);
    json_name(out, tensor->alias[get->choice->scheme]);
    tn_json_key(out, "dtype");
    json_dtype(out, values.dtype);
    tn_json_key(out, "shape");
    json_shape(out, values.rank, values.shape);
    tn_json_key(out, "values");
    if (values.count == 0) {
        tn_json_array(out);
        tn_json_array_end(out);
    }
    status = elements(out, &values, err);
    if (status == TN_OK) {
        status = values_end(&values, err);
    }
    tn_json_object_end(out);
    values_clear(&values);
    return status;
}

tn_status get_json(const cli_get *get, tn_error *err)
{
    tn_status status = TN_OK;
    tn_json_out *out = json_begin(get->cli);
    tn_json_key(out, "tensors");
    tn_json_array(out);
    for (size_t i = 0; i < get->choice->count && status == TN_OK; i++) {
        status = tensor(get, out, i, err);
    }
    tn_json_array_end(out);
    return status;
}
