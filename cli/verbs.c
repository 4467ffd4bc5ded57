#include "cli/verbs.h"
#include "cli/graph.h"

#include <string.h>

static const cli_option no_options[] = {{0}};

#define SCHEME_OPTION                                                                   \
    {                                                                                   \
        .name = "scheme", .kind = OPTION_CHOICE, .value = "name|key|object|full|order", \
        .help = "which of a tensor's names is printed, matched and written",            \
        .place = offsetof(cli_settings, scheme)                                         \
    }
#define WEIGHTS_ONLY_OPTION                                                                  \
    {                                                                                        \
        .name = "weights-only", .kind = OPTION_FLAG,                                         \
        .help = "variables only: no slots, no state, no counters",                           \
        .also = "no-optimizer skip-optimizer", .place = offsetof(cli_settings, weights_only) \
    }
#define CHOOSING_OPTIONS                                      \
    {.name = "only",                                          \
     .kind = OPTION_LIST,                                     \
     .value = "PATTERN",                                      \
     .help = "keep these tensors; may be repeated",           \
     .also = "include keep filter",                           \
     .place = offsetof(cli_settings, only)},                  \
        {.name = "drop",                                      \
         .kind = OPTION_LIST,                                 \
         .value = "PATTERN",                                  \
         .help = "leave these tensors out; may be repeated",  \
         .also = "exclude skip without",                      \
         .place = offsetof(cli_settings, drop)},              \
        WEIGHTS_ONLY_OPTION,                                  \
    {                                                         \
        .name = "ignore-unmatch", .kind = OPTION_FLAG,        \
        .help = "a pattern that matches nothing is no error", \
        .place = offsetof(cli_settings, ignore_unmatch)       \
    }

#define RULE_VALUES                                                                \
    {.name = "var",                                                                \
     .kind = OPTION_LIST,                                                          \
     .value = "NAME=VALUE",                                                        \
     .help = "the value of a variable that a rule file declares",                  \
     .also = "set define D",                                                       \
     .place = offsetof(cli_settings, vars)},                                       \
    {                                                                              \
        .name = "input", .kind = OPTION_LIST, .value = "NAME=PATH",                \
        .help = "a further input that a rule file asks for", .also = "with-input", \
        .place = offsetof(cli_settings, inputs)                                    \
    }

#define RULE_OPTIONS                                                                              \
    {.name = "rename",                                                                            \
     .kind = OPTION_LIST,                                                                         \
     .value = "FROM=TO",                                                                          \
     .help = "rename a tensor, a pattern with holes, or a subtree (my_model/=/)",                 \
     .also = "map mv substitute prefix strip-prefix add-prefix scope",                            \
     .place = offsetof(cli_settings, rename)},                                                    \
        {.name = "rules",                                                                         \
         .kind = OPTION_LIST,                                                                     \
         .value = "FILE",                                                                         \
         .help = "a rule file, a flat YAML map of old: new, or preset:NAME; - is standard input", \
         .also = "rule mapping map-file yaml",                                                    \
         .place = offsetof(cli_settings, rules)},                                                 \
        RULE_VALUES

static const cli_option ls_options[] = {
    {.name = "name-only",
     .kind = OPTION_FLAG,
     .help = "one raw name a line and nothing else (stable)",
     .also = "names",
     .place = offsetof(cli_settings, name_only)},
    {.name = "null",
     .letter = '0',
     .kind = OPTION_FLAG,
     .help = "raw names, each ended by a NUL byte (stable)",
     .also = "print0 zero",
     .place = offsetof(cli_settings, null)},
    {.name = "tree",
     .kind = OPTION_FLAG,
     .help = "names as a tree of their components",
     .place = offsetof(cli_settings, tree)},
    {.name = "sort",
     .kind = OPTION_CHOICE,
     .value = "name|size|file",
     .help = "natural order of names; largest first; place in the files",
     .also = "order",
     .place = offsetof(cli_settings, sort)},
    {.name = "all",
     .kind = OPTION_FLAG,
     .help = "metadata and hidden constants too; with --scheme key twins as well",
     .place = offsetof(cli_settings, all)},
    WEIGHTS_ONLY_OPTION,
    {.name = "stats",
     .kind = OPTION_FLAG,
     .help = "min, max, mean, NaN, Inf, zeros (reads the values)",
     .also = "statistics",
     .place = offsetof(cli_settings, stats)},
    {.name = "style",
     .kind = OPTION_CHOICE,
     .value = "tf",
     .help = "the lines of TensorFlow's CheckpointReader.debug_string (stable)",
     .place = offsetof(cli_settings, style)},
    SCHEME_OPTION,
    {0},
};

