/* Conversions of every fixture there and back, judged by what the frameworks say is in them; and
 * what -f, --skip-existing, --drop and threads do to an output. */
#include "converters/conv.h"
#include "converters/conv_fixtures.h"
#include "formats/shared/wire.h"
#include "model/model.h"

enum { MOST_DROPS = 32, NAME_ROOM = TN_ERROR_SUBJECT };

typedef struct trip {
    conv *c;
    size_t fixtures, to_tf, same_bytes, to_st, back, tensors;
    /* Names that a target refused, in the order they were met. */
    char names[MOST_DROPS][NAME_ROOM];
    const char *drop[MOST_DROPS];
    size_t n_drop;
} trip;

static bool is_tf(const json_t *expected)
{
    return strcmp(json_string_value(json_object_get(expected, "format")), "tf_checkpoint") == 0;
}

/* Finds a record's tensor by its key or, in another format, by its name. */
static const tn_tensor *find(const tn_model *model, const json_t *record, bool by_key)
{
    if (by_key) {
        return fixture_find(model, record);
    }
    const json_t *bytes = json_object_get(record, "name_b64");
    tn_str name =
        bytes != NULL ? fixture_base64(bytes) : fixture_json_text(json_object_get(record, "name"));
    uint32_t index = tn_model_find(model, TN_SCHEME_NAME, name);
    if (bytes != NULL) {
        free((void *)(uintptr_t)name.data);
    }
    return index == TN_NO_INDEX ? NULL : tn_model_at(model, index);
}

/* Compares an output with the fixture's records: dtypes as stored, shapes, values. Returns how many
 * records have a tensor in it. */
static size_t check_values(const trip *t, const char *folder, const char *path,
                           const json_t *expected, bool by_key)
{
    tn_model *model = conv_open(t->c->ctx, path);
    tn_reader *reader;
    const json_t *record;
    size_t index, found = 0;
    assert_int_equal(tn_reader_new(t->c->ctx, true, &reader, NULL), TN_OK);
    json_array_foreach(json_object_get(expected, "tensors"), index, record)
    {
        const tn_tensor *tensor = find(model, record, by_key);
        tn_error err = {0};
        if (tensor == NULL || tensor->role == TN_ROLE_METADATA) {
            continue;
        }
        const char *wrong = fixture_values(t->c->ctx, reader, tensor, record, &err);
        const json_t *shape = json_object_get(record, "shape");
        if (wrong == NULL && json_array_size(shape) != tensor->rank) {
            wrong = "another rank";
        }
        for (uint32_t k = 0; wrong == NULL && k < tensor->rank; k++) {
            wrong = json_integer_value(json_array_get(shape, k)) == tensor->shape[k]
                        ? NULL
                        : "another shape";
        }
        if (wrong != NULL) {
            fail_msg("%s: %s: %.*s: %s", folder, path, (int)tensor->alias[0].len,
                     tensor->alias[0].data, wrong);
        }
        found++;
    }
    tn_reader_free(reader);
    tn_model_free(model);
    return found;
}

/* Counts the records that an output of all of the fixture must have. */
static size_t count_records(const json_t *expected, bool twins)
{
    const json_t *record;
    size_t index, count = 0;
    json_array_foreach(json_object_get(expected, "tensors"), index, record)
    {
        bool metadata = strcmp(json_string_value(json_object_get(record, "role")), "metadata") == 0;
        bool twin = json_is_string(json_object_get(record, "twin_of"));
        bool hidden = json_is_true(json_object_get(record, "hidden"));
        count += !metadata && !hidden && (twins || !twin);
    }
    return count;
}

/* Converts; what the target refuses is dropped, one by one. False if nothing is left. */
static bool convert_dropping(trip *t, const char *in, const char *out, const char *layout)
{
    t->n_drop = 0;
    for (;;) {
        tn_error err = {0};
        tn_convert_options options = {
            .drop = t->drop, .n_drop = t->n_drop, .layout = layout, .replace = true};
        tn_status status = conv_run(t->c->ctx, in, out, &options, NULL, &err);
        if (status == TN_OK || err.code == TN_E_EMPTY) {
            return status == TN_OK;
        }
        if (err.code != TN_E_CANNOT_HOLD || t->n_drop == MOST_DROPS) {
            conv_ok(status, &err);
        }
        snprintf(t->names[t->n_drop], NAME_ROOM, "%s", err.subject);
        t->drop[t->n_drop] = t->names[t->n_drop];
        t->n_drop++;
    }
}

