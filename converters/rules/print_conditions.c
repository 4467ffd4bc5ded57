/* What rules and rule files ask for, written as it stood in the file, whose depth is bounded. */
#include "converters/rules/print.h"

void tni_print_node(const tni_yaml *node, FILE *out)
{
    if (node->kind == TNI_YAML_MAP) { /* {raw: …} */
        fputs("{raw: ", out);
        tni_rules_print_text(node->first->text, false, out);
        fputc('}', out);
    } else {
        tni_rules_print_text(node->text, false, out);
    }
}

static bool is_raw(const tni_yaml *node)
{
    return node->count == 1 && tn_str_equal(node->first->key->text, TN_LIT("raw"));
}

void tni_print_value(const tni_yaml *node, FILE *out)
{
    if (node->kind == TNI_YAML_TEXT || (node->kind == TNI_YAML_MAP && is_raw(node))) {
        tni_print_node(node, out);
    } else if (node->kind == TNI_YAML_MAP) {
        tni_print_map(node, out);
    } else {
        fputc('[', out);
        for (const tni_yaml *one = node->first; one != NULL; one = one->next) {
            fputs(one == node->first ? "" : ", ", out);
            tni_print_value(one, out);
        }
        fputc(']', out);
    }
}

void tni_print_map(const tni_yaml *map, FILE *out)
{
    fputc('{', out);
    for (const tni_yaml *one = map->first; one != NULL; one = one->next) {
        fprintf(out, "%s%.*s: ", one == map->first ? "" : ", ", (int)one->key->text.len,
                one->key->text.data);
        tni_print_value(one, out);
    }
    fputc('}', out);
}

void tni_print_maps(const tni_yaml *list, FILE *out)
{
    fputc('[', out);
    for (const tni_yaml *one = list->first; one != NULL; one = one->next) {
        fputs(one == list->first ? "" : ", ", out);
        tni_print_map(one, out);
    }
    fputc(']', out);
}
