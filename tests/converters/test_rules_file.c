/* Rule files: what is read, and for everything that is wrong the place and the words. */
#include "converters/conv.h"
#include "converters/rules/rule.h"

static tn_status read_text(conv *c, const char *text, size_t len, tni_arena *arena,
                           tni_rulesets *sets, tn_error *err)
{
    const char *path = conv_at(c, "r.yaml");
    conv_store(path, text, len);
    tni_rule_options options = {.rules = &path, .n_rules = 1};
    return tni_rules_load(arena, &options, sets, err);
}

typedef struct row {
    const char *text;
    uint32_t line, column;
    const char *part;
} row;

#define HEAD "tenon: 1\nrules:\n"

static const row rows[] = {
    {"", 1, 1, "holds no rules"},
    {"{}", 1, 1, "holds no rules"},
    {"# nothing\n", 1, 1, "holds no rules"},
    {"- a\n", 1, 1, "this is a list; it must be a map"},
    {"just a text", 1, 1, "this is a text; it must be a map"},
    {"a: [b\n", 2, 1, "this is not YAML"},
    {"a: b: c\n", 1, 5, "this is not YAML"},
    {"a: 'b\n", 2, 1, "this is not YAML"},
    {"\ta: b\n", 1, 1, "this is not YAML"},
    {"x: \xFF\xFE\n", 1, 4, "this is not YAML in UTF-8"},
    {"a: b\nc: \xC3\x28\n", 2, 5, "this is not YAML in UTF-8"},
    {"a: &x b\n", 1, 4, "no anchors"},
    {"a: *x\n", 1, 4, "no aliases"},
    {"a: !!str b\n", 1, 4, "no tags"},
    {"a: !x b\n", 1, 4, "no tags"},
    {"tenon: 1\nrules: !!seq [{match: a, do: drop}]\n", 2, 8, "no tags"},
    {"tenon: 1\nrules: &r [{match: a, do: drop}]\n", 2, 8, "no anchors"},
    {"%TAG ! tag:x,2000:\n---\na: b\n", 1, 1, "no tags (%TAG)"},
    {"a: b\n---\nc: d\n", 2, 1, "no second document"},
    {"a: b\na: c\n", 2, 1, "'a' stands in line 1 already"},
    {"{a: b, \"a\": c}", 1, 8, "'a' stands in line 1 already"},
    {"[a]: b\n", 1, 1, "a key must be a text"},
    {"{a: b}: c\n", 1, 1, "a key must be a text"},
    {"? {a: b}\n: c\n", 1, 3, "a key must be a text"},
    /* Flat maps. */
    {"a: [b]\n", 1, 4, "'a': a flat map of names holds texts alone"},
    {"rules:\n- {match: a}\n", 2, 1, "'rules': a flat map"},
    {"a: \"\"\n", 1, 4, "the target is empty"},
    {"a: {x}\n", 1, 4, "a flat map"},
    {"a: \"{x}\"\n", 1, 5, "nothing binds the hole {x}"},
    {"\"a/{x\": b\n", 1, 4, "a '{' has no '}'"},
    {"a/: b\n", 1, 1, "'a/' is a subtree, but 'b' is a name"},
    {"assignment_map: [a]\n", 1, 17, "'assignment_map': this is a list; it must be a map"},
    {"assignment_map: {}\n", 1, 17, "there are no names in it"},
    {"assignment_map: {a: [b]}\n", 1, 21, "'a': this is a list; it must be a text"},
    {"assignment_map: {a/: b}\n", 1, 18, "'a/' is a subtree, but 'b' is a name"},
    {"assignment_map: {a: b/}\n", 1, 18, "'a' is a name, but 'b/' is a subtree"},
    {"assignment_map: {a*: b}\n", 1, 18, "which no pattern can spell"},
    {"assignment_map: {'re:a': b}\n", 1, 18, "which no pattern can spell"},
    {"assignment_map: {a: ''}\n", 1, 21, "the target is empty"},
    {"assignment_map: {a: b}\nrules: []\n", 2, 1, "has no key 'rules'"},
    /* Heads. */
    {"tenon: 2\nrules: [{match: a, do: drop}]\n", 1, 8, "'tenon': this tenon reads version 1"},
    {"tenon: [1]\n", 1, 8, "'tenon': this is a list"},
    {"tenon: 1\n", 1, 1, "needs 'rules'"},
    {"tenon: 1\nrule: []\n", 2, 1, "a rule file has no key 'rule'"},
    {"tenon: 1\nzzz: []\n", 2, 1, "no key 'zzz'"},
    {"tenon: 1\nrules: []\n", 2, 8, "'rules': there are no rules in it"},
    {"tenon: 1\nrules: x\n", 2, 8, "'rules': this is a text; it must be a list"},
    {"tenon: 1\nabout: [x]\nrules: []\n", 2, 8, "'about': this is a list"},
    {"tenon: 1\nscheme: nmae\nrules: []\n", 2, 9, "'scheme': it cannot be 'nmae'"},
    {"tenon: 1\nseparator: \"-\"\nrules: []\n", 2, 12, "'separator': it cannot be '-'"},
    {"tenon: 1\nvars: [a]\n", 2, 7, "'vars': this is a list"},
    {"tenon: 1\nvars: {a b: c}\n", 2, 13, "'a b': a variable's name"},
    {"tenon: 1\nvars: {a: [c]}\n", 2, 11, "'a': this is a list"},
    {"tenon: 1\ndefaults: {unmatched: kept}\n", 2, 23, "'unmatched': it cannot be 'kept'"},
    {"tenon: 1\ndefaults: {slots: no}\n", 2, 19, "'slots': it cannot be 'no'"},
    {"tenon: 1\ndefaults: {counters: follow}\n", 2, 22, "'counters': it cannot be 'follow'"},
    {"tenon: 1\ndefaults: {unmatch: keep}\n", 2, 12, "no key 'unmatch'"},
    {"tenon: 1\ntables: {}\n", 1, 1, "needs 'rules'"},
    {"tenon: 1\ntables: [a]\n", 2, 9, "'tables': this is a list; it must be a map"},
    {"tenon: 1\ntables: {a: b}\n", 2, 13, "'a': this is a text; it must be a map"},
    {"tenon: 1\ntables: {a-b: {}}\n", 2, 15, "'a-b': a table's name is letters"},
    {"tenon: 1\ntables: {a: {b: [c]}}\n", 2, 17, "'b': this is a list"},
    {"tenon: 1\ntables: {a: {b: {raw: \"\\q\"}}}\n", 2, 24, "this is not YAML"},
    {"tenon: 1\ntables: {a: {b: {raw: '\\q'}}}\n", 2, 23, "'raw': this has a malformed escape"},
    {"tenon: 1\ntables: {a: {b: c, b: d}}\n", 2, 20, "'b' stands in line 2 already"},
    {"tenon: 1\nstages: a.yaml\n", 2, 9, "'stages': it must be a list of files"},
    {"tenon: 1\nstages: []\n", 2, 9, "'stages': it must be a list of files"},
    {"tenon: 1\nstages: [a.yaml]\nrules: []\n", 3, 1, "a file of stages has no key 'rules'"},
    {"tenon: 1\nstages: [[a.yaml]]\n", 2, 10, "this is a list; it must be a map"},
    {"tenon: 1\ninclude: a.yaml\n", 2, 10, "'include': this is a text; it must be a list"},
    {"tenon: 1\ninclude: [{}]\n", 2, 11, "it must be {file: PATH} or {preset: NAME}"},
    {"tenon: 1\ninclude: [{file: a, preset: b}]\n", 2, 11, "it must be {file: PATH} or"},
    {"tenon: 1\ninclude: [{file: [a]}]\n", 2, 18, "'file': this is a list"},
    {"tenon: 1\ninclude: [{path: a}]\n", 2, 12, "a file to include has no key 'path'"},
    {"tenon: 1\ninclude: [{file: a, vars: b}]\n", 2, 27, "'vars': this is a text"},
    {"tenon: 1\ninclude: [{file: a, vars: {b: [c]}}]\n", 2, 31, "'b': this is a list"},
    {"tenon: 1\ninclude: [{file: a, vars: {b: '{$c}'}}]\n", 2, 31, "'b': there is no variable 'c'"},
    {"tenon: 1\nvars_from: [a]\n", 2, 12, "'vars_from': this is a list"},
    {"tenon: 1\nvars_from: {a: b}\n", 2, 12, "it must say either 'input' or 'file'"},
    {"tenon: 1\nvars_from: {input: a, file: b}\n", 2, 12, "it must say either 'input' or 'file'"},
    {"tenon: 1\nvars_from: {input: c, a-b: c}\n", 2, 28, "'a-b': a variable's name is"},
    {"tenon: 1\nvars_from: {input: c, a: [b]}\n", 2, 26, "'a': this is a list"},
    {"tenon: 1\nvars_from: {input: [c], a: b}\n", 2, 20, "'input': this is a list"},
    {"tenon: 1\ninputs: a\n", 2, 9, "'inputs': this is a text; it must be a list"},
    {"tenon: 1\ninputs: [a-b]\n", 2, 10, "an input's name is letters"},
    {"tenon: 1\ninputs: [in]\n", 2, 10, "not 'in', which is IN"},
    {"tenon: 1\nslot_families: tf1-adam\n", 2, 16, "'slot_families': this is a text"},
    {"tenon: 1\nslot_families: [tf1-adma]\n", 2, 17, "it cannot be 'tf1-adma'"},
    {"tenon: 1\nmetadata: {}\n", 2, 11, "it must have 'set', 'copy' or both"},
    {"tenon: 1\nmetadata: [a]\n", 2, 11, "this is a list; it must be a map"},
    {"tenon: 1\nmetadata: {sett: {}}\n", 2, 12, "no key 'sett'"},
    {"tenon: 1\nmetadata: {set: {a: [b]}}\n", 2, 21, "'a': this is a list; it must be a text"},
    {"tenon: 1\nmetadata: {copy: a}\n", 2, 18, "'copy': this is a text; it must be a list"},
    /* Rules. */
    {HEAD "- a\n", 3, 3, "this is a text; it must be a map"},
    {HEAD "- {to: a}\n", 3, 3, "no 'match'"},
    {HEAD "- {match: a}\n", 3, 3, "neither 'to' nor 'do'"},
    {HEAD "- {match: a, to: b, do: drop}\n", 3, 25, "'do': a rule with 'to' cannot be 'drop'"},
    {HEAD "- {match: a, do: dorp}\n", 3, 18, "'do': it cannot be 'dorp'"},
    {HEAD "- {match: a, to: [b, c]}\n", 3, 18, "several targets need a split"},
    {HEAD "- {match: a, to: []}\n", 3, 18, "'to': the list is empty"},
    {HEAD "- {match: [a, 'b/{i:int}'], to: c}\n", 3, 15, "bind the same holes"},
    {HEAD "- {match: a, to: b, do: []}\n", 3, 25, "'do': the list is empty"},
    {HEAD "- {match: a, to: b, do: [x]}\n", 3, 26, "this is a text; it must be a map"},
    {HEAD "- {match: a, to: b, do: [{}]}\n", 3, 26, "there is no operation ''"},
    {HEAD "- {match: a, to: b, do: [{tranpose: x}]}\n", 3, 27, "no operation 'tranpose'"},
    {HEAD "- {match: a, to: b, do: [{mean: {}}]}\n", 3, 3, "a mean needs several tensors"},
    {HEAD "- {match: [a, c], to: b, do: [{mean: {accumulate: f32}}]}\n", 3, 51, "cannot be 'f32'"},
    {HEAD "- {match: a, do: [{cast: f16, report: max_abs_err}]}\n", 3, 39, "must be a list"},
    {HEAD "- {match: a, do: [{cast: f16, report: [max_err]}]}\n", 3, 40, "cannot be 'max_err'"},
    {HEAD "- {match: [a, c], to: b, do: [{mean: {axis: 0}}]}\n", 3, 39, "no key 'axis'"},
    {HEAD "- {match: [a, c], do: [{mean: {}}]}\n", 3, 3, "its tensors need names"},
    {HEAD "- {match: a, to: b, from: c}\n", 3, 27, "there is no input 'c'"},
    {HEAD "- {match: a, to: b, from: {}}\n", 3, 27, "'from': this is a map; it must be a text"},
    {HEAD "- {match: a, to: b, from: []}\n", 3, 27, "the list is empty"},
    {"tenon: 1\ninputs: [c]\nrules:\n- {match: a, to: b, from: [c, c]}\n", 4, 31,
     "in the list already"},
    {"tenon: 1\ninputs: [c]\nrules:\n- {match: a, to: b, from: [in, c]}\n", 4, 27,
     "become one by a mean"},
    {"tenon: 1\ninputs: [c]\nrules:\n- {match: a, to: b, from: [in, c], do: [{cast: f16}]}\n", 4,
     27, "become one by a mean"},
    {HEAD "- {match: a, to: b, do: [{cast: f17}]}\n", 3, 33, "nothing casts to 'f17'"},
    {HEAD "- {match: a, to: b, do: [{cast: f16, overflow: no}]}\n", 3, 48,
     "'overflow': it cannot be 'no'"},
    {HEAD "- {match: a, to: b, do: [{cast: f16, onoverflow: ieee}]}\n", 3, 38,
     "no key 'onoverflow'"},
    {HEAD "- {match: a, to: b, do: [{transpose: [io, oi]}]}\n", 3, 38, "this is a list"},
    {HEAD "- {match: a, to: b, do: [{transpose: 'io->ox'}]}\n", 3, 44, "x"},
    {HEAD "- {match: a, to: b, do: [{rearrange: '(a b) c -> (b a', with: {a: 2}}]}\n", 3, 54,
     "a '(' has no ')'"},
    {HEAD "- {match: a, to: b, do: [{rearrange: 'a b -> b a', with: {c: 2}}]}\n", 3, 62,
     "'c': there is no such axis"},
    {HEAD "- {match: a, to: b, do: [{reshape: 3}]}\n", 3, 36, "this is a text; it must be a list"},
    {HEAD "- {match: a, to: b, do: [{reshape: [n]}]}\n", 3, 37, "no hole or variable 'n'"},
    {HEAD "- {match: a, to: [b, c], do: [{split: {}}]}\n", 3, 39, "'split': it has no 'axis'"},
    {HEAD "- {match: a, to: [b, c], do: [{split: {axis: 0, groups: 2}}]}\n", 3, 57,
     "'groups': groups are cut by 'sizes'"},
    {HEAD "- {match: a, to: [b, c], do: [{split: {axis: 0}}, {concat: {axis: 0}}]}\n", 3, 51,
     "what joins tensors must stand before what splits them"},
    {HEAD "- {match: a, do: [{split: {axis: 0}}]}\n", 3, 3, "the rule has no 'to'"},
    {HEAD "- {match: [a, b], to: c, do: [{concat: {axis: x}}]}\n", 3, 47,
     "no hole or variable 'x'"},
    {HEAD "- {match: [a, b], to: c, do: [{concat: {axis: 0}}, {concat: {axis: 1}}]}\n", 3, 3,
     "joins once"},
    {HEAD "- {match: 'a/{e:int}', to: c, do: [{stack: {axis: 0}}]}\n", 3, 44,
     "'stack': it has no 'over'"},
    {HEAD "- {match: 'a/{e:int}', to: c, do: [{stack: {over: f, axis: 0}}]}\n", 3, 44,
     "nothing binds the hole {f}"},
    {HEAD "- {match: 'a/{e:int}', to: 'c/{e}', do: [{unstack: {over: e, axis: 0}}]}\n", 3, 52,
     "the pattern binds {e} already"},
    {HEAD "- {match: a, to: ['c/{e}', 'd/{e}'], do: [{unstack: {over: e, axis: 0}}]}\n", 3, 18,
     "unstack has one target"},
    {HEAD "- {match: a, to: b, do: [{partition: {axis: 0}}]}\n", 3, 38, "it has no 'sizes'"},
    {HEAD "- {match: a, to: b, do: [{unpartition: {axis: 0}}]}\n", 3, 41, "no key 'axis'"},
    {HEAD "- {match: a, to: b, do: [{add: {}}]}\n", 3, 32, "'add': it must be {tensor: NAME"},
    {HEAD "- {match: a, to: b, do: [{add: {value: 1, scale: 2}}]}\n", 3, 32, "'add': it must be"},
    {HEAD "- {match: a, to: b, do: [{add: {value: 1e}}]}\n", 3, 40, "'1e' is no number"},
    {HEAD "- {match: a, to: b, do: [{add: {value: nan}}]}\n", 3, 40, "'nan' is no number"},
    {HEAD "- {match: a, to: b, do: [{add: {tensor: 'x/{y}'}}]}\n", 3, 44,
     "nothing binds the hole {y}"},
    {HEAD "- {match: 'a/{i:int}', to: 'b/{rank(i)}', do: [{cast: f16}]}\n", 3, 28,
     "rank() is not for rules with operations"},
    {HEAD "- {match: a, to: b, do: [{cast: f16}], back: 'a => b'}\n", 3, 46, "needs no way back"},
    {HEAD "- {match: [[a]], do: drop}\n", 3, 12, "this is a list; it must be a map"},
    {"tenon: 1\ndefaults: [a]\n", 2, 11, "'defaults': this is a list; it must be a map"},
    {HEAD "- {match: [], do: drop}\n", 3, 11, "'match': the list is empty"},
    {HEAD "- {match: a, to: b, optional: yes}\n", 3, 31, "'optional': it cannot be 'yes'"},
    {HEAD "- {match: a, to: b, why: [x]}\n", 3, 26, "'why': this is a list"},
    {HEAD "- {macth: a, to: b}\n", 3, 4, "a rule has no key 'macth'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, priority: x}\n", 3, 45, "no hole or variable 'x'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, priority: 1.5}\n", 3, 46, "where an operator"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, priority: [1]}\n", 3, 45,
     "'priority': this is a list"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, priority: 1, otherwise: true}\n", 3, 59,
     "'otherwise': such a rule lies below"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, priority: -9223372036854775807-1}\n", 3, 45,
     "no priority is as low"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, otherwise: yes}\n", 3, 46,
     "'otherwise': it cannot be 'yes'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {}}\n", 3, 41, "there is no condition in it"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: 0.., complete: true}}\n", 3, 62,
     "values combine where two holes are expected"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: 0.., complete: all}}\n", 3, 62,
     "'complete': it cannot be 'all'"},
    {HEAD "- {tie: a}\n", 3, 3, "'tie' needs 'with'"},
    {HEAD "- {tie: a, with: b, if_target_has_no_alias: keep}\n", 3, 45, "it cannot be 'keep'"},
    {HEAD "- {tie: a, with: 'b{i:int}'}\n", 3, 18, "one name, without holes and stars"},
    {HEAD "- {match: a, to: b, when: {role: slots}}\n", 3, 34, "'role': it cannot be 'slots'"},
    {HEAD "- {match: a, to: b, when: {role: []}}\n", 3, 34, "'role': the list is empty"},
    {HEAD "- {match: a, to: b, when: {role: [slot, [state]]}}\n", 3, 41, "this is a list"},
    {"tenon: 1\nnotes: one\nrules: [{match: a, do: keep}]\n", 2, 8, "'notes': this is a text"},
    {"tenon: 1\nnotes: [one, {two: 2}]\nrules: [{match: a, do: keep}]\n", 2, 14, "this is a map"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: x}\n", 3, 41,
     "'when': this is a text; it must be a map"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {rnak: 2}}\n", 3, 42,
     "a condition has no key 'rnak'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {rank: -1}}\n", 3, 48,
     "'rank': a rank is not negative"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {rank: i}}\n", 3, 48, "no hole or variable 'i'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {shape: 3}}\n", 3, 49,
     "'shape': this is a text; it must be a list"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {shape: [3, x]}}\n", 3, 53,
     "the hole {x} is not bound to numbers"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {shape: [3, 4:5]}}\n", 3, 54,
     "'4:5' is no whole number"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {dtype: float23}}\n", 3, 49,
     "'dtype': there is no dtype 'float23'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {exists: '{y}/b'}}\n", 3, 51,
     "nothing binds the hole {y}"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, when: {exists: '{rank(i)}'}}\n", 3, 51,
     "rank() is not known yet"},
    {HEAD "- {match: ['a/{x}', b], do: drop, when: {exists: '{x}'}}\n", 3, 51,
     "a 'match' of one pattern"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {}}\n", 3, 43, "nothing is expected in it"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: []}\n", 3, 43,
     "'expect': this is a list; it must be a map"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {count: some}}\n", 3, 51,
     "no hole or variable 'some'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {j: 0..3}}\n", 3, 44,
     "'j' is no hole of the pattern"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: 3..0}}\n", 3, 47,
     "'i': the range is empty"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: 0...3}}\n", 3, 50,
     "where a number or a name"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: 0..n}}\n", 3, 50,
     "no hole or variable 'n'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: 5}}\n", 3, 47,
     "'i': a range is needed, 0..11 or 0.., or a list"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: {a: b}}}\n", 3, 47, "'i': this is a map"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: [1, x]}}\n", 3, 51,
     "no hole or variable 'x'"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: [1, 2, 1]}}\n", 3, 47,
     "'i': a value stands in the list twice"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {x: [a, b, a]}}\n", 3, 47,
     "'x': a value stands in the list twice"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {x: 0..3}}\n", 3, 47, "'x': a list is needed"},
    {HEAD "- {match: 'a/{i:int}/{x}', to: b, expect: {i: []}}\n", 3, 47, "'i': the list is empty"},
    {HEAD "- {match: ['a/{i:int}', b], do: drop, expect: {i: 0..1}}\n", 3, 48, "'i' is no hole"},
    {HEAD "- {match: 'a/*', do: drop, expect: {i: 0..1}}\n", 3, 37, "'i' is no hole"},
    {HEAD "- {match: a, do: drop, back: 'a => b'}\n", 3, 30, "'back': a rule without 'to'"},
    {HEAD "- {match: a, to: b, back: 'a = b'}\n", 3, 27, "'back': it must be PATTERN => TARGET"},
    {HEAD "- {match: a, to: b, back: 'a/{x => b'}\n", 3, 30, "a '{' has no '}'"},
    {HEAD "- {match: a, to: b, back: 'a/{x} => b{y}'}\n", 3, 38, "nothing binds the hole {y}"},
    {HEAD "- {match: a, to: b, back: '{i:int} => b{rank(i)}'}\n", 3, 40, "rank() has no way back"},
    {"tenon: 1\nfrom: x\n", 2, 7, "'from': this is a text; it must be a map"},
    {"tenon: 1\nfrom: {form: x}\n", 2, 8, "a guard has no key 'form'"},
    {"tenon: 1\nfrom: {format: tf_chekpoint}\n", 2, 16,
     "'format': there is no format 'tf_chekpoint'"},
    {"tenon: 1\nfrom: {has: x}\n", 2, 13, "'has': this is a text; it must be a list"},
    {"tenon: 1\nfrom: {not: ['{x']}\n", 2, 15, "a '{' has no '}'"},
    {"tenon: 1\nto: {like: {input: fresh}}\n", 2, 20, "there is no input 'fresh'"},
    {"tenon: 1\nto: {like: {file: fresh}}\n", 2, 12, "a model is an input, never a file"},
    {"tenon: 1\nto: {like: {}}\n", 2, 12, "it must be {input: NAME}"},
    {"tenon: 1\ninputs: [a]\nfrom: {like: {input: a}}\n", 3, 14, "'like' is for 'to'"},
    {"tenon: 1\nassert: {}\n", 2, 9, "'assert': this is a map; it must be a list"},
    {"tenon: 1\nassert: [a]\n", 2, 10, "this is a text; it must be a map"},
    {"tenon: 1\nassert: [{}]\n", 2, 10, "an assertion is a map of one key"},
    {"tenon: 1\nassert: [{params: 1, unmatched_source: 0}]\n", 2, 10,
     "an assertion is a map of one key"},
    {"tenon: 1\nassert: [{param: 1}]\n", 2, 11, "an assertion has no key 'param'"},
    {"tenon: 1\nassert: [{params: [1]}]\n", 2, 19, "'params': this is a list"},
    {"tenon: 1\nassert: [{params: 9999999999999999999}]\n", 2, 19, "does not fit 64 bits"},
    {"tenon: 1\nassert: [{unmatched_target: [a]}]\n", 2, 29, "it needs to: {like: "},
    {HEAD "- {make: a, init: zeros}\n", 3, 3, "'make' needs init, shape and dtype"},
    {HEAD "- {make: a, init: zeros, shape: [-1], dtype: f32}\n", 3, 34, "a size is not negative"},
    {HEAD "- {make: a, init: zeros, shape: 3, dtype: f32}\n", 3, 33, "this is a text"},
    {HEAD "- {make: a, init: zeros, shape: [4611686018427387904, 4], dtype: f32}\n", 3, 33,
     "does not fit 63 bits"},
    {HEAD "- {make: 'a/{x}', init: zeros, shape: [], dtype: f32}\n", 3, 10,
     "one name, without holes"},
    {HEAD "- {make: a, init: 300, shape: [], dtype: i8}\n", 3, 19, "int8 does not hold"},
    {HEAD "- {make: a, init: 1.5, shape: [], dtype: i8}\n", 3, 20, "where an operator"},
    {HEAD "- {make: a, init: 1e9, shape: [], dtype: f16}\n", 3, 19, "float16 does not hold"},
    {HEAD "- {make: a, init: {from: {input: b}}, shape: [], dtype: f16}\n", 3, 46,
     "have their own shape and dtype"},
    {HEAD "- {make: a, init: {from: {input: b}}}\n", 3, 34, "there is no input 'b'"},
    {HEAD "- {make: a, init: {form: {input: b}}}\n", 3, 20, "no key 'form'"},
    {HEAD "- {make: a, init: {}}\n", 3, 19, "zeros, ones, a number or {from: "},
    {HEAD "- {make: a, init: 0, shape: [], dtype: string}\n", 3, 40, "nothing is made of dtype"},
    {HEAD "- {make: a, init: 0, shape: [], dtype: f32, when: {}}\n", 3, 45, "no key 'when'"},
    {HEAD "- {match: 're:^(a', to: b}\n", 3, 18, "missing closing parenthesis"},
    {HEAD "- {match: \"re:^(a\", to: b}\n", 3, 18, "missing closing parenthesis"},
    {HEAD "- {match: \"re:^\\\\d(a\", to: b}\n", 3, 21, "missing closing parenthesis"},
    {HEAD "- {match: \"re:\\u00e9\\xe9\\x41\\t**\", to: b}\n", 3, 32, "quantifier does not follow"},
    {HEAD "- {match: \"re:\xC3\xA9\\\\d**\", to: b}\n", 3, 20, "quantifier does not follow"},
    {HEAD "- {match: 're:''**', to: b}\n", 3, 18, "quantifier does not follow"},
    {HEAD "- {match: 're:a{2,1}', to: b}\n", 3, 20, "numbers out of order"},
    {HEAD "- {match: 're:[b-a]', to: b}\n", 3, 18, "range out of order"},
    {HEAD "- {match: 're:\\1', to: b}\n", 3, 16, "reference to non-existent"},
    {HEAD "- {match: 're:', to: b}\n", 3, 15, "the regular expression is empty"},
    {HEAD "- {match: 're:(*UTF)a', to: b}\n", 3, 21, "using UTF is disabled"},
    {HEAD "- {match: 're:((((a{500}){500}){500}){500})', to: b}\n", 3, 44, "too large"},
    {HEAD "- {match: 're:(a)(b)', to: '{3}'}\n", 3, 29, "nothing binds the hole {3}"},
    {HEAD "- {match: 're:(a)(b)', to: '{0}'}\n", 3, 29, "nothing binds the hole {0}"},
    {HEAD "- {match: 're:(a)', to: '{x}'}\n", 3, 26, "nothing binds the hole {x}"},
    {HEAD "- {match: 're:(a)', to: '{1|t}'}\n", 3, 29, "there is no table 't'"},
    {HEAD "- {match: 're:a{$scope}', to: b}\n", 3, 12, "there is no variable 'scope'"},
    {HEAD "- {match: \"a/{x:word}\", to: b}\n", 3, 14, "no type 'word'"},
    {HEAD "- match: a/{x\n  to: b\n", 3, 12, "a '{' has no '}'"},
    {HEAD "- {match: \"\xC3\xA9/{x:word}\", to: b}\n", 3, 14, "no type 'word'"},
    {HEAD "- {match: \"a/{x}\", to: \"b/{y}\"}\n", 3, 27, "nothing binds the hole {y}"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{i-}\"}\n", 3, 34, "ends where a number or a name"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{i-j}\"}\n", 3, 34, "no hole or variable 'j'"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{(i-1}\"}\n", 3, 32, "nothing closes a '('"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{i+9223372036854775808}\"}\n", 3, 34, "does not fit"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{i-1:int3}\"}\n", 3, 36, "'int3' is no width"},
    {HEAD "- {match: \"a/{i}\", to: \"b/{i-1}\"}\n", 3, 28, "not bound to numbers alone"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{rank(j)}\"}\n", 3, 37, "the name of a hole"},
    {HEAD "- {match: \"a/{p}\", to: \"b/{p|part}\"}\n", 3, 30, "there is no table 'part'"},
    {HEAD "- {match: \"a/{p}\", to: \"b/{q|part}\"}\n", 3, 27, "nothing binds the hole {q}"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{1}\"}\n", 3, 31, "nothing binds the hole {1}"},
    {HEAD "- {match: \"a/{i:int}\", to: \"b/{}\"}\n", 3, 31, "the hole {} has no name"},
    {HEAD "- {match: \"\", do: drop}\n", 3, 11, "the pattern is empty"},
    {HEAD "- {match: a, to: }\n", 3, 18, "the target is empty"},
    {HEAD "- {match: {raw: \"a\\\\q\"}, to: b}\n", 3, 17, "'raw': this has a malformed escape"},
    {HEAD "- {match: {row: a}, to: b}\n", 3, 12, "no key 'row'"},
    {HEAD "- {match: {}, to: b}\n", 3, 11, "'match': it must be a text, or {raw: text}"},
    {HEAD "- {match: \"{$scope}/{x}\", to: b}\n", 3, 12, "there is no variable 'scope'"},
    {HEAD "- {match: \"*/a\", to: \"*/b\"}\n", 3, 23, "a star copies nothing"},
    {HEAD "- {match: [a, \"{x\"], do: drop}\n", 3, 16, "a '{' has no '}'"},
};

