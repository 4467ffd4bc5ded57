/* Which rule claims which tensor: all rules see the names as the stage found them. */
#include "converters/rules/bind.h"
#include "converters/rules/slots.h"
#include "converters/select.h"
#include "model/near.h"
#include "model/shape_text.h"
#include <tenon/text.h>

/* The search of one rule. */
typedef struct search {
    tni_stage *stage;
    tni_rule *rule;
    size_t found;
    uint32_t unseen; /* a tensor that matched but may not be claimed so, or TN_NO_INDEX */
} search;

tn_str tni_stage_seen(const tni_stage *stage, size_t index)
{
    const tn_tensor *tensor = &stage->model->tensors[index];
    tn_str name = tensor->alias[stage->set->scheme];
    bool flags = stage->set->file == NULL;
    return name.data == NULL && flags && stage->renamed[index] ? tensor->alias[TN_SCHEME_NAME]
                                                               : name;
}

static tn_status overlap(const search *s, size_t index, tn_error *err)
{
    const tni_rule *other = s->stage->decisions[index].rule;
    tn_status status =
        tni_fail(err, TN_E_OVERLAP, "%.*s and %.*s both claim this tensor", (int)other->place.len,
                 other->place.data, (int)s->rule->place.len, s->rule->place.data);
    tni_error_path(err, s->stage->model->path);
    tni_error_subject(err, tni_stage_seen(s->stage, index));
    tni_error_hint(err, "each tensor belongs to one rule: narrow one of the patterns");
    return status;
}

/* Gives a tensor to the rule; the matcher's bindings are those of its name. */
static tn_status claim(search *s, size_t index, tn_error *err)
{
    tni_stage *stage = s->stage;
    tni_decision *decision = &stage->decisions[index];
    if (decision->claimed) {
        s->found += decision->rule == s->rule;
        return decision->rule == s->rule ? TN_OK : overlap(s, index, err);
    }
    decision->claimed = decision->decided = true;
    decision->rule = s->rule;
    decision->place = s->rule->place;
    decision->dropped = s->rule->deed == TNI_DEED_DROP;
    s->found++;
    if (s->rule->deed != TNI_DEED_RENAME) {
        return TN_OK;
    }
    tn_status status = tni_template_render(s->rule->to, s->rule->patterns[0], &stage->matcher,
                                           &stage->buffer, err);
    if (status == TN_OK) {
        tn_str name = {stage->buffer.data, stage->buffer.len};
        return tni_arena_str(stage->arena, name, &decision->name, err);
    }
    tni_error_path(err, stage->model->path);
    tni_error_subject(err, tni_stage_seen(stage, index));
    return status;
}

/* Tells whether a slot may be claimed by a pattern that is no exact name. */
static bool sees_slot(const tni_stage *stage, size_t index, const tn_pattern *pattern)
{
    uint32_t owner = stage->model->tensors[index].slot_of;
    tni_slot_name name;
    return owner == TN_NO_INDEX || stage->set->slots == TNI_SLOTS_SEEN ||
           (tni_slot_split(tni_stage_seen(stage, index), tni_stage_seen(stage, owner), &name) &&
            tni_slot_spelt(pattern, name.suffix));
}

/* Tells whether a tensor is left alone by patterns: a counter, or, where names change, optimizer
 * state without a scope. Both are restored by their bare names. */
static bool is_left_alone(const search *s, size_t index)
{
    const tn_tensor *tensor = &s->stage->model->tensors[index];
    tn_str name = tni_stage_seen(s->stage, index);
    bool bare = name.len > 0 && memchr(name.data, '/', name.len) == NULL &&
                memchr(name.data, '.', name.len) == NULL;
    bool state = tensor->role == TN_ROLE_STATE && bare && s->rule->deed == TNI_DEED_RENAME;
    return !s->stage->set->sees_counters && (tensor->role == TN_ROLE_COUNTER || state);
}

static void leave_alone(search *s, size_t index)
{
    tni_decision *decision = &s->stage->decisions[index];
    s->unseen = (uint32_t)index;
    if (decision->left_alone == NULL) {
        decision->left_alone = s->rule;
    }
}

/* Claims what a pattern that is no exact name matches. */
static tn_status search_pattern(search *s, const tn_pattern *pattern, tn_error *err)
{
    tni_stage *stage = s->stage;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        tn_str name = tni_stage_seen(stage, i);
        bool found = false;
        if (name.data == NULL || stage->model->tensors[i].role == TN_ROLE_METADATA) {
            continue;
        }
        status = tni_pattern_match(pattern, &stage->matcher, name, &found, err);
        if (status != TN_OK || !found) {
            continue;
        }
        if (is_left_alone(s, i)) {
            leave_alone(s, i);
        } else if (!sees_slot(stage, i, pattern)) {
            s->unseen = (uint32_t)i;
        } else {
            status = claim(s, i, err);
        }
    }
    return status;
}

