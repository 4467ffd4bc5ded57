"""The report as text, for a terminal, and the cells that all tables are made of."""

import machine
from results import figure, groups_of, mark

HEADS = ("", "median", "least to most", "goal", "time", "processors", "peak memory")


def spread(row):
    if row.points:
        return ", ".join(f"{count:,}: {figure(ms, 'ms')}" for count, ms in row.points)
    if row.low is None:
        return ""
    return f"{figure(row.low, row.unit)} to {figure(row.high, row.unit)}"


def cells(row):
    """Returns a row's cells, one for each of HEADS."""
    goal = f"{mark(row)} {figure(row.goal, row.unit)}" if row.goal is not None else ""
    time = figure(row.ms, "ms") if row.ms is not None and row.unit != "ms" else ""
    peak = figure(row.peak_mib, "mib") if row.peak_mib is not None else ""
    spent = figure(row.processor_ms, "ms") if row.processor_ms is not None else ""
    return [row.label, figure(row.value, row.unit), spread(row), goal, time, spent, peak]


def columns(group):
    """Returns {number: head} of the columns in which a group has something to say."""
    table = [cells(row) for row in group.rows]
    return {number: head for number, head in enumerate(HEADS) if any(row[number] for row in table)}


def group_text(group):
    lines = [group.title] + ([f"  {group.note}"] if group.note else [])
    kept = columns(group)
    table = [list(kept.values())] + [[cells(row)[number] for number in kept] for row in group.rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    for first, *others in table if group.rows else []:
        rest = "  ".join(cell.rjust(width) for cell, width in zip(others, widths[1:]))
        lines.append(f"  {first.ljust(widths[0])}  {rest}".rstrip())
    return "\n".join(lines)


def tally(groups):
    rows = [row for group in groups for row in group.rows if row.met is not None]
    return f"{sum(row.met for row in rows)} of {len(rows)} goals met"


def report(found):
    groups = groups_of(found)
    parts = [f"{machine.sentence(found['machine'])}; rounds: {found['rounds']}"]
    parts += [group_text(group) for group in groups]
    return "\n\n".join([*parts, tally(groups)]) + "\n"
