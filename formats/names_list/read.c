#include "formats/names_list/read.h"

#include "core/error.h"
#include "core/json.h"
#include "model/roles.h"

typedef struct listing {
    tni_json json;
    tn_model *model;
    tn_tensor *tensor; /* at hand */
    int64_t *shape;    /* room for the rank that is allowed */
    uint64_t max_rank;
} listing;

/* Begins a tensor of a name that the parser may overwrite, or that follows. */
static tn_status begin(listing *l, tn_str name, tn_error *err)
{
    tn_str copy = TN_STR_NONE;
    tn_status status =
        name.data == NULL ? TN_OK : tni_arena_str(&l->model->arena, name, &copy, err);
    if (status == TN_OK) {
        status = tni_model_add(l->model, &l->tensor, err);
    }
    if (status == TN_OK) {
        l->tensor->alias[TN_SCHEME_NAME] = l->tensor->alias[TN_SCHEME_KEY] = copy;
        l->tensor->any_shape = true;
    }
    return status;
}

/* Reads `[2, null, 3]` whose bracket was read. */
static tn_status read_shape(listing *l, tn_error *err)
{
    uint32_t rank = 0;
    for (;;) {
        tni_json_token token;
        tn_status status = tni_json_next(&l->json, &token, err);
        if (status != TN_OK) {
            return status;
        }
        if (token.type == TNI_JSON_ARRAY_END) {
            break;
        }
        if ((status = tni_check_limit(rank + 1, l->max_rank, "rank", err)) != TN_OK) {
            return status;
        }
        int64_t size = -1;
        bool number = token.type == TNI_JSON_NUMBER && tni_json_i64(token.text, &size) && size >= 0;
        if (!number && token.type != TNI_JSON_NULL) {
            return tni_json_fail(&l->json, &token, err,
                                 "a shape holds whole numbers, or null for any size");
        }
        l->shape[rank++] = size;
    }
    void *copy;
    tn_status status = tni_arena_array(&l->model->arena, rank, sizeof(int64_t), &copy, err);
    if (status == TN_OK) {
        if (rank > 0) {
            memcpy(copy, l->shape, rank * sizeof(int64_t));
        }
        l->tensor->shape = copy;
        l->tensor->rank = rank;
        l->tensor->any_shape = false;
    }
    return status;
}

/* Reads a shape's value: a list, or null for any. */
static tn_status read_shape_value(listing *l, const tni_json_token *first, tn_error *err)
{
    if (first->type == TNI_JSON_NULL) {
        return TN_OK;
    }
    if (first->type != TNI_JSON_ARRAY) {
        return tni_json_fail(&l->json, first, err, "a shape is a list of sizes, or null for any");
    }
    return read_shape(l, err);
}

