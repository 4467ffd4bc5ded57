#include "converters/rules/naming.h"

#include "converters/mapped.h"
#include "converters/rules/bind.h"

void tni_naming_clear(tni_naming *naming)
{
    while (naming->n_models > 0) {
        tn_model_free(naming->models[--naming->n_models]);
    }
    tni_inputs_close(&naming->inputs);
}

uint64_t tni_naming_memory(const tni_naming *naming)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < naming->n_models; i++) {
        bytes += naming->models[i]->arena.used + naming->models[i]->room * sizeof(tn_tensor);
    }
    return bytes;
}

static bool operates(const tni_rulesets *sets)
{
    for (size_t i = 0; i < sets->count; i++) {
        for (size_t r = 0; r < sets->at[i].count; r++) {
            const tni_rule *rule = &sets->at[i].rules[r];
            if (rule->operates || rule->deed == TNI_DEED_MAKE || rule->deed == TNI_DEED_TIE) {
                return true;
            }
        }
    }
    return false;
}

/* The arrays that say of the current model's tensors where they come from. */
static tn_status make_arrays(tni_naming *naming, size_t count, tn_error *err)
{
    void *source = NULL, *rule = NULL, *renamed = NULL, *history = NULL, *input = NULL;
    tn_status status = tni_arena_array(naming->arena, count, sizeof(uint32_t), &source, err);
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, count, sizeof(tn_str), &rule, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, count, sizeof(bool), &renamed, err);
    }
    if (status == TN_OK && operates(&naming->sets)) {
        status = tni_arena_array(naming->arena, count, sizeof(tni_history), &history, err);
    }
    if (status == TN_OK && naming->inputs.count > 0) {
        status = tni_arena_array(naming->arena, count, sizeof(uint32_t), &input, err);
    }
    if (status == TN_OK) {
        naming->input = input;
        naming->history = history;
        naming->source = source;
        naming->rule = rule;
        naming->renamed = renamed;
    }
    return status;
}

static bool keeps_all(const tn_model *model, const bool *keep)
{
    for (size_t i = 0; i < model->count; i++) {
        if (!keep[i]) {
            return false;
        }
    }
    return true;
}

/* Begins with what the flags before the rules left. */
static tn_status begin(tni_naming *naming, const tn_model *first, const bool *keep, tn_error *err)
{
    void *block;
    tn_model *kept;
    if (keeps_all(first, keep)) {
        return TN_OK;
    }
    tn_status status = tni_arena_array(naming->arena, first->count, sizeof(tn_str), &block, err);
    tn_str *names = block;
    for (size_t i = 0; status == TN_OK && i < first->count; i++) {
        names[i] = first->tensors[i].alias[TN_SCHEME_NAME];
    }
    if (status == TN_OK) {
        status = tni_map_renamed(first, keep, names, NULL, &kept, err);
    }
    if (status != TN_OK) {
        return status;
    }
    naming->models[naming->n_models++] = kept;
    naming->model = kept;
    size_t n = 0;
    for (uint32_t i = 0; i < first->count; i++) {
        if (keep[i]) {
            naming->source[n] = i;
            if (naming->input != NULL) {
                naming->input[n] = naming->input[i];
            }
            n++;
        }
    }
    return TN_OK;
}

/* Makes room for all of `count` tensors to be dropped. */
static tn_status make_left_out(tni_naming *naming, size_t count, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(naming->arena, naming->n_left_out + count,
                                       sizeof(tni_left_out), &block, err);
    if (status == TN_OK) {
        if (naming->n_left_out > 0) {
            memcpy(block, naming->left_out, naming->n_left_out * sizeof(tni_left_out));
        }
        naming->left_out = block;
    }
    return status;
}

static size_t count_dropped(const tni_stage *stage)
{
    size_t count = 0;
    for (size_t i = 0; i < stage->model->count; i++) {
        count += stage->decisions[i].dropped;
    }
    return count;
}

