/* Checking: a loader matches the tensors that were chosen, here they are judged. */
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
                     .any_shape = tensor->any_shape,
                     .rank = tensor->rank,
                     .shape = tensor->shape};
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

/* Lets the loader match, and judges what it found. */
static tn_status judge_all(tni_checking *c, tn_error *err)
{
    tn_status status = c->sums.loader == TN_LOADER_OBJECTS ? tni_check_by_objects(c, err)
                                                           : tni_check_by_names(c, err);
    if (status == TN_OK) {
        status = judge_wants(c, err);
    }
    if (status == TN_OK) {
        status = judge_rest(c, err);
    }
    if (status == TN_OK) {
        status = judge_optimizer(c, err);
    }
    return status == TN_OK ? judge_overlap(c, err) : status;
}

tn_status tn_check(const tn_model *a, const tn_model *b, const tn_check_options *options,
                   tn_report *report, tn_checked *checked_out, tn_error *err)
{
    tni_naming naming = {.n_models = 0};
    tni_checking c = {.a = a,
                      .b = b,
                      .options = options,
                      .report = report,
                      .sums = {.fits = true, .mode = options->mode}};
    tni_arena_init(&c.arena, a->ctx, a->ctx->limits.memory);
    tn_status status = tni_check_choose(&c, &naming, err);
    if (status == TN_OK) {
        status = judge_all(&c, err);
    }
    if (status == TN_OK) {
        *checked_out = c.sums;
    }
    tni_naming_clear(&naming);
    tni_arena_clear(&c.arena);
    return status;
}
