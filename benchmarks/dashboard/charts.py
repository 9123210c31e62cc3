"""Charts as SVG text."""

from html import escape

ROW, LEFT, WIDTH, RIGHT = 22, 150, 640, 60


def ratio_bars(rows):
    """Draw a bar for each row, from 0 to its ratio, with its range, and a line at 1."""
    if not rows:
        return "<p>Not measured.</p>"
    most = max(row["ratio_max"] for row in rows)
    scale = (WIDTH - LEFT - RIGHT) / most
    groups = {}
    for row in rows:
        groups.setdefault((row["cell"], row["shape_name"]), []).append(row)
    parts, y = [], 8
    range_line = '<line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}" stroke="var(--ink)" stroke-width="2"/>'
    for (cell, shape), members in groups.items():
        parts.append(f'<text x="0" y="{y + 15}">{escape(cell)} {escape(shape)}</text>')
        for row in members:
            x, low, high = (LEFT + row[key] * scale for key in ("ratio", "ratio_min", "ratio_max"))
            middle = y + ROW / 2
            colour = "var(--bar)" if row["peer"] == members[0]["peer"] else "var(--peer)"
            parts += [
                f'<rect x="{LEFT}" y="{y + 3}" width="{x - LEFT:.1f}" height="{ROW - 6}" fill="{colour}"/>',
                range_line.format(low, high, middle, middle),
                f'<text x="{high + 5:.1f}" y="{y + 15}">{row["ratio"]:.2f} {escape(row["peer"])}</text>',
            ]
            y += ROW
        y += 6
    one = LEFT + scale
    line = f'<line x1="{one:.1f}" x2="{one:.1f}" y1="0" y2="{y}" stroke="var(--soft)" stroke-dasharray="3 3"/>'
    title = "Ratios of times: " + "; ".join(
        f"{row['cell']} {row['shape_name']} {row['peer']} {row['ratio']:.2f}" for row in rows
    )
    head = f'<svg viewBox="0 0 {WIDTH + 60} {y}" role="img" style="max-width: 50rem; width: 100%; min-width: 30rem">'
    return f'<div class="wide">{head}<title>{escape(title)}</title>{line}{"".join(parts)}</svg></div>'


def sparkline(points):
    """Draw values over commits, which are evenly spaced; the height is their range, or a hundredth if that is more."""
    values = [value for _, value in points]
    least, most = min(values), max(values)
    room = max(most - least, abs(most) / 100) or 1.0
    step = 200 / max(1, len(values) - 1)
    places = [(i * step, 36 - 32 * (value - least) / room) for i, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    drawn = f'<polyline points="{line}" fill="none" stroke="var(--bar)" stroke-width="1.5"/>' if len(places) > 1 else ""
    return (
        f'<svg viewBox="-3 0 206 40" preserveAspectRatio="none" aria-hidden="true">{drawn}'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="var(--bar)"/></svg>'
    )


def quantity(value, unit):
    """Write a value with its unit, with prefixes of SI for seconds, bytes and instructions."""
    if unit == "seconds":
        for factor, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")):
            if value >= factor:
                return f"{value / factor:.3g} {name}"
    for factor, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit in ("bytes", "instructions") and value >= factor:
            return f"{value / factor:.4g} {name}{'B' if unit == 'bytes' else ' ' + unit}"
    return f"{value:.3g} {unit}"