static tn_status read_dtype_value(listing *l, const tni_json_token *first, tn_error *err)
{
    if (first->type == TNI_JSON_NULL) {
        return TN_OK;
    }
    if (first->type == TNI_JSON_STRING) {
        l->tensor->dtype = tn_dtype_find(first->text);
        if (l->tensor->dtype != TN_DTYPE_NONE) {
            return TN_OK;
        }
    }
    return tni_json_fail(&l->json, first, err, "this is no dtype: float32, int64, bool …");
}

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Decodes base64 with its padding (RFC 4648) in place; false if it is none. */
static bool decode_base64(char *text, size_t *len_inout)
{
    size_t len = *len_inout, out = 0;
    uint32_t bits = 0;
    size_t pad = len >= 1 && text[len - 1] == '=' ? 1 : 0;
    pad += len >= 2 && pad == 1 && text[len - 2] == '=' ? 1 : 0;
    if (len % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int digit = i >= len - pad ? 0 : digit_of(text[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            text[out++] = (char)(bits >> 16 & 0xFF);
            text[out++] = (char)(bits >> 8 & 0xFF);
            text[out++] = (char)(bits & 0xFF);
            bits = 0;
        }
    }
    *len_inout = out - pad;
    return true;
}

/* Reads the name of a tensor of `ls --json`; a name that is not UTF-8 stands in `name_bytes`,
 * behind the one that is for people. */
static tn_status read_name_value(listing *l, const tni_json_token *value, bool bytes, tn_error *err)
{
    void *copy;
    size_t len = value->text.len;
    if (value->type != TNI_JSON_STRING) {
        return tni_json_fail(&l->json, value, err, "a name is a string");
    }
    tn_status status = tni_arena_alloc(&l->model->arena, len + 1, &copy, err);
    if (status != TN_OK) {
        return status;
    }
    if (len > 0) {
        memcpy(copy, value->text.data, len);
    }
    if (bytes && !decode_base64(copy, &len)) {
        return tni_json_fail(&l->json, value, err, "name_bytes is base64");
    }
    tn_str name = {copy, len};
    l->tensor->alias[TN_SCHEME_NAME] = l->tensor->alias[TN_SCHEME_KEY] = name;
    return TN_OK;
}

/* Reads the members of `{"shape": …, "dtype": …}` whose brace was read; other members are passed
 * over, but a misspelt shape must not become any shape: it is null then, and said. In a tensor of
 * `ls --json` the name is one of the members. */
static tn_status read_members(listing *l, bool named, tn_error *err)
{
    bool has_shape = false;
    for (;;) {
        tni_json_token key, value;
        tn_status status = tni_json_next(&l->json, &key, err);
        if (status == TN_OK && key.type == TNI_JSON_OBJECT_END && !has_shape) {
            return tni_json_fail(&l->json, &key, err, "a tensor has a shape, or null for any");
        }
        if (status != TN_OK || key.type == TNI_JSON_OBJECT_END) {
            return status;
        }
        bool shape = tn_str_equal(key.text, TN_LIT("shape"));
        bool dtype = tn_str_equal(key.text, TN_LIT("dtype"));
        bool name = named && tn_str_equal(key.text, TN_LIT("name"));
        bool bytes = named && tn_str_equal(key.text, TN_LIT("name_bytes"));
        has_shape = has_shape || shape;
        status = tni_json_next(&l->json, &value, err);
        if (status != TN_OK) {
            return status;
        }
        if (shape) {
            status = read_shape_value(l, &value, err);
        } else if (dtype) {
            status = read_dtype_value(l, &value, err);
        } else if (name || bytes) {
            status = read_name_value(l, &value, bytes, err);
        } else {
            status = tni_json_skip(&l->json, &value, err);
        }
        if (status != TN_OK) {
            return status;
        }
    }
}

/* Reads the tensors of `ls --json`, whose bracket was read. */
static tn_status read_tensors(listing *l, tn_error *err)
{
    for (;;) {
        tni_json_token token;
        tn_status status = tni_json_next(&l->json, &token, err);
        if (status != TN_OK || token.type == TNI_JSON_ARRAY_END) {
            return status;
        }
        if (token.type != TNI_JSON_OBJECT) {
            return tni_json_fail(&l->json, &token, err, "a tensor is an object with a name");
        }
        status = begin(l, TN_STR_NONE, err);
        if (status == TN_OK) {
            status = read_members(l, true, err);
        }
        if (status == TN_OK && l->tensor->alias[TN_SCHEME_NAME].data == NULL) {
            status = tni_json_fail(&l->json, &token, err, "a tensor is an object with a name");
        }
        if (status != TN_OK) {
            return status;
        }
    }
}

/* Reads one member of the document: a tensor by name, or a part of `ls --json`. */
static tn_status read_member(listing *l, const tni_json_token *key, bool document, tn_error *err)
{
    tni_json_token value;
    bool tensors = document && tn_str_equal(key->text, TN_LIT("tensors"));
    tn_status status = TN_OK;
    if (!document) {
        status = begin(l, key->text, err);
    }
    if (status == TN_OK) {
        status = tni_json_next(&l->json, &value, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (tensors && value.type == TNI_JSON_ARRAY) {
        return read_tensors(l, err);
    }
    if (document) {
        return tni_json_skip(&l->json, &value, err);
    }
    if (value.type == TNI_JSON_OBJECT) {
        return read_members(l, false, err);
    }
    return read_shape_value(l, &value, err);
}

static tn_status read_document(listing *l, tn_error *err)
{
    tni_json_token token;
    tn_status status = tni_json_expect(&l->json, TNI_JSON_OBJECT, "an object", &token, err);
    bool first = true, document = false;
    while (status == TN_OK) {
        status = tni_json_next(&l->json, &token, err);
        if (status != TN_OK || token.type == TNI_JSON_OBJECT_END) {
            break;
        }
        document = document || (first && tn_str_equal(token.text, TN_LIT("tenon")));
        first = false;
        status = read_member(l, &token, document, err);
    }
    if (status == TN_OK) {
        status = tni_json_expect(&l->json, TNI_JSON_END, "the end of the list", &token, err);
    }
    return status;
}

/* Works out elements and bytes where shape and dtype say them, and gives each tensor a leaf without
 * values. */
static tn_status complete(tn_model *model, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < model->count; i++) {
        tn_tensor *tensor = &model->tensors[i];
        bool known = !tensor->any_shape;
        for (uint32_t k = 0; known && k < tensor->rank; k++) {
            known = tensor->shape[k] >= 0;
        }
        if (known) {
            status =
                tni_tensor_form(model, tensor, tensor->dtype, tensor->rank, tensor->shape, err);
        }
        void *block;
        if (status == TN_OK) {
            status =
                tni_arena_alloc(&model->arena, sizeof(tni_piece) + sizeof(tni_leaf), &block, err);
        }
        if (status == TN_OK) {
            tni_piece *piece = block;
            tni_leaf *leaf = (tni_leaf *)(piece + 1);
            *leaf = (tni_leaf){.kind = TNI_LEAF_ABSENT, .dtype = tensor->dtype, .ctx = model->ctx};
            piece->leaf = leaf;
            tensor->pieces = piece;
            tensor->n_pieces = 1;
        }
    }
    return status;
}

bool tni_names_list_is_yaml(tn_str name)
{
    return tn_str_ends(name, TN_LIT(".yaml")) || tn_str_ends(name, TN_LIT(".yml"));
}

/* Reads a list: JSON, unless its name or its first character says that it is YAML. */
static tn_status read_text(listing *l, tn_str text, tn_source *main, tn_error *err)
{
    size_t i = 0;
    while (i < text.len && text.data[i] != '\0' && strchr(" \t\r\n", text.data[i]) != NULL) {
        i++;
    }
    bool json = i < text.len && text.data[i] == '{';
    if (tni_names_list_is_yaml(tni_source_name(main)) || !json) {
        return tni_names_list_yaml(l->model, text, err);
    }
    tni_json_init(&l->json, l->model->ctx, text, tni_source_path(main), 0, 0);
    tn_status status = read_document(l, err);
    tni_json_clear(&l->json);
    return status;
}

tn_status tni_names_list_open(tni_read *read, tn_error *err)
{
    tn_context *ctx = read->ctx;
    listing l = {.model = read->model, .max_rank = ctx->limits.rank};
    uint64_t size = tni_source_size(read->main);
    void *text = NULL, *shape = NULL;
    tn_status status =
        tni_source_load(read->main, 0, size, ctx->limits.header_bytes, "header-bytes", &text, err);
    if (status == TN_OK) {
        status = tni_alloc_array(ctx, (size_t)ctx->limits.rank, sizeof(int64_t), &shape, err);
    }
    if (status == TN_OK) {
        l.shape = shape;
        status = read_text(&l, (tn_str){text, (size_t)size}, read->main, err);
    }
    tni_free(ctx, shape);
    tni_free(ctx, text);
    if (status == TN_OK) {
        status = tni_model_file(read->model, tni_source_name(read->main), size, err);
    }
    if (status == TN_OK) {
        status = complete(read->model, err);
    }
    if (status == TN_OK) {
        status = tni_roles_by_name(read->model, err);
    }
    return status == TN_OK ? tni_model_finish(read->model, err) : status;
}
