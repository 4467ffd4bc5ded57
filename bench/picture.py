"""Draws the ratios of a run as one SVG: a bar a row, with its goal; readable on light and on dark pages."""

from xml.sax.saxutils import escape

from results import figure, groups_of, mark

WIDTH, LABELS, VALUES = 920, 350, 170  # pixels: the whole, and the columns left and right of the bars
LINE, GAP, TOP = 22, 34, 40
MOST = 1.5  # times cp; longer bars are cut, and end in an arrow

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 11px }
  .right { text-anchor: end }
  .middle { text-anchor: middle }
  .tenon { fill: #2f7fd6 }
  .python { fill: #8d96a0 }
  .grid { stroke: #8d96a0; stroke-opacity: .35 }
  .cp { stroke: #24292f; stroke-dasharray: 4 3 }
  .goal { stroke: #d9730d; stroke-width: 3 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .cp { stroke: #e6edf3 } }
"""


def place(ratio):
    """Returns where a ratio lies on the axis, in pixels."""
    return round(LABELS + min(ratio, MOST) / MOST * (WIDTH - LABELS - VALUES), 1)


def bar(row, top):
    end, middle = place(row.value), top + LINE / 2
    yield f'<text class="right" x="{LABELS - 8}" y="{middle + 4}">{escape(row.label)}</text>'
    if row.value > MOST:
        shape = f"{LABELS},{top + 4} {end},{top + 4} {end + 7},{middle} {end},{top + LINE - 4} {LABELS},{top + LINE - 4}"
        yield f'<polygon class="{row.who}" points="{shape}"/>'
    else:
        yield f'<rect class="{row.who}" x="{LABELS}" y="{top + 4}" width="{max(1, end - LABELS):.1f}" height="{LINE - 8}"/>'
    yield f'<text x="{WIDTH - VALUES + 14}" y="{middle + 4}">{figure(row.value, "x")}</text>'
    if row.goal is not None:
        at = place(row.goal)
        yield f'<line class="goal" x1="{at}" x2="{at}" y1="{top + 1}" y2="{top + LINE - 1}"/>'
        words = f"{mark(row)} {figure(row.goal, 'x')}"
        yield f'<text x="{WIDTH - VALUES + 84}" y="{middle + 4}">{words}</text>'


def axis(top, bottom):
    for step in range(0, int(MOST * 4) + 1):
        at = place(step / 4)
        yield f'<line class="{"cp" if step == 4 else "grid"}" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>'
        if step % 2 == 0:
            label = "cp" if step == 4 else f"{step / 4:g}"
            yield f'<text class="small middle" x="{at}" y="{bottom + 14}">{label}</text>'


def panel(group, rows, top):
    bottom = top + 8 + LINE * len(rows)
    yield f'<text class="title" x="8" y="{top}">{escape(group.title)}</text>'
    yield from axis(top + 8, bottom)
    for number, row in enumerate(rows):
        yield from bar(row, top + 8 + LINE * number)


def draw(found):
    """Returns the picture of all groups whose rows are ratios to cp."""
    parts, top = [], TOP
    for group in groups_of(found):
        rows = [row for row in group.rows if row.unit == "x" and row.who != "cp"] if group.base == "cp" else []
        if rows:
            parts += panel(group, rows, top)
            top += 8 + LINE * len(rows) + GAP + 22
    parts.append(
        f'<text class="small" x="8" y="{top - 14}">Bars: median time as a ratio to cp of the same bytes, with sync; '
        "orange: the goal, at most so much.</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" role="img">'
        f"\n<title>tenon beside cp</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )
