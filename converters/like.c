/* --like: pairing, what is left over on either side, and the model that comes of it. */
#include "converters/like.h"
#include "converters/mapped.h"
#include "converters/plan.h"
#include "converters/rules/elementwise.h"
#include "core/error.h"
#include "model/shape_text.h"
#include <stdio.h>
#include <tenon/text.h>

/* A plan while it takes over another file's tensors. */
typedef struct liking {
    tn_plan *plan;
    const tn_convert_options *options;
    const tn_model *in, *like;
    tni_pairs pairs;
    bool *wanted;
    size_t by_order;
} liking;

static const tn_tensor *target(const liking *l, size_t i)
{
    return &l->like->tensors[i];
}

static const tn_tensor *source(const liking *l, size_t i)
{
    return &l->in->tensors[i];
}

/* Tells whether a tensor has values to take. */
static bool has_values(const tn_tensor *tensor)
{
    bool has = !tensor->any_shape && (tensor->elements == 0 || tensor->n_pieces > 0);
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        has = has && tensor->pieces[i].leaf->kind != TNI_LEAF_ABSENT;
    }
    return has;
}

/* Tells whether a tensor is a constant that a graph needs for itself, beside its variables. */
static bool is_of_graph(const tn_tensor *tensor)
{
    return tensor->hidden && tensor->role == TN_ROLE_CONSTANT;
}

static tn_status allocate(liking *l, tn_error *err)
{
    tni_arena *arena = &l->plan->arena;
    void *pair, *wanted, *used;
    tn_status status;
    if ((status = tni_arena_array(arena, l->like->count, sizeof(tni_like_pair), &pair, err)) !=
            TN_OK ||
        (status = tni_arena_array(arena, l->like->count, sizeof(bool), &wanted, err)) != TN_OK ||
        (status = tni_arena_array(arena, l->in->count, sizeof(bool), &used, err)) != TN_OK) {
        return status;
    }
    l->wanted = wanted;
    l->pairs = (tni_pairs){.arena = arena,
                           .in = l->in,
                           .like = l->like,
                           .may_serve = l->plan->keep,
                           .renamed = l->plan->naming.any_renamed ? l->plan->naming.renamed : NULL,
                           .wanted = wanted,
                           .used = used,
                           .pair = pair};
    for (size_t i = 0; i < l->like->count; i++) {
        l->pairs.pair[i] = (tni_like_pair){.source = TN_NO_INDEX, .near = TN_NO_INDEX};
        l->wanted[i] = target(l, i)->role != TN_ROLE_METADATA && !is_of_graph(target(l, i)) &&
                       tni_plan_has_place(l->plan, target(l, i));
    }
    return TN_OK;
}

/* Notes for each tensor the first --fill that names it. */
static tn_status mark_fills(liking *l, tn_error *err)
{
    const tn_convert_options *o = l->options;
    tn_scheme scheme = o->has_scheme ? o->scheme : TN_SCHEME_NAME;
    void *block = NULL;
    tn_status status = tni_alloc_array(l->plan->ctx, l->like->count, sizeof(bool), &block, err);
    bool *marked = block;
    for (size_t k = 0; status == TN_OK && k < o->n_fill; k++) {
        size_t count = 0;
        for (size_t i = 0; i < l->like->count; i++) {
            marked[i] = false;
        }
        status = tni_mark(l->like, scheme, o->fill[k], false, marked, &count, err);
        for (size_t i = 0; status == TN_OK && i < l->like->count; i++) {
            uint32_t *fill = &l->pairs.pair[i].fill;
            *fill = *fill == 0 && marked[i] ? (uint32_t)k + 1 : *fill;
        }
        if (status == TN_OK && count == 0 && !o->ignore_unmatch) {
            status = tni_nothing_matches(l->like, scheme, "--fill", o->fill[k], err);
        }
    }
    tni_free(l->plan->ctx, block);
    return status;
}

/* Takes what is left over from the other file, where that may be. */
static tn_status settle(liking *l, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < l->like->count; i++) {
        tni_like_pair *pair = &l->pairs.pair[i];
        const tn_tensor *tensor = target(l, i);
        uint32_t owner = tensor->slot_of;
        if (pair->by != NULL) {
            continue;
        }
        if (pair->fill == 0 && owner != TN_NO_INDEX && l->pairs.pair[owner].source == TN_NO_INDEX) {
            pair->fill = l->pairs.pair[owner].fill; /* a slot goes with its variable */
        }
        if (!l->wanted[i]) {
            pair->by = "structure";
        } else if (pair->fill != 0 && has_values(tensor)) {
            pair->by = "fill";
        } else if (tensor->role == TN_ROLE_COUNTER && pair->near == TN_NO_INDEX &&
                   has_values(tensor)) {
            pair->by = "counter";
            status = tn_report_say(
                l->plan->warnings, TN_SEVERITY_NOTE, "counter", tensor->alias[TN_SCHEME_NAME], err,
                "%s lacks this counter: it is taken from %s", l->in->path, l->like->path);
        }
    }
    return status;
}

