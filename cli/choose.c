#include "cli/choose.h"

#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/print.h"

enum { NAMED = 5 }; /* tensors that an error names */

const tn_tensor *choice_at(const cli_choice *choice, size_t n)
{
    return tn_model_at(choice->model, choice->rows[n].index);
}

static tn_str row_name(const cli_choice *choice, const cli_row *row)
{
    const tn_tensor *tensor = tn_model_at(choice->model, row->index);
    return row->twin == TN_NO_INDEX ? tensor->alias[choice->scheme] : tensor->twins[row->twin];
}

tn_str choice_name(const cli_choice *choice, size_t n)
{
    return row_name(choice, &choice->rows[n]);
}

void choice_clear(cli_choice *choice)
{
    free(choice->chosen);
    free(choice->rows);
}

/* Raises the error for tensors without a name in the scheme, and names some of them. */
static tn_status check_named(const cli_choice *choice, tn_error *err)
{
    char names[TN_ERROR_TEXT / 2] = "";
    size_t without = 0, used = 0;
    for (size_t i = 0; i < choice->count; i++) {
        const tn_tensor *tensor = choice_at(choice, i);
        if (choice_name(choice, i).data != NULL) {
            continue;
        }
        if (without++ < NAMED && used < sizeof names) {
            char *name = text_escaped(tensor->alias[TN_SCHEME_NAME]);
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used == 0 ? "" : ", ", name);
            free(name);
        }
    }
    if (without == 0) {
        return TN_OK;
    }
    char *count = text_count(without, "tensor");
    cli_error_path(err, tn_model_path(choice->model));
    tn_status status = cli_fail(err, TN_E_IMPOSSIBLE, "%s ha%s no name in the scheme %s: %s%s",
                                count, without == 1 ? "s" : "ve", tn_scheme_name(choice->scheme),
                                names, without > NAMED ? ", …" : "");
    free(count);
    cli_hint(err, "leave out --scheme, or select the tensors that have one");
    return status;
}

static int compare_rows(const cli_row *one, const cli_row *two)
{
    int order = (one->index > two->index) - (one->index < two->index);
    return order != 0 ? order : (one->twin > two->twin) - (one->twin < two->twin);
}

static int by_alias(const void *a, const void *b, void *user)
{
    int order = tn_str_compare(row_name(user, a), row_name(user, b));
    return order != 0 ? order : compare_rows(a, b);
}

/* Raises the error for two chosen tensors that the scheme calls the same. */
static tn_status check_unique(cli_choice *choice, tn_error *err)
{
    tn_status status = TN_OK;
    size_t bytes = choice->count * sizeof *choice->rows;
    cli_row *sorted = memory(malloc(bytes + 1));
    memcpy(sorted, choice->rows, bytes);
    qsort_r(sorted, choice->count, sizeof *sorted, by_alias, choice);
    for (size_t i = 1; i < choice->count && status == TN_OK; i++) {
        tn_str name = row_name(choice, &sorted[i]);
        if (tn_str_equal(row_name(choice, &sorted[i - 1]), name)) {
            const tn_tensor *one = tn_model_at(choice->model, sorted[i - 1].index);
            const tn_tensor *two = tn_model_at(choice->model, sorted[i].index);
            char *a = text_escaped(one->alias[TN_SCHEME_NAME]);
            char *b = text_escaped(two->alias[TN_SCHEME_NAME]);
            tn_escape(name, err->subject, sizeof err->subject);
            cli_error_path(err, tn_model_path(choice->model));
            status = cli_fail(err, TN_E_IMPOSSIBLE, "the scheme %s calls two tensors so: %s and %s",
                              tn_scheme_name(choice->scheme), a, b);
            free(a);
            free(b);
        }
    }
    free(sorted);
    return status;
}