/* Joins what made tensors of a stage's model came from. */
static tn_status join_history(tni_naming *naming, const tni_naming *before, const tni_made *made,
                              tni_history *out, tn_error *err)
{
    size_t n_from = 0, n_ops = made->n_ops;
    for (uint32_t i = 0; i < made->n_from; i++) {
        const tni_history *old = &before->history[made->from[i]];
        n_from += old->from == NULL ? 1 : old->n_from;
    }
    const tni_history *first = &before->history[made->from[0]];
    n_ops += first->n_ops;
    void *from, *ops;
    tn_status status = tni_arena_array(naming->arena, n_from, sizeof(uint32_t), &from, err);
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, n_ops, sizeof(tn_str), &ops, err);
    }
    if (status != TN_OK) {
        return status;
    }
    *out = (tni_history){.from = from, .ops = ops, .n_ops = (uint32_t)n_ops};
    for (uint32_t i = 0; i < made->n_from; i++) {
        const tni_history *old = &before->history[made->from[i]];
        const uint32_t *sources = old->from == NULL ? &before->source[made->from[i]] : old->from;
        uint32_t count = old->from == NULL ? 1 : old->n_from;
        memcpy((uint32_t *)from + out->n_from, sources, count * sizeof(uint32_t));
        out->n_from += count;
    }
    for (uint32_t i = 0; i < n_ops; i++) {
        ((tn_str *)ops)[i] = i < first->n_ops ? first->ops[i] : made->ops[i - first->n_ops];
    }
    return TN_OK;
}

/* Moves the arrays on to one made tensor, the n-th of the new model. */
static tn_status carry_made(tni_naming *naming, const tni_naming *before, const tni_made *made,
                            size_t n, tn_error *err)
{
    naming->rule[n] = made->place; /* and it is of no input any more */
    naming->any_renamed = naming->any_renamed || !made->keeps_names;
    if (made->n_from == 0) {
        naming->source[n] = TN_NO_INDEX;
        naming->renamed[n] = true;
        naming->history[n] = (tni_history){.from = &naming->source[n]};
        return TN_OK;
    }
    naming->source[n] = before->source[made->from[0]];
    naming->renamed[n] = !made->keeps_names || before->renamed[made->from[0]];
    return join_history(naming, before, made, &naming->history[n], err);
}

/* Tells whether a stage gives a tensor another name: than it has, or in the scheme that its rule
 * speaks of, where the new name may happen to be the one that the tensor has in another scheme. */
static bool renames(const tni_stage *stage, size_t i)
{
    const tni_decision *decision = &stage->decisions[i];
    tn_str was = stage->model->tensors[i].alias[TN_SCHEME_NAME];
    bool said = decision->rule != NULL && decision->rule->deed == TNI_DEED_RENAME;
    return decision->name.data != NULL &&
           (!tn_str_equal(decision->name, was) ||
            (said && !tn_str_equal(decision->name, tni_stage_seen(stage, i))));
}

/* Moves the arrays on to one tensor that stays, the n-th of the new model. */
static void carry_kept(tni_naming *naming, const tni_naming *before, const tni_stage *stage,
                       size_t i, size_t n)
{
    const tni_decision *decision = &stage->decisions[i];
    bool renamed = renames(stage, i);
    naming->source[n] = before->source[i];
    naming->rule[n] = decision->place.data != NULL ? decision->place : before->rule[i];
    naming->renamed[n] = renamed || before->renamed[i];
    if (naming->input != NULL) {
        naming->input[n] = decision->name.data != NULL ? 0 : before->input[i];
    }
    naming->any_renamed = naming->any_renamed || renamed;
    if (naming->history != NULL) {
        naming->history[n] = before->history[i];
    }
}

/* Moves the arrays on to the model that a stage leaves. */
static tn_status carry_on(tni_naming *naming, const tni_naming *before, const tni_stage *stage,
                          tn_error *err)
{
    size_t n = 0, made = 0;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < before->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        if (decision->dropped && tni_stage_input(stage, i) == 0) {
            naming->left_out[naming->n_left_out++] =
                (tni_left_out){before->source[i], decision->place};
        } else if (!decision->dropped && !decision->consumed) {
            carry_kept(naming, before, stage, i, n++);
        }
        while (status == TN_OK && made < stage->n_made &&
               tni_made_stands_at(&stage->made[made], (uint32_t)i)) {
            status = carry_made(naming, before, &stage->made[made++], n++, err);
        }
    }
    while (status == TN_OK && made < stage->n_made) {
        status = carry_made(naming, before, &stage->made[made++], n++, err);
    }
    return status;
}

