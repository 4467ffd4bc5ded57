/* Folders of checkpoints: listing them, and finding the latest. */
#include "formats/tf_checkpoint/directory.h"
#include "core/error.h"
#include "formats/tf_checkpoint/bundle.h"
#include "formats/tf_checkpoint/directory_step.h"
#include "formats/tf_checkpoint/layout.h"
#include "io/output.h"
#include "io/staging.h"
#include <stdio.h>
#include <stdlib.h>
#include <tenon/text.h>

enum { FOLDER_NAMES = 1000000 };

struct tn_ckpt_memory {
    tn_context *ctx;
    tni_arena arena;
};

int64_t tni_tf_step(tn_str prefix)
{
    size_t start = prefix.len;
    while (start > 0 && prefix.data[start - 1] >= '0' && prefix.data[start - 1] <= '9') {
        start--;
    }
    int64_t step = 0;
    for (size_t i = start; i < prefix.len; i++) {
        if (__builtin_mul_overflow(step, 10, &step) ||
            __builtin_add_overflow(step, prefix.data[i] - '0', &step)) {
            return -1;
        }
    }
    return start == prefix.len ? -1 : step;
}

tn_status tni_tf_folder_of(tn_context *ctx, const char *directory, tni_arena *arena,
                           tn_str *folder_out, tn_error *err)
{
    tni_path_kind kind;
    tn_status status = tni_path_kind_of(ctx, directory, &kind, err);
    if (status != TN_OK) {
        return status;
    }
    if (kind != TNI_PATH_FOLDER) {
        status = tni_fail(err, TN_E_NOT_FOUND, "there is no such folder");
        tni_error_path(err, directory);
        return status;
    }
    size_t len = strlen(directory);
    return tni_arena_format(arena, folder_out, err, "%s%s", directory,
                            directory[len - 1] == '/' ? "" : "/");
}

/* Adds one file of a checkpoint: its size counts, or it is missing. */
static tn_status add_file(tni_tf_folder *f, tn_ckpt *ckpt, tn_str name, tn_str *files,
                          tn_str *missing, tn_error *err)
{
    tn_str path;
    tn_source *source;
    tn_status status =
        tni_arena_format(&f->arena, &path, err, "%s%.*s", f->folder.data, (int)name.len, name.data);
    if (status != TN_OK) {
        return status;
    }
    if (tni_source_open(f->ctx, path.data, &source, NULL) != TN_OK) {
        missing[ckpt->n_missing++] = name;
        return TN_OK;
    }
    ckpt->bytes += tni_source_size(source);
    files[ckpt->n_files++] = name;
    tni_source_release(source);
    return TN_OK;
}

/* Reads the number of shards from an index, and when it was written; 0 if it cannot be read. */
static uint32_t look_at_index(tni_tf_folder *f, const char *index_path, double *time)
{
    tn_source *source;
    tni_tf_header header = {.shards = 0};
    if (tni_source_open(f->ctx, index_path, &source, NULL) == TN_OK) {
        if (tni_tf_header_read(f->ctx, source, &header, NULL) != TN_OK) {
            header.shards = 0;
        }
        *time = tni_source_time(source);
        tni_source_release(source);
    }
    return header.shards;
}

static tn_status join(tni_tf_folder *f, tn_str prefix, const char *suffix, tn_str *name_out,
                      tn_error *err)
{
    return tni_arena_format(&f->arena, name_out, err, "%.*s%s", (int)prefix.len, prefix.data,
                            suffix);
}