static void says_where_and_what(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tni_arena arena;
        tni_rulesets sets = {NULL, 0};
        tn_error err = {0};
        tni_arena_init(&arena, c->ctx, 1 << 24);
        tn_status status = read_text(c, rows[i].text, strlen(rows[i].text), &arena, &sets, &err);
        if (status != TN_RULE_FILE || err.code != TN_E_RULE || err.line != rows[i].line ||
            err.column != rows[i].column || strstr(err.message, rows[i].part) == NULL ||
            strstr(err.path, "r.yaml") == NULL) {
            print_error("row %zu %s: %u:%u %s: %s\n", i, rows[i].text, err.line, err.column,
                        err.path, err.message);
            wrong++;
        }
        tni_arena_clear(&arena);
    }
    assert_int_equal(wrong, 0);
}

static void names_the_nearest_key(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *hint;
    } near[] = {
        {"tenon: 1\nrule: []\n", "did you mean 'rules'?"},
        {"tenon: 1\nzzzzzzzz: []\n", "its keys are tenon, about, notes, scheme"},
        {HEAD "- {match: a, do: dorp}\n", "did you mean 'drop'?"},
        {HEAD "- {mathc: a, to: b}\n", "did you mean 'match'?"},
        {HEAD "- {match: \"{x:itn}\", to: b}\n", "did you mean 'int'?"},
        {"tenon: 1\nvars: {scope: a}\nrules:\n- {match: \"{$scoep}/b\", to: b}\n",
         "did you mean 'scope'?"},
        {"tenon: 1\ntables: {part: {a: b}}\nrules:\n- {match: \"{p}\", to: \"{p|prat}\"}\n",
         "did you mean 'part'?"},
        {"tenon: 1\nfrom: {format: tf_chekpoint}\n", "did you mean 'tf_checkpoint'?"},
        {HEAD "- {match: '{i:int}', to: b, when: {dtype: float23}}\n", "did you mean 'float32'?"},
        {HEAD "- {match: '{i:int}', to: b, when: {rnak: 2}}\n", "did you mean 'rank'?"},
        {HEAD "- {match: '{i:int}', to: b, expect: {j: 0..2}}\n",
         "count, complete, shape, dtype, i"},
        {"tenon: 1\nvars: {heads: 3}\nrules:\n- {match: \"{i:int}\", to: \"{i+haeds}\"}\n",
         "did you mean 'heads'?"},
        {"tenon: 1\nvars: {heads: 3}\nrules:\n- {match: \"{i:int}\", to: \"{heads}\"}\n",
         "the value of the variable is {$heads}"},
    };
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        tni_arena arena;
        tni_rulesets sets = {NULL, 0};
        tn_error err = {0};
        tni_arena_init(&arena, c->ctx, 1 << 24);
        assert_int_equal(read_text(c, near[i].text, strlen(near[i].text), &arena, &sets, &err),
                         TN_RULE_FILE);
        if (strstr(err.hint, near[i].hint) == NULL) {
            fail_msg("%s: %s (%s)", near[i].text, err.message, err.hint);
        }
        tni_arena_clear(&arena);
    }
}

