/* What a rule file does with one name. */
#include "converters/rule_verbs/almost.h"
#include "converters/rule_verbs/session.h"
#include "converters/rules/claim.h"
#include "model/near.h"
#include "model/shape_text.h"
#include <stdlib.h>
#include <tenon/text.h>

struct tn_explanation {
    tni_session session;
    tn_explained said;
    tn_explained_stage *stages;
};

enum { ALMOST_MOST = 3 };

void tn_explanation_free(tn_explanation *explanation)
{
    if (explanation != NULL) {
        tn_context *ctx = explanation->session.ctx;
        tni_session_end(&explanation->session);
        tni_free(ctx, explanation);
    }
}

const tn_explained *tn_explanation_of(const tn_explanation *explanation)
{
    return &explanation->said;
}

/* Lists what the holes, or groups, of a pattern are bound to. */
static tn_status list_bound(tn_explanation *x, const tn_pattern *pattern,
                            const tni_matcher *matcher, tn_explained_stage *out, tn_error *err)
{
    void *block;
    tni_arena *arena = &x->session.arena;
    tn_status status = tni_arena_array(arena, pattern->n_slots, sizeof(tn_bound), &block, err);
    tn_bound *bound = block;
    for (uint32_t slot = 0; status == TN_OK && slot < pattern->n_slots; slot++) {
        const tni_binding *one = &matcher->bound[slot];
        status = tni_arena_str(arena, one->text, &bound[slot].value, err);
        if (status == TN_OK && one->hole != NULL) {
            bound[slot].hole = one->hole->name;
        } else if (status == TN_OK) {
            status = tni_arena_format(arena, &bound[slot].hole, err, "%u", slot + 1);
        }
    }
    if (status == TN_OK) {
        out->bound = bound;
        out->n_bound = pattern->n_slots;
    }
    return status;
}

/* Tells what a rule is, apart from the name at hand. */
static void tell_rule(const tni_rule *rule, const tn_pattern *pattern, tn_explained_stage *out)
{
    out->rule = rule->place;
    out->pattern = pattern != NULL ? pattern->source : TN_STR_NONE;
    out->target = rule->to != NULL ? rule->to->source : TN_STR_NONE;
}

/* Lists the operations of a rule. */
static tn_status list_operations(tn_explanation *x, const tni_rule *rule, tn_explained_stage *out,
                                 tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&x->session.arena, rule->n_ops, sizeof(tn_str), &block, err);
    tn_str *texts = block;
    for (size_t i = 0; status == TN_OK && i < rule->n_ops; i++) {
        texts[i] = rule->ops[i].text;
    }
    if (status == TN_OK) {
        out->operations = texts;
        out->n_operations = rule->n_ops;
    }
    return status;
}

/* Writes the dtype and shape of a tensor before the operations, and of what they make. */
static tn_status write_forms(tn_explanation *x, const tn_tensor *tensor, const tni_made *made,
                             tn_explained_stage *out, tn_error *err)
{
    char before[TNI_SHAPE_ROOM], after[TNI_SHAPE_ROOM];
    tn_tensor shown = {.rank = made->value.rank, .shape = made->value.shape};
    tni_shape_text(tensor, before);
    tni_shape_text(&shown, after);
    return tni_arena_format(&x->session.arena, &out->forms, err, "%s %s -> %s %s", before,
                            tn_dtype_about(tensor->dtype)->name, after,
                            tn_dtype_about(made->value.dtype)->name);
}

/* Says what becomes of a name that no rule of a stage claims. */
static const char *unclaimed(const tni_ruleset *set)
{
    static const char *const words[] = {
        [TNI_UNMATCHED_ERROR] = "no rule matches it, which is an error (unmatched: error)",
        [TNI_UNMATCHED_KEEP] = "no rule matches it: it stays as it is (unmatched: keep)",
        [TNI_UNMATCHED_DROP] = "no rule matches it: it is dropped (unmatched: drop)"};
    return words[set->unmatched];
}

