/* tenon show: what kind of file is this. */
#include "cli/errors.h"
#include "cli/json.h"
#include "cli/objects.h"
#include "cli/print.h"
#include "cli/show_graph.h"
#include "cli/totals.h"

static void print_json(cli_state *cli, const tn_model *model)
{
    const tn_pair *pairs = NULL;
    const tn_model_file *files = NULL;
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "producer");
    size_t count = tn_model_producer(model, &pairs);
    json_pairs(out, pairs, count);
    tn_json_key(out, "files");
    count = tn_model_files(model, &files);
    json_files(out, files, count);
    tn_json_key(out, "totals");
    json_totals(out, model, NULL);
    tn_json_key(out, "metadata");
    count = tn_model_metadata(model, &pairs);
    json_pairs(out, pairs, count);
    show_graph_json(out, tn_model_graph(model));
    tn_json_key(out, "objects");
    objects_json(out, model);
}

static void print_heading(const cli_state *cli, const char *word)
{
    printf("%s%-10s%s", paint_start(cli->color_out, PAINT_HEAD), word,
           paint_start(cli->color_out, PAINT_PLAIN));
}

static void print_field(const cli_state *cli, const char *word, const char *value)
{
    print_heading(cli, word);
    print_escaped(stdout, tn_str_of(value));
    fputc('\n', stdout);
}

static void print_pairs(const tn_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs("  ", stdout);
        print_escaped(stdout, pairs[i].key);
        fputs(": ", stdout);
        print_escaped(stdout, pairs[i].value);
        fputc('\n', stdout);
    }
}

static void print_files(const cli_state *cli, const tn_model *model)
{
    const tn_model_file *files = NULL;
    size_t count = tn_model_files(model, &files);
    print_heading(cli, "files");
    printf("%zu\n", count);
    cli_table table;
    table_init(&table, "lr");
    for (size_t i = 0; i < count; i++) {
        char bytes[TN_NUMBER_ROOM];
        tn_bytes_text(files[i].bytes, bytes);
        table_add(&table, text_escaped(files[i].name));
        table_text(&table, bytes);
    }
    table_print(&table, stdout, 2, 0, false);
    table_clear(&table);
}

static void print_totals(const cli_state *cli, const tn_model *model)
{
    cli_totals sum = totals_of(model, NULL);
    char bytes[TN_NUMBER_ROOM];
    tn_bytes_text(sum.bytes, bytes);
    print_heading(cli, "tensors");
    printf("%llu, %s\n", (unsigned long long)sum.tensors, bytes);
    cli_table table;
    table_init(&table, "lrr");
    for (int role = 0; role < TN_ROLE_COUNT; role++) {
        if (sum.role_tensors[role] > 0) {
            tn_bytes_text(sum.role_bytes[role], bytes);
            table_text(&table, tn_role_name((tn_role)role));
            table_add(&table, text_format("%llu", (unsigned long long)sum.role_tensors[role]));
            table_text(&table, bytes);
        }
    }
    table_print(&table, stdout, 2, 0, false);
    table_clear(&table);
}

/* Prints all metadata, or how much there is. */
static void print_metadata(const cli_state *cli, const tn_model *model)
{
    const tn_pair *pairs = NULL;
    size_t count = tn_model_metadata(model, &pairs);
    print_heading(cli, "metadata");
    printf("%zu%s\n", count, count > 0 && !cli->set->metadata ? " (--metadata prints it)" : "");
    if (cli->set->metadata) {
        print_pairs(pairs, count);
    }
}

/* Prints the tree of the object graph, or how large it is. */
static void print_objects(const cli_state *cli, const tn_model *model)
{
    const tn_object *objects = NULL;
    size_t count = tn_model_objects(model, &objects);
    if (count == 0 && !cli->set->objects) {
        return;
    }
    print_heading(cli, "objects");
    printf("%zu%s\n", count, cli->set->objects ? "" : " (--objects prints the tree)");
    if (cli->set->objects && count > 0) {
        objects_print(model);
    }
}

static void print_text(const cli_state *cli, const tn_model *model)
{
    const tn_pair *pairs = NULL;
    print_field(cli, "format", tn_model_format(model));
    if (*tn_model_layout(model) != '\0') {
        print_field(cli, "layout", tn_model_layout(model));
    }
    print_field(cli, "path", tn_model_resolved(model));
    size_t count = tn_model_producer(model, &pairs);
    if (count > 0) {
        print_heading(cli, "producer");
        fputc('\n', stdout);
        print_pairs(pairs, count);
    }
    print_files(cli, model);
    print_totals(cli, model);
    print_metadata(cli, model);
    show_graph_text(cli, tn_model_graph(model));
    print_objects(cli, model);
}

/* Prints what saved_model_cli prints. */
static tn_status print_like_tf(const cli_state *cli, const tn_model *model, tn_error *err)
{
    tn_str text;
    if (cli->json) {
        return cli_fail(err, TN_E_USAGE, "--style tf and --json exclude each other");
    }
    if (tn_model_graph(model) == NULL) {
        return cli_fail(err, TN_E_IMPOSSIBLE, "--style tf is for SavedModels, and this is %s",
                        tn_model_format(model));
    }
    tn_status status = tn_graph_tf_text(tn_model_graph(model), &text, err);
    if (status == TN_OK) {
        fwrite(text.data, 1, text.len, stdout);
    }
    return status;
}

tn_status cmd_show(cli_state *cli, tn_error *err)
{
    const tn_model *model = NULL;
    tn_status status = cli_open(cli, 0, &model, err);
    if (status == TN_OK) {
        status = show_graph_prepare(tn_model_graph(model), err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (cli->set->style != NULL) {
        return print_like_tf(cli, model, err);
    }
    if (cli->json) {
        print_json(cli, model);
    } else {
        print_text(cli, model);
    }
    return TN_OK;
}
