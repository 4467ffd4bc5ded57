/* Writing the name that a target makes of what a match bound. */
#include "converters/rules/template.h"

#include <inttypes.h>
#include <tenon/text.h>

static tn_status holds_separator(tn_str segment, char separator, tn_error *err)
{
    char text[TN_ERROR_SUBJECT];
    tn_escape(segment, text, sizeof text);
    tn_status status = tni_fail(err, TN_E_NAME,
                                "the segment '%s' holds the target's separator '%c', so the name "
                                "could not be read back",
                                text, separator);
    tni_error_hint(err, "give such names a rule of their own");
    return status;
}

/* Writes a bound text; where the separators differ it is cut at the pattern's. */
static tn_status write_text(tn_str text, char from, char to, tni_buffer *out, tn_error *err)
{
    if (from == to) {
        tni_buffer_str(out, text);
        return TN_OK;
    }
    while (true) {
        const char *cut = text.len == 0 ? NULL : memchr(text.data, from, text.len);
        tn_str segment = cut == NULL ? text : tn_str_first(text, (size_t)(cut - text.data));
        if (segment.len > 0 && memchr(segment.data, to, segment.len) != NULL) {
            return holds_separator(segment, to, err);
        }
        tni_buffer_str(out, segment);
        if (cut == NULL) {
            return TN_OK;
        }
        tni_buffer_char(out, to);
        text = tn_str_skip(text, segment.len + 1);
    }
}

static void write_number(tn_str text, unsigned digits, tni_buffer *out)
{
    while (text.len > 1 && text.data[0] == '0') {
        text = tn_str_skip(text, 1);
    }
    for (size_t i = text.len; i < digits; i++) {
        tni_buffer_char(out, '0');
    }
    tni_buffer_str(out, text);
}

static tn_status write_word(const tni_template_part *part, tn_str word, tni_buffer *out,
                            tn_error *err)
{
    tn_str text = tni_table_find(part->table, word);
    if (text.data == NULL) {
        char shown[TN_ERROR_SUBJECT];
        tn_escape(word, shown, sizeof shown);
        return tni_fail(err, TN_E_NAME, "the table '%.*s' has no word '%s'",
                        (int)part->table->name.len, part->table->name.data, shown);
    }
    tni_buffer_str(out, text);
    return TN_OK;
}

static tn_status write_result(const tni_template_part *part, const tni_values *values,
                              tni_buffer *out, tn_error *err)
{
    int64_t number = 0;
    tn_status status = tni_expression_run(part->expression, values, &number, err);
    if (status != TN_OK) {
        return status;
    }
    if (number < 0) {
        tn_str source = part->expression->source;
        return tni_fail(err, TN_E_NAME, "{%.*s} is %" PRId64 " here: no name has a negative number",
                        (int)source.len, source.data, number);
    }
    tni_buffer_format(out, "%0*" PRId64, (int)part->digits, number);
    return TN_OK;
}

/* Writes what a hole is bound to. What a regular expression captured goes as it is. */
static tn_status write_binding(const tni_template *target, const tni_template_part *part,
                               const tn_pattern *pattern, const tni_binding *bound, tni_buffer *out,
                               tn_error *err)
{
    if (bound->hole == NULL) {
        tni_buffer_str(out, bound->text);
    } else if (bound->hole->kind == TNI_HOLE_INT) {
        write_number(bound->text, part->digits, out);
    } else {
        return write_text(bound->text, pattern->separator, target->separator, out, err);
    }
    return TN_OK;
}

tn_status tni_template_render(const tni_template *target, const tn_pattern *pattern,
                              const tni_values *values, tni_buffer *out, tn_error *err)
{
    tn_status status = TN_OK;
    tni_buffer_reset(out);
    for (size_t i = 0; status == TN_OK && i < target->n_parts; i++) {
        const tni_template_part *part = &target->parts[i];
        if (part->kind == TNI_PART_TEXT) {
            tni_buffer_str(out, part->text);
        } else if (part->kind == TNI_PART_TABLE) {
            status = write_word(part, values->bound[part->slot].text, out, err);
        } else if (part->kind == TNI_PART_EXPRESSION) {
            status = write_result(part, values, out, err);
        } else {
            status = write_binding(target, part, pattern, &values->bound[part->slot], out, err);
        }
    }
    if (status == TN_OK && out->len == 0 && !out->failed) {
        status = tni_fail(err, TN_E_NAME, "the rule would leave an empty name");
    }
    return status != TN_OK ? status : tni_buffer_check(out, err);
}