/* Renders what a rule makes of a name, as far as that can be told without a model. */
static tn_status render(tn_explanation *x, const tni_rule *rule, const tn_pattern *pattern,
                        const tni_matcher *matcher, tn_str name, tn_explained_stage *out,
                        tn_error *err)
{
    tni_buffer buffer;
    tn_error why = {0};
    tni_values values = {.bound = matcher->bound};
    out->why = TN_LIT("its name stays");
    if (rule->to == NULL) {
        return tni_arena_str(&x->session.arena, name, &out->result, err);
    }
    if (rule->n_targets > 1 || rule->n_patterns > 1) {
        out->why = TN_LIT("it goes into other tensors, which the model tells");
        return TN_OK;
    }
    if (rule->to->ranks) {
        out->why = TN_LIT("renamed; rank() needs the model");
        return TN_OK;
    }
    tni_buffer_init(&buffer, x->session.ctx);
    tn_status status = tni_template_render(rule->to, pattern, &values, &buffer, &why);
    if (status == TN_OK) {
        status =
            tni_arena_str(&x->session.arena, (tn_str){buffer.data, buffer.len}, &out->result, err);
        out->why = TN_LIT("renamed");
    } else if (why.code == TN_E_NAME) {
        status = tni_arena_str(&x->session.arena, tn_str_of(why.message), &out->why, err);
    } else {
        status = tni_fail(err, why.code, "%s", why.message);
    }
    tni_buffer_clear(&buffer);
    return status;
}

/* Tells what the highest rule that matches does. */
static tn_status tell_match(tn_explanation *x, const tni_rule *rule, const tn_pattern *pattern,
                            tni_matcher *matcher, tn_str name, tn_explained_stage *out,
                            tn_error *err)
{
    bool found;
    tell_rule(rule, pattern, out);
    tn_status status = list_operations(x, rule, out, err);
    status = status != TN_OK ? status : tni_pattern_match(pattern, matcher, name, &found, err);
    if (status == TN_OK && pattern->kind != TNI_EXACT) {
        status = list_bound(x, pattern, matcher, out, err);
    }
    if (status != TN_OK || rule->deed == TNI_DEED_RENAME) {
        return status != TN_OK ? status : render(x, rule, pattern, matcher, name, out, err);
    }
    out->dropped = rule->deed == TNI_DEED_DROP;
    out->why = out->dropped ? TN_LIT("dropped") : TN_LIT("kept as it is");
    out->result = out->dropped ? TN_STR_NONE : name;
    return TN_OK;
}

/* One stage without a model: conditions, slots and counters are not known. */
static tn_status tell_without(tn_explanation *x, const tni_ruleset *set, tn_str name,
                              tni_matcher *matcher, tn_explained_stage *out, tn_error *err)
{
    const tni_rule *best = NULL;
    const tn_pattern *by = NULL;
    tn_status status = TN_OK;
    for (size_t r = 0; status == TN_OK && r < set->count; r++) {
        const tni_rule *rule = &set->rules[r];
        for (size_t i = 0; status == TN_OK && i < rule->n_patterns; i++) {
            bool found = false;
            status = tni_pattern_match(rule->patterns[i], matcher, name, &found, err);
            if (found && (best == NULL || rule->priority > best->priority)) {
                best = rule;
                by = rule->patterns[i];
            }
        }
    }
    if (status == TN_OK && best != NULL) {
        return tell_match(x, best, by, matcher, name, out, err);
    }
    out->why = tn_str_of(unclaimed(set));
    out->dropped = set->unmatched == TNI_UNMATCHED_DROP;
    out->result = set->unmatched == TNI_UNMATCHED_KEEP ? name : TN_STR_NONE;
    return status;
}

