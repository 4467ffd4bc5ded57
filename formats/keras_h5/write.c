/* Writing HDF5: the layout decides where each tensor goes, the helper makes the file's metadata
 * around places for the values, and the engine fills these. */
#include "formats/keras_h5/write.h"
#include "core/error.h"
#include <stdlib.h>

enum { WINDOW = 1 << 20 }; /* bytes of metadata that are written at once */

/* Quantised integers hold plain integers; that they stood for other numbers is known to a graph
 * alone. */
static tni_store_rule stores(tn_dtype dtype)
{
    static const tn_dtype plain[TN_DTYPE_COUNT] = {[TN_QINT8] = TN_INT8,
                                                   [TN_QINT16] = TN_INT16,
                                                   [TN_QINT32] = TN_INT32,
                                                   [TN_QUINT8] = TN_UINT8,
                                                   [TN_QUINT16] = TN_UINT16};
    static const bool held[TN_DTYPE_COUNT] = {
        [TN_BOOL] = true,    [TN_INT8] = true,      [TN_INT16] = true,     [TN_INT32] = true,
        [TN_INT64] = true,   [TN_UINT8] = true,     [TN_UINT16] = true,    [TN_UINT32] = true,
        [TN_UINT64] = true,  [TN_FLOAT16] = true,   [TN_BFLOAT16] = true,  [TN_FLOAT32] = true,
        [TN_FLOAT64] = true, [TN_COMPLEX64] = true, [TN_COMPLEX128] = true};
    if (held[dtype]) {
        return (tni_store_rule){.how = TNI_STORE_AS_IS};
    }
    if (plain[dtype] != TN_DTYPE_NONE) {
        return (tni_store_rule){.how = TNI_STORE_AS_OTHER, .as = plain[dtype]};
    }
    return (tni_store_rule){.how = TNI_STORE_REFUSED};
}

static bool name_ok(tn_str name, const char **why_out)
{
    for (size_t at = 0; at <= name.len; at++) {
        tn_str rest = tn_str_skip(name, at);
        const char *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
        size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.data);
        if (len == 0) {
            *why_out = "a part of its path is empty";
            return false;
        }
        if (tn_str_equal(tn_str_first(rest, len), TN_LIT("."))) {
            *why_out = "HDF5 takes a part '.' of a path for the group itself";
            return false;
        }
        if (memchr(rest.data, '\0', len) != NULL) {
            *why_out = "HDF5 ends names at NUL";
            return false;
        }
        at += len;
    }
    return true;
}

/* Finds the layout that --layout, the output's name or the input ask for. */
static tn_status pick(const tn_model *source, tn_str name, const char *asked,
                      tni_keras_layout *layout_out, tn_error *err)
{
    tni_keras_file file;
    bool is_plain = tni_keras_find(tni_model_root(source), &file) && file.layout == TNI_KERAS_PLAIN;
    for (int i = 0; asked != NULL && i <= TNI_KERAS_PLAIN; i++) {
        if (strcmp(asked, tni_keras_word((tni_keras_layout)i)) == 0) {
            *layout_out = (tni_keras_layout)i;
            return TN_OK;
        }
    }
    if (asked != NULL) {
        tn_status status = tni_fail(err, TN_E_USAGE, "keras_h5 has no layout '%s'", asked);
        tni_error_hint(err, "its layouts are: legacy, keras3, plain");
        return status;
    }
    if (tn_str_ends(name, TN_LIT(".weights.h5"))) {
        *layout_out = TNI_KERAS_THREE;
    } else {
        *layout_out = is_plain ? TNI_KERAS_PLAIN : TNI_KERAS_LEGACY;
    }
    return TN_OK;
}

static tn_status choose_layout(const tn_model *source, tn_str name, const char *asked, bool renamed,
                               tni_layout *layout_out, tn_error *err)
{
    tni_keras_file file;
    tni_keras_layout layout = TNI_KERAS_LEGACY;
    (void)renamed;
    tn_status status = pick(source, name, asked, &layout, err);
    if (status != TN_OK) {
        return status;
    }
    bool ours = tni_keras_find(tni_model_root(source), &file);
    bool carries = ours && file.layout == layout;
    unsigned variables = 1u << TN_ROLE_VARIABLE;
    *layout_out = (tni_layout){.word = tni_keras_word(layout),
                               .carries = carries,
                               .full_names = layout == TNI_KERAS_LEGACY && !ours,
                               .roles = carries || layout == TNI_KERAS_PLAIN ? 0 : variables};
    return TN_OK;
}

static int by_offset(const void *a, const void *b)
{
    const tni_item *x = a, *y = b;
    return x->offset != y->offset ? (x->offset > y->offset) - (x->offset < y->offset)
                                  : (x->index > y->index) - (x->index < y->index);
}

