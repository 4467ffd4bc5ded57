"""The groups of the bench: which models are made, who contests over them, and the rows that come of it."""

import dataclasses
import math
import pathlib
import statistics

import goals
import peers
import rules
import saved_models
from contest import Contest
from data import SCOPE, Model
from results import Group, Row

SHORT_ROUNDS = 50  # of what takes a millisecond
MOST_SLOW = 3  # rounds of what takes many seconds


@dataclasses.dataclass
class Settings:
    tenon: str
    folder: pathlib.Path
    rounds: int
    size: int  # MiB of a model
    few: int = 300
    many: int = 100_000
    rules: int = 1000
    growth: tuple = (1_000, 10_000, 100_000, 1_000_000)
    goals: bool = True  # they hold for the sizes above and 1024 MiB alone
    links: bool = False  # whether tenon knows --link
    python: str = None  # an interpreter with TensorFlow, h5py and safetensors, if these are to run too
    say: object = None

    def goal(self, group, key):
        return goals.GOALS.get((group, key)) if self.goals else None

    def contest(self, title, rounds=None):
        """Makes a contest in which nobody takes part yet; what it says begins with the title."""
        rounds = self.rounds if rounds is None else rounds
        return Contest(self.folder, rounds, lambda what: self.say(f"{title}: {what}"))

    def model(self, count, total, hdf5=True):
        """Makes a model of `count` tensors and `total` bytes in the folder."""
        self.say(f"makes {count:,} tensors")
        return Model(self.tenon, self.folder, count, total, hdf5)

    def title(self, count):
        return f"{self.size} MiB in {count:,} tensors"


def convert(settings, *arguments):
    return [settings.tenon, "-q", "convert", *arguments]


def add_conversions(contest, settings, slow=1000):
    contest.add("tf-to-st", "TensorFlow to safetensors", convert(settings, "a-ckpt-1", "b.safetensors"), ["b.*"])
    to_tf = ("b-ckpt-1", "--to", "tf_checkpoint")
    contest.add("st-to-tf", "safetensors to TensorFlow", convert(settings, "a.safetensors", *to_tf), ["b-*"])
    plain = convert(settings, "a-ckpt-1", "b.h5", "--layout", "plain")
    contest.add("tf-to-hdf5", "TensorFlow to HDF5", plain, ["b.*"], most_rounds=slow)
    keras = convert(settings, "a-ckpt-1", "b.h5")
    contest.add("tf-to-keras", "TensorFlow to HDF5 (Keras)", keras, ["b.*"], most_rounds=slow)
    contest.add("hdf5-to-tf", "HDF5 to TensorFlow", convert(settings, "a.h5", *to_tf), ["b-*"], most_rounds=slow)
    rename = convert(settings, "a-ckpt-1", "b-ckpt-1", "--rename", f"{SCOPE}=net/")
    contest.add("rename", "rename in TensorFlow", rename, ["b-*"])
    if settings.links:
        contest.add("rename-link", "rename, data shards linked", [*rename, "--link"], ["b-*"])


def add_readers(contest, settings):
    contest.add("verify", "verify, TensorFlow", [settings.tenon, "-q", "verify", "a-ckpt-1"])
    contest.add("diff", "diff, TensorFlow and safetensors", [settings.tenon, "-q", "diff", "a-ckpt-1", "a.safetensors"])
    contest.add("ls-tf", "ls --name-only, TensorFlow", [settings.tenon, "ls", "--name-only", "a-ckpt-1"])
    contest.add("ls-st", "ls --name-only, safetensors", [settings.tenon, "ls", "--name-only", "a.safetensors"])


def add_copy(contest):
    contest.add("cp", "cp, sync", ["sh", "-c", "cp a.safetensors b.copy && sync b.copy"], ["b.copy"], who="cp")


def timed_row(contestant, measured, unit, scale):
    """Makes a row of the times; `scale` turns seconds into the unit."""
    return Row(
        contestant.key, contestant.label, contestant.who, unit, measured.median * scale,
        min(measured.times) * scale, max(measured.times) * scale,
        ms=measured.median * 1000, processor_ms=statistics.median(measured.processor) * 1000,
        peak_mib=measured.peak_kib / 1024,
    )  # fmt: skip


def helper_rows(contestant, measured, base):
    """Makes the rows that show apart what the helper for HDF5 took: its processor time, and the rest."""
    spent = measured.helper_seconds
    rest = [seconds - spent for seconds in measured.times]
    yield Row(
        contestant.key + goals.APART, f"{contestant.label}, without the helper", "tenon", "x",
        (measured.median - spent) / base, min(rest) / base, max(rest) / base, ms=(measured.median - spent) * 1000,
    )  # fmt: skip
    yield Row(
        contestant.key + "-helper", f"{contestant.label}: the helper (libhdf5)", "tenon", "x",
        spent / base, ms=spent * 1000, peak_mib=measured.helper_peak_kib / 1024,
    )  # fmt: skip


def ratio_rows(contest, base, in_ms=(), apart=False):
    """Makes one row of each contestant: times the base, or milliseconds."""
    unit = contest.measured[base].median
    for contestant in contest.contestants:
        measured = contest.measured[contestant.key]
        if contestant.key.startswith(in_ms):
            yield timed_row(contestant, measured, "ms", 1000)
        else:
            yield timed_row(contestant, measured, "x", 1 / unit)
        if apart and measured.helper_seconds > 0 and contestant.key in goals.CONVERSIONS:
            yield from helper_rows(contestant, measured, unit)


def with_goals(settings, group):
    for row in group.rows:
        row.goal = settings.goal(group.key, row.key)
    return group


