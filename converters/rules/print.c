/* Stages written as rule files. */
#include "converters/rules/print.h"
#include "core/text.h"
#include <inttypes.h>
#include <tenon/text.h>

/* Returns the bytes of the character at the start of a text. */
static size_t character(tn_str text)
{
    size_t len = 1;
    while (len < text.len && len < 4 && ((unsigned char)text.data[len] & 0xC0) == 0x80) {
        len++;
    }
    return len;
}

/* Tells whether YAML refuses a character as it is, or takes it for the end of a line (YAML 1.1,
 * chapter 5). */
static bool is_special(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x2028 || point == 0x2029 ||
           point == 0xFEFF || point == 0xFFFE || point == 0xFFFF;
}

/* Writes what stands between double quotes. */
static void quoted(tn_str text, FILE *out)
{
    for (size_t i = 0, len; i < text.len; i += len) {
        tn_str rest = tn_str_skip(text, i);
        uint32_t point = 0;
        len = character(rest);
        bool known = tni_utf8_decode(tn_str_first(rest, len), &point) == len;
        if (known && is_special(point)) {
            fprintf(out, point <= UINT8_MAX ? "\\x%02X" : "\\u%04X", (unsigned)point);
            continue;
        }
        if (*rest.data == '"' || *rest.data == '\\') {
            fputc('\\', out);
        }
        fwrite(rest.data, 1, len, out);
    }
}