/* What YAML would read as something else stays a text. */
static void takes_every_scalar_as_text(void **state)
{
    conv *c = *state;
    static const char text[] = "no: 1e3\non: 0x10\n~: null\n'7': 2001-01-01\n<<: .inf\n? y\n: n\n";
    static const char *const from[] = {"no", "on", "~", "7", "<<", "y"};
    static const char *const to[] = {"1e3", "0x10", "null", "2001-01-01", ".inf", "n"};
    tni_arena arena;
    tni_rulesets sets = {NULL, 0};
    tn_error err = {0};
    tni_arena_init(&arena, c->ctx, 1 << 24);
    conv_ok(read_text(c, text, strlen(text), &arena, &sets, &err), &err);
    assert_int_equal(sets.count, 1);
    assert_int_equal(sets.at[0].count, 6);
    assert_int_equal(sets.at[0].unmatched, TNI_UNMATCHED_KEEP);
    for (size_t i = 0; i < 6; i++) {
        const tni_rule *rule = &sets.at[0].rules[i];
        assert_true(tn_str_equal(rule->patterns[0]->exact, tn_str_of(from[i])));
        assert_true(tn_str_equal(rule->to->source, tn_str_of(to[i])));
    }
    tni_arena_clear(&arena);
}

static void reads_a_whole_file(void **state)
{
    conv *c = *state;
    static const char text[] =
        "tenon: 1\nabout: \"all there is\"\nscheme: full\nseparator: .\n"
        "vars: {scope: my_model, n: 3}\n"
        "defaults: {unmatched: drop, slots: keep, counters: seen}\n"
        "rules:\n"
        "- {match: \"{$scope}/{x:**}\", to: \"{x}\", why: because}\n"
        "- {match: [\"**/adam_m\", \"**/adam_v\"], do: drop, optional: true}\n"
        "- match: {raw: \"caf\\\\xC3\\\\xA9/w\"}\n"
        "  do: keep\n"
        "- {match: W, to: V}\n";
    tni_arena arena;
    tni_rulesets sets = {NULL, 0};
    tn_error err = {0};
    tni_arena_init(&arena, c->ctx, 1 << 24);
    conv_ok(read_text(c, text, strlen(text), &arena, &sets, &err), &err);
    const tni_ruleset *set = &sets.at[0];
    assert_true(tn_str_equal(set->title, TN_LIT("all there is")));
    assert_int_equal(set->scheme, TN_SCHEME_FULL);
    assert_int_equal(set->unmatched, TNI_UNMATCHED_DROP);
    assert_int_equal(set->slots, TNI_SLOTS_KEEP);
    assert_true(set->sees_counters);
    assert_int_equal(set->count, 4);
    const tni_rule *rules = set->rules;
    assert_true(tn_str_equal(rules[0].patterns[0]->source, TN_LIT("my_model/{x:**}")));
    assert_true(tn_str_ends(rules[0].place, TN_LIT("r.yaml:8")));
    assert_int_equal(rules[0].patterns[0]->separator, '/');
    assert_int_equal(rules[0].to->separator, '.');
    assert_int_equal(rules[1].n_patterns, 2);
    assert_int_equal(rules[1].deed, TNI_DEED_DROP);
    assert_true(rules[1].optional);
    assert_true(tn_str_equal(rules[2].patterns[0]->exact, TN_LIT("caf\xC3\xA9/w")));
    assert_int_equal(rules[2].deed, TNI_DEED_KEEP);
    assert_int_equal(rules[2].line, 10);
    assert_int_equal(rules[3].to->separator, '.');
    tni_arena_clear(&arena);
}

