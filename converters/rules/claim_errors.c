/* What is said when rules claim too much or nothing. */
#include "converters/rules/claim.h"
#include "converters/rules/regex.h"
#include "model/near.h"
#include "model/shape_text.h"
#include <tenon/text.h>

tn_status tni_claim_overlap(const tni_stage *stage, size_t index, tn_error *err)
{
    const tni_rule *rule = stage->decisions[index].rule, *rival = stage->decisions[index].rival;
    const tni_rule *first = rule < rival ? rule : rival, *second = rule < rival ? rival : rule;
    tn_status status =
        tni_fail(err, TN_E_OVERLAP, "%.*s and %.*s both claim this tensor", (int)first->place.len,
                 first->place.data, (int)second->place.len, second->place.data);
    tni_error_path(err, stage->model->path);
    tni_error_subject(err, tni_stage_seen(stage, index));
    tni_error_hint(err, "each tensor belongs to one rule: narrow one of the patterns");
    return status;
}

/* Writes the literal text of a pattern, to look for what is near it. */
static void literal_text(const tn_pattern *pattern, tni_buffer *out)
{
    tni_buffer_reset(out);
    if (pattern->kind == TNI_GLOB) {
        for (size_t i = 0; i < pattern->source.len; i++) {
            if (pattern->source.data[i] != '*') {
                tni_buffer_char(out, pattern->source.data[i]);
            }
        }
    } else if (pattern->kind == TNI_EXACT) {
        tni_buffer_str(out, pattern->exact);
    }
    for (size_t at = 3; pattern->kind == TNI_REGEX && at < pattern->source.len;) {
        tni_buffer_str(out, tni_regex_word(pattern->source, &at));
    }
    for (size_t i = 0; pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        tni_buffer_str(out, pattern->parts[i].text);
    }
}

/* Hints at the names that are nearest to a rule that found nothing. */
static void hint_near(tni_stage *stage, const tni_rule *rule, tn_error *err)
{
    tni_buffer *text = &stage->buffer;
    uint32_t near[TNI_NEAR_MOST];
    char list[TN_ERROR_TEXT / 2] = "";
    size_t used = 0;
    literal_text(rule->patterns[0], text);
    size_t count = text->failed ? 0
                                : tni_near(stage->model, stage->set->scheme,
                                           (tn_str){text->data, text->len}, near);
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        char name[200], shape[TNI_SHAPE_ROOM];
        tn_str seen = tni_stage_seen(stage, near[i]);
        const tn_tensor *tensor = &stage->model->tensors[near[i]];
        tn_escape(seen.data != NULL ? seen : tensor->alias[TN_SCHEME_NAME], name, sizeof name);
        tni_shape_text(tensor, shape);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s %s", i == 0 ? "" : ", ",
                                 name, shape);
    }
    if (count > 0) {
        tni_error_hint(err, "the nearest names: %s", list);
    } else {
        tni_error_hint(err, "tenon ls %s", stage->model->path);
    }
}

tn_status tni_claim_nothing(tni_stage *stage, const tni_rule *rule, tn_error *err)
{
    uint32_t unseen = stage->tallies[rule - stage->set->rules].unseen;
    const tn_model *model = stage->model;
    tn_str text = rule->argument.data != NULL ? rule->argument : rule->patterns[0]->source;
    char shown[TN_ERROR_SUBJECT], name[TN_ERROR_SUBJECT];
    tn_escape(text, shown, sizeof shown);
    tn_status status;
    if (rule->file != NULL) {
        status = tni_fail(err, TN_E_NO_MATCH, "'%s' matches no tensor of %s", shown, model->path);
        tni_error_path(err, rule->file);
        tni_error_place(err, rule->line, rule->column);
    } else {
        status = tni_fail(err, TN_E_NO_MATCH, "%s '%s' matches no tensor",
                          rule->floats_only ? "--cast" : "--rename", shown);
        tni_error_path(err, model->path);
    }
    if (unseen == TN_NO_INDEX) {
        hint_near(stage, rule, err);
        return status;
    }
    tn_escape(tni_stage_seen(stage, unseen), name, sizeof name);
    if (model->tensors[unseen].role == TN_ROLE_SLOT) {
        tni_error_hint(err,
                       "'%s' is a slot, which goes with its variable; name its suffix to "
                       "reach it",
                       name);
    } else {
        tni_error_hint(err, "'%s' is %s: only its exact name reaches it", name,
                       model->tensors[unseen].role == TN_ROLE_COUNTER ? "a counter"
                                                                      : "state without a scope");
    }
    return status;
}
