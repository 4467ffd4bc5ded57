/* tenon graph: what a TensorFlow graph holds, and what its names are. */
#include "cli/graph.h"

#include <string.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"

const cli_option graph_options[] = {
    TAGS_OPTION,
    {.name = "first",
     .kind = OPTION_FLAG,
     .help = "resolve: print the first name that fits, alone (stable)",
     .also = "any",
     .place = offsetof(cli_settings, first)},
    {.name = "outputs",
     .kind = OPTION_LIST,
     .value = "NAME",
     .help = "freeze: keep what this operation or tensor needs; NAME,NAME too; may be repeated",
     .also = "output-node-names output_node_names output-names",
     .place = offsetof(cli_settings, outputs)},
    {.name = "force",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .help = "freeze: replace OUT if it exists",
     .also = "overwrite replace",
     .place = offsetof(cli_settings, force)},
    {0},
};

const char *const graph_examples[] = {
    "tenon graph ls saved/",
    "operations with their types and outputs, collections, functions",
    "tenon graph resolve model.ckpt.meta W:0 train_op",
    "what get_tensor_by_name and get_operation_by_name would say",
    "tenon graph resolve saved/ --first W:0 my_model/W:0 '**/W:0'",
    "the first of several names that fits, for a script",
    "tenon graph freeze model.ckpt.meta frozen.pb --outputs scores",
    "a GraphDef of its own, with the variables as constants",
    NULL,
};

const char graph_text[] =
    "The actions: ls PATH, resolve PATH NAME|PATTERN…, freeze PATH OUT --outputs NAME. PATH is a\n"
    "SavedModel, a .meta, a checkpoint with a .meta beside it, or a GraphDef. No graph is ever "
    "run.\n"
    "resolve: anything with * or { is a pattern: of tensors if it holds a ':', else of "
    "operations.\n"
    "freeze: a graph of TensorFlow 1 with its variables as constants; without --outputs it "
    "proposes\n"
    "some, and writes nothing.";

void graph_json_nulls(tn_json_out *out, const char *fields)
{
    while (*fields != '\0') {
        size_t len = strcspn(fields, " ");
        tn_json_key_str(out, (tn_str){fields, len});
        tn_json_null(out);
        fields += len + (fields[len] == ' ');
    }
}

void graph_json_words(tn_json_out *out, const tn_str *words, size_t count)
{
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_str(out, words[i]);
    }
    tn_json_array_end(out);
}

tn_status graph_open(cli_state *cli, tn_graph **graph_out, size_t *meta_out, tn_error *err)
{
    const char *path = cli->command.arguments[1];
    cli_input *input = &cli->inputs[cli->n_inputs++];
    *input = (cli_input){.path = path};
    tn_status status = tn_graph_open(cli->ctx, path, cli->set->tags, &input->graph, err);
    if (status == TN_OK && tn_graph_chosen(input->graph) == SIZE_MAX) {
        status = tn_graph_say_tags(input->graph, err);
    }
    if (status != TN_OK) {
        cli_error_path(err, path);
        return status;
    }
    *graph_out = input->graph;
    *meta_out = tn_graph_chosen(input->graph);
    return TN_OK;
}

tn_status cmd_graph(cli_state *cli, tn_error *err)
{
    static const struct {
        const char *name;
        size_t least, most; /* arguments behind the path */
        const char *usage;
        tn_status (*run)(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err);
    } actions[] = {{"ls", 0, 0, "PATH", graph_ls},
                   {"resolve", 1, SIZE_MAX, "PATH NAME|PATTERN…", graph_resolve},
                   {"freeze", 1, 1, "PATH OUT --outputs NAME", graph_freeze}};
    const char *action = cli->command.arguments[0];
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        size_t behind = cli->command.n_arguments - 2;
        if (strcmp(action, actions[i].name) != 0) {
            continue;
        }
        if (behind < actions[i].least || behind > actions[i].most) {
            tn_status status = cli_fail(err, TN_E_USAGE, "graph %s takes %s arguments", action,
                                        behind < actions[i].least ? "more" : "fewer");
            cli_hint(err, "tenon graph %s %s", action, actions[i].usage);
            return status;
        }
        if ((cli->set->outputs.count > 0 || cli->set->force) && actions[i].run != graph_freeze) {
            return cli_fail(err, TN_E_USAGE, "%s is for graph freeze, not for graph %s",
                            cli->set->force ? "-f" : "--outputs", action);
        }
        tn_graph *graph;
        size_t meta;
        tn_status status = graph_open(cli, &graph, &meta, err);
        return status == TN_OK ? actions[i].run(cli, graph, meta, err) : status;
    }
    tn_status status = cli_fail(err, TN_E_USAGE, "graph has no action '%s'", action);
    cli_hint(err, "its actions are: ls, resolve, freeze");
    return status;
}
