#include "cli/show_graph.h"

#include <stdlib.h>

#include "cli/json.h"
#include "cli/print.h"

tn_status show_graph_prepare(tn_graph *graph, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; graph != NULL && status == TN_OK && i < tn_graph_count(graph); i++) {
        const tn_signature *signatures;
        const tn_collection *collections;
        const tn_asset *assets;
        if ((status = tn_graph_signatures(graph, i, &signatures, err)) == TN_OK &&
            (status = tn_graph_collections(graph, i, &collections, err)) == TN_OK) {
            status = tn_graph_assets(graph, i, &assets, err);
        }
    }
    return status;
}

static void json_tags(tn_json_out *out, const tn_meta_graph *meta)
{
    tn_json_array(out);
    for (size_t i = 0; i < meta->n_tags; i++) {
        tn_json_str(out, meta->tags[i]);
    }
    tn_json_array_end(out);
}

static void json_graph_tensors(tn_json_out *out, const tn_graph_tensor *tensors, size_t count)
{
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_object(out);
        json_name(out, tensors[i].key);
        tn_json_key(out, "tensor");
        tn_json_str(out, tensors[i].name);
        tn_json_key(out, "dtype");
        json_dtype(out, tensors[i].dtype);
        tn_json_key(out, "shape");
        if (tensors[i].known_rank) {
            json_shape(out, tensors[i].rank, tensors[i].shape);
        } else {
            tn_json_null(out);
        }
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

static void json_signatures(tn_json_out *out, tn_graph *graph, size_t meta)
{
    tn_meta_graph about = tn_graph_at(graph, meta);
    const tn_signature *signatures = NULL;
    if (tn_graph_signatures(graph, meta, &signatures, NULL) != TN_OK) {
        return;
    }
    for (size_t i = 0; i < about.n_signatures; i++) {
        if (signatures[i].reserved) {
            continue;
        }
        tn_json_object(out);
        tn_json_key(out, "tags");
        json_tags(out, &about);
        tn_json_key(out, "key");
        tn_json_str(out, signatures[i].key);
        tn_json_key(out, "method");
        tn_json_str(out, signatures[i].method);
        tn_json_key(out, "inputs");
        json_graph_tensors(out, signatures[i].inputs, signatures[i].n_inputs);
        tn_json_key(out, "outputs");
        json_graph_tensors(out, signatures[i].outputs, signatures[i].n_outputs);
        tn_json_object_end(out);
    }
}

static void json_collections(tn_json_out *out, tn_graph *graph, size_t meta)
{
    tn_meta_graph about = tn_graph_at(graph, meta);
    const tn_collection *collections = NULL;
    if (tn_graph_collections(graph, meta, &collections, NULL) != TN_OK) {
        return;
    }
    for (size_t i = 0; i < about.n_collections; i++) {
        tn_json_object(out);
        tn_json_key(out, "tags");
        json_tags(out, &about);
        tn_json_key(out, "key");
        tn_json_str(out, collections[i].key);
        tn_json_key(out, "items");
        tn_json_array(out);
        for (size_t k = 0; k < collections[i].n_items; k++) {
            tn_json_str(out, collections[i].items[k]);
        }
        tn_json_array_end(out);
        tn_json_object_end(out);
    }
}

static void json_assets(tn_json_out *out, tn_graph *graph, size_t meta)
{
    tn_meta_graph about = tn_graph_at(graph, meta);
    const tn_asset *assets = NULL;
    if (tn_graph_assets(graph, meta, &assets, NULL) != TN_OK) {
        return;
    }
    for (size_t i = 0; i < about.n_assets; i++) {
        tn_json_object(out);
        tn_json_key(out, "tags");
        json_tags(out, &about);
        tn_json_key(out, "file");
        tn_json_str(out, assets[i].file);
        tn_json_key(out, "tensor");
        tn_json_str(out, assets[i].tensor);
        tn_json_object_end(out);
    }
}

void show_graph_json(tn_json_out *out, tn_graph *graph)
{
    static void (*const lists[])(tn_json_out *, tn_graph *,
                                 size_t) = {json_signatures, json_collections, json_assets};
    static const char *const keys[] = {"signatures", "collections", "assets"};
    tn_json_key(out, "tag_sets");
    if (graph == NULL) {
        tn_json_null(out);
    } else {
        tn_json_array(out);
        for (size_t i = 0; i < tn_graph_count(graph); i++) {
            tn_meta_graph meta = tn_graph_at(graph, i);
            json_tags(out, &meta);
        }
        tn_json_array_end(out);
    }
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        tn_json_key(out, keys[k]);
        if (graph == NULL) {
            tn_json_null(out);
            continue;
        }
        tn_json_array(out);
        for (size_t i = 0; i < tn_graph_count(graph); i++) {
            lists[k](out, graph, i);
        }
        tn_json_array_end(out);
    }
}