/* Collects the files of one checkpoint: index, data files, and a .meta if there is one. */
static tn_status collect_files(tni_tf_folder *f, tn_ckpt *ckpt, tn_error *err)
{
    tn_str index, meta, path, name;
    void *block;
    tn_status status = join(f, ckpt->prefix, TNI_TF_INDEX_SUFFIX, &index, err);
    if (status == TN_OK) {
        status = tni_arena_format(&f->arena, &path, err, "%s%.*s", f->folder.data, (int)index.len,
                                  index.data);
    }
    uint32_t shards = status == TN_OK ? look_at_index(f, path.data, &ckpt->time) : 0;
    if (status == TN_OK && shards > f->ctx->limits.tensors) {
        shards = 0; /* no checkpoint has so many: the index is damaged */
    }
    if (status == TN_OK) {
        status = tni_arena_array(&f->arena, 2 * ((size_t)shards + 2), sizeof(tn_str), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_str *files = block, *missing = files + shards + 2;
    ckpt->files = files;
    ckpt->missing = missing;
    if (shards == 0) {
        missing[ckpt->n_missing++] = index; /* or it cannot be read, which comes to the same */
    } else {
        status = add_file(f, ckpt, index, files, missing, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < shards; i++) {
        status = tni_tf_shard_name(ckpt->prefix, i, shards, &f->arena, &name, err);
        if (status == TN_OK) {
            status = add_file(f, ckpt, name, files, missing, err);
        }
    }
    if (status == TN_OK &&
        (status = join(f, ckpt->prefix, TNI_TF_META_SUFFIX, &meta, err)) == TN_OK &&
        tni_names_has(&f->names, meta)) {
        status = add_file(f, ckpt, meta, files, missing, err);
    }
    return status == TN_OK
               ? tni_output_interrupted(f->ctx, f->folder.data, index, &ckpt->interrupted, err)
               : status;
}

/* Lists by prefix what the state file names; of a prefix that is named twice the first counts. */
static tn_status list_state(tni_tf_folder *f, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < f->state.n_all; i++) {
        status =
            tni_hash_add(&f->listed, tni_tf_state_last(f->state.all[i]), (uint32_t)i, NULL, err);
    }
    if (status == TN_OK && f->state.latest.data != NULL) {
        status = tni_hash_add(&f->listed, tni_tf_state_last(f->state.latest), TNI_TF_LATEST_ONLY,
                              NULL, err);
    }
    return status;
}

static void classify(const tni_tf_folder *f, tn_ckpt *ckpt)
{
    const tni_tf_state *state = &f->state;
    uint32_t at = tni_hash_get(&f->listed, ckpt->prefix);
    if (at < state->n_times) {
        ckpt->time = state->times[at];
    }
    if (ckpt->n_missing > 0 || ckpt->interrupted) {
        ckpt->kind = TN_CKPT_INCOMPLETE;
    } else if (at != TNI_HASH_NONE) {
        ckpt->kind = TN_CKPT_LIVE;
    } else if (state->has_last_preserved && ckpt->time <= state->last_preserved) {
        ckpt->kind = TN_CKPT_PRESERVED;
    } else {
        ckpt->kind = TN_CKPT_UNLISTED;
    }
}

static tn_status add_ckpt(tni_tf_folder *f, tn_str prefix, tn_error *err)
{
    tn_ckpt *ckpt = &f->at[f->count];
    *ckpt = (tn_ckpt){.prefix = prefix, .step = tni_tf_step(prefix)};
    tn_status status = collect_files(f, ckpt, err);
    if (status == TN_OK) {
        classify(f, ckpt);
        f->count++;
    }
    return status;
}

static int by_step(const void *a, const void *b)
{
    const tn_ckpt *x = a, *y = b;
    int order = (x->step > y->step) - (x->step < y->step);
    return order != 0 ? order : tn_natural_compare(x->prefix, y->prefix);
}

/* Adds a checkpoint that the state file names, if its index is not there. */
static tn_status add_listed(tni_tf_folder *f, tn_str path, tn_error *err)
{
    tn_str index, prefix = tni_tf_state_last(path);
    uint32_t old = TNI_HASH_NONE;
    tn_status status = join(f, prefix, TNI_TF_INDEX_SUFFIX, &index, err);
    /* No file's name holds a NUL: cut there it would be that of another file. */
    bool named = prefix.len > 0 && memchr(prefix.data, '\0', prefix.len) == NULL;
    if (status != TN_OK || !named || tni_names_has(&f->names, index)) {
        return status;
    }
    status = tni_hash_add(&f->by_prefix, prefix, 0, &old, err);
    return status == TN_OK && old == TNI_HASH_NONE ? add_ckpt(f, prefix, err) : status;
}

/* Adds a checkpoint whose replacement was interrupted while its index was away. */
static tn_status add_marked(tni_tf_folder *f, tn_str name, tn_error *err)
{
    static const char suffix[] = ".tenon-commit";
    tn_str prefix;
    if (!tni_is_marker(name) || name.len <= sizeof suffix ||
        !tni_tf_prefix((tn_str){name.data + 1, name.len - sizeof suffix}, &prefix)) {
        return TN_OK;
    }
    return add_listed(f, prefix, err);
}

/* Adds the checkpoints whose indexes lie in the folder, then those that only markers and the state
 * file know. */
static tn_status add_all(tni_tf_folder *f, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&f->arena, f->names.count + f->state.n_all + 1,
                                       sizeof(tn_ckpt), &block, err);
    f->at = block;
    for (size_t i = 0; status == TN_OK && i < f->names.count; i++) {
        tn_str prefix;
        if (tni_tf_prefix(f->names.at[i], &prefix) && prefix.len > 0) {
            status = add_ckpt(f, prefix, err);
        }
    }
    for (size_t i = 0; status == TN_OK && i < f->names.count; i++) {
        status = add_marked(f, f->names.at[i], err);
    }
    for (size_t i = 0; status == TN_OK && i < f->state.n_all; i++) {
        status = add_listed(f, f->state.all[i], err);
    }
    if (status == TN_OK && f->state.latest.data != NULL) {
        status = add_listed(f, f->state.latest, err);
    }
    if (status == TN_OK && f->count > 0) {
        qsort(f->at, f->count, sizeof *f->at, by_step);
    }
    for (size_t i = 0; status == TN_OK && i < f->count; i++) {
        status = tni_hash_set(&f->by_prefix, f->at[i].prefix, (uint32_t)i, err);
    }
    return status;
}

tn_status tni_tf_folder_read(tn_context *ctx, const char *directory, tni_tf_folder *f,
                             tn_error *err)
{
    *f = (tni_tf_folder){.ctx = ctx};
    tni_arena_init(&f->arena, ctx, ctx->limits.memory);
    tni_hash_init(&f->by_prefix, ctx, 0);
    tni_hash_init(&f->listed, ctx, 0);
    tn_status status = tni_tf_folder_of(ctx, directory, &f->arena, &f->folder, err);
    if (status == TN_OK) {
        status = tni_list_folder(ctx, f->folder.data, FOLDER_NAMES, &f->arena, &f->names, err);
    }
    f->has_state = status == TN_OK && tni_names_has(&f->names, TN_LIT(TNI_TF_STATE_FILE));
    if (f->has_state) {
        status = tni_tf_state_load(ctx, f->folder.data, &f->arena, &f->state, err);
    }
    if (status == TN_OK) {
        status = list_state(f, err);
    }
    return status == TN_OK ? add_all(f, err) : status;
}

void tni_tf_folder_clear(tni_tf_folder *f)
{
    tni_hash_clear(&f->by_prefix);
    tni_hash_clear(&f->listed);
    tni_arena_clear(&f->arena);
}

const tn_ckpt *tni_tf_folder_find(const tni_tf_folder *f, tn_str prefix)
{
    uint32_t at = tni_hash_get(&f->by_prefix, prefix);
    return at == TNI_HASH_NONE ? NULL : &f->at[at];
}

bool tni_tf_folder_complete(const tni_tf_folder *f, tn_str prefix)
{
    const tn_ckpt *ckpt = tni_tf_folder_find(f, prefix);
    return ckpt != NULL && ckpt->kind != TN_CKPT_INCOMPLETE;
}

/* Looks up the counters of those whose names say no step, and sorts by all steps. */
static tn_status fill_steps(tni_tf_folder *f, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; i < f->count && status == TN_OK; i++) {
        tn_ckpt *ckpt = &f->at[i];
        tn_str path;
        if (ckpt->step < 0 && ckpt->kind != TN_CKPT_INCOMPLETE) {
            status = tni_arena_format(&f->arena, &path, err, "%s%.*s" TNI_TF_INDEX_SUFFIX,
                                      f->folder.data, (int)ckpt->prefix.len, ckpt->prefix.data);
            ckpt->step = status == TN_OK ? tni_tf_counter(f->ctx, path.data) : -1;
        }
    }
    if (f->count > 0) {
        qsort(f->at, f->count, sizeof *f->at, by_step);
    }
    return status;
}

