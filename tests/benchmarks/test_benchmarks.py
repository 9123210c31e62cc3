"""The benchmarks run, and the comparison with peers finds wrong results and writes what it promises."""

import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import benchmarks
import numbarnn as nr
from benchmarks import (
    benchmark_gpu,
    benchmark_peers,
    benchmark_training,
    busy,
    comparison,
    engines,
    first_step,
    jax_cells,
    loops,
    peers,
    relative,
    report,
    run_jax,
    run_loop,
    run_numbarnn,
    stream,
    teams,
    workloads,
)
from benchmarks.torch_cells import LOOPS
from benchmarks.torch_cells.products import before_loop, in_loop
from benchmarks.variants import VARIANTS
from numbarnn.engines.cpu import engine
from numbarnn.runtime import threads

ROOT = Path(benchmarks.__file__).parents[1]
KINDS = ("time_", "timeraw_", "track_")
SMALL = {"SimpleRNNCell", "b1", "float32", 25}
KEYS = {
    "cell",
    "shape",
    "shape_name",
    "dtype",
    "kind",
    "peer",
    "numbarnn_ms",
    "peer_ms",
    "ratio",
    "ratio_min",
    "ratio_max",
}
KEYS |= {"gflops", "max_error"}
needs_jit = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="measures compiled code")


def python(*arguments, **variables):
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"} | variables
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


def asv_benchmarks():
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith("benchmark_"):
            for name, value in vars(importlib.import_module(f"benchmarks.{module.name}")).items():
                if value in (benchmark_peers.Libraries, benchmark_peers.Ratios, benchmark_peers.PyTorchLoop):
                    continue  # need a process in which Numba's threads have not started
                if value is benchmark_gpu.Cuda:  # other tests leave a simulated GPU in this process, which is slow
                    continue
                if inspect.isclass(value) and any(method.startswith(KINDS) for method in dir(value)):
                    yield pytest.param(value, id=f"{module.name}.{name}")


@pytest.mark.parametrize("case", list(asv_benchmarks()))
def test_an_asv_benchmark_runs_on_its_smallest_parameters(case, monkeypatch):
    lists = getattr(case, "params", ())
    assert len(lists) == len(getattr(case, "param_names", ()))
    smallest = [next((value for value in values if value in SMALL), values[0]) for values in lists]
    if hasattr(case, "setup_cache"):
        monkeypatch.setattr(case, "params", tuple((value,) for value in smallest))
        # test_instructions_are_counted_and_come_out_again has the rest
        found = {smallest[0]: 1000} if case.__name__ == "Instructions" else case().setup_cache()
        smallest = [found, *smallest]
    for name in (name for name in dir(case) if name.startswith(KINDS)):
        benchmark = case()
        getattr(benchmark, "setup", lambda *_: None)(*smallest)
        result = getattr(benchmark, name)(*smallest)
        if name.startswith("track_"):
            unit = getattr(getattr(benchmark, name), "unit", None) or benchmark.unit
            assert 0 < result < np.inf and unit
        elif name.startswith("timeraw_"):
            timed, before = result if isinstance(result, tuple) else (result, "")
            assert (finished := python("-c", before + timed)).returncode == 0, finished.stderr


def test_the_benchmark_of_recipes_trains_them(monkeypatch):
    monkeypatch.delenv("NUMBARNN_DATA", raising=False)
    named = benchmark_training.RECIPES | benchmark_training.MORE_RECIPES
    assert all(hasattr(nr.recipes.RECIPES[name], "build") for name in named)
    for name in benchmark_training.RECIPES:
        seconds, loss = benchmark_training.measured(name)
        assert seconds > 0 and 0 < loss < 2.3
    assert benchmark_training.measured("mnist") is None


def test_the_benchmark_of_a_gpu_skips_without_one():
    code = """
from benchmarks.benchmark_gpu import Cuda
try:
    Cuda().setup("LSTMCell", "ptb")
except NotImplementedError as reason:
    print("skipped:", reason)
else:
    print("measured")
"""
    finished = python("-c", code, NUMBA_ENABLE_CUDASIM="0")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith(("skipped: ", "measured")) and "lacks" not in finished.stdout


def test_every_asv_benchmark_has_a_title_fit_for_an_axis():
    for case in asv_benchmarks():
        benchmark = case.values[0]
        for name in (name for name in dir(benchmark) if name.startswith(KINDS)):
            assert getattr(getattr(benchmark, name), "pretty_name", None), name  # asv reads none of a class


