/* Operations led back with the shapes and dtypes that a model's tensors have. */
#include "converters/rule_verbs/invert_file.h"
#include <inttypes.h>

/* A group of tensors on its way through the operations. Nothing but shapes and dtypes is known of
 * the values. */
typedef struct chain {
    tni_arena *room;
    const tn_model *model;
    const tni_rule *rule;
    const tni_made *made;
    tni_value *now;
    size_t count;
    tn_str *steps; /* by operation: what leads back; none: nothing has to */
    tni_buffer text;
} chain;

static void write_sizes(const int64_t *sizes, size_t count, tni_buffer *out)
{
    tni_buffer_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        tni_buffer_format(out, "%s%" PRId64, i == 0 ? "" : ", ", sizes[i]);
    }
    tni_buffer_char(out, ']');
}

/* Returns the axis of a dimension whose size follows from the others': one that the rule does not
 * give, if there is one. */
static uint32_t open_axis(const tni_rule_op *rule_op, const tni_op *back, uint32_t first,
                          uint32_t end)
{
    int64_t product = 1;
    uint32_t open = first;
    bool found = false;
    for (uint32_t i = first; i < end; i++) {
        uint32_t axis = tni_axes_find(rule_op->axes, back->axes->name[i]);
        bool given = rule_op->given != NULL && rule_op->given[axis];
        product *= back->sizes[i] != 0;
        open = given || found ? open : i;
        found = found || !given;
    }
    return product == 0 ? end : open; /* of nothing, no size follows */
}

/* Writes `, with: {…}`: the sizes without which dimensions cannot be cut. */
static void write_with(const tni_rule_op *rule_op, const tni_op *back, tni_buffer *out)
{
    bool any = false;
    const tni_axes_side *left = &back->axes->left;
    for (uint32_t d = 0, first = 0; d < left->rank; first = left->end[d++]) {
        uint32_t end = left->end[d];
        uint32_t open = end - first < 2 ? first : open_axis(rule_op, back, first, end);
        for (uint32_t i = first; i < end; i++) {
            if (i != open) {
                tni_buffer_text(out, any ? ", " : ", with: {");
                tni_buffer_str(out, back->axes->name[i]);
                tni_buffer_format(out, ": %" PRId64, back->sizes[i]);
                any = true;
            }
        }
    }
    tni_buffer_text(out, any ? "}" : "");
}

static bool are_equal(const int64_t *sizes, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (sizes[i] != sizes[0]) {
            return false;
        }
    }
    return true;
}

/* Writes an operation as a rule file has it. */
static void write_op(const tni_rule_op *rule_op, const tni_op *op, tni_buffer *out)
{
    bool counts = op->kind == TNI_OP_STACK || op->kind == TNI_OP_UNSTACK;
    tni_buffer_format(out, "{%s: ", tni_op_name(op->kind));
    if (op->kind == TNI_OP_TRANSPOSE || op->kind == TNI_OP_REARRANGE) {
        tni_buffer_char(out, '"');
        tni_buffer_str(out, op->axes->text);
        tni_buffer_char(out, '"');
        if (op->kind == TNI_OP_REARRANGE) {
            write_with(rule_op, op, out);
        }
    } else if (op->kind == TNI_OP_RESHAPE) {
        write_sizes(op->sizes, op->n_sizes, out);
    } else if (op->kind == TNI_OP_UNPARTITION) {
        tni_buffer_text(out, "{}");
    } else {
        tni_buffer_text(out, counts ? "{over: " : "{");
        tni_buffer_str(out, counts ? rule_op->over : TN_LIT(""));
        tni_buffer_format(out, "%saxis: %" PRId64, counts ? ", " : "", op->axis);
        if (op->groups > 1) {
            tni_buffer_format(out, ", groups: %" PRId64, op->groups);
        }
        if (op->n_sizes > 0 && (op->kind == TNI_OP_PARTITION || op->groups > 1 ||
                                !are_equal(op->sizes, op->n_sizes))) {
            tni_buffer_text(out, ", sizes: ");
            write_sizes(op->sizes, op->n_sizes, out);
        }
        tni_buffer_char(out, '}');
    }
    tni_buffer_char(out, '}');
}