/* Tells whether a TensorFlow fixture is laid out as our writer does it. */
static bool is_plain(const char *folder)
{
    static const char *const others[] = {"good-big-endian", "good-snappy-blocks", "good-v1-sharded",
                                         "good-alignment-gaps", "good-several-blocks"};
    const char *name = strrchr(folder, '/') + 1;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(name, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

static bool same_file(const char *a, const char *b, const char *suffix)
{
    char x[FIXTURE_PATH], y[FIXTURE_PATH];
    snprintf(x, sizeof(x), "%s%s", a, suffix);
    snprintf(y, sizeof(y), "%s%s", b, suffix);
    return conv_same(x, y);
}

/* TensorFlow to TensorFlow: the very bytes, where the source is laid out as we do it. */
static void to_tensorflow(trip *t, const char *folder, const char *in, const json_t *expected)
{
    char out[TN_SCRATCH_PATH];
    snprintf(out, sizeof(out), "%s", conv_at(t->c, "copy.ckpt"));
    conv_must(t->c->ctx, in, out, NULL);
    assert_int_equal(check_values(t, folder, out, expected, true), count_records(expected, true));
    tn_differences d = conv_diff(t->c->ctx, in, out, NULL);
    if (d.different + d.only_a + d.only_b != 0) {
        fail_msg("%s: the copy differs", folder);
    }
    if (is_plain(folder)) {
        char prefix[FIXTURE_PATH];
        snprintf(prefix, sizeof(prefix), "%s", in);
        if (!same_file(prefix, out, ".index") || !same_file(prefix, out, ".data-00000-of-00001")) {
            fail_msg("%s: the copy's bytes differ", folder);
        }
        t->same_bytes++;
    }
    t->to_tf++;
}

/* To safetensors and from there to a checkpoint by names: all values stay. */
static void there_and_back(trip *t, const char *folder, const char *in, const json_t *expected)
{
    char st[TN_SCRATCH_PATH], tf[TN_SCRATCH_PATH];
    snprintf(st, sizeof(st), "%s", conv_at(t->c, "there.safetensors"));
    snprintf(tf, sizeof(tf), "%s", conv_at(t->c, "back.ckpt"));
    if (!convert_dropping(t, in, st, NULL)) {
        return;
    }
    size_t first = t->n_drop;
    size_t found = check_values(t, folder, st, expected, false);
    if (found + first < count_records(expected, false)) {
        fail_msg("%s: %zu of %zu arrived, %zu were dropped", folder, found,
                 count_records(expected, false), first);
    }
    t->tensors += found;
    t->to_st++;
    if (convert_dropping(t, st, tf, NULL)) {
        size_t came = check_values(t, folder, tf, expected, false);
        assert_int_equal(came + t->n_drop, found);
        t->back++;
    }
}

static void each_fixture(const char *folder, const json_t *expected, void *user)
{
    trip *t = user;
    char in[2 * FIXTURE_PATH];
    if (!fixture_readable(expected)) {
        return;
    }
    snprintf(in, sizeof(in), "%s/%s", folder, json_string_value(json_object_get(expected, "path")));
    tn_scratch_empty(&t->c->dir);
    if (is_tf(expected)) {
        to_tensorflow(t, folder, in, expected);
    }
    there_and_back(t, folder, in, expected);
    t->fixtures++;
}

static void every_fixture(void **state)
{
    trip t = {.c = *state};
    fixture_visit(TN_FIXTURES, 2, each_fixture, &t);
    print_message("%zu fixtures: %zu to TensorFlow (%zu byte for byte), %zu to safetensors (%zu "
                  "tensors), %zu back\n",
                  t.fixtures, t.to_tf, t.same_bytes, t.to_st, t.tensors, t.back);
    assert_true(t.to_tf > 30 && t.same_bytes > 30 && t.to_st > 40 && t.back > 40);
}

/* A model of a few MiB whose tensors do not end at pages. */
static const char *large_model(conv *c, const char *name)
{
    enum { COUNT = 7, BYTES = 700004 };
    static char data[BYTES];
    static char names[COUNT][16];
    conv_tensor tensors[COUNT];
    uint64_t random = 11;
    for (size_t i = 0; i < BYTES; i++) {
        data[i] = (char)conv_random(&random, 256);
    }
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "block.%zu", i);
        tensors[i] = (conv_tensor){names[i], "U8", "700004", data, BYTES};
    }
    return conv_safetensors(c, name, tensors, COUNT);
}

