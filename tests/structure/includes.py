"""Who may include whom: core <- io <- model <- formats, converters <- cli."""

import os
import re

from source import ROOMS, Violation

BELOW = {
    "core": {"core"},
    "io": {"core", "io"},
    "model": {"core", "io", "model"},
    "formats": {"core", "io", "model", "formats"},
    "converters": {"core", "io", "model", "formats", "converters"},
    "cli": {"cli"},
    "include": set(),
}
# Headers of other people's libraries: the files that may include them, and how many may.
FOREIGN = {
    r"hdf5.*\.h": (r"formats/keras_h5/helper/.*", None),
    r"(google/)?protobuf-c/.*|schemas/\w+\.pb-c\.h": (r"formats/\w+/\w*(write|text)\w*\.[ch]", None),
    r"yaml\.h": (r"core/yaml\.c", 1),
    r"snappy-c\.h": (r"formats/shared/.*\.c", 1),
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)


def includes(tree, name):
    """Yields (line, included path, whether it stands in angle brackets)."""
    text = tree.text(name)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        angled, quoted = match.groups()
        if quoted and "/" not in quoted:
            quoted = os.path.join(os.path.dirname(name), quoted)
        yield line, angled or quoted, angled is not None


def drawer(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "formats" and len(parts) > 2 else None


def forbidden(name, target):
    """Says why `name` may not include `target`; None if it may."""
    room, other = name.split("/")[0], target.split("/")[0]
    if target.endswith(".pb-c.h"):
        return None
    if other not in ROOMS:
        return f"includes {target}, which lies in no room"
    if other not in BELOW[room]:
        return f"{room} may not include {other} ({target})"
    if room == "converters" and other == "formats" and target != "formats/format.h":
        return f"converters know formats by formats/format.h alone, not by {target}"
    if room == "formats" and drawer(target) not in (None, "shared", drawer(name)):
        return f"a drawer may not look into another one ({target})"
    return None


def room_law(tree):
    for name in tree.c_files(*BELOW):
        for line, target, angled in includes(tree, name):
            if angled:
                if target.startswith("tenon/") and not tree.exists(f"include/{target}"):
                    yield Violation(name, line, f"<{target}> does not exist")
            elif (why := forbidden(name, target)) is not None:
                yield Violation(name, line, why)


def foreign_law(tree):
    counts = {}
    for name in tree.c_files(*BELOW):
        for line, target, angled in includes(tree, name):
            for header, (allowed, most) in FOREIGN.items():
                if not re.fullmatch(header, target):
                    continue
                counts[header] = counts.get(header, 0) + 1
                if not re.fullmatch(allowed, name):
                    yield Violation(name, line, f"<{target}> may be included by {allowed} only")
                elif most is not None and counts[header] > most:
                    yield Violation(name, line, f"<{target}> may be included by {most} file only")
