/* Checking: choose the tensors of both sides, let a loader match them, judge. */
#include "converters/check.h"

#include "core/buffer.h"
#include "core/error.h"
#include <tenon/text.h>

const char *tn_loader_name(tn_loader loader)
{
    static const char *const names[] = {"auto", "names", "objects"};
    return names[loader];
}

const char *tn_check_mode_name(tn_check_mode mode)
{
    static const char *const names[] = {"fits", "consumed", "existing", "nontrivial", "partial"};
    return names[mode];
}

bool tni_check_form_fits(const tn_tensor *a, const tn_tensor *b)
{
    if (a->dtype != TN_DTYPE_NONE && b->dtype != TN_DTYPE_NONE && a->dtype != b->dtype) {
        return false;
    }
    if (a->any_shape || b->any_shape) {
        return true;
    }
    bool fits = a->rank == b->rank;
    for (uint32_t i = 0; fits && i < a->rank; i++) {
        fits = a->shape[i] == b->shape[i] || a->shape[i] < 0 || b->shape[i] < 0;
    }
    return fits;
}

static tn_form form_of(const tn_tensor *tensor)
{
    return (tn_form){.has = true,
                     .dtype = tensor->dtype,
                     .rank = tensor->rank,
                     .shape = tensor->any_shape ? NULL : tensor->shape};
}

/* Tells which findings fail in a mode. */
static bool fails(tn_check_mode mode, const char *code, const tn_tensor *tensor)
{
    if (strcmp(code, "missing") == 0) {
        return mode == TN_CHECK_FITS || mode == TN_CHECK_CONSUMED || mode == TN_CHECK_EXISTING;
    }
    if (strcmp(code, "unexpected") == 0) {
        bool variable = tensor != NULL && tensor->role == TN_ROLE_VARIABLE;
        return mode == TN_CHECK_CONSUMED || (mode == TN_CHECK_FITS && variable);
    }
    return true; /* mismatches, no overlap */
}

/* Adds a finding; it is an error if it fails in the mode. */
static tn_status add(tni_checking *c, tn_finding *finding, const tn_tensor *tensor, tn_error *err)
{
    bool bad = fails(c->options->mode, finding->code, tensor);
    finding->severity = bad ? TN_SEVERITY_ERROR : TN_SEVERITY_NOTE;
    c->sums.fits = c->sums.fits && !bad;
    return tn_report_add(c->report, finding, err);
}

/* Writes a rename as an option that a shell takes. */
static tn_status write_rename(tni_checking *c, tn_str rename, tn_str *rule_out, tn_error *err)
{
    tni_buffer text;
    tni_buffer_init(&text, c->a->ctx);
    tni_buffer_text(&text, "--rename '");
    for (size_t i = 0; i < rename.len; i++) {
        if (rename.data[i] == '\'') {
            tni_buffer_text(&text, "'\\'");
        }
        tni_buffer_char(&text, rename.data[i]);
    }
    tni_buffer_char(&text, '\'');
    tn_status status = tni_buffer_check(&text, err);
    if (status == TN_OK) {
        status = tni_arena_str(&c->arena, (tn_str){text.data, text.len}, rule_out, err);
    }
    tni_buffer_clear(&text);
    return status;
}

static tn_status judge_missing(tni_checking *c, const tni_want *want, const tni_proposal *proposal,
                               tn_error *err)
{
    tn_finding finding = {.code = "missing", .name = want->name};
    const char *what = proposal->near.len == 0         ? ""
                       : proposal->rename.data == NULL ? "; nearest: "
                                                       : "; it may be ";
    tn_status status = tni_arena_format(
        &c->arena, &finding.message, err, "the file does not have it%s%.*s", what,
        (int)proposal->near.len, proposal->near.len > 0 ? proposal->near.data : "");
    if (want->b != TN_NO_INDEX) {
        finding.expected = form_of(&c->b->tensors[want->b]);
    }
    if (status == TN_OK && proposal->rename.data != NULL) {
        finding.other = c->a->tensors[proposal->spare].alias[TN_SCHEME_NAME];
        status = write_rename(c, proposal->rename, &finding.rule, err);
        c->repairs[proposal->spare] = finding.rule;
    }
    if (status != TN_OK) {
        return status;
    }
    c->sums.missing++;
    return add(c, &finding, NULL, err);
}