static void threads_change_nothing(void **state)
{
    conv *c = *state;
    char in[TN_SCRATCH_PATH], first[TN_SCRATCH_PATH];
    static const char *const files[] = {"ckpt-%u.data-00000-of-00001", "ckpt-%u.index",
                                        "st-%u-00001-of-00004.safetensors",
                                        "st-%u-00004-of-00004.safetensors"};
    snprintf(in, sizeof(in), "%s", large_model(c, "in.safetensors"));
    for (unsigned threads = 1; threads <= 8; threads = threads == 1 ? 2 : 8 + (threads == 8)) {
        char name[64];
        tn_context *ctx = tn_context_new(&(tn_context_options){.threads = threads});
        tn_convert_options shards = {.max_shard_size = 1500000};
        snprintf(name, sizeof(name), "ckpt-%u", threads);
        conv_must(ctx, in, conv_at(c, name), NULL);
        snprintf(name, sizeof(name), "st-%u.safetensors", threads);
        tn_converted converted = conv_must(ctx, in, conv_at(c, name), &shards);
        assert_int_equal(converted.files_written, 5);
        assert_int_equal(converted.tensors_verified, 7);
        assert_int_equal(converted.bytes_verified, 7 * 700004);
        assert_int_equal(conv_diff(ctx, in, conv_at(c, name), NULL).equal, 7);
        for (size_t i = 0; i < 4; i++) {
            char one[64], other[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(one, sizeof(one), files[i], 1u);
            snprintf(other, sizeof(other), files[i], threads);
#pragma GCC diagnostic pop
            snprintf(first, sizeof(first), "%s", conv_at(c, one));
            assert_true(conv_same(first, conv_at(c, other)));
        }
        tn_context_free(ctx);
    }
}

/* -f takes the whole old set away, whatever its layout was. */
static void replaces_whole_sets(void **state)
{
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    tn_convert_options shards = {.max_shard_size = 800000, .replace = true};
    tn_convert_options one = {.replace = true};
    snprintf(in, sizeof(in), "%s", large_model(c, "in.safetensors"));
    static const char *const outs[] = {"o.safetensors", "ckpt-1"};
    static const size_t files[] = {1, 2};
    for (size_t i = 0; i < 2; i++) {
        tn_scratch_write(&c->dir, "bystander", "x");
        assert_int_equal(conv_must(c->ctx, in, conv_at(c, outs[i]), &shards).files_written, 8);
        assert_int_equal(tn_scratch_count(&c->dir), 10);
        assert_int_equal(conv_must(c->ctx, in, conv_at(c, outs[i]), &one).files_written, files[i]);
        assert_int_equal(tn_scratch_count(&c->dir), 2 + files[i]);
        assert_int_equal(conv_must(c->ctx, in, conv_at(c, outs[i]), &shards).files_written, 8);
        assert_int_equal(tn_scratch_count(&c->dir), 10);
        assert_int_equal(conv_diff(c->ctx, in, conv_at(c, outs[i]), NULL).equal, 7);
        tn_scratch_empty(&c->dir);
        snprintf(in, sizeof(in), "%s", large_model(c, "in.safetensors"));
    }
}

/* A broken index alone, of a layout that the new output does not have. */
static void replaces_broken_sets(void **state)
{
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    tn_convert_options replace = {.replace = true};
    snprintf(in, sizeof(in), "%s", large_model(c, "in.safetensors"));
    tn_scratch_write(&c->dir, "o.safetensors.index.json", "{broken");
    conv_must(c->ctx, in, conv_at(c, "o.safetensors"), &replace);
    assert_int_equal(tn_scratch_count(&c->dir), 2);
    assert_int_equal(conv_diff(c->ctx, in, conv_at(c, "o.safetensors"), NULL).equal, 7);
    /* A checkpoint whose index is damaged; its data file is of the set. */
    tn_scratch_write(&c->dir, "ckpt-1.index", "broken");
    tn_scratch_write(&c->dir, "ckpt-1.data-00000-of-00001", "old");
    tn_error err = {0};
    conv_ok(conv_run(c->ctx, in, conv_at(c, "ckpt-1"), &replace, NULL, &err), &err);
    assert_int_equal(conv_diff(c->ctx, in, conv_at(c, "ckpt-1"), NULL).equal, 7);
    assert_int_equal(tn_scratch_count(&c->dir), 4);
}

/* Sharded or single, writers of one name keep each other out; so a recovery meets what it left. */
static void one_writer_a_name(void **state)
{
    static const uint64_t sizes[] = {0, 800000};
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    snprintf(in, sizeof(in), "%s", large_model(c, "in.safetensors"));
    tn_scratch_write(&c->dir, ".o.safetensors.tenon-commit", "somebody's");
    for (size_t i = 0; i < 2; i++) {
        tn_error err = {0};
        tn_convert_options options = {.max_shard_size = sizes[i], .replace = true};
        (void)conv_run(c->ctx, in, conv_at(c, "o.safetensors"), &options, NULL, &err);
        assert_int_equal(err.code, TN_E_BUSY);
        assert_int_equal(tn_scratch_count(&c->dir), 2);
    }
}

static void skips_what_is_there(void **state)
{
    static const char *const drop[] = {"block.3"};
    conv *c = *state;
    char in[TN_SCRATCH_PATH], before[TN_SCRATCH_PATH];
    tn_convert_options skip = {.skip_existing = true};
    tn_convert_options fewer = {.skip_existing = true, .drop = drop, .n_drop = 1};
    snprintf(in, sizeof(in), "%s", large_model(c, "in.safetensors"));
    static const char *const outs[] = {"o.safetensors", "ckpt-1"};
    for (size_t i = 0; i < 2; i++) {
        const char *out = conv_at(c, outs[i]);
        tn_error err = {0};
        assert_false(conv_must(c->ctx, in, out, &skip).skipped);
        snprintf(before, sizeof(before), "%s", out);
        tn_converted converted = conv_must(c->ctx, in, out, &skip);
        assert_true(converted.skipped);
        assert_int_equal(converted.files_written, 0);
        assert_int_equal(conv_run(c->ctx, in, out, &fewer, NULL, &err), TN_EXISTS);
        assert_non_null(strstr(err.hint, "-f"));
        fewer.replace = true;
        converted = conv_must(c->ctx, in, out, &fewer);
        fewer.replace = false;
        assert_false(converted.skipped);
        assert_int_equal(converted.tensors_verified, 6);
        /* Now the plan of all seven does not fit any more. */
        err = (tn_error){0};
        assert_int_equal(conv_run(c->ctx, in, out, &skip, NULL, &err), TN_EXISTS);
    }
}

/* Tells whether a key, or one that it begins, is in the model. */
static bool has_key(const tn_model *model, tn_str key)
{
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        if (tn_str_starts(tensor->alias[TN_SCHEME_KEY], key)) {
            return true;
        }
        for (uint32_t k = 0; k < tensor->n_twins; k++) {
            if (tn_str_starts(tensor->twins[k], key)) {
                return true;
            }
        }
    }
    return false;
}

