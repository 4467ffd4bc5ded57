#include "formats/tf_checkpoint/read.h"
#include "core/error.h"
#include "core/order.h"
#include "formats/shared/interrupted.h"
#include "formats/tf_checkpoint/bundle.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/names.h"
#include "model/roles.h"

/* Finds the entry of the object graph; NULL: the checkpoint is name-based. */
static const tni_tf_entry *find_graph(const tni_tf_bundle *bundle)
{
    for (uint32_t i = 0; i < bundle->count; i++) {
        const tni_tf_entry *entry = &bundle->entries[i];
        if (!entry->hidden && tn_str_equal(entry->key, TN_LIT(TNI_TF_OBJECT_GRAPH))) {
            return entry;
        }
    }
    return NULL;
}

/* Reads the object graph's one string and keeps it with the model. */
static tn_status load_graph(tni_tf_bundle *bundle, const tni_tf_entry *entry, tn_str *message_out,
                            tn_error *err)
{
    tn_str message;
    if (entry->dtype != TN_STRING || entry->rank != 0 || entry->slices != NULL) {
        return tni_fail(err, TN_E_CORRUPT, "the object graph is not one string");
    }
    tni_leaf leaf = {.dtype = TN_STRING, .elements = 1};
    tni_tf_entry_leaf(bundle, entry, &leaf);
    tn_status status =
        tni_check_limit(leaf.bytes, bundle->ctx->limits.header_bytes, "header-bytes", err);
    if (status == TN_OK) {
        status = leaf.decoder->decode(&leaf, 0, 1, &message, &bundle->scratch, err);
    }
    if (status == TN_OK) {
        status = tni_model_carry(bundle->model, TNI_TF_GRAPH_CARRIER, message, err);
    }
    if (status == TN_OK) {
        *message_out = tni_model_carrier(bundle->model, TNI_TF_GRAPH_CARRIER)->bytes;
    }
    return status;
}

/* Names the entries by the object graph. */
static tn_status read_graph(tni_tf_bundle *bundle, const tni_tf_entry *entry,
                            tni_tf_name **names_out, tn_error *err)
{
    tn_str message;
    tni_tf_graph graph;
    tn_model *model = bundle->model;
    tn_status status = load_graph(bundle, entry, &message, err);
    if (status == TN_OK) {
        status = tni_tf_graph_parse(message, &model->arena, &graph, err);
    }
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(bundle->shards[entry->shard]));
        tni_error_subject(err, entry->key);
        return status;
    }
    model->objects = graph.nodes;
    model->n_objects = graph.n_nodes;
    return tni_tf_names_make(&graph, bundle->entries, bundle->count, &model->arena,
                             &bundle->scratch, names_out, err);
}

/* Copies what the object graph says of an entry into its tensor, but for slot_of. */
static void apply_name(const tni_tf_name *name, tn_tensor *tensor)
{
    tensor->alias[TN_SCHEME_NAME] = name->name;
    tensor->alias[TN_SCHEME_OBJECT] = name->object;
    tensor->alias[TN_SCHEME_FULL] = name->full;
    tensor->role = name->role;
    tensor->hidden = name->role == TN_ROLE_METADATA;
    tensor->slot = name->role == TN_ROLE_SLOT ? name->slot : TN_STR_NONE;
}

/* Gives a tensor its twin: the key and where that copy lies. */
static tn_status add_twin(tni_tf_bundle *bundle, const tni_tf_entry *copy, tn_tensor *tensor,
                          tn_error *err)
{
    typedef struct twin {
        tni_whole_piece whole;
        tn_str key;
    } twin;
    void *block;
    tn_status status = tni_arena_alloc(&bundle->model->arena, sizeof(twin), &block, err);
    if (status == TN_OK) {
        twin *added = block;
        tni_whole_piece_init(&added->whole, tensor->dtype, tensor->elements, bundle->ctx);
        tni_tf_entry_leaf(bundle, copy, &added->whole.leaf);
        added->key = copy->key;
        tensor->twins = &added->key;
        tensor->twin_pieces = &added->whole.piece;
        tensor->n_twins = 1;
    }
    return status;
}

