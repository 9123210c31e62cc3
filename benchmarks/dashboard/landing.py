"""The first page: today's ratios to other libraries, the guarded series, and what got slower."""

from html import escape
from pathlib import Path
from string import Template

from . import charts

GUARDED = (
    "benchmark_instructions",
    "benchmark_memory",
    "benchmark_accuracy",
    "benchmark_startup.Compiled.track_kernels",
)
SHOWN = ("benchmark_startup", "benchmark_cells", "benchmark_bptt", "benchmark_training", "benchmark_inference")

PAGE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))

PACKAGES = "numba", "torch", "jax", "keras", "tensorflow", "onnxruntime"


def page(peers, site):
    """Write the page from what `benchmarks.peers` measured and from asv's site."""
    rows = [row for row in peers["results"] if row["peer"]]
    return PAGE.substitute(
        about=escape(about(peers, site)),
        verdict=escape(verdict(rows, site)),
        training=charts.ratio_bars([row for row in rows if row["kind"] == "train"]),
        forward=charts.ratio_bars([row for row in rows if row["kind"] == "forward"]),
        peak=round(peers["peak_gflops"]),
        table=table(rows, peers["peak_gflops"]),
        guarded=tiles(site, [name for name in site.series if name.startswith(GUARDED)]),
        times=tiles(site, [name for name in site.series if name.startswith(SHOWN) and not name.startswith(GUARDED)]),
        regressions=regressions(site),
    )


def about(peers, site):
    """Say on which machine and when the figures were made."""
    environment = peers["environment"]
    said = [str(environment[name]) for name in ("cpu", "date") if name in environment]
    said += [f"{environment['threads']} threads"]
    said += [f"{name} {environment[name]}" for name in PACKAGES if name in environment]
    return ", ".join(said) + f"; {len(recorded_revisions(site))} recorded commits"


def verdict(rows, site):
    """Say in two sentences how fast an LSTM trains beside PyTorch, and whether a change cost anything."""
    lstm = [row["ratio"] for row in rows if (row["cell"], row["kind"], row["peer"]) == ("LSTM", "train", "torch")]
    said = ""
    if lstm:
        low, high = f"{min(lstm):.2f}", f"{max(lstm):.2f}"
        said = f"An LSTM trains {low if low == high else f'{low} to {high}'} times as fast as in PyTorch. "
    worse, commits = len(site.regressions), len(recorded_revisions(site))
    if not worse:
        return said + f"No guarded series got worse over the {commits} recorded commits."
    last = sum(found.revision == site.last_revision for found in site.regressions)
    said += f"At the last recorded commit, {site.last_commit}, {series_text(last)} got worse; "
    return said + f"over the {commits} recorded ones, {series_text(worse)}: see below."


def series_text(count):
    """Write a number of guarded series."""
    return {0: "no guarded series", 1: "one guarded series"}.get(count, f"{count} guarded series")


def table(rows, peak):
    """Make the table of all figures."""
    heads = ("cell", "steps × batch × inputs × units", "pass", "ms", "% of peak", "library", "ratio", "range")
    numbers = {"ms", "% of peak", "ratio"}
    lines = ["<tr>" + "".join(f"<th{' class=number' * (head in numbers)}>{head}</th>" for head in heads) + "</tr>"]
    for row in rows:
        shape = f"{row['shape_name']} ({' × '.join(map(str, row['shape']))})"
        cells = (
            (escape(row["cell"]), ""),
            (escape(shape), ""),
            (row["kind"], ""),
            (f"{row['numbarnn_ms']:.3g}", " class=number"),
            (f"{100 * row['gflops'] / peak:.0f}", " class=number"),
            (escape(row["peer"]), ""),
            (f"{row['ratio']:.2f}", " class=number"),
            (f"{row['ratio_min']:.2f} to {row['ratio_max']:.2f}", ""),
        )
        lines.append("<tr>" + "".join(f"<td{kind}>{text}</td>" for text, kind in cells) + "</tr>")
    return "<table>" + "\n".join(lines) + "</table>"


def tiles(site, names):
    """Make a tile with a sparkline for each series that has values."""
    made = []
    for name in names:
        series = site.series[name]
        if series.points:
            values = [value for _, value in series.points]
            change = (
                f"{100 * (values[-1] / values[0] - 1):+.1f} % over {len(values)} commits" if len(values) > 1 else ""
            )
            text = f"<b>{escape(series.title)}</b>{charts.sparkline(series.points)}"
            soft = f'<span class="soft">{charts.quantity(values[-1], series.unit)} {change}</span>'
            made.append(f'<a class="tile" href="asv/index.html#{escape(name)}">{text}{soft}</a>')
    return "\n".join(made) or "<p>No results are recorded yet.</p>"


def regressions(site):
    """List what asv found in the guarded series."""
    if not site.regressions:
        return "<p>Nothing, by asv's step detection in the guarded series.</p>"
    commits = {}
    for found in sorted(site.regressions, key=lambda found: -found.revision):
        series = site.series.get(found.name.partition("(")[0])
        unit = series.unit if series else ""
        sizes = " to ".join(charts.quantity(value, unit) for value in (found.before, found.now))
        line = f"<li>{100 * (found.now / found.before - 1):+.1f} % {escape(found.name)}: {sizes}</li>"
        commits.setdefault(found.commit, []).append(line)
    return "".join(f"<p>Since {escape(commit)}:</p><ul>{''.join(lines)}</ul>" for commit, lines in commits.items())


def recorded_revisions(site):
    """Return the revisions that have results."""
    return {revision for series in site.series.values() for revision, _ in series.points}