/* Claims all that have exactly this name. */
static tn_status search_name(search *s, tn_str name, tn_error *err)
{
    const tn_model *model = s->stage->model;
    uint32_t index = tni_model_index(model, s->stage->set->scheme, name);
    tn_status status = TN_OK;
    if (index != TN_NO_INDEX && index != TNI_INDEX_MANY) {
        return model->tensors[index].role == TN_ROLE_METADATA ? TN_OK : claim(s, index, err);
    }
    for (size_t i = 0; index == TNI_INDEX_MANY && status == TN_OK && i < model->count; i++) {
        tn_str seen = tni_stage_seen(s->stage, i);
        if (seen.data != NULL && tn_str_equal(seen, name) &&
            model->tensors[i].role != TN_ROLE_METADATA) {
            status = claim(s, i, err);
        }
    }
    return status;
}

/* Looks for any of a tensor's names, as arguments may be. */
static tn_status search_alias(search *s, tn_str name, tn_error *err)
{
    uint32_t index = TN_NO_INDEX;
    const tn_model *model = s->stage->model;
    tn_status status = tni_find_exact(model, s->stage->set->scheme, name, &index, err);
    if (status != TN_OK) {
        tni_error_path(err, model->path);
        return status;
    }
    if (index == TN_NO_INDEX || model->tensors[index].role == TN_ROLE_METADATA) {
        return TN_OK;
    }
    s->rule->exact = tni_stage_seen(s->stage, index);
    return claim(s, index, err);
}

/* Searches for a flag: FROM is a name, else a pattern. */
static tn_status search_flag(search *s, tn_error *err)
{
    const tn_pattern *pattern = s->rule->patterns[0];
    tn_status status = TN_OK;
    if (pattern->kind == TNI_EXACT || s->rule->to->constant) {
        status = search_alias(s, s->rule->argument, err);
    }
    if (status == TN_OK && s->found == 0 && pattern->kind == TNI_EXACT) {
        status = search_alias(s, pattern->exact, err);
    }
    if (status == TN_OK && s->found == 0 && pattern->kind != TNI_EXACT) {
        status = search_pattern(s, pattern, err);
    }
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
    for (size_t i = 0; pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        tni_buffer_str(out, pattern->parts[i].text);
    }
}

/* Hints at the names that are nearest to a rule that found nothing. */
static void hint_near(search *s, tn_error *err)
{
    tni_buffer *text = &s->stage->buffer;
    uint32_t near[TNI_NEAR_MOST];
    char list[TN_ERROR_TEXT / 2] = "";
    size_t used = 0;
    literal_text(s->rule->patterns[0], text);
    size_t count = text->failed ? 0
                                : tni_near(s->stage->model, s->stage->set->scheme,
                                           (tn_str){text->data, text->len}, near);
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        char name[200], shape[TNI_SHAPE_ROOM];
        tn_str seen = tni_stage_seen(s->stage, near[i]);
        const tn_tensor *tensor = &s->stage->model->tensors[near[i]];
        tn_escape(seen.data != NULL ? seen : tensor->alias[TN_SCHEME_NAME], name, sizeof name);
        tni_shape_text(tensor, shape);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s %s", i == 0 ? "" : ", ",
                                 name, shape);
    }
    if (count > 0) {
        tni_error_hint(err, "the nearest names: %s", list);
    } else {
        tni_error_hint(err, "tenon ls %s", s->stage->model->path);
    }
}

/* Raises that a rule claims nothing. */
static tn_status matches_nothing(search *s, tn_error *err)
{
    const tn_model *model = s->stage->model;
    tn_str text = s->rule->argument.data != NULL ? s->rule->argument : s->rule->patterns[0]->source;
    char shown[TN_ERROR_SUBJECT], name[TN_ERROR_SUBJECT];
    tn_escape(text, shown, sizeof shown);
    tn_status status;
    if (s->stage->set->file != NULL) {
        status = tni_fail(err, TN_E_NO_MATCH, "'%s' matches no tensor of %s", shown, model->path);
        tni_error_path(err, s->stage->set->file);
        tni_error_place(err, s->rule->line, s->rule->column);
    } else {
        status = tni_fail(err, TN_E_NO_MATCH, "--rename '%s' matches no tensor", shown);
        tni_error_path(err, model->path);
    }
    if (s->unseen == TN_NO_INDEX) {
        hint_near(s, err);
        return status;
    }
    tn_escape(tni_stage_seen(s->stage, s->unseen), name, sizeof name);
    if (model->tensors[s->unseen].role == TN_ROLE_SLOT) {
        tni_error_hint(err,
                       "'%s' is a slot, which goes with its variable; name its suffix to "
                       "reach it",
                       name);
    } else {
        tni_error_hint(err, "'%s' is %s: only its exact name reaches it", name,
                       model->tensors[s->unseen].role == TN_ROLE_COUNTER ? "a counter"
                                                                         : "state without a scope");
    }
    return status;
}

tn_status tni_stage_claim(tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        search s = {.stage = stage, .rule = &stage->set->rules[r], .unseen = TN_NO_INDEX};
        if (s.rule->argument.data != NULL) {
            status = search_flag(&s, err);
        }
        for (size_t i = 0;
             s.rule->argument.data == NULL && status == TN_OK && i < s.rule->n_patterns; i++) {
            const tn_pattern *pattern = s.rule->patterns[i];
            status = pattern->kind == TNI_EXACT ? search_name(&s, pattern->exact, err)
                                                : search_pattern(&s, pattern, err);
        }
        if (status == TN_OK && s.found == 0 && !s.rule->optional && !stage->ignore_unmatch) {
            status = matches_nothing(&s, err);
        }
    }
    return status;
}
