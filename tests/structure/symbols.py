"""No mutable variable at file scope in the library: asked of the compiled objects, so that nothing escapes."""

import os
import re
import subprocess

from source import LIBRARY_ROOMS, Violation

# objdump -t: address, seven flag characters, section, size, name. O: an object. Constant data with addresses in it
# lies in .data.rel.ro, which the loader makes read-only.
SYMBOL = re.compile(r"^[0-9a-f]+ .{6}O (\S+)\t[0-9a-f]+ +(?:\.hidden )?(\S+)$", re.MULTILINE)
MUTABLE = re.compile(r"(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\*COM\*)")


def objects(tree):
    for room in LIBRARY_ROOMS:
        top = os.path.join(tree.build, "CMakeFiles", f"tn_{room}.dir")
        for folder, _, files in os.walk(top):
            for file in files:
                if file.endswith(".c.o"):
                    path = os.path.join(folder, file)
                    yield os.path.relpath(path, top)[: -len(".o")], path


def law(tree):
    seen = 0
    for name, path in objects(tree):
        if not tree.exists(name):
            continue
        seen += 1
        table = subprocess.run(["objdump", "-t", path], capture_output=True, text=True, check=True).stdout
        for section, symbol in SYMBOL.findall(table):
            if MUTABLE.match(section):
                line = next((n for n, text in enumerate(tree.lines(name), 1) if symbol.split(".")[0] in text), 1)
                yield Violation(name, line, f"{symbol} is a mutable variable at file scope ({section})")
    if seen == 0:
        yield Violation(os.path.relpath(tree.build, tree.root), 1, "holds no objects: build the preset `dev` first")