static void limits_depth_and_size(void **state)
{
    conv *c = *state;
    static char text[(1 << 20) + 64];
    tni_arena arena;
    tni_rulesets sets = {NULL, 0};
    tn_error err = {0};
    size_t len = 0;
    tni_arena_init(&arena, c->ctx, 1 << 28);
    for (int i = 0; i < 66; i++) {
        text[len++] = '[';
    }
    assert_int_equal(read_text(c, text, len, &arena, &sets, &err), TN_RULE_FILE);
    assert_non_null(strstr(err.message, "deeper than 64"));
    assert_int_equal(err.column, 65);
    memset(text, ' ', sizeof text);
    err = (tn_error){0};
    assert_int_equal(read_text(c, text, (1 << 20) + 1, &arena, &sets, &err), TN_RULE_FILE);
    assert_non_null(strstr(err.message, "larger than 1048576"));
    err = (tn_error){0};
    memcpy(text, "a: b", 4);
    conv_ok(read_text(c, text, 1 << 20, &arena, &sets, &err), &err);
    tni_arena_clear(&arena);
}

static void takes_variables_from_outside(void **state)
{
    conv *c = *state;
    static const char text[] =
        "tenon: 1\nvars: {scope: a}\nrules: [{match: \"{$scope}/W\", to: W}]\n";
    const char *path = conv_at(c, "v.yaml");
    conv_store(path, text, strlen(text));
    static const char *const good[] = {"scope=b{c"};
    static const char *const bad[] = {"scoep=b"};
    static const char *const worse[] = {"scope"};
    tni_arena arena;
    tni_rulesets sets;
    tn_error err = {0};
    tni_arena_init(&arena, c->ctx, 1 << 24);
    tni_rule_options options = {.rules = &path, .n_rules = 1, .vars = good, .n_vars = 1};
    conv_ok(tni_rules_load(&arena, &options, &sets, &err), &err);
    assert_true(tn_str_equal(sets.at[0].rules[0].patterns[0]->exact, TN_LIT("b{c/W")));
    options.vars = bad;
    assert_int_equal(tni_rules_load(&arena, &options, &sets, &err), TN_USAGE);
    assert_non_null(strstr(err.message, "--var 'scoep'"));
    assert_string_equal(err.hint, "did you mean 'scope'?");
    err = (tn_error){0};
    options.vars = worse;
    assert_int_equal(tni_rules_load(&arena, &options, &sets, &err), TN_USAGE);
    tni_arena_clear(&arena);
}

