/* Where rule files come from: arguments, presets, standard input, and files beside other files. */
#include "io/source.h"
#include "converters/rules/file.h"
#include "converters/rules/presets.h"
#include <tenon/text.h>

static const tni_key entry_keys[] = {{"file", false},
                                     {"preset", false},
                                     {"vars", false},
                                     {NULL, false}};

/* Places an error of finding a file at the entry that names it. */
static tn_status at_entry(const tni_rule_source *by, const tni_yaml *node, const tn_error *why,
                          tn_error *err)
{
    tn_status status;
    if (by == NULL) {
        status = tni_fail(err, why->code, "%s", why->message);
        tni_error_path(err, why->path);
        tni_error_place(err, why->line, why->column);
    } else {
        status = why->path[0] == '\0' || strcmp(why->path, by->path) == 0
                     ? tni_fail(err, why->code, "%s", why->message)
                     : tni_fail(err, why->code, "%s: %s", why->path, why->message);
        tni_error_path(err, by->path);
        tni_error_place(err, node->line, node->column);
    }
    if (why->hint[0] != '\0') {
        tni_error_hint(err, "%s", why->hint);
    }
    return status;
}

/* Loads a source as a whole, if it is not too large. */
static tn_status load_whole(tn_source *file, void **data_out, size_t *len_out, tn_error *err)
{
    uint64_t size = tni_source_size(file);
    tn_status status = TN_OK;
    if (size > TNI_RULE_BYTES) {
        status = tni_fail(err, TN_E_RULE, "the file is larger than %d bytes", TNI_RULE_BYTES);
        tni_error_path(err, tni_source_path(file));
        return status;
    }
    status = tni_source_load(file, 0, size, TNI_RULE_BYTES, "header-bytes", data_out, err);
    *len_out = status == TN_OK ? (size_t)size : 0;
    return status;
}

/* Opens a file that another one names. */
static tn_status open_beside(tni_loading *loading, const tni_rule_source *by, tn_str relative,
                             tn_source **file_out, tn_error *err)
{
    tn_status status;
    if (by->preset || strcmp(by->path, "-") == 0) {
        status = tni_fail(err, TN_E_UNSAFE, "%s has no folder that '%.*s' could lie in",
                          by->preset ? "a preset" : "standard input",
                          relative.len > 200 ? 200 : (int)relative.len, relative.data);
        tni_error_hint(err, "a preset is named as preset:NAME, another file as {input: NAME}");
        return status;
    }
    return tni_source_beneath(loading->arena->ctx, by->path, relative, file_out, err);
}

/* Hints at a preset that was written without `preset:`. */
static void hint_preset(tn_str name, tn_error *err)
{
    if (tni_preset_find(name) != NULL) {
        tni_error_hint(err, "a preset is named preset:%.*s", (int)name.len, name.data);
    }
}

/* Opens the file of a source; it is no preset and not standard input. */
static tn_status open_file(tni_loading *loading, tni_rule_source *source, tn_source **file_out,
                           tn_error *err)
{
    tn_error why = {0};
    tn_status status = source->by == NULL
                           ? tni_source_open(loading->arena->ctx, source->path, file_out, &why)
                           : open_beside(loading, source->by, source->entry, file_out, &why);
    if (status == TN_NOT_FOUND) {
        hint_preset(source->entry, &why);
    }
    if (status == TN_OK) {
        source->has_identity = tni_source_identity(*file_out, &source->device, &source->inode);
    }
    return status == TN_OK ? TN_OK : at_entry(source->by, source->node, &why, err);
}

/* Tells whether two sources are one file. */
static bool is_same(const tni_rule_source *a, const tni_rule_source *b)
{
    if (a->preset || b->preset) {
        return strcmp(a->path, b->path) == 0;
    }
    return a->has_identity && b->has_identity && a->device == b->device && a->inode == b->inode;
}

