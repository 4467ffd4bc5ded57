/* Safetensors files in memory, for the drawer's tests. */
#ifndef TESTS_FORMATS_ST_FILE_H
#define TESTS_FORMATS_ST_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/cursor.h"
#include "formats/safetensors/layout.h"

typedef struct st_bytes {
    uint8_t *at;
    size_t len;
} st_bytes;

/* Makes a file of this header (`len` bytes) and `data` bytes of data 1, 2, 3 … */
static inline st_bytes st_file(const char *header, size_t len, size_t data)
{
    st_bytes file = {malloc(8 + len + data), 8 + len + data};
    assert_non_null(file.at);
    tni_store_u64le(file.at, len);
    memcpy(file.at + 8, header, len);
    for (size_t i = 0; i < data; i++) {
        file.at[8 + len + i] = (uint8_t)(i + 1);
    }
    return file;
}

/* Opens bytes with the drawer's reader. */
static inline tn_status st_open(tn_context *ctx, const void *data, size_t len, tn_model **model_out,
                                tn_error *err)
{
    tn_source *source;
    tn_model *model;
    tn_status status = tni_source_memory(ctx, data, len, "x.safetensors", &source, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_model_new(ctx, &model, err);
    if (status != TN_OK) {
        tni_source_release(source);
        return status;
    }
    status = tni_model_keep(model, source, err);
    tni_read read = {.ctx = ctx, .main = source, .model = model};
    if (status == TN_OK) {
        model->format = &tn_format_safetensors;
        status = tn_format_safetensors.reader->open(&read, err);
    }
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    return TN_OK;
}

/* Counts a model's findings of one code. */
static inline size_t st_findings(const tn_model *model, const char *code)
{
    size_t count = 0;
    const tn_report *report = tn_model_findings(model);
    for (size_t i = 0; i < tn_report_count(report); i++) {
        count += strcmp(tn_report_at(report, i)->code, code) == 0;
    }
    return count;
}

/* Reads a whole file. */
static inline st_bytes st_load(const char *path)
{
    st_bytes file = {NULL, 0};
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        fail_msg("%s cannot be opened", path);
    }
    fseek(stream, 0, SEEK_END);
    file.len = (size_t)ftell(stream);
    rewind(stream);
    file.at = malloc(file.len + 1);
    assert_non_null(file.at);
    assert_int_equal(fread(file.at, 1, file.len, stream), file.len);
    fclose(stream);
    return file;
}

/* An allocator that fails once, at call number `at`. */
typedef struct st_failing {
    unsigned long calls, at;
} st_failing;

static inline void *st_failing_resize(void *user, void *block, size_t bytes)
{
    st_failing *failing = user;
    return ++failing->calls == failing->at ? NULL : realloc(block, bytes == 0 ? 1 : bytes);
}

static inline void st_failing_release(void *user, void *block)
{
    (void)user;
    free(block);
}

#endif