void tni_rules_print_text(tn_str text, bool is_name, FILE *out)
{
    char shown[TN_NUMBER_ROOM];
    bool raw = tn_escape(text, shown, sizeof shown) != text.len && !tn_utf8_valid(text);
    for (size_t i = 0; i < text.len && !raw; i++) {
        raw = (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F;
    }
    fputs(raw ? "{raw: \"" : "\"", out);
    for (size_t i = 0; i < text.len;) {
        tn_str one = tn_str_first(tn_str_skip(text, i), character(tn_str_skip(text, i)));
        bool brace = is_name && (*one.data == '{' || *one.data == '}');
        i += one.len;
        quoted(brace ? one : TN_LIT(""), out);
        if (raw) {
            one = (tn_str){shown, tn_escape(one, shown, sizeof shown)};
        }
        quoted(one, out);
    }
    fputs(raw ? "\"}" : "\"", out);
}

static void print_match(const tni_rule *rule, FILE *out)
{
    if (rule->exact.data != NULL) {
        tni_rules_print_text(rule->exact, true, out);
        return;
    }
    if (rule->n_patterns > 1) {
        fputc('[', out);
    }
    for (size_t i = 0; i < rule->n_patterns; i++) {
        fputs(i == 0 ? "" : ", ", out);
        tni_rules_print_text(rule->patterns[i]->source, false, out);
    }
    if (rule->n_patterns > 1) {
        fputc(']', out);
    }
}

static void print_conditions(const tni_rule *rule, FILE *out)
{
    if (rule->back != NULL) {
        fputs(", back: ", out);
        tni_print_node(rule->back_node, out);
    }
    if (rule->priority == TNI_OTHERWISE) {
        fputs(", otherwise: true", out);
    } else if (rule->priority != 0) {
        fprintf(out, ", priority: %" PRId64, rule->priority);
    }
    if (rule->when != NULL) {
        fputs(", when: ", out);
        tni_print_map(rule->when->node, out);
    }
    if (rule->expect != NULL) {
        fputs(", expect: ", out);
        tni_print_map(rule->expect->node, out);
    }
}

/* Prints the targets and operations of a rule that has them. */
static void print_operating(const tni_rule *rule, FILE *out)
{
    for (size_t i = 0; i < rule->n_targets; i++) {
        fputs(i > 0 ? ", " : rule->n_targets > 1 ? ", to: [" : ", to: ", out);
        tni_rules_print_text(rule->targets[i]->source, false, out);
    }
    fputs(rule->n_targets > 1 ? "]" : "", out);
    for (size_t i = 0; i < rule->n_ops; i++) {
        const tni_rule_op *op = &rule->ops[i];
        fputs(i == 0 ? ", do: [" : ", ", out);
        if (op->node != NULL) {
            tni_print_map(op->node, out);
        } else {
            fprintf(out, "{cast: %s}", tn_dtype_about(op->dtype)->name);
        }
    }
    fputs(rule->n_ops > 0 ? "]" : "", out);
}

static void print_rule(const tni_rule *rule, FILE *out)
{
    if (rule->node != NULL) {
        fputs("  - ", out);
        tni_print_map(rule->node, out);
        fputc('\n', out);
        return;
    }
    fputs("  - {match: ", out);
    print_match(rule, out);
    if (rule->from != NULL) {
        fputs(", from: ", out);
        tni_print_value(rule->from, out);
    }
    if (rule->operates) {
        print_operating(rule, out);
    } else if (rule->to != NULL) {
        fputs(", to: ", out);
        tni_rules_print_text(rule->to->source, false, out);
    } else {
        fputs(rule->deed == TNI_DEED_DROP ? ", do: drop" : ", do: keep", out);
    }
    print_conditions(rule, out);
    fputs(rule->optional ? ", optional: true}\n" : "}\n", out);
}

static void print_defaults(const tni_ruleset *set, FILE *out)
{
    static const char *const unmatched[] = {"error", "keep", "drop"};
    static const char *const slots[] = {"follow", "keep", "seen"};
    fprintf(out, "defaults: {unmatched: %s, slots: %s, counters: %s}\n", unmatched[set->unmatched],
            slots[set->slots], set->sees_counters ? "seen" : "keep");
}

/* Writes a key: unlike other texts it cannot be {raw: …}, but came from a file, so it is UTF-8. */
static void print_key(tn_str key, FILE *out)
{
    fputc('"', out);
    for (size_t i = 0; i < key.len; i++) {
        unsigned char byte = (unsigned char)key.data[i];
        if (byte < 0x20 || byte == 0x7F) {
            fprintf(out, "\\x%02X", byte);
        } else {
            quoted(tn_str_first(tn_str_skip(key, i), 1), out);
        }
    }
    fputc('"', out);
}

/* Writes `NAME: {key: text, …}` of one table. */
static void print_table(const tni_table *table, FILE *out)
{
    fprintf(out, "%.*s: {", (int)table->name.len, table->name.data);
    for (size_t i = 0; i < table->count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        print_key(table->entries[i].word, out);
        fputs(": ", out);
        tni_rules_print_text(table->entries[i].text, false, out);
    }
    fputc('}', out);
}

static void print_tables(const tni_ruleset *set, FILE *out)
{
    for (size_t i = 0; i < set->tables.count; i++) {
        fputs(i == 0 ? "tables: {" : ", ", out);
        print_table(&set->tables.at[i], out);
    }
    fputs(set->tables.count > 0 ? "}\n" : "", out);
}

/* Tells whether a rule names a variable otherwise than as {$name}, which is resolved. */
static bool names_variables(const tni_ruleset *set)
{
    bool any = false;
    for (size_t i = 0; i < set->count && !any; i++) {
        any = set->rules[i].to != NULL && set->rules[i].to->vars;
    }
    return any || set->prints_vars;
}

static void print_guards(const tni_ruleset *set, FILE *out)
{
    if (set->from.node != NULL) {
        fputs("from: ", out);
        tni_print_map(set->from.node, out);
        fputc('\n', out);
    }
    if (set->to.node != NULL) {
        fputs("to: ", out);
        tni_print_map(set->to.node, out);
        fputc('\n', out);
    }
    if (set->asserted != NULL) {
        fputs("assert: ", out);
        tni_print_maps(set->asserted, out);
        fputc('\n', out);
    }
}

static void print_vars(const tni_ruleset *set, FILE *out)
{
    if (!names_variables(set) || set->vars.count == 0) {
        return;
    }
    for (size_t i = 0; i < set->vars.count; i++) {
        const tni_var *var = &set->vars.at[i];
        fprintf(out, "%s%.*s: ", i == 0 ? "vars: {" : ", ", (int)var->name.len, var->name.data);
        tni_rules_print_text(var->value, false, out);
    }
    fputs("}\n", out);
}

void tni_rules_print_head(const tni_ruleset *set, FILE *out)
{
    fputs("tenon: 1\n", out);
    if (set->title.data != NULL) {
        fputs("about: \"", out);
        quoted(set->title, out);
        fputs("\"\n", out);
    }
    if (set->metadata != NULL) {
        fputs("metadata: ", out);
        tni_print_map(set->metadata, out);
        fputc('\n', out);
    }
    if (set->notes != NULL) {
        fputs("notes: ", out);
        tni_print_value(set->notes, out);
        fputc('\n', out);
    }
    if (set->scheme != TN_SCHEME_NAME) {
        fprintf(out, "scheme: %s\n", tn_scheme_name(set->scheme));
    }
    if (set->separator != 0) {
        fprintf(out, "separator: \"%c\"\n", set->separator);
    }
    print_guards(set, out);
    print_vars(set, out);
    print_tables(set, out);
    print_defaults(set, out);
    tni_print_include(set, out);
    fputs(set->n_own > 0 || set->include == NULL ? "rules:\n" : "", out);
}

void tni_rules_print(const tni_ruleset *set, FILE *out)
{
    tni_rules_print_head(set, out);
    for (size_t i = 0; i < (set->include == NULL ? set->count : set->n_own); i++) {
        print_rule(&set->rules[i], out);
    }
}