def test_benchmarks_import_without_peers_and_compile_nothing(tmp_path):
    names = [module.name for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")]
    code = f"import sys; sys.modules |= dict(torch=None, jax=None)\nimport {', '.join(names)}"
    finished = python("-c", code, NUMBARNN_CACHE_DIR=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path))
    assert finished.returncode == 0, finished.stderr
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize("name, gates", [("SimpleRNN", 1), ("LSTM", 4), ("GRU", 3)])
def test_operations_are_those_of_the_products(name, gates):
    cell = workloads.CELLS[name](5)
    # 2 steps of 3 rows: 4 inputs and 5 hidden units times 5 columns a gate, a multiplication and an addition each.
    assert workloads.flops(cell, (2, 3, 4, 5), "forward") == 2 * 3 * (4 + 5) * 5 * gates * 2
    assert workloads.flops(cell, (2, 3, 4, 5), "train") == 3 * workloads.flops(cell, (2, 3, 4, 5), "forward")


def test_operations_of_kernels_that_a_step_uses_often_or_not_at_all():
    """A grid's two kernels (2 + 3 + 3, 12) serve each of four frequency steps; peepholes are no products."""
    cell = nr.GridLSTMCell(3, feature_size=2, frequency_skip=2, num_frequency_blocks=(4,), use_peepholes=True)
    assert workloads.flops(cell, (5, 6, 8, 3), "forward") == 5 * 6 * 4 * 2 * (8 * 12) * 2
    peepholes = nr.LSTMCell(3, use_peepholes=True)
    assert workloads.flops(peepholes, (5, 6, 8, 3), "train") == workloads.flops(nr.LSTMCell(3), (5, 6, 8, 3), "train")


@needs_jit
@pytest.mark.parametrize("wanted", [[], list(peers.PEERS)], ids=["alone", "with_peers"])
def test_the_command_writes_what_the_design_promises(wanted, tmp_path):
    path = tmp_path / "results.json"
    chosen = ["--cells", "LSTM", "--shapes", "7x3x5x4", "--peers", ",".join(wanted)]
    finished = python("-m", "benchmarks.peers", "--quick", "--json", str(path), *chosen)
    assert finished.returncode == 0, finished.stderr
    content = json.loads(path.read_text())
    assert content["environment"]["numba"] and content["peak_gflops"] > 0
    installed = [peer for peer in wanted if find_spec(peer)] or [None]
    of_pass = {"train": [peer for peer in installed if peer != "onnxruntime"] or [None], "forward": installed}
    pairs = [(kind, peer) for kind, named in of_pass.items() for peer in named]
    assert [(row["kind"], row["peer"]) for row in content["results"]] == pairs
    for row in content["results"]:
        assert row.keys() == KEYS
        assert (row["cell"], row["shape"], row["shape_name"], row["dtype"]) == (
            "LSTM",
            [7, 3, 5, 4],
            "7x3x5x4",
            "float32",
        )
        operations = workloads.flops(nr.LSTMCell(4), (7, 3, 5, 4), row["kind"])
        assert row["gflops"] * row["numbarnn_ms"] * 1e6 == pytest.approx(operations)
        if row["peer"]:
            assert row["ratio"] == pytest.approx(row["peer_ms"] / row["numbarnn_ms"])
            assert row["ratio_min"] <= row["ratio"] <= row["ratio_max"]
            assert row["max_error"] <= comparison.BOUND["float32"]


class Peer:
    """A runner whose results are numbarnn's, but for one entry of one array."""

    changed, by = "d_recurrent_kernel", 1e-3

    def __init__(self, workload, threads):
        self.runner = peers.run_numbarnn.Runner(workload, threads)
        self.train = self.forward = lambda: None

    def results(self):
        results = self.runner.results()
        results[self.changed].flat[0] += self.by * np.abs(results[self.changed]).max()
        return results


def run_with(peer, monkeypatch, *arguments):
    monkeypatch.setitem(peers.PEERS, "torch", peer)
    monkeypatch.setattr(report, "about", lambda *_: {})
    arguments = "--quick", "--cells", "LSTM", "--shapes", "7x3x5x4", "--peers", "torch", "--threads", "1", *arguments
    return peers.run(peers.parse(arguments), 100.0)