typedef struct graph_counts {
    size_t nodes, attributes, slots;
} graph_counts;

/* What the nodes say of has_checkpoint_values: 0 no, 1 yes, 2 nothing. */
static size_t read_flags(const tn_model *model, uint8_t *says, size_t room)
{
    tni_wire wire = tni_wire_of(tni_model_carrier(model, "tf_object_graph")->bytes);
    tni_wire_field node, field;
    size_t n = 0;
    for (; tni_wire_next(&wire, &node) && n < room; n++) {
        tni_wire inner = tni_wire_of(node.bytes);
        says[n] = 2;
        while (tni_wire_next(&inner, &field)) {
            if (field.tag == TNI_WIRE_TAG(5, TNI_WIRE_LEN)) {
                says[n] = field.bytes.len == 2 && field.bytes.data[1] == 1;
            }
        }
    }
    return n;
}

/* A node has values if it stores one, owns a slot, or leads to one that has: TensorFlow's own
 * graphs are held to that too. */
static void check_flags(const char *path, const tn_model *model, const tn_object *objects,
                        size_t nodes)
{
    enum { ROOM = 512 };
    uint8_t says[ROOM];
    bool has[ROOM], more = true;
    assert_true(nodes <= ROOM);
    assert_int_equal(read_flags(model, says, ROOM), nodes);
    for (size_t n = 0; n < nodes; n++) {
        has[n] = objects[n].n_attributes > 0 || objects[n].n_slots > 0;
    }
    while (more) {
        more = false;
        for (size_t n = 0; n < nodes; n++) {
            for (uint32_t k = 0; !has[n] && k < objects[n].n_children; k++) {
                has[n] = has[objects[n].children[k].node];
                more = more || has[n];
            }
        }
    }
    for (size_t n = 0; n < nodes; n++) {
        if (says[n] != 2 && says[n] != has[n]) {
            fail_msg("%s: node %zu says %d", path, n, says[n]);
        }
    }
}

