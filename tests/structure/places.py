"""Whatever is listed somewhere is everywhere it belongs: formats, fixtures, codes."""

import os
import re

from source import ROOMS, Violation, blank, line_of

EXIT_CODES = {
    "NO": 1, "USAGE": 2, "RULE_FILE": 2, "NO_MATCH": 2, "NOT_FOUND": 3, "UNKNOWN_FORMAT": 3, "UNSUPPORTED": 3,
    "READ": 3, "CORRUPT": 4, "WRITE": 5, "EXISTS": 5, "LIMIT": 6, "NOMEM": 6, "VERIFY": 7, "UNSAFE": 8,
    "CANCELLED": 130,
}  # fmt: skip


def formats(tree):
    """Yields (line of formats.def, format, its drawer or None)."""
    for number, line in enumerate(tree.lines("formats/formats.def"), 1):
        if match := re.match(r"TN_FORMAT\((\w+)\)$", line):
            name = match.group(1)
            yield number, name, drawer_of(tree, name)


def drawer_of(tree, name):
    for path in tree.c_files("formats"):
        if re.search(rf"^const tn_format tn_format_{name}\b", tree.text(path), re.MULTILINE):
            return os.path.dirname(path)
    return None


def tested(tree, name, drawer):
    words = re.compile(rf"\b({name}|{os.path.basename(drawer)})\b")
    return any(words.search(tree.text(path)) for path in tree.c_files("tests") if path.startswith("tests/formats/"))


def format_law(tree):
    for line, name, drawer in formats(tree):
        if drawer is None:
            yield Violation("formats/formats.def", line, f"no drawer defines tn_format_{name}")
            continue
        for place in (f"{drawer}/format.c", f"{drawer}/NOTES.md", f"docs/formats/{name}.md", f"fixtures/{name}"):
            if not tree.exists(place):
                yield Violation("formats/formats.def", line, f"{name} lacks {place}")
        if not tested(tree, name, drawer):
            yield Violation("formats/formats.def", line, f"no test in tests/formats speaks of {name}")


def fixture_rows(tree):
    """Yields (line, fixture, script) of the tables in fixtures/README.md; headings name the folder."""
    folder = ""
    for number, line in enumerate(tree.lines("fixtures/README.md"), 1):
        if line.startswith("### "):
            folder = line[4:].strip() + "/" if tree.exists("fixtures/" + line[4:].strip()) else ""
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[3] not in ("script", "---"):
            yield number, folder + cells[1], cells[3]


def fixture_law(tree):
    rows = list(fixture_rows(tree))
    for line, fixture, script in rows:
        if not tree.exists(f"fixtures/{fixture}"):
            yield Violation("fixtures/README.md", line, f"speaks of fixtures/{fixture}, which does not exist")
        if script != "by hand" and not tree.exists(f"fixtures/make/{script}.py"):
            yield Violation("fixtures/README.md", line, f"names the script make/{script}.py, which does not exist")
    listed = [fixture for _, fixture, _ in rows]
    for name in tree.files:
        below = name.removeprefix("fixtures/")
        if below != name and below != "README.md" and not below.startswith("make/"):
            if not any(below == fixture or below.startswith(fixture + "/") for fixture in listed):
                yield Violation(name, 1, "has no row in fixtures/README.md")


def table_rows(tree, name):
    for number, line in enumerate(tree.lines(name), 1):
        cells = [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        if cells:
            yield number, cells


def code_law(tree):
    text = tree.text("include/tenon/codes.def")
    wanted = {
        code: [code, status.lower(), str(EXIT_CODES[status]), meaning]
        for code, status, meaning in re.findall(r'^TN_CODE\((\w+), (\w+), "(.*)"\)$', text, re.MULTILINE)
    }
    found = {cells[0]: (line, cells) for line, cells in table_rows(tree, "docs/codes.md") if cells[0][:5] == "TN_E_"}
    for code, cells in wanted.items():
        line, row = found.pop(code, (1, None))
        if row != cells:
            yield Violation("docs/codes.md", line, f"wants the row: | {' | '.join(cells)} |")
    for code, (line, _) in found.items():
        yield Violation("docs/codes.md", line, f"{code} is not in include/tenon/codes.def")


def arguments(text, start):
    """Splits the arguments of a call whose parenthesis opens before `start`."""
    depth, begin, found = 1, start, []
    for match in re.compile(r'"(?:\\.|[^"\\])*"|[(),]').finditer(text, start):
        token = match.group()
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 or depth == 1 and token == ",":
            found.append(text[begin : match.start()])
            begin = match.end()
        if depth == 0:
            break
    return found


def finding_codes(text):
    """Yields (position, expression) of everything that becomes a finding's code."""
    for match in re.finditer(r"\btn_report_say\(", text):
        found = arguments(text, match.end())
        if len(found) > 2:
            yield match.start(), found[2]
    for match in re.finditer(r"\bcode = ([^,;}]*)", text):
        yield match.start(), match.group(1)


def finding_law(tree):
    used, literals = {}, set()
    for name in tree.c_files(*ROOMS):
        text = blank(tree.text(name), strings=False)
        literals.update(re.findall(r'"([a-z][a-z0-9_-]*)"', text))
        for position, expression in finding_codes(text):
            for code in re.findall(r'"([a-z][a-z0-9_-]*)"', expression):
                used.setdefault(code, (name, line_of(text, position)))
    listed = {
        cells[0]: line
        for line, cells in table_rows(tree, "docs/codes.md")
        if re.fullmatch(r"[a-z][a-z0-9_-]*", cells[0]) and cells[0] != "code"
    }
    for code, (name, line) in sorted(used.items()):
        if code not in listed:
            yield Violation(name, line, f'the finding code "{code}" is not in docs/codes.md')
    for code, line in listed.items():
        if code not in literals:
            yield Violation("docs/codes.md", line, f'no source file speaks of the finding code "{code}"')


def planted_law(tree):
    """The lines that a patch of tests/planted wants to find are there, one after the other."""
    for name in tree.files:
        if not (name.startswith("tests/planted/") and name.endswith(".patch")):
            continue
        head, *hunks = re.split(r"^@@.*\n", tree.text(name), flags=re.MULTILINE)
        target = re.search(r"^--- (\S+)", head, re.MULTILINE)
        for hunk in hunks:
            wanted = "".join(line[1:] for line in hunk.splitlines(keepends=True) if line[:1] in (" ", "-"))
            if not target or not tree.exists(target[1]) or wanted not in tree.text(target[1]):
                yield Violation(name, 1, "does not apply any more")
