/* Whether an inverse leads back from the names that the rules made of a model's. */
#include "converters/rule_verbs/invert_file.h"
#include <tenon/text.h>

/* Finds the rule that is to blame for a tensor of the result: the one that made its name. */
static const tni_rule *rule_of(const tni_inverting *v, uint32_t source)
{
    const tni_rule *rule = v->stage->decisions[source].rule;
    return rule != NULL ? rule : &v->set->rules[0];
}

/* Raises that a name does not come back. */
static tn_status strays(const tni_inverting *v, uint32_t source, tn_str new_name, tn_str back,
                        tn_error *err)
{
    tn_error why = {0};
    char name[TN_ERROR_SUBJECT], led[TN_ERROR_SUBJECT];
    tn_escape(new_name, name, sizeof name);
    tn_escape(back, led, sizeof led);
    tni_fail(&why, TN_E_RULE, "it becomes %s, which leads back to %s", name, led);
    return tni_no_inverse(v, rule_of(v, source),
                          v->stage->model->tensors[source].alias[TN_SCHEME_NAME], &why, err);
}

/* Tells whether two tensors have one dtype and shape. */
static bool same_form(const tn_tensor *a, const tn_tensor *b)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank;
    for (uint32_t i = 0; same && i < a->rank; i++) {
        same = a->shape[i] == b->shape[i];
    }
    return same;
}

static tn_status misshapes(const tni_inverting *v, uint32_t source, tn_error *err)
{
    tn_error why = {0};
    tni_fail(&why, TN_E_RULE, "it comes back with another shape");
    return tni_no_inverse(v, rule_of(v, source),
                          v->stage->model->tensors[source].alias[TN_SCHEME_NAME], &why, err);
}

/* Compares the names that came back with those that the stage had found. */
static tn_status compare(const tni_inverting *v, const tni_naming *back, tn_error *err)
{
    const tn_model *renamed = v->session->naming.model;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < back->model->count; i++) {
        uint32_t middle = back->source[i], source = v->session->naming.source[middle];
        if (source == TN_NO_INDEX) { /* made from nothing, and dropped: else the count tells */
            continue;
        }
        tn_str was = v->stage->model->tensors[source].alias[TN_SCHEME_NAME];
        tn_str is = back->model->tensors[i].alias[TN_SCHEME_NAME];
        if (!same_form(&v->stage->model->tensors[source], &back->model->tensors[i])) {
            status = misshapes(v, source, err);
        } else if (!tn_str_equal(was, is)) {
            status = strays(v, source, renamed->tensors[middle].alias[TN_SCHEME_NAME], is, err);
        }
    }
    size_t made = 0;
    for (size_t i = 0; i < renamed->count; i++) {
        made += v->session->naming.source[i] == TN_NO_INDEX;
    }
    if (status == TN_OK && back->model->count + made != renamed->count) {
        status = tni_fail(err, TN_E_NO_INVERSE, "the inverse loses %zu tensors",
                          renamed->count - made - back->model->count);
        tni_error_path(err, v->set->file);
    }
    return status;
}

tn_status tni_inverse_check(tni_inverting *v, const tni_file_inverse *out, tn_error *err)
{
    tni_naming back;
    tn_error why = {0};
    tn_status status =
        tni_session_run_other(v->session, v->session->naming.model, &out->sets, false, &back, &why);
    if (status == TN_OK) {
        status = compare(v, &back, err);
    } else if (why.status == TN_NO || why.status == TN_NO_MATCH) {
        status = tni_fail(err, TN_E_NO_INVERSE, "the new names cannot be led back: %s%s%s",
                          why.subject, why.subject[0] == '\0' ? "" : ": ", why.message);
        tni_error_path(err, v->set->file);
    } else {
        status = tni_fail(err, why.code, "%s", why.message);
        tni_error_path(err, why.path);
    }
    tni_naming_clear(&back);
    return status;
}
