"""The guarded series: instructions are counted, a planted slowdown is named, and an equal measurement is not."""

import re
from pathlib import Path

import pytest

import benchmarks
from benchmarks import callgrind, counted_calls, guard

ROOT = Path(benchmarks.__file__).parents[1]


def test_the_planted_changes_fit_the_sources():
    for file, text, other in guard.PLANTED.values():
        assert (ROOT / file).read_text(encoding="utf-8").count(text) == 1 and other != text


def test_a_series_is_named_only_beyond_its_threshold():
    before = {("benchmark_instructions", "a"): 1000, ("benchmark_memory", "b"): 1000}
    assert guard.named(before, before) == {}
    bound = guard.threshold("benchmark_instructions")
    assert guard.named(before, before | {("benchmark_instructions", "a"): 1000 * (1 + bound / 2)}) == {}
    named = guard.named(before, before | {("benchmark_instructions", "a"): 1000 * (1 + 2 * bound)})
    assert named == {("benchmark_instructions", "a"): pytest.approx(2 * bound)}


def test_asv_guards_these_series_and_no_others():
    settings = guard.settings()
    ((unguarded, start),) = settings["regressions_first_commits"].items()
    assert start is None
    for name in (
        "benchmark_instructions.Instructions.track_instructions",
        "benchmark_memory.Training.track_forward",
        "benchmark_accuracy.Gradients.track_float32",
        "benchmark_startup.Compiled.track_kernels",
        "benchmark_peers.Ratios.track_ratio",
    ):
        assert not re.match(unguarded, name)
        assert any(re.match(series, name) for series in settings["regressions_thresholds"])
    for name in ("benchmark_cells.Shapes.time_pass", "benchmark_startup.Compiled.track_seconds"):
        assert re.match(unguarded, name)


@pytest.mark.skipif(not callgrind.available(), reason="needs Valgrind")
def test_instructions_are_counted_and_come_out_again():
    names = "SimpleRNNCell forward", "SimpleRNNCell step"
    first, second = (callgrind.count(calls="SimpleRNNCell") for _ in range(2))
    assert set(names) <= set(first) <= set(counted_calls.NAMES)
    for name in first:
        assert first[name] == pytest.approx(second[name], rel=1e-3)
    assert first["SimpleRNNCell forward"] > 1_000_000 > first["SimpleRNNCell step"]
