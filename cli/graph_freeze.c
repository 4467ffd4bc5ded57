/* tenon graph freeze. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/graph.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/signals.h"

/* The words of all --outputs, each of which may hold several with commas: no operation's name has
 * one. The caller frees the list and its text. */
typedef struct wanted {
    char **at, *text;
    size_t count;
} wanted;

static void split_outputs(const cli_words *said, wanted *out)
{
    size_t bytes = 0, room = 0;
    for (size_t i = 0; i < said->count; i++) {
        bytes += strlen(said->items[i]) + 1;
    }
    *out = (wanted){.at = memory(malloc((bytes + 1) * sizeof *out->at)),
                    .text = memory(malloc(bytes + 1))};
    for (size_t i = 0; i < said->count; i++) {
        char *word = out->text + room;
        size_t len = strlen(said->items[i]);
        memcpy(word, said->items[i], len + 1);
        room += len + 1;
        for (char *comma; word != NULL; word = comma) {
            comma = strchr(word, ',');
            if (comma != NULL) {
                *comma++ = '\0';
            }
            if (*word != '\0') {
                out->at[out->count++] = word;
            }
        }
    }
}

static void clear_outputs(wanted *out)
{
    free(out->at);
    free(out->text);
}

static tn_json_out *begin(cli_state *cli)
{
    tn_json_out *out = json_begin(cli);
    graph_json_nulls(out, "operations collections functions queries");
    return out;
}

/* Refuses with operations that could be the outputs. */
static tn_status propose(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err)
{
    enum { SHOWN = 8 };
    const tn_str *names;
    size_t count;
    tn_status status = tn_graph_propose_outputs(graph, meta, &names, &count, err);
    if (status != TN_OK) {
        return status;
    }
    if (cli->json) {
        tn_json_out *out = begin(cli);
        graph_json_nulls(out, "frozen");
        tn_json_key(out, "candidates");
        graph_json_words(out, names, count);
    }
    status =
        cli_fail(err, TN_E_USAGE, "graph freeze needs to know the outputs that are to be kept");
    char *list = memory(strdup(count == 0 ? "NAME" : ""));
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        char *more =
            text_format("%s%s%.*s", list, i == 0 ? "" : ",", (int)names[i].len, names[i].data);
        free(list);
        list = more;
    }
    cli_hint(err, "tenon graph freeze %s %s --outputs %s", cli->command.arguments[1],
             cli->command.arguments[2], list);
    free(list);
    return status;
}

static void print_json(cli_state *cli, const wanted *outputs, const tn_frozen *frozen)
{
    tn_json_out *out = begin(cli);
    tn_json_key(out, "frozen");
    tn_json_object(out);
    tn_json_key(out, "path");
    tn_json_text(out, cli->command.arguments[2]);
    tn_json_key(out, "outputs");
    tn_json_array(out);
    for (size_t i = 0; i < outputs->count; i++) {
        tn_json_text(out, outputs->at[i]);
    }
    tn_json_array_end(out);
    tn_json_key(out, "operations");
    tn_json_u64(out, frozen->operations);
    tn_json_key(out, "variables");
    tn_json_u64(out, frozen->variables);
    tn_json_key(out, "functions");
    tn_json_u64(out, frozen->functions);
    tn_json_key(out, "bytes");
    tn_json_u64(out, frozen->bytes);
    tn_json_object_end(out);
    graph_json_nulls(out, "candidates");
}

static void print_text(const cli_state *cli, const tn_frozen *frozen)
{
    char bytes[TN_NUMBER_ROOM];
    char *operations = text_count(frozen->operations, "operation");
    char *variables = text_count(frozen->variables, "variable");
    char *functions = text_count(frozen->functions, "function");
    tn_bytes_text(frozen->bytes, bytes);
    print_escaped(stdout, tn_str_of(cli->command.arguments[2]));
    printf(": wrote %s, %s as constants, %s, %s\n", operations, variables, functions, bytes);
    free(operations);
    free(variables);
    free(functions);
}

tn_status graph_freeze(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err)
{
    wanted outputs;
    tn_frozen frozen;
    if (cli->set->outputs.count == 0) {
        return propose(cli, graph, meta, err);
    }
    split_outputs(&cli->set->outputs, &outputs);
    tn_freeze_options options = {.outputs = (const char *const *)outputs.at,
                                 .n_outputs = outputs.count,
                                 .replace = cli->set->force};
    signals_cancel(cli->ctx);
    tn_status status =
        tn_graph_freeze(graph, meta, cli->command.arguments[2], &options, &frozen, err);
    if (status == TN_OK && cli->json) {
        print_json(cli, &outputs, &frozen);
    } else if (status == TN_OK && !cli->set->quiet) {
        print_text(cli, &frozen);
    }
    clear_outputs(&outputs);
    return status;
}
