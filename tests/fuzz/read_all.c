/* Reading all of a model, as a target does it: nothing is left out, and nothing is kept. */
#include "target.h"

enum { SPAN = 4096 }; /* elements: a multiple of 8, so that packed ones fall on whole bytes */

uint64_t fuzz_digest(uint64_t digest, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001B3);
    }
    return (digest ^ len) * UINT64_C(0x100000001B3);
}

static uint64_t digest_str(uint64_t digest, tn_str text)
{
    return fuzz_digest(digest, text.data, text.len);
}

static tn_status read_strings(tn_reader *reader, const tn_tensor *tensor, uint64_t *digest,
                              tn_error *err)
{
    const tn_str *strings;
    tn_status status = tn_reader_strings(reader, tensor, &strings, err);
    for (int64_t i = 0; status == TN_OK && i < tensor->elements; i++) {
        *digest = digest_str(*digest, strings[i]);
    }
    return status;
}

static tn_status read_numbers(tn_reader *reader, const tn_tensor *tensor, uint64_t *digest,
                              tn_error *err)
{
    uint64_t span[SPAN * 2]; /* of 16 bytes each at most */
    uint64_t bytes;
    tn_status status = tn_reader_start(reader, tensor, err);
    for (int64_t at = 0; status == TN_OK && at < tensor->elements; at += SPAN) {
        int64_t count = tensor->elements - at < SPAN ? tensor->elements - at : SPAN;
        status = tn_reader_next(reader, count, span, err);
        if (status == TN_OK) {
            FUZZ_HOLDS(tn_dtype_bytes(tensor->dtype, (uint64_t)count, &bytes) &&
                       bytes <= sizeof span);
            *digest = fuzz_digest(*digest, span, (size_t)bytes);
        }
    }
    return status == TN_OK ? tn_reader_end(reader, err) : status;
}

tn_status fuzz_tensor(tn_reader *reader, const tn_tensor *tensor, uint64_t *digest_out,
                      tn_error *err)
{
    uint64_t digest = 0;
    tn_status status = tensor->dtype == TN_STRING ? read_strings(reader, tensor, &digest, err)
                                                  : read_numbers(reader, tensor, &digest, err);
    *digest_out = digest;
    return status;
}

static uint64_t digest_form(uint64_t digest, const tn_model *model, const tn_tensor *tensor)
{
    uint32_t words[] = {(uint32_t)tensor->dtype, tensor->rank, (uint32_t)tensor->role,
                        tensor->slot_of};
    digest = fuzz_digest(digest, words, sizeof words);
    digest = fuzz_digest(digest, tensor->shape, tensor->rank * sizeof *tensor->shape);
    for (size_t i = 0; i < TN_SCHEME_COUNT; i++) {
        digest = digest_str(digest, tensor->alias[i]);
    }
    for (uint32_t i = 0; i < tensor->n_twins; i++) {
        digest = digest_str(digest, tensor->twins[i]);
    }
    FUZZ_HOLDS(tensor->slot_of == TN_NO_INDEX || tensor->slot_of < tn_model_count(model));
    FUZZ_HOLDS(tensor->alias[TN_SCHEME_NAME].data != NULL);
    return digest;
}

/* Walks what `show --objects` shows. */
static uint64_t digest_objects(uint64_t digest, const tn_model *model)
{
    const tn_object *objects;
    size_t count = tn_model_objects(model, &objects);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < objects[i].n_children; k++) {
            FUZZ_HOLDS(objects[i].children[k].node < count);
            digest = digest_str(digest, objects[i].children[k].name);
        }
        for (uint32_t k = 0; k < objects[i].n_attributes; k++) {
            digest = digest_str(digest, objects[i].attributes[k].key);
        }
        for (uint32_t k = 0; k < objects[i].n_slots; k++) {
            FUZZ_HOLDS(objects[i].slots[k].node < count && objects[i].slots[k].variable < count);
            digest = digest_str(digest, objects[i].slots[k].name);
        }
    }
    return digest;
}

fuzz_values fuzz_model(fuzz *f, const tn_model *model)
{
    fuzz_values values = {.digest = digest_objects(0, model)};
    tn_reader *reader;
    const tn_report *findings = tn_model_findings(model);
    for (size_t i = 0; i < tn_report_count(findings); i++) {
        values.digest = digest_str(values.digest, tn_report_at(findings, i)->message);
    }
    FUZZ_HOLDS(tn_reader_new(f->ctx, true, &reader, NULL) == TN_OK);
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        uint64_t digest;
        tn_error err = {0};
        values.digest = digest_form(values.digest, model, tensor);
        values.unread += tensor->n_twins + (tensor->elements == 0);
        if (fuzz_tensor(reader, tensor, &digest, &err) == TN_OK) {
            values.digest = fuzz_digest(values.digest, &digest, sizeof digest);
        } else {
            FUZZ_HOLDS(err.code != TN_E_NONE && err.message[0] != '\0');
            values.err = values.failed == 0 ? err : values.err;
            values.failed++;
        }
    }
    tn_reader_free(reader);
    return values;
}

/* The verdict must fit what reading said: sums that fit can be read, a failure is no proof. */
static void verify(fuzz *f, const tn_model *model, const fuzz_values *values)
{
    tn_verified verified;
    tn_report *report = tn_report_new(f->ctx);
    FUZZ_HOLDS(report != NULL);
    FUZZ_HOLDS(tn_verify(model, report, &verified, NULL) == TN_OK);
    if (values->failed == 0 && values->unread == 0) {
        FUZZ_HOLDS(verified.verdict != TN_VERDICT_CORRUPT);
    }
    if (values->failed > 0 && values->err.code == TN_E_CRC) {
        FUZZ_HOLDS(verified.verdict == TN_VERDICT_CORRUPT);
    }
    tn_report_free(report);
}

bool fuzz_open(fuzz *f, const char *path, const char *from)
{
    tn_model *model;
    tn_error err = {0};
    tn_status status = tn_open(f->ctx, path, &(tn_open_options){.from = from}, &model, &err);
    if (status != TN_OK) {
        FUZZ_HOLDS(err.code != TN_E_NONE && err.message[0] != '\0');
        return false;
    }
    fuzz_values first = fuzz_model(f, model), second = fuzz_model(f, model);
    FUZZ_HOLDS(first.digest == second.digest && first.failed == second.failed);
    verify(f, model, &first);
    tn_model_free(model);
    return true;
}