def size_group(settings, key, count):
    """The contest over one model of the size asked for, in `count` tensors."""
    many = count == settings.many
    model = settings.model(count, settings.size << 20)
    contest = settings.contest(settings.title(count))
    add_copy(contest)
    add_conversions(contest, settings, MOST_SLOW if many else 1000)
    add_readers(contest, settings)
    if settings.python:
        peers.add(contest, settings.python)
    contest.run()
    model.remove()
    rows = list(ratio_rows(contest, "cp", in_ms=("ls-", "python-ls"), apart=many))
    return with_goals(settings, Group(key, settings.title(count), rows, base="cp"))


def size300(settings):
    return size_group(settings, "size300", settings.few)


def size100k(settings):
    return size_group(settings, "size100k", settings.many)


def cold(settings):
    """The conversions with their inputs out of the page cache before each run."""
    title = f"{settings.title(settings.few)}, cold cache"
    model = settings.model(settings.few, settings.size << 20)
    contest = settings.contest(title)
    if not contest.keep_cold(model.files()):
        model.remove()
        return Group("cold", title, [], note="left out: this file system keeps its files in memory, or does not say")
    add_copy(contest)
    add_conversions(contest, settings)
    contest.add("verify", "verify, TensorFlow", [settings.tenon, "-q", "verify", "a-ckpt-1"])
    contest.run()
    model.remove()
    return with_goals(settings, Group("cold", title, list(ratio_rows(contest, "cp")), base="cp"))


def exponent(points):
    """Fits seconds = a * n^b by least squares of the logarithms; `points` are pairs (n, seconds). Returns b."""
    logs = [(math.log(count), math.log(seconds)) for count, seconds in points]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)


def growth_contest(settings, count):
    """Runs what is done with a model over `count` tensors of 16 bytes."""
    model = settings.model(count, 16 * count, hdf5=False)
    contest = settings.contest(f"growth, {count:,} tensors")
    contest.add("version", "start-up", [settings.tenon, "--version"])
    for key, name, path in (("tf", "TensorFlow", "a-ckpt-1"), ("st", "safetensors", "a.safetensors")):
        contest.add(f"show-{key}", f"open (show), {name}", [settings.tenon, "show", path])
        contest.add(f"ls-{key}", f"ls --name-only, {name}", [settings.tenon, "ls", "--name-only", path])
    contest.add("tf-to-st", "TensorFlow to safetensors", convert(settings, "a-ckpt-1", "b.safetensors"), ["b.*"])
    to_tf = convert(settings, "a.safetensors", "b-ckpt-1", "--to", "tf_checkpoint")
    contest.add("st-to-tf", "safetensors to TensorFlow", to_tf, ["b-*"])
    contest.run()
    model.remove()
    return contest


def growth_row(settings, contests, contestant):
    """Makes the row of one command: the exponent of its processor time beyond start-up, without the smallest model's.
    Processor time, because the models have their turns minutes apart, and what else the machine does changes meanwhile."""
    spent = {
        count: statistics.median(contest.measured[contestant.key].processor)
        - statistics.median(contest.measured["version"].processor)
        for count, contest in contests.items()
    }
    last = contests[settings.growth[-1]].measured[contestant.key]
    return Row(
        contestant.key, contestant.label, "tenon", "exponent",
        exponent([(count, max(1e-6, spent[count])) for count in settings.growth[1:]]),
        goal=goals.EXPONENT if settings.goals else None,
        points=[[count, contest.measured[contestant.key].median * 1000] for count, contest in contests.items()],
        peak_mib=last.peak_kib / 1024,
    )  # fmt: skip


def growth(settings):
    """How time grows with the number of tensors."""
    contests = {count: growth_contest(settings, count) for count in settings.growth}
    contestants = contests[settings.growth[0]].contestants[1:]
    rows = [growth_row(settings, contests, contestant) for contestant in contestants]
    return Group("growth", "growth with the number of tensors", rows)


def startup(settings):
    contest = settings.contest("start-up", max(SHORT_ROUNDS, settings.rounds))
    contest.add("true", "/bin/true", ["/bin/true"], who="true")
    contest.add("version", "tenon --version", [settings.tenon, "--version"])
    if settings.python:
        peers.add_imports(contest, settings.python)
    contest.run()
    return with_goals(settings, Group("startup", "start-up", list(ratio_rows(contest, "true")), base="true"))


def memory_rows(settings, count):
    """Measures the peak of each command over one model; the helper for HDF5 has rows of its own."""
    model = settings.model(count, settings.size << 20)
    contest = settings.contest(f"memory, {count:,} tensors", 0)
    add_conversions(contest, settings)
    add_readers(contest, settings)
    contest.run()
    model.remove()
    goal = goals.peak_mib(count) if settings.goals else None
    for contestant in contest.contestants:
        measured = contest.measured[contestant.key]
        key, label = f"{contestant.key}-{count}", f"{contestant.label}, {count:,} tensors"
        yield Row(key, label, "tenon", "mib", measured.peak_kib / 1024, goal=goal)
        if measured.helper_peak_kib:
            yield Row(f"{key}-helper", f"{label}: the helper (libhdf5)", "tenon", "mib", measured.helper_peak_kib / 1024)


def memory(settings):
    rows = [row for count in (settings.few, settings.many) for row in memory_rows(settings, count)]
    return Group("memory", f"peak memory, {settings.size} MiB", rows)


GROUPS = {
    "size300": size300,
    "size100k": size100k,
    "cold": cold,
    "growth": growth,
    "startup": startup,
    "memory": memory,
    "rules": rules.rules,
    "operations": rules.operations,
    "kernels": rules.kernels,
    "graphs": saved_models.graphs,
}