/* Checks that everything the object graph promises is there. */
static graph_counts check_graph(tn_context *ctx, const char *path)
{
    tn_model *model = conv_open(ctx, path);
    const tn_object *objects;
    graph_counts counts = {.nodes = tn_model_objects(model, &objects)};
    for (size_t n = 0; n < counts.nodes; n++) {
        for (uint32_t k = 0; k < objects[n].n_attributes; k++) {
            tn_str key = objects[n].attributes[k].key;
            if (!has_key(model, key)) {
                fail_msg("%s: the graph wants %.*s", path, (int)key.len, key.data);
            }
            counts.attributes++;
        }
        for (uint32_t k = 0; k < objects[n].n_slots; k++) {
            const tn_object_slot *slot = &objects[n].slots[k];
            assert_true(slot->node < counts.nodes && slot->variable < counts.nodes);
            assert_true(objects[slot->node].n_attributes > 0);
            counts.slots++;
        }
    }
    check_flags(path, model, objects, counts.nodes);
    tn_model_free(model);
    return counts;
}

typedef struct prune_row {
    const char *fixture, *drop;
    bool weights_only;
    size_t attributes, slots; /* that must be gone */
} prune_row;

/* The legacy Adam keeps m and v of four variables as slot variables of its node. */
static const prune_row prune_rows[] = {
    {"good-keras2-sequential/ckpt", "**logits**", false, 4, 0},
    {"good-keras2-legacy-adam/ckpt", "model/layer_with_weights-0/kernel", false, 3, 2},
    {"good-keras2-legacy-adam/ckpt", "Adam/**/m", false, 4, 4},
    {"good-keras3-export", "seq/logits/kernel", false, 2, 0},
    {"good-objects-two-scopes/ckpt", "a/w", false, 1, 0},
};

static void prunes_the_graph(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof(prune_rows) / sizeof(prune_rows[0]); i++) {
        const prune_row *row = &prune_rows[i];
        char in[FIXTURE_PATH], out[TN_SCRATCH_PATH];
        tn_convert_options options = {
            .drop = &row->drop, .n_drop = row->drop != NULL, .replace = true};
        snprintf(in, sizeof(in), "%s/tf_checkpoint/%s", TN_FIXTURES, row->fixture);
        snprintf(out, sizeof(out), "%s", conv_at(c, "o.ckpt"));
        conv_must(c->ctx, in, out, &options);
        graph_counts before = check_graph(c->ctx, in), after = check_graph(c->ctx, out);
        assert_int_equal(after.nodes, before.nodes);
        assert_int_equal(before.attributes - after.attributes, row->attributes);
        assert_int_equal(before.slots - after.slots, row->slots);
    }
}