static const char *const ls_examples[] = {
    "tenon ls model.safetensors",
    "all tensors with dtype, shape and bytes",
    "tenon ls ckpt/train-1 '**/kernel'",
    "those whose last component is kernel",
    "tenon ls --sort size model.safetensors | head -5",
    "the five largest, tab-separated: name, dtype, shape, bytes",
    "tenon ls --name-only -0 model.safetensors | xargs -0 -n1 echo",
    "names for a script, whatever bytes they hold",
    NULL,
};

static const cli_option show_options[] = {
    {.name = "objects",
     .kind = OPTION_FLAG,
     .help = "the tree of TensorFlow's object graph",
     .also = "graph tree",
     .place = offsetof(cli_settings, objects)},
    {.name = "metadata",
     .kind = OPTION_FLAG,
     .help = "all metadata, not only how much there is",
     .place = offsetof(cli_settings, metadata)},
    {.name = "style",
     .kind = OPTION_CHOICE,
     .value = "tf",
     .help = "the lines of `saved_model_cli show --all` (stable)",
     .place = offsetof(cli_settings, style)},
    {0},
};

static const char *const show_examples[] = {
    "tenon show ckpt/train-1",
    "format, layout, files, totals by role",
    "tenon show --metadata model.safetensors",
    "and what the file says about itself",
    "tenon show --style tf saved/",
    "a SavedModel's signatures and functions, as saved_model_cli prints them",
    NULL,
};

static const cli_option get_options[] = {
    {.name = "as",
     .kind = OPTION_CHOICE,
     .value = "text|npy|npz|raw|json",
     .help = "form of the values (default: by the name of -o FILE, else text)",
     .also = "format",
     .place = offsetof(cli_settings, as)},
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "write there; an old FILE is replaced as a whole; - is stdout",
     .also = "out",
     .place = offsetof(cli_settings, output)},
    {.name = "slice",
     .kind = OPTION_TEXT,
     .value = "SPEC",
     .help = "a part, as NumPy's basic slicing: 0:3,:,-1",
     .place = offsetof(cli_settings, slice)},
    {.name = "cast",
     .kind = OPTION_TEXT,
     .value = "DTYPE",
     .help = "as another dtype; floating tensors, others only when NAME names them",
     .also = "dtype astype",
     .place = offsetof(cli_settings, cast)},
    {.name = "keras-order",
     .kind = OPTION_FLAG,
     .help = "as Keras's get_weights() lists them; NAMEs are layers",
     .place = offsetof(cli_settings, keras_order)},
    {.name = "full",
     .kind = OPTION_FLAG,
     .help = "print all values on a terminal too",
     .place = offsetof(cli_settings, full)},
    {.name = "no-checksum",
     .kind = OPTION_FLAG,
     .help = "do not check the stored checksum",
     .also = "no-verify",
     .place = offsetof(cli_settings, no_checksum)},
    SCHEME_OPTION,
    {0},
};

static const char *const get_examples[] = {
    "tenon get ckpt/train-1 global_step",
    "the bare value of a scalar",
    "tenon get model.safetensors dense/kernel --slice 0:3,-1",
    "rows 0 to 2 of the last column",
    "tenon get model.safetensors dense/kernel -o kernel.npy",
    "a file for numpy.load",
    "tenon get model.safetensors dense/kernel --cast float32 -o kernel.npy",
    "the same where NumPy has no such dtype, as bfloat16",
    NULL,
};