/* Says why a tensor of a model is treated as it is. */
static tn_status tell_decision(tn_explanation *x, const tni_stage *stage, size_t index,
                               tn_explained_stage *out, tn_error *err)
{
    const tni_decision *decision = &stage->decisions[index];
    uint32_t owner = tni_stage_owner(stage, index);
    char name[TN_ERROR_SUBJECT];
    if (decision->claimed) {
        const char *what = decision->dropped             ? "dropped"
                           : decision->consumed          ? "goes through the operations"
                           : decision->name.data != NULL ? "renamed"
                                                         : "kept as it is";
        out->why = tn_str_of(what);
    } else if (decision->left_alone != NULL) {
        out->why = TN_LIT("patterns leave counters, and state without a scope, alone");
    } else if (owner != TN_NO_INDEX) {
        tn_escape(tni_stage_seen(stage, owner), name, sizeof name);
        return tni_arena_format(&x->session.arena, &out->why, err,
                                "a slot, which goes with its variable %s", name);
    } else {
        out->why = decision->unmatched ? tn_str_of(unclaimed(stage->set))
                                       : TN_LIT("no rule sees it: it stays as it is");
    }
    return TN_OK;
}

/* One stage over a model. */
static tn_status tell_with(tn_explanation *x, const tni_stage *stage, size_t index,
                           tni_matcher *matcher, tn_explained_stage *out, tn_error *err)
{
    const tni_decision *decision = &stage->decisions[index];
    const tn_tensor *tensor = &stage->model->tensors[index];
    tn_status status = TN_OK;
    bool found;
    if (decision->rule != NULL) {
        tell_rule(decision->rule, decision->claimed ? decision->pattern : NULL, out);
    }
    if (decision->claimed && decision->pattern->kind != TNI_EXACT) {
        status = tni_pattern_match(decision->pattern, matcher, tni_stage_seen(stage, index), &found,
                                   err);
        status = status != TN_OK ? status : list_bound(x, decision->pattern, matcher, out, err);
    }
    const tni_made *made = tni_made_of(stage, index);
    out->dropped = decision->dropped;
    if (made != NULL) {
        out->result = made->name;
        status = status != TN_OK ? status : list_operations(x, decision->rule, out, err);
        status = status != TN_OK ? status : write_forms(x, tensor, made, out, err);
    } else if (!decision->dropped && !decision->consumed) {
        out->result = decision->name.data != NULL ? decision->name : tensor->alias[TN_SCHEME_NAME];
    }
    return status != TN_OK ? status : tell_decision(x, stage, index, out, err);
}

static int by_reach(const void *a, const void *b)
{
    const tn_almost *x = a, *y = b;
    return (x->why.len < y->why.len) - (x->why.len > y->why.len);
}

/* Says how far one pattern gets. The length of `why` orders: it is set to the reach until all are
 * known. */
static tn_status measure(tni_arena *room, const tni_rule *rule, const tn_pattern *pattern,
                         tn_str name, tn_almost *almost, tn_error *err)
{
    size_t reach;
    tn_status status = tni_pattern_reach(room, pattern, name, &reach, err);
    *almost = (tn_almost){rule->place, pattern->source, {NULL, status == TN_OK ? reach : 0}};
    return status;
}

static tn_status write_why(tn_explanation *x, tn_str name, tn_almost *almost, tn_error *err)
{
    size_t reach = almost->why.len;
    char head[TN_ERROR_SUBJECT], rest[TN_ERROR_SUBJECT];
    tn_escape(tn_str_first(name, reach), head, sizeof head);
    tn_escape(tn_str_skip(name, reach), rest, sizeof rest);
    return reach == name.len ? tni_arena_format(&x->session.arena, &almost->why, err,
                                                "the name ends where the pattern goes on")
                             : tni_arena_format(&x->session.arena, &almost->why, err,
                                                "it fits as far as '%s', but not '%s'", head, rest);
}

