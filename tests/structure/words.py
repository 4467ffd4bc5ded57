"""Laws about text of any kind: unfinished work, machines of developers, links, commands."""

import os
import re

from source import Violation, line_of

UNFINISHED = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK")) + r")\b")
MACHINE = re.compile(r"(?<![\w.$}-])/(home|work|Users|root)/\w")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands of the documents that need no run: check and quickstart are run as wholes, the others make or change files, or take
# minutes.
KNOWN = re.compile(
    r"\./(quickstart|check)( \S+)*|scripts/\S+( \S+)*|bench/\S+( \S+)*|fixtures/make/all|tests/\S+( \S+)*|clang-format-14 -i \S+"
    r"|git clone \S+.*|cd \S+|cmake --preset \S+ && cmake --build --preset \S+|ctest --preset \S+( \S+)*"
)


def search(tree, pattern, sentence):
    for name in tree.files:
        text = tree.text(name)
        if text is None or name.startswith("fixtures/") and not name.startswith("fixtures/make/"):
            continue
        for match in pattern.finditer(text):
            yield Violation(name, line_of(text, match.start()), sentence.format(match.group()))


def unfinished_law(tree):
    yield from search(tree, UNFINISHED, "the word {} marks unfinished work")


def machine_law(tree):
    yield from search(tree, MACHINE, "{} is a path of somebody's machine")


def documents(tree):
    return [name for name in tree.files if name.endswith(".md")]


def link_law(tree):
    for name in documents(tree):
        text = tree.text(name)
        for match in LINK.finditer(text):
            target = match.group(1)
            if re.match(r"[a-z]+:", target):
                continue
            if not tree.exists(os.path.normpath(os.path.join(os.path.dirname(name), target))):
                yield Violation(name, line_of(text, match.start()), f"the link {target} leads nowhere")


def command_law(tree):
    """Blocks of `console` are run by scripts/update-docs; blocks of `sh` hold commands that ./check knows."""
    for name in documents(tree):
        text = tree.text(name)
        for match in BLOCK.finditer(text):
            start = line_of(text, match.start()) + 1
            for number, line in enumerate(match.group(2).split("\n"), start):
                command = line.partition("#")[0].strip()
                if match.group(1) == "sh" and command and not KNOWN.fullmatch(command):
                    yield Violation(name, number, f"nobody runs the command: {command}")
                if match.group(1) == "console" and line.startswith("$ ") and not line.startswith("$ tenon "):
                    yield Violation(name, number, f"a console block shows tenon alone, not: {command}")
