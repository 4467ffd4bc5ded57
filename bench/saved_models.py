"""The group of the bench that lists SavedModels: with their weights as constants, as variables, and one of small nodes alone.
They are written by hand, as many bytes as are asked for."""

import os
import shutil
import statistics
import subprocess

import peers
from data import make_safetensors
from results import Group, Row


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def attr(name, value):
    return field(5, field(1, name) + field(2, value))


def constant(name, elements):
    """Returns what stands before the values of a Const of float32 in a GraphDef, and how many bytes they are."""
    size = 4 * elements
    before_values = b"\x08\x01" + field(2, field(2, b"\x08" + varint(elements)))  # DT_FLOAT, the shape
    tensor = before_values + b"\x22" + varint(size)
    head = varint(8 << 3 | 2) + varint(len(tensor) + size) + tensor
    head = field(1, b"value") + varint(2 << 3 | 2) + varint(len(head) + size) + head
    head = field(1, name) + field(2, b"Const") + attr(b"dtype", b"\x30\x01") + varint(5 << 3 | 2) + varint(len(head) + size) + head
    return varint(1 << 3 | 2) + varint(len(head) + size) + head, size


def identity(name, source):
    return field(1, field(1, name) + field(2, b"Identity") + field(3, source) + attr(b"T", b"\x30\x01"))


def write_model(folder, graph_bytes, parts):
    """Writes saved_model.pb around a GraphDef of so many bytes, which come in parts."""
    info = field(1, field(4, b"serve"))
    graph = varint(2 << 3 | 2) + varint(graph_bytes)
    meta = varint(2 << 3 | 2) + varint(len(info) + len(graph) + graph_bytes)
    folder.mkdir()
    with open(folder / "saved_model.pb", "wb") as file:
        file.write(b"\x08\x01" + meta + info + graph)
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def make_constants(folder, count, total):
    """A graph of `count` constants, of `total` bytes together."""
    block = os.urandom(total // count // 4 * 4)
    heads = [constant(b"layer_%d/kernel" % index, len(block) // 4)[0] for index in range(count)]
    write_model(folder, sum(map(len, heads)) + count * len(block), (part for head in heads for part in (head, block)))


def make_nodes(folder, total):
    """A graph of small nodes, each of which reads the one before, of about `total` bytes together."""
    nodes, made = [], 0
    while made < total:
        index = len(nodes)
        nodes.append(identity(b"encoder/layer_%d/output/Identity" % index, b"encoder/layer_%d/output/Identity" % max(0, index - 1)))
        made += len(nodes[-1])
    write_model(folder, made, nodes)


def make_variables(folder, tenon, count, total):
    """A graph without nodes, and `count` variables of about `total` bytes in the checkpoint beside it."""
    write_model(folder, 0, [])
    (folder / "variables").mkdir()
    make_safetensors(folder / "a.safetensors", count, total)
    command = [tenon, "-q", "convert", "a.safetensors", "variables/variables", "--to", "tf_checkpoint"]
    subprocess.run(command, cwd=folder, check=True)
    (folder / "a.safetensors").unlink()


MOST_MIB = 100  # what a SavedModel weighs here
MODELS = {"constants": "weights as constants", "variables": "weights as variables", "nodes": "small nodes and nothing else"}


def graphs(settings):
    """Lists SavedModels beside reading their bytes once."""
    size = min(settings.size, MOST_MIB)
    total = size << 20
    settings.say("makes SavedModels")
    make_constants(settings.folder / "constants", settings.few, total)
    make_variables(settings.folder / "variables", settings.tenon, settings.few, total)
    make_nodes(settings.folder / "nodes", total)
    title = f"SavedModels of {size} MiB"
    contest = settings.contest(title)
    contest.add("read", "cat, the bytes once", ["cat", "constants/saved_model.pb"], who="cp")
    for key, words in MODELS.items():
        contest.add(f"ls-{key}", f"ls, {words}", [settings.tenon, "-q", "ls", key])
        if settings.python:
            peers.add_saved_model(contest, settings.python, key, words)
    contest.run()
    for key in MODELS:
        shutil.rmtree(settings.folder / key)
    unit = contest.measured["read"].median
    rows = []
    for contestant in contest.contestants:
        measured = contest.measured[contestant.key]
        low, high = min(measured.times) / unit, max(measured.times) / unit
        rows.append(
            Row(
                contestant.key, contestant.label, contestant.who, "x", measured.median / unit, low, high,
                goal=settings.goal("graphs", contestant.key), ms=measured.median * 1000,
                processor_ms=statistics.median(measured.processor) * 1000, peak_mib=measured.peak_kib / 1024,
            )
        )  # fmt: skip
    return Group("graphs", title, rows, base="read")
