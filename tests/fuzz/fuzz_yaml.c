/* YAML: what is read is bounded and well formed, and reads back the same from its flow form in
 * double quotes. */
#include "core/yaml.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1 << 16 };

/* Writes a text so that YAML takes every byte as it is. */
static void put_text(FILE *out, tn_str text)
{
    fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
            fprintf(out, "\\x%02X", c);
        } else if (c == 0xC2 && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xA0) {
            fprintf(out, "\\x%02X", (unsigned char)text.data[++i]); /* C1: U+0080 to U+009F */
        } else if (c == 0xE2 && i + 2 < text.len && (unsigned char)text.data[i + 1] == 0x80 &&
                   ((unsigned char)text.data[i + 2] & 0xFE) == 0xA8) {
            fprintf(out, "\\u20%02X", 0x28 + ((unsigned char)text.data[i + 2] & 1)); /* line ends */
            i += 2;
        } else if (c == 0xEF && i + 2 < text.len && (unsigned char)text.data[i + 1] == 0xBB &&
                   (unsigned char)text.data[i + 2] == 0xBF) {
            fputs("\\uFEFF", out);
            i += 2;
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

/* The depth is bounded by TNI_YAML_DEPTH, so the tree may be walked by recursion. */
static void put(FILE *out, const tni_yaml *node, unsigned depth)
{
    size_t count = 0;
    FUZZ_HOLDS(depth <= TNI_YAML_DEPTH && node->line > 0 && node->column > 0);
    if (node->kind == TNI_YAML_TEXT) {
        put_text(out, node->text);
        return;
    }
    fputc(node->kind == TNI_YAML_MAP ? '{' : '[', out);
    for (const tni_yaml *child = node->first; child != NULL; child = child->next, count++) {
        fputs(count == 0 ? "" : ", ", out);
        FUZZ_HOLDS((child->key != NULL) == (node->kind == TNI_YAML_MAP));
        if (child->key != NULL) {
            fputs("? ", out); /* keys of any length */
            put_text(out, child->key->text);
            fputs(" : ", out);
        }
        put(out, child, depth + 1);
    }
    FUZZ_HOLDS(count == node->count);
    fputc(node->kind == TNI_YAML_MAP ? '}' : ']', out);
}

static void write_flow(const tni_yaml *root, char **text_out, size_t *len_out)
{
    FILE *stream = open_memstream(text_out, len_out);
    FUZZ_HOLDS(stream != NULL);
    put(stream, root, 0);
    fclose(stream);
}

static void check_again(tni_arena *arena, const tni_yaml *root)
{
    char *first, *second;
    size_t first_len, second_len;
    tni_yaml *again;
    tn_error err = {0};
    write_flow(root, &first, &first_len);
    FUZZ_HOLDS(tni_yaml_read(arena, (tn_str){first, first_len}, 16 * MOST, &again, &err) == TN_OK);
    FUZZ_HOLDS(again != NULL);
    write_flow(again, &second, &second_len);
    FUZZ_HOLDS(tn_str_equal((tn_str){first, first_len}, (tn_str){second, second_len}));
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    tni_arena arena;
    tni_yaml *root;
    tn_error err = {0};
    fuzz_begin(&f);
    tni_arena_init(&arena, f.ctx, FUZZ_MEMORY);
    tn_str text = {size == 0 ? "" : (const char *)data, size};
    tn_status status = tni_yaml_read(&arena, text, MOST, &root, &err);
    if (status == TN_OK && root != NULL) {
        check_again(&arena, root);
    } else if (status != TN_OK) {
        FUZZ_HOLDS(err.code == TN_E_RULE);
        FUZZ_HOLDS(size > MOST || (err.line > 0 && err.column > 0));
    }
    tni_arena_clear(&arena);
    fuzz_end(&f);
    return 0;
}