/* Raises the error for a tensor of another shape than its source. */
static tn_status wrong_shape(const liking *l, size_t i, const char *more, tn_error *err)
{
    char name[TN_ERROR_SUBJECT], near[TN_ERROR_SUBJECT], own[TNI_SHAPE_ROOM], its[TNI_SHAPE_ROOM];
    const tn_tensor *other = source(l, l->pairs.pair[i].near);
    tn_escape(target(l, i)->alias[TN_SCHEME_NAME], name, sizeof name);
    tn_escape(other->alias[TN_SCHEME_NAME], near, sizeof near);
    tni_shape_text(target(l, i), own);
    tni_shape_text(other, its);
    tn_status status =
        tni_fail(err, TN_E_NO_SOURCE, "its shape is %s, but that of '%s' in %s is %s%s", own, near,
                 l->in->path, its, more);
    tni_error_hint(err, "--drop '%s' --fill '%s' takes it from %s", near, name, l->like->path);
    return status;
}

/* Raises the error for a tensor that nothing of the input is for. */
static tn_status no_source(const liking *l, size_t i, const char *more, tn_error *err)
{
    char name[TN_ERROR_SUBJECT];
    const tn_tensor *tensor = target(l, i);
    tn_escape(tensor->alias[TN_SCHEME_NAME], name, sizeof name);
    tn_status status =
        tni_fail(err, TN_E_NO_SOURCE, "no tensor of %s has its name, an alias or its place%s",
                 l->in->path, more);
    if (l->pairs.found == 0) {
        tni_error_hint(err, "tenon check %s --against %s proposes renames", l->in->path,
                       l->like->path);
    } else if (!has_values(tensor)) {
        tni_error_hint(err, "%s holds no values; a rule can make it: docs/rules.md, make",
                       l->like->path);
    } else {
        tni_error_hint(err, "--fill '%s' takes it from %s", name, l->like->path);
    }
    return status;
}

/* Ranks the tensors without a source by what they tell: one of another shape, a variable, others.
 */
static int urgency(const liking *l, size_t i)
{
    const tni_like_pair *pair = &l->pairs.pair[i];
    return pair->by != NULL                         ? 0
           : pair->near != TN_NO_INDEX              ? 3
           : target(l, i)->role == TN_ROLE_VARIABLE ? 2
                                                    : 1;
}

/* Demands that every tensor has its values. */
static tn_status check_targets(const liking *l, tn_error *err)
{
    char more[64] = "";
    size_t first = 0, without = 0;
    for (size_t i = 0; i < l->like->count; i++) {
        without += urgency(l, i) > 0;
        first = urgency(l, i) > urgency(l, first) ? i : first;
    }
    if (without == 0) {
        return TN_OK;
    }
    if (without > 1) {
        snprintf(more, sizeof more, "; %zu more have no source", without - 1);
    }
    tn_status status = l->pairs.pair[first].near != TN_NO_INDEX ? wrong_shape(l, first, more, err)
                                                                : no_source(l, first, more, err);
    tni_error_path(err, l->like->path);
    tni_error_subject(err, target(l, first)->alias[TN_SCHEME_NAME]);
    return status;
}

/* Demands that the input gives values at all. */
static tn_status check_sources(const liking *l, tn_error *err)
{
    if (l->pairs.found > 0) {
        return TN_OK;
    }
    tn_status status =
        tni_fail(err, TN_E_NO_SOURCE, "it has no tensor that %s would take", l->like->path);
    tni_error_path(err, l->in->path);
    tni_error_hint(err, "tenon check %s --against %s proposes renames", l->in->path, l->like->path);
    return status;
}

