/* A rule with operations led back: one rule where all tensors need the same operations, else one
 * for each kind of them, by the names that tell them apart. */
#include "converters/rule_verbs/invert_file.h"

#include "converters/rules/claim.h"
#include "core/hash.h"

enum { CHOICE_MOST = 512 }; /* words; longer choices read worse than names one by one */

/* The groups of one rule. */
typedef struct sorting {
    tni_inverting *v;
    const tni_rule *rule;
    tni_rule trimmed;         /* the same with the words of its tables that the model has */
    const tni_rule_op *stack; /* or NULL */
    uint32_t n_slots;
    size_t n_groups;
    tni_hash kinds; /* by text: number of the kind */
    tn_str *texts;  /* by kind: operations that lead back */
    int64_t *first; /* by kind: number that a stack began with */
    size_t n_kinds, room;
    tn_str *bound; /* by group and slot of the first pattern */
    bool *mixed;   /* by slot and kind: a word of this kind is one of another kind, too */
    size_t number; /* of inverses so far: it makes the names of tables unique */
} sorting;

tn_status tni_inverse_groups(tni_inverting *v, tn_error *err)
{
    void *groups = NULL, *at = NULL, *back_of = NULL;
    const tni_stage *stage = v->stage;
    size_t count = 0;
    tn_status status =
        tni_arena_array(&v->session->arena, stage->n_made, sizeof(tni_group), &groups, err);
    status = status != TN_OK ? status
                             : tni_arena_array(&v->session->arena, stage->n_made, sizeof(size_t),
                                               &back_of, err);
    status = status != TN_OK
                 ? status
                 : tni_arena_array(&v->session->arena, v->set->count, sizeof(size_t), &at, err);
    if (status != TN_OK) {
        return status;
    }
    v->groups = groups;
    v->group_at = at;
    v->back_of = back_of;
    memset(at, 0xFF, v->set->count * sizeof(size_t));
    memset(back_of, 0xFF, stage->n_made * sizeof(size_t));
    for (size_t i = stage->n_made; i > 0;) { /* from the end, so that lists are in order */
        const tni_made *made = &stage->made[--i];
        size_t end = i + 1;
        if (made->how == NULL || made->owner != TN_NO_INDEX) { /* a second name, or a slot */
            continue;
        }
        while (i > 0 && made[-1].from == made->from && made[-1].how == made->how) {
            made = &stage->made[--i];
        }
        const tni_decision *decision = &stage->decisions[made->from[0]];
        size_t rule = (size_t)(decision->rule - v->set->rules);
        v->groups[count] = (tni_group){.made = made, .n_made = end - i, .next = v->group_at[rule]};
        v->group_at[rule] = count++;
    }
    return TN_OK;
}

/* Binds the holes of a group's first tensor, in the order of the first pattern. */
static tn_status bind(sorting *s, const tni_group *group, tni_matcher *matcher, tn_str *bound,
                      tn_error *err)
{
    uint32_t index = group->made->from[0];
    const tn_pattern *pattern = s->v->stage->decisions[index].pattern;
    const tn_pattern *first = s->rule->patterns[0];
    bool found = true;
    tn_status status = TN_OK;
    if (pattern->kind != TNI_EXACT) {
        status =
            tni_pattern_match(pattern, matcher, tni_stage_seen(s->v->stage, index), &found, err);
    }
    for (size_t i = 0; status == TN_OK && first->kind == TNI_HOLES && i < first->n_parts; i++) {
        const tni_hole *hole = first->parts[i].hole;
        int slot = hole == NULL ? -1 : tni_pattern_slot(pattern, hole->name);
        if (slot >= 0) {
            bound[hole->slot] = matcher->bound[slot].text;
        }
    }
    return status;
}

