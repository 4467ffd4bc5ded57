/* Opening: from a path to a model. */
#include "core/error.h"
#include "formats/format.h"
#include "formats/probe.h"
#include "formats/resolve.h"

/* Takes `FORMAT:` off the path where FORMAT is the name of a format. */
static const tn_format *take_format(const char **path)
{
    const char *colon = strchr(*path, ':');
    if (colon == NULL) {
        return NULL;
    }
    const tn_format *format = tni_format_find((tn_str){*path, (size_t)(colon - *path)});
    if (format != NULL) {
        *path = colon + 1;
    }
    return format;
}

static tn_status tie(tn_source *source, const tn_format *a, const tn_format *b, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_AMBIGUOUS, "this may be %s or %s", a->name, b->name);
    tni_error_path(err, tni_source_path(source));
    tni_error_hint(err, "say which: --from %s or --from %s", a->name, b->name);
    return status;
}

/* Finds the format of a file by its content. */
static tn_status probe_all(tn_source *source, const tn_format **format_out, tn_error *err)
{
    const tn_format *best = NULL, *equal = NULL;
    tni_grade best_grade = TNI_GRADE_NO;
    for (const tn_format *const *format = tni_formats(); *format != NULL; format++) {
        tni_grade grade;
        tn_status status = tni_probe_file(*format, source, &grade, err);
        if (status != TN_OK) {
            return status;
        }
        if (grade > best_grade) {
            best = *format;
            best_grade = grade;
            equal = NULL;
        } else if (grade == best_grade && grade != TNI_GRADE_NO) {
            equal = *format;
        }
    }
    /* A name alone does not make an HTML page a checkpoint; a damaged one it may be. */
    bool strange = best == NULL;
    if (best_grade == TNI_GRADE_NAME) {
        tn_status status = tni_probe_stranger(source, &strange, err);
        if (status != TN_OK) {
            return status;
        }
    }
    if (strange) {
        return tni_fail_unknown(source, err);
    }
    if (equal != NULL) {
        return tie(source, best, equal, err);
    }
    *format_out = best;
    return TN_OK;
}

/* Decides the format: one that was forced, else by content. A file whose name says one format and
 * whose content says none is that format damaged, or something else altogether: tni_fail_unknown
 * tells. */
static tn_status decide(const tn_format *forced, tn_source *source, const tn_format **format_out,
                        tn_error *err)
{
    if (forced != NULL) {
        *format_out = forced;
        return TN_OK;
    }
    return probe_all(source, format_out, err);
}

/* Runs a reader over an opened main file, whose reference it takes over. */
static tn_status read_model(tn_model *model, const tn_format *format, const char *tags,
                            tn_source *main, tn_error *err)
{
    tn_status status = tni_model_keep(model, main, err);
    if (status != TN_OK) {
        return status;
    }
    tni_read read = {.ctx = model->ctx, .main = main, .model = model, .tags = tags};
    model->format = format;
    if (tags != NULL && !format->reader->tags) {
        status = tni_fail(err, TN_E_IMPOSSIBLE,
                          "--tags chooses a MetaGraph of a SavedModel, and "
                          "this is %s",
                          format->title);
    } else {
        status = format->reader->open(&read, err);
    }
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(main));
    } else if (model->resolved[0] == '\0') {
        model->resolved = tni_source_path(main);
    }
    return status;
}

/* Opens the main file and finds out its format. */
static tn_status open_main(tn_context *ctx, const tni_resolved *resolved, const tn_format *forced,
                           const tn_format **format_out, tn_source **main_out, tn_error *err)
{
    tn_source *main;
    tn_status status = tni_source_open(ctx, resolved->main.data, &main, err);
    if (status != TN_OK) {
        return status;
    }
    status = decide(forced, main, format_out, err);
    if (status != TN_OK) {
        tni_source_release(main);
        return status;
    }
    *main_out = main;
    return TN_OK;
}

/* Reads standard input for a format that may come from there. */
static tn_status open_stdin(tn_model *model, const tn_format *format, const char *tags,
                            tn_error *err)
{
    uint64_t most = model->ctx->limits.header_bytes;
    void *data = NULL, *copy = NULL;
    size_t len = 0;
    tn_source *main;
    tn_status status = tni_stdin_load(model->ctx, most + 1, &data, &len, err);
    if (status == TN_OK) {
        status = tni_check_limit(len, most, "header-bytes", err);
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(&model->arena, len + 1, &copy, err);
    }
    if (status == TN_OK && len > 0) {
        memcpy(copy, data, len);
    }
    tni_free(model->ctx, data);
    if (status == TN_OK) {
        status = tni_source_memory(model->ctx, copy, len, "-", &main, err);
    }
    return status != TN_OK ? status : read_model(model, format, tags, main, err);
}

static tn_status open_into(tn_model *model, const char *path, const tn_format *forced,
                           const char *tags, tn_error *err)
{
    tni_resolved resolved;
    const tn_format *format = NULL;
    tn_source *main = NULL;
    tn_str copy;
    tn_status status = tni_arena_str(&model->arena, tn_str_of(path), &copy, err);
    if (status == TN_OK) {
        model->path = copy.data;
    }
    if (status == TN_OK && forced != NULL && forced->from_stdin && strcmp(path, "-") == 0) {
        return open_stdin(model, forced, tags, err);
    }
    if (status == TN_OK) {
        status =
            tni_resolve(model->ctx, path, forced, &model->arena, model->findings, &resolved, err);
    }
    if (status == TN_OK) {
        status = open_main(model->ctx, &resolved, forced, &format, &main, err);
    }
    return status != TN_OK ? status : read_model(model, format, tags, main, err);
}

static tn_status unknown_format(const char *name, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_USAGE, "there is no format '%s'", name);
    tni_error_hint(err, "tenon formats lists them");
    return status;
}

tn_status tn_open(tn_context *ctx, const char *path, const tn_open_options *options,
                  tn_model **model_out, tn_error *err)
{
    const tn_format *forced = take_format(&path);
    if (forced == NULL && options != NULL && options->from != NULL) {
        forced = tni_format_find(tn_str_of(options->from));
        if (forced == NULL) {
            return unknown_format(options->from, err);
        }
    }
    if (path[0] == '\0') {
        return tni_fail(err, TN_E_NOT_FOUND, "the path is empty");
    }
    tn_model *model;
    tn_status status = tni_model_new(ctx, &model, err);
    if (status != TN_OK) {
        return status;
    }
    status = open_into(model, path, forced, options == NULL ? NULL : options->tags, err);
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    return TN_OK;
}

/* Opens a source, whose reference it takes over, as one format. */
static tn_status open_source(tn_context *ctx, const tn_format *format, tn_source *main,
                             bool own_output, tn_model **model_out, tn_error *err)
{
    tn_model *model;
    tn_status status = tni_model_new(ctx, &model, err);
    if (status != TN_OK) {
        tni_source_release(main);
        return status;
    }
    model->own_output = own_output;
    status = read_model(model, format, NULL, main, err);
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    return TN_OK;
}

tn_status tni_open_with(tn_context *ctx, const tn_format *format, const char *path,
                        tn_model **model_out, tn_error *err)
{
    tn_source *main;
    tn_status status = tni_source_open(ctx, path, &main, err);
    return status == TN_OK ? open_source(ctx, format, main, true, model_out, err) : status;
}

tn_status tni_open_nested(tn_context *ctx, const char *format, tn_source *main,
                          tn_model **model_out, tn_error *err)
{
    const tn_format *found = tni_format_find(tn_str_of(format));
    return open_source(ctx, found, main, false, model_out, err);
}