/* Lists the chosen tensors, with their twins or without. */
static void add_rows(cli_choice *choice, bool twins)
{
    size_t room = 0;
    for (size_t i = 0; i < tn_model_count(choice->model); i++) {
        const tn_tensor *tensor = tn_model_at(choice->model, i);
        room += choice->chosen[i] ? 1 + (size_t)(twins ? tensor->n_twins : 0) : 0;
    }
    choice->rows = memory(calloc(room + 1, sizeof *choice->rows));
    for (size_t i = 0; i < tn_model_count(choice->model); i++) {
        const tn_tensor *tensor = tn_model_at(choice->model, i);
        if (choice->chosen[i]) {
            choice->rows[choice->count++] = (cli_row){(uint32_t)i, TN_NO_INDEX};
        }
        for (uint32_t twin = 0; choice->chosen[i] && twins && twin < tensor->n_twins; twin++) {
            choice->rows[choice->count++] = (cli_row){(uint32_t)i, twin};
        }
    }
}

/* Marks what the arguments choose; without any, all that are not hidden. */
static tn_status mark(const cli_state *cli, size_t first, cli_choice *choice, tn_error *err)
{
    size_t count = tn_model_count(choice->model);
    if (cli->command.n_arguments > first) {
        tn_status status =
            tn_select(choice->model, choice->scheme, cli->command.arguments + first,
                      cli->command.n_arguments - first, cli->set->all, choice->chosen, err);
        if (status != TN_OK) {
            cli_error_path(err, tn_model_path(choice->model));
            return status;
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            choice->chosen[i] = cli->set->all || !tn_model_at(choice->model, i)->hidden;
        }
    }
    for (size_t i = 0; i < count; i++) {
        tn_role role = tn_model_at(choice->model, i)->role;
        choice->chosen[i] =
            choice->chosen[i] && (!cli->set->weights_only || role == TN_ROLE_VARIABLE);
    }
    add_rows(choice, cli->set->all && choice->scheme == TN_SCHEME_KEY);
    return TN_OK;
}

tn_status choice_make(const cli_state *cli, const tn_model *model, size_t first,
                      cli_choice *choice_out, tn_error *err)
{
    cli_choice choice = {.model = model};
    tn_status status = cli_scheme(cli, &choice.scheme, err);
    if (status != TN_OK) {
        return status;
    }
    size_t count = tn_model_count(model);
    choice.chosen = memory(calloc(count + 1, sizeof *choice.chosen));
    status = mark(cli, first, &choice, err);
    if (status == TN_OK && choice.scheme != TN_SCHEME_NAME) {
        status = check_named(&choice, err);
        status = status == TN_OK ? check_unique(&choice, err) : status;
    }
    if (status != TN_OK) {
        choice_clear(&choice);
        return status;
    }
    *choice_out = choice;
    return TN_OK;
}

static int by_name(const void *a, const void *b, void *user)
{
    int order = tn_natural_compare(row_name(user, a), row_name(user, b));
    return order != 0 ? order : compare_rows(a, b);
}

static const tn_tensor *row_tensor(const cli_choice *choice, const cli_row *row)
{
    return tn_model_at(choice->model, row->index);
}

static int by_size(const void *a, const void *b, void *user)
{
    const cli_choice *choice = user;
    uint64_t one = row_tensor(choice, a)->bytes;
    uint64_t two = row_tensor(choice, b)->bytes;
    return one != two ? (one < two ? 1 : -1) : by_name(a, b, user);
}

/* Orders by file and offset of the first piece; what has no bytes comes last. */
static int by_place(const void *a, const void *b, void *user)
{
    const cli_choice *choice = user;
    const tn_tensor *one = row_tensor(choice, a);
    const tn_tensor *two = row_tensor(choice, b);
    if (one->n_pieces == 0 || two->n_pieces == 0) {
        int order = (one->n_pieces == 0) - (two->n_pieces == 0);
        return order != 0 ? order : by_name(a, b, user);
    }
    tn_stored at_one, at_two;
    tn_tensor_stored(one, 0, &at_one);
    tn_tensor_stored(two, 0, &at_two);
    int order = tn_natural_compare(at_one.file, at_two.file);
    if (order == 0) {
        order = (at_one.offset > at_two.offset) - (at_one.offset < at_two.offset);
    }
    return order != 0 ? order : by_name(a, b, user);
}

void choice_sort(cli_choice *choice, const char *by)
{
    if (by == NULL) {
        return;
    }
    int (*compare)(const void *, const void *, void *) = strcmp(by, "name") == 0   ? by_name
                                                         : strcmp(by, "size") == 0 ? by_size
                                                                                   : by_place;
    qsort_r(choice->rows, choice->count, sizeof *choice->rows, compare, choice);
}