/* Binds the holes of all groups. */
static tn_status bind_all(sorting *s, tn_error *err)
{
    void *block;
    tni_matcher matcher;
    tni_inverting *v = s->v;
    tn_status status =
        tni_arena_array(&v->session->arena, s->n_groups * s->n_slots, sizeof(tn_str), &block, err);
    s->bound = status == TN_OK ? block : NULL;
    size_t n = 0;
    tni_matcher_init(&matcher, v->session->ctx);
    for (size_t g = v->group_at[s->rule - v->set->rules]; status == TN_OK && g != SIZE_MAX;
         g = v->groups[g].next) {
        status = bind(s, &v->groups[g], &matcher, s->bound + n++ * s->n_slots, err);
    }
    tni_matcher_clear(&matcher);
    return status;
}

/* Gives the number that the hole of a stack begins with in one group. */
static int64_t first_number(const sorting *s, const tn_str *bound)
{
    int64_t first = 0;
    if (s->stack != NULL) {
        tni_number_read(bound[tni_pattern_slot(s->rule->patterns[0], s->stack->over)], &first);
    }
    return first;
}

/* Adds a kind of groups. */
static tn_status add_kind(sorting *s, tn_str text, int64_t first, tn_error *err)
{
    void *texts = NULL, *firsts = NULL;
    tni_arena *arena = &s->v->session->arena;
    tn_status status = TN_OK;
    if (s->n_kinds == s->room) {
        size_t room = 2 * s->room + 4;
        status = tni_arena_array(arena, room, sizeof(tn_str), &texts, err);
        status =
            status != TN_OK ? status : tni_arena_array(arena, room, sizeof(int64_t), &firsts, err);
        if (status == TN_OK && s->n_kinds > 0) {
            memcpy(texts, s->texts, s->n_kinds * sizeof(tn_str));
            memcpy(firsts, s->first, s->n_kinds * sizeof(int64_t));
        }
        s->texts = status == TN_OK ? texts : s->texts;
        s->first = status == TN_OK ? firsts : s->first;
        s->room = status == TN_OK ? room : s->room;
    }
    if (status == TN_OK) {
        s->texts[s->n_kinds] = text;
        s->first[s->n_kinds++] = first;
    }
    return status;
}

/* Finds out of what kind a group is. `key` is unique to it. */
static tn_status sort_group(sorting *s, tni_group *group, tn_str text, int64_t first, tn_error *err)
{
    tn_str key, kept = TN_STR_NONE;
    uint32_t old = TNI_HASH_NONE;
    tni_arena *arena = &s->v->session->arena;
    tn_status status = tni_arena_format(arena, &key, err, "%lld:%.*s", (long long)first,
                                        (int)text.len, text.len == 0 ? "" : text.data);
    if (status == TN_OK) {
        status = tni_hash_add(&s->kinds, key, (uint32_t)s->n_kinds, &old, err);
    }
    group->kind = old == TNI_HASH_NONE ? (uint32_t)s->n_kinds : old;
    if (status == TN_OK && old == TNI_HASH_NONE && text.len > 0) {
        status = tni_arena_str(arena, text, &kept, err);
    }
    return status == TN_OK && old == TNI_HASH_NONE ? add_kind(s, kept, first, err) : status;
}

/* Finds out of what kinds the groups of the rule are. */
static tn_status sort_all(sorting *s, tn_error *err)
{
    tni_inverting *v = s->v;
    tn_status status = TN_OK;
    size_t n = 0;
    for (size_t g = v->group_at[s->rule - v->set->rules]; status == TN_OK && g != SIZE_MAX;
         g = v->groups[g].next, n++) {
        tni_group *group = &v->groups[g];
        tni_arena room;
        tn_str text = TN_STR_NONE;
        tn_error why = {0};
        tni_arena_init(&room, v->session->ctx, v->session->ctx->limits.memory);
        status = tni_ops_lead_back(&room, v->stage->model, s->rule, group->made, &text, &why);
        if (status == TN_OK) {
            status = sort_group(s, group, text, first_number(s, s->bound + n * s->n_slots), err);
        } else {
            status = why.code == TN_E_RULE
                         ? tni_no_inverse(v, s->rule,
                                          tni_stage_seen(v->stage, group->made->from[0]), &why, err)
                         : tni_fail(err, why.code, "%s", why.message);
        }
        tni_arena_clear(&room);
    }
    return status;
}