#define CONVERT_OPTIONS                                                                          \
    {.name = "to",                                                                               \
     .kind = OPTION_TEXT,                                                                        \
     .value = "FORMAT",                                                                          \
     .help = "format of OUT (default: by its name)",                                             \
     .also = "output-format format",                                                             \
     .place = offsetof(cli_settings, to)},                                                       \
        {.name = "layout",                                                                       \
         .kind = OPTION_TEXT,                                                                    \
         .value = "LAYOUT",                                                                      \
         .help = "names, objects (tf_checkpoint); graph, weights (saved_model); "                \
                 "legacy, keras3, plain (keras_h5)",                                             \
         .place = offsetof(cli_settings, layout)},                                               \
        CHOOSING_OPTIONS, RULE_OPTIONS, SCHEME_OPTION, TAGS_OPTION,                              \
        {.name = "cast",                                                                         \
         .kind = OPTION_LIST,                                                                    \
         .value = "[PATTERN=]DTYPE",                                                             \
         .help = "cast floating tensors, or any by its exact name; slots go along",              \
         .also = "dtype convert-dtype astype half",                                              \
         .place = offsetof(cli_settings, casts)},                                                \
        {.name = "like",                                                                         \
         .kind = OPTION_TEXT,                                                                    \
         .value = "PATH",                                                                        \
         .help = "write PATH's tensors and structure, with the values of IN",                    \
         .also = "template into target reference",                                               \
         .place = offsetof(cli_settings, like)},                                                 \
        {.name = "fill",                                                                         \
         .kind = OPTION_LIST,                                                                    \
         .value = "PATTERN",                                                                     \
         .help = "take from --like's PATH what IN has not, or has in another shape",             \
         .also = "init keep-missing",                                                            \
         .place = offsetof(cli_settings, fill)},                                                 \
        {.name = "max-shard-size",                                                               \
         .kind = OPTION_SIZE,                                                                    \
         .value = "SIZE",                                                                        \
         .help = "split OUT into files of at most this size",                                    \
         .also = "shard-size",                                                                   \
         .place = offsetof(cli_settings, max_shard_size)},                                       \
        {.name = "link",                                                                         \
         .kind = OPTION_FLAG,                                                                    \
         .help = "TensorFlow to TensorFlow: link data files that need no change, unread",        \
         .also = "hardlink reflink",                                                             \
         .place = offsetof(cli_settings, link)},                                                 \
        {.name = "skip-existing",                                                                \
         .kind = OPTION_FLAG,                                                                    \
         .help = "an OUT that already fits the plan is a success",                               \
         .also = "exist-ok",                                                                     \
         .place = offsetof(cli_settings, skip_existing)},                                        \
        {.name = "update-state",                                                                 \
         .kind = OPTION_FLAG,                                                                    \
         .help = "make OUT the latest in the `checkpoint` state file of its folder",             \
         .place = offsetof(cli_settings, update_state)},                                         \
    {                                                                                            \
        .name = "force", .letter = 'f', .kind = OPTION_FLAG, .help = "replace OUT if it exists", \
        .also = "overwrite replace", .place = offsetof(cli_settings, force)                      \
    }

static const cli_option convert_options[] = {
    CONVERT_OPTIONS,
    {.name = "dry-run",
     .letter = 'n',
     .kind = OPTION_FLAG,
     .help = "only print the plan",
     .also = "dryrun plan simulate",
     .place = offsetof(cli_settings, dry_run)},
    {0},
};

static const cli_option plan_options[] = {
    CONVERT_OPTIONS,
    {.name = "print-rules",
     .kind = OPTION_FLAG,
     .help = "print what the flags and rule files do, as rule files, and nothing else",
     .also = "show-rules",
     .place = offsetof(cli_settings, print_rules)},
    {0},
};

static const char *const convert_examples[] = {
    "tenon convert ckpt/train-1 model.safetensors --weights-only",
    "the variables without the optimizer's state",
    "tenon convert model.safetensors ckpt/new --to tf_checkpoint",
    "back into a TensorFlow checkpoint",
    "tenon convert model.safetensors served --to saved_model",
    "a SavedModel, which both of TensorFlow's loaders take",
    "tenon convert ckpt/train-1 ckpt/bare-1 --rename my_model/=/",
    "take a scope off every name; /=my_model/ adds one",
    "tenon convert old.ckpt new.ckpt --like fresh.ckpt --drop 'logits/**' --fill 'logits/**'",
    "old values in a fresh model, whose new last layer keeps its own",
    "tenon convert -n ckpt/train-1 model.safetensors",
    "only say what would be done",
    NULL,
};