tn_status tn_ckpt_list_open(tn_context *ctx, const char *directory, tn_ckpt_list *list_out,
                            tn_error *err)
{
    tni_tf_folder f;
    void *block = NULL;
    tn_status status = tni_tf_folder_read(ctx, directory, &f, err);
    tn_str latest = tni_tf_state_last(f.state.latest);
    bool complete = f.state.latest.data != NULL && tni_tf_folder_complete(&f, latest);
    if (status == TN_OK) {
        status = fill_steps(&f, err);
    }
    if (status == TN_OK) {
        status = tni_alloc(ctx, sizeof(struct tn_ckpt_memory), &block, err);
    }
    tn_str copy;
    if (status == TN_OK) {
        status = tni_arena_str(&f.arena, tn_str_of(directory), &copy, err);
    }
    if (status != TN_OK) {
        tni_free(ctx, block);
        tni_tf_folder_clear(&f);
        return status;
    }
    struct tn_ckpt_memory *memory = block;
    *memory = (struct tn_ckpt_memory){ctx, f.arena};
    tni_hash_clear(&f.by_prefix);
    tni_hash_clear(&f.listed);
    *list_out = (tn_ckpt_list){.directory = copy.data,
                               .latest = complete ? latest : TN_STR_NONE,
                               .at = f.at,
                               .count = f.count,
                               .memory = memory};
    return TN_OK;
}

