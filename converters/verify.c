/* Verification: every stored sum of every referenced byte. What only its decoder can check (chunks
 * of HDF5 have sums of their own) is decoded. */
#include "converters/move.h"
#include "core/arena.h"
#include "core/error.h"
#include "model/model.h"
#include "model/reader.h"
#include <tenon/text.h>
#include <tenon/verify.h>

/* The runs of a model's leaves, and whose they are. */
typedef struct survey {
    const tn_model *model;
    tni_run *runs;
    uint32_t *tensor;
    const tni_leaf **leaf;
    size_t n_runs;
    bool *bad; /* by tensor */
} survey;

static size_t count_leaves(const tn_model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        count += model->tensors[i].n_pieces + model->tensors[i].n_twins;
    }
    return count;
}

/* Tells whether a leaf has no sum over its stored bytes and no bytes that lie there as they are. */
static bool is_packed(const tni_leaf *leaf)
{
    return leaf->kind == TNI_LEAF_DECODER && leaf->sum_kind == TNI_SUM_NONE;
}

static void add_leaf(survey *s, uint32_t tensor, const tni_leaf *leaf)
{
    if (leaf->source != NULL && leaf->kind != TNI_LEAF_ABSENT) {
        s->runs[s->n_runs] = (tni_run){.source = leaf->source,
                                       .from = leaf->offset,
                                       .bytes = is_packed(leaf) ? 0 : leaf->bytes};
        s->tensor[s->n_runs] = tensor;
        s->leaf[s->n_runs++] = leaf;
    }
}

/* Adds all leaves that lie in a file, twins too. Hidden constants of a graph are left out: no
 * format of graphs stores sums, and the weights beside them are to be proved. */
static void collect(survey *s)
{
    for (uint32_t i = 0; i < s->model->count; i++) {
        const tn_tensor *tensor = &s->model->tensors[i];
        if (tensor->hidden && tensor->role == TN_ROLE_CONSTANT) {
            continue;
        }
        for (uint32_t k = 0; k < tensor->n_pieces; k++) {
            add_leaf(s, i, tensor->pieces[k].leaf);
        }
        for (uint32_t k = 0; k < tensor->n_twins; k++) {
            add_leaf(s, i, tensor->twin_pieces[k].leaf);
        }
    }
}

/* Turns an error about one tensor into a finding. */
static tn_status find(survey *s, uint32_t tensor, tn_report *report, const tn_error *error,
                      tn_error *err)
{
    s->bad[tensor] = true;
    return tn_report_say(report, TN_SEVERITY_ERROR, error->code == TN_E_CRC ? "crc" : "unreadable",
                         s->model->tensors[tensor].alias[TN_SCHEME_NAME], err, "%s: %s",
                         error->path, error->message);
}

/* Decodes all of a leaf and keeps nothing. */
static tn_status decode_all(tn_context *ctx, const tni_leaf *leaf, tn_error *err)
{
    void *values;
    tn_dtype dtype = tni_leaf_stored(leaf);
    uint64_t bits = dtype == TN_STRING ? 8 * sizeof(tn_str) : tn_dtype_about(dtype)->bits;
    uint64_t most = 8 * (uint64_t)TNI_WINDOW / bits, all = (uint64_t)leaf->elements;
    tn_status status = tni_alloc(ctx, TNI_WINDOW, &values, err);
    if (status != TN_OK) {
        return status;
    }
    for (uint64_t first = 0; status == TN_OK && first < all; first += most) {
        tni_arena arena;
        tni_arena_init(&arena, ctx, ctx->limits.decoded_bytes);
        status = leaf->decoder->decode(leaf, first, all - first < most ? all - first : most, values,
                                       &arena, err);
        tni_arena_clear(&arena);
    }
    tni_free(ctx, values);
    return status;
}

/* Judges one run after its bytes were read. */
static tn_status judge(survey *s, size_t i, tn_report *report, tn_error *err)
{
    tn_error error = {0};
    const tni_leaf *leaf = s->leaf[i];
    if (s->runs[i].failed) {
        char byte[4096];
        size_t len = leaf->bytes < sizeof byte ? (size_t)leaf->bytes : sizeof byte;
        tni_source_read(leaf->source, leaf->offset + leaf->bytes - len, byte, len, &error);
        tni_fail(&error, TN_E_READ, "%llu bytes at %llu cannot be read",
                 (unsigned long long)leaf->bytes, (unsigned long long)leaf->offset);
        tni_error_path(&error, tni_source_path(leaf->source));
    } else if (leaf->kind == TNI_LEAF_DECODER && leaf->decoder->verify != NULL) {
        leaf->decoder->verify(leaf, &error);
    } else if (is_packed(leaf)) {
        decode_all(s->model->ctx, leaf, &error);
    } else {
        tni_leaf_compare(leaf, s->runs[i].crc, &error);
    }
    /* What was not read to its end is neither proved nor corrupt. */
    if (error.status == TN_CANCELLED || error.status == TN_NOMEM || error.status == TN_LIMIT) {
        if (err != NULL && err->status == TN_OK) {
            *err = error;
        }
        return error.status;
    }
    return error.status == TN_OK ? TN_OK : find(s, s->tensor[i], report, &error, err);
}

/* Counts what was proved. */
static void count(const survey *s, tn_verified *verified)
{
    *verified = (tn_verified){.verdict = TN_VERDICT_UNPROVED};
    bool corrupt = false;
    for (size_t i = 0, run = 0; i < s->model->count; i++) {
        bool summed = true, stored = false;
        uint64_t bytes = 0;
        for (; run < s->n_runs && s->tensor[run] == i; run++) {
            stored = true;
            summed = summed && s->leaf[run]->sum_kind != TNI_SUM_NONE;
            bytes += s->runs[run].bytes;
        }
        corrupt = corrupt || s->bad[i];
        if (stored && summed) {
            verified->tensors++;
            verified->bytes += bytes;
        } else if (stored) {
            verified->without_checksum++;
        }
    }
    if (corrupt) {
        verified->verdict = TN_VERDICT_CORRUPT;
    } else if (verified->without_checksum == 0) {
        verified->verdict = TN_VERDICT_PROVED;
    }
}

static tn_status prepare(survey *s, tni_arena *arena, tn_error *err)
{
    void *runs, *tensor, *leaf, *bad;
    size_t most = count_leaves(s->model);
    tn_status status = tni_arena_array(arena, most, sizeof(tni_run), &runs, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, most, sizeof(uint32_t), &tensor, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, most, sizeof(tni_leaf *), &leaf, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, s->model->count, sizeof(bool), &bad, err);
    }
    if (status == TN_OK) {
        s->runs = runs;
        s->tensor = tensor;
        s->leaf = leaf;
        s->bad = bad;
        collect(s);
    }
    return status;
}

tn_status tn_verify(const tn_model *model, tn_report *report, tn_verified *verified_out,
                    tn_error *err)
{
    survey s = {.model = model};
    tni_arena arena;
    tni_arena_init(&arena, model->ctx, model->ctx->limits.memory);
    tn_status status = prepare(&s, &arena, err);
    if (status == TN_OK) {
        tni_moving moving = {.phase = "verify", .keep_going = true};
        for (size_t i = 0; i < s.n_runs; i++) {
            moving.total += s.runs[i].bytes;
        }
        status = tni_move(model->ctx, s.runs, s.n_runs, &moving, err);
    }
    for (size_t i = 0; status == TN_OK && i < s.n_runs; i++) {
        status = judge(&s, i, report, err);
    }
    if (status == TN_OK) {
        count(&s, verified_out);
    }
    tni_arena_clear(&arena);
    return status;
}