/* Marks the kinds whose words for a slot are not theirs alone. */
static tn_status mark_mixed(sorting *s, uint32_t slot, tn_error *err)
{
    tni_hash words;
    tni_inverting *v = s->v;
    tn_status status = TN_OK;
    size_t n = 0;
    bool *mixed = s->mixed + slot * s->n_kinds;
    tni_hash_init(&words, v->session->ctx, 0);
    for (size_t g = v->group_at[s->rule - v->set->rules]; status == TN_OK && g != SIZE_MAX;
         g = v->groups[g].next) {
        uint32_t kind = v->groups[g].kind, old = TNI_HASH_NONE;
        status = tni_hash_add(&words, s->bound[n++ * s->n_slots + slot], kind, &old, err);
        if (status == TN_OK && old != TNI_HASH_NONE && old != kind) {
            mixed[kind] = mixed[old] = true;
        }
    }
    tni_hash_clear(&words);
    return status;
}

/* Tells whether a hole can be a choice in the new names, too: numbers that are padded cannot. */
static bool may_choose(const sorting *s, uint32_t slot)
{
    const tn_pattern *first = s->rule->patterns[0];
    bool may = true;
    for (size_t i = 0; i < first->n_parts; i++) {
        const tni_hole *hole = first->parts[i].hole;
        if (hole != NULL && hole->slot == slot) {
            may = may && hole->kind != TNI_HOLE_PATH && hole->digits == 0 &&
                  (s->stack == NULL || !tn_str_equal(hole->name, s->stack->over));
        }
    }
    for (size_t k = 0; k < s->rule->n_targets; k++) {
        const tni_template *to = s->rule->targets[k];
        for (size_t i = 0; may && i < to->n_parts; i++) {
            may = to->parts[i].digits == 0;
        }
    }
    return may;
}

/* Collects the words that the groups of one kind have for a slot. */
static tn_status collect(const sorting *s, uint32_t kind, uint32_t slot, tni_words *words_out,
                         tn_error *err)
{
    void *block;
    tni_hash seen;
    tni_inverting *v = s->v;
    tn_status status =
        tni_arena_array(&v->session->arena, s->n_groups, sizeof(tn_str), &block, err);
    tn_str *words = block;
    size_t n = 0, count = 0;
    tni_hash_init(&seen, v->session->ctx, 0);
    for (size_t g = v->group_at[s->rule - v->set->rules]; status == TN_OK && g != SIZE_MAX;
         g = v->groups[g].next, n++) {
        uint32_t old = TNI_HASH_NONE;
        tn_str word = s->bound[n * s->n_slots + slot];
        if (v->groups[g].kind == kind) {
            status = tni_hash_add(&seen, word, 0, &old, err);
            words[count] = word;
            count += status == TN_OK && old == TNI_HASH_NONE;
        }
    }
    tni_hash_clear(&seen);
    *words_out = (tni_words){words, count};
    return status;
}

/* Derives the names of one more rule of the inverse. */
static tn_status derive(sorting *s, const tni_rule *rule, int64_t first, tni_back *back,
                        tn_error *why)
{
    tni_inverting *v = s->v;
    tni_values values = tni_claim_values(v->stage, s->rule);
    tni_inverse_facts facts = {.values = &values, .counts = s->stack != NULL, .first = first};
    unsigned id = (unsigned)(s->rule - v->set->rules) + 1 + (unsigned)(s->number * v->set->count);
    *back = (tni_back){.rule = s->rule};
    tn_status status = tni_rule_invert(&v->session->arena, rule, &facts, id, &back->inverse, why);
    s->number += status == TN_OK;
    return status;
}

