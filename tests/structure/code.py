"""Laws about C text: sizes, calls, conditional compilation, comments on public declarations."""

import re

from source import LIBRARY_ROOMS, ROOMS, Violation, line_of

FILE_LINES = 700
FUNCTION_LINES = 80
UNBOUNDED = "strcpy strcat stpcpy sprintf vsprintf gets strtok rand srand atoi atol atof alloca"
ALLOCATION = "malloc calloc realloc free strdup strndup"
ALLOCATOR = "core/system_allocator.c"
# Where the processor or the system may be asked for.
PLATFORM = re.compile(r"core/crc32c_\w+\.c|model/cast_(?:x86|other)\.c|io/sys\.c")
ARCHITECTURE = re.compile(
    r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b.*"
    r"(?:__x86_64__|__i386__|__aarch64__|__arm__|__BYTE_ORDER__|__linux__|__APPLE__|_WIN32|__SSE|__AVX|__ARM_)",
    re.MULTILINE,
)


def scripts(tree):
    for name in tree.files:
        if name.endswith(".py") or (tree.text(name) or "").startswith("#!"):
            yield name


def file_law(tree):
    for name in [*tree.c_files(), *scripts(tree)]:
        count = tree.text(name).count("\n")
        if count > FILE_LINES:
            yield Violation(name, count, f"{count} lines; the ceiling is {FILE_LINES}")


def functions(tree):
    """Yields (file, line of its brace, lines). The format check puts a function's braces alone into the first column,
    and no others."""
    for name in tree.c_files():
        start = None
        for number, line in enumerate(tree.code(name).split("\n"), 1):
            line = line.rstrip()
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                yield name, start, number - start + 1
                start = None


def function_law(tree):
    for name, line, count in functions(tree):
        if count > FUNCTION_LINES:
            yield Violation(name, line, f"a function of {count} lines; the ceiling is {FUNCTION_LINES}")


def calls(tree, names, words):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(words.split()) + r")\s*\(")
    for name in names:
        code = tree.code(name)
        for match in pattern.finditer(code):
            yield name, line_of(code, match.start()), match.group(1)


def unbounded_law(tree):
    for name, line, word in calls(tree, tree.c_files(*ROOMS), UNBOUNDED):
        yield Violation(name, line, f"{word}() is banned: it has no bound, or no way to fail")


def allocation_law(tree):
    for name, line, word in calls(tree, tree.c_files(*LIBRARY_ROOMS), ALLOCATION):
        if name != ALLOCATOR and "/helper/" not in name:
            yield Violation(name, line, f"{word}() in the library: memory comes from the context")


def platform_law(tree):
    for name in tree.c_files(*ROOMS, "include"):
        text = tree.text(name)
        for match in ARCHITECTURE.finditer(text):
            if not PLATFORM.fullmatch(name):
                yield Violation(name, line_of(text, match.start()), "asks for the platform outside its files")


def comment_law(tree):
    """Each public declaration has a comment: above it, above the group of lines it belongs to, or behind it."""
    for name in tree.c_files("include"):
        if name.endswith(".def"):
            continue
        depth, commented = 0, False
        in_comment = False
        for number, line in enumerate(tree.lines(name), 1):
            if not line.strip():
                commented = commented and depth > 0
            if line.lstrip().startswith("/*"):
                in_comment = True
            if in_comment:
                commented = True
                in_comment = "*/" not in line
                continue
            commented = commented or "/*" in line
            if depth == 0 and re.match(r"TN_API\b|typedef (struct|enum)\b[^;]*\{", line) and not commented:
                yield Violation(name, number, f"a public declaration without a comment: {line.strip()}")
            depth += line.count("{") - line.count("}")
