#!/usr/bin/env python3
"""Holds every JSON line of the command line's golden cases against schemas/output.schema.json (needs jsonschema).

Lines that the schema leaves open are not enough: a broken document must be refused too, so each document is also tried
with every one of its required fields taken away.
"""
import json
import pathlib
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def json_lines():
    """Yields the case and the value of each line of output that is JSON."""
    for case in sorted((ROOT / 'tests/cli/cases').glob('*.case')):
        for line in case.read_text().splitlines():
            if line.startswith(('> {"', '! {"')) and line.endswith('}'):  # some cases show the beginnings of lines
                yield case.name, json.loads(line[2:])


def main():
    schema = json.loads((ROOT / 'schemas/output.schema.json').read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    lines, wrong, accepted = 0, [], []
    verbs = set()
    for case, value in json_lines():
        lines += 1
        verbs.add(value.get('verb'))
        wrong += [f'{case}: {error.json_path}: {error.message}' for error in validator.iter_errors(value)]
        for field in value if 'tenon' in value else ():
            less = {key: item for key, item in value.items() if key != field}
            jsonl = field in ('tensors', 'findings') and value['verb'] in ('ls', 'diff', 'check')
            optional = field == 'rules'  # only with --print-rules
            if not jsonl and not optional and validator.is_valid(less):
                accepted.append(f'{case}: {value["verb"]} without {field} is accepted')
    missing = {'ls', 'show', 'get', 'convert', 'plan', 'verify', 'diff', 'check', 'ckpt', 'rules', 'graph', 'formats'} - verbs
    wrong += accepted + [f'no golden document of {verb}' for verb in sorted(missing)]
    print('\n'.join(wrong) or f'{lines} lines of JSON fit the schema')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