/* Refuses a file that leads to itself, or lies too deep. */
static tn_status check_circle(const tni_rule_source *source, tn_error *err)
{
    tn_status status = TN_OK;
    for (const tni_rule_source *by = source->by; status == TN_OK && by != NULL; by = by->by) {
        if (is_same(source, by)) {
            status = tni_fail(err, TN_E_RULE, "%s leads to itself", source->path);
        }
    }
    if (status == TN_OK && source->depth > TNI_RULE_DEPTH) {
        status =
            tni_fail(err, TN_E_RULE, "files that name files are more than %d deep", TNI_RULE_DEPTH);
    }
    if (status != TN_OK) {
        tni_error_path(err, source->by->path);
        tni_error_place(err, source->node->line, source->node->column);
    }
    return status;
}

static tn_status load_preset(const tni_rule_source *source, tn_str *text_out, tn_error *err)
{
    const tni_preset *preset = tni_preset_find(source->entry);
    tn_error why = {0};
    if (preset == NULL) {
        tni_preset_unknown(source->entry, &why);
        return at_entry(source->by, source->node, &why, err);
    }
    *text_out = preset->text;
    return check_circle(source, err);
}

/* Loads the text of a source; a preset's is not copied. */
static tn_status load(tni_loading *loading, tni_rule_source *source, void **data_out,
                      tn_str *text_out, tn_error *err)
{
    tn_source *file = NULL;
    size_t len = 0;
    tn_status status;
    if (source->preset) {
        return load_preset(source, text_out, err);
    }
    if (source->by == NULL && strcmp(source->path, "-") == 0) {
        status = tni_stdin_load(loading->arena->ctx, TNI_RULE_BYTES + 1, data_out, &len, err);
    } else {
        status = open_file(loading, source, &file, err);
        status = status != TN_OK ? status : check_circle(source, err);
        status = status != TN_OK ? status : load_whole(file, data_out, &len, err);
        tni_source_release(file);
    }
    *text_out = (tn_str){*data_out, len};
    return status;
}

tn_status tni_rule_source_read(tni_loading *loading, tni_rule_source *source, tni_yaml **root_out,
                               tn_error *err)
{
    void *data = NULL;
    tn_str text = TN_STR_NONE;
    tn_status status = TN_OK;
    if (loading->n_files++ >= TNI_RULE_FILES) {
        status = tni_fail(err, TN_E_RULE, "the rules lie in more than %d files", TNI_RULE_FILES);
    }
    if (status == TN_OK) {
        status = load(loading, source, &data, &text, err);
    }
    if (status == TN_OK) {
        status = tni_yaml_read(loading->arena, text, TNI_RULE_BYTES, root_out, err);
    }
    tni_free(loading->arena->ctx, data);
    if (status != TN_OK) {
        tni_error_path(err, source->path);
    }
    return status;
}

/* Finds what an entry calls its file: a preset's name, or a path. */
static tn_status read_name(const tni_yaml *node, bool *preset_out, tn_str *name_out, tn_error *err)
{
    const tni_yaml *file = tni_keys_find(node, "file"), *preset = tni_keys_find(node, "preset");
    const tni_yaml *said = file != NULL ? file : preset;
    tn_status status = TN_OK;
    if (node->kind == TNI_YAML_TEXT) {
        *preset_out = tn_str_starts(node->text, TN_LIT("preset:"));
        *name_out = *preset_out ? tn_str_skip(node->text, 7) : node->text;
        return TN_OK;
    }
    status = tni_value_kind(node, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_keys_check(node, entry_keys, "file to include", err);
    }
    if (status == TN_OK && (file == NULL) == (preset == NULL)) {
        status = tni_value_wrong(node, err, "it must be {file: PATH} or {preset: NAME}");
    }
    if (status == TN_OK) {
        status = tni_value_kind(said, TNI_YAML_TEXT, err);
    }
    if (status == TN_OK) {
        *preset_out = preset != NULL;
        *name_out = said->text;
    }
    return status;
}

/* Gives a value that an entry says: itself, or for {$name} as a whole that variable's. */
static tn_status given_value(const tni_vars *vars, const tni_yaml *value, tn_str *value_out,
                             tn_error *err)
{
    tn_status status = tni_value_kind(value, TNI_YAML_TEXT, err);
    tn_str text = value->text;
    if (status != TN_OK || !tn_str_starts(text, TN_LIT("{$")) || !tn_str_ends(text, TN_LIT("}"))) {
        *value_out = text;
        return status;
    }
    tn_str name = tn_str_first(tn_str_skip(text, 2), text.len - 3);
    *value_out = tni_vars_find(vars, name);
    if (value_out->data == NULL) {
        status =
            tni_value_wrong(value, err, "there is no variable '%.*s'", (int)name.len, name.data);
        tni_vars_hint(vars, name, err);
    }
    return status;
}