/* Leaves the one dimension open in which the shapes that a reshape must lead back to differ. */
static bool generalise(const tni_value *values, size_t count, int64_t *shape)
{
    uint32_t rank = values->rank, open = rank;
    for (size_t i = 1; i < count; i++) {
        for (uint32_t k = 0; k < rank; k++) {
            if (values[i].rank != rank ||
                (values[i].shape[k] != shape[k] && open < rank && open != k)) {
                return false;
            }
            open = values[i].shape[k] != shape[k] ? k : open;
        }
    }
    for (uint32_t k = 0; k < rank && open < rank; k++) {
        if (k != open && shape[k] == 0) {
            return false;
        }
    }
    if (open < rank) {
        shape[open] = -1;
    }
    return true;
}

static tn_status unlike(const tni_rule_op *op, tn_error *err)
{
    return tni_fail(err, TN_E_RULE,
                    "'%.*s' was done with tensors of unlike shapes, and one "
                    "operation cannot lead all of them back",
                    (int)op->text.len, op->text.data);
}

/* Leads an operation back that takes values one by one: all of them by one operation. */
static tn_status turn_each(chain *c, size_t index, tn_error *err)
{
    const tni_rule_op *rule_op = &c->rule->ops[index];
    const tni_op *op = &c->made->how[index];
    tn_status status = TN_OK;
    tn_str all = TN_STR_NONE;
    if (op->kind == TNI_OP_UNPARTITION && c->count > 0 && c->now[0].slices == NULL) {
        return TN_OK;
    }
    /* One reshape must do for all tensors. */
    size_t count = op->kind == TNI_OP_RESHAPE && c->count > 0 ? 1 : c->count;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tni_op back;
        tni_buffer_reset(&c->text);
        status = tni_op_inverse(c->room, op, &c->now[i], 1, &back, err);
        if (status == TN_OK && op->kind == TNI_OP_RESHAPE &&
            !generalise(c->now, c->count, (int64_t *)(uintptr_t)back.sizes)) {
            return unlike(rule_op, err);
        }
        if (status == TN_OK) {
            write_op(rule_op, &back, &c->text);
            status = tni_buffer_check(&c->text, err);
        }
        tn_str one = {c->text.data, c->text.len};
        if (status == TN_OK && i > 0 && !tn_str_equal(one, all)) {
            return unlike(rule_op, err);
        }
        if (status == TN_OK && i == 0) {
            status = tni_arena_str(c->room, one, &all, err);
        }
    }
    c->steps[index] = all;
    return status;
}

/* Leads an operation back that joins or splits. */
static tn_status turn_all(chain *c, size_t index, tn_error *err)
{
    tni_op back;
    tni_buffer_reset(&c->text);
    tn_status status = tni_op_inverse(c->room, &c->made->how[index], c->now, c->count, &back, err);
    if (status == TN_OK) {
        write_op(&c->rule->ops[index], &back, &c->text);
        status = tni_buffer_check(&c->text, err);
    }
    return status != TN_OK
               ? status
               : tni_arena_str(c->room, (tn_str){c->text.data, c->text.len}, &c->steps[index], err);
}

/* Leads a cast back that loses nothing. */
static tn_status turn_cast(chain *c, size_t index, tn_error *err)
{
    tn_dtype to = c->rule->ops[index].dtype, from = c->now[0].dtype;
    for (size_t i = 0; i < c->count; i++) {
        tn_dtype one = c->now[i].dtype;
        if (one != to && !tn_cast_lossless(one, to)) {
            return tni_fail(err, TN_E_RULE, "it casts %s→%s: names invertible, values not",
                            tn_dtype_about(one)->short_name, tn_dtype_about(to)->short_name);
        }
        if (one != from || !tn_cast_known(to, one)) {
            return tni_fail(
                err, TN_E_RULE, "it casts %s and %s to %s, and nothing tells which back",
                tn_dtype_about(from)->name, tn_dtype_about(one)->name, tn_dtype_about(to)->name);
        }
        c->now[i].dtype = to;
    }
    return from == to ? TN_OK
                      : tni_arena_format(c->room, &c->steps[index], err, "{cast: %s}",
                                         tn_dtype_about(from)->short_name);
}

