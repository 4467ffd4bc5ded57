/* The list of presets, with what each says about itself. */
#include "converters/rules/keys.h"
#include "converters/rules/loading.h"
#include "converters/rules/presets.h"
#include <tenon/rules.h>

struct tn_preset_list {
    tni_arena arena;
    tn_preset *at;
};

static tn_status read_about(tni_arena *arena, const tni_preset *preset, tn_str *about_out,
                            tn_error *err)
{
    tni_yaml *root = NULL;
    tn_status status = tni_yaml_read(arena, preset->text, TNI_RULE_BYTES, &root, err);
    const tni_yaml *about = root == NULL ? NULL : tni_keys_find(root, "about");
    *about_out = about != NULL && about->kind == TNI_YAML_TEXT ? about->text : TN_STR_NONE;
    return status;
}

tn_status tn_presets_new(tn_context *ctx, tn_preset_list **list_out, tn_error *err)
{
    void *block, *rows;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_preset_list), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_preset_list *list = block;
    tni_arena_init(&list->arena, ctx, ctx->limits.memory);
    status = tni_arena_array(&list->arena, tni_n_presets, sizeof(tn_preset), &rows, err);
    list->at = status == TN_OK ? rows : NULL;
    for (size_t i = 0; status == TN_OK && i < tni_n_presets; i++) {
        list->at[i].name = tni_presets[i].name;
        status = read_about(&list->arena, &tni_presets[i], &list->at[i].about, err);
    }
    if (status != TN_OK) {
        tn_presets_free(list);
        return status;
    }
    *list_out = list;
    return TN_OK;
}

void tn_presets_free(tn_preset_list *list)
{
    if (list != NULL) {
        tn_context *ctx = list->arena.ctx;
        tni_arena_clear(&list->arena);
        tni_free(ctx, list);
    }
}

size_t tn_presets(const tn_preset_list *list, const tn_preset **presets_out)
{
    *presets_out = list->at;
    return tni_n_presets;
}