static const char *const plan_examples[] = {
    "tenon plan ckpt/train-1 model.safetensors",
    "each tensor, what would be lost, and the memory it takes",
    "tenon plan ckpt/train-1 ckpt/bare-1 --rename my_model/=/ --print-rules",
    "the flags as a rule file",
    NULL,
};

static const cli_option verify_options[] = {
    {.name = "require-checksums",
     .kind = OPTION_FLAG,
     .help = "exit 1 where a tensor carries no checksum",
     .also = "strict",
     .place = offsetof(cli_settings, require_checksums)},
    {0},
};

static const char *const verify_examples[] = {
    "tenon verify ckpt/train-1 model.safetensors",
    "one verdict for each: proved, unproved or corrupt",
    NULL,
};

static const cli_option diff_options[] = {
    CHOOSING_OPTIONS,
    RULE_OPTIONS,
    SCHEME_OPTION,
    {.name = "atol",
     .kind = OPTION_REAL,
     .value = "X",
     .help = "values may differ by X + rtol * |b|",
     .also = "delta tolerance",
     .place = offsetof(cli_settings, atol),
     .given = offsetof(cli_settings, has_atol)},
    {.name = "rtol",
     .kind = OPTION_REAL,
     .value = "X",
     .help = "values may differ by atol + X * |b|",
     .also = "relative",
     .place = offsetof(cli_settings, rtol),
     .given = offsetof(cli_settings, has_rtol)},
    {.name = "ulp",
     .kind = OPTION_COUNT,
     .value = "N",
     .help = "values may be N representable numbers apart",
     .place = offsetof(cli_settings, ulp),
     .given = offsetof(cli_settings, has_ulp)},
    {.name = "no-values",
     .kind = OPTION_FLAG,
     .help = "compare names, dtypes and shapes only",
     .place = offsetof(cli_settings, no_values)},
    {0},
};

static const char *const diff_examples[] = {
    "tenon diff ckpt/train-1 model.safetensors",
    "bit by bit, across formats",
    "tenon diff ckpt/train-1 ckpt/bare-1 --rename my_model/=/",
    "through a rename of the first",
    "tenon diff a.safetensors b.safetensors --atol 1e-6",
    "with a tolerance",
    NULL,
};

static const cli_option check_options[] = {
    {.name = "against",
     .kind = OPTION_TEXT,
     .value = "PATH",
     .help = "what the program wants: a checkpoint of it, or a names-and-shapes list",
     .also = "expected wanted target",
     .place = offsetof(cli_settings, against)},
    {.name = "mode",
     .kind = OPTION_CHOICE,
     .value = "fits|consumed|existing|nontrivial|partial",
     .help = "what counts as failure",
     .place = offsetof(cli_settings, mode)},
    {.name = "loader",
     .kind = OPTION_CHOICE,
     .value = "names|objects",
     .help = "whose restore is predicted; by default objects where both have object graphs",
     .place = offsetof(cli_settings, loader)},
    CHOOSING_OPTIONS,
    RULE_OPTIONS,
    SCHEME_OPTION,
    {0},
};

static const char *const check_examples[] = {
    "tenon check ckpt/train-1 --against fresh/ckpt-0",
    "would Checkpoint.restore fit, and what is missing",
    "tenon check model.safetensors --against wanted.json",
    "against a list {name: [shape]} of what the program wants",
    NULL,
};

static const char check_text[] =
    "PATH is the file that is to be restored. Modes: fits (missing tensors, other shapes or\n"
    "dtypes, and variables that nobody wants fail), consumed (everything left over fails too),\n"
    "existing (what is left over does not matter), nontrivial and partial (only mismatches\n"
    "fail). No overlap at all always fails.";

static const char ckpt_text[] =
    "The actions:\n"
    "  latest DIR          the path of what the state file calls the latest;\n"
    "                      DIR/BEGINNING: the one with the greatest trailing number\n"
    "  ls DIR              live, preserved, unlisted and incomplete checkpoints\n"
    "  prune DIR --keep N  what tf.train.CheckpointManager does: of the checkpoints in the state\n"
    "                      file the newest N stay; with --keep-every some of the older ones are\n"
    "                      kept for good; what the state file does not list is left alone\n"
    "  rename DIR OLD NEW  all files of one, and the state file\n"
    "  rm DIR NAME…        delete these; the last one that is still listed becomes the latest\n"
    "  recover DIR         finish what was interrupted, make the state file true again\n"
    "Only files that belong to a checkpoint are ever deleted, and they are said first.";