/* Tells whether values have the shapes of others, one by one. */
static bool have_shapes_of(const tni_value *values, const tni_value *others, size_t count)
{
    bool same = true;
    for (size_t i = 0; same && i < count; i++) {
        same = values[i].rank == others[i].rank &&
               (values[i].rank == 0 ||
                memcmp(values[i].shape, others[i].shape, values[i].rank * sizeof(int64_t)) == 0);
    }
    return same;
}

static tn_status turn(chain *c, size_t index, tn_error *err)
{
    const tni_rule_op *op = &c->rule->ops[index];
    if (op->kind == TNI_RULE_CAST) {
        return turn_cast(c, index, err);
    }
    if (op->kind != TNI_RULE_LAYOUT) {
        return tni_fail(err, TN_E_RULE, "'%.*s' changes values: names invertible, values not",
                        (int)op->text.len, op->text.data);
    }
    const tni_value *before = c->now;
    size_t count = c->count;
    tn_status status = tni_rule_op_gathers(op) || tni_rule_op_spreads(op)
                           ? turn_all(c, index, err)
                           : turn_each(c, index, err);
    if (status == TN_OK) {
        status = tni_op_apply(c->room, &c->made->how[index], c->now, c->count,
                              c->model->ctx->limits.pieces, &c->now, &c->count, err);
    }
    if (status == TN_OK && op->layout == TNI_OP_RESHAPE && have_shapes_of(c->now, before, count)) {
        c->steps[index] = TN_STR_NONE; /* it changed nothing here */
    }
    return status;
}

/* Takes the shapes and dtypes of the tensors that the group is made of. */
static tn_status begin(chain *c, tn_error *err)
{
    void *values = NULL, *steps = NULL;
    tn_status status = tni_arena_array(c->room, c->made->n_from, sizeof(tni_value), &values, err);
    status = status != TN_OK
                 ? status
                 : tni_arena_array(c->room, c->rule->n_ops, sizeof(tn_str), &steps, err);
    c->now = values;
    c->count = c->made->n_from;
    c->steps = steps;
    for (size_t i = 0; status == TN_OK && i < c->count; i++) {
        const tn_tensor *tensor = &c->model->tensors[c->made->from[i]];
        status = tni_value_of(c->room, tensor, &c->now[i], err);
        c->now[i].pieces = NULL;
        c->now[i].n_pieces = 0;
    }
    return status;
}

/* Joins the steps, the last one first. */
static tn_status join(chain *c, tn_str *text_out, tn_error *err)
{
    size_t n = 0;
    tni_buffer_reset(&c->text);
    for (size_t i = c->rule->n_ops; i-- > 0;) {
        if (c->steps[i].len > 0) {
            tni_buffer_text(&c->text, n++ == 0 ? "[" : ", ");
            tni_buffer_str(&c->text, c->steps[i]);
        }
    }
    tni_buffer_text(&c->text, n == 0 ? "" : "]");
    tn_status status = tni_buffer_check(&c->text, err);
    return status != TN_OK
               ? status
               : tni_arena_str(c->room, (tn_str){c->text.data, c->text.len}, text_out, err);
}

tn_status tni_ops_lead_back(tni_arena *room, const tn_model *model, const tni_rule *rule,
                            const tni_made *made, tn_str *text_out, tn_error *err)
{
    chain c = {.room = room, .model = model, .rule = rule, .made = made};
    tni_buffer_init(&c.text, model->ctx);
    tn_error why = {0};
    tn_status status = begin(&c, &why);
    for (size_t i = 0; status == TN_OK && i < rule->n_ops; i++) {
        status = turn(&c, i, &why);
    }
    status = status != TN_OK ? status : join(&c, text_out, &why);
    tni_buffer_clear(&c.text);
    if (status == TN_OK) {
        return TN_OK;
    }
    /* What no operation leads back is the rule's fault. */
    return tni_fail(err, why.code == TN_E_SHAPE ? TN_E_RULE : why.code, "%s", why.message);
}
