/* Which format a file is in, by content. */
#include "formats/probe.h"

#include "core/error.h"

tn_status tni_probe_file(const tn_format *format, tn_source *source, tni_grade *grade_out,
                         tn_error *err)
{
    uint8_t head[TNI_PROBE_WINDOW], tail[TNI_PROBE_WINDOW];
    uint64_t size = tni_source_size(source);
    size_t window = size < TNI_PROBE_WINDOW ? (size_t)size : TNI_PROBE_WINDOW;
    tn_status status = tni_source_read(source, 0, head, window, err);
    if (status == TN_OK) {
        status = tni_source_read(source, size - window, tail, window, err);
    }
    if (status == TN_OK) {
        tni_probe probe = {.name = tni_source_name(source),
                           .head = head,
                           .head_len = window,
                           .tail = tail,
                           .tail_len = window,
                           .size = size};
        *grade_out = format->probe(&probe);
    }
    return status;
}

/* What a file that is no checkpoint may be, told by its first bytes. */
typedef struct stranger {
    tn_str magic;
    const char *what, *hint;
} stranger;

static const stranger strangers[] = {
    {{"version https://git-lfs", 23},
     "this is a Git LFS pointer, not the file itself",
     "fetch the real file first: git lfs pull"},
    {{"<!DOCTYPE", 9}, "this is an HTML page", "download the file again: the server sent a page"},
    {{"<!doctype", 9}, "this is an HTML page", "download the file again: the server sent a page"},
    {{"<html", 5}, "this is an HTML page", "download the file again: the server sent a page"},
    {{"<?xml", 5}, "this is an XML document", "download the file again: the server sent a message"},
    {{"\x1f\x8b", 2}, "this is a gzip archive", "unpack it first: tar xzf FILE"},
    {{"BZh", 3}, "this is a bzip2 archive", "unpack it first: tar xjf FILE"},
    {{"\xfd"
      "7zXZ",
      5},
     "this is an xz archive",
     "unpack it first: tar xJf FILE"},
    {{"PK\003\004", 4}, "this is a ZIP archive of a kind that tenon does not read", NULL},
    {{"\x80\x02", 2}, "this looks like a Python pickle, which tenon never executes", NULL},
};

/* Finds what the file's first bytes say that it is; NULL: nothing known. */
static tn_status find_stranger(tn_source *source, const stranger **found_out, tn_error *err)
{
    char head[64];
    uint64_t size = tni_source_size(source);
    size_t len = size < sizeof head ? (size_t)size : sizeof head;
    tn_status status = tni_source_read(source, 0, head, len, err);
    const stranger *found = NULL;
    for (size_t i = 0; status == TN_OK && i < sizeof strangers / sizeof strangers[0]; i++) {
        if (found == NULL && tn_str_starts((tn_str){head, len}, strangers[i].magic)) {
            found = &strangers[i];
        }
    }
    if (status == TN_OK) {
        *found_out = found;
    }
    return status;
}

tn_status tni_probe_stranger(tn_source *source, bool *is_out, tn_error *err)
{
    const stranger *found;
    tn_status status = find_stranger(source, &found, err);
    if (status == TN_OK) {
        *is_out = found != NULL;
    }
    return status;
}

tn_status tni_fail_unknown(tn_source *source, tn_error *err)
{
    const stranger *found;
    tn_status status = find_stranger(source, &found, err);
    if (status != TN_OK) {
        return status;
    }
    bool empty = tni_source_size(source) == 0;
    const char *what = empty ? "the file is empty" : "no reader knows this file";
    const char *hint = empty ? "get the file again: it was not copied or downloaded whole"
                             : "name the format if you know it: --from FORMAT (tenon formats lists "
                               "them)";
    status = tni_fail(err, TN_E_UNKNOWN_FORMAT, "%s", found != NULL ? found->what : what);
    hint = found != NULL ? found->hint : hint;
    tni_error_path(err, tni_source_path(source));
    if (hint != NULL) {
        tni_error_hint(err, "%s", hint);
    }
    return status;
}
