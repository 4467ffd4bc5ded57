#include "cli/json.h"
#include "cli/totals.h"

void json_word(tn_json_out *out, const char *text)
{
    tn_json_text(out, text == NULL || *text == '\0' ? NULL : text);
}

void json_double(tn_json_out *out, double value)
{
    tn_json_number(out, TN_FLOAT64, &value);
}

void json_name(tn_json_out *out, tn_str name)
{
    tn_json_key(out, "name");
    tn_json_str(out, name);
    if (name.data != NULL && !tn_utf8_valid(name)) {
        tn_json_key(out, "name_bytes");
        tn_json_base64(out, name.data, name.len);
    }
}

void json_shape(tn_json_out *out, uint32_t rank, const int64_t *shape)
{
    tn_json_array(out);
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] < 0) {
            tn_json_null(out);
        } else {
            tn_json_i64(out, shape[i]);
        }
    }
    tn_json_array_end(out);
}

void json_tensor_shape(tn_json_out *out, const tn_tensor *tensor)
{
    if (tensor->any_shape) {
        tn_json_null(out);
    } else {
        json_shape(out, tensor->rank, tensor->shape);
    }
}

void json_dtype(tn_json_out *out, tn_dtype dtype)
{
    tn_json_text(out, dtype == TN_DTYPE_NONE ? NULL : tn_dtype_about(dtype)->name);
}

static void aliases_object(tn_json_out *out, const tn_tensor *tensor)
{
    tn_json_object(out);
    for (int scheme = TN_SCHEME_KEY; scheme < TN_SCHEME_COUNT; scheme++) {
        tn_json_key(out, tn_scheme_name((tn_scheme)scheme));
        tn_json_str(out, tensor->alias[scheme]);
    }
    tn_json_object_end(out);
}

static void twins_array(tn_json_out *out, const tn_tensor *tensor)
{
    tn_json_array(out);
    for (uint32_t i = 0; i < tensor->n_twins; i++) {
        tn_json_str(out, tensor->twins[i]);
    }
    tn_json_array_end(out);
}

static void stored_array(tn_json_out *out, const tn_tensor *tensor)
{
    tn_json_array(out);
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        tn_stored stored;
        tn_tensor_stored(tensor, i, &stored);
        tn_json_object(out);
        tn_json_key(out, "file");
        tn_json_str(out, stored.file);
        tn_json_key(out, "offset");
        tn_json_u64(out, stored.offset);
        tn_json_key(out, "bytes");
        tn_json_u64(out, stored.bytes);
        tn_json_key(out, "encoding");
        tn_json_text(out, stored.encoding);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

/* Writes `crc32c:1a2b3c4d`; null where there is no sum, or one for each of several pieces. */
static void checksum_text(tn_json_out *out, const tn_tensor *tensor)
{
    tn_stored stored = {0};
    char text[40];
    if (tensor->n_pieces == 1) {
        tn_tensor_stored(tensor, 0, &stored);
    }
    if (stored.sum_kind == NULL) {
        tn_json_null(out);
        return;
    }
    snprintf(text, sizeof text, "%s:%08x", stored.sum_kind, (unsigned)stored.sum);
    tn_json_text(out, text);
}

static void stats_object(tn_json_out *out, const tn_stats *stats)
{
    if (stats == NULL) {
        tn_json_null(out);
        return;
    }
    tn_json_object(out);
    tn_json_key(out, "min");
    json_double(out, stats->min);
    tn_json_key(out, "max");
    json_double(out, stats->max);
    tn_json_key(out, "mean");
    json_double(out, stats->mean);
    tn_json_key(out, "nan");
    tn_json_u64(out, stats->nan);
    tn_json_key(out, "inf");
    tn_json_u64(out, stats->inf);
    tn_json_key(out, "zeros");
    tn_json_u64(out, stats->zeros);
    tn_json_object_end(out);
}

void json_tensor(tn_json_out *out, const cli_choice *choice, size_t n, const tn_stats *stats)
{
    const tn_tensor *tensor = choice_at(choice, n);
    tn_json_object(out);
    json_name(out, choice_name(choice, n));
    tn_json_key(out, "dtype");
    json_dtype(out, tensor->dtype);
    tn_json_key(out, "shape");
    json_tensor_shape(out, tensor);
    tn_json_key(out, "elements");
    if (tensor->elements < 0) {
        tn_json_null(out);
    } else {
        tn_json_i64(out, tensor->elements);
    }
    tn_json_key(out, "bytes");
    tn_json_u64(out, tensor->bytes);
    tn_json_key(out, "role");
    tn_json_text(out, tn_role_name(tensor->role));
    tn_json_key(out, "trainable");
    if (tensor->trainable == TN_TRAINABLE_UNKNOWN) {
        tn_json_null(out);
    } else {
        tn_json_bool(out, tensor->trainable == TN_TRAINABLE_YES);
    }
    tn_json_key(out, "aliases");
    aliases_object(out, tensor);
    tn_json_key(out, "slot_of");
    const tn_tensor *owner =
        tensor->slot_of == TN_NO_INDEX ? NULL : tn_model_at(choice->model, tensor->slot_of);
    tn_json_str(out, owner == NULL ? TN_STR_NONE : owner->alias[choice->scheme]);
    tn_json_key(out, "slot");
    tn_json_str(out, tensor->slot);
    tn_json_key(out, "twins");
    twins_array(out, tensor);
    tn_json_key(out, "stored");
    stored_array(out, tensor);
    tn_json_key(out, "checksum");
    checksum_text(out, tensor);
    tn_json_key(out, "stats");
    stats_object(out, stats);
    tn_json_object_end(out);
}

void json_totals(tn_json_out *out, const tn_model *model, const bool *chosen)
{
    cli_totals sum = totals_of(model, chosen);
    tn_json_object(out);
    tn_json_key(out, "tensors");
    tn_json_u64(out, sum.tensors);
    tn_json_key(out, "elements");
    tn_json_u64(out, sum.elements);
    tn_json_key(out, "bytes");
    tn_json_u64(out, sum.bytes);
    tn_json_key(out, "by_role");
    tn_json_object(out);
    for (int role = 0; role < TN_ROLE_COUNT; role++) {
        if (sum.role_tensors[role] > 0) {
            tn_json_key(out, tn_role_name((tn_role)role));
            tn_json_object(out);
            tn_json_key(out, "tensors");
            tn_json_u64(out, sum.role_tensors[role]);
            tn_json_key(out, "bytes");
            tn_json_u64(out, sum.role_bytes[role]);
            tn_json_object_end(out);
        }
    }
    tn_json_object_end(out);
    tn_json_object_end(out);
}

void json_files(tn_json_out *out, const tn_model_file *files, size_t count)
{
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_object(out);
        tn_json_key(out, "file");
        tn_json_str(out, files[i].name);
        tn_json_key(out, "bytes");
        tn_json_u64(out, files[i].bytes);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

void json_pairs(tn_json_out *out, const tn_pair *pairs, size_t count)
{
    tn_json_object(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_key_str(out, pairs[i].key);
        tn_json_str(out, pairs[i].value);
    }
    tn_json_object_end(out);
}
