/* Rule files: the operations of a `do` list. */
#include "converters/rules/file.h"

#include "converters/cast_report.h"
#include "converters/rules/lexer.h"
#include <math.h>
#include <stdlib.h>
#include <tenon/text.h>

/* What one operation's map may hold, by its first key. */
typedef struct operation_keys {
    const char *name;
    const tni_key *keys;     /* of the map in the list */
    const tni_key *argument; /* of the map that is the operation's argument; NULL: a text or list */
    tn_status (*read)(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                      const tni_scope *scope, tni_rule_op *op, tn_error *err);
} operation_keys;

static const tni_key cast_keys[] = {{"cast", false},
                                    {"overflow", false},
                                    {"report", false},
                                    {NULL, false}};
static const tni_key transpose_keys[] = {{"transpose", false}, {NULL, false}};
static const tni_key rearrange_keys[] = {{"rearrange", false}, {"with", false}, {NULL, false}};
static const tni_key reshape_keys[] = {{"reshape", false}, {NULL, false}};
static const tni_key split_keys[] = {{"split", false}, {NULL, false}};
static const tni_key concat_keys[] = {{"concat", false}, {NULL, false}};
static const tni_key stack_keys[] = {{"stack", false}, {NULL, false}};
static const tni_key unstack_keys[] = {{"unstack", false}, {NULL, false}};
static const tni_key partition_keys[] = {{"partition", false}, {NULL, false}};
static const tni_key unpartition_keys[] = {{"unpartition", false}, {NULL, false}};
static const tni_key add_keys[] = {{"add", false}, {NULL, false}};
static const tni_key mean_keys[] = {{"mean", false}, {NULL, false}};
static const tni_key split_argument[] = {{"axis", false},
                                         {"sizes", false},
                                         {"groups", false},
                                         {NULL, false}};
static const tni_key concat_argument[] = {{"axis", false}, {"groups", false}, {NULL, false}};
static const tni_key stack_argument[] = {{"over", false}, {"axis", false}, {NULL, false}};
static const tni_key partition_argument[] = {{"axis", false}, {"sizes", false}, {NULL, false}};
static const tni_key no_argument[] = {{NULL, false}};
static const tni_key mean_argument[] = {{"accumulate", false}, {NULL, false}};
static const tni_key add_argument[] = {{"tensor", false},
                                       {"scale", false},
                                       {"value", false},
                                       {NULL, false}};

static tn_status read_expression(tni_file_reading *r, const tni_yaml *value, const tni_scope *scope,
                                 const tni_expression **out, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(r->arena, sizeof(tni_expression), &block, err);
    }
    if (status == TN_OK) {
        status = tni_file_expression(r, value, scope, block, err);
    }
    *out = block;
    return status;
}

/* Reads a list of expressions. */
static tn_status read_sizes(tni_file_reading *r, const tni_yaml *list, const tni_scope *scope,
                            tni_rule_op *op, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list->count, sizeof(tni_expression), &block, err);
    }
    tni_expression *sizes = block;
    op->sizes = sizes;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_value_kind(one, TNI_YAML_TEXT, err);
        if (status == TN_OK) {
            status = tni_file_expression(r, one, scope, &sizes[op->n_sizes++], err);
        }
    }
    return status;
}

static tn_status read_axis(tni_file_reading *r, const tni_yaml *argument, const tni_scope *scope,
                           tni_rule_op *op, tn_error *err)
{
    const tni_yaml *axis = tni_keys_find(argument, "axis");
    if (axis == NULL) {
        return tni_value_wrong(argument, err, "it has no 'axis'");
    }
    return read_expression(r, axis, scope, &op->axis, err);
}

/* Reads which figures of a cast a conversion reports. */
static tn_status read_report(const tni_yaml *list, tni_rule_op *op, tn_error *err)
{
    const char *words[TNI_CAST_FIGURES + 1] = {NULL};
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    for (int i = 0; i < TNI_CAST_FIGURES; i++) {
        words[i] = tni_cast_word((tni_cast_figure)i);
    }
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        int word = 0;
        status = tni_value_word(one, words, &word, err);
        op->report |= 1U << word;
    }
    return status;
}

