#include "formats/tf_checkpoint/directory_step.h"
#include "model/roles.h"
#include <tenon/values.h>

enum { RANKS = 3 };

/* Ranks a counter by how much it says of the training: 0 most. */
static unsigned rank_of(const tn_tensor *tensor)
{
    tn_str name = tni_last_component(tensor->alias[TN_SCHEME_NAME]);
    tn_str full = tni_last_component(tensor->alias[TN_SCHEME_FULL]);
    const tn_str global = TN_LIT("global_step"), saves = TN_LIT("save_counter");
    if (tn_str_equal(name, global) || tn_str_equal(full, global)) {
        return 0;
    }
    return tn_str_equal(name, saves) || tn_str_equal(full, saves) ? 2 : 1;
}

/* Reads a scalar integer; -1 if it cannot be read, or is negative. */
static int64_t value_of(tn_context *ctx, const tn_tensor *tensor)
{
    union {
        int32_t i32;
        int64_t i64;
    } value = {.i64 = 0};
    tn_reader *reader;
    if (tn_reader_new(ctx, true, &reader, NULL) != TN_OK) {
        return -1;
    }
    bool read = tn_reader_start(reader, tensor, NULL) == TN_OK &&
                tn_reader_next(reader, 1, &value, NULL) == TN_OK &&
                tn_reader_end(reader, NULL) == TN_OK;
    tn_reader_free(reader);
    int64_t step = tensor->dtype == TN_INT32 ? value.i32 : value.i64;
    return read && step >= 0 ? step : -1;
}

int64_t tni_tf_counter(tn_context *ctx, const char *path)
{
    const tn_tensor *best = NULL;
    bool several = false;
    const tn_open_options options = {.from = "tf_checkpoint"};
    tn_model *model;
    if (tn_open(ctx, path, &options, &model, NULL) != TN_OK) {
        return -1;
    }
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        bool integer = tensor->dtype == TN_INT64 || tensor->dtype == TN_INT32;
        if (tensor->role != TN_ROLE_COUNTER || !integer || tensor->elements != 1) {
            continue;
        }
        unsigned rank = rank_of(tensor), least = best == NULL ? RANKS : rank_of(best);
        several = rank == least || (several && rank > least);
        best = rank < least ? tensor : best;
    }
    int64_t step = best == NULL || several ? -1 : value_of(ctx, best);
    tn_model_free(model);
    return step;
}