/* Makes an item of every dataset. */
static tn_status list_items(tni_write *write, const tni_keras_tree *tree,
                            const tni_hdf5_image *image, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(write->arena, write->model->count, sizeof(tni_item), &block, err);
    write->items = block;
    for (size_t i = 0; status == TN_OK && i < tree->count; i++) {
        if (tree->nodes[i].kind != TNI_HDF5_DATASET) {
            continue;
        }
        tni_item *item = &write->items[write->n_items++];
        *item = (tni_item){.tensor = &write->model->tensors[tree->tensor[i]],
                           .index = tree->tensor[i],
                           .offset = image->places[i].offset,
                           .bytes = image->places[i].bytes};
        status = tni_arena_format(write->arena, &item->key, err, "/%.*s", (int)tree->path[i].len,
                                  tree->path[i].data);
    }
    if (status == TN_OK) {
        qsort(write->items, write->n_items, sizeof(tni_item), by_offset);
    }
    return status;
}

static tn_status list_file(tni_write *write, uint64_t size, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(write->arena, sizeof(tni_out_file), &block, err);
    if (status == TN_OK) {
        write->files = block;
        write->n_files = 1;
        *write->files = (tni_out_file){.name = tn_str_of(write->name), .size = size};
    }
    return status;
}

static tn_status fill_tree(tni_keras_tree *tree, tn_error *err)
{
    const char *word = tree->write->layout.word;
    if (strcmp(word, tni_keras_word(TNI_KERAS_LEGACY)) == 0) {
        return tni_keras_write_legacy(tree, err);
    }
    return strcmp(word, tni_keras_word(TNI_KERAS_THREE)) == 0 ? tni_keras_write_three(tree, err)
                                                              : tni_keras_write_plain(tree, err);
}

static tn_status layout(tni_write *write, tn_error *err)
{
    tni_keras_tree tree;
    tni_arena scratch;
    tni_write sketch = *write; /* the tree is forgotten when the image is made of it */
    void *image;
    tn_status status = tni_arena_alloc(write->arena, sizeof(tni_hdf5_image), &image, err);
    if (status != TN_OK) {
        return status;
    }
    write->state = image;
    tni_arena_init(&scratch, write->ctx, write->ctx->limits.memory);
    sketch.arena = &scratch;
    if ((status = tni_keras_tree_init(&tree, &sketch, err)) == TN_OK &&
        (status = fill_tree(&tree, err)) == TN_OK &&
        (status = tni_hdf5_image_make(write->ctx, tree.nodes, tree.count, false, write->arena,
                                      image, err)) == TN_OK &&
        (status = list_items(write, &tree, image, err)) == TN_OK) {
        status = list_file(write, ((const tni_hdf5_image *)image)->size, err);
    }
    tni_keras_tree_clear(&tree);
    tni_arena_clear(&scratch);
    return status;
}

/* Returns the first piece that does not go with piece `first` into one window: it is too far away.
 */
static size_t window_end(const tni_hdf5_image *image, size_t first, uint64_t *bytes_out)
{
    enum {
        GAP = 4096
    }; /* zeros that are written rather than skipped: values may lie there later */
    uint64_t begin = image->pieces[first].offset, end = begin;
    size_t next = first;
    for (; next < image->n_pieces; next++) {
        const tni_hdf5_piece *piece = &image->pieces[next];
        uint64_t its_end = piece->offset + piece->bytes.len;
        if (next > first && (piece->offset - end > GAP || its_end - begin > WINDOW)) {
            break;
        }
        end = its_end;
    }
    *bytes_out = end - begin;
    return next;
}

/* Writes the metadata in few calls: what lies close together is put together, with the zeros
 * between. */
static tn_status headers(tni_write *write, tn_error *err)
{
    const tni_hdf5_image *image = write->state;
    void *block = NULL;
    tn_status status = tni_alloc(write->ctx, WINDOW, &block, err);
    char *window = block;
    for (size_t i = 0, end; status == TN_OK && i < image->n_pieces; i = end) {
        uint64_t bytes, begin = image->pieces[i].offset;
        end = window_end(image, i, &bytes);
        const char *data = image->pieces[i].bytes.data;
        if (end > i + 1) {
            memset(window, 0, bytes);
            for (size_t k = i; k < end; k++) {
                const tni_hdf5_piece *piece = &image->pieces[k];
                memcpy(window + (piece->offset - begin), piece->bytes.data, piece->bytes.len);
            }
            data = window;
        }
        status = tni_sink_write(write->files[0].sink, begin, data, bytes, err);
    }
    tni_free(write->ctx, block);
    return status;
}

static tn_status mains(tn_str name, tni_arena *arena, tni_names *mains_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, 1, sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        *mains_out = (tni_names){block, 1};
        mains_out->at[0] = name;
    }
    return status;
}

const tni_writer_ops tni_keras_writer = {
    .stores = stores,
    .roles = ((1u << TN_ROLE_COUNT) - 1u) & ~(1u << TN_ROLE_METADATA),
    .choose_layout = choose_layout,
    .name_ok = name_ok,
    .layout = layout,
    .headers = headers,
    .mains = mains,
};
