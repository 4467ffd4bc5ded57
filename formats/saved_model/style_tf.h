/* The parts of what saved_model_cli prints. */
#ifndef TN_FORMATS_SAVED_MODEL_STYLE_TF_H
#define TN_FORMATS_SAVED_MODEL_STYLE_TF_H

#include "core/buffer.h"
#include "formats/saved_model/index.h"

/* Prints the functions that hang on the object graph's root, with the arguments that they take.
 * Errors: TN_E_CORRUPT, TN_E_NOMEM. */
tn_status tni_sm_put_functions(tn_graph *graph, const tni_sm_meta *meta, tni_buffer *out,
                               tn_error *err);

/* Lists the types of all operations that a graph uses, itself or through functions that it calls,
 * in order, each once; not the functions themselves. Errors: TN_E_NOMEM. */
tn_status tni_sm_used_operations(tn_graph *graph, const tni_sm_meta *meta, tn_str **ops_out,
                                 size_t *count_out, tn_error *err);

/* Appends a value (StructuredValue) as Python's str() gives it; `quoted`: a string stands in
 * apostrophes. */
void tni_sm_put_value(tn_str value, bool quoted, tni_buffer *out);
/* What one argument is. */
typedef enum tni_sm_argument {
    TNI_SM_ARGUMENT_STRING,
    TNI_SM_ARGUMENT_TENSOR,
    TNI_SM_ARGUMENT_LIST, /* or a tuple */
    TNI_SM_ARGUMENT_DICT,
    TNI_SM_ARGUMENT_OTHER
} tni_sm_argument;
/* Says what a value is, with the name of its Python class and the message of its content. */
tni_sm_argument tni_sm_argument_of(tn_str value, const char **class_out, tn_str *content_out);

/* Of StructuredValue and its parts (tensorflow/core/protobuf/struct.proto). */
enum {
    VALUE_NONE = TNI_LEN(1),
    VALUE_FLOAT = TNI_WIRE_TAG(11, TNI_WIRE_I64),
    VALUE_INT = TNI_VAR(12),
    VALUE_STRING = TNI_LEN(13),
    VALUE_BOOL = TNI_VAR(14),
    VALUE_SHAPE = TNI_LEN(31),
    VALUE_DTYPE = TNI_VAR(32),
    VALUE_TENSOR = TNI_LEN(33),
    VALUE_TYPE_SPEC = TNI_LEN(34),
    VALUE_BOUNDED = TNI_LEN(35),
    VALUE_LIST = TNI_LEN(51),
    VALUE_TUPLE = TNI_LEN(52),
    VALUE_DICT = TNI_LEN(53),
    VALUE_NAMED_TUPLE = TNI_LEN(54),
    LIST_VALUE = TNI_LEN(1),
    DICT_FIELD = TNI_LEN(1),
    SPEC_NAME = TNI_LEN(1),
    SPEC_SHAPE = TNI_LEN(2),
    SPEC_DTYPE = TNI_VAR(3)
};

#endif
