/* Which rule of an inverse lies above which. New names of one rule may look as if another one had
 * made them; then the inverse of the first must claim them. */
#include "converters/rule_verbs/invert_file.h"
#include "converters/rules/overlap.h"
#include <tenon/text.h>

/* What lies above what, among the rules of the inverse that are no exact names: above[i * n + k] is
 * set where i must lie above k, or meets it. */
typedef struct ordering {
    tni_inverting *v;
    const tni_ruleset *inverse;
    size_t *list;         /* by pattern: index of the rule */
    unsigned char *above; /* ORDER_MUST, ORDER_MEETS */
    size_t *waiting;      /* by rule: how many below it have no place yet */
    size_t n;
    tni_matcher matcher;
} ordering;

enum { ORDER_MUST = 1, ORDER_MEETS = 2 };

/* Tells whether a rule of the inverse matches a name. */
static tn_status matches(ordering *o, const tni_rule *rule, tn_str name, bool *found_out,
                         tn_error *err)
{
    tn_status status = TN_OK;
    *found_out = false;
    for (size_t i = 0; status == TN_OK && !*found_out && i < rule->n_patterns; i++) {
        status = tni_pattern_match(rule->patterns[i], &o->matcher, name, found_out, err);
    }
    return status;
}

/* Returns which of the patterns a rule of the inverse is; n: none. */
static size_t place_of(const ordering *o, size_t back)
{
    size_t i = 0;
    while (i < o->n && o->list[i] != back) {
        i++;
    }
    return i;
}

/* Learns from a name that the stage left: which pattern of the inverse leads it back, `own`, and
 * which others match it. */
static tn_status learn_name(ordering *o, tn_str name, size_t own, bool claimed, tn_error *err)
{
    tn_status status = TN_OK;
    bool stays = false;
    for (size_t k = 0; status == TN_OK && k < o->n; k++) {
        bool found = false;
        status = k == own ? TN_OK : matches(o, &o->inverse->rules[o->list[k]], name, &found, err);
        if (found && own < o->n) {
            o->above[own * o->n + k] |= ORDER_MUST;
        }
        stays = stays || (found && !claimed);
    }
    if (status == TN_OK && stays) {
        o->v->stay[o->v->n_stay++] = name;
    }
    return status;
}

/* Learns from one tensor that has a new name, or stays. */
static tn_status learn_tensor(ordering *o, size_t index, tn_error *err)
{
    tni_inverting *v = o->v;
    const tni_decision *decision = &v->stage->decisions[index];
    const tn_tensor *tensor = &v->stage->model->tensors[index];
    bool follows = tni_stage_owner(v->stage, index) != TN_NO_INDEX && !decision->claimed &&
                   v->set->slots != TNI_SLOTS_SEEN;
    bool alone = tensor->role == TN_ROLE_METADATA ||
                 (tensor->role == TN_ROLE_COUNTER && !v->set->sees_counters && !decision->claimed);
    if (decision->dropped || decision->consumed || follows || alone) {
        return TN_OK;
    }
    tn_str name = decision->name.data != NULL ? decision->name : tensor->alias[TN_SCHEME_NAME];
    size_t back = decision->claimed ? v->back_at[decision->rule - v->set->rules] : SIZE_MAX;
    return learn_name(o, name, place_of(o, back), decision->claimed, err);
}

static tn_status learn_all(ordering *o, tn_error *err)
{
    void *block;
    tni_inverting *v = o->v;
    size_t count = v->stage->model->count;
    tn_status status = tni_arena_array(&v->session->arena, count, sizeof(tn_str), &block, err);
    v->stay = status == TN_OK ? block : NULL;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = learn_tensor(o, i, err);
    }
    for (size_t i = 0; status == TN_OK && i < v->stage->n_made; i++) {
        const tni_made *made = &v->stage->made[i];
        if (v->back_of[i] != SIZE_MAX) {
            status = learn_name(o, made->name, place_of(o, v->back_of[i]), true, err);
        }
    }
    return status;
}

/* Refuses patterns that meet where there is no model whose names tell them apart. */
static tn_status refuse(ordering *o, size_t i, size_t k, tn_str witness, tn_error *err)
{
    tn_error why = {0};
    char name[TN_ERROR_SUBJECT];
    tn_escape(witness, name, sizeof name);
    tni_fail(&why, TN_E_RULE, "a new name of rule %zu may be one of rule %zu, e.g. %s",
             tni_rule_number(o->v->set, o->v->backs[o->list[i]].rule),
             tni_rule_number(o->v->set, o->v->backs[o->list[k]].rule), name);
    tni_error_hint(&why, "give the model, whose names tell: tenon rules invert FILE MODEL");
    return tni_no_inverse(o->v, o->v->backs[o->list[k]].rule, TN_STR_NONE, &why, err);
}

