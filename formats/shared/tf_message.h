/* Messages that both of TensorFlow's checkpoint formats are made of: VersionDef, TensorShapeProto,
 * TensorSliceProto (tensorflow/core/framework/versions.proto, tensor_shape.proto,
 * tensor_slice.proto). Each walk reads one message that is in memory and allocates nothing. */
#ifndef TN_FORMATS_SHARED_TF_MESSAGE_H
#define TN_FORMATS_SHARED_TF_MESSAGE_H

#include "core/context.h"
#include <tenon/str.h>

enum {
    TNI_TF_WHOLE = -1,    /* the length of an extent that says none: the whole dimension */
    TNI_TF_VERSION = 1,   /* of both formats, as a consumer */
    TNI_TF_MAX_RANK = 254 /* of tensorflow/core/framework/tensor_shape.h */
};

/* What a VersionDef says. Begin with all zero: a message that occurs twice is merged. */
typedef struct tni_tf_version {
    int32_t producer, min_consumer;
    bool refuses; /* this consumer's version is in bad_consumers */
} tni_tf_version;

/* What a TensorShapeProto says. Begin with rank 0 and both marks false. */
typedef struct tni_tf_shape {
    int64_t size[TNI_TF_MAX_RANK];
    uint32_t rank;
    bool unknown_rank, too_many_dims;
} tni_tf_shape;

/* Reads a version; false if the message is damaged. */
bool tni_tf_version_walk(tn_str message, tni_tf_version *version);
/* Checks a version as CheckVersions of tensorflow/core/framework/versions.cc does. Errors:
 * TN_E_CORRUPT, TN_E_UNSUPPORTED (readers like this one must not read the file). */
tn_status tni_tf_version_check(const tni_tf_version *version, tn_error *err);
/* Reads a shape; false if the message is damaged. */
bool tni_tf_shape_walk(tn_str message, tni_tf_shape *shape);
/* Reads a slice's extents as they stand (a whole dimension without a length is 0, TNI_TF_WHOLE)
 * into start and length, `rank` of each; false if the message is damaged or of another rank. */
bool tni_tf_slice_walk(tn_str message, uint32_t rank, int64_t *start, int64_t *length);

#endif
