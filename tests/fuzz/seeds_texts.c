/* Seeds that are short texts. */
#include "seeds.h"

#include <stdio.h>
#include <string.h>

static void write_text(const char *target, size_t number, const char *text, size_t len)
{
    char name[16];
    mut_bytes bytes = {NULL, 0, 0};
    snprintf(name, sizeof name, "text-%zu", number);
    mut_set(&bytes, text, len);
    seed_write(target, name, &bytes);
    mut_clear(&bytes);
}

typedef struct seed_text {
    const char *target, *text;
    size_t len;
} seed_text;

#define TEXT(target, literal)               \
    {                                       \
        target, literal, sizeof literal - 1 \
    }

static const seed_text texts[] = {
    TEXT("pattern", "dense/*\0dense/kernel"),
    TEXT("pattern", "**/bias\0a/b/bias"),
    TEXT("pattern", "a/**/**/b\0a/x/b"),
    TEXT("pattern", "{x:**}/kernel\0a/b/kernel"),
    TEXT("pattern", "layer_{i:int}/{x}\0layer_12/w"),
    TEXT("pattern", "layer_{i:int02}/{x}/{i:int}\0layer_02/w/2"),
    TEXT("pattern", "{x:weight|bias}.{y}\0weight.a"),
    TEXT("pattern", "{x}/{x}/{y:**}\0a/a/b/c"),
    TEXT("pattern", "a\\x00b*\0a\0bc"),
    TEXT("pattern", "{{x}}*\0{x}y"),
    TEXT("npz", "\x0B\x02\x02\x03\x01\0\0\0a\x0B\x00\x03\0\0\0b/c"),
    TEXT("npz", "\x01\x01\x05\x02\0\0\0\xC3\xA9\x05\x03\x01\xFF\x02\x01\0\0\0x"),
    TEXT("names_list", "ya: [1, 2]\nb: {shape: [null, 3], dtype: int64}\n\"c d\":\n"),
    TEXT("names_list", "y---\nx/y:\n  shape: []\n  dtype: float32\nz: ~\n"),
    TEXT("names_list", "j{\"a\": [1, null], \"b\": {\"shape\": null, \"dtype\": \"int4\"}}"),
    TEXT("graph_names",
         "nW\nW/Adam\nW/Adam_1\nx//y\nx/y\n/x/z\ntwo words\ntwo_words\ntwo:words\nsave/Const\n"
         "save_1\nsave_1/x\ninit\nw\nw/Assign\nw/Read/ReadVariableOp\nw/Initializer/zeros"),
    TEXT("graph_names",
         "n__class__\nsignatures/x\nm/_self_x\nweights\nweights_1/a\n-\n/\n\xC3\xA9\n"
         "a.ATTRIBUTES/b\nlayer.0.weight\nl..S"),
    TEXT("graph_names", "oa.Sb\na/b\na..b\na.b\n.OPTIMIZER_SLOT/o/m\nx.Sy.Sz\nx/y/z"),
    TEXT("yaml", "a: [b, {c: d}]\n'e': \"f\\x41\"\n? long\n: |\n  text\n  more\nx: >-\n  folded\n"),
    TEXT("yaml", "- a\n- - b\n  - c\n- {d: e, f: [g]}\n# comment\n"),
    TEXT("rules", "tenon: 1\nscheme: key\nseparator: /\nvars: {s: m}\ndefaults: {unmatched: keep, "
                  "slots: keep, "
                  "counters: follow}\nrules:\n  - {match: ['{$s}/*', 'x'], do: drop, optional: "
                  "true, why: y}\n  - "
                  "match: 'layer_{i:int}/{x:**}'\n    to: 'l{i:int02}/{x}'\n  - match: {raw: "
                  "\"x\\n\"}\n    do: keep\n"),
    TEXT("rules", "my_model/: ''\n'a': 'b'\n'encoder/': 'decoder/'\n"),
    TEXT("state", "model_checkpoint_path: \"a\\n\\001\\x41\" 'b'\nall_model_checkpoint_paths: "
                  "['c', \"d\"] # x\n"
                  "all_model_checkpoint_timestamps: 1.5e9; last_preserved_timestamp: -inf\n"),
    TEXT("state", "unknown { a: 1 b <c: \"x\"> [d.e]: 0x1F } model_checkpoint_path:\"x\", "
                  "all_model_checkpoint_paths: "
                  "\"\\u00e9\\U0001F600\""),
    TEXT("json", "{\"a\":[1,-0.5e+3,true,false,null,\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/"
                 "\\b\\f\\n\\r\\t\"],\"\":{}}"),
    TEXT("json", "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"),
};

void seed_texts(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_text(texts[i].target, i, texts[i].text, texts[i].len);
    }
}
