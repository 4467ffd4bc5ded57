/* Writes headers as tensor.rs' `prepare` and serde_json do, byte for byte. */
#include "core/buffer.h"
#include "formats/safetensors/layout.h"

static void put_u64(tni_buffer *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    tni_buffer_add(out, digits + at, sizeof digits - at);
}

static void put_escape(tni_buffer *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
        tni_buffer_text(out, "\\\"");
        break;
    case '\\':
        tni_buffer_text(out, "\\\\");
        break;
    case '\b':
        tni_buffer_text(out, "\\b");
        break;
    case '\f':
        tni_buffer_text(out, "\\f");
        break;
    case '\n':
        tni_buffer_text(out, "\\n");
        break;
    case '\r':
        tni_buffer_text(out, "\\r");
        break;
    case '\t':
        tni_buffer_text(out, "\\t");
        break;
    default:
        tni_buffer_text(out, "\\u00");
        tni_buffer_char(out, hex[c >> 4]);
        tni_buffer_char(out, hex[c & 15]);
        break;
    }
}

/* Quotes valid UTF-8; everything but quote, backslash and the C0 controls stays as it is. */
static void put_string(tni_buffer *out, tn_str text)
{
    tni_buffer_char(out, '"');
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            tni_buffer_add(out, text.data + done, i - done);
            put_escape(out, c);
            done = i + 1;
        }
    }
    if (text.len > done) {
        tni_buffer_add(out, text.data + done, text.len - done);
    }
    tni_buffer_char(out, '"');
}

static void put_metadata(tni_buffer *out, const tn_pair *metadata, size_t count)
{
    tni_buffer_text(out, "\"" TNI_ST_METADATA "\":{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            tni_buffer_char(out, ',');
        }
        put_string(out, metadata[i].key);
        tni_buffer_char(out, ':');
        put_string(out, metadata[i].value);
    }
    tni_buffer_char(out, '}');
}

static void put_item(tni_buffer *out, const tni_item *item, uint64_t base)
{
    const tn_tensor *tensor = item->tensor;
    put_string(out, item->key);
    tni_buffer_text(out, ":{\"dtype\":\"");
    tni_buffer_text(out, tni_st_word(tni_st_stores(tensor->dtype).as));
    tni_buffer_text(out, "\",\"shape\":[");
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (i > 0) {
            tni_buffer_char(out, ',');
        }
        put_u64(out, (uint64_t)tensor->shape[i]);
    }
    tni_buffer_text(out, "],\"data_offsets\":[");
    put_u64(out, item->offset - base);
    tni_buffer_char(out, ',');
    put_u64(out, item->offset - base + item->bytes);
    tni_buffer_text(out, "]}");
}

void tni_st_emit_header(tni_buffer *out, const tn_pair *metadata, size_t n_metadata,
                        const tni_item *items, size_t count, uint64_t base)
{
    tni_buffer_char(out, '{');
    if (n_metadata > 0) {
        put_metadata(out, metadata, n_metadata);
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 || n_metadata > 0) {
            tni_buffer_char(out, ',');
        }
        put_item(out, &items[i], base);
    }
    tni_buffer_char(out, '}');
    while (out->len % TNI_ST_ALIGN != 0 && !out->failed) {
        tni_buffer_char(out, ' ');
    }
}

void tni_st_emit_index(tni_buffer *out, const tni_out_file *files, const tni_item *const *items,
                       size_t count, uint64_t total_size)
{
    tni_buffer_text(out, "{\n  \"metadata\": {\n    \"total_size\": ");
    put_u64(out, total_size);
    tni_buffer_text(out, "\n  },\n  \"weight_map\": {");
    for (size_t i = 0; i < count; i++) {
        tni_buffer_text(out, i == 0 ? "\n    " : ",\n    ");
        put_string(out, items[i]->key);
        tni_buffer_text(out, ": ");
        put_string(out, files[items[i]->file].name);
    }
    tni_buffer_text(out, count == 0 ? "}\n}\n" : "\n  }\n}\n");
}
