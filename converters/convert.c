/* Executing a plan: stage, move, read back, commit. */
#include "converters/cast_report.h"
#include "converters/engine.h"
#include "converters/mapped.h"
#include "converters/plan.h"
#include "converters/readback.h"
#include "core/error.h"

static tn_status model_unchanged(const tn_model *model, tn_error *err)
{
    const tn_model *root = tni_model_root(model);
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < root->n_sources; i++) {
        status = tni_source_unchanged(root->sources[i], err);
    }
    return status;
}

/* Checks that no file of the inputs changed while it was read. */
static tn_status check_unchanged(const tn_plan *plan, tn_error *err)
{
    tn_status status = model_unchanged(plan->source, err);
    if (status == TN_OK && plan->form != NULL) {
        status = model_unchanged(plan->form, err);
    }
    for (size_t i = 0; status == TN_OK && i < plan->naming.inputs.count; i++) {
        status = model_unchanged(plan->naming.inputs.at[i].model, err);
    }
    return status;
}

static tn_status create_files(tn_plan *plan, tni_output *output, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < plan->write.n_files; i++) {
        tni_out_file *file = &plan->write.files[i];
        status = file->link != NULL
                     ? tni_output_link(output, file->name, file->link, err)
                     : tni_output_create(output, file->name, file->size, &file->sink, err);
    }
    return status;
}

/* Writes everything into the staging folder and proves it. */
static tn_status stage(tn_plan *plan, tni_output *output, tn_converted *converted, tn_error *err)
{
    const tni_writer_ops *writer = plan->target.format->writer;
    tn_status status = create_files(plan, output, err);
    if (status == TN_OK && writer->headers != NULL) {
        status = writer->headers(&plan->write, err);
    }
    if (status == TN_OK) {
        status = tni_engine_fill(&plan->write, err);
    }
    if (status == TN_OK && writer->finish != NULL) {
        status = writer->finish(&plan->write, err);
    }
    if (status == TN_OK) {
        status = check_unchanged(plan, err);
    }
    return status != TN_OK ? status : tni_readback(plan, tni_output_staged(output), converted, err);
}

/* Tells whether the existing output has the plan's names, dtypes and shapes, and nothing else. */
static bool fits_plan(const tn_plan *plan, const tn_model *old)
{
    for (size_t i = 0; i < plan->write.n_items; i++) {
        const tni_item *item = &plan->write.items[i];
        const tn_plan_tensor *wanted = &plan->tensors[item->index];
        uint32_t index = tn_model_find(old, TN_SCHEME_KEY, item->key);
        if (index == TN_NO_INDEX ||
            !tni_same_form(&old->tensors[index], wanted->tensor, wanted->dtype)) {
            return false;
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < old->count; i++) {
        count += tni_is_payload(&old->tensors[i]);
    }
    return count == plan->n_tensors;
}

/* --skip-existing: true in *skip_out if the output is there and fits. */
static tn_status try_skip(const tn_plan *plan, bool *skip_out, tn_error *err)
{
    *skip_out = false;
    if (!plan->skip_existing || !plan->target.exists) {
        return TN_OK;
    }
    tn_model *old;
    tn_open_options options = {.from = plan->target.format->name};
    if (tn_open(plan->ctx, plan->target.path, &options, &old, NULL) == TN_OK) {
        *skip_out = fits_plan(plan, old);
        tn_model_free(old);
    }
    if (*skip_out || plan->replace) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_EXISTS,
                                "the output exists and is not what this command "
                                "would write");
    tni_error_path(err, plan->target.path);
    tni_error_hint(err, "say -f to replace it, or choose another name");
    return status;
}

static tn_status write_output(tn_plan *plan, tn_converted *converted, tn_error *err)
{
    tni_output *output = NULL;
    const tni_names *old = &plan->target.old;
    tn_str index = plan->write.files[plan->write.index_file].name;
    bool folder = plan->target.format->writer->folder;
    bool is_set = folder || plan->write.n_files > 1 || old->count > 1 ||
                  (old->count == 1 && !tn_str_equal(old->at[0], index));
    tni_output_options options = {
        .replace = plan->replace, .old = is_set ? old : NULL, .folder = folder};
    tn_status status = tni_cast_report(plan, err);
    if (status == TN_OK) {
        status = tni_output_new(plan->ctx, plan->target.folder, plan->target.main, &options,
                                &output, err);
    }
    if (status == TN_OK) {
        status = stage(plan, output, converted, err);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, index, err);
    }
    tni_output_free(output);
    if (status == TN_OK) {
        for (size_t i = 0; i < plan->write.n_files; i++) {
            const tni_out_file *file = &plan->write.files[i];
            *(file->link != NULL ? &converted->bytes_linked : &converted->bytes_written) +=
                file->size;
        }
        converted->files_written = plan->write.n_files;
    }
    return status;
}

tn_status tn_convert(tn_plan *plan, tn_converted *converted_out, tn_error *err)
{
    tn_converted converted = {0};
    tn_status status = tn_plan_refusal(plan, err);
    if (status == TN_OK) {
        status = try_skip(plan, &converted.skipped, err);
    }
    if (status == TN_OK && !converted.skipped) {
        status = write_output(plan, &converted, err);
    }
    if (status == TN_OK) {
        *converted_out = converted;
    }
    return status;
}
