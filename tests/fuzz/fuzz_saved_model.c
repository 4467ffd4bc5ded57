/* Graphs in all their forms: SavedModels, GraphDefs and meta graphs, on the wire and as text. An
 * input is a byte that says what the file is called, and the file. A place in the image leads to
 * the byte that it came from; what opens gives the same values twice, and `verify` agrees with
 * them; a frozen graph is a graph, and frozen again the same. */
#include "formats/saved_model/index.h"
#include "target.h"

#include <stdlib.h>

static const char *const names[] = {"saved_model.pb", "g.pb", "g.meta", "saved_model.pbtxt"};

/* Every byte that the image kept stands in the file where it says, unless it is a length around a
 * hole. */
static void check_image(fuzz *f, const char *path, tn_str file)
{
    tn_source *source;
    tn_graph *graph;
    tn_error err = {0};
    FUZZ_HOLDS(tni_source_open(f->ctx, path, &source, NULL) == TN_OK);
    if (tni_sm_index_load(f->ctx, source, &graph, &err) == TN_OK) {
        const tni_sm_image *image = &graph->image;
        uint64_t last = 0;
        for (size_t i = 0; image->source != NULL && i < image->len; i++) {
            uint64_t at = tni_sm_image_offset(image, image->data + i);
            FUZZ_HOLDS(at < file.len && (i == 0 || at > last));
            FUZZ_HOLDS(image->n_holes > 0 || image->data[i] == file.data[at]);
            last = at;
        }
        for (size_t i = 0; i < image->n_holes; i++) {
            const tni_sm_hole *hole = &image->holes[i];
            FUZZ_HOLDS(hole->at <= image->len && hole->bytes <= file.len - hole->offset);
        }
        for (uint32_t m = 0; m < graph->n_metas; m++) {
            FUZZ_HOLDS(graph->metas[m].n_own <= graph->metas[m].n_nodes);
        }
        tni_sm_index_free(graph);
    } else {
        FUZZ_HOLDS(err.code != TN_E_NONE && err.message[0] != '\0');
    }
    tni_source_release(source);
}

static void check_resolution(tn_graph *graph, size_t meta, tn_str name)
{
    tn_resolution r;
    tn_error err = {0};
    tn_status status = tn_graph_resolve(graph, meta, name, &r, &err);
    FUZZ_HOLDS(status == err.status);
    if (status == TN_OK) {
        FUZZ_HOLDS(tn_str_equal(r.query, name) && r.message.data != NULL);
        FUZZ_HOLDS(r.as_tensor != TN_GRAPH_FITS || (r.output >= 0 && r.operation.data != NULL));
        FUZZ_HOLDS((r.as_operation == TN_GRAPH_FITS) == (r.as_tensor == TN_GRAPH_IS_OPERATION));
    }
}

/* Asks everything that can be asked of a graph. What fails says why; a name of an operation fits.
 */
static void ask(tn_graph *graph)
{
    enum { MOST = 200 }; /* operations that are asked one by one */
    tn_error err = {0};
    tn_str text;
    FUZZ_HOLDS(tn_graph_tf_text(graph, &text, &err) == err.status);
    for (size_t m = 0; m < tn_graph_count(graph); m++) {
        const tn_signature *signatures;
        const tn_collection *collections;
        const tn_asset *assets;
        tn_meta_graph about = tn_graph_at(graph, m);
        err = (tn_error){0};
        FUZZ_HOLDS(tn_graph_signatures(graph, m, &signatures, &err) == err.status);
        err = (tn_error){0};
        FUZZ_HOLDS(tn_graph_collections(graph, m, &collections, &err) == err.status);
        err = (tn_error){0};
        FUZZ_HOLDS(tn_graph_assets(graph, m, &assets, &err) == err.status);
        for (size_t i = 0; i < about.n_operations && i < MOST; i++) {
            tn_operation operation;
            err = (tn_error){0};
            FUZZ_HOLDS(tn_graph_operation(graph, m, i, &operation, &err) == err.status);
            if (err.status == TN_OK && i < 16) {
                check_resolution(graph, m, operation.name);
            }
        }
        check_resolution(graph, m, TN_LIT("W:0"));
        check_resolution(graph, m, TN_LIT("x:-1"));
    }
}