/* Fills the model that a stage leaves. */
static tn_status map(tni_naming *naming, const tni_stage *stage, tn_error *err)
{
    size_t count = stage->model->count;
    void *keep_block = NULL, *name_block = NULL, *renamed_block = NULL;
    tn_status status = tni_alloc_array(stage->model->ctx, count, sizeof(bool), &keep_block, err);
    if (status == TN_OK) {
        status = tni_alloc_array(stage->model->ctx, count, sizeof(tn_str), &name_block, err);
    }
    if (status == TN_OK) {
        status = tni_alloc_array(stage->model->ctx, count, sizeof(bool), &renamed_block, err);
    }
    bool *keep = keep_block, *renamed = renamed_block;
    tn_str *names = name_block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tn_str was = stage->model->tensors[i].alias[TN_SCHEME_NAME];
        const tni_decision *decision = &stage->decisions[i];
        keep[i] = !decision->dropped && !decision->consumed;
        names[i] = decision->name.data != NULL ? decision->name : was;
        renamed[i] = renames(stage, i);
    }
    if (status == TN_OK) {
        status = tni_map_fill(stage->next, keep, names, renamed, stage->made, stage->n_made, err);
    }
    tni_free(stage->model->ctx, keep_block);
    tni_free(stage->model->ctx, name_block);
    tni_free(stage->model->ctx, renamed_block);
    if (status == TN_OK) {
        naming->model = stage->next;
    }
    return status;
}

/* Says what one rule file wants to be known of the output. */
static tn_status say_notes_of(const tni_stage *stage, const tni_ruleset *set, tn_error *err)
{
    const tni_yaml *one = set->notes == NULL ? NULL : set->notes->first;
    tn_status status = TN_OK;
    for (; status == TN_OK && one != NULL; one = one->next) {
        status = tn_report_say(stage->notes, TN_SEVERITY_NOTE, "rules", TN_STR_NONE, err,
                               "%s: %.*s", set->file, (int)one->text.len, one->text.data);
    }
    return status;
}

/* Says it of a stage and what it includes, where there is an output. */
static tn_status say_notes(const tni_stage *stage, tn_error *err)
{
    if (stage->target_format == NULL) {
        return TN_OK;
    }
    tn_status status = say_notes_of(stage, stage->set, err);
    for (size_t i = 0; status == TN_OK && i < stage->set->n_included; i++) {
        status = say_notes_of(stage, &stage->set->included[i], err);
    }
    return status;
}

static tn_status run_stage(tni_naming *naming, tni_ruleset *set, const tni_rule_options *options,
                           tn_report *notes, tn_error *err)
{
    tni_naming before = *naming;
    tni_stage stage = {.arena = naming->arena,
                       .model = naming->model,
                       .renamed = naming->renamed,
                       .input = naming->input,
                       .inputs = &naming->inputs,
                       .set = set,
                       .ignore_unmatch = options->ignore_unmatch,
                       .slots_are_tied = options->slots_are_tied,
                       .target_format = options->target,
                       .notes = notes};
    tn_status status = tni_map_begin(naming->model, &stage.next, err);
    if (status != TN_OK) {
        return status;
    }
    naming->models[naming->n_models++] = stage.next; /* freed with the naming, whatever comes */
    before.n_models = naming->n_models;
    status = tni_stage_bind(&stage, err);
    if (status == TN_OK && options->watch != NULL) {
        options->watch(options->watch_user, &stage);
    }
    if (status == TN_OK) {
        status = say_notes(&stage, err);
    }
    if (status == TN_OK) {
        status = map(naming, &stage, err);
    }
    if (status == TN_OK) {
        status = make_arrays(naming, naming->model->count, err);
    }
    if (status == TN_OK) {
        status = make_left_out(naming, count_dropped(&stage), err);
    }
    return status == TN_OK ? carry_on(naming, &before, &stage, err) : status;
}

