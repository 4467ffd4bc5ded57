"""Keeps docs/ in step with the last run: performance.json is what it found, the rest is made of that.

docs/performance.svg is the picture; in docs/performance.md the lines between two markers are the tables.
"""

import json
import pathlib
import re

import machine
import picture
from results import groups_of
from text import cells, columns, tally

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
MARKED = re.compile(r"(<!-- bench: begin -->\n).*(<!-- bench: end -->\n)", re.DOTALL)


def table(group):
    kept = columns(group)
    lines = [f"### {group.title[0].upper()}{group.title[1:]}", ""] + ([group.note, ""] if group.note else [])
    if group.rows:
        lines += ["| " + " | ".join(kept.values()) + " |", "|---|" + "---:|" * (len(kept) - 1)]
    lines += ["| " + " | ".join(cells(row)[column] for column in kept) + " |" for row in group.rows]
    return "\n".join(lines) + "\n"


def tables(found):
    groups = groups_of(found)
    head = f"{machine.sentence(found['machine'])}; rounds: {found['rounds']}. {tally(groups)}.\n"
    return "\n".join([head, *map(table, groups)])


def files(found):
    """Returns {path: text} of what docs/ must hold after this run."""
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    return {
        DOCS / "performance.json": json.dumps(found, indent=1) + "\n",
        DOCS / "performance.svg": picture.draw(found),
        DOCS / "performance.md": MARKED.sub(lambda match: match[1] + tables(found) + match[2], page),
    }


def write(found):
    for path, text in files(found).items():
        path.write_text(text, encoding="utf-8")


def stale():
    """Returns the files of docs/ that are not what docs/performance.json makes of them."""
    found = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))
    return [path for path, text in files(found).items() if not path.exists() or path.read_text(encoding="utf-8") != text]
