/* The proof of an inverse: stage and inverse, run one after the other over a twin of the model,
 * give the twin. Each tensor of the twin is one leaf of its own, so that of every element that
 * comes back it is known which one of which tensor it was. */
#include "converters/mapped.h"
#include "converters/rule_verbs/invert_file.h"
#include <tenon/text.h>

typedef struct proof {
    tni_inverting *v;
    tn_model *twin;   /* of what the stage found */
    tni_naming there; /* what the stage makes of it */
    tn_model *frozen; /* the same, as if it had been written and read: no cast is under way */
    tni_naming back;  /* what the inverse makes of that */
    bool *seen;       /* by tensor of the twin: it came back */
} proof;

/* Copies a model's records. */
static tn_status copy(tni_session *session, const tn_model *model, tn_model **copy_out,
                      tn_error *err)
{
    void *keep = NULL, *names = NULL;
    tn_status status = tni_arena_array(&session->arena, model->count, sizeof(bool), &keep, err);
    if (status == TN_OK) {
        status = tni_arena_array(&session->arena, model->count, sizeof(tn_str), &names, err);
    }
    for (size_t i = 0; status == TN_OK && i < model->count; i++) {
        ((bool *)keep)[i] = true;
        ((tn_str *)names)[i] = model->tensors[i].alias[TN_SCHEME_NAME];
    }
    return status != TN_OK ? status : tni_map_renamed(model, keep, names, NULL, copy_out, err);
}

/* Makes the twin. A tensor whose size is not known keeps its pieces; no operation takes it. */
static tn_status make_twin(proof *p, tn_error *err)
{
    tn_status status = copy(p->v->session, p->v->stage->model, &p->twin, err);
    for (size_t i = 0; status == TN_OK && i < p->twin->count; i++) {
        tn_tensor *tensor = &p->twin->tensors[i];
        void *block;
        if (tensor->any_shape || tensor->elements < 0) {
            continue;
        }
        status = tni_arena_alloc(&p->twin->arena, sizeof(tni_whole_piece), &block, err);
        if (status == TN_OK) {
            tni_whole_piece *whole = block;
            tni_whole_piece_init(whole, tensor->dtype, tensor->elements, p->twin->ctx);
            whole->leaf.kind = TNI_LEAF_ABSENT;
            whole->leaf.offset = i;
            tensor->pieces = &whole->piece;
            tensor->n_pieces = 1;
        }
    }
    return status;
}

/* Raises that a tensor of the twin does not come back. */
static tn_status refuse(const proof *p, size_t index, const tn_error *why, tn_error *err)
{
    const tni_stage *stage = p->v->stage;
    const tni_rule *rule = stage->decisions[index].rule;
    return tni_no_inverse(p->v, rule != NULL ? rule : &p->v->set->rules[0],
                          stage->model->tensors[index].alias[TN_SCHEME_NAME], why, err);
}

/* Takes the casts of one tensor for done; they must have lost nothing. */
static tn_status freeze_tensor(const proof *p, tn_tensor *tensor, tn_error *err)
{
    void *pieces = NULL, *leaves = NULL;
    tni_arena *arena = &p->frozen->arena;
    tn_status status = tni_arena_array(arena, tensor->n_pieces, sizeof(tni_piece), &pieces, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, tensor->n_pieces, sizeof(tni_leaf), &leaves, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < tensor->n_pieces; i++) {
        const tni_leaf *leaf = tensor->pieces[i].leaf;
        tni_leaf *done = (tni_leaf *)leaves + i;
        *done = *leaf;
        done->cast = NULL;
        ((tni_piece *)pieces)[i] = (tni_piece){tensor->pieces[i].map, done};
        if (leaf->cast != NULL && !tn_cast_lossless(leaf->cast->from, leaf->dtype)) {
            tn_error why = {0};
            tni_fail(&why, TN_E_RULE, "it casts %s→%s: names invertible, values not",
                     tn_dtype_about(leaf->cast->from)->short_name,
                     tn_dtype_about(leaf->dtype)->short_name);
            return refuse(p, (size_t)leaf->offset, &why, err);
        }
    }
    if (status == TN_OK) {
        tensor->pieces = pieces;
    }
    return status;
}