static void misses_files(void **state)
{
    conv *c = *state;
    const char *path = conv_at(c, "not-there.yaml");
    tni_arena arena;
    tni_rulesets sets;
    tn_error err = {0};
    tni_arena_init(&arena, c->ctx, 1 << 24);
    tni_rule_options options = {.rules = &path, .n_rules = 1};
    assert_int_equal(tni_rules_load(&arena, &options, &sets, &err), TN_NOT_FOUND);
    path = "preset:no-such";
    err = (tn_error){0};
    assert_int_equal(tni_rules_load(&arena, &options, &sets, &err), TN_USAGE);
    assert_string_equal(err.message, "there is no preset 'no-such'");
    tni_arena_clear(&arena);
}

static const char *const pieces[] = {"tenon: 1\n",
                                     "rules:\n",
                                     "- {match: a, to: b}\n",
                                     "- match: \"{x}\"\n",
                                     "  to: \"{x}\"\n",
                                     "a: b\n",
                                     "\n",
                                     "  ",
                                     "[",
                                     "]",
                                     "{",
                                     "}",
                                     ": ",
                                     "- ",
                                     "&a ",
                                     "*a",
                                     "!t ",
                                     "\"",
                                     "'",
                                     "|\n",
                                     ">\n",
                                     "#",
                                     "---\n",
                                     "...\n",
                                     "%YAML 1.1\n",
                                     "? ",
                                     ",",
                                     "{$v}",
                                     "vars: {v: 1}\n",
                                     "defaults: {slots: seen}\n",
                                     "\xC3\xA9",
                                     "\xFF",
                                     "\t",
                                     "do: drop\n",
                                     "\xEF\xBB\xBF"};

