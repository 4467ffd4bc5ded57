/* What a rule file takes from elsewhere. Variables of included files are written with the values
 * that they have, wherever these came from. */
#include "converters/rules/keys.h"
#include "converters/rules/print.h"

/* Writes one entry; `set` is the file that it names. */
static void print_entry(const tni_yaml *node, const tni_ruleset *set, FILE *out)
{
    const tni_yaml *file = tni_keys_find(node, "file"), *preset = tni_keys_find(node, "preset");
    const tni_yaml *said = file != NULL ? file : preset;
    bool preset_text = node->kind == TNI_YAML_TEXT && tn_str_starts(node->text, TN_LIT("preset:"));
    tn_str name = said != NULL ? said->text : tn_str_skip(node->text, preset_text ? 7 : 0);
    fputs(preset != NULL || preset_text ? "{preset: " : "{file: ", out);
    tni_rules_print_text(name, false, out);
    for (size_t i = 0; i < set->vars.count; i++) {
        const tni_var *var = &set->vars.at[i];
        fprintf(out, "%s%.*s: ", i == 0 ? ", vars: {" : ", ", (int)var->name.len, var->name.data);
        tni_rules_print_text(var->value, false, out);
    }
    fputs(set->vars.count > 0 ? "}}" : "}", out);
}

void tni_print_include(const tni_ruleset *set, FILE *out)
{
    for (size_t i = 0; i < set->n_inputs; i++) {
        fprintf(out, "%s%.*s%s", i == 0 ? "inputs: [" : ", ", (int)set->inputs[i].len,
                set->inputs[i].data, i + 1 == set->n_inputs ? "]\n" : "");
    }
    if (set->listed != NULL) {
        fputs("slot_families: [", out);
        for (const tni_yaml *one = set->listed->first; one != NULL; one = one->next) {
            fprintf(out, "%s%.*s", one == set->listed->first ? "" : ", ", (int)one->text.len,
                    one->text.data);
        }
        fputs("]\n", out);
    }
    if (set->include == NULL || set->n_included == 0) {
        return;
    }
    size_t index = 0;
    for (const tni_yaml *one = set->include->first; one != NULL; one = one->next) {
        fputs(index == 0 ? "include: [" : ", ", out);
        print_entry(one, &set->included[index++], out);
    }
    fputs("]\n", out);
}
