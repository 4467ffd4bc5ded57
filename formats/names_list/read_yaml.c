/* Names-and-shapes lists in YAML: a map from names to lists of sizes, or to maps with shape and
 * dtype. `null`, `~` and nothing stand for any. */
#include "core/error.h"
#include "core/json.h"
#include "core/yaml.h"
#include "formats/names_list/read.h"

static tn_status fail(const tni_yaml *node, const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "%s", what);
    tni_yaml_place(node, 0, err);
    return status;
}

static bool is_null(const tni_yaml *node)
{
    return node->kind == TNI_YAML_TEXT && !node->quoted &&
           (node->text.len == 0 || tn_str_equal(node->text, TN_LIT("null")) ||
            tn_str_equal(node->text, TN_LIT("~")));
}

static tn_status read_shape(tn_model *model, tn_tensor *tensor, const tni_yaml *node, tn_error *err)
{
    void *block;
    if (is_null(node)) {
        return TN_OK;
    }
    if (node->kind != TNI_YAML_LIST) {
        return fail(node, "a shape is a list of sizes, or null for any", err);
    }
    tn_status status = tni_check_limit(node->count, model->ctx->limits.rank, "rank", err);
    if (status == TN_OK) {
        status = tni_arena_array(&model->arena, node->count, sizeof(int64_t), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    int64_t *shape = block;
    uint32_t rank = 0;
    for (const tni_yaml *one = node->first; one != NULL; one = one->next) {
        shape[rank] = -1;
        bool number = one->kind == TNI_YAML_TEXT && !one->quoted &&
                      tni_json_i64(one->text, &shape[rank]) && shape[rank] >= 0;
        if (!number && !is_null(one)) {
            return fail(one, "a shape holds whole numbers, or null for any size", err);
        }
        rank++;
    }
    tensor->shape = shape;
    tensor->rank = rank;
    tensor->any_shape = false;
    return TN_OK;
}

static tn_status read_tensor(tn_model *model, tn_tensor *tensor, const tni_yaml *node,
                             tn_error *err)
{
    if (node->kind != TNI_YAML_MAP) {
        return read_shape(model, tensor, node, err);
    }
    tn_status status = TN_OK;
    bool has_shape = false;
    for (const tni_yaml *one = node->first; status == TN_OK && one != NULL; one = one->next) {
        if (tn_str_equal(one->key->text, TN_LIT("shape"))) {
            has_shape = true;
            status = read_shape(model, tensor, one, err);
        } else if (tn_str_equal(one->key->text, TN_LIT("dtype")) && !is_null(one)) {
            tensor->dtype = one->kind == TNI_YAML_TEXT ? tn_dtype_find(one->text) : TN_DTYPE_NONE;
            if (tensor->dtype == TN_DTYPE_NONE) {
                status = fail(one, "this is no dtype: float32, int64, bool …", err);
            }
        }
    }
    return status == TN_OK && !has_shape ? fail(node, "a tensor has a shape, or null for any", err)
                                         : status;
}

static tn_status read_map(tn_model *model, const tni_yaml *root, tn_error *err)
{
    tn_status status = TN_OK;
    if (root->kind != TNI_YAML_MAP) {
        return fail(root, "a list is a map from names to shapes", err);
    }
    for (const tni_yaml *one = root->first; status == TN_OK && one != NULL; one = one->next) {
        tn_tensor *tensor;
        tn_str name;
        status = tni_arena_str(&model->arena, one->key->text, &name, err);
        if (status == TN_OK) {
            status = tni_model_add(model, &tensor, err);
        }
        if (status == TN_OK) {
            tensor->alias[TN_SCHEME_NAME] = tensor->alias[TN_SCHEME_KEY] = name;
            tensor->any_shape = true;
            status = read_tensor(model, tensor, one, err);
        }
    }
    return status;
}

tn_status tni_names_list_yaml(tn_model *model, tn_str text, tn_error *err)
{
    tni_arena arena;
    tni_yaml *root = NULL;
    tn_error why = {0};
    tni_arena_init(&arena, model->ctx, model->ctx->limits.memory);
    tn_status status = tni_yaml_read(&arena, text, model->ctx->limits.header_bytes, &root, &why);
    if (status == TN_RULE_FILE) {
        status = tni_fail(err, TN_E_CORRUPT, "%s", why.message);
        tni_error_place(err, why.line, why.column);
        tni_error_hint(err, "%s", why.hint);
    } else if (status != TN_OK) {
        status = tni_fail(err, why.code, "%s", why.message);
    } else if (root != NULL) {
        status = read_map(model, root, err);
    }
    tni_arena_clear(&arena);
    return status;
}
