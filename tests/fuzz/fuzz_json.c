/* JSON: the parser takes what jansson takes and refuses what jansson refuses; what the emitter
 * writes of it reads back as the same tokens. */
#include "core/json.h"
#include "core/json_out.h"
#include "target.h"

#include <jansson.h>
#include <stdlib.h>

/* A name in tn_escape's form decodes to the name. */
static void check_escape(tn_str text)
{
    size_t room = tn_escape(text, NULL, 0) + 1, len = room - 1;
    char *shown = malloc(room);
    FUZZ_HOLDS(shown != NULL && tn_escape(text, shown, room) == room - 1);
    FUZZ_HOLDS(tn_utf8_valid((tn_str){shown, len}));
    FUZZ_HOLDS(tn_unescape(shown, &len) && tn_str_equal((tn_str){shown, len}, text));
    free(shown);
}

static void emit(tn_json_out *out, const tni_json_token *token)
{
    switch (token->type) {
    case TNI_JSON_OBJECT:
        tn_json_object(out);
        break;
    case TNI_JSON_OBJECT_END:
        tn_json_object_end(out);
        break;
    case TNI_JSON_ARRAY:
        tn_json_array(out);
        break;
    case TNI_JSON_ARRAY_END:
        tn_json_array_end(out);
        break;
    case TNI_JSON_KEY:
        tn_json_key_str(out, token->text);
        break;
    case TNI_JSON_STRING:
        check_escape(token->text);
        tn_json_str(out, token->text);
        break;
    case TNI_JSON_NUMBER:
        tni_json_raw(out, token->text.data, token->text.len);
        break;
    case TNI_JSON_TRUE:
    case TNI_JSON_FALSE:
        tn_json_bool(out, token->type == TNI_JSON_TRUE);
        break;
    case TNI_JSON_NULL:
        tn_json_null(out);
        break;
    case TNI_JSON_END:
        break;
    }
}

/* Reads a text to its end; *text_out gets what the emitter writes of its tokens, to be freed. */
static tn_status copy(fuzz *f, tn_str text, bool pretty, char **text_out, size_t *len_out,
                      uint64_t *digest, tn_error *err)
{
    tni_json json;
    tni_json_token token = {.type = TNI_JSON_NULL};
    tn_json_out out;
    FILE *stream = open_memstream(text_out, len_out);
    tn_status status = TN_OK;
    FUZZ_HOLDS(stream != NULL);
    tn_json_start(&out, stream, pretty);
    tni_json_init(&json, f->ctx, text, "x.json", 0, 0);
    while (status == TN_OK && token.type != TNI_JSON_END) {
        status = tni_json_next(&json, &token, err);
        if (status == TN_OK && token.type != TNI_JSON_END) {
            FUZZ_HOLDS(token.offset < text.len);
            *digest = fuzz_digest(*digest, &token.type, sizeof token.type);
            *digest = fuzz_digest(*digest, token.text.data, token.text.len);
            emit(&out, &token);
        }
    }
    tni_json_clear(&json);
    fclose(stream);
    return status;
}

/* jansson reads numbers into long long and double, has no NUL in keys, and takes a NUL for the end
 * of a text: such texts say nothing. */
static void agree(tn_str text, tn_status status, const tn_error *err)
{
    json_error_t error;
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
        return;
    }
    json_t *tree = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (tree != NULL) {
        FUZZ_HOLDS(status == TN_OK || err->code == TN_E_LIMIT);
    } else {
        enum json_error_code code = json_error_code(&error);
        bool narrow = code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
                      code == json_error_stack_overflow;
        FUZZ_HOLDS(status != TN_OK || narrow);
    }
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    tn_error err = {0};
    tn_str text = {size == 0 ? "" : (const char *)data, size};
    fuzz_begin(&f);
    for (int pretty = 0; pretty < 2; pretty++) {
        char *first = NULL, *second = NULL;
        size_t first_len, second_len;
        uint64_t before = 0, after = 0;
        tn_status status = copy(&f, text, pretty, &first, &first_len, &before, &err);
        if (status == TN_OK) {
            status =
                copy(&f, (tn_str){first, first_len}, pretty, &second, &second_len, &after, &err);
            FUZZ_HOLDS(status == TN_OK && before == after);
            FUZZ_HOLDS(tn_str_equal((tn_str){first, first_len}, (tn_str){second, second_len}));
        }
        agree(text, status, &err);
        free(first);
        free(second);
    }
    fuzz_end(&f);
    return 0;
}
