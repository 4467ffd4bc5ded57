"""What a run of the bench found: groups of rows, as they stand in the JSON file and as the reports read them."""

import dataclasses

UNITS = {"x": "{:.3g} x", "ms": "{:.3g} ms", "s": "{:.3g} s", "mib": "{:.1f} MiB", "exponent": "n^{:.2f}", "of memcpy": "{:.2f}"}


@dataclasses.dataclass
class Row:
    key: str
    label: str
    who: str  # tenon, cp, true, python
    unit: str  # of value, low, high and goal: x (times the group's base), ms, s, mib, exponent, "of memcpy"
    value: float
    low: float = None  # of all rounds
    high: float = None
    goal: float = None  # at most so much; of memcpy: at least
    ms: float = None
    processor_ms: float = None  # of the command and its children, median
    peak_mib: float = None
    points: list = None  # of a growth: pairs (number of tensors, median in ms)

    @property
    def met(self):
        if self.goal is None:
            return None
        return self.value >= self.goal if self.unit == "of memcpy" else self.value <= self.goal

    def as_json(self):
        return {**dataclasses.asdict(self), "met": self.met}


@dataclasses.dataclass
class Group:
    key: str
    title: str
    rows: list
    base: str = None  # key of the row that ratios refer to
    note: str = None  # what a reader must know: what was left out and why

    def row(self, key):
        return next((row for row in self.rows if row.key == key), None)

    def as_json(self):
        rows = [row.as_json() for row in self.rows]
        return {"key": self.key, "title": self.title, "base": self.base, "note": self.note, "rows": rows}


def groups_of(found):
    """Returns the groups of a JSON document that bench/run wrote."""
    groups = []
    for group in found["groups"]:
        rows = [Row(**{key: value for key, value in row.items() if key != "met"}) for row in group["rows"]]
        groups.append(Group(**{**group, "rows": rows}))
    return groups


def figure(value, unit):
    """Returns a figure with its unit, for people."""
    if unit in ("x", "ms", "s") and value >= 100:
        return f"{value:.0f} {unit}"
    return UNITS[unit].format(value)


def mark(row):
    return {None: "", True: "✓", False: "✗"}[row.met]
