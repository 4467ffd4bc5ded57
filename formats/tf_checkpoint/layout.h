/* Constants of TensorFlow's checkpoint format V2 (tensorflow/core/util/tensor_bundle/, naming.cc;
 * tensorflow/python/trackable/constants.py, trackable_utils.py). */
#ifndef TN_FORMATS_TF_CHECKPOINT_LAYOUT_H
#define TN_FORMATS_TF_CHECKPOINT_LAYOUT_H

#include "formats/shared/tf_message.h"
#include <tenon/dtype.h>

#define TNI_TF_INDEX_SUFFIX ".index"
#define TNI_TF_DATA_SUFFIX ".data-" /* then SHARD-of-SHARDS, five digits or more each */
#define TNI_TF_META_SUFFIX ".meta"

#define TNI_TF_OBJECT_GRAPH "_CHECKPOINTABLE_OBJECT_GRAPH"
#define TNI_TF_GRAPH_CARRIER "tf_object_graph" /* the document of a model that holds one */
#define TNI_TF_SAVE_COUNTER "save_counter"     /* what tf.train.Checkpoint.restore wants to find */
#define TNI_TF_VARIABLE_VALUE "VARIABLE_VALUE"
#define TNI_TF_ATTRIBUTES "/.ATTRIBUTES/"
#define TNI_TF_VARIABLE_SUFFIX TNI_TF_ATTRIBUTES TNI_TF_VARIABLE_VALUE

enum { TNI_TF_STRING_SUM = 4 /* bytes of a length checksum */ };

/* Returns tenon's dtype for a DataType number (tensorflow/core/framework/types.proto), or
 * TN_DTYPE_NONE: nothing that a checkpoint stores. */
tn_dtype tni_tf_dtype(uint64_t number);
/* Returns the DataType number of a dtype, or 0: TensorFlow has none for it. */
int32_t tni_tf_dtype_number(tn_dtype dtype);

#endif
