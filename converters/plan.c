/* Planning: from an opened model and options to a layout with its losses. No payload is read. */
#include "converters/plan.h"

#include "converters/engine.h"
#include "converters/mapped.h"
#include "core/error.h"
#include "core/hash.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Doubles an arena-backed array when it is full. */
static tn_status grow(tn_plan *plan, void **array, size_t count, size_t *room, size_t size,
                      tn_error *err)
{
    if (count < *room) {
        return TN_OK;
    }
    size_t more = *room == 0 ? 8 : *room * 2;
    void *block;
    tn_status status = tni_arena_array(&plan->arena, more, size, &block, err);
    if (status == TN_OK) {
        if (count > 0) {
            memcpy(block, *array, count * size);
        }
        *array = block;
        *room = more;
    }
    return status;
}

tn_status tni_plan_lose(tn_plan *plan, tn_loss_class kind, tn_str name, const char *fix,
                        tn_error *err, const char *format, ...)
{
    char text[TN_ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tn_loss loss = {.kind = kind, .name = name};
    tn_status status = grow(plan, (void **)&plan->losses, plan->n_losses, &plan->losses_room,
                            sizeof(tn_loss), err);
    if (status == TN_OK) {
        status = tni_arena_str(&plan->arena, tn_str_of(text), &loss.message, err);
    }
    if (status == TN_OK && fix != NULL) {
        status = tni_arena_str(&plan->arena, tn_str_of(fix), &loss.fix, err);
    }
    if (status == TN_OK) {
        plan->losses[plan->n_losses++] = loss;
    }
    return status;
}

tn_status tni_plan_drop(tn_plan *plan, tn_str name, tn_str rule, tn_error *err)
{
    tn_status status = grow(plan, (void **)&plan->dropped, plan->n_dropped, &plan->dropped_room,
                            sizeof(tn_plan_drop), err);
    if (status == TN_OK) {
        plan->dropped[plan->n_dropped++] = (tn_plan_drop){name, rule};
    }
    return status;
}

static tn_status note_drop(tn_plan *plan, const tn_tensor *tensor, const tni_choice *choice,
                           tn_error *err)
{
    tn_str rule = TN_LIT("--only");
    tn_status status = TN_OK;
    if (choice->cause == TNI_DROPPED || choice->cause == TNI_WITH_OWNER) {
        status = tni_arena_format(&plan->arena, &rule, err, "--drop %u", choice->flag);
    } else if (choice->cause == TNI_NOT_A_WEIGHT) {
        rule = TN_LIT("--weights-only");
    }
    return status != TN_OK ? status : tni_plan_drop(plan, tensor->alias[TN_SCHEME_NAME], rule, err);
}

/* Demands that every --only and --drop matched something. */
static tn_status check_matched(const tn_plan *plan, const tn_convert_options *options,
                               const bool *matched, tn_scheme scheme, tn_error *err)
{
    for (size_t i = 0; i < options->n_only + options->n_drop && !options->ignore_unmatch; i++) {
        bool only = i < options->n_only;
        if (!matched[i]) {
            return tni_nothing_matches(plan->source, scheme, only ? "--only" : "--drop",
                                       only ? options->only[i] : options->drop[i - options->n_only],
                                       err);
        }
    }
    return TN_OK;
}

bool tni_plan_has_place(const tn_plan *plan, const tn_tensor *tensor)
{
    if (tensor->role == TN_ROLE_METADATA) {
        return plan->write.layout.carries && !tensor->document;
    }
    unsigned roles = plan->write.layout.roles;
    return ((roles != 0 ? roles : plan->target.format->writer->roles) & (1u << tensor->role)) != 0;
}

/* Leaves out what the target cannot hold: metadata is a structure loss, any other role a loss of
 * state that a flag must declare. */
static tn_status leave_roles(tn_plan *plan, bool *keep, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < plan->base->count; i++) {
        const tn_tensor *tensor = &plan->base->tensors[i];
        tn_str name = tensor->alias[TN_SCHEME_NAME];
        bool carried = tensor->document && plan->write.layout.carries;
        if (tni_plan_has_place(plan, tensor) || (!keep[i] && !tensor->document) || carried) {
            keep[i] = keep[i] && !carried;
            continue;
        }
        keep[i] = false;
        if (tensor->role == TN_ROLE_METADATA) {
            status = tni_plan_lose(plan, TN_LOSS_STRUCTURE, name, NULL, err,
                                   "%s does not carry this %s", plan->target.format->name,
                                   tensor->document ? "document" : "metadata");
        } else if (plan->like.model != NULL) {
            status = tni_plan_lose(plan, TN_LOSS_STRUCTURE, name, NULL, err,
                                   "%s has no place for this %s of %s", plan->target.format->name,
                                   tn_role_name(tensor->role), plan->base->path);
        } else {
            status = tni_plan_lose(plan, TN_LOSS_STATE, name, "--weights-only", err,
                                   "%s has no place for this %s", plan->target.format->name,
                                   tn_role_name(tensor->role));
        }
    }
    return status;
}

