/* tenon check: would a restore fit. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"

enum { GROUP_CAP = 12 }; /* findings of a group that a terminal gets */

static const struct {
    const char *code, *title;
} kinds[] = {
    {"no-overlap", "nothing in common"},
    {"optimizer", "refused by the program"},
    {"missing", "missing in the file"},
    {"shape", "other shapes"},
    {"dtype", "other dtypes"},
    {"unexpected", "not wanted"},
    {NULL, "notes"}, /* all others */
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void put_pair(tn_json_out *out, const char *key, uint64_t matched, uint64_t wanted)
{
    tn_json_key(out, key);
    tn_json_object(out);
    tn_json_key(out, "matched");
    tn_json_u64(out, matched);
    tn_json_key(out, "wanted");
    tn_json_u64(out, wanted);
    tn_json_object_end(out);
}

static void put_counts(tn_json_out *out, const tn_checked *checked)
{
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {{"matched", checked->matched},
                  {"missing", checked->missing},
                  {"mismatched", checked->mismatched},
                  {"unexpected", checked->unexpected}};
    tn_json_key(out, "loader");
    tn_json_text(out, tn_loader_name(checked->loader));
    tn_json_key(out, "mode");
    tn_json_text(out, tn_check_mode_name(checked->mode));
    tn_json_key(out, "counts");
    tn_json_object(out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        tn_json_key(out, counts[i].key);
        tn_json_u64(out, counts[i].count);
    }
    tn_json_object_end(out);
    tn_json_key(out, "coverage");
    tn_json_object(out);
    put_pair(out, "tensors", checked->matched, checked->wanted);
    put_pair(out, "bytes", checked->matched_bytes, checked->wanted_bytes);
    tn_json_object_end(out);
}

static void print_json(cli_state *cli, const tn_checked *checked, const tn_report *report)
{
    for (size_t i = 0; cli->set->jsonl && i < tn_report_count(report); i++) {
        tn_json_out line;
        tn_json_start(&line, stdout, false);
        json_finding(&line, tn_report_at(report, i));
        fputc('\n', stdout);
    }
    tn_json_out *out = json_begin(cli);
    put_counts(out, checked);
    if (!cli->set->jsonl) {
        tn_json_key(out, "findings");
        tn_json_array(out);
        json_findings(out, report);
        tn_json_array_end(out);
    }
}

/* The part of a name by which findings are grouped: its first component with the slash, if there
 * are more. */
static tn_str group_of(const tn_finding *finding)
{
    const char *slash =
        finding->name.len == 0 ? NULL : memchr(finding->name.data, '/', finding->name.len);
    return tn_str_first(finding->name,
                        slash == NULL ? 0 : (size_t)(slash - finding->name.data) + 1);
}

static void print_form(const tn_form *form)
{
    if (form->has) {
        char *shape = form->any_shape ? text_format("[…]") : text_shape(form->rank, form->shape);
        printf(" %s %s", tn_dtype_about(form->dtype)->name, shape);
        free(shape);
    }
}

/* Prints one finding: the name, what is wanted, what the file has. */
static void print_finding(const cli_state *cli, const tn_finding *finding)
{
    if (finding->name.data == NULL) {
        printf("    %.*s\n", (int)finding->message.len, finding->message.data);
        return;
    }
    printf("    %s", paint_start(cli->color_out, PAINT_NAME));
    print_escaped(stdout, finding->name);
    fputs(paint_start(cli->color_out, PAINT_PLAIN), stdout);
    print_form(finding->expected.has ? &finding->expected : &finding->found);
    printf(": %.*s", (int)finding->message.len, finding->message.data);
    if (finding->expected.has && finding->found.has) {
        fputs(",", stdout);
        print_form(&finding->found);
        if (!tn_str_equal(finding->name, finding->other)) {
            fputs(" of ", stdout);
            print_escaped(stdout, finding->other);
        }
    }
    fputc('\n', stdout);
}

static size_t kind_of(const tn_finding *finding)
{
    size_t kind = 0;
    while (kind + 1 < KINDS && strcmp(finding->code, kinds[kind].code) != 0) {
        kind++;
    }
    return kind;
}

/* Orders findings by kind, then group, then as they came. */
static int by_group(const void *a, const void *b, void *user)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const tn_finding *one = tn_report_at(user, x), *other = tn_report_at(user, y);
    size_t k = kind_of(one), l = kind_of(other);
    int order = (k > l) - (k < l);
    order = order != 0 ? order : tn_natural_compare(group_of(one), group_of(other));
    return order != 0 ? order : (x > y) - (x < y);
}