void tn_ckpt_list_clear(tn_ckpt_list *list)
{
    if (list->memory != NULL) {
        tni_arena_clear(&list->memory->arena);
        tni_free(list->memory->ctx, list->memory);
    }
    *list = (tn_ckpt_list){0};
}

tn_status tni_tf_no_checkpoint(const char *path, const char *why, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_NO_CHECKPOINT, "%s", why);
    tni_error_path(err, path);
    return status;
}

tn_status tni_tf_interrupted(const char *folder, const tn_ckpt *ckpt, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_INTERRUPTED,
                                "the replacement of this checkpoint was interrupted, so its files "
                                "may not belong together");
    char path[TN_CKPT_PATH];
    snprintf(path, sizeof path, "%s%.*s", folder, (int)ckpt->prefix.len, ckpt->prefix.data);
    tni_error_path(err, path);
    tni_error_hint(err, "tenon ckpt recover %s", folder[0] == '\0' ? "." : folder);
    return status;
}

static tn_status give_path(const char *folder, tn_str prefix, char path_out[TN_CKPT_PATH],
                           tn_error *err)
{
    int len = snprintf(path_out, TN_CKPT_PATH, "%s%.*s", folder, (int)prefix.len, prefix.data);
    if (len < 0 || len >= TN_CKPT_PATH) {
        return tni_fail(err, TN_E_LIMIT, "the checkpoint's path is too long");
    }
    return TN_OK;
}

/* The latest of a folder: what the state file calls so. */
static tn_status latest_of_folder(tn_context *ctx, const char *path, char path_out[TN_CKPT_PATH],
                                  tn_error *err)
{
    tni_tf_folder f;
    tn_status status = tni_tf_folder_read(ctx, path, &f, err);
    if (status == TN_OK && f.state.latest.data == NULL) {
        status = tni_tf_no_checkpoint(path, "no state file here names a latest checkpoint", err);
        if (f.count > 0) {
            tni_error_hint(err, "tenon ckpt ls %s shows what is there", path);
        }
    }
    if (status == TN_OK) {
        tn_str latest = tni_tf_state_last(f.state.latest);
        const tn_ckpt *found = tni_tf_folder_find(&f, latest);
        if (found != NULL && found->interrupted) {
            status = tni_tf_interrupted(f.folder.data, found, err);
        } else if (found == NULL || found->n_missing > 0) {
            status = tni_tf_no_checkpoint(path,
                                          "the checkpoint that the state file calls latest is not "
                                          "complete here",
                                          err);
            tni_error_subject(err, latest);
            tni_error_hint(err, "tenon ckpt recover %s makes the state file true again", path);
        } else {
            status = give_path(f.folder.data, latest, path_out, err);
        }
    }
    tni_tf_folder_clear(&f);
    return status;
}

/* The newest complete checkpoint whose name begins as asked. */
static tn_status latest_beginning(tn_context *ctx, const char *path, char path_out[TN_CKPT_PATH],
                                  tn_error *err)
{
    tni_tf_folder f;
    const char *slash = strrchr(path, '/');
    tn_str beginning = tn_str_of(slash == NULL ? path : slash + 1);
    char folder[TN_CKPT_PATH];
    size_t cut = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    if (cut >= sizeof folder) {
        return tni_tf_no_checkpoint(path, "there is no such checkpoint", err);
    }
    memcpy(folder, path, cut);
    folder[cut] = '\0';
    tn_status status = tni_tf_folder_read(ctx, cut == 0 ? "." : folder, &f, err);
    const tn_ckpt *best = NULL;
    for (size_t i = 0; status == TN_OK && i < f.count; i++) {
        const tn_ckpt *ckpt = &f.at[i];
        bool whole = ckpt->n_missing == 0 || ckpt->interrupted;
        if (whole && tn_str_starts(ckpt->prefix, beginning) &&
            (best == NULL || ckpt->step > best->step ||
             (ckpt->step == best->step && ckpt->time > best->time))) {
            best = ckpt;
        }
    }
    if (status == TN_OK) {
        status = best == NULL
                     ? tni_tf_no_checkpoint(path, "no complete checkpoint here begins so", err)
                 : best->interrupted ? tni_tf_interrupted(folder, best, err)
                                     : give_path(folder, best->prefix, path_out, err);
    }
    tni_tf_folder_clear(&f);
    return status;
}

tn_status tn_ckpt_latest(tn_context *ctx, const char *path, char path_out[TN_CKPT_PATH],
                         tn_error *err)
{
    tni_path_kind kind;
    tn_status status = tni_path_kind_of(ctx, path, &kind, err);
    if (status != TN_OK) {
        return status;
    }
    return kind == TNI_PATH_FOLDER ? latest_of_folder(ctx, path, path_out, err)
                                   : latest_beginning(ctx, path, path_out, err);
}