/* Without its optimizer a model keeps its variables and no slot. */
static void weights_alone(void **state)
{
    static const char *const fixtures[] = {"good-keras2-legacy-adam/ckpt",
                                           "good-keras2-sequential/ckpt",
                                           "good-keras3-functional/ckpt-1"};
    conv *c = *state;
    for (size_t i = 0; i < 3; i++) {
        char in[FIXTURE_PATH], out[TN_SCRATCH_PATH];
        tn_convert_options options = {.weights_only = true, .replace = true};
        snprintf(in, sizeof(in), "%s/tf_checkpoint/%s", TN_FIXTURES, fixtures[i]);
        snprintf(out, sizeof(out), "%s", conv_at(c, "o.ckpt"));
        size_t written = conv_must(c->ctx, in, out, &options).tensors_verified;
        graph_counts before = check_graph(c->ctx, in), after = check_graph(c->ctx, out);
        assert_true(i != 0 || before.slots > 0);
        assert_int_equal(after.slots, 0);
        assert_int_equal(after.nodes, before.nodes);
        assert_true(after.attributes >= written && after.attributes < before.attributes);
        tn_differences d = conv_diff(c->ctx, in, out, &(tn_diff_options){.weights_only = true});
        assert_int_equal(d.equal, written);
        assert_int_equal(d.different + d.only_a + d.only_b, 0);
    }
}

/* A checkpoint's stored sums are proved on the way: nothing is written from damaged bytes. */
static void refuses_damaged_payload(void **state)
{
    static const char *const files[] = {"good-v1-adam/model.ckpt", "good-strings/ckpt",
                                        "good-big-endian/ckpt", "good-v1-partitioned/model.ckpt"};
    conv *c = *state;
    for (size_t i = 0; i < 4; i++) {
        char from[FIXTURE_PATH], in[TN_SCRATCH_PATH], data_path[TN_SCRATCH_PATH];
        snprintf(from, sizeof(from), "%s/tf_checkpoint/%s.index", TN_FIXTURES, files[i]);
        conv_copy(from, conv_at(c, "in.index"));
        snprintf(from, sizeof(from), "%s/tf_checkpoint/%s.data-00000-of-00001", TN_FIXTURES,
                 files[i]);
        snprintf(data_path, sizeof(data_path), "%s", conv_at(c, "in.data-00000-of-00001"));
        snprintf(in, sizeof(in), "%s", conv_at(c, "in"));
        conv_bytes data = conv_load(from);
        for (size_t at = 0; at<data.len; at += data.len> 600 ? 7 : 1) {
            tn_error err = {0};
            data.at[at] = (char)(data.at[at] ^ 0x10);
            conv_store(data_path, data.at, data.len);
            data.at[at] = (char)(data.at[at] ^ 0x10);
            if (conv_run(c->ctx, in, conv_at(c, "o.ckpt"), NULL, NULL, &err) != TN_CORRUPT) {
                fail_msg("%s: byte %zu: %s: %s", files[i], at, tn_code_name(err.code), err.message);
            }
            assert_true(err.subject[0] != '\0' || err.path[0] != '\0');
            assert_int_equal(tn_scratch_count(&c->dir), 2);
        }
        free(data.at);
    }
}

static bool stop(void *user, const tn_progress *progress)
{
    const char *phase = user;
    return strcmp(progress->phase, phase) != 0 || progress->done == 0;
}

static void leaves_nothing_when_cancelled(void **state)
{
    static char phases[2][8] = {"copy", "verify"};
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    snprintf(in, sizeof(in), "%s", large_model(c, "in.safetensors"));
    for (size_t i = 0; i < 2; i++) {
        tn_error err = {0};
        tn_context *ctx = tn_context_new(
            &(tn_context_options){.threads = 1, .progress = stop, .progress_user = phases[i]});
        assert_int_equal(conv_run(ctx, in, conv_at(c, "ckpt-1"), NULL, NULL, &err), TN_CANCELLED);
        assert_int_equal(tn_scratch_count(&c->dir), 1);
        tn_context_free(ctx);
    }
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(every_fixture),           CONV_TEST(threads_change_nothing),
        CONV_TEST(replaces_whole_sets),     CONV_TEST(replaces_broken_sets),
        CONV_TEST(one_writer_a_name),       CONV_TEST(skips_what_is_there),
        CONV_TEST(prunes_the_graph),        CONV_TEST(weights_alone),
        CONV_TEST(refuses_damaged_payload), CONV_TEST(leaves_nothing_when_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