/* Applies --only, --drop and --weights-only: keep[i] says which tensors stay. */
static tn_status choose(tn_plan *plan, const tn_convert_options *options, bool *keep, tn_error *err)
{
    tni_selection selection = {.only = options->only,
                               .n_only = options->n_only,
                               .drop = options->drop,
                               .n_drop = options->n_drop,
                               .weights_only = options->weights_only,
                               .scheme = options->has_scheme ? options->scheme : TN_SCHEME_NAME};
    void *choices = NULL, *matched = NULL;
    tn_status status =
        tni_alloc_array(plan->ctx, plan->source->count, sizeof(tni_choice), &choices, err);
    if (status == TN_OK) {
        status = tni_alloc_array(plan->ctx, options->n_only + options->n_drop, sizeof(bool),
                                 &matched, err);
    }
    if (status == TN_OK) {
        status = tni_choose(plan->source, &selection, choices, matched, err);
    }
    if (status == TN_OK) {
        status = check_matched(plan, options, matched, selection.scheme, err);
    }
    const tni_choice *choice = choices;
    for (size_t i = 0; status == TN_OK && i < plan->source->count; i++) {
        const tn_tensor *tensor = &plan->source->tensors[i];
        keep[i] = choice[i].cause == TNI_KEPT;
        bool told = tensor->role != TN_ROLE_METADATA && choice[i].cause != TNI_HIDDEN_CONSTANT;
        if (!keep[i] && told) {
            status = note_drop(plan, tensor, &choice[i], err);
        }
    }
    tni_free(plan->ctx, choices);
    tni_free(plan->ctx, matched);
    return status;
}

/* Tells whether every kept tensor has a full name and no two the same. */
static tn_status full_names_fit(const tn_plan *plan, const bool *keep, bool *fit_out, tn_error *err)
{
    tni_hash taken;
    tn_status status = TN_OK;
    *fit_out = true;
    tni_hash_init(&taken, plan->ctx, plan->base->count);
    for (uint32_t i = 0; status == TN_OK && *fit_out && i < plan->base->count; i++) {
        tn_scheme scheme = tni_plan_is_renamed(plan, i) ? TN_SCHEME_NAME : TN_SCHEME_FULL;
        tn_str full = plan->base->tensors[i].alias[scheme];
        uint32_t old = TNI_HASH_NONE;
        if (keep[i] && full.data != NULL) {
            status = tni_hash_add(&taken, full, i, &old, err);
        }
        *fit_out = !keep[i] || (full.data != NULL && old == TNI_HASH_NONE);
    }
    tni_hash_clear(&taken);
    return status;
}

/* Gives the names to write: by --scheme where it was said, else as the layout wants them. */
static tn_status choose_names(tn_plan *plan, const tn_convert_options *options, const bool *keep,
                              tn_str *names, tn_error *err)
{
    tn_status status = TN_OK;
    bool asked = options->has_scheme && plan->form == NULL;
    tn_scheme scheme = asked ? options->scheme : TN_SCHEME_NAME;
    bool full = false;
    if (status == TN_OK && !asked && plan->write.layout.full_names) {
        status = full_names_fit(plan, keep, &full, err);
    }
    scheme = full ? TN_SCHEME_FULL : scheme;
    for (size_t i = 0; status == TN_OK && i < plan->base->count; i++) {
        const tn_tensor *tensor = &plan->base->tensors[i];
        names[i] = tensor->alias[tni_plan_is_renamed(plan, i) ? TN_SCHEME_NAME : scheme];
        if (keep[i] && names[i].data == NULL) {
            status = tni_fail(err, TN_E_IMPOSSIBLE, "this tensor has no name in the scheme '%s'",
                              tn_scheme_name(scheme));
            tni_error_path(err, plan->base->path);
            tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
            tni_error_hint(err, "leave --scheme out, or leave the tensor out with --drop");
        }
    }
    return status;
}