/* Compares the forms of a want that is met; counts it. */
static tn_status judge_met(tni_checking *c, const tni_want *want, tn_error *err)
{
    const tn_tensor *b = want->b == TN_NO_INDEX ? NULL : &c->b->tensors[want->b];
    const tn_tensor *a = want->a == TN_NO_INDEX ? NULL : &c->a->tensors[want->a];
    if (a == NULL || b == NULL || tni_check_form_fits(a, b)) {
        c->sums.matched++;
        c->sums.matched_bytes += b == NULL ? 0 : b->bytes;
        return TN_OK;
    }
    bool dtype = a->dtype != b->dtype && a->dtype != TN_DTYPE_NONE && b->dtype != TN_DTYPE_NONE;
    tn_finding finding = {.code = dtype ? "dtype" : "shape",
                          .name = want->name,
                          .other = a->alias[TN_SCHEME_NAME],
                          .expected = form_of(b),
                          .found = form_of(a),
                          .message = dtype ? TN_LIT("the file has another dtype")
                                           : TN_LIT("the file has another shape")};
    c->sums.mismatched++;
    return add(c, &finding, NULL, err);
}

static tn_status judge_wants(tni_checking *c, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&c->arena, c->n_wants, sizeof(tni_proposal), &block, err);
    tni_proposal *proposals = block;
    if (status == TN_OK) {
        status = tni_check_propose(c, proposals, err);
    }
    for (size_t i = 0; status == TN_OK && i < c->n_wants; i++) {
        const tni_want *want = &c->wants[i];
        c->sums.wanted++;
        c->sums.wanted_bytes += want->b == TN_NO_INDEX ? 0 : c->b->tensors[want->b].bytes;
        status = want->met ? judge_met(c, want, err) : judge_missing(c, want, &proposals[i], err);
    }
    return status;
}

static tn_status judge_rest(tni_checking *c, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < c->a->count; i++) {
        const tn_tensor *tensor = &c->a->tensors[i];
        if (c->used[i] || c->chosen_a[i].cause != TNI_KEPT || tensor->document ||
            (tensor->role == TN_ROLE_METADATA && c->sums.loader != TN_LOADER_OBJECTS)) {
            continue;
        }
        tn_finding finding = {.code = "unexpected",
                              .name = tensor->alias[TN_SCHEME_NAME],
                              .found = form_of(tensor),
                              .message = TN_LIT("the program does not want it"),
                              .rule = c->repairs[i]};
        c->sums.unexpected++;
        status = add(c, &finding, tensor, err);
    }
    return status;
}

/* A restore that raises an error fails in every mode. */
static tn_status judge_optimizer(tni_checking *c, tn_error *err)
{
    if (!c->legacy_slots) {
        return TN_OK;
    }
    tn_finding finding = {.code = "optimizer",
                          .message =
                              TN_LIT("the file's optimizer is a legacy one of Keras, whose "
                                     "state the program's newer optimizer refuses: build the "
                                     "program with tf.keras.optimizers.legacy")};
    c->sums.mismatched++;
    return add(c, &finding, NULL, err);
}

/* Zero overlap is never a success. */
static tn_status judge_overlap(tni_checking *c, tn_error *err)
{
    bool values = c->sums.matched + c->sums.mismatched > 0;
    bool graph = c->options->mode == TN_CHECK_NONTRIVIAL && c->overlap;
    if (values || graph) {
        return TN_OK;
    }
    tn_finding finding = {.code = "no-overlap",
                          .message = TN_LIT("nothing that the program wants is in the file")};
    return add(c, &finding, NULL, err);
}

