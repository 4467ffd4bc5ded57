/* The inverse as a rule file. */
#include "converters/rule_verbs/invert_file.h"
#include "converters/rules/loading.h"
#include <inttypes.h>
#include <tenon/text.h>

static void print_entry(const tni_table_entry *entry, bool first, FILE *out)
{
    fputs(first ? "" : ", ", out);
    fputc('"', out);
    for (size_t i = 0; i < entry->word.len; i++) {
        unsigned char byte = (unsigned char)entry->word.data[i];
        if (byte < 0x20 || byte == 0x7F) {
            fprintf(out, "\\x%02X", byte);
        } else {
            fprintf(out, "%s%c", byte == '"' || byte == '\\' ? "\\" : "", byte);
        }
    }
    fputs("\": ", out);
    tni_rules_print_text(entry->text, false, out);
}

static void print_table(const tni_table *table, bool first, FILE *out)
{
    fprintf(out, "%s%.*s: {", first ? "tables: {" : ", ", (int)table->name.len, table->name.data);
    for (size_t i = 0; i < table->count; i++) {
        print_entry(&table->entries[i], i == 0, out);
    }
    fputc('}', out);
}

/* Writes the tables of all inverses, and the file's own where what it says of its way back may ask
 * for them. */
static void print_tables(const tni_inverting *v, FILE *out)
{
    bool any = false, said = false;
    for (size_t i = 0; i < v->n_backs; i++) {
        said = said || v->backs[i].rule->back != NULL;
    }
    for (size_t i = 0; said && i < v->set->tables.count; i++) {
        print_table(&v->set->tables.at[i], !any, out);
        any = true;
    }
    for (size_t i = 0; i < v->n_backs; i++) {
        for (size_t k = 0; k < v->backs[i].inverse.n_tables; k++) {
            print_table(&v->backs[i].inverse.tables[k], !any, out);
            any = true;
        }
    }
    fputs(any ? "}\n" : "", out);
}

/* Writes the variables, which what a file says of its way back may name. */
static void print_vars(const tni_inverting *v, FILE *out)
{
    bool needed = false;
    for (size_t i = 0; i < v->n_backs; i++) {
        const tni_rule *rule = v->backs[i].rule;
        needed =
            needed || v->backs[i].names_variables || (rule->back_to != NULL && rule->back_to->vars);
    }
    for (size_t i = 0; needed && i < v->set->vars.count; i++) {
        const tni_var *var = &v->set->vars.at[i];
        fprintf(out, "%s%.*s: ", i == 0 ? "vars: {" : ", ", (int)var->name.len, var->name.data);
        tni_rules_print_text(var->value, false, out);
        fputs(i + 1 == v->set->vars.count ? "}\n" : "", out);
    }
}

static void print_head(const tni_inverting *v, FILE *out)
{
    static const char *const slots[] = {"follow", "keep", "seen"};
    fputs("tenon: 1\nabout: ", out);
    char about[TN_ERROR_PATH];
    snprintf(about, sizeof about, "the inverse of %s", v->set->file);
    tni_rules_print_text(tn_str_of(about), false, out);
    fputc('\n', out);
    if (v->set->separator != 0) {
        fprintf(out, "separator: \"%c\"\n", v->set->separator);
    }
    print_vars(v, out);
    print_tables(v, out);
    fprintf(out, "defaults: {unmatched: %s, slots: %s, counters: %s}\nrules:\n",
            v->set->unmatched == TNI_UNMATCHED_KEEP ? "keep" : "error", slots[v->set->slots],
            v->set->sees_counters ? "seen" : "keep");
}

/* Writes texts, as a list if there are several. */
static void print_texts(const tn_str *texts, size_t count, bool are_names, FILE *out)
{
    fputs(count > 1 ? "[" : "", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        tni_rules_print_text(texts[i], are_names, out);
    }
    fputs(count > 1 ? "]" : "", out);
}

/* Writes `match` of a rule that keeps names. */
static void print_kept(const tni_back *back, FILE *out)
{
    const tni_rule *rule = back->rule;
    if (back->names != NULL) {
        print_texts(back->names, back->n_names, true, out);
    } else {
        fputs(rule->n_patterns > 1 ? "[" : "", out);
        for (size_t i = 0; i < rule->n_patterns; i++) {
            fputs(i == 0 ? "" : ", ", out);
            tni_rules_print_text(rule->patterns[i]->source, false, out);
        }
        fputs(rule->n_patterns > 1 ? "]" : "", out);
    }
    fputs(back->operations.len > 0 ? "" : ", do: keep", out);
}

bool tni_template_is_closed(const tni_template *to)
{
    bool plain = !to->vars && !to->ranks;
    for (size_t i = 0; plain && i < to->n_parts; i++) {
        plain = to->parts[i].kind != TNI_PART_TABLE;
    }
    return plain;
}

