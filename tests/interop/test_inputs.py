"""Rules that take tensors of further inputs, tie names and say metadata, against NumPy."""
import json

from support import scratch, tenon

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

RANDOM = np.random.default_rng(20261124)


def values(*shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


def run(inputs, rules, head='', code=0, flags=()):
    """Converts `in` by one rule file, with the other inputs; returns what is in the output."""
    with scratch() as folder:
        for name, tensors in inputs.items():
            save_file(tensors, folder / f'{name}.safetensors')
        others = [name for name in inputs if name != 'in']
        (folder / 'r.yaml').write_text(f'tenon: 1\ninputs: [{", ".join(others)}]\n' + head +
                                       'rules:\n' + ''.join(f'  - {rule}\n' for rule in rules))
        said = [word for name in others for word in ('--input', f'{name}={folder / name}.safetensors')]
        tenon('-q', 'convert', folder / 'in.safetensors', folder / 'out.safetensors', '--rules', folder / 'r.yaml', *said, *flags,
              code=code)
        assert code == 0 or not (folder / 'out.safetensors').exists()
        return load_file(folder / 'out.safetensors') if code == 0 else None


def same(ours, theirs):
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    for name, wanted in theirs.items():
        assert ours[name].dtype == wanted.dtype and ours[name].shape == wanted.shape, (name, ours[name].shape, wanted.shape)
        assert ours[name].tobytes() == np.ascontiguousarray(wanted).tobytes(), name


def mean(*arrays):
    return (sum(a.astype(np.float64) for a in arrays) / len(arrays)).astype(arrays[0].dtype)


def test_averages_of_runs():
    """The mean of two, three and five checkpoints, in float64, rounded once."""
    for count in (2, 3, 5):
        for dtype in (np.float32, np.float16, np.float64):
            runs = [{'a/w': values(40, 30, dtype=dtype), 'a/b': values(7, dtype=dtype), 'only': values(2, dtype=dtype)} for _ in range(count)]
            inputs = {'in' if i == 0 else f'r{i}': tensors for i, tensors in enumerate(runs)}
            rules = [f'{{match: "a/{{x}}", from: [{", ".join(inputs)}], to: "m.{{x}}", do: [{{mean: {{accumulate: f64}}}}]}}',
                     '{match: only, to: only}']
            same(run(inputs, rules), {'m.w': mean(*(r['a/w'] for r in runs)), 'm.b': mean(*(r['a/b'] for r in runs)),
                                      'only': runs[0]['only']})


def test_means_of_patterns_and_what_follows():
    """Several patterns are averaged too, and other operations go on with the mean."""
    a, b = values(4, 3), values(4, 3)
    same(run({'in': {'p/a': a, 'p/b': b}}, ['{match: ["p/a", "p/b"], to: m, do: [{mean: {}}, {transpose: "io->oi"}]}']), {'m': mean(a, b).T})


def test_means_that_do_not_fit():
    """A shape that differs, a tensor that one input lacks, integers, and slots that nothing averages."""
    rule = '{match: "{x:**}", from: [in, b], to: "{x}", do: [{mean: {}}]}'
    run({'in': {'w': values(3)}, 'b': {'w': values(4)}}, [rule], code=1)
    run({'in': {'w': values(3), 'v': values(3)}, 'b': {'w': values(3)}}, [rule], code=2)
    run({'in': {'w': values(3)}, 'b': {'w': values(3), 'v': values(3)}}, [rule], code=2)
    run({'in': {'w': np.ones(3, np.int32)}, 'b': {'w': np.ones(3, np.int32)}}, [rule], code=1)
    adam = {'w': values(3), 'w/Adam': values(3), 'w/Adam_1': values(3)}
    run({'in': adam, 'b': adam}, [rule], code=1)
    same(run({'in': adam, 'b': adam}, [rule], flags=['--weights-only']), {'w': mean(adam['w'], adam['w'])})


def test_picks_by_source():
    """A rule may take tensors of another input alone, rename and transpose them; the rest of it is not taken."""
    old, new = {'body/w': values(3, 2), 'head/w': values(2, 5)}, {'body/w': values(3, 2), 'head/w': values(2, 7), 'other': values(1)}
    rules = ['{match: "body/{x}", to: "body.{x}"}', '{match: "head/w", do: drop}',
             '{match: "head/{x}", from: b, to: "head.{x}", do: [{transpose: "io->oi"}]}']
    same(run({'in': old, 'b': new}, rules), {'body.w': old['body/w'], 'head.w': new['head/w'].T})
    same(run({'in': old, 'b': new}, ['{match: "body/{x}", from: b, do: keep}', '{match: "head/{x}", from: in, do: keep}', '{match: "body/w", do: drop}']),
         {'body/w': new['body/w'], 'head/w': old['head/w']})
    run({'in': old, 'b': new}, ['{match: "{x:**}", do: keep}', '{match: "body/w", from: b, do: keep}'], code=1)


def test_makes_from_an_input():
    """make with {from: {input: …}} takes tensors as they are; chosen by a pattern."""
    old, fresh = {'w': values(3)}, {'pooler.weight': values(2, 2), 'pooler.bias': values(2), 'w': values(3)}
    same(run({'in': old, 'fresh': fresh}, ['{match: w, to: w}', '{make: "pooler.{p:weight|bias}", init: {from: {input: fresh}}}']),
         {'w': old['w'], 'pooler.weight': fresh['pooler.weight'], 'pooler.bias': fresh['pooler.bias']})
    run({'in': old, 'fresh': fresh}, ['{match: w, to: w}', '{make: "poler.{p}", init: {from: {input: fresh}}}'], code=2)


def test_ties():
    """copy writes a second tensor, drop none; a name that is taken, and one that is missing, are errors."""
    tensors = {'e': values(5, 2), 'b': values(2)}
    rest = ['{match: e, to: embed}', '{match: b, to: b}']
    tie = '{tie: head, with: embed, if_target_has_no_alias: %s}'
    same(run({'in': tensors}, rest + [tie % 'copy']), {'embed': tensors['e'], 'head': tensors['e'], 'b': tensors['b']})
    same(run({'in': tensors}, rest + [tie % 'drop']), {'embed': tensors['e'], 'b': tensors['b']})
    same(run({'in': tensors}, ['{match: [e], to: embed, do: [{transpose: "ab->ba"}]}', rest[1], tie % 'copy']),
         {'embed': tensors['e'].T, 'head': tensors['e'].T, 'b': tensors['b']})
    run({'in': tensors}, rest + ['{tie: b, with: embed}'], code=1)
    run({'in': tensors}, rest + ['{tie: head, with: nothing, if_target_has_no_alias: copy}'], code=1)


def test_a_template_for_the_result():
    """to: {like} wants every name of the result there with its shape; unmatched_target says what may lack."""
    head = 'to: {like: {input: t}}\nassert: [{unmatched_target: %s}]\n'
    tensors, template = {'a': values(3), 'b': values(2, 2)}, {'x.a': values(3), 'x.b': values(2, 2), 'head': values(1)}
    rule = ['{match: "{n}", to: "x.{n}"}']
    wanted = {'x.a': tensors['a'], 'x.b': tensors['b']}
    same(run({'in': tensors, 't': template}, rule, head % '[head]'), wanted)
    same(run({'in': tensors, 't': template}, rule, head % '1'), wanted)
    run({'in': tensors, 't': template}, rule, head % '0', code=1)
    run({'in': tensors, 't': template}, rule, head % '[]', code=1)
    run({'in': tensors, 't': {**template, 'x.b': values(4)}}, rule, head % '1', code=1)
    run({'in': tensors, 't': {'x.a': values(3)}}, rule, head % '0', code=1)


def test_metadata():
    """Within safetensors all metadata stay; rules set and copy others; a key that is not there is an error."""
    with scratch() as folder:
        save_file({'w': values(2)}, folder / 'in.safetensors', {'license': 'MIT', 'format': 'tf'})
        for rule, code, wanted in (('{set: {format: pt, author: me}, copy: [license]}', 0, {'license': 'MIT', 'format': 'pt', 'author': 'me'}),
                                   ('{set: {license: "CC0"}}', 0, {'license': 'CC0', 'format': 'tf'}), ('{copy: [licence]}', 2, None)):
            (folder / 'r.yaml').write_text(f'tenon: 1\nmetadata: {rule}\nrules: [{{match: w, to: v}}]\n')
            tenon('-q', 'convert', '-f', folder / 'in.safetensors', folder / 'out.safetensors', '--rules', folder / 'r.yaml', code=code)
            if code == 0:
                with safe_open(folder / 'out.safetensors', 'numpy') as ours:
                    assert ours.metadata() == wanted


def test_the_plan_names_the_inputs():
    """plan --json says in which file each source is; an output over a further input is refused."""
    with scratch() as folder:
        for name in ('in', 'b'):
            save_file({'w': values(2)}, folder / f'{name}.safetensors')
        (folder / 'r.yaml').write_text('tenon: 1\ninputs: [b]\nrules:\n  - {match: w, from: [in, b], to: w, do: [{mean: {}}]}\n')
        said = ['--rules', folder / 'r.yaml', '--input', f'b={folder}/b.safetensors']
        plan = json.loads(tenon('plan', '--json', folder / 'in.safetensors', folder / 'o.safetensors', *said))
        row, = plan['tensors']
        assert [one['path'] for one in row['from']] == [f'{folder}/in.safetensors', f'{folder}/b.safetensors']
        tenon('convert', '-f', folder / 'in.safetensors', folder / 'b.safetensors', *said, code=2)


if __name__ == '__main__':
    import support
    support.main(globals())
