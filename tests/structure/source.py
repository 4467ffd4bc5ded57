"""The source tree as the laws see it: files, text without comments, and what a violation is."""

import os
import re
from typing import NamedTuple

LIBRARY_ROOMS = ("core", "io", "model", "formats", "converters")
ROOMS = LIBRARY_ROOMS + ("cli",)
OUTSIDE = {".git", "build", "__pycache__"}


class Violation(NamedTuple):
    path: str
    line: int
    sentence: str


class Tree:
    """All files of the repository, relative to its root, each read once."""

    def __init__(self, root, build):
        self.root = root
        self.build = build
        self.files = sorted(self._walk())
        self._texts = {}

    def _walk(self):
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in OUTSIDE]
            for name in set(files) - OUTSIDE:  # a worktree's .git is a file
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def path(self, name):
        return os.path.join(self.root, name)

    def exists(self, name):
        return os.path.exists(self.path(name))

    def text(self, name):
        """The file's text; None if it is binary, empty if there is none."""
        if name not in self._texts and not self.exists(name):
            self._texts[name] = ""
        if name not in self._texts:
            with open(self.path(name), "rb") as file:
                raw = file.read()
            try:
                self._texts[name] = None if b"\0" in raw else raw.decode()
            except UnicodeDecodeError:
                self._texts[name] = None
        return self._texts[name]

    def lines(self, name):
        return (self.text(name) or "").split("\n")

    def c_files(self, *folders):
        """The C files and headers below some folders; without folders, all."""
        for name in self.files:
            if name.endswith((".c", ".h", ".def")):
                if not folders or name.split("/")[0] in folders:
                    yield name

    def code(self, name):
        """The text of a C file with comments, strings and characters blanked, lines kept."""
        return blank(self.text(name), strings=True)


_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>'(?:\\.|[^'\\\n])+')""",
    re.DOTALL,
)


def blank(text, strings):
    """Blanks comments, and strings too if wanted; every line stays where it is."""

    def replace(match):
        token = match.group()
        if match.lastgroup != "comment" and not strings:
            return token
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(replace, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1
