/* tenon graph resolve. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/graph.h"
#include "cli/json.h"
#include "cli/print.h"
#include <tenon/pattern.h>

static bool is_pattern(const char *argument)
{
    return strpbrk(argument, "*{") != NULL;
}

/* Tells whether TensorFlow would find something by the name. */
static bool fits(const tn_resolution *r)
{
    return r->as_tensor == TN_GRAPH_FITS || r->as_operation == TN_GRAPH_FITS;
}

/* Names of operations or tensors that match a pattern; the caller frees each and the list. */
typedef struct matches {
    char **at;
    size_t count, room;
} matches;

static void add_match(matches *m, tn_str name)
{
    if (m->count == m->room) {
        m->room = m->room * 2 + 16;
        m->at = memory(realloc(m->at, m->room * sizeof *m->at));
    }
    m->at[m->count] = memory(malloc(name.len + 1));
    memcpy(m->at[m->count], name.data, name.len);
    m->at[m->count++][name.len] = '\0';
}

static void clear_matches(matches *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->at[i]);
    }
    free(m->at);
}

/* Adds those of one operation's names that the pattern matches. */
static void match_operation(matches *m, const tn_operation *operation, const tn_pattern *pattern,
                            bool tensors)
{
    if (!tensors && tn_pattern_matches(pattern, operation->name)) {
        add_match(m, operation->name);
    }
    for (size_t i = 0; tensors && i < operation->n_outputs; i++) {
        char *name = text_format("%.*s:%zu", (int)operation->name.len, operation->name.data, i);
        if (tn_pattern_matches(pattern, tn_str_of(name))) {
            add_match(m, tn_str_of(name));
        }
        free(name);
    }
}

static tn_status match_all(cli_state *cli, tn_graph *graph, size_t meta, const char *text,
                           matches *m, tn_error *err)
{
    tn_pattern *pattern;
    bool tensors = strchr(text, ':') != NULL;
    size_t count = tn_graph_at(graph, meta).n_own;
    tn_status status = tn_pattern_new(cli->ctx, text, &pattern, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tn_operation operation;
        status = tn_graph_operation(graph, meta, i, &operation, err);
        if (status == TN_OK) {
            match_operation(m, &operation, pattern, tensors);
        }
    }
    tn_pattern_free(pattern);
    return status;
}

static void json_why(tn_json_out *out, tn_graph_why why)
{
    tn_json_key(out, "ok");
    if (why == TN_GRAPH_UNKNOWN_OP) {
        tn_json_null(out);
    } else {
        tn_json_bool(out, why == TN_GRAPH_FITS);
    }
    if (why != TN_GRAPH_FITS) {
        tn_json_key(out, "why");
        tn_json_text(out, tn_graph_why_word(why));
    }
}

static void json_tensor_answer(tn_json_out *out, const tn_resolution *r)
{
    tn_json_key(out, "tensor");
    tn_json_object(out);
    json_why(out, r->as_tensor);
    if (r->as_tensor == TN_GRAPH_FITS) {
        tn_json_key(out, "operation");
        tn_json_str(out, r->operation);
        tn_json_key(out, "output");
        tn_json_i64(out, r->output);
        tn_json_key(out, "dtype");
        json_dtype(out, r->tensor.dtype);
        tn_json_key(out, "shape");
        if (r->has_shape) {
            json_shape(out, r->tensor.rank, r->tensor.shape);
        } else {
            tn_json_null(out);
        }
    }
    tn_json_object_end(out);
    tn_json_key(out, "operation");
    tn_json_object(out);
    json_why(out, r->as_operation);
    tn_json_object_end(out);
}

static void json_query(tn_json_out *out, const tn_resolution *r, const char *pattern)
{
    tn_json_object(out);
    tn_json_key(out, "query");
    tn_json_str(out, r->query);
    if (pattern != NULL) {
        tn_json_key(out, "pattern");
        tn_json_text(out, pattern);
    }
    json_tensor_answer(out, r);
    tn_json_key(out, "kind");
    tn_json_text(out, tn_graph_kind_word(r->kind));
    tn_json_key(out, "value");
    if (r->value_name.data == NULL) {
        tn_json_null(out);
    } else {
        tn_json_object(out);
        json_name(out, r->value_name);
        tn_json_key(out, "key");
        tn_json_str(out, r->value_key);
        tn_json_object_end(out);
    }
    tn_json_key(out, "members");
    graph_json_words(out, r->members, r->n_members);
    tn_json_key(out, "state");
    graph_json_words(out, r->state, r->n_state);
    tn_json_key(out, "inputs");
    graph_json_words(out, r->inputs, r->n_inputs);
    tn_json_key(out, "candidates");
    graph_json_words(out, r->candidates, r->n_candidates);
    tn_json_key(out, "message");
    tn_json_str(out, r->message);
    tn_json_object_end(out);
}

static void print_words(const char *head, const tn_str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? head : ", ", stdout);
        print_escaped(stdout, words[i]);
    }
    if (count > 0) {
        fputc('\n', stdout);
    }
}

