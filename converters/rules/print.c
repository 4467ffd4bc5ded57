/* Stages written as rule files. */
#include "converters/rules/rule.h"
#include "core/text.h"
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

static void print_rule(const tni_rule *rule, FILE *out)
{
    fputs("  - {match: ", out);
    print_match(rule, out);
    if (rule->to != NULL) {
        fputs(", to: ", out);
        tni_rules_print_text(rule->to->source, false, out);
    } else {
        fputs(rule->deed == TNI_DEED_DROP ? ", do: drop" : ", do: keep", out);
    }
    fputs(rule->optional ? ", optional: true}\n" : "}\n", out);
}

static void print_defaults(const tni_ruleset *set, FILE *out)
{
    static const char *const unmatched[] = {"error", "keep", "drop"};
    static const char *const slots[] = {"follow", "keep", "seen"};
    fprintf(out, "defaults: {unmatched: %s, slots: %s, counters: %s}\n", unmatched[set->unmatched],
            slots[set->slots], set->sees_counters ? "seen" : "keep");
}

void tni_rules_print_head(const tni_ruleset *set, FILE *out)
{
    fputs("tenon: 1\n", out);
    if (set->title.data != NULL) {
        fputs("about: \"", out);
        quoted(set->title, out);
        fputs("\"\n", out);
    }
    if (set->scheme != TN_SCHEME_NAME) {
        fprintf(out, "scheme: %s\n", tn_scheme_name(set->scheme));
    }
    if (set->separator != 0) {
        fprintf(out, "separator: \"%c\"\n", set->separator);
    }
    print_defaults(set, out);
    fputs("rules:\n", out);
}

void tni_rules_print(const tni_ruleset *set, FILE *out)
{
    tni_rules_print_head(set, out);
    for (size_t i = 0; i < set->count; i++) {
        print_rule(&set->rules[i], out);
    }
}