/* Keeps a rule of the inverse for the groups of one kind, or for one group alone. */
static void keep(sorting *s, const tni_back *back, const tni_group *only, uint32_t kind)
{
    tni_inverting *v = s->v;
    for (size_t g = v->group_at[s->rule - v->set->rules]; g != SIZE_MAX; g = v->groups[g].next) {
        const tni_group *group = &v->groups[g];
        for (size_t i = 0;
             (only == NULL || only == group) && group->kind == kind && i < group->n_made; i++) {
            v->back_of[(size_t)(group->made - v->stage->made) + i] = v->n_backs;
        }
    }
    v->backs[v->n_backs++] = *back;
}

/* Raises that the names of a rule cannot be led back. */
static tn_status refuse(const sorting *s, const tni_group *group, const tn_error *why,
                        tn_error *err)
{
    return why->code == TN_E_RULE
               ? tni_no_inverse(s->v, s->rule, tni_stage_seen(s->v->stage, group->made->from[0]),
                                why, err)
               : tni_fail(err, why->code, "%s", why->message);
}

/* Leads one group back by its names. */
static tn_status lead_group(sorting *s, const tni_group *group, const tn_str *bound, tn_error *err)
{
    void *block;
    tni_rule exact;
    tni_back back;
    tn_error why = {0};
    const tni_inverting *v = s->v;
    bool joins = s->rule->n_patterns > 1 && group->made->n_from > 1;
    const tn_pattern *only = joins ? NULL : v->stage->decisions[group->made->from[0]].pattern;
    tn_status status =
        tni_arena_array(&s->v->session->arena, s->n_slots, sizeof(tni_words), &block, err);
    tni_words *words = block;
    for (uint32_t slot = 0; status == TN_OK && slot < s->n_slots; slot++) {
        words[slot] = (tni_words){bound + slot, 1};
    }
    if (status == TN_OK && s->stack != NULL) {
        words[tni_pattern_slot(s->rule->patterns[0], s->stack->over)].count = 0;
    }
    if (status == TN_OK) {
        status = tni_inverse_narrow(&s->v->session->arena, &s->trimmed, only, words, &exact, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (derive(s, &exact, s->first[group->kind], &back, &why) != TN_OK) {
        return refuse(s, group, &why, err);
    }
    back.operations = s->texts[group->kind];
    keep(s, &back, group, group->kind);
    return TN_OK;
}

/* Leads the groups of one kind back by a hole whose words are theirs alone. */
static tn_status lead_by_hole(sorting *s, uint32_t kind, bool *done_out, tn_error *err)
{
    void *block;
    tni_rule narrow;
    tni_back back;
    tn_error why = {0};
    tni_words best = {NULL, 0};
    uint32_t at = 0;
    tn_status status = TN_OK;
    for (uint32_t slot = 0; status == TN_OK && slot < s->n_slots; slot++) {
        tni_words words = {NULL, 0};
        if (!s->mixed[slot * s->n_kinds + kind] && may_choose(s, slot)) {
            status = collect(s, kind, slot, &words, err);
        }
        if (words.count > 0 && words.count <= CHOICE_MOST &&
            (best.count == 0 || words.count < best.count)) {
            best = words;
            at = slot;
        }
    }
    if (status != TN_OK || best.count == 0) {
        return status;
    }
    status = tni_arena_array(&s->v->session->arena, s->n_slots, sizeof(tni_words), &block, err);
    if (status == TN_OK) {
        ((tni_words *)block)[at] = best;
        status = tni_inverse_narrow(&s->v->session->arena, &s->trimmed, NULL, block, &narrow, err);
    }
    if (status == TN_OK && derive(s, &narrow, s->first[kind], &back, &why) == TN_OK) {
        back.operations = s->texts[kind];
        keep(s, &back, NULL, kind);
        *done_out = true;
    } else if (status == TN_OK && why.code != TN_E_RULE) {
        status = tni_fail(err, why.code, "%s", why.message);
    }
    return status;
}

/* Leads groups of several kinds back, kind by kind; those that no hole tells apart one by one. */
static tn_status lead_kinds(sorting *s, bool one_by_one, tn_error *err)
{
    void *block;
    tni_inverting *v = s->v;
    tn_status status =
        tni_arena_array(&v->session->arena, s->n_slots * s->n_kinds, sizeof(bool), &block, err);
    s->mixed = status == TN_OK ? block : NULL;
    for (uint32_t slot = 0; status == TN_OK && slot < s->n_slots; slot++) {
        status = mark_mixed(s, slot, err);
    }
    for (uint32_t kind = 0; status == TN_OK && kind < s->n_kinds; kind++) {
        bool done = false;
        status = one_by_one ? TN_OK : lead_by_hole(s, kind, &done, err);
        size_t n = 0;
        for (size_t g = v->group_at[s->rule - v->set->rules];
             status == TN_OK && !done && g != SIZE_MAX; g = v->groups[g].next, n++) {
            if (v->groups[g].kind == kind) {
                status = lead_group(s, &v->groups[g], s->bound + n * s->n_slots, err);
            }
        }
    }
    return status;
}

/* Leads tensors back that keep their names: of several kinds by these names. */
static tn_status lead_kept(sorting *s, tn_error *err)
{
    tni_inverting *v = s->v;
    tn_status status = TN_OK;
    for (uint32_t kind = 0; status == TN_OK && kind < s->n_kinds; kind++) {
        void *block = NULL;
        size_t count = 0;
        tni_back back = {.rule = s->rule, .operations = s->texts[kind]};
        if (s->n_kinds > 1) {
            status = tni_arena_array(&v->session->arena, s->n_groups, sizeof(tn_str), &block, err);
        }
        for (size_t g = v->group_at[s->rule - v->set->rules];
             status == TN_OK && block != NULL && g != SIZE_MAX; g = v->groups[g].next) {
            if (v->groups[g].kind == kind) {
                ((tn_str *)block)[count++] = v->groups[g].made->name;
            }
        }
        back.names = block;
        back.n_names = count;
        if (status == TN_OK) {
            keep(s, &back, NULL, kind);
        }
    }
    return status;
}

static tn_status lead(sorting *s, tn_error *err)
{
    tni_back back;
    tn_error why = {0};
    const tni_group *first = &s->v->groups[s->v->group_at[s->rule - s->v->set->rules]];
    bool joins = tni_rule_op_gathering(s->rule->ops, s->rule->n_ops) != NULL;
    bool one_by_one = s->rule->n_patterns > 1 && !joins;
    tn_status status = bind_all(s, err);
    status = status != TN_OK ? status : sort_all(s, err);
    if (status != TN_OK || s->rule->to == NULL) {
        return status != TN_OK ? status : lead_kept(s, err);
    }
    status = tni_inverse_trim(s->v, s->rule, &s->trimmed, err);
    if (status != TN_OK || one_by_one) {
        return status != TN_OK ? status : lead_kinds(s, true, err);
    }
    if (derive(s, &s->trimmed, s->first[0], &back, &why) != TN_OK) {
        return refuse(s, first, &why, err);
    }
    if (s->n_kinds > 1) {
        return lead_kinds(s, false, err);
    }
    back.operations = s->texts[0];
    keep(s, &back, NULL, 0);
    return TN_OK;
}

tn_status tni_lead_groups_back(tni_inverting *v, const tni_rule *rule, tn_error *err)
{
    const tni_rule_op *gather = tni_rule_op_gathering(rule->ops, rule->n_ops);
    sorting s = {.v = v,
                 .rule = rule,
                 .stack = gather != NULL && gather->layout == TNI_OP_STACK ? gather : NULL,
                 .n_slots = rule->patterns[0]->n_slots};
    for (size_t g = v->group_at[rule - v->set->rules]; g != SIZE_MAX; g = v->groups[g].next) {
        s.n_groups++;
    }
    if (s.n_groups == 0) { /* all that it claims follows something else */
        return TN_OK;
    }
    tni_hash_init(&s.kinds, v->session->ctx, 0);
    tn_status status = lead(&s, err);
    tni_hash_clear(&s.kinds);
    return status;
}
