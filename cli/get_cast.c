/* What --cast means for each tensor that is got. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/get.h"

static void mark(cli_get *get, tn_str name)
{
    uint32_t index;
    tn_error none = {0};
    if (tn_model_lookup(get->choice->model, get->choice->scheme, name, &index, &none) == TN_OK) {
        get->named[index] = true;
    }
}

void get_cast_named(cli_get *get)
{
    if (get->cast == TN_DTYPE_NONE) {
        return;
    }
    const cli_command *command = &get->cli->command;
    get->named = memory(calloc(tn_model_count(get->choice->model) + 1, sizeof *get->named));
    for (size_t i = 1; i < command->n_arguments && !get->cli->set->keras_order; i++) {
        size_t len = strlen(command->arguments[i]);
        char *name = memory(strdup(command->arguments[i]));
        if (tn_unescape(name, &len)) {
            mark(get, (tn_str){name, len});
        }
        mark(get, tn_str_of(command->arguments[i]));
        free(name);
    }
}

tn_status get_cast(cli_get *get, tn_error *err)
{
    const char *name = get->cli->set->cast;
    if (name == NULL) {
        return TN_OK;
    }
    get->cast = tn_dtype_find(tn_str_of(name));
    bool possible = tn_cast_known(TN_FLOAT32, get->cast) || tn_cast_known(TN_COMPLEX64, get->cast);
    if (!possible) {
        tn_status status = cli_fail(err, TN_E_USAGE,
                                    get->cast == TN_DTYPE_NONE ? "--cast: there is no dtype '%s'"
                                                               : "--cast: nothing casts to %s",
                                    name);
        cli_hint(err, "float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 int8 … int64 "
                      "uint8 … uint64 bool, or short: f32 bf16 i8");
        return status;
    }
    return TN_OK;
}

/* Tells whether the n-th chosen tensor is one that --cast means. */
static bool is_meant(const cli_get *get, size_t n)
{
    const tn_tensor *tensor = choice_at(get->choice, n);
    bool floating = tn_dtype_about(tensor->dtype)->kind == TN_KIND_FLOAT;
    return get->cast != TN_DTYPE_NONE && ((floating && tensor->role != TN_ROLE_COUNTER) ||
                                          get->named[get->choice->rows[n].index]);
}

tn_status get_start(const cli_get *get, size_t n, cli_values *values, tn_error *err)
{
    const tn_tensor *tensor = choice_at(get->choice, n);
    tn_dtype dtype = is_meant(get, n) ? get->cast : tensor->dtype;
    *values = (struct cli_values){0};
    if (dtype != tensor->dtype && !tn_cast_known(tensor->dtype, dtype)) {
        tn_escape(tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
        return cli_fail(err, TN_E_IMPOSSIBLE, "values of dtype %s cannot be cast to %s",
                        tn_dtype_about(tensor->dtype)->name, tn_dtype_about(dtype)->name);
    }
    return values_start(values, get->cli->ctx, get->reader, tensor, dtype, get->cli->set->slice,
                        err);
}