static tn_status read_given(tni_loading *loading, const tni_vars *vars, const tni_yaml *map,
                            tni_vars *given, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_value_kind(map, TNI_YAML_MAP, err);
    if (status == TN_OK) {
        status = tni_arena_array(loading->arena, map->count, sizeof(tni_var), &block, err);
    }
    given->at = block;
    for (const tni_yaml *one = map->first; status == TN_OK && one != NULL; one = one->next) {
        tni_var *var = &given->at[given->count++];
        var->name = one->key->text;
        status = given_value(vars, one, &var->value, err);
    }
    return status;
}

/* Makes what errors call a file that another one names. */
static tn_status make_path(tni_loading *loading, const tni_rule_source *by, bool preset,
                           tn_str name, const char **path_out, tn_error *err)
{
    const char *slash = strrchr(by->path, '/');
    bool beside = !preset && !by->preset && slash != NULL;
    tn_str path;
    tn_status status = tni_arena_format(
        loading->arena, &path, err, "%s%.*s%.*s", preset ? "preset:" : "",
        beside ? (int)(slash - by->path) + 1 : 0, by->path, (int)name.len, name.data);
    *path_out = status == TN_OK ? path.data : NULL;
    return status;
}

tn_status tni_rule_source_entry(tni_loading *loading, const tni_rule_source *by,
                                const tni_vars *vars, const tni_yaml *node,
                                tni_rule_source *source_out, tn_error *err)
{
    tni_rule_source source = {.by = by, .node = node, .depth = by->depth + 1};
    tn_status status = read_name(node, &source.preset, &source.entry, err);
    source.given_node = tni_keys_find(node, "vars");
    if (status == TN_OK && source.given_node != NULL) {
        status = read_given(loading, vars, source.given_node, &source.given, err);
    }
    if (status == TN_OK) {
        status = make_path(loading, by, source.preset, source.entry, &source.path, err);
    }
    if (status == TN_OK) {
        *source_out = source;
    } else {
        tni_error_path(err, by->path);
    }
    return status;
}

tni_rule_input *tni_rule_input_find(tni_loading *loading, tn_str name)
{
    for (size_t i = 0; i < loading->n_inputs; i++) {
        if (tn_str_equal(loading->inputs[i].name, name)) {
            loading->inputs[i].used = true;
            return &loading->inputs[i];
        }
    }
    return NULL;
}

tn_status tni_rule_source_data(tni_loading *loading, const tni_rule_source *by, const tni_yaml *map,
                               const char **path_out, void **data_out, size_t *len_out,
                               tn_error *err)
{
    const tni_yaml *input = tni_keys_find(map, "input"), *file = tni_keys_find(map, "file");
    const tni_yaml *said = input != NULL ? input : file;
    tn_source *source = NULL;
    tn_error why = {0};
    tn_status status;
    *data_out = NULL;
    if ((input == NULL) == (file == NULL)) {
        return tni_value_wrong(map, err, "it must say either 'input' or 'file'");
    }
    status = tni_value_kind(said, TNI_YAML_TEXT, err);
    if (status != TN_OK) {
        return status;
    }
    if (input != NULL) {
        const tni_rule_input *given = tni_rule_input_find(loading, input->text);
        if (given == NULL) {
            return TN_OK;
        }
        *path_out = given->path;
        status = tni_source_open(loading->arena->ctx, given->path, &source, &why);
    } else {
        status = make_path(loading, by, false, file->text, path_out, err);
        status = status != TN_OK ? status : open_beside(loading, by, file->text, &source, &why);
    }
    status = status != TN_OK ? status : load_whole(source, data_out, len_out, &why);
    tni_source_release(source);
    return why.status == TN_OK ? status : at_entry(by, said, &why, err);
}