/* Marks the rules whose patterns meet. */
static tn_status compare(ordering *o, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; i < o->n; i++) {
        for (size_t k = i + 1; status == TN_OK && k < o->n; k++) {
            tni_overlap overlap;
            tn_str witness;
            status = tni_rules_overlap(&o->v->session->arena, &o->inverse->rules[o->list[i]],
                                       &o->inverse->rules[o->list[k]], &overlap, &witness, err);
            if (status == TN_OK && overlap == TNI_OVERLAP) {
                o->above[i * o->n + k] |= ORDER_MEETS;
                o->above[k * o->n + i] |= ORDER_MEETS;
                status = o->v->stage == NULL ? refuse(o, i, k, witness, err) : TN_OK;
            }
        }
    }
    return status;
}

/* Raises that two rules must each lie above the other. */
static tn_status tangled(ordering *o, const bool *placed, tn_error *err)
{
    size_t i = 0, k = 0;
    tn_error why = {0};
    while (placed[i]) {
        i++;
    }
    while (placed[k] || (o->above[i * o->n + k] & ORDER_MUST) == 0) {
        k++;
    }
    tni_fail(&why, TN_E_RULE, "its new names and those of rule %zu look alike",
             tni_rule_number(o->v->set, o->v->backs[o->list[k]].rule));
    return tni_no_inverse(o->v, o->v->backs[o->list[i]].rule, TN_STR_NONE, &why, err);
}

/* Gives a rule, all below which have their places, the lowest priority above those it meets. */
static void place(ordering *o, size_t i, bool *placed)
{
    int64_t priority = 0;
    for (size_t k = 0; k < o->n; k++) {
        bool over = placed[k] && o->above[i * o->n + k] != 0;
        int64_t least = over ? o->v->backs[o->list[k]].priority + 1 : 0;
        priority = least > priority ? least : priority;
        o->waiting[k] -= (o->above[k * o->n + i] & ORDER_MUST) != 0;
    }
    o->v->backs[o->list[i]].priority = priority;
    placed[i] = true;
}

/* Places all rules, those first above which others must lie. */
static tn_status place_all(ordering *o, bool *placed, tn_error *err)
{
    size_t done = 0;
    for (size_t i = 0; i < o->n; i++) {
        for (size_t k = 0; k < o->n; k++) {
            o->waiting[i] += (o->above[i * o->n + k] & ORDER_MUST) != 0;
        }
    }
    for (bool moved = true; moved && done < o->n;) {
        moved = false;
        for (size_t i = 0; i < o->n; i++) {
            if (!placed[i] && o->waiting[i] == 0) {
                place(o, i, placed);
                done++;
                moved = true;
            }
        }
    }
    return done < o->n ? tangled(o, placed, err) : TN_OK;
}

/* Lays the exact names above the patterns that match them: the name of a tensor that a pattern made
 * would be the same, which no two tensors can have. */
static tn_status place_names(ordering *o, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t b = 0, next = 0; status == TN_OK && b < o->v->n_backs; b++) {
        const tni_rule *rule = &o->inverse->rules[b];
        tni_back *back = &o->v->backs[b];
        if (next < o->n && o->list[next] == b) {
            next++;
            continue;
        }
        for (size_t k = 0; status == TN_OK && k < o->n; k++) {
            bool found = false;
            int64_t least = o->v->backs[o->list[k]].priority + 1;
            status =
                matches(o, &o->inverse->rules[o->list[k]], rule->patterns[0]->exact, &found, err);
            back->priority = found && least > back->priority ? least : back->priority;
        }
    }
    return status;
}

/* Makes room, and lists the rules that are no exact names. */
static tn_status begin(ordering *o, tn_error *err)
{
    void *list = NULL, *above = NULL, *waiting = NULL;
    tni_arena *arena = &o->v->session->arena;
    tn_status status = tni_arena_array(arena, o->v->n_backs, sizeof(size_t), &list, err);
    o->list = list;
    for (size_t i = 0; status == TN_OK && i < o->v->n_backs; i++) {
        const tni_rule *rule = &o->inverse->rules[i];
        if (rule->n_patterns > 1 || rule->patterns[0]->kind != TNI_EXACT) {
            o->list[o->n++] = i;
        }
    }
    status = status != TN_OK ? status : tni_arena_array(arena, o->n, o->n, &above, err);
    status = status != TN_OK ? status : tni_arena_array(arena, o->n, sizeof(size_t), &waiting, err);
    o->above = above;
    o->waiting = waiting;
    return status;
}

tn_status tni_inverse_order(tni_inverting *v, const tni_file_inverse *out, tn_error *err)
{
    void *placed;
    ordering o = {.v = v, .inverse = &out->sets.at[0]};
    tn_status status = begin(&o, err);
    tni_matcher_init(&o.matcher, v->session->ctx);
    status = status != TN_OK ? status : compare(&o, err);
    if (status == TN_OK && v->stage != NULL) {
        status = learn_all(&o, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&v->session->arena, o.n, sizeof(bool), &placed, err);
    }
    status = status != TN_OK ? status : place_all(&o, placed, err);
    status = status != TN_OK ? status : place_names(&o, err);
    tni_matcher_clear(&o.matcher);
    return status;
}