/* Whatever bytes a file holds, it is read or refused. */
static void survives_any_bytes(void **state)
{
    conv *c = *state;
    uint64_t random = 4711;
    size_t good = 0;
    for (int i = 0; i < 12000; i++) {
        char text[512];
        size_t len = 0, n = conv_random(&random, 14);
        for (size_t k = 0; k < n; k++) {
            const char *piece = pieces[conv_random(&random, sizeof(pieces) / sizeof(pieces[0]))];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        for (size_t k = 0; len > 0 && i % 3 == 0 && k < 3; k++) {
            text[conv_random(&random, len)] = (char)conv_random(&random, 256);
        }
        tni_arena arena;
        tni_rulesets sets = {NULL, 0};
        tn_error err = {0};
        tni_arena_init(&arena, c->ctx, 1 << 24);
        tn_status status = read_text(c, text, len, &arena, &sets, &err);
        good += status == TN_OK;
        if (status != TN_OK && (status != TN_RULE_FILE || err.line == 0 || err.column == 0)) {
            fail_msg("%.*s: %s (%u:%u)", (int)len, text, err.message, err.line, err.column);
        }
        tni_arena_clear(&arena);
    }
    assert_in_range(good, 20, 11000);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(says_where_and_what),
        CONV_TEST(names_the_nearest_key),
        CONV_TEST(takes_every_scalar_as_text),
        CONV_TEST(reads_a_whole_file),
        CONV_TEST(limits_depth_and_size),
        CONV_TEST(takes_variables_from_outside),
        CONV_TEST(misses_files),
        CONV_TEST(survives_any_bytes),
    };
    return cmocka_run_group_tests_name("converters/rules/file", tests, NULL, NULL);
}
