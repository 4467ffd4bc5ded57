/* What a path means. Nothing is opened here but folders and state files: formats claim names, and
 * the content of the file that they name is probed afterwards (open.c). */
#include "formats/resolve.h"

#include "core/error.h"
#include "io/staging.h"
#include <tenon/text.h>

enum { FOLDER_NAMES = 1000000, SHOWN_SETS = 8 };

/* One look-up: a folder with its names, and the component that the user typed ("" for the folder
 * itself). */
typedef struct lookup {
    tn_context *ctx;
    tni_arena *arena;
    const tn_format *forced;
    tn_report *notes;
    const char *path;
    tn_str folder; /* "" or ending in '/', NUL-terminated */
    tn_str name;
    tni_names names;
} lookup;

static bool is_candidate(const lookup *look, const tn_format *format)
{
    return format->reader != NULL && (look->forced == NULL || look->forced == format);
}

static tn_status join(lookup *look, tn_str name, tn_str *path_out, tn_error *err)
{
    return tni_arena_format(look->arena, path_out, err, "%.*s%.*s", (int)look->folder.len,
                            look->folder.data, (int)name.len, name.data);
}

static tn_status list(lookup *look, tn_error *err)
{
    return tni_list_folder(look->ctx, look->folder.data, FOLDER_NAMES, look->arena, &look->names,
                           err);
}

/* Splits the path into folder and last component. */
static tn_status split(lookup *look, tn_error *err)
{
    const char *slash = strrchr(look->path, '/');
    size_t cut = slash == NULL ? 0 : (size_t)(slash - look->path) + 1;
    look->name = tn_str_of(look->path + cut);
    return tni_arena_str(look->arena, (tn_str){look->path, cut}, &look->folder, err);
}

/* Finds the one set of the folder that `name` belongs to; false where no format claims it. Several
 * claims by different formats are decided by content later, so only the first is kept. */
static bool claim(const lookup *look, tn_str name, tni_resolved *found)
{
    for (const tn_format *const *format = tni_formats(); *format != NULL; format++) {
        if (is_candidate(look, *format) &&
            (*format)->member(name, &look->names, look->arena, &found->main)) {
            found->format = *format;
            return true;
        }
    }
    return false;
}

static tn_status several(const lookup *look, const tni_resolved *sets, size_t count, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_AMBIGUOUS, "the folder holds %s%zu checkpoints",
                                count >= SHOWN_SETS ? "at least " : "", count);
    tni_error_path(err, look->path);
    char list_text[TN_ERROR_TEXT] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        char name[TN_ERROR_PATH];
        tn_escape(sets[i].main, name, sizeof name);
        int n = snprintf(list_text + used, sizeof list_text - used, "%s%s%s", i == 0 ? "" : ", ",
                         look->folder.data, name);
        if (n < 0 || (size_t)n >= sizeof list_text - used) {
            break;
        }
        used += (size_t)n;
    }
    tni_error_hint(err, "name one of them: %s", list_text);
    return status;
}

/* Finds the sets that lie in the folder; at most SHOWN_SETS. */
static size_t sets_in_folder(const lookup *look, tni_resolved *sets)
{
    size_t count = 0;
    for (size_t i = 0; i < look->names.count && count < SHOWN_SETS; i++) {
        tni_resolved found;
        if (!claim(look, look->names.at[i], &found)) {
            continue;
        }
        bool known = false;
        for (size_t k = 0; k < count; k++) {
            known = known || tn_str_equal(sets[k].main, found.main);
        }
        if (!known) {
            sets[count++] = found;
        }
    }
    return count;
}

/* Asks each format what the folder means (a state file); true in *is_out if one knows. */
static tn_status ask_formats(lookup *look, tni_resolved *found, bool *is_out, tn_error *err)
{
    *is_out = false;
    for (const tn_format *const *format = tni_formats(); *format != NULL; format++) {
        if (!is_candidate(look, *format) || (*format)->folder == NULL) {
            continue;
        }
        tn_str main = TN_STR_NONE;
        tn_status status = (*format)->folder(look->ctx, look->folder.data, &look->names,
                                             look->arena, &main, look->notes, err);
        if (status != TN_OK) {
            return status;
        }
        if (main.data != NULL) {
            *found = (tni_resolved){*format, main};
            *is_out = true;
            return TN_OK;
        }
    }
    return TN_OK;
}