static tn_status read_cast(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                           const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    static const char *const words[] = {"error", "ieee", "saturate", NULL};
    const tni_yaml *overflow = tni_keys_find(map, "overflow");
    const tni_yaml *report = tni_keys_find(map, "report");
    int word = 0;
    (void)r;
    (void)scope;
    tn_status status = tni_value_kind(argument, TNI_YAML_TEXT, err);
    if (status == TN_OK && overflow != NULL) {
        status = tni_value_word(overflow, words, &word, err);
    }
    if (status == TN_OK && report != NULL) {
        status = read_report(report, op, err);
    }
    if (status != TN_OK) {
        return status;
    }
    op->kind = TNI_RULE_CAST;
    op->overflow = (tn_overflow)word;
    op->dtype = tn_dtype_find(argument->text);
    bool possible = op->dtype != TN_DTYPE_NONE && (tn_cast_known(TN_FLOAT32, op->dtype) ||
                                                   tn_cast_known(TN_COMPLEX64, op->dtype));
    return possible ? TN_OK
                    : tni_value_wrong(argument, err, "nothing casts to '%.*s'",
                                      (int)argument->text.len, argument->text.data);
}

/* Reads the text that names axes. */
static tn_status read_axes(tni_file_reading *r, const tni_yaml *argument, bool words,
                           tni_rule_op *op, tn_error *err)
{
    void *block = NULL;
    size_t at = 0;
    tn_status status = tni_value_kind(argument, TNI_YAML_TEXT, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(r->arena, sizeof(tni_axes), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    op->axes = block;
    status = words ? tni_axes_words(r->arena, argument->text, block, &at, err)
                   : tni_axes_letters(r->arena, argument->text, block, &at, err);
    if (status != TN_OK) {
        tni_yaml_place(argument, at, err);
    }
    return status;
}

static tn_status read_transpose(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                                const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    (void)map;
    (void)scope;
    op->layout = TNI_OP_TRANSPOSE;
    return read_axes(r, argument, false, op, err);
}

/* Reads the sizes of named axes. */
static tn_status read_with(tni_file_reading *r, const tni_yaml *with, const tni_scope *scope,
                           tni_rule_op *op, tn_error *err)
{
    void *sizes = NULL, *given = NULL;
    tn_status status = tni_value_kind(with, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, op->axes->count, sizeof(tni_expression), &sizes, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, op->axes->count, sizeof(bool), &given, err);
    }
    op->sizes = sizes;
    op->given = given;
    op->n_sizes = op->axes->count;
    for (const tni_yaml *one = with->first; status == TN_OK && one != NULL; one = one->next) {
        uint32_t axis = tni_axes_find(op->axes, one->key->text);
        if (axis == TNI_AXES_MOST) {
            return tni_value_wrong(one, err, "there is no such axis in '%.*s'",
                                   (int)op->axes->text.len, op->axes->text.data);
        }
        status = tni_value_kind(one, TNI_YAML_TEXT, err);
        if (status == TN_OK) {
            status = tni_file_expression(r, one, scope, (tni_expression *)sizes + axis, err);
            ((bool *)given)[axis] = true;
        }
    }
    return status;
}

static tn_status read_rearrange(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                                const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    const tni_yaml *with = tni_keys_find(map, "with");
    op->layout = TNI_OP_REARRANGE;
    tn_status status = read_axes(r, argument, true, op, err);
    return status == TN_OK && with != NULL ? read_with(r, with, scope, op, err) : status;
}

static tn_status read_reshape(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                              const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    (void)map;
    op->layout = TNI_OP_RESHAPE;
    return read_sizes(r, argument, scope, op, err);
}

static tn_status read_split(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                            const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    const tni_yaml *sizes = tni_keys_find(argument, "sizes");
    const tni_yaml *groups = tni_keys_find(argument, "groups");
    (void)map;
    op->layout = TNI_OP_SPLIT;
    tn_status status = read_axis(r, argument, scope, op, err);
    if (status == TN_OK && groups != NULL && sizes == NULL) {
        return tni_value_wrong(groups, err, "groups are cut by 'sizes', which are not said");
    }
    if (status == TN_OK && sizes != NULL) {
        status = read_sizes(r, sizes, scope, op, err);
    }
    if (status == TN_OK && groups != NULL) {
        status = read_expression(r, groups, scope, &op->groups, err);
    }
    return status;
}

static tn_status read_concat(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                             const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    const tni_yaml *groups = tni_keys_find(argument, "groups");
    (void)map;
    op->layout = TNI_OP_CONCAT;
    tn_status status = read_axis(r, argument, scope, op, err);
    return status == TN_OK && groups != NULL ? read_expression(r, groups, scope, &op->groups, err)
                                             : status;
}

static tn_status read_over(tni_file_reading *r, const tni_yaml *argument, const tni_scope *scope,
                           tni_rule_op *op, tn_error *err)
{
    const tni_yaml *over = tni_keys_find(argument, "over");
    if (over == NULL) {
        return tni_value_wrong(argument, err, "it has no 'over': the hole that counts");
    }
    tn_status status = tni_value_kind(over, TNI_YAML_TEXT, err);
    if (status == TN_OK && !tni_is_word(over->text)) {
        status = tni_value_wrong(over, err, "it must be the name of a hole");
    }
    op->over = over->text;
    return status == TN_OK ? read_axis(r, argument, scope, op, err) : status;
}

static tn_status read_stack(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                            const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    (void)map;
    op->layout = TNI_OP_STACK;
    tn_status status = read_over(r, argument, scope, op, err);
    int slot = status == TN_OK ? tni_pattern_slot(scope->pattern, op->over) : 0;
    if (slot < 0) {
        status = tni_value_wrong(argument, err, "nothing binds the hole {%.*s}", (int)op->over.len,
                                 op->over.data);
    }
    return status;
}

static tn_status read_unstack(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                              const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    (void)map;
    op->layout = TNI_OP_UNSTACK;
    tn_status status = read_over(r, argument, scope, op, err);
    if (status == TN_OK && tni_pattern_slot(scope->pattern, op->over) >= 0) {
        status = tni_value_wrong(argument, err, "the pattern binds {%.*s} already",
                                 (int)op->over.len, op->over.data);
    }
    return status;
}

static tn_status read_partition(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                                const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    const tni_yaml *sizes = tni_keys_find(argument, "sizes");
    (void)map;
    op->layout = TNI_OP_PARTITION;
    tn_status status = read_axis(r, argument, scope, op, err);
    if (status == TN_OK && sizes == NULL) {
        status = tni_value_wrong(argument, err, "it has no 'sizes'");
    }
    return status == TN_OK ? read_sizes(r, sizes, scope, op, err) : status;
}

static tn_status read_unpartition(tni_file_reading *r, const tni_yaml *map,
                                  const tni_yaml *argument, const tni_scope *scope, tni_rule_op *op,
                                  tn_error *err)
{
    (void)r;
    (void)map;
    (void)argument;
    (void)scope;
    (void)err;
    op->layout = TNI_OP_UNPARTITION;
    return TN_OK;
}

/* Reads a decimal number. Where a locale has another point, the text's end tells. */
tn_status tni_file_real(const tni_yaml *value, double *number_out, tn_error *err)
{
    enum { LONGEST = 64 };
    char text[LONGEST], *end = text;
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    if (status != TN_OK) {
        return status;
    }
    if (value->text.len > 0 && value->text.len < sizeof text &&
        strspn(value->text.data, "0123456789+-.eE") >= value->text.len) {
        memcpy(text, value->text.data, value->text.len);
        text[value->text.len] = '\0';
        *number_out = strtod(text, &end);
    }
    if (end == text || *end != '\0' || !isfinite(*number_out)) {
        return tni_value_wrong(value, err, "'%.*s' is no number", (int)value->text.len,
                               value->text.data);
    }
    return TN_OK;
}

/* Compiles the name of the tensor that is added. */
static tn_status read_operand(tni_file_reading *r, const tni_yaml *tensor, const tni_scope *scope,
                              tni_rule_op *op, tn_error *err)
{
    tn_str text, expanded;
    tni_template *operand = NULL;
    size_t at = 0;
    tn_status status = tni_file_text(r, tensor, &text, err);
    if (status == TN_OK) {
        status = tni_vars_expand(r->arena, &r->set->vars, text, false, &expanded, &at, err);
    }
    if (status == TN_OK) {
        status = tni_template_compile(r->arena, expanded, scope->pattern->separator, scope,
                                      &operand, &at, err);
    }
    if (status == TN_OK && operand->ranks) {
        return tni_value_wrong(tensor, err, "rank() cannot name an operand");
    }
    if (status != TN_OK) {
        bool variables = memmem(text.data, text.len, "{$", 2) != NULL;
        tni_yaml_place(tensor, variables ? 0 : at, err);
    }
    op->operand = operand;
    return status;
}

static tn_status read_add(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                          const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    const tni_yaml *tensor = tni_keys_find(argument, "tensor");
    const tni_yaml *scale = tni_keys_find(argument, "scale");
    const tni_yaml *value = tni_keys_find(argument, "value");
    tn_status status = TN_OK;
    (void)map;
    op->kind = TNI_RULE_ADD;
    op->scale = 1;
    if ((tensor == NULL) == (value == NULL) || (scale != NULL && tensor == NULL)) {
        return tni_value_wrong(argument, err,
                               "it must be {tensor: NAME, scale: NUMBER} or "
                               "{value: NUMBER}");
    }
    if (value != NULL) {
        return tni_file_real(value, &op->number, err);
    }
    if (scale != NULL) {
        status = tni_file_real(scale, &op->scale, err);
    }
    return status == TN_OK ? read_operand(r, tensor, scope, op, err) : status;
}

/* Means are computed in float64, whatever they are of. */
static tn_status read_mean(tni_file_reading *r, const tni_yaml *map, const tni_yaml *argument,
                           const tni_scope *scope, tni_rule_op *op, tn_error *err)
{
    static const char *const words[] = {"f64", "float64", NULL};
    const tni_yaml *accumulate = tni_keys_find(argument, "accumulate");
    int word;
    (void)r;
    (void)map;
    (void)scope;
    op->kind = TNI_RULE_MEAN;
    return accumulate == NULL ? TN_OK : tni_value_word(accumulate, words, &word, err);
}

static const operation_keys operations[] = {
    {"cast", cast_keys, NULL, read_cast},
    {"transpose", transpose_keys, NULL, read_transpose},
    {"rearrange", rearrange_keys, NULL, read_rearrange},
    {"reshape", reshape_keys, NULL, read_reshape},
    {"split", split_keys, split_argument, read_split},
    {"concat", concat_keys, concat_argument, read_concat},
    {"stack", stack_keys, stack_argument, read_stack},
    {"unstack", unstack_keys, stack_argument, read_unstack},
    {"partition", partition_keys, partition_argument, read_partition},
    {"unpartition", unpartition_keys, no_argument, read_unpartition},
    {"add", add_keys, add_argument, read_add},
    {"mean", mean_keys, mean_argument, read_mean},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static tn_status unknown_operation(const tni_yaml *map, tn_error *err)
{
    const char *names[OPERATIONS + 1];
    for (size_t i = 0; i < OPERATIONS; i++) {
        names[i] = operations[i].name;
    }
    names[OPERATIONS] = NULL;
    const tni_yaml *key = map->first == NULL ? map : map->first->key;
    char text[TN_ERROR_SUBJECT] = "";
    tn_escape(map->first == NULL ? TN_LIT("") : key->text, text, sizeof text);
    tn_status status = tni_fail(err, TN_E_RULE, "there is no operation '%s'", text);
    tni_yaml_place(key, 0, err);
    const char *nearest = tni_nearest_word(map->first == NULL ? TN_LIT("") : key->text, names);
    if (nearest != NULL) {
        tni_error_hint(err, "did you mean '%s'?", nearest);
    } else {
        tni_error_hint(err, "operations are cast transpose rearrange reshape split concat stack "
                            "unstack partition unpartition add mean");
    }
    return status;
}

/* Writes an operation on one line, as the plan shows it. */
static void show(const tni_yaml *node, tni_buffer *out)
{
    if (node->kind == TNI_YAML_TEXT) {
        tni_buffer_str(out, node->text);
        return;
    }
    bool map = node->kind == TNI_YAML_MAP;
    tni_buffer_char(out, map ? '{' : '[');
    for (const tni_yaml *one = node->first; one != NULL; one = one->next) {
        tni_buffer_text(out, one == node->first ? "" : ", ");
        if (map) {
            tni_buffer_str(out, one->key->text);
            tni_buffer_text(out, ": ");
        }
        if (one->kind == TNI_YAML_TEXT) {
            tni_buffer_str(out, one->text);
        } else {
            tni_buffer_text(out, "…");
        }
    }
    tni_buffer_char(out, map ? '}' : ']');
}

static tn_status make_text(tni_file_reading *r, const tni_yaml *map, tn_str *text_out,
                           tn_error *err)
{
    tni_buffer text;
    tni_buffer_init(&text, r->arena->ctx);
    for (const tni_yaml *one = map->first; one != NULL; one = one->next) {
        bool empty = one->kind != TNI_YAML_TEXT && one->count == 0;
        tni_buffer_text(&text, one == map->first ? "" : ", ");
        tni_buffer_str(&text, one->key->text);
        tni_buffer_text(&text, empty ? "" : " ");
        if (!empty) {
            show(one, &text);
        }
    }
    tn_status status = tni_buffer_check(&text, err);
    if (status == TN_OK) {
        status = tni_arena_str(r->arena, (tn_str){text.data, text.len}, text_out, err);
    }
    tni_buffer_clear(&text);
    return status;
}

static tn_status read_one(tni_file_reading *r, const tni_yaml *map, const tni_scope *scope,
                          tni_rule_op *op, tn_error *err)
{
    const operation_keys *found = NULL;
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    for (size_t i = 0; status == TN_OK && found == NULL && i < OPERATIONS; i++) {
        found = tni_keys_find(map, operations[i].name) != NULL ? &operations[i] : NULL;
    }
    if (status == TN_OK && found == NULL) {
        return unknown_operation(map, err);
    }
    if (status == TN_OK) {
        status = tni_keys_check(map, found->keys, "operation", err);
    }
    if (status != TN_OK) {
        return status;
    }
    const tni_yaml *argument = tni_keys_find(map, found->name);
    *op = (tni_rule_op){.node = map};
    if (found->argument != NULL) {
        status = tni_value_kind(argument, TNI_YAML_MAP, err);
        if (status == TN_OK) {
            status = tni_keys_check(argument, found->argument, "operation", err);
        }
    }
    if (status == TN_OK) {
        status = found->read(r, map, argument, scope, op, err);
    }
    return status == TN_OK ? make_text(r, map, &op->text, err) : status;
}

tn_status tni_file_operations(tni_file_reading *r, const tni_yaml *list, tni_rule *rule,
                              tn_error *err)
{
    void *block = NULL;
    const tni_scope scope = {rule->patterns[0], &r->set->vars, &r->set->tables};
    tn_status status = TN_OK;
    if (list->count == 0) {
        return tni_value_wrong(list, err, "the list is empty");
    }
    status = tni_arena_array(r->arena, list->count, sizeof(tni_rule_op), &block, err);
    tni_rule_op *ops = block;
    rule->ops = ops;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = read_one(r, one, &scope, &ops[rule->n_ops], err);
        rule->n_ops += status == TN_OK;
    }
    return status;
}
