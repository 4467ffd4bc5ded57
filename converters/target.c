/* Where the output goes and in which format. */
#include "converters/mapped.h"
#include "converters/plan.h"
#include "core/error.h"
#include <stdio.h>
#include <stdlib.h>

/* Lists the formats that can be written, for hints. */
static void writable_formats(char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (const tn_format *const *format = tni_formats(); *format != NULL && used < room; format++) {
        if ((*format)->writer != NULL) {
            int n =
                snprintf(text + used, room - used, "%s%s", used == 0 ? "" : ", ", (*format)->name);
            used += n > 0 ? (size_t)n : 0;
        }
    }
}

static tn_status no_format(const char *out, tn_error *err)
{
    char list[256];
    writable_formats(list, sizeof list);
    tn_status status = tni_fail(err, TN_E_USAGE, "the output's name does not say its format");
    tni_error_path(err, out);
    tni_error_hint(err, "say --to FORMAT, one of: %s", list);
    return status;
}

static tn_status format_by_word(const char *word, const tn_format **format_out, tn_error *err)
{
    const tn_format *format = tni_format_find(tn_str_of(word));
    if (format != NULL && format->writer != NULL) {
        *format_out = format;
        return TN_OK;
    }
    char list[256];
    writable_formats(list, sizeof list);
    tn_status status =
        tni_fail(err, TN_E_USAGE,
                 format == NULL ? "there is no format '%s'" : "tenon cannot write '%s'", word);
    tni_error_hint(err, "it writes: %s", list);
    return status;
}

/* Finds the format whose longest extension ends the name, else one that claims it. */
static const tn_format *format_by_name(tn_str name)
{
    const tn_format *best = NULL;
    size_t longest = 0;
    for (const tn_format *const *format = tni_formats(); *format != NULL; format++) {
        const tni_writer_ops *writer = (*format)->writer;
        bool files =
            writer != NULL && !writer->folder; /* a folder's extensions are of what is read */
        for (size_t i = 0; files && (*format)->extensions[i] != NULL; i++) {
            tn_str extension = tn_str_of((*format)->extensions[i]);
            if (tn_str_ends(name, extension) && extension.len > longest) {
                longest = extension.len;
                best = *format;
            }
        }
        if (best == NULL && writer != NULL && writer->claims != NULL && writer->claims(name)) {
            best = *format;
        }
    }
    return best;
}

static tn_status find_format(tn_plan *plan, const char *to, tn_error *err)
{
    tni_target *target = &plan->target;
    if (to != NULL) {
        return format_by_word(to, &target->format, err);
    }
    target->format = format_by_name(target->name);
    const tn_format *own = (plan->form != NULL ? plan->form : plan->source)->format;
    if (target->format == NULL && memchr(target->name.data, '.', target->name.len) == NULL &&
        own->writer != NULL && own->writer->bare_names) {
        target->format = own;
    }
    return target->format != NULL ? TN_OK : no_format(target->path, err);
}

/* Splits the path; slashes at its end mean a folder. */
static tn_status split_path(tn_plan *plan, const char *out, tn_error *err)
{
    tni_target *target = &plan->target;
    size_t end = strlen(out);
    while (end > 1 && out[end - 1] == '/') {
        end--;
    }
    size_t cut = end;
    while (cut > 0 && out[cut - 1] != '/') {
        cut--;
    }
    tn_str path, folder;
    tn_status status = tni_arena_str(&plan->arena, tn_str_of(out), &path, err);
    if (status == TN_OK) {
        status = tni_arena_str(&plan->arena, (tn_str){out, cut}, &folder, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(&plan->arena, (tn_str){out + cut, end - cut}, &target->name, err);
    }
    if (status == TN_OK) {
        target->path = path.data;
        target->folder = folder.data;
        status = tni_path_kind_of(plan->ctx, out, &target->kind, err);
    }
    return status;
}

/* Tells whether a folder is what the output's format writes. */
static bool writes_folder(const tni_target *target)
{
    return target->format != NULL && target->format->writer->folder && target->name.len > 0;
}

/* Decides format and place; a folder is refused where no format says that it is one. */
static tn_status find_place(tn_plan *plan, const char *out, const char *to, tn_error *err)
{
    tni_target *target = &plan->target;
    tn_error why = {0};
    tn_status status = split_path(plan, out, err);
    if (status != TN_OK) {
        return status;
    }
    size_t len = strlen(out);
    bool slash = len > 0 && out[len - 1] == '/';
    bool folder = target->kind == TNI_PATH_FOLDER || slash || target->name.len == 0;
    status = find_format(plan, to, &why);
    if (folder && !writes_folder(target)) {
        status = tni_fail(err, TN_E_USAGE, "the output is a folder");
        tni_error_path(err, out);
        tni_error_hint(err, "name a file in it: %s%smodel.safetensors", out, slash ? "" : "/");
    } else if (target->kind == TNI_PATH_OTHER) {
        status = tni_fail(err, TN_E_USAGE, "the output is neither a new name nor a regular file");
        tni_error_path(err, out);
    } else if (status != TN_OK && err != NULL && err->status == TN_OK) {
        *err = why;
    }
    return status;
}

static tn_status check_parent(const tni_target *target, tn_context *ctx, tn_error *err)
{
    tni_path_kind kind;
    const char *folder = target->folder[0] == '\0' ? "." : target->folder;
    tn_status status = tni_path_kind_of(ctx, folder, &kind, err);
    if (status == TN_OK && kind != TNI_PATH_FOLDER) {
        status = tni_fail(err, TN_E_WRITE, "the folder of the output does not exist");
        tni_error_path(err, target->path);
        tni_error_hint(err, "mkdir -p %s", folder);
    }
    return status;
}

static tn_status same_file(const tn_plan *plan, const char *what, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_SAME_FILE, "the output would replace the input's file %s", what);
    tni_error_path(err, plan->target.path);
    tni_error_hint(err, "write it under another name; the input can be removed once that is there");
    return status;
}