/* Tells of each tensor that is written which one of the naming it is. */
static tn_status list_named(tn_plan *plan, tn_error *err)
{
    void *block;
    if (plan->naming.sets.count == 0 && plan->like.model == NULL) {
        return TN_OK;
    }
    tn_status status =
        tni_arena_array(&plan->arena, plan->written->count, sizeof(uint32_t), &block, err);
    uint32_t *named = block;
    size_t n = 0;
    for (uint32_t i = 0; status == TN_OK && i < plan->base->count; i++) {
        if (plan->keep[i]) {
            named[n++] = i;
        }
    }
    plan->named = status == TN_OK ? named : NULL;
    return status;
}

static bool any_kept(const tn_plan *plan)
{
    bool any = false;
    for (size_t i = 0; !any && i < plan->base->count; i++) {
        any = plan->keep[i];
    }
    return any;
}

/* Tells whether all tensors of the base are written, under the names that they have. */
static bool is_identity(const tn_plan *plan, const tn_str *names)
{
    for (size_t i = 0; i < plan->base->count; i++) {
        if (!plan->keep[i] || names[i].data != plan->base->tensors[i].alias[TN_SCHEME_NAME].data) {
            return false;
        }
    }
    return true;
}

/* Lists what the layout needs and no tensor that is written has the name of. */
static tn_status list_missing(tn_plan *plan, const tn_str *names, tni_addition **missing_out,
                              size_t *count_out, tn_error *err)
{
    void *block;
    size_t count = 0;
    const tni_layout *layout = &plan->write.layout;
    tn_status status =
        tni_arena_array(&plan->arena, layout->n_additions, sizeof(tni_addition), &block, err);
    tni_addition *missing = block;
    for (size_t a = 0; status == TN_OK && a < layout->n_additions; a++) {
        bool found = false;
        for (size_t i = 0; !found && i < plan->base->count; i++) {
            found = plan->keep[i] && tn_str_equal(names[i], tn_str_of(layout->additions[a].name));
        }
        if (!found) {
            missing[count++] = layout->additions[a];
        }
    }
    *missing_out = missing;
    *count_out = count;
    return status;
}

static tn_status map(tn_plan *plan, const tn_convert_options *options, tn_error *err)
{
    void *names = NULL;
    tni_addition *missing;
    size_t n_missing = 0;
    tn_status status = leave_roles(plan, plan->keep, err);
    if (status == TN_OK) {
        status = tni_alloc_array(plan->ctx, plan->base->count, sizeof(tn_str), &names, err);
    }
    if (status == TN_OK) {
        status = choose_names(plan, options, plan->keep, names, err);
    }
    if (status == TN_OK && !any_kept(plan)) {
        status = tni_fail(err, TN_E_EMPTY, "nothing is left to write");
        tni_error_path(err, plan->source->path);
        tni_error_hint(err, "tenon ls %s shows what is there", plan->source->path);
    }
    if (status == TN_OK) {
        status = list_missing(plan, names, &missing, &n_missing, err);
    }
    if (status == TN_OK && (n_missing > 0 || !is_identity(plan, names))) {
        status =
            tni_map_named(plan->base, plan->keep, names, missing, n_missing, &plan->mapped, err);
    }
    tni_free(plan->ctx, names);
    if (status == TN_OK) {
        plan->written = plan->mapped != NULL ? plan->mapped : plan->base;
        status = list_named(plan, err);
    }
    return status;
}

