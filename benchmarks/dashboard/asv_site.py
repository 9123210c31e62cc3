"""asv's site with its scripts beside it, and what it says, read back."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
VENDOR = Path(__file__).parent / "vendor"

# Scripts of the page, by their names there, that have another name in `vendor` (not shortened).
OTHER_NAMES = {
    "jquery-3.3.1.min.js": "jquery.min.js",
    "jquery.flot.min.js": "jquery.flot.js",
    "jquery.flot.time.min.js": "jquery.flot.time.js",
    "jquery.flot.selection.min.js": "jquery.flot.selection.js",
    "jquery.flot.categories.min.js": "jquery.flot.categories.js",
}
ELSEWHERE = re.compile(
    r'(src|href)="https://[^"]*/([^"/]+\.(?:js|css))"(?: (?:integrity|crossorigin|referrerpolicy)="[^"]*")*'
)


@dataclass(frozen=True)
class Series:
    """A benchmark over the commits: the geometric mean over its parameters.

    `points` are (revision, value) in order.
    """

    name: str
    title: str
    unit: str
    points: list


@dataclass(frozen=True)
class Regression:
    """A guarded series that got worse, and since which commit: "HASH (date)"."""

    name: str
    revision: int
    commit: str
    before: float
    now: float


@dataclass(frozen=True)
class Site:
    """What asv's site shows: series by name, what got worse in those that are guarded, and the last commit."""

    series: dict
    regressions: list
    last_revision: int
    last_commit: str


def publish(out, config):
    """Write asv's site from the recorded results to the folder `out`, and read it; `config`: asv's settings."""
    command = [sys.executable, "-m", "asv", "--config", str(config), "publish", "--no-pull", "-o", str(out.resolve())]
    subprocess.run(command, cwd=ROOT, check=True)
    bring_scripts(out)
    return read(out)


def bring_scripts(out):
    """Copy the scripts that asv's page loads from elsewhere, and let it load the copies."""
    shutil.copytree(VENDOR, out / "vendor", dirs_exist_ok=True)
    page = out / "index.html"

    def copy_of(match):
        name = OTHER_NAMES.get(match[2], match[2])
        if not (VENDOR / name).is_file():
            raise FileNotFoundError(f"asv's page loads {match[0]}, and {VENDOR} has no {name}")
        return f'{match[1]}="vendor/{name}"'

    page.write_text(ELSEWHERE.sub(copy_of, page.read_text(encoding="utf-8")), encoding="utf-8")


def read(out):
    """Read the series and regressions of a published site."""
    index = json.loads((out / "index.json").read_text())
    series = {}
    for name, benchmark in index["benchmarks"].items():
        path = out / "graphs" / "summary" / f"{name}.json"
        points = json.loads(path.read_text()) if path.is_file() else []
        points = [(int(revision), value) for revision, value in points if value is not None]
        title = benchmark.get("pretty_name") or name
        series[name] = Series(name, title, benchmark.get("unit", ""), points)
    found = json.loads((out / "regressions.json").read_text())["regressions"]
    worse = []
    for name, _, _, _, now, before, steps, *_ in found:
        revision = steps[-1][1]
        worse.append(Regression(name, revision, commit_of(index, revision), before, now))
    last = max((revision for one in series.values() for revision, _ in one.points), default=0)
    return Site(series, worse, last, commit_of(index, last))


def commit_of(index, revision):
    """Write the hash of a revision and its day; asv counts milliseconds."""
    made = index["revision_to_date"].get(str(revision))
    day = "" if made is None else f" ({datetime.fromtimestamp(made / 1000, UTC):%d %B %Y})"
    return index["revision_to_hash"].get(str(revision), "")[:8] + day