static void print_query(const tn_resolution *r, const char *path)
{
    print_escaped(stdout, r->query);
    fputs(": ", stdout);
    print_escaped(stdout, r->message);
    if (r->as_tensor == TN_GRAPH_FITS) {
        const char *dtype =
            r->tensor.dtype == TN_DTYPE_NONE ? "resource" : tn_dtype_about(r->tensor.dtype)->name;
        printf(": %s", dtype);
        if (r->has_shape) {
            char *shape = text_shape(r->tensor.rank, r->tensor.shape);
            printf(" %s", shape);
            free(shape);
        }
    }
    fputc('\n', stdout);
    if (r->value_name.data != NULL) {
        fputs("  value: tenon get ", stdout);
        print_escaped(stdout, tn_str_of(path));
        fputc(' ', stdout);
        print_escaped(stdout, r->value_name);
        fputc('\n', stdout);
    }
    print_words("  members: ", r->members, r->n_members);
    print_words("  state: ", r->state, r->n_state);
    if (r->kind == TN_GRAPH_INTERMEDIATE) {
        print_words("  inputs: ", r->inputs, r->n_inputs);
    }
    print_words(r->operation.data == NULL ? "  near: " : "  outputs: ", r->candidates,
                r->n_candidates);
}

/* Resolves one name and tells it. */
static tn_status tell(cli_state *cli, tn_graph *graph, size_t meta, const char *name,
                      const char *pattern, tn_error *err)
{
    tn_resolution r;
    tn_status status = tn_graph_resolve(graph, meta, tn_str_of(name), &r, err);
    if (status != TN_OK) {
        return status;
    }
    if (!fits(&r) && r.kind != TN_GRAPH_COLLECTION && r.kind != TN_GRAPH_SIGNATURE) {
        cli->answer = 1;
    }
    if (cli->json) {
        json_query(&cli->document, &r, pattern);
    } else {
        print_query(&r, cli->command.arguments[1]);
    }
    return TN_OK;
}

/* Tells what each argument is. */
static tn_status tell_all(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 2; status == TN_OK && i < cli->command.n_arguments; i++) {
        const char *argument = cli->command.arguments[i];
        matches m = {0};
        if (!is_pattern(argument)) {
            status = tell(cli, graph, meta, argument, NULL, err);
            continue;
        }
        status = match_all(cli, graph, meta, argument, &m, err);
        for (size_t k = 0; status == TN_OK && k < m.count; k++) {
            status = tell(cli, graph, meta, m.at[k], argument, err);
        }
        if (status == TN_OK && m.count == 0) {
            cli->answer = 1;
            if (!cli->json) {
                printf("%s: nothing matches\n", argument);
            }
        }
        clear_matches(&m);
    }
    return status;
}

/* Finds the first argument that fits: *found_out is memory of the caller's, or NULL. */
static tn_status find_first(cli_state *cli, tn_graph *graph, size_t meta, char **found_out,
                            tn_error *err)
{
    tn_status status = TN_OK;
    *found_out = NULL;
    for (size_t i = 2; status == TN_OK && i < cli->command.n_arguments; i++) {
        const char *argument = cli->command.arguments[i];
        tn_resolution r;
        matches m = {0};
        if (is_pattern(argument)) {
            status = match_all(cli, graph, meta, argument, &m, err);
        } else if ((status = tn_graph_resolve(graph, meta, tn_str_of(argument), &r, err)) ==
                       TN_OK &&
                   fits(&r)) {
            add_match(&m, r.query);
        }
        if (status == TN_OK && m.count > 1) {
            status = cli_fail(err, TN_E_NO_SUCH_NAME, "'%s' means several: %s, %s", argument,
                              m.at[0], m.at[1]);
        } else if (status == TN_OK && m.count == 1) {
            *found_out = memory(strdup(m.at[0]));
        }
        clear_matches(&m);
        if (*found_out != NULL) {
            break;
        }
    }
    return status;
}

static tn_status print_first(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err)
{
    char *found;
    tn_status status = find_first(cli, graph, meta, &found, err);
    if (status != TN_OK) {
        return status;
    }
    if (found == NULL) {
        return cli_fail(err, TN_E_NO_SUCH_NAME, "none of these names fits");
    }
    if (cli->json) {
        status = tell(cli, graph, meta, found, NULL, err);
    } else {
        print_escaped(stdout, tn_str_of(found));
        fputc('\n', stdout);
    }
    free(found);
    return status;
}

tn_status graph_resolve(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err)
{
    if (cli->json) {
        tn_json_out *out = json_begin(cli);
        graph_json_nulls(out, "operations collections functions frozen candidates");
        tn_json_key(out, "queries");
        tn_json_array(out);
    }
    tn_status status =
        cli->set->first ? print_first(cli, graph, meta, err) : tell_all(cli, graph, meta, err);
    if (cli->json) {
        tn_json_array_end(&cli->document);
    }
    return status;
}
