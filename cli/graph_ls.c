/* tenon graph ls. */
#include <stdlib.h>

#include "cli/graph.h"
#include "cli/json.h"
#include "cli/print.h"

static void json_operation(tn_json_out *out, const tn_operation *operation)
{
    tn_json_object(out);
    json_name(out, operation->name);
    tn_json_key(out, "type");
    tn_json_str(out, operation->type);
    tn_json_key(out, "outputs");
    if (!operation->known) {
        tn_json_null(out);
    } else {
        tn_json_array(out);
        for (size_t i = 0; i < operation->n_outputs; i++) {
            const tn_graph_tensor *output = &operation->outputs[i];
            tn_json_object(out);
            tn_json_key(out, "dtype");
            json_dtype(out, output->dtype);
            tn_json_key(out, "shape");
            if (output->known_rank) {
                json_shape(out, output->rank, output->shape);
            } else {
                tn_json_null(out);
            }
            tn_json_object_end(out);
        }
        tn_json_array_end(out);
    }
    tn_json_key(out, "inputs");
    graph_json_words(out, operation->inputs, operation->n_inputs);
    tn_json_key(out, "function");
    tn_json_str(out, operation->function);
    tn_json_object_end(out);
}

static tn_status print_json(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err)
{
    tn_meta_graph about = tn_graph_at(graph, meta);
    const tn_collection *collections;
    tn_status status = tn_graph_collections(graph, meta, &collections, err);
    if (status != TN_OK) {
        return status;
    }
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "operations");
    tn_json_array(out);
    for (size_t i = 0; status == TN_OK && i < about.n_operations; i++) {
        tn_operation operation;
        status = tn_graph_operation(graph, meta, i, &operation, err);
        if (status == TN_OK) {
            json_operation(out, &operation);
        }
    }
    tn_json_array_end(out);
    tn_json_key(out, "collections");
    tn_json_object(out);
    for (size_t i = 0; i < about.n_collections; i++) {
        tn_json_key_str(out, collections[i].key);
        graph_json_words(out, collections[i].items, collections[i].n_items);
    }
    tn_json_object_end(out);
    tn_json_key(out, "functions");
    tn_json_array(out);
    for (size_t i = 0; i < about.n_functions; i++) {
        tn_json_str(out, tn_graph_function(graph, meta, i));
    }
    tn_json_array_end(out);
    graph_json_nulls(out, "queries frozen candidates");
    return status;
}

static void print_operation(const tn_operation *operation)
{
    if (operation->function.data != NULL) {
        print_escaped(stdout, operation->function);
        fputc('/', stdout);
    }
    print_escaped(stdout, operation->name);
    fputc('\t', stdout);
    print_escaped(stdout, operation->type);
    fputc('\t', stdout);
    if (!operation->known) {
        fputc('?', stdout);
    }
    for (size_t i = 0; i < operation->n_outputs; i++) {
        const tn_graph_tensor *output = &operation->outputs[i];
        const char *dtype =
            output->dtype == TN_DTYPE_NONE ? "resource" : tn_dtype_about(output->dtype)->name;
        printf("%s%s", i == 0 ? "" : ", ", dtype);
        if (output->known_rank) {
            char *shape = text_shape(output->rank, output->shape);
            printf(" %s", shape);
            free(shape);
        }
    }
    fputc('\n', stdout);
}

tn_status graph_ls(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err)
{
    tn_meta_graph about = tn_graph_at(graph, meta);
    tn_status status = TN_OK;
    if (cli->json) {
        return print_json(cli, graph, meta, err);
    }
    for (size_t i = 0; status == TN_OK && i < about.n_operations; i++) {
        tn_operation operation;
        status = tn_graph_operation(graph, meta, i, &operation, err);
        if (status == TN_OK) {
            print_operation(&operation);
        }
    }
    return status;
}
