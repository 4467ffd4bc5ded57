/* What of the input is no tensor: the metadata, all of it within one format, across formats what
 * rules name; the graph, which goes along from SavedModel to SavedModel. */
#include "converters/plan.h"
#include "core/error.h"
#include <tenon/text.h>

/* Sets a key, in its old place if it is there. */
static void set(tni_write *write, tn_str key, tn_str value)
{
    size_t at = 0;
    while (at < write->n_metadata && !tn_str_equal(write->metadata[at].key, key)) {
        at++;
    }
    write->metadata[at] = (tn_pair){key, value};
    write->n_metadata += at == write->n_metadata;
}

/* Copies what one rule file names from the input, and sets what it says. */
static tn_status apply(tn_plan *plan, const tni_ruleset *rules, tn_error *err)
{
    const tn_model *root = tni_model_root(plan->source);
    const tni_yaml *one = rules->metadata_copy == NULL ? NULL : rules->metadata_copy->first;
    for (; one != NULL; one = one->next) {
        size_t at = 0;
        while (at < root->n_metadata && !tn_str_equal(root->metadata[at].key, one->text)) {
            at++;
        }
        if (at == root->n_metadata) {
            char key[TN_ERROR_SUBJECT];
            tn_escape(one->text, key, sizeof key);
            tn_status status =
                tni_fail(err, TN_E_NO_MATCH, "%s has no metadata '%s'", plan->source->path, key);
            tni_error_path(err, rules->file);
            tni_error_place(err, one->line, one->column);
            tni_error_hint(err, "tenon show --metadata %s", plan->source->path);
            return status;
        }
        set(&plan->write, root->metadata[at].key, root->metadata[at].value);
    }
    one = rules->metadata_set == NULL ? NULL : rules->metadata_set->first;
    for (; one != NULL; one = one->next) {
        set(&plan->write, one->key->text, one->text);
    }
    return TN_OK;
}

static size_t count_of(const tni_ruleset *rules)
{
    return (rules->metadata_copy == NULL ? 0 : rules->metadata_copy->count) +
           (rules->metadata_set == NULL ? 0 : rules->metadata_set->count);
}

/* Counts what all rule files say, included ones too. */
static size_t count_all(const tni_rulesets *sets)
{
    size_t count = 0;
    for (size_t i = 0; i < sets->count; i++) {
        count += count_of(&sets->at[i]);
        for (size_t k = 0; k < sets->at[i].n_included; k++) {
            count += count_of(&sets->at[i].included[k]);
        }
    }
    return count;
}

static tn_status leave_graph(tn_plan *plan, tn_error *err)
{
    bool along = plan->write.layout.graph && plan->form == NULL;
    return along || tni_model_root(plan->source)->graph == NULL
               ? TN_OK
               : tni_plan_lose(plan, TN_LOSS_STRUCTURE, TN_STR_NONE, NULL, err,
                               "the graph stays behind: its operations, functions and signatures");
}

tn_status tni_plan_metadata(tn_plan *plan, tn_error *err)
{
    const tn_model *root = tni_model_root(plan->source);
    const tni_rulesets *sets = &plan->naming.sets;
    bool same = root->format == plan->target.format;
    size_t said = count_all(sets);
    void *block;
    tn_status status = leave_graph(plan, err);
    if (status != TN_OK) {
        return status;
    }
    if (!plan->target.format->writer->metadata) {
        return said == 0 ? TN_OK
                         : tni_plan_lose(plan, TN_LOSS_STRUCTURE, TN_STR_NONE, NULL, err,
                                         "%s has no place for the metadata of the rules",
                                         plan->target.format->name);
    }
    status = tni_arena_array(&plan->arena, root->n_metadata + said, sizeof(tn_pair), &block, err);
    plan->write.metadata = block;
    for (size_t i = 0; status == TN_OK && same && i < root->n_metadata; i++) {
        plan->write.metadata[plan->write.n_metadata++] = root->metadata[i];
    }
    for (size_t i = 0; status == TN_OK && i < sets->count; i++) {
        for (size_t k = 0; status == TN_OK && k < sets->at[i].n_included; k++) {
            status = apply(plan, &sets->at[i].included[k], err);
        }
        status = status != TN_OK ? status : apply(plan, &sets->at[i], err);
    }
    return status;
}