static const cli_option ckpt_options[] = {
    {.name = "keep",
     .kind = OPTION_COUNT,
     .value = "N",
     .help = "prune: how many of those in the state file stay, the newest",
     .also = "max-to-keep",
     .place = offsetof(cli_settings, keep),
     .given = offsetof(cli_settings, has_keep)},
    {.name = "keep-every",
     .kind = OPTION_DURATION,
     .value = "DURATION",
     .help = "prune: and of the older ones, for good, one each 4h (s m h d)",
     .also = "keep-checkpoint-every-n-hours every",
     .place = offsetof(cli_settings, keep_every)},
    {.name = "dry-run",
     .letter = 'n',
     .kind = OPTION_FLAG,
     .help = "prune, rename, rm, recover: only say what would be done",
     .also = "dryrun simulate",
     .place = offsetof(cli_settings, dry_run)},
    {.name = "update-state",
     .kind = OPTION_FLAG,
     .help = "recover: make a lost state file anew",
     .place = offsetof(cli_settings, update_state)},
    {0},
};

static const char *const ckpt_examples[] = {
    "tenon ckpt latest train/",
    "the path of the latest checkpoint, alone (stable)",
    "tenon ckpt ls train/",
    "live, preserved, unlisted and incomplete ones",
    "tenon ckpt prune -n train/ --keep 5 --keep-every 4h",
    "say what CheckpointManager would delete, and why",
    "tenon ckpt rename train/ ckpt-900 best",
    "index, data files, .meta and state file",
    "tenon ckpt rm train/ ckpt-100 ckpt-200",
    "delete these",
    "tenon ckpt recover train/",
    "finish an interrupted replacement and make the state file true again",
    NULL,
};

static const cli_option rules_verb_options[] = {
    RULE_VALUES,
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "invert: write the inverse here (default: stdout)",
     .also = "out to",
     .place = offsetof(cli_settings, output)},
    {0},
};

static const char rules_text[] =
    "The actions: lint FILE…, test FILE A, invert FILE [A], explain FILE [A] NAME, list.\n"
    "FILE is a rule file, - (standard input) or preset:NAME.\n"
    "lint: what is wrong without a model: rules that can both match or never claim a tensor,\n"
    "what nothing uses. test: the rules applied to A, and their inverse to the result.\n"
    "invert: the inverse as a rule file; with A it is tested on the names of A. explain: what\n"
    "becomes of one name, or which rules come nearest. list: the presets.";

static const char *const rules_examples[] = {
    "tenon rules lint r.yaml",
    "what is wrong or odd in it; exit 1 if there is anything",
    "tenon rules test r.yaml model.ckpt",
    "would they find all that they name, and does their inverse lead back",
    "tenon rules invert r.yaml model.ckpt -o back.yaml",
    "the rules that undo them",
    "tenon rules explain r.yaml model.ckpt encoder/layer_3/kernel",
    "which rule claims it, and what it becomes",
    NULL,
};

static const char *const completion_examples[] = {
    "source <(tenon completion bash)",
    "for this shell",
    NULL,
};

static const char paths[] =
    "PATH is any member of a set (prefix, index, shard), or a folder that holds one set.\n"
    "FORMAT:PATH says how it is to be read.";

