"""Plots as inline SVG: lines over two axes. Lines differ in colour, dashes and marks, so that no colour is needed."""

from dataclasses import dataclass
from math import ceil, floor, isfinite, log2, log10

from .html import element, text

WIDTH, HEIGHT = 320, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 8, 34
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000")  # Okabe and Ito
DASHES = ("", "6 3", "2 2", "8 3 2 3", "1 3", "12 4")


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`; logarithmic with base 2 or 10, or linear for base 0."""

    label: str
    low: float
    high: float
    base: int = 0

    def place(self, value):
        """Where on the axis a value is, from 0 to 1."""
        low, high, value = map(self._scaled, (self.low, self.high, value))
        return (value - low) / (high - low) if high > low else 0.5

    def _scaled(self, value):
        return {0: float, 2: log2, 10: log10}[self.base](value)

    @property
    def ticks(self):
        """[(value, label)], at most six."""
        if not self.base:
            steps = 4
            values = [self.low + (self.high - self.low) * i / steps for i in range(steps + 1)]
            return [(value, f"{value:g}") for value in values]
        first, last = ceil(self._scaled(self.low) - 1e-9), floor(self._scaled(self.high) + 1e-9)
        every = max(1, ceil((last - first) / 5))
        values = [float(self.base) ** power for power in range(first, last + 1, every)]
        return [(value, f"{value:g}" if 0.01 <= value < 1e4 else f"1e{round(log10(value))}") for value in values]


def around(label, values, base=0):
    """An axis that holds these values; whole powers at the ends of a logarithmic one."""
    values = [value for value in values if isfinite(value) and (value > 0 or not base)] or [1]
    low, high = min(values), max(values)
    if base:
        scale = {2: log2, 10: log10}[base]
        return Axis(
            label, float(base) ** floor(scale(low)), float(base) ** max(ceil(scale(high)), floor(scale(low)) + 1), base
        )
    return Axis(label, low, high if high > low else low + 1)


def plot(title, x, y, lines, points=False):
    """A figure with a caption; `lines` is {name: [(x, y), ...]}. Values that are not on the axes are left out."""
    parts = [*_grid(x, y)]
    for i, (name, line) in enumerate(lines.items()):
        places = [_at(x, y, a, b) for a, b in line if isfinite(b) and (b > 0 or not y.base)]
        parts.append(_points(places, i, name) if points else _line(places, i, name))
    drawing = element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")
    keys = "".join(element("li", _key(i, points), text(name)) for i, name in enumerate(lines)) if len(lines) > 1 else ""
    return element("figure", element("figcaption", text(title)), drawing, element("ul", keys) if keys else "")


def _at(x, y, a, b):
    across, up = min(max(x.place(a), 0), 1), min(max(y.place(b), 0), 1)
    return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def _line(places, i, name):
    words = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    line = f'<polyline points="{words}" fill="none" {_pen(i)}/>' if len(places) > 1 else ""
    marks = places if len(places) < 20 else ()
    return f"<g><title>{text(name)}</title>{line}{''.join(_mark(a, b, i) for a, b in marks)}</g>"


def _points(places, i, name):
    return f"<g><title>{text(name)}</title>{''.join(_mark(a, b, i) for a, b in places)}</g>"


def _pen(i):
    pattern = DASHES[_turn(i)]
    dash = f' stroke-dasharray="{pattern}"' if pattern else ""
    return f'stroke="{COLOURS[i % len(COLOURS)]}" stroke-width="1.6"{dash}'


def _turn(i):
    """The dashes of a line: when the colours begin again, they have moved on by one."""
    return (i + i // len(COLOURS)) % len(DASHES)


def _mark(a, b, i):
    colour = COLOURS[i % len(COLOURS)]
    shape = _turn(i) % 3
    if shape == 0:
        return f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.2" fill="{colour}"/>'
    if shape == 1:
        return f'<rect x="{a - 2:.1f}" y="{b - 2:.1f}" width="4" height="4" fill="{colour}"/>'
    return f'<path d="M{a:.1f} {b - 2.6:.1f}l2.6 4.6h-5.2z" fill="{colour}"/>'


def _key(i, points):
    line = "" if points else f'<path d="M0 5h26" {_pen(i)}/>'
    return f'<svg viewBox="0 0 26 10" class="mark" aria-hidden="true">{line}{_mark(13, 5, i)}</svg>'


def _grid(x, y):
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, label in x.ticks:
        a, _ = _at(x, y, value, y.low)
        yield f'<path class="grid" d="M{a:.1f} {TOP}V{bottom}"/>'
        yield f'<text x="{a:.1f}" y="{bottom + 12}" text-anchor="middle">{label}</text>'
    for value, label in y.ticks:
        _, b = _at(x, y, x.low, value)
        yield f'<path class="grid" d="M{LEFT} {b:.1f}H{right}"/>'
        yield f'<text x="{LEFT - 4}" y="{b + 3:.1f}" text-anchor="end">{label}</text>'
    yield f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{text(x.label)}</text>'
    yield f'<text transform="translate(9 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">{text(y.label)}</text>'
