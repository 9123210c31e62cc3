"""The performance site: it loads nothing from elsewhere, and its first page shows what was measured."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import benchmarks
from benchmarks import guard
from benchmarks.dashboard import asv_site, charts, landing

ROOT = Path(benchmarks.__file__).parents[1]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def row(**changes):
    made = {"cell": "LSTM", "shape": [28, 150, 28, 150], "shape_name": "mnist", "kind": "train", "peer": "torch"}
    made |= {"numbarnn_ms": 5.0, "gflops": 100.0, "peer_ms": 10.0, "ratio": 2.0, "ratio_min": 1.5, "ratio_max": 2.5}
    return made | changes


@pytest.fixture
def site():
    series = {
        "benchmark_instructions.Instructions.track_instructions": asv_site.Series(
            "benchmark_instructions.Instructions.track_instructions",
            "Instructions of a call",
            "instructions",
            [(3, 2e6), (5, 1e6)],
        )
    }
    return asv_site.Site(series, [], 5, "abcdef12 (30 November 2026)")


PEERS = {
    "environment": {"threads": 2, "cpu": "a processor", "numba": "0.68", "torch": "2.13"},
    "peak_gflops": 200.0,
    "results": [row(), row(kind="forward", ratio=0.5, ratio_min=0.4, ratio_max=0.6), row(peer="jax", ratio=3.0)],
    "wrong": [],
}


def test_the_page_says_how_fast_an_lstm_trains_and_that_nothing_got_worse(site):
    page = landing.page(PEERS, site)
    assert "An LSTM trains 2.00 times as fast as in PyTorch" in page
    assert "No guarded series got worse over the 2 recorded commits" in page
    assert "-50.0 % over 2 commits" in page and "1 M instructions" in page
    assert "http" not in re.sub(r"http://(www\.w3\.org|127\.0\.0\.1)", "", page).replace("http.server", "")


def test_the_page_names_what_got_worse(site):
    before = asv_site.Regression(
        "benchmark_memory.Training.track_forward(25, 'all')", 3, "12345678 (a day)", 1e2, 120.0
    )
    called = "benchmark_instructions.Instructions.track_instructions('LSTMCell step')"
    now = asv_site.Regression(called, 5, site.last_commit, 7.2e5, 7.8e5)
    page = landing.page(PEERS, replace(site, regressions=[before, now]))
    assert "At the last recorded commit, abcdef12 (30 November 2026), one guarded series got worse" in page
    assert "over the 2 recorded ones, 2 guarded series: see below" in page
    first, _, second = page.partition("<p>Since 12345678 (a day):</p>")
    assert "<p>Since abcdef12 (30 November 2026):</p>" in first and "+8.3 %" in first
    assert "720 k instructions to 780 k instructions" in first
    assert "+20.0 % benchmark_memory.Training.track_forward(25, &#x27;all&#x27;)" in second


def test_bars_have_their_ratio_and_range():
    drawn = charts.ratio_bars(PEERS["results"][:1])
    width = float(re.search(r'<rect [^>]*width="([0-9.]+)"', drawn)[1])
    low, high = map(float, re.search(r'x1="([0-9.]+)" x2="([0-9.]+)"[^>]*stroke="var\(--ink\)"', drawn).groups())
    assert charts.LEFT + width == pytest.approx((low + high) / 2, abs=0.2)
    assert "2.00 torch" in drawn


def test_a_script_that_is_not_beside_the_page_is_named(tmp_path):
    (tmp_path / "index.html").write_text('<script src="https://somewhere.org/new.min.js" integrity="x"></script>')
    with pytest.raises(FileNotFoundError, match=r"new\.min\.js"):
        asv_site.bring_scripts(tmp_path)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The site of one measurement of this commit."""
    if not (ROOT / ".git").exists():
        pytest.skip("asv measures commits of a repository")
    folder = tmp_path_factory.mktemp("site")
    config, peers = folder / "asv.conf.json", folder / "peers.json"
    places = {"repo": str(ROOT), "benchmark_dir": str(ROOT / "benchmarks"), "branches": ["HEAD"]}
    places |= {name: str(folder / name) for name in ("env_dir", "results_dir", "html_dir")}
    config.write_text(json.dumps(guard.settings() | places))
    peers.write_text(json.dumps(PEERS))
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    asv = [sys.executable, "-m", "asv", "--config", str(config)]
    measure = ["run", "-E", f"existing:{sys.executable}", "--set-commit-hash", commit.strip(), "--quick"]
    site = [sys.executable, "-m", "benchmarks.dashboard", str(folder / "out")]
    for command in (
        [*asv, "machine", "--yes"],
        [*asv, *measure, "--bench", r"benchmark_memory.Training.track_forward\("],
        [*site, "--peers", str(peers), "--config", str(config)],
    ):
        variables = os.environ | {"HOME": str(folder)}  # where asv keeps what it knows of machines
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


def test_the_site_of_a_measurement_loads_nothing_from_elsewhere(published):
    for page in (published / "index.html", published / "asv" / "index.html"):
        assert not re.search(r'(src|href)="https?://(?!github\.com|asv\.readthedocs)', page.read_text())
    assert len(json.loads((published / "asv" / "index.json").read_text())["revision_to_hash"]) >= 1
    assert (published / "asv" / "vendor" / "LICENSES.txt").is_file()
    assert "Memory of a forward pass" in (published / "index.html").read_text()


@pytest.mark.skipif(not BROWSER, reason="needs chromium")
def test_a_browser_shows_the_page_without_an_error(published, tmp_path):
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--v=0",
        f"--user-data-dir={tmp_path}",
    ]
    command = [BROWSER, *options, "--dump-dom", (published / "index.html").as_uri()]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in finished.stderr, finished.stderr
    assert "Guarded series" in finished.stdout and "<svg" in finished.stdout