/* Decides the loader: what was asked for, if it applies. */
static tn_status choose_loader(tni_checking *c, tn_error *err)
{
    const tn_object *objects;
    bool a = tn_model_objects(tni_model_root(c->a), &objects) > 0;
    bool b = tn_model_objects(tni_model_root(c->b), &objects) > 0;
    tn_loader loader = c->options->loader;
    if (loader == TN_LOADER_AUTO) {
        loader = a && b && c->a->base == NULL ? TN_LOADER_OBJECTS : TN_LOADER_NAMES;
    }
    if (loader == TN_LOADER_OBJECTS && (!a || !b)) {
        tn_status status = tni_fail(err, TN_E_IMPOSSIBLE, "it has no object graph");
        tni_error_path(err, a ? c->b->path : c->a->path);
        tni_error_hint(err, "say --loader names");
        return status;
    }
    c->sums.loader = loader;
    return TN_OK;
}

/* Demands that every --only and --drop matched on one side at least. */
static tn_status check_matched(const tni_checking *c, const bool *matched, tn_scheme scheme,
                               tn_error *err)
{
    const tn_check_options *o = c->options;
    for (size_t i = 0; !o->ignore_unmatch && i < o->n_only + o->n_drop; i++) {
        bool only = i < o->n_only;
        if (!matched[i]) {
            return tni_nothing_matches(c->a, scheme, only ? "--only" : "--drop",
                                       only ? o->only[i] : o->drop[i - o->n_only], err);
        }
    }
    return TN_OK;
}

static tn_status choose(tni_checking *c, tn_error *err)
{
    const tn_check_options *o = c->options;
    tni_selection selection = {.only = o->only,
                               .n_only = o->n_only,
                               .drop = o->drop,
                               .n_drop = o->n_drop,
                               .weights_only = o->weights_only,
                               .scheme = o->has_scheme ? o->scheme : TN_SCHEME_NAME};
    void *a, *b, *used, *repairs, *matched;
    tn_status status = tni_arena_array(&c->arena, c->a->count, sizeof(tni_choice), &a, err);
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->b->count, sizeof(tni_choice), &b, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->a->count, sizeof(bool), &used, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, c->a->count, sizeof(tn_str), &repairs, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&c->arena, o->n_only + o->n_drop, sizeof(bool), &matched, err);
    }
    if (status != TN_OK) {
        return status;
    }
    c->chosen_a = a;
    c->chosen_b = b;
    c->used = used;
    c->repairs = repairs;
    status = tni_choose(c->a, &selection, c->chosen_a, matched, err);
    if (status == TN_OK) {
        status = tni_choose(c->b, &selection, c->chosen_b, matched, err);
    }
    return status == TN_OK ? check_matched(c, matched, selection.scheme, err) : status;
}

tn_status tn_check(const tn_model *a, const tn_model *b, const tn_check_options *options,
                   tn_report *report, tn_checked *checked_out, tn_error *err)
{
    tni_checking c = {.a = a,
                      .b = b,
                      .options = options,
                      .report = report,
                      .sums = {.fits = true, .mode = options->mode}};
    tni_arena_init(&c.arena, a->ctx, a->ctx->limits.memory);
    tn_status status = choose_loader(&c, err);
    if (status == TN_OK) {
        status = choose(&c, err);
    }
    if (status == TN_OK) {
        status = c.sums.loader == TN_LOADER_OBJECTS ? tni_check_by_objects(&c, err)
                                                    : tni_check_by_names(&c, err);
    }
    if (status == TN_OK) {
        status = judge_wants(&c, err);
    }
    if (status == TN_OK) {
        status = judge_rest(&c, err);
    }
    if (status == TN_OK) {
        status = judge_optimizer(&c, err);
    }
    if (status == TN_OK) {
        status = judge_overlap(&c, err);
    }
    if (status == TN_OK) {
        *checked_out = c.sums;
    }
    tni_arena_clear(&c.arena);
    return status;
}