tn_status tni_target_not_input(const tn_plan *plan, const tn_model *model, tn_error *err)
{
    const tn_model *root = tni_model_root(model);
    for (size_t i = 0; i < root->n_sources; i++) {
        uint64_t device, inode;
        bool known = tni_source_identity(root->sources[i], &device, &inode);
        for (size_t k = 0; known && k < plan->target.n_mains; k++) {
            const tni_identity *main = &plan->target.mains[k];
            if (main->device == device && main->inode == inode) {
                return same_file(plan, tni_source_path(root->sources[i]), err);
            }
        }
    }
    return TN_OK;
}

/* Remembers a file that would be replaced, and checks that it is none of the input's. */
static tn_status note_old_file(tn_plan *plan, const tn_source *source, tn_error *err)
{
    tni_target *target = &plan->target;
    tni_identity identity;
    if (!tni_source_identity(source, &identity.device, &identity.inode)) {
        return TN_OK;
    }
    if (target->n_mains == target->mains_room) {
        void *block;
        size_t room = 2 * target->mains_room + 4;
        tn_status status = tni_arena_array(&plan->arena, room, sizeof(tni_identity), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (target->n_mains > 0) {
            memcpy(block, target->mains, target->n_mains * sizeof(tni_identity));
        }
        target->mains = block;
        target->mains_room = room;
    }
    target->mains[target->n_mains++] = identity;
    tn_status status = tni_target_not_input(plan, plan->source, err);
    if (status == TN_OK && plan->form != NULL) {
        status = tni_target_not_input(plan, plan->form, err);
    }
    return status;
}

/* Takes up an old main file: checks that it is no input and lists the members of its set. */
static tn_status take_old(tn_plan *plan, const char *path, tni_names *members_out, tn_error *err)
{
    const tni_reader_ops *reader = plan->target.format->reader;
    tn_source *source = NULL;
    tn_status status = tni_source_open(plan->ctx, path, &source, err);
    if (status == TN_OK) {
        status = note_old_file(plan, source, err);
    }
    tni_names members = {NULL, 0};
    if (status == TN_OK && reader != NULL && reader->members != NULL) {
        tn_error why = {0};
        tn_status found = reader->members(plan->ctx, source, &plan->arena, &members, &why);
        if (found == TN_NOMEM || found == TN_READ || found == TN_CANCELLED) {
            status = found;
            if (err != NULL && err->status == TN_OK) {
                *err = why;
            }
        } else if (found != TN_OK) {
            members = (tni_names){NULL, 0}; /* a damaged old set: its main file alone is replaced */
        }
    }
    tni_source_release(source);
    if (status == TN_OK) {
        *members_out = members;
    }
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

/* Adds the main file and the members of a set to the old files, sorted and each once. */
static tn_status add_old(tn_plan *plan, tn_str main, const tni_names *members, tn_error *err)
{
    tni_names *old = &plan->target.old;
    void *block;
    tn_status status =
        tni_arena_array(&plan->arena, old->count + members->count + 1, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *all = block;
    size_t count = 0;
    for (size_t i = 0; i < old->count; i++) {
        all[count++] = old->at[i];
    }
    for (size_t i = 0; i < members->count; i++) {
        all[count++] = members->at[i];
    }
    all[count++] = main;
    qsort(all, count, sizeof *all, by_bytes);
    *old = (tni_names){all, 0};
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !tn_str_equal(all[i], all[i - 1])) {
            all[old->count++] = all[i];
        }
    }
    return TN_OK;
}

/* Finds one main file that may stand in `folder` ("" or ending in '/'). */
static tn_status find_old_main(tn_plan *plan, const char *folder, tn_str main, tn_error *err)
{
    tn_str path;
    tni_path_kind kind = TNI_PATH_NONE;
    tni_names members;
    tn_status status =
        tni_arena_format(&plan->arena, &path, err, "%s%.*s", folder, (int)main.len, main.data);
    if (status == TN_OK) {
        status = tni_path_kind_of(plan->ctx, path.data, &kind, err);
    }
    if (status != TN_OK || kind == TNI_PATH_NONE) {
        return status;
    }
    status = take_old(plan, path.data, &members, err);
    return status != TN_OK ? status : add_old(plan, main, &members, err);
}

/* The files that stand in an old folder must all be none of the input's. */
static tn_status note_old_files(tn_plan *plan, const char *folder, tn_error *err)
{
    tn_status status = TN_OK;
    const tni_names *old = &plan->target.old;
    for (size_t i = 0; status == TN_OK && i < old->count; i++) {
        tn_str path;
        tni_path_kind kind;
        tn_source *source = NULL;
        status = tni_arena_format(&plan->arena, &path, err, "%s%.*s", folder, (int)old->at[i].len,
                                  old->at[i].data);
        if (status == TN_OK) {
            status = tni_path_kind_of(plan->ctx, path.data, &kind, err);
        }
        if (status == TN_OK && kind == TNI_PATH_FILE) {
            status = tni_source_open(plan->ctx, path.data, &source, err);
        }
        if (status == TN_OK && source != NULL) {
            status = note_old_file(plan, source, err);
        }
        tni_source_release(source);
    }
    return status;
}

/* Finds what stands in the folder that the output would be. */
static tn_status find_old_folder(tn_plan *plan, const tni_names *mains, bool replace, tn_error *err)
{
    tni_target *target = &plan->target;
    tn_str folder;
    if (target->kind == TNI_PATH_NONE) {
        return TN_OK;
    }
    target->exists = true;
    tn_status status = tni_arena_format(&plan->arena, &folder, err, "%s%.*s/", target->folder,
                                        (int)target->name.len, target->name.data);
    if (status == TN_OK && target->kind != TNI_PATH_FOLDER) {
        status = tni_fail(err, TN_E_EXISTS, "the output is a folder, and a file has its name");
        tni_error_path(err, target->path);
        tni_error_hint(err, "choose another name, or remove the file");
    }
    for (size_t i = 0; status == TN_OK && i < mains->count; i++) {
        status = find_old_main(plan, folder.data, mains->at[i], err);
    }
    if (status == TN_OK) {
        status = note_old_files(plan, folder.data, err);
    }
    return status == TN_OK && replace
               ? tni_folder_holds_only(plan->ctx, folder.data, &target->old, err)
               : status;
}

/* Finds what stands at the output's place already. */
static tn_status find_old(tn_plan *plan, bool replace, tn_error *err)
{
    tni_names mains;
    tni_target *target = &plan->target;
    tn_status status = target->format->writer->mains(target->name, &plan->arena, &mains, err);
    if (status != TN_OK) {
        return status;
    }
    if (target->format->writer->folder) {
        target->main = target->name;
        return find_old_folder(plan, &mains, replace, err);
    }
    target->main = mains.at[0];
    for (size_t i = 0; status == TN_OK && i < mains.count; i++) {
        status = find_old_main(plan, target->folder, mains.at[i], err);
    }
    target->exists = target->old.count > 0;
    return status;
}

tn_status tni_target_find(tn_plan *plan, const char *out, const tn_convert_options *options,
                          tn_error *err)
{
    tn_status status = find_place(plan, out, options->to, err);
    if (status == TN_OK) {
        status = check_parent(&plan->target, plan->ctx, err);
    }
    if (status == TN_OK) {
        status = find_old(plan, options->replace, err);
    }
    if (status == TN_OK && plan->target.exists && !options->replace && !options->skip_existing) {
        status = tni_fail(err, TN_E_EXISTS, "the output exists");
        tni_error_path(err, out);
        tni_error_hint(err, "say -f to replace it, or choose another name");
    }
    return status;
}