/* Leaves out what no rule took of the further inputs. */
static tn_status leave_inputs(tni_naming *naming, tn_error *err)
{
    size_t count = naming->model->count, n = 0;
    void *keep_block, *name_block = NULL;
    tn_model *kept;
    if (naming->input == NULL) {
        return TN_OK;
    }
    tn_status status = tni_arena_array(naming->arena, count, sizeof(bool), &keep_block, err);
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, count, sizeof(tn_str), &name_block, err);
    }
    bool *keep = keep_block;
    tn_str *names = name_block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        keep[i] = naming->input[i] == 0;
        names[i] = naming->model->tensors[i].alias[TN_SCHEME_NAME];
    }
    if (status == TN_OK) {
        status = tni_map_renamed(naming->model, keep, names, NULL, &kept, err);
    }
    if (status != TN_OK) {
        return status;
    }
    naming->models[naming->n_models++] = kept;
    naming->model = kept;
    for (size_t i = 0; i < count; i++) {
        if (keep[i]) {
            naming->source[n] = naming->source[i];
            naming->rule[n] = naming->rule[i];
            naming->renamed[n] = naming->renamed[i];
            if (naming->history != NULL) {
                naming->history[n] = naming->history[i];
            }
            n++;
        }
    }
    naming->input = NULL;
    return TN_OK;
}

/* Opens the inputs that rules take tensors of, and begins with the joined model if there are any;
 * `keep_out` is then `keep` and all that is theirs. */
static tn_status join(tni_naming *naming, const bool *keep, const tni_rule_options *options,
                      const bool **keep_out, tn_error *err)
{
    const tn_model *in = naming->first;
    tn_model *joined;
    uint32_t *number;
    void *block;
    tn_status status =
        tni_inputs_open(naming->arena, in->ctx, &naming->sets, options, &naming->inputs, err);
    *keep_out = keep;
    if (status != TN_OK || naming->inputs.count == 0) {
        return status;
    }
    status = tni_inputs_join(naming->arena, in, &naming->inputs, &joined, &number, err);
    if (status != TN_OK) {
        return status;
    }
    naming->models[naming->n_models++] = joined;
    naming->first = naming->model = joined;
    status = make_arrays(naming, joined->count, err);
    if (status == TN_OK) {
        memcpy(naming->input, number, joined->count * sizeof(uint32_t));
        status = tni_arena_array(naming->arena, joined->count, sizeof(bool), &block, err);
    }
    if (status == TN_OK) {
        bool *all = block;
        memset(all, true, joined->count);
        memcpy(all, keep, in->count);
        *keep_out = all;
    }
    return status;
}

static tn_status run(tni_naming *naming, const bool *keep, const tni_rule_options *options,
                     tn_report *notes, tn_error *err)
{
    enum { BESIDES = 3 }; /* models besides those of the stages: joined, chosen, at the end */
    void *block;
    tn_status status = tni_arena_array(naming->arena, naming->sets.count + BESIDES,
                                       sizeof(tn_model *), &block, err);
    if (status == TN_OK) {
        naming->models = block;
        status = join(naming, keep, options, &keep, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < naming->first->count; i++) {
        naming->source[i] = i;
    }
    if (status == TN_OK) {
        status = begin(naming, naming->first, keep, err);
    }
    for (size_t i = 0; status == TN_OK && i < naming->sets.count; i++) {
        status = run_stage(naming, &naming->sets.at[i], options, notes, err);
    }
    return status == TN_OK ? leave_inputs(naming, err) : status;
}

tn_status tni_naming_run(tni_arena *arena, const tn_model *first, const bool *keep,
                         const tni_rule_options *options, tn_report *notes, tni_naming *naming_out,
                         tn_error *err)
{
    tni_naming *naming = naming_out;
    *naming = (tni_naming){.arena = arena, .first = first, .model = first};
    tn_status status = TN_OK;
    if (options->loaded != NULL) {
        naming->sets = *options->loaded;
    } else {
        status = tni_rules_load(arena, options, &naming->sets, err);
    }
    if (status == TN_OK) {
        status = make_arrays(naming, first->count, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < first->count; i++) {
        naming->source[i] = i;
    }
    if (status == TN_OK && naming->sets.count > 0) {
        status = run(naming, keep, options, notes, err);
    }
    return status;
}

const tn_tensor *tni_naming_origin(const tni_naming *naming, uint32_t source)
{
    const tn_tensor *tensor = &naming->first->tensors[source];
    return &tensor->origin->tensors[tensor->origin_index];
}
