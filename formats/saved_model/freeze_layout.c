/* The output of a freeze, part by part: nodes in the graph's order, new constants behind them, the
 * functions that are called, the versions. */
#include "core/checked.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/saved_model/freeze.h"
#include <stdio.h>

enum {
    GRAPH_VERSION = TNI_VAR(3), /* before there was: */
    LIBRARY_REGISTERED = TNI_LEN(3)
};

static void add_part(tni_sm_freeze *f, tni_sm_part_kind kind, uint64_t from, uint64_t bytes)
{
    tni_sm_part part = {kind, from, bytes};
    if (bytes > 0) {
        tni_buffer_add(&f->parts, &part, sizeof part);
    }
    if (!tni_add_u64(f->size, bytes, &f->size)) {
        f->size = UINT64_MAX; /* far too much, which is said at the end */
    }
}

/* Adds what was put into the head since it had `from` bytes. */
static void add_head(tni_sm_freeze *f, size_t from)
{
    add_part(f, TNI_SM_PART_HEAD, from, f->head.len - from);
}

/* Gives where a message of the image begins in the file, or in the image if that is all there is,
 * and how long it is there: with the values that the image left out. */
static uint64_t place_of(const tni_sm_freeze *f, tn_str message, uint64_t *bytes_out)
{
    const tni_sm_image *image = &f->graph->image;
    if (image->source == NULL) {
        *bytes_out = message.len;
        return message.len == 0 ? 0 : (uint64_t)(message.data - image->data);
    }
    uint64_t from = tni_sm_image_offset(image, message.data);
    *bytes_out = tni_sm_image_offset(image, message.data + message.len) - from;
    return from;
}

/* Adds a message as it is, as a field. */
static void add_message(tni_sm_freeze *f, uint32_t tag, tn_str message)
{
    uint64_t bytes, from = place_of(f, message, &bytes);
    size_t head = f->head.len;
    tni_sm_put_head(&f->head, tag, bytes);
    add_head(f, head);
    add_part(f, f->graph->image.source == NULL ? TNI_SM_PART_IMAGE : TNI_SM_PART_FILE, from, bytes);
}

static tn_status add_value(tni_sm_freeze *f, uint32_t index, tn_error *err)
{
    tni_sm_frozen *value = &f->values[index];
    size_t head = f->head.len;
    tn_status status = tni_sm_put_constant(f, value, err);
    if (status == TN_OK && value->tensor->dtype == TN_STRING) { /* many may show one tensor */
        status = tni_check_limit(f->head.len, f->ctx->limits.decoded_bytes, "decoded-bytes", err);
    }
    if (status == TN_OK) {
        add_head(f, head);
        value->offset = f->size;
        add_part(f, TNI_SM_PART_VALUE, index, value->bytes);
    }
    return status;
}

static bool is_gather(const tni_sm_freeze *f, uint32_t node)
{
    return f->fate[node] == TNI_SM_REWRITTEN &&
           tn_str_equal(f->meta->nodes[node].op, TN_LIT("ResourceGather"));
}

/* Finds a name that no node has for the axis of a gather. */
static tn_status axis_name(tni_sm_freeze *f, uint32_t node, tn_str *name_out, tn_error *err)
{
    enum { TRIES = 1000 };
    tn_str name = f->meta->nodes[node].name;
    for (unsigned i = 0; i < TRIES; i++) {
        char number[16] = "";
        if (i > 0) {
            snprintf(number, sizeof number, "_%u", i);
        }
        tn_status status = tni_arena_format(&f->arena, name_out, err, "%.*s/axis%s", (int)name.len,
                                            name.data, number);
        if (status != TN_OK || tni_sm_find(f->meta, *name_out) == TN_NO_INDEX) {
            return status;
        }
    }
    return tni_sm_freeze_fail(f, TN_E_UNSUPPORTED, node, "no name is left for its axis", err);
}

/* Adds a rewritten node. A gather of several batches is not what one axis says. */
static tn_status add_rewritten(tni_sm_freeze *f, uint32_t node, tn_str *axis_out, tn_error *err)
{
    tn_str value, axis = TN_STR_NONE;
    uint64_t batch = 0;
    size_t head = f->head.len;
    tn_status status = TN_OK;
    if (is_gather(f, node)) {
        if (tni_sm_attr(f->meta->nodes[node].message, TN_LIT("batch_dims"), &value) &&
            tni_sm_attr_number(value, ATTR_INT, &batch) && batch != 0) {
            return tni_sm_freeze_fail(f, TN_E_UNSUPPORTED, node,
                                      "a gather with batch_dims cannot be frozen", err);
        }
        status = axis_name(f, node, &axis, err);
    }
    if (status == TN_OK) {
        status = tni_sm_put_rewritten(f, node, axis, err);
    }
    if (status == TN_OK) {
        add_head(f, head);
        *axis_out = axis;
    }
    return status;
}

