/* Constants of SavedModels and graphs (tensorflow/core/protobuf/saved_model.proto,
 * meta_graph.proto, saver.proto, saved_object_graph.proto; tensorflow/core/framework/graph.proto,
 * node_def.proto, attr_value.proto, function.proto, op_def.proto, tensor.proto, variable.proto,
 * types.proto; tensorflow/cc/saved_model/constants.h). Tags are compared with tni_wire_field.tag.
 */
#ifndef TN_FORMATS_SAVED_MODEL_LAYOUT_H
#define TN_FORMATS_SAVED_MODEL_LAYOUT_H

#include "formats/shared/wire.h"
#include <tenon/dtype.h>

#define TNI_SM_PB "saved_model.pb"
#define TNI_SM_TEXT "saved_model.pbtxt"
#define TNI_SM_CHUNKED "saved_model.cpb"
#define TNI_SM_META_SUFFIX ".meta"
#define TNI_SM_VARIABLES "variables/variables"
#define TNI_SM_CHUNKED_MAGIC "\x83\xaf\x70\xd1\x0d\x88\x4a\x3f"

#define TNI_LEN(number) TNI_WIRE_TAG(number, TNI_WIRE_LEN)
#define TNI_VAR(number) TNI_WIRE_TAG(number, TNI_WIRE_VARINT)

enum {
    TNI_SM_MAX_RANK = 254, /* of tensorflow/core/framework/tensor_shape.h */

    SAVED_MODEL_META_GRAPH = TNI_LEN(2),

    META_INFO = TNI_LEN(1),
    META_GRAPH_DEF = TNI_LEN(2),
    META_SAVER = TNI_LEN(3),
    META_COLLECTION = TNI_LEN(4),
    META_SIGNATURE = TNI_LEN(5),
    META_ASSET = TNI_LEN(6),
    META_OBJECTS = TNI_LEN(7),
    INFO_OP_LIST = TNI_LEN(2),
    INFO_TAG = TNI_LEN(4),
    INFO_TF_VERSION = TNI_LEN(5),
    INFO_TF_GIT_VERSION = TNI_LEN(6),
    SAVER_FILE_TENSOR = TNI_LEN(1),
    SAVER_SAVE_TENSOR = TNI_LEN(2),
    SAVER_RESTORE_OP = TNI_LEN(3),
    ASSET_TENSOR = TNI_LEN(1),
    ASSET_FILE = TNI_LEN(2),
    ANY_TYPE = TNI_LEN(1),
    ANY_VALUE = TNI_LEN(2),

    MAP_KEY = TNI_LEN(1), /* of a map's entry with string keys */
    MAP_VALUE = TNI_LEN(2),

    COLLECTION_NODES = TNI_LEN(1),
    COLLECTION_BYTES = TNI_LEN(2),
    COLLECTION_INT64 = TNI_LEN(3),
    COLLECTION_FLOAT = TNI_LEN(4),
    COLLECTION_ANY = TNI_LEN(5),
    COLLECTION_ITEM = TNI_LEN(1),
    VARIABLE_NAME = TNI_LEN(1),
    VARIABLE_SLICE = TNI_LEN(4),
    VARIABLE_TRAINABLE = TNI_VAR(7),
    SLICE_FULL_NAME = TNI_LEN(1),

    SIGNATURE_INPUT = TNI_LEN(1),
    SIGNATURE_OUTPUT = TNI_LEN(2),
    SIGNATURE_METHOD = TNI_LEN(3),
    TENSOR_INFO_NAME = TNI_LEN(1),
    TENSOR_INFO_DTYPE = TNI_VAR(2),
    TENSOR_INFO_SHAPE = TNI_LEN(3),

    GRAPH_NODE = TNI_LEN(1),
    GRAPH_LIBRARY = TNI_LEN(2),
    GRAPH_VERSIONS = TNI_LEN(4),
    LIBRARY_FUNCTION = TNI_LEN(1),
    FUNCTION_SIGNATURE = TNI_LEN(1),
    FUNCTION_NODE = TNI_LEN(3),
    NODE_NAME = TNI_LEN(1),
    NODE_OP = TNI_LEN(2),
    NODE_INPUT = TNI_LEN(3),
    NODE_ATTR = TNI_LEN(5),
    ATTR_LIST = TNI_LEN(1),
    ATTR_STRING = TNI_LEN(2),
    ATTR_INT = TNI_VAR(3),
    ATTR_TYPE = TNI_VAR(6),
    ATTR_SHAPE = TNI_LEN(7),
    ATTR_TENSOR = TNI_LEN(8),
    LIST_TYPE = 6, /* packed or not */
    LIST_SHAPE = TNI_LEN(7),
    SHAPE_DIM = TNI_LEN(2),
    SHAPE_UNKNOWN_RANK = TNI_VAR(3),
    DIM_SIZE = TNI_VAR(1),

    OP_LIST_OP = TNI_LEN(1),
    OP_NAME = TNI_LEN(1),
    OP_OUTPUT = TNI_LEN(3),
    OP_ATTR = TNI_LEN(4),
    ARG_TYPE = TNI_VAR(3),
    ARG_TYPE_ATTR = TNI_LEN(4),
    ARG_NUMBER_ATTR = TNI_LEN(5),
    ARG_TYPE_LIST_ATTR = TNI_LEN(6),
    ARG_IS_REF = TNI_VAR(16),
    ATTR_DEF_NAME = TNI_LEN(1),
    ATTR_DEF_DEFAULT = TNI_LEN(3),

    TENSOR_DTYPE = TNI_VAR(1),
    TENSOR_SHAPE = TNI_LEN(2),
    TENSOR_CONTENT = TNI_LEN(4),
    TENSOR_STRING = TNI_LEN(8),

    OBJECTS_NODE = TNI_LEN(1),
    OBJECT_CHILD = TNI_LEN(1),
    OBJECT_SLOT = TNI_LEN(3),
    OBJECT_VARIABLE = TNI_LEN(7),
    CHILD_NODE = TNI_VAR(1),
    CHILD_NAME = TNI_LEN(2),
    SLOT_ORIGINAL = TNI_VAR(1),
    SLOT_NAME = TNI_LEN(2),
    SLOT_NODE = TNI_VAR(3),
    SAVED_VARIABLE_TRAINABLE = TNI_VAR(3),
    SAVED_VARIABLE_NAME = TNI_LEN(6)
};

/* DataType numbers that are spoken of; `_REF` types are 100 more. */
enum { TNI_SM_DT_STRING = 7, TNI_SM_DT_RESOURCE = 20, TNI_SM_DT_VARIANT = 21, TNI_SM_REF = 100 };

#endif
