"""The groups about rules: what mapping names costs, what operations cost, and the loops that compute."""

import pathlib
import statistics
import subprocess

import goals
from data import SCOPE, Model
from results import Group, Row

DOWN = 1024  # rows of a tensor that is transposed


def write_rules(path, count):
    """Writes a rule file of `count` rules over the bench's names, all patterns: one for all names, below the others, which
    claim ten of the larger numbers each."""
    lines = ["tenon: 1", "rules:"]
    lines += [f'  - {{match: "{SCOPE}layer_{{i:int}}/kernel", to: "net/layer_{{i}}/weight", otherwise: true}}']
    lines += [
        f'  - {{match: "{SCOPE}layer_{index}{{i:int}}/kernel", to: "net/block_{index}/{{i}}/weight", optional: true}}'
        for index in range(1000, 1000 + count - 1)
    ]
    path.write_text("\n".join(lines) + "\n")


def mapping_contest(settings, count):
    """Plans with many rules, with one, and with none, over `count` tensors of 16 bytes."""
    model = Model(settings.tenon, settings.folder, count, 16 * count)
    write_rules(settings.folder / "a-many.yaml", settings.rules)
    write_rules(settings.folder / "a-one.yaml", 1)
    contest = settings.contest(f"rules, {count:,} tensors")
    plan = [settings.tenon, "-q", "plan", "--json", "a.safetensors", "b.safetensors"]
    contest.add("plan", "plan", plan)
    contest.add("plan-one", "plan, 1 rule", [*plan, "--rules", "a-one.yaml"])
    contest.add("plan-many", f"plan, {settings.rules:,} rules", [*plan, "--rules", "a-many.yaml"])
    contest.run()
    model.remove()
    return contest


def mapping_row(settings, contests, key, label):
    """Makes the row of what rules add to a plan, in milliseconds at 100,000 tensors; the points say how it grows."""
    added = {}
    for count, contest in contests.items():
        plain, ruled = contest.measured["plan"].times, contest.measured[key].times
        added[count] = [1000 * (with_rules - without) for with_rules, without in zip(ruled, plain)]
    count = settings.many if settings.many in added else max(added)
    return Row(
        key, label, "tenon", "ms", statistics.median(added[count]), min(added[count]), max(added[count]),
        points=[[number, statistics.median(times)] for number, times in added.items()],
    )  # fmt: skip


def rules(settings):
    """What compiling rules and mapping names adds to a plan."""
    contests = {count: mapping_contest(settings, count) for count in settings.growth}
    rows = [
        mapping_row(settings, contests, "plan-one", "1 rule"),
        mapping_row(settings, contests, "plan-many", f"{settings.rules:,} rules"),
    ]
    rows[1].goal = settings.goal("rules", "plan-many")
    title = f"rules: added to a plan of {settings.many:,} tensors"
    return Group("rules", title, rows)


def operations(settings):
    """Conversions whose tensors are all transposed or cast, beside one that copies them."""
    model = Model(settings.tenon, settings.folder, settings.few, settings.size << 20, down=DOWN)
    (settings.folder / "a-t.yaml").write_text('tenon: 1\nrules:\n  - {match: "{x:**}", do: [{transpose: "io->oi"}]}\n')
    contest = settings.contest(f"operations, {settings.title(settings.few)}")
    convert = [settings.tenon, "-q", "convert", "a-ckpt-1", "b.safetensors"]
    contest.add("copied", "copied", convert, ["b.*"])
    contest.add("transposed", "every tensor transposed", [*convert, "--rules", "a-t.yaml"], ["b.*"])
    contest.add("cast", "every tensor cast to bfloat16", [*convert, "--cast", "bf16"], ["b.*"])
    contest.run()
    model.remove()
    unit = contest.measured["copied"].median
    rows = [
        Row(
            one.key, one.label, "tenon", "x", contest.measured[one.key].median / unit,
            min(contest.measured[one.key].times) / unit, max(contest.measured[one.key].times) / unit,
            goal=settings.goal("operations", one.key), ms=contest.measured[one.key].median * 1000,
        )
        for one in contest.contestants
    ]  # fmt: skip
    return Group("operations", f"operations: {settings.title(settings.few)}, TensorFlow to safetensors", rows, base="copied")


def kernels(settings):
    """The loops that compute, beside memcpy, by bytes read and written a second."""
    program = pathlib.Path(settings.tenon).parent / "bench-kernels"
    title = "loops in memory: bytes a second, beside memcpy"
    if not program.exists():
        return Group("kernels", title, [], note=f"left out: there is no {program.name} beside the program")
    settings.say("loops in memory")
    mib = min(256, settings.size)
    said = subprocess.run([program, str(settings.rounds), str(mib)], stdout=subprocess.PIPE, check=True, encoding="utf-8")
    speeds = {}
    for line in said.stdout.partition("measured\n")[2].splitlines():
        name, moved, seconds = line.split()
        speeds.setdefault(name, []).append(int(moved) / float(seconds))
    copy = statistics.median(speeds["memcpy"])
    rows = [
        Row(
            name, name, "tenon" if name != "memcpy" else "cp", "of memcpy", statistics.median(all_of) / copy,
            min(all_of) / copy, max(all_of) / copy, goal=goals.KERNEL if settings.goals and name != "memcpy" else None,
        )
        for name, all_of in speeds.items()
    ]  # fmt: skip
    return Group("kernels", title, rows)
