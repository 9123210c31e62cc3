"""The guarded series: instructions are counted, a planted slowdown is named, and an equal measurement is not."""

import re
from pathlib import Path

import pytest

import benchmarks
from benchmarks import callgrind, counted_calls, guard, planted

ROOT = Path(benchmarks.__file__).parents[1]


def test_the_planted_changes_fit_the_sources():
    for file, text, other in planted.PLANTED.values():
        assert (ROOT / file).read_text(encoding="utf-8").count(text) == 1 and other != text


def test_a_series_is_named_only_beyond_its_threshold():
    before = {("benchmark_instructions", "a"): 1000, ("benchmark_memory", "b"): 1000}
    assert guard.named(before, before) == {}
    bound = guard.threshold("benchmark_instructions")
    assert guard.named(before, before | {("benchmark_instructions", "a"): 1000 * (1 + bound / 2)}) == {}
    named = guard.named(before, before | {("benchmark_instructions", "a"): 1000 * (1 + 2 * bound)})
    assert named == {("benchmark_instructions", "a"): pytest.approx(2 * bound)}


def test_a_slower_commit_needs_a_reason(monkeypatch, capsys):
    before, after = ({("benchmark_instructions", "a"): number} for number in (1000, 1100))
    monkeypatch.setattr(guard.callgrind, "available", lambda: True)
    monkeypatch.setattr(guard, "unpack", lambda commit, folder: None)
    monkeypatch.setattr(guard, "measure", lambda tree, calls: after if tree == guard.ROOT else before)
    messages = {"diff": b" numbarnn/maths.py | 2 +-", "log": b"Check more"}
    monkeypatch.setattr(guard, "git", lambda *words: messages[words[0]])
    assert guard.main([]) == 1
    assert "+10.00 %  benchmark_instructions a" in capsys.readouterr().out
    messages["log"] += b"\n\nSlower: a check that nothing may pass"
    assert guard.main([]) == 0
    assert "a check that nothing may pass" in capsys.readouterr().out
    messages["diff"] = b""
    assert guard.main(["HEAD~4"]) == 0
    assert "nothing to measure" in capsys.readouterr().out


def test_guard_refuses_an_unknown_commit(capsys):
    if not callgrind.available():
        pytest.skip("needs Valgrind")
    with pytest.raises(SystemExit):
        guard.main(["no-such-commit"])
    assert "expected a commit of this checkout" in capsys.readouterr().err


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
    first, second = (callgrind.count(calls=["SimpleRNNCell"]) for _ in range(2))
    assert set(names) <= set(first) <= set(counted_calls.NAMES)
    for name in first:
        assert first[name] == pytest.approx(second[name], rel=1e-3)
    assert first["SimpleRNNCell forward"] > 1_000_000 > first["SimpleRNNCell step"]