/* Lists the rules of the first stage that get furthest with a name that none claims. */
static tn_status list_almost(tn_explanation *x, tn_str name, tn_error *err)
{
    const tni_ruleset *set = &x->session.sets.at[0];
    tni_arena room;
    void *block;
    size_t count = 0, n = 0;
    for (size_t r = 0; r < set->count; r++) {
        count += set->rules[r].n_patterns;
    }
    tn_status status = tni_arena_array(&x->session.arena, count, sizeof(tn_almost), &block, err);
    tn_almost *all = block;
    for (size_t r = 0; status == TN_OK && r < set->count; r++) {
        for (size_t i = 0; status == TN_OK && i < set->rules[r].n_patterns; i++) {
            tni_arena_init(&room, x->session.ctx, x->session.ctx->limits.memory);
            status = measure(&room, &set->rules[r], set->rules[r].patterns[i], name, &all[n], err);
            n += all[n].why.len > 0;
            tni_arena_clear(&room);
        }
    }
    if (status != TN_OK) {
        return status;
    }
    qsort(all, n, sizeof(tn_almost), by_reach);
    n = n < ALMOST_MOST ? n : ALMOST_MOST;
    for (size_t i = 0; status == TN_OK && i < n; i++) {
        status = write_why(x, name, &all[i], err);
    }
    x->said.almost = all;
    x->said.n_almost = n;
    return status;
}

/* Finds the tensor that is meant. */
static tn_status find_tensor(const tni_stage *stage, tn_str name, uint32_t *index_out,
                             tn_error *err)
{
    *index_out = tni_model_index(stage->model, TN_SCHEME_NAME, name);
    if (*index_out == TN_NO_INDEX && stage->set->scheme != TN_SCHEME_NAME) {
        *index_out = tni_model_index(stage->model, stage->set->scheme, name);
    }
    if (*index_out != TN_NO_INDEX && *index_out != TNI_INDEX_MANY) {
        return TN_OK;
    }
    uint32_t near[TNI_NEAR_MOST];
    tn_status status = tni_fail(err, TN_E_NO_SUCH_NAME, "there is no tensor of this name");
    tni_error_path(err, stage->model->path);
    tni_error_subject(err, name);
    if (tni_near(stage->model, TN_SCHEME_NAME, name, near) > 0) {
        char shown[TN_ERROR_SUBJECT];
        tn_escape(stage->model->tensors[near[0]].alias[TN_SCHEME_NAME], shown, sizeof shown);
        tni_error_hint(err, "did you mean %s?", shown);
    }
    return status;
}

static tn_status tell_all(tn_explanation *x, tn_str name, tni_matcher *matcher, tn_error *err)
{
    tni_session *session = &x->session;
    tn_status status = TN_OK;
    tn_str at = name;
    for (size_t i = 0; status == TN_OK && at.data != NULL && i < session->sets.count; i++) {
        tn_explained_stage *out = &x->stages[x->said.n_stages++];
        uint32_t index = TN_NO_INDEX;
        if (session->model != NULL) {
            status = find_tensor(&session->stages[i], at, &index, err);
            status = status != TN_OK ? status
                                     : tell_with(x, &session->stages[i], index, matcher, out, err);
        } else {
            status = tell_without(x, &session->sets.at[i], at, matcher, out, err);
        }
        at = out->result;
    }
    x->said.result = at;
    bool none = status == TN_OK && x->said.n_stages > 0 && x->stages[0].rule.data == NULL;
    return none ? list_almost(x, name, err) : status;
}

static tn_status explain(tn_explanation *x, const char *file, const tn_model *model, tn_str name,
                         const tn_rules_options *options, tn_context *ctx, tn_error *err)
{
    void *block;
    tni_matcher matcher;
    tn_status status = tni_session_begin(&x->session, ctx, file, options, err);
    if (status == TN_OK && model != NULL) {
        status = tni_session_run(&x->session, model, true, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(&x->session.arena, name, &x->said.name, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&x->session.arena, x->session.sets.count,
                                 sizeof(tn_explained_stage), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    x->stages = block;
    x->said.stages = x->stages;
    tni_matcher_init(&matcher, ctx);
    status = tell_all(x, x->said.name, &matcher, err);
    tni_matcher_clear(&matcher);
    return status;
}

tn_status tn_rules_explain(tn_context *ctx, const char *file, const tn_model *model, tn_str name,
                           const tn_rules_options *options, tn_explanation **explanation_out,
                           tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_explanation), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_explanation *x = block;
    x->session.ctx = ctx;
    status = explain(x, file, model, name, options, ctx, err);
    if (status == TN_OK) {
        *explanation_out = x;
    } else {
        tn_explanation_free(x);
    }
    return status;
}