static void print_word(const cli_state *cli, const char *word)
{
    printf("%s%-10s%s", paint_start(cli->color_out, PAINT_HEAD), word,
           paint_start(cli->color_out, PAINT_PLAIN));
}

/* Prints the shape of a tensor that is spoken of: "[?, 3]", or "?" without a known rank. */
static void print_form(const tn_graph_tensor *tensor)
{
    printf(" %s ", tn_dtype_about(tensor->dtype)->name);
    if (!tensor->known_rank) {
        fputc('?', stdout);
        return;
    }
    fputc('[', stdout);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        fputs(i == 0 ? "" : ", ", stdout);
        if (tensor->shape[i] < 0) {
            fputc('?', stdout);
        } else {
            printf("%lld", (long long)tensor->shape[i]);
        }
    }
    fputc(']', stdout);
}

static void print_tensors(const char *word, const tn_graph_tensor *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("    %-6s ", word);
        print_escaped(stdout, tensors[i].key);
        fputs(": ", stdout);
        print_escaped(stdout, tensors[i].name);
        print_form(&tensors[i]);
        fputc('\n', stdout);
    }
}

static void print_signatures(tn_graph *graph, size_t meta, size_t count)
{
    const tn_signature *signatures = NULL;
    if (tn_graph_signatures(graph, meta, &signatures, NULL) != TN_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!signatures[i].reserved) {
            fputs("  signature ", stdout);
            print_escaped(stdout, signatures[i].key);
            if (signatures[i].method.len > 0) {
                fputs(" (", stdout);
                print_escaped(stdout, signatures[i].method);
                fputc(')', stdout);
            }
            fputc('\n', stdout);
            print_tensors("input", signatures[i].inputs, signatures[i].n_inputs);
            print_tensors("output", signatures[i].outputs, signatures[i].n_outputs);
        }
    }
}

static void print_collections(tn_graph *graph, size_t meta, size_t count)
{
    const tn_collection *collections = NULL;
    if (tn_graph_collections(graph, meta, &collections, NULL) != TN_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        fputs("  collection ", stdout);
        print_escaped(stdout, collections[i].key);
        printf(": %zu\n", collections[i].n_items);
    }
}

static void print_assets(tn_graph *graph, size_t meta, size_t count)
{
    const tn_asset *assets = NULL;
    if (tn_graph_assets(graph, meta, &assets, NULL) != TN_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        fputs("  asset ", stdout);
        print_escaped(stdout, assets[i].file);
        fputs(": ", stdout);
        print_escaped(stdout, assets[i].tensor);
        fputc('\n', stdout);
    }
}

void show_graph_text(const cli_state *cli, tn_graph *graph)
{
    for (size_t i = 0; graph != NULL && i < tn_graph_count(graph); i++) {
        tn_meta_graph meta = tn_graph_at(graph, i);
        print_word(cli, "graph");
        for (size_t k = 0; k < meta.n_tags; k++) {
            fputs(k == 0 ? "" : ",", stdout);
            print_escaped(stdout, meta.tags[k]);
        }
        printf("%s%zu operations", meta.n_tags == 0 ? "" : ": ", meta.n_own);
        if (meta.n_functions > 0) {
            printf(", %zu functions", meta.n_functions);
        }
        fputc('\n', stdout);
        print_signatures(graph, i, meta.n_signatures);
        print_collections(graph, i, meta.n_collections);
        print_assets(graph, i, meta.n_assets);
    }
}