@pytest.mark.parametrize("by", [1e-3, np.nan])
@pytest.mark.parametrize("changed", ["outputs", "forward", "state.c", "d_inputs", "d_recurrent_kernel", "d_bias"])
def test_a_wrong_result_is_not_timed(changed, by, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(Peer, "changed", changed)
    monkeypatch.setattr(Peer, "by", by)
    content = run_with(Peer, monkeypatch, "--json", str(tmp_path / "results.json"))
    assert content["results"] == [] and [w["quantity"] for w in content["wrong"]] == [changed]
    assert json.loads((tmp_path / "results.json").read_text()) == content
    assert f"WRONG, not timed: {changed} differs from torch" in capsys.readouterr().out


def test_a_wrong_result_ends_in_exit_code_1(monkeypatch):
    monkeypatch.setattr(peers, "limit_cores", lambda threads: None)
    monkeypatch.setattr(peers, "peak_gflops", lambda threads, dtype: 100.0)
    monkeypatch.setattr(peers, "run", lambda options, peak: {"results": [], "wrong": [{}]})
    assert peers.main(["--quick", "--peers", ""]) == 1


def test_a_missing_peer_is_left_out_with_a_message(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "jax", sys)
    assert comparison.installed(["torch", "jax"]) == ["jax"]
    assert "torch is left out: import of torch halted" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", ["--shapes=7x3x5", "--shapes=7x3x5x0", "--cells=TRNN", "--peers=theano", "--kinds=dream"]
)
def test_unknown_names_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        peers.parse([arguments])
    assert "there are" in capsys.readouterr().err


@pytest.mark.parametrize("argument", ["--threads=0", "--threads=many", "--rounds=-1"])
def test_impossible_numbers_are_refused(argument, capsys):
    with pytest.raises(SystemExit):
        peers.parse([argument])
    assert "expected a number from 1 to" in capsys.readouterr().err


def test_summary_takes_the_faster_peer():
    ratios = {"LSTM": {"torch": 2.0, "jax": 4.0}, "GRU": {"torch": 9.0, "jax": 8.0}}
    rows = [
        {"cell": cell, "shape_name": "b1", "kind": "train", "peer": peer, "ratio": ratio}
        for cell, both in ratios.items()
        for peer, ratio in both.items()
    ]
    assert "minimum 2.00 (LSTM b1), geometric mean 4.00" in report.summary(rows)


def test_every_cell_is_measured():
    cells = nr.cells.CELLS | nr.cells.COMPOSITE_CELLS
    assert cells.keys() <= {type(make(8, 4)).__name__ for make in VARIANTS.values()}
    assert LOOPS.keys() | relative.PAIRS.keys() | set(engines.CELLS) <= VARIANTS.keys()


@pytest.mark.parametrize("each", [in_loop, before_loop])
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_in_pytorch_computes_what_the_cell_does(name, each):
    pytest.importorskip("torch")
    workload = workloads.make(name, VARIANTS[name](12, 8), (7, 3, 12, 8), "float64")
    expected = run_numbarnn.Runner(workload, 1, training=True, rng=0, device="numpy").results()
    results = run_loop.Runner(workload, 1, each).results()
    assert results.keys() == {name for name in expected if not name.startswith("state.")}
    for quantity, value in results.items():
        assert comparison.error(expected[quantity], value) < 1e-13, quantity


@needs_jit
@pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch")
def test_the_comparison_with_loops_writes_what_peers_writes(tmp_path):
    path = tmp_path / "results.json"
    finished = python("-m", "benchmarks.loops", "--quick", "--json", str(path), "--cells", "SimpleRNNCell")
    assert finished.returncode == 0, finished.stderr
    content = json.loads(path.read_text())
    peers = [peer for peer in loops.BY_DEFAULT if find_spec(peer.split()[0])]
    assert [row["peer"] for row in content["results"]] == peers and content["wrong"] == []
    for row in content["results"]:
        assert row.keys() == KEYS | {"limit"}
        assert (row["cell"], row["shape"], row["kind"]) == ("SimpleRNNCell", [50, 64, 128, 128], "train")
        assert row["ratio"] == pytest.approx(row["peer_ms"] / row["numbarnn_ms"])


@needs_jit
@pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch")
def test_the_dashboard_follows_the_ratio_to_a_pytorch_loop():
    code = "from benchmarks.benchmark_peers import PyTorchLoop as P; P().setup(n := 'SimpleRNNCell')"
    finished = python("-c", f"{code}; print(P().track_train(n))")
    assert finished.returncode == 0, finished.stderr
    assert 0 < float(finished.stdout) < 5


def test_the_dashboard_leaves_pytorch_out_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NotImplementedError, match="needs torch"):
        benchmark_peers.PyTorchLoop().setup("SimpleRNNCell")