/* Adds one entry's tensor; `name` is NULL in name-based checkpoints. */
static tn_status add_tensor(tni_tf_bundle *bundle, const tni_tf_entry *entry,
                            const tni_tf_name *name, tn_error *err)
{
    tn_tensor *tensor;
    tn_status status = tni_model_add(bundle->model, &tensor, err);
    if (status != TN_OK) {
        return status;
    }
    tensor->alias[TN_SCHEME_NAME] = tensor->alias[TN_SCHEME_KEY] = entry->key;
    if (name != NULL) {
        apply_name(name, tensor);
    }
    tensor->document = tn_str_equal(entry->key, TN_LIT(TNI_TF_OBJECT_GRAPH));
    status = tni_tensor_form(bundle->model, tensor, (tn_dtype)entry->dtype, entry->rank,
                             entry->shape, err);
    if (status != TN_OK) {
        return status;
    }
    if (entry->slices != NULL) {
        return tni_tf_slices_pieces(bundle, entry, tensor, err);
    }
    tni_leaf *leaf;
    status = tni_tensor_leaf(bundle->model, tensor, &leaf, err);
    if (status == TN_OK) {
        tni_tf_entry_leaf(bundle, entry, leaf);
        tensor->bytes = entry->size;
    }
    if (status == TN_OK && name != NULL && name->twin != TN_NO_INDEX) {
        status = add_twin(bundle, &bundle->entries[name->twin], tensor, err);
    }
    return status;
}

/* Tells each slot its owner, now that entries have become tensors. */
static void set_owners(const tni_tf_bundle *bundle, const tni_tf_name *names,
                       const uint32_t *tensor_of)
{
    for (uint32_t i = 0; i < bundle->count; i++) {
        if (tensor_of[i] != TN_NO_INDEX && names[i].role == TN_ROLE_SLOT &&
            names[i].slot_of != TN_NO_INDEX) {
            bundle->model->tensors[tensor_of[i]].slot_of = tensor_of[names[i].slot_of];
        }
    }
}

/* Finds the order in which the entries' names are listed, so that tensors are made where they stay;
 * NULL: they stand so already. */
static tn_status order_entries(const tni_tf_bundle *bundle, const tni_tf_name *names,
                               uint32_t **order_out, tn_error *err)
{
    tni_names_view view = {&bundle->entries->key, sizeof *bundle->entries, bundle->count};
    if (names != NULL) {
        view = (tni_names_view){&names->name, sizeof *names, bundle->count};
    }
    return tni_names_order(bundle->ctx, &view, order_out, err);
}

/* Adds the tensors in the order given; tensor_of[i], if it is asked for, says where entry i went.
 */
static tn_status add_ordered(tni_tf_bundle *bundle, const tni_tf_name *names, const uint32_t *order,
                             uint32_t *tensor_of, tn_error *err)
{
    tn_status status = tni_model_reserve(bundle->model, bundle->count, err);
    for (uint32_t k = 0; status == TN_OK && k < bundle->count; k++) {
        uint32_t i = order == NULL ? k : order[k];
        const tni_tf_name *name = names == NULL ? NULL : &names[i];
        bool listed = !bundle->entries[i].hidden && (name == NULL || name->twin_of == TN_NO_INDEX);
        if (tensor_of != NULL) {
            tensor_of[i] = listed ? (uint32_t)bundle->model->count : TN_NO_INDEX;
        }
        if (listed) {
            status = add_tensor(bundle, &bundle->entries[i], name, err);
        }
    }
    return status;
}

