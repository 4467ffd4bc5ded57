/* tenon formats: what can be read and written. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"

static void json_words(tn_json_out *out, const char *key, const char *const *words)
{
    tn_json_key(out, key);
    tn_json_array(out);
    for (; words != NULL && *words != NULL; words++) {
        tn_json_text(out, *words);
    }
    tn_json_array_end(out);
}

/* Writes how each dtype is written: "as is", "as int8", "refused". */
static void json_dtypes(tn_json_out *out, size_t index, bool writes)
{
    tn_json_object(out);
    for (int dtype = TN_DTYPE_NONE + 1; writes && dtype < TN_DTYPE_COUNT; dtype++) {
        tn_format_dtype how = tn_format_stores(index, (tn_dtype)dtype);
        tn_json_key(out, tn_dtype_about((tn_dtype)dtype)->name);
        if (!how.stored) {
            tn_json_text(out, "refused");
        } else if (how.as == how.dtype) {
            tn_json_text(out, "as is");
        } else {
            char *text = text_format("as %s", tn_dtype_about(how.as)->name);
            tn_json_text(out, text);
            free(text);
        }
    }
    tn_json_object_end(out);
}

static void print_json(cli_state *cli)
{
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "formats");
    tn_json_array(out);
    for (size_t i = 0; i < tn_format_count(); i++) {
        tn_format_info info = tn_format_at(i);
        tn_json_object(out);
        tn_json_key(out, "name");
        tn_json_text(out, info.name);
        tn_json_key(out, "title");
        tn_json_text(out, info.title);
        json_words(out, "extensions", info.extensions);
        tn_json_key(out, "reads");
        tn_json_bool(out, info.reads);
        tn_json_key(out, "writes");
        tn_json_bool(out, info.writes);
        tn_json_key(out, "dtypes");
        json_dtypes(out, i, info.writes);
        json_words(out, "notes", info.notes);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
}

/* Makes `.h5 .hdf5`. */
static char *joined(const char *const *words)
{
    char *text = text_format("%s", "");
    for (; words != NULL && *words != NULL; words++) {
        char *longer = text_format("%s%s%s", text, *text == '\0' ? "" : " ", *words);
        free(text);
        text = longer;
    }
    return text;
}

static void print_table(const cli_state *cli)
{
    static const char *const heads[] = {"name", "reads", "writes", "extensions", "title"};
    cli_table table;
    table_init(&table, "lllll");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        table_text(&table, heads[i]);
    }
    table.headed = true;
    for (size_t i = 0; i < tn_format_count(); i++) {
        tn_format_info info = tn_format_at(i);
        table_text(&table, info.name);
        table_text(&table, info.reads ? "yes" : "no");
        table_text(&table, info.writes ? "yes" : "no");
        table_add(&table, joined(info.extensions));
        table_text(&table, info.title);
    }
    table_print(&table, stdout, 0, 0, cli->color_out);
    table_clear(&table);
}

/* Prints the dtypes that a format refuses, and its limits. */
static void print_notes(size_t index)
{
    tn_format_info info = tn_format_at(index);
    const char *before = "  refuses to write ";
    bool any = false;
    for (int dtype = TN_DTYPE_NONE + 1; info.writes && dtype < TN_DTYPE_COUNT; dtype++) {
        if (!tn_format_stores(index, (tn_dtype)dtype).stored) {
            printf("%s%s%s", any ? "" : "\n", any ? "" : info.name, any ? "" : "\n");
            printf("%s%s", before, tn_dtype_about((tn_dtype)dtype)->name);
            before = ", ";
            any = true;
        }
    }
    fputs(any ? "\n" : "", stdout);
    for (const char *const *note = info.notes; note != NULL && *note != NULL; note++) {
        if (!any) {
            printf("\n%s\n", info.name);
            any = true;
        }
        printf("  %s\n", *note);
    }
}

tn_status cmd_formats(cli_state *cli, tn_error *err)
{
    (void)err;
    if (cli->json) {
        print_json(cli);
        return TN_OK;
    }
    print_table(cli);
    for (size_t i = 0; i < tn_format_count(); i++) {
        print_notes(i);
    }
    return TN_OK;
}
