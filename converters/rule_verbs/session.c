#include "converters/rule_verbs/session.h"

#include <stdarg.h>

tn_status tni_session_begin(tni_session *session, tn_context *ctx, const char *file,
                            const tn_rules_options *options, tn_error *err)
{
    *session = (tni_session){.ctx = ctx, .inputs = options->inputs, .n_inputs = options->n_inputs};
    tni_rule_options rules = {.rules = &file,
                              .n_rules = 1,
                              .vars = options->vars,
                              .n_vars = options->n_vars,
                              .inputs = options->inputs,
                              .n_inputs = options->n_inputs};
    tni_arena_init(&session->arena, ctx, ctx->limits.memory);
    session->notes = tn_report_new(ctx);
    session->report = tn_report_new(ctx);
    if (session->notes == NULL || session->report == NULL) {
        return tni_fail(err, TN_E_NOMEM, "there is no memory for a report");
    }
    return tni_rules_load(&session->arena, &rules, &session->sets, err);
}

void tni_session_end(tni_session *session)
{
    tni_naming_clear(&session->naming);
    tni_arena_clear(&session->arena);
    tn_report_free(session->notes);
    tn_report_free(session->report);
}

/* Keeps what a stage decided. */
static void keep_stage(void *user, const tni_stage *stage)
{
    tni_session *session = user;
    session->stages[session->n_stages++] = *stage;
}

static tn_status run(tni_session *session, const tn_model *model, tni_rule_options *options,
                     tni_naming *naming, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&session->arena, model->count, sizeof(bool), &block, err);
    if (status == TN_OK && model->count > 0) {
        memset(block, 1, model->count);
    }
    return status != TN_OK ? status
                           : tni_naming_run(&session->arena, model, block, options, session->notes,
                                            naming, err);
}

tn_status tni_session_run(tni_session *session, const tn_model *model, bool lenient, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(&session->arena, session->sets.count + 1, sizeof(tni_stage), &block, err);
    tni_rule_options options = {.loaded = &session->sets,
                                .ignore_unmatch = lenient,
                                .watch = keep_stage,
                                .watch_user = session,
                                .inputs = session->inputs,
                                .n_inputs = session->n_inputs};
    session->stages = status == TN_OK ? block : NULL;
    session->model = model;
    return status != TN_OK ? status : run(session, model, &options, &session->naming, err);
}

tn_status tni_session_run_other(tni_session *session, const tn_model *model,
                                const tni_rulesets *sets, bool lenient, tni_naming *naming,
                                tn_error *err)
{
    tni_rule_options options = {.loaded = sets,
                                .ignore_unmatch = lenient,
                                .inputs = session->inputs,
                                .n_inputs = session->n_inputs};
    *naming = (tni_naming){.n_models = 0};
    return run(session, model, &options, naming, err);
}

const tni_made *tni_made_of(const tni_stage *stage, size_t index)
{
    for (size_t i = 0; stage->decisions[index].consumed && i < stage->n_made; i++) {
        const tni_made *made = &stage->made[i];
        for (uint32_t k = 0; k < made->n_from; k++) {
            if (made->from[k] == index) {
                return made;
            }
        }
    }
    return NULL;
}

size_t tni_rule_number(const tni_ruleset *set, const tni_rule *rule)
{
    size_t number = 0;
    for (const tni_rule *one = set->rules; one <= rule; one++) {
        number += one->file == rule->file;
    }
    return number;
}

tn_status tni_session_find(tni_session *session, tn_severity severity, const char *code,
                           const tni_rule *rule, tn_str name, tn_str other, tn_error *err,
                           const char *format, ...)
{
    char message[TN_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    tn_finding finding = {.code = code,
                          .severity = severity,
                          .name = name,
                          .other = other,
                          .message = tn_str_of(message),
                          .rule = rule == NULL ? TN_STR_NONE : rule->place};
    return tn_report_add(session->report, &finding, err);
}