/* Raises the error for values that the other file's dtype may not hold. */
static tn_status wrong_dtype(const liking *l, const tn_tensor *wanted, const tn_tensor *given,
                             tn_error *err)
{
    char name[TN_ERROR_SUBJECT];
    const tn_dtype_info *own = tn_dtype_about(wanted->dtype), *its = tn_dtype_about(given->dtype);
    tn_escape(given->alias[TN_SCHEME_NAME], name, sizeof name);
    tn_status status =
        tni_fail(err, TN_E_NO_SOURCE, "it is %s, but '%s' in %s is %s, whose values need not fit",
                 own->name, name, l->in->path, its->name);
    tni_error_path(err, l->like->path);
    tni_error_subject(err, wanted->alias[TN_SCHEME_NAME]);
    const tni_leaf *leaf = given->n_pieces > 0 ? given->pieces[0].leaf : NULL;
    if (!tn_cast_known(leaf != NULL ? tni_leaf_stored(leaf) : given->dtype, wanted->dtype)) {
        tni_error_hint(err, "--drop '%s', and --fill the other", name);
    } else if (its->kind == TN_KIND_FLOAT && own->kind == TN_KIND_FLOAT) {
        tni_error_hint(err, "--cast %s", own->name);
    } else {
        tni_error_hint(err, "--cast '%s=%s'", name, own->name);
    }
    return status;
}

/* Gives a tensor of the new model the values of its source: without loss where the dtypes differ.
 */
static tn_status give(const liking *l, tn_model *model, tn_tensor *tensor, const tn_tensor *from,
                      tn_error *err)
{
    tni_value value = {.dtype = from->dtype,
                       .rank = from->rank,
                       .shape = from->shape,
                       .elements = from->elements,
                       .pieces = from->pieces,
                       .n_pieces = from->n_pieces};
    tn_dtype wanted = tensor->dtype == TN_DTYPE_NONE ? from->dtype : tensor->dtype;
    if (wanted != from->dtype) {
        bool cast = from->n_pieces > 0 && from->pieces[0].leaf->cast != NULL;
        if (cast || !tn_cast_known(from->dtype, wanted) || !tn_cast_lossless(from->dtype, wanted)) {
            return wrong_dtype(l, tensor, from, err);
        }
        tni_casting widening = {.dtype = wanted, .overflow = TN_OVERFLOW_ERROR};
        tn_status status = tni_cast_value(model, &widening, &value, err);
        if (status != TN_OK) {
            return status;
        }
    }
    tensor->dtype = wanted;
    tensor->rank = value.rank;
    tensor->shape = value.shape;
    tensor->elements = value.elements;
    tensor->any_shape = false;
    tensor->pieces = value.pieces;
    tensor->n_pieces = value.n_pieces;
    tensor->twin_pieces = NULL;
    tensor->bytes = from->bytes;
    if (tn_dtype_about(wanted)->bits != 0) {
        /* The input's tensor was counted, and a lossless cast at most makes it 16 times as long. */
        if (!tn_dtype_bytes(wanted, (uint64_t)tensor->elements, &tensor->bytes)) {
            return tni_fail(err, TN_E_SHAPE, "its elements do not fill whole bytes");
        }
    }
    return TN_OK;
}

/* Makes the model: the other file's records with the values that they take. */
static tn_status make_model(liking *l, tn_error *err)
{
    tn_model *model = NULL;
    tn_status status = tni_map_begin(l->like, &model, err);
    l->plan->like = (tni_like){.model = model, .in = l->in, .pair = l->pairs.pair};
    for (size_t i = 0; status == TN_OK && i < l->like->count; i++) {
        tn_tensor *tensor;
        uint32_t from = l->pairs.pair[i].source;
        status = tni_model_add(model, &tensor, err);
        if (status == TN_OK) {
            *tensor = *target(l, i);
            status = from == TN_NO_INDEX ? TN_OK : give(l, model, tensor, source(l, from), err);
        }
    }
    return status == TN_OK ? tni_model_finish(model, err) : status;
}

/* Tells whether anything but variables of the input is used, so that --weights-only would take it
 * away. */
static bool uses_more(const liking *l)
{
    for (size_t i = 0; i < l->in->count; i++) {
        if (l->pairs.used[i] && source(l, i)->role != TN_ROLE_VARIABLE) {
            return true;
        }
    }
    return false;
}

/* Returns the tensor of IN that one is made of; NULL: a rule made it of something else. */
static const tn_tensor *first_of(const liking *l, uint32_t i)
{
    const tni_naming *naming = &l->plan->naming;
    if (naming->sets.count == 0) {
        return source(l, i);
    }
    uint32_t first = naming->source[i];
    const tn_tensor *tensor = first == TN_NO_INDEX ? NULL : tni_naming_origin(naming, first);
    return tensor != NULL && tensor->origin == l->plan->source ? tensor : NULL;
}

