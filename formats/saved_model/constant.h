/* Constants of graphs: TensorProto as a tensor's values (tensorflow/core/framework/tensor.cc). */
#ifndef TN_FORMATS_SAVED_MODEL_CONSTANT_H
#define TN_FORMATS_SAVED_MODEL_CONSTANT_H

#include "formats/saved_model/index.h"
#include "model/model.h"

/* What a TensorProto says. */
typedef struct tni_sm_tensor {
    tn_str message;
    tn_dtype dtype;
    bool valued; /* false: a handle or variant, of which there are no values */
    tni_sm_shape shape;
    int64_t elements;
    bool has_content;
    tn_str content; /* little-endian, row-major; or strings with their lengths before them */
} tni_sm_tensor;

/* Parses a TensorProto; dimensions come from the arena. Errors: TN_E_CORRUPT (damaged, a dtype that
 * TensorFlow does not have, a shape that is not known), TN_E_NOMEM. */
tn_status tni_sm_tensor_parse(tn_str message, tni_arena *arena, tni_sm_tensor *tensor_out,
                              tn_error *err);
/* Returns the DataType's dtype; TN_DTYPE_NONE for none. A `_REF` type is that of its values. */
tn_dtype tni_sm_dtype(uint64_t number);
/* Returns the DataType's name without DT_: "FLOAT"; NULL for a number that TensorFlow has not. */
const char *tni_sm_dtype_word(uint64_t number);

/* Fills a leaf, whose dtype, elements and context are set, with the constant's values: a range of
 * the file where they lie there as they are, else a decoder of the numbers that the message lists
 * (the last one is repeated). Errors: TN_E_CORRUPT (content of another length than the shape's),
 * TN_E_UNSUPPORTED, TN_E_LIMIT ("decoded-bytes"), TN_E_NOMEM. */
tn_status tni_sm_constant_leaf(const tni_sm_image *image, const tni_sm_tensor *tensor,
                               tni_arena *arena, tni_leaf *leaf, tn_error *err);
/* Reads a constant of strings whole. Errors: as tni_sm_tensor_parse and decoding. */
tn_status tni_sm_constant_strings(const tni_sm_image *image, tn_str message, tni_arena *arena,
                                  tn_str **strings_out, size_t *count_out, tn_error *err);

#endif