/* Tells whether one name is the other with an extension, or the same. */
static bool extends(tn_str longer, tn_str name)
{
    return tn_str_starts(longer, name) && (longer.len == name.len || longer.data[name.len] == '.');
}

/* Tells whether a set of this name ("": any) is being replaced, or was when the writer died: its
 * index may be away then. The marker may be named by the prefix or by the index. */
static bool has_marker(const lookup *look, tn_str name)
{
    static const char tail[] = ".tenon-commit";
    for (size_t i = 0; i < look->names.count; i++) {
        tn_str marked = look->names.at[i];
        if (tni_is_marker(marked)) {
            marked = tn_str_skip(tn_str_first(marked, marked.len - (sizeof tail - 1)), 1);
            if (name.len == 0 || extends(marked, name) || extends(name, marked)) {
                return true;
            }
        }
    }
    return false;
}

static tn_status interrupted(const lookup *look, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_INTERRUPTED,
                                "the replacement of this checkpoint was interrupted, so its files "
                                "may not belong together");
    tni_error_path(err, look->path);
    tni_error_hint(err, "tenon ckpt recover %s", look->folder.len == 0 ? "." : look->folder.data);
    return status;
}

static tn_status resolve_folder(lookup *look, tni_resolved *resolved_out, tn_error *err)
{
    const char *slash = look->path[strlen(look->path) - 1] == '/' ? "" : "/";
    tn_status status = tni_arena_format(look->arena, &look->folder, err, "%s%s", look->path, slash);
    tni_resolved found;
    bool is;
    if (status != TN_OK || (status = list(look, err)) != TN_OK ||
        (status = ask_formats(look, &found, &is, err)) != TN_OK) {
        return status;
    }
    if (!is) {
        tni_resolved sets[SHOWN_SETS];
        size_t count = sets_in_folder(look, sets);
        if (count > 1) {
            return several(look, sets, count, err);
        }
        if (count == 0 && has_marker(look, TN_LIT(""))) {
            return interrupted(look, err);
        }
        if (count == 0) {
            status = tni_fail(err, TN_E_NOT_FOUND, "no checkpoint lies in this folder");
            tni_error_path(err, look->path);
            return status;
        }
        found = sets[0];
    }
    resolved_out->format = found.format;
    return join(look, found.main, &resolved_out->main, err);
}

static tn_status resolve_file(lookup *look, tni_resolved *resolved_out, tn_error *err)
{
    tni_resolved found = {look->forced, look->name};
    tn_status status = list(look, err);
    if (status != TN_OK) {
        return status;
    }
    if (!claim(look, look->name, &found)) {
        found = (tni_resolved){look->forced, look->name};
    }
    resolved_out->format = found.format;
    return join(look, found.main, &resolved_out->main, err);
}

/* Chooses, among names that begin with the typed one, the greatest in natural order: the newest
 * step. */
static tn_str newest_beginning(const lookup *look)
{
    tn_str best = TN_STR_NONE;
    for (size_t i = 0; i < look->names.count && look->name.len > 0; i++) {
        tni_resolved found;
        if (tn_str_starts(look->names.at[i], look->name) &&
            claim(look, look->names.at[i], &found) &&
            (best.data == NULL || tn_natural_compare(found.main, best) > 0)) {
            best = found.main;
        }
    }
    return best;
}

static tn_status not_found(const lookup *look, tn_error *err)
{
    if (has_marker(look, look->name)) {
        return interrupted(look, err);
    }
    tn_status status = tni_fail(err, TN_E_NOT_FOUND, "there is no such file or checkpoint");
    tni_error_path(err, look->path);
    tn_str best = newest_beginning(look);
    if (best.data != NULL) {
        size_t cut = tn_str_ends(best, TN_LIT(".index")) ? best.len - 6 : best.len;
        char name[TN_ERROR_PATH];
        tn_escape(tn_str_first(best, cut), name, sizeof name);
        tni_error_hint(err, "%s%s begins so", look->folder.data, name);
    }
    return status;
}

