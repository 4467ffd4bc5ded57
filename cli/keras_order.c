#include "cli/keras_order.h"

#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/print.h"

/* A weight and its place. */
typedef struct place {
    uint64_t layer, weight;
    uint32_t index;
} place;

typedef struct places {
    place *at; /* in the order of get_weights() */
    size_t count;
} places;

/* Reads digits at the start of *text and takes them off. */
static bool take_number(tn_str *text, uint64_t *number_out)
{
    uint64_t number = 0;
    size_t digits = 0;
    while (digits < text->len && digits < 18 && text->data[digits] >= '0' &&
           text->data[digits] <= '9') {
        number = number * 10 + (uint64_t)(text->data[digits++] - '0');
    }
    *text = tn_str_skip(*text, digits);
    *number_out = number;
    return digits > 0;
}

/* Reads "layer/weight", as scheme order spells it. */
static bool read_place(tn_str text, place *out)
{
    if (text.data == NULL || !take_number(&text, &out->layer) || text.len == 0) {
        return false;
    }
    text = tn_str_skip(text, 1);
    return take_number(&text, &out->weight) && text.len == 0;
}

static int compare(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->layer != y->layer) {
        return x->layer < y->layer ? -1 : 1;
    }
    return (x->weight > y->weight) - (x->weight < y->weight);
}

static void find_places(const tn_model *model, places *found)
{
    size_t count = tn_model_count(model);
    found->at = memory(calloc(count + 1, sizeof *found->at));
    for (size_t i = 0; i < count; i++) {
        place *at = &found->at[found->count];
        at->index = (uint32_t)i;
        found->count += read_place(tn_model_at(model, i)->alias[TN_SCHEME_ORDER], at);
    }
    qsort(found->at, found->count, sizeof *found->at, compare);
}

/* Demands that every weight has a place. */
static tn_status check_known(const tn_model *model, tn_error *err)
{
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        place ignored;
        if (tensor->role == TN_ROLE_VARIABLE &&
            !read_place(tensor->alias[TN_SCHEME_ORDER], &ignored)) {
            tn_status status = cli_fail(
                err, TN_E_IMPOSSIBLE, "the input does not tell its place in Keras's get_weights()");
            cli_error_path(err, tn_model_path(model));
            tn_escape(tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
            cli_hint(err, "name the layers whose weights you want, or leave --keras-order out");
            return status;
        }
    }
    return TN_OK;
}

/* Takes `/layer/` or `/model_weights/layer/` off a key. */
static bool is_below(tn_str key, tn_str layer)
{
    tn_str whole = TN_LIT("/model_weights");
    for (int i = 0; i < 2; i++) {
        tn_str head = i == 0 ? TN_LIT("") : whole;
        if (tn_str_starts(key, head) && key.len > head.len + layer.len + 2 &&
            key.data[head.len] == '/' && tn_str_starts(tn_str_skip(key, head.len + 1), layer) &&
            key.data[head.len + 1 + layer.len] == '/') {
            return true;
        }
    }
    return false;
}

/* Tells whether an argument means the layer of a weight: by its name or as layers[N]. */
static bool means(tn_str argument, const tn_model *model, const place *at)
{
    tn_str head = TN_LIT("layers["), number = argument;
    uint64_t layer;
    if (is_below(tn_model_at(model, at->index)->alias[TN_SCHEME_KEY], argument)) {
        return true;
    }
    if (!tn_str_starts(argument, head)) {
        return false;
    }
    number = tn_str_skip(argument, head.len);
    return take_number(&number, &layer) && tn_str_equal(number, TN_LIT("]")) && layer == at->layer;
}

static void add_row(cli_choice *choice, const place *at)
{
    if (!choice->chosen[at->index]) {
        choice->chosen[at->index] = true;
        choice->rows[choice->count++] = (cli_row){at->index, TN_NO_INDEX};
    }
}

static tn_status add_layer(cli_choice *choice, const places *found, tn_str layer, tn_error *err)
{
    bool any = false;
    for (size_t i = 0; i < found->count; i++) {
        if (means(layer, choice->model, &found->at[i])) {
            add_row(choice, &found->at[i]);
            any = true;
        }
    }
    if (any) {
        return TN_OK;
    }
    tn_status status =
        cli_fail(err, TN_E_NO_SUCH_NAME, "no layer with weights in a known order has this name");
    cli_error_path(err, tn_model_path(choice->model));
    tn_escape(layer, err->subject, sizeof err->subject);
    cli_hint(err, "with --keras-order a name is a layer's: its group in the file, or layers[0]");
    return status;
}

tn_status keras_order_make(const cli_state *cli, const tn_model *model, size_t first,
                           cli_choice *choice_out, tn_error *err)
{
    places found = {.count = 0};
    cli_choice choice = {.model = model};
    tn_status status = cli_scheme(cli, &choice.scheme, err);
    if (status == TN_OK && cli->command.n_arguments <= first) {
        status = check_known(model, err);
    }
    if (status != TN_OK) {
        return status;
    }
    find_places(model, &found);
    choice.chosen = memory(calloc(tn_model_count(model) + 1, sizeof *choice.chosen));
    choice.rows = memory(calloc(tn_model_count(model) + 1, sizeof *choice.rows));
    for (size_t i = first; status == TN_OK && i < cli->command.n_arguments; i++) {
        status = add_layer(&choice, &found, tn_str_of(cli->command.arguments[i]), err);
    }
    for (size_t i = 0; cli->command.n_arguments <= first && i < found.count; i++) {
        add_row(&choice, &found.at[i]);
    }
    free(found.at);
    if (status != TN_OK) {
        choice_clear(&choice);
        return status;
    }
    *choice_out = choice;
    return TN_OK;
}
