#include <stdlib.h>
#include <string.h>

#include "cli/ls_text.h"
#include "cli/print.h"

enum { DEEPEST = 64 }; /* deeper levels are not indented further */

static void indent(unsigned depth)
{
    printf("%*s", 2 * (int)(depth < DEEPEST ? depth : DEEPEST), "");
}

static tn_str name_at(const cli_choice *choice, size_t n)
{
    return choice_name(choice, n);
}

/* Names are paths with '/', or with '.' where no name has a '/'. */
static char separator_of(const cli_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++) {
        tn_str name = name_at(choice, i);
        if (name.len > 0 && memchr(name.data, '/', name.len) != NULL) {
            return '/';
        }
    }
    return '.';
}

/* Finds the end of the component that begins at `at`: behind its separator, or the name's end. */
static size_t component_end(tn_str name, size_t at, char separator)
{
    const char *found = at < name.len ? memchr(name.data + at, separator, name.len - at) : NULL;
    return found == NULL ? name.len : (size_t)(found - name.data) + 1;
}

static bool has_folder(tn_str name, size_t end, char separator)
{
    return end > 0 && end < name.len && name.data[end - 1] == separator;
}

/* Prints one folder with what lies below it. */
static void print_folder(const cli_state *cli, const cli_choice *choice, size_t first, size_t at,
                         size_t end, unsigned depth)
{
    tn_str head = tn_str_first(name_at(choice, first), end);
    uint64_t bytes = 0;
    size_t count = 0;
    while (first + count < choice->count && tn_str_starts(name_at(choice, first + count), head)) {
        bytes += choice_at(choice, first + count++)->bytes;
    }
    char total[TN_NUMBER_ROOM];
    tn_bytes_text(bytes, total);
    char *tensors = text_count(count, "tensor");
    indent(depth);
    fputs(paint_start(cli->color_out, PAINT_HEAD), stdout);
    print_escaped(stdout, tn_str_skip(head, at));
    printf("%s  %s, %s\n", paint_start(cli->color_out, PAINT_PLAIN), tensors, total);
    free(tensors);
}

static void print_leaf(const cli_state *cli, const tn_tensor *tensor, tn_str component,
                       unsigned depth)
{
    char *shape = text_tensor_shape(tensor);
    indent(depth);
    fputs(paint_start(cli->color_out, PAINT_NAME), stdout);
    print_escaped(stdout, component);
    printf("%s  %s %s\n", paint_start(cli->color_out, PAINT_PLAIN),
           tn_dtype_about(tensor->dtype)->name, shape);
    free(shape);
}

void ls_tree(const cli_state *cli, const cli_choice *choice)
{
    char separator = separator_of(choice);
    tn_str before = {"", 0};
    for (size_t i = 0; i < choice->count; i++) {
        tn_str name = name_at(choice, i);
        unsigned depth = 0;
        size_t at = 0, end = component_end(name, 0, separator);
        bool shared = true; /* the folders so far have been printed */
        while (has_folder(name, end, separator)) {
            shared = shared && before.len > end && memcmp(name.data, before.data, end) == 0;
            if (!shared) {
                print_folder(cli, choice, i, at, end, depth);
            }
            depth++;
            at = end;
            end = component_end(name, at, separator);
        }
        print_leaf(cli, choice_at(choice, i), tn_str_skip(name, at), depth);
        before = name;
    }
}