/* Adds the loss of one tensor of the input that nothing takes. */
static tn_status lose(const liking *l, uint32_t i, bool weights_only, tn_error *err)
{
    char fix[TN_ERROR_SUBJECT + 16], name[TN_ERROR_SUBJECT];
    const tn_tensor *tensor = source(l, i);
    tn_str shown = tensor->alias[TN_SCHEME_NAME];
    const tn_tensor *first = first_of(l, i);
    if (tensor->role == TN_ROLE_METADATA || first == NULL) {
        return tni_plan_lose(l->plan, TN_LOSS_STRUCTURE, shown, NULL, err,
                             first == NULL ? "%s has no place for what the rule made"
                                           : "it stays behind: the structure is that of %s",
                             l->like->path);
    }
    tn_escape(first->alias[TN_SCHEME_NAME], name, sizeof name);
    snprintf(fix, sizeof fix, "--drop '%s'", name);
    const char *who =
        tni_plan_has_place(l->plan, tensor) ? l->like->path : l->plan->target.format->name;
    return tni_plan_lose(l->plan, TN_LOSS_STATE, shown,
                         weights_only && tensor->role != TN_ROLE_VARIABLE ? "--weights-only" : fix,
                         err, "%s has no place for this %s", who, tn_role_name(tensor->role));
}

/* Lists what of the input is not used. */
static tn_status list_unused(const liking *l, tn_error *err)
{
    tn_status status = TN_OK;
    bool weights_only = !uses_more(l);
    for (uint32_t i = 0; status == TN_OK && i < l->in->count; i++) {
        bool kept = l->plan->keep[i] || source(l, i)->document;
        if (kept && !l->pairs.used[i]) {
            status = lose(l, i, weights_only, err);
        }
    }
    return status;
}

/* Says what the pairs do not prove, and which --fill has taken nothing. */
static tn_status warn(const liking *l, tn_error *err)
{
    tn_status status = TN_OK;
    if (l->by_order > 0) {
        status = tn_report_say(l->plan->warnings, TN_SEVERITY_WARNING, "order-unproved",
                               TN_STR_NONE, err,
                               "%zu of the tensors of %s are paired by the order of the layers "
                               "alone, which have the same shapes: tenon plan lists them, and "
                               "--rename settles them",
                               l->by_order, l->like->path);
    }
    for (uint32_t k = 1; status == TN_OK && k <= l->options->n_fill; k++) {
        bool taken = false, names = false;
        for (size_t i = 0; i < l->like->count; i++) {
            const tni_like_pair *pair = &l->pairs.pair[i];
            names = names || pair->fill == k;
            taken = taken || (pair->fill == k && pair->source == TN_NO_INDEX);
        }
        if (names && !taken) {
            status =
                tn_report_say(l->plan->warnings, TN_SEVERITY_NOTE, "fill-unused", TN_STR_NONE, err,
                              "--fill '%s' takes nothing: %s has all that it names; --drop "
                              "leaves that out",
                              l->options->fill[k - 1], l->in->path);
        }
    }
    return status;
}

/* Puts the new model in the place of what the rules left. */
static tn_status take_over(liking *l, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&l->plan->arena, l->like->count, sizeof(bool), &block, err);
    if (status == TN_OK) {
        bool *keep = block;
        for (size_t i = 0; i < l->like->count; i++) {
            keep[i] = !is_of_graph(target(l, (uint32_t)i));
        }
        l->plan->base = l->plan->like.model;
        l->plan->keep = keep;
    }
    return status;
}

static tn_status pair(liking *l, tn_error *err)
{
    tn_status status = mark_fills(l, err);
    if (status == TN_OK) {
        tni_like_by_names(&l->pairs);
        status = tni_like_by_order(&l->pairs, &l->by_order, err);
    }
    if (status == TN_OK) {
        status = tni_like_by_slots(&l->pairs, err);
    }
    if (status == TN_OK) {
        status = settle(l, err);
    }
    return status;
}

tn_status tni_plan_like(tn_plan *plan, const tn_convert_options *options, tn_error *err)
{
    liking l = {.plan = plan, .options = options, .in = plan->base, .like = plan->form};
    if (options->link) {
        tn_status status = tni_fail(err, TN_E_IMPOSSIBLE,
                                    "--link and --like exclude each other: what is written "
                                    "follows another file than the input");
        tni_error_hint(err, "leave --link out");
        return status;
    }
    tn_status status;
    if ((status = allocate(&l, err)) == TN_OK && (status = pair(&l, err)) == TN_OK &&
        (status = check_targets(&l, err)) == TN_OK && (status = check_sources(&l, err)) == TN_OK &&
        (status = make_model(&l, err)) == TN_OK && (status = list_unused(&l, err)) == TN_OK &&
        (status = warn(&l, err)) == TN_OK) {
        status = take_over(&l, err);
    }
    return status;
}