/* Writes the way back of a rule whose file says one: what the file itself has. */
static void print_said(const tni_rule *rule, tni_buffer *room, FILE *out)
{
    if (rule->back == NULL || !tni_template_is_closed(rule->to)) {
        return;
    }
    tni_buffer_reset(room);
    tni_buffer_str(room, rule->patterns[0]->source);
    tni_buffer_text(room, " => ");
    tni_buffer_str(room, rule->to->source);
    fputs(", back: ", out);
    tni_rules_print_text((tn_str){room->data, room->len}, false, out);
}

static void print_back(const tni_back *back, tni_buffer *room, FILE *out)
{
    const tni_rule *rule = back->rule;
    fputs("  - {match: ", out);
    if (rule->deed == TNI_DEED_MAKE || rule->deed == TNI_DEED_TIE) {
        bool makes = rule->deed == TNI_DEED_MAKE;
        tni_rules_print_text(makes ? rule->make->name : rule->tie->name, true, out);
        fputs(", do: drop", out);
    } else if (rule->to == NULL) {
        print_kept(back, out);
    } else {
        print_texts(back->inverse.match, back->inverse.n_match, false, out);
        fputs(", to: ", out);
        print_texts(back->inverse.to, back->inverse.n_to, false, out);
    }
    if (back->operations.len > 0) {
        fprintf(out, ", do: %.*s", (int)back->operations.len, back->operations.data);
    }
    print_said(rule, room, out);
    if (back->priority != 0) {
        fprintf(out, ", priority: %" PRId64, back->priority);
    }
    fputs(rule->optional ? ", optional: true}\n" : "}\n", out);
}

/* Writes a name that stays where it is, above all patterns. */
static void print_stay(const tni_inverting *v, tn_str name, FILE *out)
{
    int64_t above = 0;
    for (size_t i = 0; i < v->n_backs; i++) {
        above = v->backs[i].priority > above ? v->backs[i].priority : above;
    }
    fputs("  - {match: ", out);
    tni_rules_print_text(name, true, out);
    fprintf(out, ", do: keep, priority: %" PRId64 "}\n", above + 1);
}

/* Reads the text again, as a file of its own. */
static tn_status read_again(tni_inverting *v, tni_file_inverse *out, tn_error *err)
{
    tni_session *session = v->session;
    tni_rule_options options = {.n_rules = 0};
    tni_loading loading = {.arena = &session->arena, .options = &options};
    tni_rule_source source = {.path = "the inverse"};
    tni_ruleset *set;
    tni_yaml *root = NULL;
    tn_error why = {0};
    tn_status status = tni_rules_add_stage(&loading, &set, err);
    if (status == TN_OK) {
        status = tni_yaml_read(&session->arena, out->text, TNI_RULE_BYTES, &root, err);
    }
    if (status == TN_OK && tni_rules_of_text(&loading, &source, root, set, &why) != TN_OK) {
        status = why.code != TN_E_RULE
                     ? tni_fail(err, why.code, "%s", why.message)
                     : tni_fail(err, TN_E_NO_INVERSE, "what leads back would be no rule file: %s",
                                why.message);
        tni_error_path(err, v->set->file);
    }
    out->sets = loading.sets;
    return status;
}

/* Takes what is printed. */
static ssize_t take(void *user, const char *data, size_t len)
{
    tni_buffer_add(user, data, len);
    return (ssize_t)len;
}

static void print(const tni_inverting *v, tni_buffer *room, FILE *out)
{
    print_head(v, out);
    for (size_t i = 0; i < v->n_backs; i++) {
        print_back(&v->backs[i], room, out);
    }
    if (v->n_backs == 0) { /* rules that only drop: the rest stays, and no file is without rules */
        fputs("  - {match: \"**\", do: keep, optional: true}\n", out);
    }
    for (size_t i = 0; i < v->n_stay; i++) {
        print_stay(v, v->stay[i], out);
    }
}

tn_status tni_inverse_write(tni_inverting *v, tni_file_inverse *out, tn_error *err)
{
    tni_buffer text, room;
    tni_buffer_init(&text, v->session->ctx);
    tni_buffer_init(&room, v->session->ctx);
    FILE *stream = fopencookie(&text, "w", (cookie_io_functions_t){.write = take});
    bool good = stream != NULL;
    if (good) {
        print(v, &room, stream);
        good = ferror(stream) == 0;
        good = fclose(stream) == 0 && good;
    }
    good = good && !room.failed && !text.failed;
    tn_status status =
        good ? tni_arena_str(&v->session->arena, (tn_str){text.data, text.len}, &out->text, err)
             : tni_fail(err, TN_E_NOMEM, "there is no memory for the inverse");
    tni_buffer_clear(&text);
    tni_buffer_clear(&room);
    return status == TN_OK ? read_again(v, out, err) : status;
}