const cli_verb verbs[] = {
    {.name = "ls",
     .summary = "list the tensors: names, dtypes, shapes, bytes",
     .synopsis = "PATH [NAME|PATTERN]…",
     .description = paths,
     .options = ls_options,
     .examples = ls_examples,
     .also = "list dir inspect names",
     .fields = "tensors totals",
     .least = 1,
     .most = SIZE_MAX,
     .run = cmd_ls},
    {.name = "show",
     .summary = "what kind of file it is: format, files, totals, signatures",
     .synopsis = "PATH",
     .description = paths,
     .options = show_options,
     .examples = show_examples,
     .also = "info describe inspect head",
     .fields = "producer files totals metadata tag_sets signatures collections assets objects",
     .least = 1,
     .most = 1,
     .run = cmd_show},
    {.name = "get",
     .summary = "print the values of tensors, or write them to a file",
     .synopsis = "PATH NAME|PATTERN…",
     .description = paths,
     .options = get_options,
     .examples = get_examples,
     .also = "cat dump extract print",
     .fields = "tensors",
     .least = 1,
     .most = SIZE_MAX,
     .stages = true,
     .run = cmd_get},
    {.name = "convert",
     .summary = "write it in another format, verified before it appears",
     .synopsis = "IN OUT",
     .description = paths,
     .options = convert_options,
     .examples = convert_examples,
     .also = "cp copy export rename split merge",
     .fields = "output tensors dropped losses copied computed peak_memory written verified skipped",
     .least = 2,
     .most = 2,
     .stages = true,
     .run = cmd_convert},
    {.name = "plan",
     .summary = "say what convert would do, without touching anything",
     .synopsis = "IN OUT",
     .description = paths,
     .options = plan_options,
     .examples = plan_examples,
     .also = "dry-run",
     .fields = "output tensors dropped losses copied computed peak_memory",
     .least = 2,
     .most = 2,
     .run = cmd_plan},
    {.name = "verify",
     .summary = "check every stored checksum of every byte",
     .synopsis = "PATH…",
     .description = paths,
     .options = verify_options,
     .examples = verify_examples,
     .also = "validate test fsck checksum",
     .fields = "verdict checked without_checksum findings",
     .least = 1,
     .most = SIZE_MAX,
     .run = cmd_verify},
    {.name = "diff",
     .summary = "are these the same weights: names, dtypes, shapes, values",
     .synopsis = "A B",
     .description = paths,
     .options = diff_options,
     .examples = diff_examples,
     .also = "compare cmp",
     .fields = "matched_by counts findings",
     .least = 2,
     .most = 2,
     .run = cmd_diff},
    {.name = "check",
     .summary = "would a restore fit: missing, unexpected, shapes, dtypes",
     .synopsis = "PATH --against PATH",
     .description = check_text,
     .options = check_options,
     .examples = check_examples,
     .also = "fit match compat restore",
     .fields = "loader mode counts coverage findings",
     .least = 1,
     .most = 1,
     .run = cmd_check},
    {.name = "ckpt",
     .summary = "folders of checkpoints: latest, ls, prune, rename, rm, recover",
     .synopsis = "ACTION DIR [NAME]…",
     .description = ckpt_text,
     .options = ckpt_options,
     .examples = ckpt_examples,
     .also = "checkpoint checkpoints manager latest recover",
     .fields = "directory latest checkpoints recovered changes",
     .least = 2,
     .most = SIZE_MAX,
     .run = cmd_ckpt},
    {.name = "graph",
     .summary = "TensorFlow graphs: list operations, resolve names, freeze",
     .synopsis = "ACTION PATH [NAME]…",
     .description = graph_text,
     .options = graph_options,
     .examples = graph_examples,
     .also = "ops operations resolve get_tensor_by_name freeze freeze_graph frozen",
     .fields = "operations collections functions queries frozen candidates",
     .least = 2,
     .most = SIZE_MAX,
     .run = cmd_graph},
    {.name = "rules",
     .summary = "rule files: lint, test, invert, explain, list",
     .synopsis = "ACTION [FILE [A]]…",
     .description = rules_text,
     .options = rules_verb_options,
     .examples = rules_examples,
     .also = "rule lint invert explain presets preset",
     .fields = "findings tested inverse explained presets",
     .least = 1,
     .most = SIZE_MAX,
     .run = cmd_rules},
    {.name = "completion",
     .summary = "print a script that completes commands in a shell",
     .synopsis = "bash|zsh|fish",
     .options = no_options,
     .examples = completion_examples,
     .also = "complete",
     .least = 1,
     .most = 1,
     .run = cmd_completion},
    {.name = "formats",
     .summary = "what can be read and written, with its limits",
     .synopsis = "",
     .options = no_options,
     .also = "list-formats",
     .fields = "formats",
     .run = cmd_formats},
    {0},
};

const cli_verb *verb_find(const char *name)
{
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}
