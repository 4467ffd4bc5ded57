#include <stdlib.h>

#include "cli/errors.h"
#include "cli/ls_text.h"

/* TensorFlow's names of element types (types.proto). */
static const char *tensorflow_dtype(tn_dtype dtype)
{
    static const char *const names[TN_DTYPE_COUNT] = {
        [TN_BOOL] = "DT_BOOL",
        [TN_INT2] = "DT_INT2",
        [TN_INT4] = "DT_INT4",
        [TN_INT8] = "DT_INT8",
        [TN_INT16] = "DT_INT16",
        [TN_INT32] = "DT_INT32",
        [TN_INT64] = "DT_INT64",
        [TN_UINT2] = "DT_UINT2",
        [TN_UINT4] = "DT_UINT4",
        [TN_UINT8] = "DT_UINT8",
        [TN_UINT16] = "DT_UINT16",
        [TN_UINT32] = "DT_UINT32",
        [TN_UINT64] = "DT_UINT64",
        [TN_FLOAT16] = "DT_HALF",
        [TN_BFLOAT16] = "DT_BFLOAT16",
        [TN_FLOAT32] = "DT_FLOAT",
        [TN_FLOAT64] = "DT_DOUBLE",
        [TN_FLOAT8_E4M3FN] = "DT_FLOAT8_E4M3FN",
        [TN_FLOAT8_E5M2] = "DT_FLOAT8_E5M2",
        [TN_FLOAT8_E4M3FNUZ] = "DT_FLOAT8_E4M3FNUZ",
        [TN_FLOAT8_E4M3B11FNUZ] = "DT_FLOAT8_E4M3B11FNUZ",
        [TN_FLOAT8_E5M2FNUZ] = "DT_FLOAT8_E5M2FNUZ",
        [TN_FLOAT4_E2M1FN] = "DT_FLOAT4_E2M1FN",
        [TN_COMPLEX64] = "DT_COMPLEX64",
        [TN_COMPLEX128] = "DT_COMPLEX128",
        [TN_QINT8] = "DT_QINT8",
        [TN_QINT16] = "DT_QINT16",
        [TN_QINT32] = "DT_QINT32",
        [TN_QUINT8] = "DT_QUINT8",
        [TN_QUINT16] = "DT_QUINT16",
        [TN_STRING] = "DT_STRING",
        [TN_VARIANT] = "DT_VARIANT",
    };
    return names[dtype];
}

typedef struct key_line {
    tn_str key;
    const tn_tensor *tensor;
} key_line;

static int by_key(const void *a, const void *b)
{
    const key_line *one = a, *two = b;
    return tn_str_compare(one->key, two->key);
}

/* Prints a key as it is, as TensorFlow does, and the shape without spaces. */
static void print_line(const key_line *line)
{
    const tn_tensor *tensor = line->tensor;
    fwrite(line->key.data, 1, line->key.len, stdout);
    printf(" (%s) [", tensorflow_dtype(tensor->dtype));
    for (uint32_t i = 0; i < tensor->rank; i++) {
        printf("%s%lld", i == 0 ? "" : ",", (long long)tensor->shape[i]);
    }
    fputs("]\n", stdout);
}

tn_status ls_tensorflow(const cli_choice *choice, tn_error *err)
{
    for (size_t i = 0; i < choice->count; i++) {
        const tn_tensor *tensor = choice_at(choice, i);
        if (tensorflow_dtype(tensor->dtype) == NULL) {
            tn_escape(tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
            cli_error_path(err, tn_model_path(choice->model));
            return cli_fail(err, TN_E_IMPOSSIBLE, "TensorFlow has no dtype %s",
                            tn_dtype_about(tensor->dtype)->name);
        }
    }
    key_line *lines = memory(calloc(choice->count + 1, sizeof *lines));
    for (size_t i = 0; i < choice->count; i++) {
        lines[i] = (key_line){choice_name(choice, i), choice_at(choice, i)};
    }
    qsort(lines, choice->count, sizeof *lines, by_key);
    for (size_t i = 0; i < choice->count; i++) {
        print_line(&lines[i]);
    }
    free(lines);
    return TN_OK;
}
