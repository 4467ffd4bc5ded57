/* Rule files: rules that make a tensor: from nothing, or from another input's. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include "core/checked.h"

#include <math.h>
#include <stdlib.h>
#include <tenon/text.h>

static const tni_key make_keys[] = {{"make", false},  {"init", false}, {"shape", false},
                                    {"dtype", false}, {"why", false},  {NULL, false}};

/* Reads the shape: sizes that no tensor decides. */
static tn_status read_shape(tni_file_reading *r, const tni_yaml *list, tni_make *make,
                            tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list->count, sizeof(int64_t), &block, err);
    }
    int64_t *shape = block;
    make->shape = shape;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_file_number(r, one, &shape[make->rank], err);
        if (status == TN_OK && shape[make->rank] < 0) {
            status = tni_value_wrong(one, err, "a size is not negative");
        }
        make->rank++;
    }
    if (status == TN_OK && !tni_shape_elements(shape, make->rank, &make->elements)) {
        status = tni_value_wrong(list, err, "the shape's size does not fit 63 bits");
    }
    return status;
}

/* Reads what all elements are: a word, or a number that the dtype holds. */
static tn_status read_init(tni_file_reading *r, const tni_yaml *init, tni_make *make, tn_error *err)
{
    double number = 0;
    int64_t whole = 0;
    tn_cast_stats stats = {0};
    tn_status status = tni_value_kind(init, TNI_YAML_TEXT, err);
    if (status != TN_OK) {
        return status;
    }
    bool word =
        tn_str_equal(init->text, TN_LIT("zeros")) || tn_str_equal(init->text, TN_LIT("ones"));
    if (word || tn_dtype_about(make->dtype)->kind != TN_KIND_FLOAT) {
        whole = tn_str_equal(init->text, TN_LIT("ones"));
        status = word ? TN_OK : tni_file_number(r, init, &whole, err);
        tn_cast(TN_INT64, make->dtype, TN_OVERFLOW_ERROR, &whole, make->element, 1, &stats);
    } else {
        status = tni_file_real(init, &number, err);
        tn_cast(TN_FLOAT64, make->dtype, TN_OVERFLOW_ERROR, &number, make->element, 1, &stats);
    }
    if (status == TN_OK && stats.overflows > 0) {
        status = tni_value_wrong(init, err, "%s does not hold this number",
                                 tn_dtype_about(make->dtype)->name);
    }
    return status;
}

static tn_status read_dtype(const tni_yaml *dtype, tni_make *make, tn_error *err)
{
    tn_status status = tni_value_kind(dtype, TNI_YAML_TEXT, err);
    if (status == TN_OK) {
        make->dtype = tn_dtype_find(dtype->text);
        if (make->dtype == TN_DTYPE_NONE || !tn_cast_known(TN_INT64, make->dtype)) {
            status = tni_value_wrong(dtype, err, "nothing is made of dtype '%.*s'",
                                     (int)dtype->text.len, dtype->text.data);
        }
    }
    return status;
}

tn_status tni_file_name(tni_file_reading *r, const tni_yaml *name, tn_str *name_out, tn_error *err)
{
    tn_str text = TN_STR_NONE, expanded = TN_STR_NONE;
    size_t at = 0;
    tn_pattern *pattern;
    tn_status status = tni_file_text(r, name, &text, err);
    if (status == TN_OK) {
        status = tni_vars_expand(r->arena, &r->set->vars, text, false, &expanded, &at, err);
    }
    if (status == TN_OK) {
        status = tni_pattern_compile(r->arena, expanded, r->set->separator, &pattern, &at, err);
    }
    if (status != TN_OK) {
        tni_yaml_place(name, 0, err);
        return status;
    }
    if (pattern->kind != TNI_EXACT) {
        return tni_value_wrong(name, err, "it must be one name, without holes and stars");
    }
    *name_out = pattern->exact;
    return TN_OK;
}

/* Reads `{from: {input: NAME}}`: the tensors are taken from there as they are. It is `do: keep` for
 * that input's tensors. */
static tn_status make_from(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    static const tni_key keys[] = {{"from", false}, {NULL, false}};
    const tni_yaml *init = tni_keys_find(map, "init"), *said = tni_keys_find(map, "shape");
    const tni_yaml *from = tni_keys_find(init, "from");
    void *block;
    said = said != NULL ? said : tni_keys_find(map, "dtype");
    tn_status status = tni_keys_check(init, keys, "'init'", err);
    if (status == TN_OK && from == NULL) {
        status = tni_value_wrong(init, err, "it must be zeros, ones, a number or {from: …}");
    }
    if (status == TN_OK && said != NULL) {
        status = tni_value_wrong(said, err, "the input's tensors have their own shape and dtype");
    }
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, 1, sizeof(tn_str), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    rule->inputs = block;
    rule->n_inputs = 1;
    rule->from = from;
    rule->deed = TNI_DEED_KEEP;
    status = tni_file_model(r, from, block, err);
    return status == TN_OK ? tni_file_compile(r, tni_keys_find(map, "make"), NULL, false, rule, err)
                           : status;
}

tn_status tni_file_make(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err)
{
    void *block;
    const tni_yaml *name = tni_keys_find(map, "make"), *init = tni_keys_find(map, "init");
    const tni_yaml *shape = tni_keys_find(map, "shape"), *dtype = tni_keys_find(map, "dtype");
    tn_status status = tni_keys_check(map, make_keys, "rule with 'make'", err);
    if (status == TN_OK && init != NULL && init->kind == TNI_YAML_MAP) {
        rule->node = map;
        status = tni_file_place(r, map, rule, err);
        return status == TN_OK ? make_from(r, map, rule, err) : status;
    }
    if (status == TN_OK && (init == NULL || shape == NULL || dtype == NULL)) {
        status = tni_value_wrong(map, err, "'make' needs init, shape and dtype");
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(r->arena, sizeof(tni_make), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_make *make = block;
    rule->node = map;
    rule->deed = TNI_DEED_MAKE;
    rule->make = make;
    if ((status = tni_file_place(r, map, rule, err)) == TN_OK &&
        (status = tni_file_name(r, name, &make->name, err)) == TN_OK &&
        (status = read_dtype(dtype, make, err)) == TN_OK &&
        (status = read_shape(r, shape, make, err)) == TN_OK) {
        status = read_init(r, init, make, err);
    }
    return status;
}
