#include "formats/shared/state_write.h"

#include "core/error.h"
#include "io/output.h"
#include <tenon/text.h>

enum { STATE_MAX = 64 << 20 };

tn_status tni_tf_state_load(tn_context *ctx, const char *folder, tni_arena *arena,
                            tni_tf_state *state_out, tn_error *err)
{
    tn_str path;
    tn_source *source;
    void *text = NULL;
    tn_status status = tni_arena_format(arena, &path, err, "%s" TNI_TF_STATE_FILE, folder);
    if (status != TN_OK || (status = tni_source_open(ctx, path.data, &source, err)) != TN_OK) {
        return status;
    }
    uint64_t size = tni_source_size(source);
    status = tni_source_load(source, 0, size, STATE_MAX, "header-bytes", &text, err);
    if (status == TN_OK) {
        status = tni_tf_state_parse((tn_str){text, (size_t)size}, path.data, arena, state_out, err);
    }
    tni_free(ctx, text);
    tni_source_release(source);
    return status;
}

tn_str tni_tf_state_last(tn_str path)
{
    const char *slash = path.len == 0 ? NULL : memrchr(path.data, '/', path.len);
    return slash == NULL ? path : tn_str_skip(path, (size_t)(slash - path.data) + 1);
}

/* The escapes that protobuf's text format has letters for (text_format.cc). */
static const char *named_escape(char c)
{
    switch (c) {
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '"':
        return "\\\"";
    case '\'':
        return "\\'";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

/* Writes a string field; UTF-8 stays as it is, other bytes become octal. */
static void put_string(tni_buffer *out, const char *field, tn_str text)
{
    bool utf8 = tn_utf8_valid(text);
    tni_buffer_format(out, "%s: \"", field);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        const char *named = named_escape(text.data[i]);
        bool plain = c >= 0x20 && c != 0x7F && (c < 0x80 || utf8);
        if (named != NULL) {
            tni_buffer_text(out, named);
        } else if (plain) {
            tni_buffer_char(out, text.data[i]);
        } else {
            tni_buffer_format(out, "\\%03o", c);
        }
    }
    tni_buffer_text(out, "\"\n");
}

/* Writes a double field: shortest digits, whole numbers with ".0" as Python's repr gives them. */
static void put_double(tni_buffer *out, const char *field, double value)
{
    char text[TN_NUMBER_ROOM];
    tn_number_text(TN_FLOAT64, &value, text);
    tni_buffer_format(out, "%s: %s\n", field, text);
}

void tni_tf_state_text(const tni_tf_state *state, tni_buffer *out)
{
    put_string(out, "model_checkpoint_path", state->latest);
    for (size_t i = 0; i < state->n_all; i++) {
        put_string(out, "all_model_checkpoint_paths", state->all[i]);
    }
    for (size_t i = 0; i < state->n_times; i++) {
        put_double(out, "all_model_checkpoint_timestamps", state->times[i]);
    }
    if (state->has_last_preserved) {
        put_double(out, "last_preserved_timestamp", state->last_preserved);
    }
}

tn_status tni_tf_state_same(tn_context *ctx, const tni_tf_state *a, const tni_tf_state *b,
                            bool *same_out, tn_error *err)
{
    tni_buffer texts[2];
    tni_buffer_init(&texts[0], ctx);
    tni_buffer_init(&texts[1], ctx);
    tni_tf_state_text(a, &texts[0]);
    tni_tf_state_text(b, &texts[1]);
    tn_status status = tni_buffer_check(&texts[0], err);
    if (status == TN_OK) {
        status = tni_buffer_check(&texts[1], err);
    }
    if (status == TN_OK) {
        *same_out =
            texts[0].len == texts[1].len && memcmp(texts[0].data, texts[1].data, texts[0].len) == 0;
    }
    tni_buffer_clear(&texts[0]);
    tni_buffer_clear(&texts[1]);
    return status;
}

tn_status tni_tf_state_save(tn_context *ctx, const char *folder, const tni_tf_state *state,
                            tn_error *err)
{
    tni_buffer text;
    tni_output *output = NULL;
    tn_sink *sink;
    tn_str name = TN_LIT(TNI_TF_STATE_FILE);
    tni_output_options options = {.replace = true};
    tni_buffer_init(&text, ctx);
    tni_tf_state_text(state, &text);
    tn_status status = tni_buffer_check(&text, err);
    if (status == TN_OK &&
        (status = tni_output_new(ctx, folder, name, &options, &output, err)) == TN_OK &&
        (status = tni_output_create(output, name, text.len, &sink, err)) == TN_OK &&
        (status = tni_sink_write(sink, 0, text.data, text.len, err)) == TN_OK) {
        status = tni_output_commit(output, name, err);
    }
    tni_output_free(output);
    tni_buffer_clear(&text);
    return status;
}