static tn_status add_tensors(tni_tf_bundle *bundle, const tni_tf_name *names, tn_error *err)
{
    void *block = NULL;
    uint32_t *order = NULL;
    tn_status status = bundle->count == 0 ? TN_OK : order_entries(bundle, names, &order, err);
    if (status == TN_OK && names != NULL) {
        status = tni_arena_array(&bundle->scratch, bundle->count, sizeof(uint32_t), &block, err);
    }
    if (status == TN_OK) {
        status = add_ordered(bundle, names, order, block, err);
    }
    if (status == TN_OK && names != NULL) {
        set_owners(bundle, names, block);
    }
    tni_free(bundle->ctx, order);
    return status;
}

static tn_status describe(tni_tf_bundle *bundle, tn_error *err)
{
    tni_tf_name *names = NULL;
    const tni_tf_entry *graph = find_graph(bundle);
    tn_status status = TN_OK;
    bundle->model->layout = graph == NULL ? "names" : "objects";
    if (graph != NULL) {
        status = read_graph(bundle, graph, &names, err);
    }
    if (status == TN_OK) {
        status = add_tensors(bundle, names, err);
    }
    if (status == TN_OK && graph == NULL) {
        status = tni_roles_by_name(bundle->model, err);
    }
    return status == TN_OK ? tni_model_finish(bundle->model, err) : status;
}

/* A checkpoint is called by its prefix. */
static tn_status set_resolved(const tni_read *read, tn_error *err)
{
    tn_str prefix, copy;
    if (!tni_tf_prefix(tn_str_of(tni_source_path(read->main)), &prefix)) {
        return TN_OK;
    }
    tn_status status = tni_arena_str(&read->model->arena, prefix, &copy, err);
    if (status == TN_OK) {
        read->model->resolved = copy.data;
    }
    return status;
}

tn_status tni_tf_open(tni_read *read, tn_error *err)
{
    tni_tf_bundle bundle = {.ctx = read->ctx, .model = read->model, .main = read->main};
    tni_arena_init(&bundle.scratch, read->ctx, read->ctx->limits.memory);
    tn_status status;
    if ((status = set_resolved(read, err)) == TN_OK &&
        (status = tni_refuse_interrupted(read, tni_source_name(read->main), err)) == TN_OK &&
        (status = tni_tf_index_read(&bundle, err)) == TN_OK &&
        (status = tni_tf_shards_open(&bundle, err)) == TN_OK &&
        (status = tni_tf_slices_hide(&bundle, err)) == TN_OK) {
        status = describe(&bundle, err);
    }
    tni_free(read->ctx, bundle.entries);
    tni_free(read->ctx, bundle.shards);
    tni_arena_clear(&bundle.scratch);
    return status;
}

tn_status tni_tf_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err)
{
    enum { FOLDER_NAMES = 1000000 };
    tn_str folder, prefix, path = tn_str_of(tni_source_path(main)), name = tni_source_name(main);
    tni_names all;
    void *block;
    tn_status status;
    if ((status = tni_arena_str(arena, tn_str_first(path, path.len - name.len), &folder, err)) !=
            TN_OK ||
        (status = tni_list_folder(ctx, folder.data, FOLDER_NAMES, arena, &all, err)) != TN_OK ||
        (status = tni_arena_array(arena, all.count + 1, sizeof(tn_str), &block, err)) != TN_OK) {
        return status;
    }
    /* An index that cannot be read leads all data files that bear its name. */
    tni_tf_header header = {.shards = 0};
    tni_tf_header_read(ctx, main, &header, NULL);
    bool has_prefix = tni_tf_prefix(name, &prefix);
    tni_names members = {block, 0};
    for (size_t i = 0; i < all.count; i++) {
        tn_str of;
        uint64_t shards;
        bool shard = has_prefix && tni_tf_shard_prefix(all.at[i], &of, &shards) &&
                     tn_str_equal(of, prefix) && (header.shards == 0 || shards == header.shards);
        if (shard || tn_str_equal(all.at[i], name)) {
            members.at[members.count++] = all.at[i];
        }
    }
    *names_out = members;
    return TN_OK;
}