static tn_status add_nodes(tni_sm_freeze *f, tn_error *err)
{
    const tni_sm_meta *meta = f->meta;
    void *block;
    tn_status status = tni_arena_array(&f->arena, meta->n_own, sizeof(tn_str), &block, err);
    tn_str *axes = block;
    for (uint32_t i = 0; status == TN_OK && i < meta->n_own; i++) {
        switch ((tni_sm_fate)f->fate[i]) {
        case TNI_SM_DROPPED:
            continue;
        case TNI_SM_KEPT:
            add_message(f, GRAPH_NODE, meta->nodes[i].message);
            break;
        case TNI_SM_CONSTANT:
            status = add_value(f, f->value_of[i], err);
            break;
        case TNI_SM_REWRITTEN:
            status = add_rewritten(f, i, &axes[i], err);
            break;
        }
        f->n_nodes++;
    }
    for (uint32_t i = 0; status == TN_OK && i < meta->n_own; i++) {
        size_t head = f->head.len;
        if (is_gather(f, i)) {
            status = tni_sm_put_axis(f, i, axes[i], err);
            add_head(f, head);
            f->n_nodes++;
        }
    }
    return status;
}

/* Counts or adds the fields of the library that belong to functions that are needed. */
typedef struct library {
    tni_sm_freeze *f;
    const tni_hash *functions; /* by name */
    bool add;
    uint64_t bytes;
} library;

static void take_library_field(library *l, uint32_t tag, tn_str message)
{
    uint64_t bytes;
    uint8_t varint[10];
    (void)place_of(l->f, message, &bytes);
    l->bytes += 1 + tni_put_varint64(varint, bytes) + bytes;
    if (l->add) {
        add_message(l->f, tag, message);
    }
}

/* Gradients, of functions and of operations, begin with the name of a function. */
static void take_gradient(void *state, bool in_library, const tni_wire_field *field)
{
    library *l = state;
    tn_str name = TN_LIT("");
    if (!in_library ||
        (field->tag != TNI_SM_LIBRARY_GRADIENT && field->tag != LIBRARY_REGISTERED)) {
        return;
    }
    (void)tni_sm_attr_bytes(field->bytes, TNI_SM_GRADIENT_NAME, &name);
    uint32_t function = tni_hash_get(l->functions, name);
    if (function != TNI_HASH_NONE && l->f->functions[function]) {
        take_library_field(l, field->tag, field->bytes);
    }
}

static void take_library(library *l)
{
    const tni_sm_entries *functions = &l->f->meta->functions;
    for (uint32_t i = 0; i < functions->count; i++) {
        if (l->f->functions[i]) {
            take_library_field(l, LIBRARY_FUNCTION, functions->at[i].message);
            l->f->n_functions += l->add;
        }
    }
    tni_sm_graph_fields(l->f, take_gradient, l);
}

static tn_status add_library(tni_sm_freeze *f, tn_error *err)
{
    tni_hash functions;
    library count = {.f = f, .functions = &functions};
    tn_status status = tni_sm_hash_functions(f, &functions, err);
    if (status == TN_OK) {
        take_library(&count);
    }
    if (status == TN_OK && count.bytes > 0) {
        library add = {.f = f, .functions = &functions, .add = true};
        size_t head = f->head.len;
        tni_sm_put_head(&f->head, GRAPH_LIBRARY, count.bytes);
        add_head(f, head);
        take_library(&add);
    }
    tni_hash_clear(&functions);
    return status;
}

/* Versions are what a graph's operations are to be understood by. */
static void add_version(void *state, bool in_library, const tni_wire_field *field)
{
    tni_sm_freeze *f = state;
    size_t head = f->head.len;
    if (!in_library && field->tag == GRAPH_VERSIONS) {
        add_message(f, field->tag, field->bytes);
    } else if (!in_library && field->tag == GRAPH_VERSION) {
        tni_sm_put_number(&f->head, field->tag, field->number);
        add_head(f, head);
    }
}

tn_status tni_sm_freeze_layout(tni_sm_freeze *f, tn_error *err)
{
    enum { MOST = INT32_MAX }; /* bytes of a message, of protobuf */
    tn_status status = add_nodes(f, err);
    if (status == TN_OK) {
        status = add_library(f, err);
    }
    if (status == TN_OK) {
        tni_sm_graph_fields(f, add_version, f);
        status = tni_buffer_check(&f->head, err);
    }
    if (status == TN_OK) {
        status = tni_buffer_check(&f->parts, err);
    }
    if (status == TN_OK && f->size > MOST) {
        status = tni_fail(err, TN_E_CANNOT_HOLD,
                          "the frozen graph would have %llu bytes, and protobuf holds no message "
                          "of 2 GiB or more",
                          (unsigned long long)f->size);
        tni_error_hint(err, "choose outputs that need fewer variables");
    }
    return status;
}