/* Prints the findings of one kind and group. */
static void print_group(const cli_state *cli, const tn_report *report, const size_t *at,
                        size_t count)
{
    tn_str group = group_of(tn_report_at(report, at[0]));
    size_t shown = cli->terminal && count > GROUP_CAP ? GROUP_CAP : count;
    if (group.len > 0) {
        fputs("  ", stdout);
        print_escaped(stdout, group);
        printf(" (%zu)\n", count);
    }
    for (size_t i = 0; i < shown; i++) {
        print_finding(cli, tn_report_at(report, at[i]));
    }
    if (shown < count) {
        printf("    and %zu more\n", count - shown);
    }
}

/* Prints the findings of one kind by groups. */
static void print_kind(const cli_state *cli, const tn_report *report, const size_t *at,
                       size_t count)
{
    size_t kind = kind_of(tn_report_at(report, at[0]));
    bool note = true;
    for (size_t i = 0; i < count; i++) {
        note = note && tn_report_at(report, at[i])->severity == TN_SEVERITY_NOTE;
    }
    printf("%s%s (%zu)%s%s\n", paint_start(cli->color_out, PAINT_HEAD), kinds[kind].title, count,
           note && kinds[kind].code != NULL ? ", which this mode allows" : "",
           paint_start(cli->color_out, PAINT_PLAIN));
    for (size_t i = 0, end; i < count; i = end) {
        tn_str group = group_of(tn_report_at(report, at[i]));
        end = i + 1;
        while (end < count && tn_str_equal(group_of(tn_report_at(report, at[end])), group)) {
            end++;
        }
        print_group(cli, report, at + i, end - i);
    }
}

static void print_findings(const cli_state *cli, const tn_report *report)
{
    size_t count = tn_report_count(report);
    size_t *order = memory(malloc((count + 1) * sizeof *order));
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    qsort_r(order, count, sizeof *order, by_group, (void *)(uintptr_t)report);
    for (size_t i = 0, end; i < count; i = end) {
        size_t kind = kind_of(tn_report_at(report, order[i]));
        end = i + 1;
        while (end < count && kind_of(tn_report_at(report, order[end])) == kind) {
            end++;
        }
        print_kind(cli, report, order + i, end - i);
    }
    free(order);
}

/* A rename, and the findings that it repairs. */
typedef struct repair {
    tn_str rule;
    size_t first, count;
} repair;

static int by_rule(const void *a, const void *b)
{
    const repair *x = a, *y = b;
    int order = tn_str_compare(x->rule, y->rule);
    return order != 0 ? order : (x->first > y->first) - (x->first < y->first);
}

static int by_first(const void *a, const void *b)
{
    const repair *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Prints the renames that would repair what is missing, each once with how much it repairs. */
static void print_repairs(const cli_state *cli, const tn_report *report)
{
    repair *all = memory(calloc(tn_report_count(report) + 1, sizeof *all));
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < tn_report_count(report); i++) {
        const tn_finding *finding = tn_report_at(report, i);
        if (finding->rule.data != NULL && strcmp(finding->code, "missing") == 0) {
            all[count++] = (repair){finding->rule, i, 1};
        }
    }
    qsort(all, count, sizeof *all, by_rule);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && tn_str_equal(all[kept - 1].rule, all[i].rule)) {
            all[kept - 1].count++;
        } else {
            all[kept++] = all[i];
        }
    }
    qsort(all, kept, sizeof *all, by_first);
    if (kept > 0) {
        printf("%srepairs%s\n", paint_start(cli->color_out, PAINT_HEAD),
               paint_start(cli->color_out, PAINT_PLAIN));
    }
    for (size_t i = 0; i < kept; i++) {
        char *findings = text_count(all[i].count, "finding");
        printf("  %.*s  (%s)\n", (int)all[i].rule.len, all[i].rule.data, findings);
        free(findings);
    }
    free(all);
}