static tn_status freeze(proof *p, tn_error *err)
{
    tn_status status = copy(p->v->session, p->there.model, &p->frozen, err);
    for (size_t i = 0; status == TN_OK && i < p->frozen->count; i++) {
        tn_tensor *tensor = &p->frozen->tensors[i];
        bool casts = false;
        for (uint32_t k = 0; k < tensor->n_pieces; k++) {
            casts = casts || tensor->pieces[k].leaf->cast != NULL;
        }
        status = casts ? freeze_tensor(p, tensor, err) : TN_OK;
    }
    return status;
}

/* Finds the tensor of the twin that one is, which came back: by its elements, and where it has none
 * by its name. TN_NO_INDEX: none; it is made from nothing, and was to be dropped. */
static uint32_t origin_of(const proof *p, size_t index)
{
    const tn_tensor *tensor = &p->back.model->tensors[index];
    const tni_leaf *leaf = tensor->n_pieces > 0 ? tensor->pieces[0].leaf : NULL;
    if (tensor->elements > 0 && leaf != NULL && leaf->kind == TNI_LEAF_ABSENT &&
        leaf->offset < p->twin->count) {
        return (uint32_t)leaf->offset;
    }
    uint32_t named = tni_model_index(p->twin, TN_SCHEME_NAME, tensor->alias[TN_SCHEME_NAME]);
    uint32_t middle = p->back.source[index];
    bool known = named != TN_NO_INDEX && named != TNI_INDEX_MANY;
    return known ? named : middle == TN_NO_INDEX ? middle : p->there.source[middle];
}

/* Tells whether a map leads every element to itself. */
static bool is_identity(const tni_map *map)
{
    bool same = map->to == map->from;
    for (uint32_t k = 0; same && k < map->rank; k++) {
        same = map->dim[k].to == map->dim[k].from || map->dim[k].size == 1;
    }
    return same;
}

/* Tells whether a tensor is the whole of the twin's tensor `origin`, element by element. */
static bool is_whole(const tn_tensor *tensor, uint32_t origin)
{
    int64_t elements = 0;
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        const tni_piece *piece = &tensor->pieces[i];
        if (piece->leaf->offset != origin || piece->leaf->dtype != tensor->dtype ||
            !is_identity(&piece->map)) {
            return tensor->elements == 0;
        }
        elements += tni_map_elements(&piece->map);
    }
    return elements == tensor->elements;
}

static bool same_shape(const tn_tensor *a, const tn_tensor *b)
{
    bool same = a->rank == b->rank;
    for (uint32_t i = 0; same && i < a->rank; i++) {
        same = a->shape[i] == b->shape[i];
    }
    return same;
}

/* Tells whether a rule says how tensors are stored in slices. */
static bool partitions(const tni_rule *rule)
{
    bool any = false;
    for (size_t i = 0; rule != NULL && i < rule->n_ops; i++) {
        const tni_rule_op *op = &rule->ops[i];
        any = any || (op->kind == TNI_RULE_LAYOUT &&
                      (op->layout == TNI_OP_PARTITION || op->layout == TNI_OP_UNPARTITION));
    }
    return any;
}

/* Tells whether two tensors are stored in the same slices. */
static bool same_slices(proof *p, const tn_tensor *a, const tn_tensor *b)
{
    tni_value x, y;
    tni_arena *arena = &p->v->session->arena;
    return tni_value_of(arena, a, &x, NULL) == TN_OK && tni_value_of(arena, b, &y, NULL) == TN_OK &&
           x.n_slices == y.n_slices &&
           (x.n_slices == 0 ||
            memcmp(x.slices, y.slices, 2 * sizeof(int64_t) * x.n_slices * a->rank) == 0);
}