/* A path that is no file: a prefix, or a mistake. */
static tn_status resolve_prefix(lookup *look, tni_resolved *resolved_out, tn_error *err)
{
    tni_path_kind kind;
    tn_status status =
        tni_path_kind_of(look->ctx, look->folder.len == 0 ? "." : look->folder.data, &kind, err);
    if (status == TN_OK && kind == TNI_PATH_FOLDER) {
        status = list(look, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_resolved found;
    if (look->name.len == 0 || !claim(look, look->name, &found) ||
        !tni_names_has(&look->names, found.main)) {
        return not_found(look, err);
    }
    resolved_out->format = found.format;
    return join(look, found.main, &resolved_out->main, err);
}

/* Refuses what is no local file, with what to do first. */
static tn_status refuse_remote(const char *path, tn_error *err)
{
    tn_str text = tn_str_of(path);
    tn_status status = TN_OK;
    if (tn_str_equal(text, TN_LIT("-"))) {
        status = tni_fail(err, TN_E_UNSUPPORTED,
                          "standard input cannot be read from: checkpoints "
                          "are read at any position");
        tni_error_hint(err, "save it to a file first");
    } else if (strstr(path, "://") != NULL) {
        status = tni_fail(err, TN_E_UNSUPPORTED, "tenon reads local files only");
        tni_error_hint(err, "copy it here first, all files of the checkpoint");
    } else if (tn_str_ends(text, TN_LIT(".tar.gz")) || tn_str_ends(text, TN_LIT(".tgz")) ||
               tn_str_ends(text, TN_LIT(".tar")) || tn_str_ends(text, TN_LIT(".zip"))) {
        status = tni_fail(err, TN_E_UNSUPPORTED, "tenon does not look into archives");
        tni_error_hint(err, "unpack it first, then name the checkpoint in it");
    }
    if (status != TN_OK) {
        tni_error_path(err, path);
    }
    return status;
}

/* A folder that has the same name as a prefix: both are named as one would type them. */
static tn_status refuse_twofold(lookup *look, tn_error *err)
{
    tni_resolved found;
    if (look->name.len == 0 || list(look, NULL) != TN_OK || !claim(look, look->name, &found) ||
        !tni_names_has(&look->names, found.main)) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_AMBIGUOUS, "this is a checkpoint and a folder");
    tni_error_path(err, look->path);
    tni_error_hint(err, "say %s%.*s or %s/", look->folder.data, (int)found.main.len,
                   found.main.data, look->path);
    return status;
}

tn_status tni_resolve(tn_context *ctx, const char *path, const tn_format *forced, tni_arena *arena,
                      tn_report *notes, tni_resolved *resolved_out, tn_error *err)
{
    lookup look = {.ctx = ctx, .arena = arena, .forced = forced, .notes = notes, .path = path};
    tni_path_kind kind;
    tn_status status = tni_path_kind_of(ctx, path, &kind, err);
    if (status == TN_OK && (kind == TNI_PATH_NONE || kind == TNI_PATH_FILE)) {
        status = refuse_remote(path, err);
    }
    if (status == TN_OK) {
        status = split(&look, err);
    }
    if (status != TN_OK) {
        return status;
    }
    switch (kind) {
    case TNI_PATH_FILE:
        return resolve_file(&look, resolved_out, err);
    case TNI_PATH_FOLDER:
        status = refuse_twofold(&look, err);
        return status != TN_OK ? status : resolve_folder(&look, resolved_out, err);
    case TNI_PATH_NONE:
        return resolve_prefix(&look, resolved_out, err);
    case TNI_PATH_OTHER:
        break;
    }
    status = tni_fail(err, TN_E_NOT_REGULAR, "this is neither a file nor a folder");
    tni_error_path(err, path);
    tni_error_hint(err,
                   "pipes and devices cannot be read at any position: save it to a file first");
    return status;
}
