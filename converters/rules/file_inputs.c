/* Rule files: further inputs, and which rules take their tensors. */
#include "converters/rules/file.h"

#include "converters/rules/lexer.h"
#include <tenon/text.h>

tn_status tni_file_inputs(tni_file_reading *r, const tni_yaml *list, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(list, TNI_YAML_LIST, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list->count, sizeof(tn_str), &block, err);
    }
    r->set->inputs = block;
    for (const tni_yaml *one = list->first; status == TN_OK && one != NULL; one = one->next) {
        status = tni_value_kind(one, TNI_YAML_TEXT, err);
        if (status == TN_OK && (!tni_is_word(one->text) || tn_str_equal(one->text, TN_LIT("in")))) {
            status = tni_value_wrong(one, err,
                                     "an input's name is letters, digits and _, and not "
                                     "'in', which is IN");
        }
        if (status == TN_OK) {
            r->set->inputs[r->set->n_inputs++] = one->text;
            tni_rule_input_find(r->loading, one->text);
        }
    }
    return status;
}

/* Tells whether a name is `in`, which is IN, or one that the file lists. */
static bool is_listed(const tni_file_reading *r, tn_str name)
{
    bool listed = tn_str_equal(name, TN_LIT("in"));
    for (size_t i = 0; !listed && i < r->set->n_inputs; i++) {
        listed = tn_str_equal(name, r->set->inputs[i]);
    }
    return listed;
}

tn_status tni_file_input(tni_file_reading *r, const tni_yaml *value, tn_str *name_out,
                         tn_error *err)
{
    char shown[TN_ERROR_SUBJECT];
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    if (status == TN_OK && !is_listed(r, value->text)) {
        tn_escape(value->text, shown, sizeof shown);
        status = tni_value_wrong(value, err, "there is no input '%s'", shown);
        tni_error_hint(err, "name it: inputs: [%s], and say --input %s=PATH", shown, shown);
    }
    *name_out = value->text;
    return status;
}

tn_status tni_file_model(tni_file_reading *r, const tni_yaml *map, tn_str *name_out, tn_error *err)
{
    static const tni_key keys[] = {{"input", false}, {NULL, false}};
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    const tni_yaml *input = tni_keys_find(map, "input");
    if (status == TN_OK && tni_keys_find(map, "file") != NULL) {
        status = tni_value_wrong(map, err, "a model is an input, never a file beside the rules");
        tni_error_hint(err, "write {input: NAME}, inputs: [NAME], and say --input NAME=PATH");
        return status;
    }
    if (status == TN_OK) {
        status = tni_keys_check(map, keys, "model", err);
    }
    if (status == TN_OK && input == NULL) {
        status = tni_value_wrong(map, err, "it must be {input: NAME}");
    }
    return status != TN_OK ? status : tni_file_input(r, input, name_out, err);
}

tn_status tni_file_from(tni_file_reading *r, const tni_yaml *from, tni_rule *rule, tn_error *err)
{
    void *block;
    bool list = from->kind == TNI_YAML_LIST;
    tn_status status =
        list && from->count == 0 ? tni_value_wrong(from, err, "the list is empty") : TN_OK;
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, list ? from->count : 1, sizeof(tn_str), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_str *names = block;
    rule->from = from;
    rule->inputs = names;
    for (const tni_yaml *one = list ? from->first : from; status == TN_OK && one != NULL;
         one = list ? one->next : NULL) {
        status = tni_file_input(r, one, &names[rule->n_inputs], err);
        for (size_t i = 0; status == TN_OK && i < rule->n_inputs; i++) {
            if (tn_str_equal(names[i], names[rule->n_inputs])) {
                status = tni_value_wrong(one, err, "it is in the list already");
            }
        }
        rule->n_inputs++;
    }
    return status;
}
