#!/usr/bin/env python3
"""Holds rule files against schemas/rules.schema.json: what the language allows it takes, what is wrong it refuses (needs
jsonschema and PyYAML).

Files are read twice: with the types that YAML gives to scalars, as editors do, and with texts alone, as tenon does.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

RULES = r'''
{match: "W", to: "linear.weight"}
{match: "my_model/{rest:**}", to: "{rest}"}
{match: "**/Adam*", do: drop}
{match: "**/adam_m", do: drop, optional: true}
{match: "re:^blk(\\d+)_(q|k|v)$", to: "h.{1}.{2}", back: "re:^h\\.(\\d+)\\.(q|k|v)$ => blk{1}_{2}"}
{match: "s{a:int}/u{b:int}/w", to: "layers.{a*4+b}.w", expect: {b: 0..3}}
{match: "fc.{i:int}.weight", to: "fc.{rank(i)}.weight", expect: {i: [0, 2, 4]}}
{match: "{v:**}/{s:Adam|Adam_1|Momentum}", do: drop, why: "optimizer slots"}
{match: "embeddings/{rest:**}", do: keep}
{match: "**", do: drop, when: {role: [slot, state]}}
{match: "l{i:int}/{p}", to: "l.{i}.{p}", expect: {i: 0.., p: [w, b], complete: true}, when: {role: variable}}
{match: "{x:**}/kernel", to: "{x}.weight", do: [{cast: bf16}]}
{match: "{x:**}/norm/{p}", to: "{x}.norm.{p}", do: [{cast: f16, overflow: error, report: [max_abs_err, subnormals]}]}
{match: "conv{i:int}/kernel", to: "conv{i}.weight", do: [{transpose: "hwio->oihw"}]}
{match: "dw{i:int}/depthwise_kernel", to: "dw{i}.weight", do: [{rearrange: "h w c m -> (c m) 1 h w"}]}
{match: "pos", to: "pos.weight", do: [{reshape: [-1, 768]}]}
{match: "h.{i:int}.qkv", to: ["h.{i}.q", "h.{i}.k", "h.{i}.v"], do: [{split: {axis: 0, sizes: [nq*hd, nkv*hd, 128]}}]}
{match: ["l{i:int}/gate", "l{i:int}/up"], to: "l.{i}.gate_up", do: [{concat: {axis: 1}}]}
{match: ["{i:int}.q", "{i:int}.kv"], to: "{i}", do: [{concat: {axis: 0, groups: 4}}, {reshape: []}]}
{match: "{i:int}", to: ["{i}.q", "{i}.kv"], do: [{split: {axis: 0}}, {transpose: "io->oi"}]}
{match: "moe.{i:int}.expert.{e:int}.w", to: "moe.{i}.experts.w", do: [{stack: {over: e, axis: 0}}], expect: {e: 0..7}}
{match: "l.{i:int}.q", to: "blk.{i}.attn_q", do: [{rearrange: "(h two d) x -> (h d two) x", with: {h: nq, two: 2}}]}
{match: "dec.{i:int}.qkv", to: ["a", "b"], do: [{split: {axis: 0, groups: nkv, sizes: [4*hd, hd]}}]}
{tie: "lm_head.weight", with: "embed.weight", if_target_has_no_alias: copy}
{make: "head.bias", init: zeros, shape: [classes], dtype: f32}
{make: "step", init: 0, shape: [], dtype: i64}
{make: "pooler.{p:weight|bias}", init: {from: {input: fresh}}}
{match: "{v:**}/ExponentialMovingAverage", to: "{v}", priority: 2}
{match: "{v:**}", do: drop, priority: 1, when: {exists: "{v}/ExponentialMovingAverage"}}
{match: "enc/{i:int}/w", to: "e.{i}.w", expect: {count: 12, i: 0..11, shape: [768, 768], dtype: f32}}
{match: "{x:**}/w", when: {rank: 2}, to: "{x}.weight", do: [{transpose: "io->oi"}]}
{match: "{x:**}", from: [in, b], to: "{x}", do: [{mean: {accumulate: f64}}]}
{match: "c{i:int}/m", to: "b{i}.m", do: [{add: {tensor: "c{i}/bias", scale: -1}}]}
{match: "c{i:int}/v", to: "b{i}.v", do: [{add: {value: 1e-8}}]}
{match: "emb", to: "emb", do: [{partition: {axis: 0, sizes: [4, 3, 3]}}]}
{match: "emb", to: "emb", do: [{unpartition: {}}]}
{match: "e.{e:int}", to: "e", do: [{unstack: {over: e, axis: 0}}]}
{match: "odd{{name}}", to: "ok"}
{match: {raw: "caf\\xC3\\xA9/w"}, to: "cafe.w"}
{match: "**", do: keep, otherwise: true}
'''

FILES = r'''
{my_model/W: W, a/: b/, "/": x/}
{assignment_map: {W: my_model/W, "old/": "new/", "/": "x/"}}
{tenon: 1, include: [{preset: tf1/drop-training}, {file: "common.yaml", vars: {nq: 16}}, sub/x.yaml, "preset:a/b"]}
{tenon: 1, stages: [normalise-names.yaml, split-qkv.yaml]}
{tenon: 1, vars: {heads: 12, scope: m}, vars_from: {input: config, nq: num_attention_heads}, rules: [{match: a, do: drop}]}
{tenon: 1, slot_families: [tf1-adam, tf1-ema], inputs: [b], rules: [{match: a, do: drop}]}
{tenon: 1, from: {format: tf_checkpoint, has: [a], not: [b]}, to: {like: {input: fresh}}, rules: [{match: a, do: drop}]}
{tenon: 1, assert: [{unmatched_source: 0}, {unmatched_target: ["head.bias"]}, {params: 109482240}], rules: [{match: a, do: drop}]}
{tenon: 1, metadata: {set: {format: pt}, copy: ["license"]}, rules: [{match: a, do: drop}]}
'''

# Each is wrong, and so says tenon (but for `later`, which this version refuses altogether).
WRONG_FILES = r'''
{}
[a]
{a: [b]}
{assignment_map: {}}
{assignment_map: {a: b}, rules: []}
{assignment_map: {a: [b]}}
{tenon: 2, rules: [{match: a, do: drop}]}
{tenon: 1}
{tenon: 1, rules: []}
{tenon: 1, rule: [{match: a, do: drop}]}
{tenon: 1, about: [x], rules: [{match: a, do: drop}]}
{tenon: 1, scheme: nmae, rules: [{match: a, do: drop}]}
{tenon: 1, separator: "-", rules: [{match: a, do: drop}]}
{tenon: 1, vars: [a], rules: [{match: a, do: drop}]}
{tenon: 1, vars: {a-b: c}, rules: [{match: a, do: drop}]}
{tenon: 1, tables: {a: b}, rules: [{match: a, do: drop}]}
{tenon: 1, defaults: {unmatched: kept}, rules: [{match: a, do: drop}]}
{tenon: 1, defaults: {slot: seen}, rules: [{match: a, do: drop}]}
{tenon: 1, inputs: [in], rules: [{match: a, do: drop}]}
{tenon: 1, slot_families: [adam], rules: [{match: a, do: drop}]}
{tenon: 1, include: [../x.yaml]}
{tenon: 1, include: [/x.yaml]}
{tenon: 1, include: [a/../../x.yaml]}
{tenon: 1, include: [{file: a, preset: b}]}
{tenon: 1, include: [{path: a}]}
{tenon: 1, stages: []}
{tenon: 1, stages: [a.yaml], rules: [{match: a, do: drop}]}
{tenon: 1, vars_from: {n: m}, rules: [{match: a, do: drop}]}
{tenon: 1, vars_from: {input: c, file: d, n: m}, rules: [{match: a, do: drop}]}
{tenon: 1, from: {form: x}, rules: [{match: a, do: drop}]}
{tenon: 1, from: {has: x}, rules: [{match: a, do: drop}]}
{tenon: 1, assert: [{params: 1, unmatched_source: 0}], rules: [{match: a, do: drop}]}
{tenon: 1, assert: {params: 1}, rules: [{match: a, do: drop}]}
'''

WRONG_RULES = r'''
{to: a}
{match: a}
a
{macth: a, to: b}
{match: a, to: b, do: drop}
{match: a, do: dorp}
{match: [], do: drop}
{match: a, to: ""}
{match: a, to: b, optional: maybe}
{match: a, to: b, why: [x]}
{match: "a/{i:int}", to: b, priority: 1, otherwise: true}
{match: a, to: b, when: {}}
{match: a, to: b, when: {rnak: 2}}
{match: a, to: b, when: {shape: 3}}
{match: a, to: b, when: {dtype: floaty}}
{match: "a/{i:int}", to: b, expect: {}}
{match: "a/{i:int}", to: b, expect: {i: 5}}
{match: "a/{i:int}", to: b, expect: {i: []}}
{match: {row: a}, to: b}
{match: a, to: [b, c], do: [{split: {axis: 0, groups: 2}}]}
{match: [a, b], to: c, do: [{concat: {axis: 0, sizes: [1, 2]}}]}
'''


def lines(text):
    return [line for line in text.splitlines() if line]


def documented():
    """Yields the name and text of every whole rule file of docs/rules.md, and of the shipped and tested ones."""
    for number, block in enumerate(re.findall(r'```yaml\n(.*?)```', (ROOT / 'docs/rules.md').read_text(), re.S)):
        yield f'docs/rules.md, block {number + 1}', block
    for path in sorted((ROOT / 'schemas/rules').rglob('*.yaml')):
        yield str(path.relative_to(ROOT)), path.read_text()
    for path in sorted((ROOT / 'fixtures/rules').glob('*.yaml')):
        if not path.name.startswith('bad-'):
            yield str(path.relative_to(ROOT)), path.read_text()


def refused_by(program, text):
    """Tells whether tenon finds the file wrong in itself, or unsafe."""
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
        file.write(text)
        file.flush()
        return subprocess.run([program, 'rules', 'lint', file.name], capture_output=True, check=False).returncode in (2, 8)


def main():
    program = sys.argv[1]
    schema = json.loads((ROOT / 'schemas/rules.schema.json').read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    rule = '{tenon: 1, rules: [%s]}'
    good = list(documented()) + [(line, rule % line) for line in lines(RULES)] + [(line, line) for line in lines(FILES)]
    bad = lines(WRONG_FILES) + [rule % line for line in lines(WRONG_RULES)]
    failures = []
    for loader in (yaml.SafeLoader, yaml.BaseLoader):
        for name, text in good:
            for error in validator.iter_errors(yaml.load(text, loader)):
                failures.append(f'{name}: refused: {error.json_path}: {error.message[:200]}')
        failures += [f'{text}: accepted' for text in bad if validator.is_valid(yaml.load(text, loader))]
    failures += [f'{text}: tenon takes it' for text in bad if not refused_by(program, text)]
    for failure in failures:
        print(failure)
    print(f'{len(good)} files are rule files by the schema, {len(bad)} are not')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