/* Writes the checkpoint that lies beside each .meta: once, it stays for the next inputs. */
static void make_checkpoint(fuzz *f)
{
    static const char head[] =
        "{\"W\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
        "\"global_step\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[32,40]}}";
    static bool made;
    char file[8 + sizeof head - 1 + 40] = {(char)(sizeof head - 1)};
    tn_convert_options options = {.to = "tf_checkpoint", .replace = true};
    tn_model *model;
    tn_plan *plan;
    tn_converted converted;
    if (made) {
        return;
    }
    _Static_assert(sizeof head <= 256, "its length stands in one byte");
    memcpy(file + 8, head, sizeof head - 1);
    const char *path = fuzz_file("g.safetensors", (tn_str){file, sizeof file});
    FUZZ_HOLDS(tn_open(f->ctx, path, NULL, &model, NULL) == TN_OK);
    FUZZ_HOLDS(tn_plan_new(f->ctx, model, fuzz_path("g"), &options, &plan, NULL) == TN_OK);
    FUZZ_HOLDS(tn_convert(plan, &converted, NULL) == TN_OK);
    tn_plan_free(plan);
    tn_model_free(model);
    made = true;
}

/* Freezes a graph for one output. What is written is a graph of as many operations as was said, and
 * frozen again it stays what it is. */
static void check_freeze(fuzz *f, tn_graph *graph, size_t meta, tn_str output)
{
    char name[256];
    const char *const outputs[] = {name};
    tn_freeze_options options = {.outputs = outputs, .n_outputs = 1, .replace = true};
    tn_frozen frozen, again;
    tn_graph *other;
    tn_error err = {0};
    if (output.len >= sizeof name || memchr(output.data, 0, output.len) != NULL) {
        return;
    }
    memcpy(name, output.data, output.len);
    name[output.len] = '\0';
    tn_status status =
        tn_graph_freeze(graph, meta, fuzz_path("frozen.pb"), &options, &frozen, &err);
    FUZZ_HOLDS(status == err.status && status != TN_VERIFY);
    if (status == TN_OK) {
        FUZZ_HOLDS(tn_graph_open(f->ctx, fuzz_path("frozen.pb"), NULL, &other, NULL) == TN_OK);
        FUZZ_HOLDS(tn_graph_at(other, 0).n_own == frozen.operations);
        FUZZ_HOLDS(tn_graph_freeze(other, 0, fuzz_path("again.pb"), &options, &again, NULL) ==
                   TN_OK);
        FUZZ_HOLDS(again.bytes == frozen.bytes && again.operations == frozen.operations &&
                   again.functions == frozen.functions && again.variables == 0);
        tn_graph_free(other);
    }
}

/* Freezes a graph for its first and last operations, and for those that are proposed. */
static void freeze(fuzz *f, tn_graph *graph)
{
    enum { MOST = 3 };
    for (size_t m = 0; m < tn_graph_count(graph) && m < MOST; m++) {
        const tn_str *proposed;
        tn_operation operation;
        size_t count, own = tn_graph_at(graph, m).n_own;
        tn_error err = {0};
        tn_status status = tn_graph_propose_outputs(graph, m, &proposed, &count, &err);
        FUZZ_HOLDS(status == err.status);
        for (size_t i = 0; status == TN_OK && i < count && i < MOST; i++) {
            check_freeze(f, graph, m, proposed[i]);
        }
        for (size_t i = 0; i < 2 && own > 0; i++) {
            if (tn_graph_operation(graph, m, i * (own - 1), &operation, NULL) == TN_OK) {
                check_freeze(f, graph, m, operation.name);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    if (size == 0) {
        return 0;
    }
    tn_str file = {(const char *)data + 1, size - 1};
    const char *path = fuzz_file(names[data[0] % 4], file);
    fuzz_begin(&f);
    make_checkpoint(&f);
    check_image(&f, path, file);
    tn_graph *graph;
    if (tn_graph_open(f.ctx, path, NULL, &graph, NULL) == TN_OK) {
        ask(graph);
        freeze(&f, graph);
        tn_graph_free(graph);
    }
    (void)fuzz_open(&f, path, "saved_model");
    fuzz_end(&f);
    return 0;
}
