"""`benchmarks.gpu` in the simulator, without peers: what it compares, and what it writes."""

import json
from argparse import Namespace

import pytest

import numbarnn as nr
from benchmarks import gpu, run_cuda, workloads

SHAPE = (3, 2, 4, 5)


@pytest.fixture
def options():
    return Namespace(rounds=1, seconds=0.0, wait=lambda: None, peak=100.0)


def test_a_comparison(monkeypatch, options):
    monkeypatch.setattr(run_cuda, "REPEATED", 1)
    workload = workloads.make("LSTM", nr.LSTMCell(5), SHAPE)
    lines, rows, wrong = gpu.measure(workload, "tiny", gpu.OURS, options)
    assert [(row["kind"], row["peer"]) for row in rows] == [
        (kind, peer) for kind in ("train", "forward") for peer in gpu.OURS
    ]
    assert len(lines) == len(rows) and not wrong
    assert all(row["max_error"] < 1e-6 and row["us_per_step"] > 0 for row in rows)


def test_a_wrong_result_is_not_timed(options):
    class Wrong(run_cuda.Runner):
        def results(self):
            return {name: value + 1 for name, value in super().results().items()}

    lines, rows, wrong = gpu.measure(
        workloads.make("LSTM", nr.LSTMCell(5), SHAPE), "tiny", {"per step": Wrong}, options
    )
    assert not rows and wrong and "WRONG" in lines[0]


def test_the_command_writes_its_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run_cuda, "REPEATED", 1)
    monkeypatch.setattr(gpu, "installed", lambda peers: [])
    monkeypatch.setattr(gpu, "SHAPES", dict.fromkeys(gpu.SHAPES, SHAPE))
    monkeypatch.setattr(gpu, "SHAPE", SHAPE)
    assert gpu.main(["--quick", "--rounds", "1", "--json", str(tmp_path / "gpu.json")]) == 0
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert {row["cell"] for row in content["results"]} == {*gpu.MODULES, *gpu.WITHOUT_MODULE}
    assert {"gpu", "peak_gflops", "date"} <= content["environment"].keys() and "costs_us" in content
    assert "% peak" in capsys.readouterr().out