def test_the_comparison_with_loops_needs_a_peer(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert loops.main(["--quick", "--peers", "torch loop"]) == 1
    assert "torch is left out" in capsys.readouterr().err


@pytest.mark.skipif(not find_spec("jax"), reason="needs JAX")
@pytest.mark.parametrize("name", [name for name in jax_cells.CELLS if name in VARIANTS])
def test_scans_in_jax_are_the_same_cells(name):
    workload = workloads.make(name, VARIANTS[name](5, 6), (4, 3, 5, 6), "float64")
    expected = run_numbarnn.Runner(workload, 1).results()
    for quantity, value in run_jax.Runner(workload, 1).results().items():
        assert comparison.error(expected[quantity], value) < 1e-13, quantity


@needs_jit
@pytest.mark.skipif(not (find_spec("torch") and find_spec("onnxruntime")), reason="needs PyTorch and onnxruntime")
def test_streams(tmp_path):
    path = tmp_path / "results.json"
    finished = python("-m", "benchmarks.stream", "--quick", "--rounds", "1", "--cells", "LSTM", "--json", str(path))
    assert finished.returncode == 0, finished.stderr
    content = json.loads(path.read_text())
    steps, token, forward = ["torch", "unprepared"] * 2, ["torch"], ["onnxruntime", "unprepared"]
    assert [row["peer"] for row in content["results"]] == steps + token + forward and content["wrong"] == []
    for row in content["results"]:
        assert row["ratio"] == pytest.approx(row["peer_us"] / row["ours_us"])


def test_streams_that_differ_are_not_timed():
    calls = {"ours": lambda: np.ones(2), "torch": lambda: np.ones(2) + 1e-6, "unprepared": lambda: np.ones(2) + 1e-9}
    _, rows, wrong = stream.measured("a step", calls, 1, None)
    assert rows == [] and wrong == ["a step: unprepared differs by 1.0e-09"]


def test_streams_need_a_peer(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert stream.main(["--quick", "--parts", "steps,tokens"]) == 1
    assert "torch is left out" in capsys.readouterr().err


def test_loops_that_are_not_three_times_slower_are_named():
    ratios = {"LSTMCell": (2.5, 2.0), "GRUCell": (3.5, 2.5), "NASCell": (1.5, 9.0)}
    rows = [
        {"cell": cell, "peer": peer, "ratio": ratio}
        for cell, both in ratios.items()
        for peer, ratio in zip(loops.BY_DEFAULT[:2], both, strict=True)
    ]
    summary = loops.summary(rows)
    assert "least ratio 1.50 (NASCell, torch loop)" in summary and summary.endswith("under 3: LSTMCell, NASCell")


@needs_jit
def test_variants_are_measured_against_the_plain_cell(tmp_path, capsys):
    path = tmp_path / "results.json"
    relative.main(["--quick", "--rounds", "1", "--json", str(path), "--cells", "LSTMCell+peepholes"])
    (row,) = json.loads(path.read_text())["results"]
    assert row["ratio"] == pytest.approx(row["numbarnn_ms"] / row["plain_ms"]) and row["bound"] == 1.6
    assert "LSTMCell+peepholes" in capsys.readouterr().out


@needs_jit
def test_engines_are_compared_and_timed(tmp_path, capsys):
    path = tmp_path / "results.json"
    assert engines.main(["--quick", "--rounds", "1", "--json", str(path), "--cells", "SimpleRNNCell"]) == 0
    rows = json.loads(path.read_text())["results"]
    assert [row["peer"] for row in rows] == ["njit", "numpy"] and all(row["ratio"] > 0 for row in rows)
    assert all(row["njit_first_seconds"] > 0 for row in rows) and "SimpleRNNCell" in capsys.readouterr().out


def test_an_exceeded_bound_is_printed():
    row = {"cell": "LSTMCell+peepholes", "numbarnn_ms": 1.7, "plain": "LSTMCell", "plain_ms": 1.0}
    row |= {"ratio": 1.7, "ratio_min": 1.6, "ratio_max": 1.8, "bound": 1.6}
    assert relative.line(row).endswith("1.70 [1.60 1.80]    bound 1.6 exceeded")
    assert relative.line(row | {"ratio": 1.5}).endswith("bound 1.6")


def test_first_step(tmp_path, capsys):
    assert first_step.main(["--quick", "--json", str(tmp_path / "first.json")]) == 0
    (row,) = json.loads((tmp_path / "first.json").read_text())["rows"]
    assert row["cell"] == "SimpleRNNCell" and row["cores"] == 1
    assert 0 < row["next_cell"] < min(row["first"], row["float64"]) and row["compute"] > 0


def test_teams(tmp_path, capsys):
    assert teams.main(["--quick", "--json", str(tmp_path / "teams.json")]) == 0
    (row,) = json.loads((tmp_path / "teams.json").read_text())["rows"]
    assert (row["team"], row["rule"]) == (2, 2) and row["forward"] > 0 and row["train"] > 0
    assert engine.run is threads.run, "left as it was"


def test_busy(tmp_path, capsys):
    assert busy.main(["--quick", "--json", str(tmp_path / "busy.json")]) == 0
    (row,) = json.loads((tmp_path / "busy.json").read_text())["rows"]
    assert row["shape"] == "b1" and min(row[key] for key in ("ours_ms", "default_ms", "our_steps", "steps")) > 0
    assert len(capsys.readouterr().out.splitlines()) == 2
