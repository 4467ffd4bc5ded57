/* Freezing a graph, in parts: what the outputs need, what becomes of each node, where the
 * variables' values are, and how all of it is written. */
#ifndef TN_FORMATS_SAVED_MODEL_FREEZE_H
#define TN_FORMATS_SAVED_MODEL_FREEZE_H

#include "core/buffer.h"
#include "formats/saved_model/index.h"
#include "io/output.h"
#include "model/model.h"

/* What becomes of a node. */
typedef enum tni_sm_fate {
    TNI_SM_DROPPED,
    TNI_SM_KEPT,     /* byte for byte */
    TNI_SM_CONSTANT, /* a variable */
    TNI_SM_REWRITTEN /* it took a variable's handle or reference, and now takes its value */
} tni_sm_fate;

/* A variable that becomes a constant. */
typedef struct tni_sm_frozen {
    uint32_t node;
    uint64_t type;           /* DataType number */
    const tn_tensor *tensor; /* of the checkpoint, or a part of one */
    uint64_t bytes;          /* of its content; 0 for strings, which stand in the message's head */
    uint64_t offset;         /* of its content in the output */
} tni_sm_frozen;

/* A part of the output. */
typedef enum tni_sm_part_kind {
    TNI_SM_PART_HEAD,  /* bytes of `head` */
    TNI_SM_PART_IMAGE, /* bytes of the graph's image that is in memory */
    TNI_SM_PART_FILE,  /* a range of the graph's file */
    TNI_SM_PART_VALUE  /* the content of a variable */
} tni_sm_part_kind;

typedef struct tni_sm_part {
    tni_sm_part_kind kind;
    uint64_t from; /* in `head`, in the image, in the file; or which variable */
    uint64_t bytes;
} tni_sm_part;

typedef struct tni_sm_freeze {
    tn_context *ctx;
    tn_graph *graph;
    tni_sm_meta *meta;
    tni_arena arena;
    uint8_t *fate;           /* tni_sm_fate by own node */
    uint32_t *origin;        /* by own node: the variable that its output stands for as a handle or
                                reference, itself for a variable; TN_NO_INDEX: none */
    uint32_t *rewritten_for; /* by own node: the variable that it is rewritten for */
    bool *functions;         /* by function: needed */
    tni_sm_frozen *values;
    uint32_t n_values;
    uint32_t *value_of;            /* by own node: its index in `values` */
    tn_model *checkpoint;          /* NULL: no variable is needed */
    tni_buffer head;               /* what is made anew */
    tni_buffer parts;              /* of tni_sm_part */
    uint64_t size;                 /* of the output */
    uint32_t n_nodes, n_functions; /* of the output */
    const tn_str *outputs;         /* the operations asked for */
    size_t n_outputs;
} tni_sm_freeze;

/* Marks the nodes that the outputs need, over inputs, control inputs and colocation, and the
 * functions that these call. Errors: TN_E_NO_MATCH (no such output), TN_E_CORRUPT (an input that is
 * not there), TN_E_UNSUPPORTED (a function with variables of its own). */
tn_status tni_sm_freeze_reach(tni_sm_freeze *f, tn_error *err);

/* Says what becomes of each node that is needed, and lists the variables. Errors: TN_E_UNSUPPORTED
 * (an operation does more with a variable than read it). */
tn_status tni_sm_freeze_fates(tni_sm_freeze *f, tn_error *err);

/* Opens the checkpoint and finds each variable's value in it. Errors: TN_E_NOT_FOUND (there is
 * none, or it lacks one), TN_E_CORRUPT (another dtype or shape than the graph's), TN_E_CANNOT_HOLD,
 * and those of opening. */
tn_status tni_sm_freeze_values(tni_sm_freeze *f, tn_error *err);

/* Lays the whole output out. Errors: TN_E_CANNOT_HOLD (more than protobuf can hold), TN_E_NOMEM. */
tn_status tni_sm_freeze_layout(tni_sm_freeze *f, tn_error *err);
/* Writes it, values streamed, with the stored sums of the checkpoint checked; gives the sum of all
 * that was written. */
tn_status tni_sm_freeze_write(tni_sm_freeze *f, tn_sink *sink, uint32_t *crc_out, tn_error *err);
/* Reads the staged file back: its bytes by their sum, its nodes, and where each variable's value
 * lies. Errors: TN_E_VERIFY, TN_E_CANNOT_HOLD (an operation whose type hides that it is a graph).
 */
tn_status tni_sm_freeze_read_back(const tni_sm_freeze *f, const char *path, uint32_t crc,
                                  tn_error *err);

/* Parts of the library, and what a gradient begins with. */
enum { TNI_SM_LIBRARY_GRADIENT = TNI_LEN(2), TNI_SM_GRADIENT_NAME = TNI_LEN(1) };
/* Calls `each` with every field of the GraphDef, and with those of its library. */
void tni_sm_graph_fields(const tni_sm_freeze *f,
                         void (*each)(void *state, bool in_library, const tni_wire_field *field),
                         void *state);
/* Makes the table from names to functions; of two equal names the last counts. Clear in any case.
 */
tn_status tni_sm_hash_functions(const tni_sm_freeze *f, tni_hash *functions_out, tn_error *err);

/* How an operation's name changes with its input; NULL: none of ours. */
typedef struct tni_sm_rewrite {
    const char *op, *to;
    bool passes; /* its output is a handle or reference still */
    bool refs;   /* it takes references, else handles */
} tni_sm_rewrite;
const tni_sm_rewrite *tni_sm_rewrite_of(tn_str op, bool refs);

/* Appends the tag and length of a field. */
void tni_sm_put_head(tni_buffer *out, uint32_t tag, uint64_t length);
/* Appends a field of bytes, and one of a number. */
void tni_sm_put_bytes(tni_buffer *out, uint32_t tag, tn_str bytes);
void tni_sm_put_number(tni_buffer *out, uint32_t tag, uint64_t number);
/* Appends a Const node, as a field of the graph, up to its content. Strings are appended whole.
 * Errors: TN_E_NOMEM, and those of reading strings. */
tn_status tni_sm_put_constant(tni_sm_freeze *f, const tni_sm_frozen *value, tn_error *err);
/* Appends a rewritten node as a field of the graph. `axis` is the name of the constant that a
 * gather takes; none. Errors: TN_E_NOMEM. */
tn_status tni_sm_put_rewritten(tni_sm_freeze *f, uint32_t node, tn_str axis, tn_error *err);
/* Appends the constant 0 as a field of the graph: the axis of a gather, of the dtype of its
 * indices. */
tn_status tni_sm_put_axis(tni_sm_freeze *f, uint32_t node, tn_str name, tn_error *err);

/* Fails with TN_E_UNSUPPORTED or TN_E_CORRUPT at a node. */
tn_status tni_sm_freeze_fail(const tni_sm_freeze *f, tn_code code, uint32_t node, const char *what,
                             tn_error *err);

#endif