static void print_text(const cli_state *cli, const tn_checked *checked, const tn_report *report)
{
    char matched[TN_NUMBER_ROOM], wanted[TN_NUMBER_ROOM];
    tn_bytes_text(checked->matched_bytes, matched);
    tn_bytes_text(checked->wanted_bytes, wanted);
    printf("%s%s%s: restored by %s, mode %s\n",
           paint_start(cli->color_out, checked->fits ? PAINT_HEAD : PAINT_BAD),
           checked->fits ? "fits" : "does not fit", paint_start(cli->color_out, PAINT_PLAIN),
           tn_loader_name(checked->loader), tn_check_mode_name(checked->mode));
    printf("%llu of %llu wanted tensors, %s of %s\n", (unsigned long long)checked->matched,
           (unsigned long long)checked->wanted, matched, wanted);
    print_findings(cli, report);
    print_repairs(cli, report);
}

/* Reads --loader and --mode, whose words the parser has checked. */
static void read_choices(const cli_settings *set, tn_check_options *options)
{
    static const char *const modes[] = {"fits", "consumed", "existing", "nontrivial", "partial"};
    if (set->loader != NULL) {
        options->loader = strcmp(set->loader, "names") == 0 ? TN_LOADER_NAMES : TN_LOADER_OBJECTS;
    }
    for (int i = 0; set->mode != NULL && i < (int)(sizeof modes / sizeof *modes); i++) {
        if (strcmp(set->mode, modes[i]) == 0) {
            options->mode = (tn_check_mode)i;
        }
    }
}

/* Opens what the program wants, which is no argument but the value of --against. */
static tn_status open_against(cli_state *cli, const tn_model **model_out, tn_error *err)
{
    if (cli->set->against == NULL) {
        tn_status status = cli_fail(err, TN_E_USAGE, "check needs --against PATH");
        cli_hint(err, "PATH is what the program wants: a checkpoint of it, or a names-and-shapes "
                      "list");
        return status;
    }
    bool input = strcmp(cli->set->against, "-") == 0; /* only a list may come from there */
    return cli_open_path(cli, input ? "names_list:-" : cli->set->against, model_out, err);
}

static tn_status run(cli_state *cli, tn_report *report, tn_error *err)
{
    const cli_settings *set = cli->set;
    const tn_model *a = NULL, *b = NULL;
    tn_checked checked = {0};
    tn_check_options options = {.only = set->only.items,
                                .n_only = set->only.count,
                                .drop = set->drop.items,
                                .n_drop = set->drop.count,
                                .weights_only = set->weights_only,
                                .ignore_unmatch = set->ignore_unmatch,
                                .has_scheme = set->scheme != NULL,
                                .rules = set->rules.items,
                                .n_rules = set->rules.count,
                                .vars = set->vars.items,
                                .n_vars = set->vars.count,
                                .inputs = set->inputs.items,
                                .n_inputs = set->inputs.count,
                                .rename = set->rename.items,
                                .n_rename = set->rename.count};
    read_choices(set, &options);
    tn_status status = cli_scheme(cli, &options.scheme, err);
    if (status == TN_OK && set->against != NULL) {
        status = cli_open(cli, 0, &a, err);
    }
    if (status == TN_OK) {
        status = open_against(cli, &b, err);
    }
    if (status == TN_OK) {
        status = tn_check(a, b, &options, report, &checked, err);
    }
    if (status != TN_OK) {
        return status;
    }
    cli->answer = !checked.fits;
    if (cli->json) {
        print_json(cli, &checked, report);
    } else if (!set->quiet) {
        print_text(cli, &checked, report);
    }
    return TN_OK;
}

tn_status cmd_check(cli_state *cli, tn_error *err)
{
    tn_report *report = memory(tn_report_new(cli->ctx));
    tn_status status = run(cli, report, err);
    tn_report_free(report);
    return status;
}