/* Prepares the write and lets the writer choose its layout. */
static tn_status choose_layout(tn_plan *plan, const tn_convert_options *options, tn_error *err)
{
    plan->write = (tni_write){.ctx = plan->ctx,
                              .arena = &plan->arena,
                              .name = plan->target.name.data,
                              .layout = {.word = ""},
                              .notes = plan->warnings};
    const tn_model *form = plan->form != NULL ? plan->form : plan->base;
    bool scheme = options->has_scheme && options->scheme != TN_SCHEME_NAME;
    bool renamed = plan->form == NULL && (scheme || plan->naming.any_renamed);
    const tn_format *format = plan->target.format;
    tn_status status = TN_OK;
    if (format->writer->choose_layout != NULL) {
        status = format->writer->choose_layout(form, plan->target.name, options->layout, renamed,
                                               &plan->write.layout, err);
    } else if (options->layout != NULL) {
        status = tni_fail(err, TN_E_USAGE, "%s has no layouts to choose from", format->name);
        tni_error_hint(err, "leave --layout out");
    }
    if (status == TN_OK && plan->write.layout.carries && plan->naming.any_renamed &&
        options->has_scheme && options->scheme != TN_SCHEME_NAME &&
        format->writer->documents_follow && !format->writer->schemes) {
        status = tni_fail(err, TN_E_IMPOSSIBLE,
                          "the input's object graph follows renames, but not the names of a scheme "
                          "besides");
        tni_error_hint(err, "leave --scheme out");
    }
    if (status != TN_OK) {
        tni_error_path(err, plan->target.path);
    }
    return status;
}

/* Refuses a new output one of whose files is there already, although the set that it would belong
 * to is not. */
static tn_status check_new(tn_plan *plan, tn_error *err)
{
    const tni_target *target = &plan->target;
    tn_status status = TN_OK;
    bool fresh = !plan->replace && !target->exists && !target->format->writer->folder;
    for (size_t i = 0; fresh && status == TN_OK && i < plan->write.n_files; i++) {
        tn_str path, name = plan->write.files[i].name;
        tni_path_kind kind = TNI_PATH_NONE;
        status = tni_arena_format(&plan->arena, &path, err, "%s%.*s", target->folder, (int)name.len,
                                  name.data);
        if (status == TN_OK) {
            status = tni_path_kind_of(plan->ctx, path.data, &kind, err);
        }
        if (status == TN_OK && kind != TNI_PATH_NONE) {
            status = tni_fail(err, TN_E_EXISTS, "the output exists");
            tni_error_path(err, path.data);
            tni_error_hint(err, "say -f to replace it, or choose another name");
        }
    }
    return status;
}

/* Lets the writer warn of what stands in the output's folder. */
static tn_status look_around(tn_plan *plan, tn_error *err)
{
    enum { FOLDER_NAMES = 1000000 };
    tni_names siblings;
    const tni_writer_ops *writer = plan->target.format->writer;
    if (writer->look_around == NULL) {
        return TN_OK;
    }
    tn_status status =
        tni_list_folder(plan->ctx, plan->target.folder, FOLDER_NAMES, &plan->arena, &siblings, err);
    return status == TN_OK ? writer->look_around(&plan->write, &siblings, err) : status;
}

/* Decides what stays and how it is called. */
static tn_status name(tn_plan *plan, const tn_convert_options *options, tn_error *err)
{
    void *keep;
    tn_status status = tni_arena_array(&plan->arena, plan->source->count, sizeof(bool), &keep, err);
    if (status == TN_OK) {
        status = choose(plan, options, keep, err);
    }
    if (status != TN_OK) {
        return status;
    }
    return tni_plan_apply_rules(plan, options, keep, err);
}

/* Refuses --link where the output cannot consist of the input's files. */
static tn_status check_link(const tn_plan *plan, const tn_convert_options *options, tn_error *err)
{
    const tn_format *format = plan->target.format;
    tn_status status = TN_OK;
    if (options->link && options->max_shard_size != 0) {
        status = tni_fail(err, TN_E_USAGE, "--link and --max-shard-size exclude each other");
    } else if (options->link &&
               (!format->writer->links || tni_model_root(plan->source)->format != format)) {
        status = tni_fail(err, TN_E_IMPOSSIBLE,
                          "--link makes one TensorFlow checkpoint of another; here %s becomes %s",
                          plan->source->format->name, format->name);
        tni_error_hint(err, "leave --link out");
    }
    return status;
}

/* Tells the plan's tensors what of them stays in linked files. */
static void count_linked(tn_plan *plan)
{
    for (size_t i = 0; i < plan->write.n_items; i++) {
        const tni_item *item = &plan->write.items[i];
        if (plan->write.files[item->file].link == NULL) {
            continue;
        }
        tn_plan_tensor *entry = &plan->tensors[item->index];
        plan->copied -= entry->copied;
        entry->linked += item->bytes;
        entry->copied = 0;
    }
}