/* Compares one tensor that came back with what it was. */
static tn_status compare_tensor(proof *p, size_t index, tn_error *err)
{
    const tn_tensor *is = &p->back.model->tensors[index];
    uint32_t origin = origin_of(p, index), middle = p->back.source[index];
    char name[TN_ERROR_SUBJECT], led[TN_ERROR_SUBJECT];
    tn_error why = {0};
    tn_escape(is->alias[TN_SCHEME_NAME], led, sizeof led);
    if (origin == TN_NO_INDEX) {
        tn_status status = tni_fail(err, TN_E_NO_INVERSE, "the inverse makes %s of nothing", led);
        tni_error_path(err, p->v->set->file);
        return status;
    }
    const tn_tensor *was = &p->twin->tensors[origin];
    bool sized = !was->any_shape && was->elements >= 0;
    p->seen[origin] = true;
    if (!tn_str_equal(was->alias[TN_SCHEME_NAME], is->alias[TN_SCHEME_NAME])) {
        tn_escape(p->frozen->tensors[middle].alias[TN_SCHEME_NAME], name, sizeof name);
        tni_fail(&why, TN_E_RULE, "it becomes %s, which leads back to %s", name, led);
    } else if (was->dtype != is->dtype) {
        tni_fail(&why, TN_E_RULE, "it comes back as %s", tn_dtype_about(is->dtype)->name);
    } else if (!same_shape(was, is)) {
        tni_fail(&why, TN_E_RULE, "it comes back with another shape");
    } else if (sized && !is_whole(is, origin)) {
        tni_fail(&why, TN_E_RULE, "its elements come back in another order");
    } else if (partitions(p->v->stage->decisions[origin].rule) && !same_slices(p, was, is)) {
        tni_fail(&why, TN_E_RULE, "it comes back in other slices");
    } else {
        return TN_OK;
    }
    return refuse(p, origin, &why, err);
}

/* Compares what came back with what was there. */
static tn_status compare(proof *p, tn_error *err)
{
    void *block;
    const tni_stage *stage = p->v->stage;
    tn_status status =
        tni_arena_array(&p->v->session->arena, p->twin->count, sizeof(bool), &block, err);
    p->seen = status == TN_OK ? block : NULL;
    for (size_t i = 0; status == TN_OK && i < p->back.model->count; i++) {
        status = compare_tensor(p, i, err);
    }
    for (size_t i = 0; status == TN_OK && i < p->twin->count; i++) {
        if (!p->seen[i] && !stage->decisions[i].dropped) {
            tn_error why = {0};
            tni_fail(&why, TN_E_RULE, "it does not come back");
            status = refuse(p, i, &why, err);
        }
    }
    return status;
}

/* Runs the inverse over what the stage made. */
static tn_status lead_back(proof *p, const tni_file_inverse *out, tn_error *err)
{
    tn_error why = {0};
    tn_status status =
        tni_session_run_other(p->v->session, p->frozen, &out->sets, false, &p->back, &why);
    if (status == TN_OK) {
        return TN_OK;
    }
    if (why.status == TN_NO || why.status == TN_NO_MATCH) {
        status = tni_fail(err, TN_E_NO_INVERSE, "the new names cannot be led back: %s%s%s",
                          why.subject, why.subject[0] == '\0' ? "" : ": ", why.message);
        tni_error_path(err, p->v->set->file);
        return status;
    }
    status = tni_fail(err, why.code, "%s", why.message);
    tni_error_path(err, why.path);
    return status;
}

tn_status tni_inverse_check(tni_inverting *v, const tni_file_inverse *out, tn_error *err)
{
    proof p = {.v = v};
    const tni_rulesets stage = {&v->session->sets.at[v->at], 1};
    tn_status status = make_twin(&p, err);
    if (status == TN_OK) {
        status = tni_session_run_other(v->session, p.twin, &stage, true, &p.there, err);
    }
    status = status != TN_OK ? status : freeze(&p, err);
    status = status != TN_OK ? status : lead_back(&p, out, err);
    status = status != TN_OK ? status : compare(&p, err);
    tni_naming_clear(&p.back);
    tn_model_free(p.frozen);
    tni_naming_clear(&p.there);
    tn_model_free(p.twin);
    return status;
}