/* Adds what the layout does to tensors to their operations. */
static tn_status add_layout_ops(tn_plan *plan, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && plan->write.ops != NULL && i < plan->n_tensors; i++) {
        tn_plan_tensor *entry = &plan->tensors[i];
        void *block;
        if (plan->write.ops[i].data == NULL) {
            continue;
        }
        status = tni_arena_array(&plan->arena, entry->n_ops + 1, sizeof(tn_str), &block, err);
        if (status == TN_OK) {
            tn_str *ops = block;
            for (size_t k = 0; k < entry->n_ops; k++) {
                ops[k] = entry->ops[k];
            }
            ops[entry->n_ops++] = plan->write.ops[i];
            entry->ops = ops;
        }
    }
    return status;
}

/* Lets the writer lay out the whole output. */
static tn_status lay_out(tn_plan *plan, const tn_convert_options *options, tn_error *err)
{
    plan->write.model = plan->written;
    plan->write.options.max_shard_size = options->max_shard_size;
    plan->write.options.link = options->link;
    plan->write.options.scheme =
        options->has_scheme && plan->form == NULL ? options->scheme : TN_SCHEME_NAME;
    tn_status status = check_link(plan, options, err);
    if (status == TN_OK) {
        status = tni_plan_metadata(plan, err);
    }
    if (status == TN_OK) {
        status = plan->target.format->writer->layout(&plan->write, err);
    }
    if (status == TN_OK) {
        status = add_layout_ops(plan, err);
    }
    void *block;
    if (status == TN_OK) {
        count_linked(plan);
        status =
            tni_arena_array(&plan->arena, plan->write.n_files, sizeof(tn_model_file), &block, err);
    }
    if (status == TN_OK) {
        plan->files = block;
        for (size_t i = 0; i < plan->write.n_files; i++) {
            plan->files[i] = (tn_model_file){plan->write.files[i].name, plan->write.files[i].size};
        }
    } else {
        tni_error_path(err, plan->target.path);
    }
    return status;
}

tn_status tn_plan_new(tn_context *ctx, const tn_model *model, const char *out,
                      const tn_convert_options *options, tn_plan **plan_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_plan), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_plan *plan = block;
    plan->ctx = ctx;
    plan->source = model;
    plan->form = options->like;
    plan->replace = options->replace;
    plan->skip_existing = options->skip_existing;
    tni_arena_init(&plan->arena, ctx, ctx->limits.memory);
    plan->warnings = tn_report_new(ctx);
    if (plan->warnings == NULL) {
        status = tni_fail(err, TN_E_NOMEM, "out of memory");
    } else if ((status = tni_target_find(plan, out, options, err)) == TN_OK &&
               (status = name(plan, options, err)) == TN_OK &&
               (status = choose_layout(plan, options, err)) == TN_OK &&
               (plan->form == NULL || (status = tni_plan_like(plan, options, err)) == TN_OK) &&
               (status = map(plan, options, err)) == TN_OK &&
               (status = tni_plan_describe(plan, err)) == TN_OK) {
        status = lay_out(plan, options, err);
        status = status == TN_OK ? check_new(plan, err) : status;
        status = status == TN_OK ? look_around(plan, err) : status;
    }
    if (status != TN_OK) {
        tn_plan_free(plan);
        return status;
    }
    *plan_out = plan;
    return TN_OK;
}

void tn_plan_free(tn_plan *plan)
{
    if (plan != NULL) {
        tn_context *ctx = plan->ctx;
        tn_model_free(plan->mapped);
        tn_model_free(plan->like.model);
        tni_naming_clear(&plan->naming);
        tn_report_free(plan->warnings);
        tni_arena_clear(&plan->arena);
        tni_free(ctx, plan);
    }
}

tn_status tn_plan_refusal(const tn_plan *plan, tn_error *err)
{
    size_t count = 0;
    const tn_loss *first = NULL;
    for (size_t i = 0; i < plan->n_losses; i++) {
        const tn_loss *loss = &plan->losses[i];
        if (loss->kind != TN_LOSS_STRUCTURE && !loss->declared) {
            first = count++ == 0 ? loss : first;
        }
    }
    if (count == 0) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_LOSS, "%.*s%s", (int)first->message.len,
                                first->message.data, count == 1 ? "" : ", and more are lost");
    tni_error_path(err, plan->target.path);
    tni_error_subject(err, first->name);
    tni_error_hint(err, "declare it with %.*s; tenon plan lists all %zu", (int)first->fix.len,
                   first->fix.data, count);
    return status;
}
