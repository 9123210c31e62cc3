"""Sweeps: every point and seed once, resumed, in processes, beside failures; and a recipe's from the command line."""

import os
import signal
import sys
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

import numbarnn as nr
from numbarnn import optimizers
from numbarnn.__main__ import main
from numbarnn.cli.sweep import train_case
from numbarnn.cli.train import change_optimizer
from numbarnn.recipes import RECIPES, digits

GRID = {"lr": [0.5, 2], "kind": ["a", "b"]}


def square(seed, lr, kind):
    return {"final": {"loss": lr**2 + seed}, "epochs": [{"loss": lr + seed}, {"loss": lr**2 + seed}]}


def counted(folder, failing, seed, **values):
    """Fail where `failing` is a file."""
    with open(folder / "calls", "a") as file:
        file.write(f"{values['lr']} {seed}\n")
    if failing.exists() and values["lr"] == 2:
        raise ValueError("no such rate")
    return square(seed, kind="a", **values)["final"]


def killed(seed, lr):
    if lr == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"loss": lr}


def threads(seed, x):
    return {"threads": float(os.environ.get("NUMBA_NUM_THREADS", 0)), "process": float(os.getpid())}


@pytest.mark.parametrize("jobs", (1, 2))
def test_every_point_and_seed_runs_once(jobs):
    found = nr.sweep(square, GRID, seeds=3, jobs=jobs)
    points = [(lr, kind, seed) for lr in (0.5, 2) for kind in "ab" for seed in range(3)]
    assert [(*case.values.values(), case.seed) for case in found.cases] == points
    assert [case.final["loss"] for case in found.cases] == [lr**2 + seed for lr, _, seed in points]
    assert found.failed == []
    head, *rows = found.table().splitlines()
    assert head.split() == ["loss", "failed"] and len(rows) == 4
    values = [4 + seed for seed in range(3)]
    assert rows[-1].split() == ["lr=2,kind=b", f"{mean(values):.4g}", "±", f"{stdev(values):.2g}", "0", "of", "3"]


def test_the_band_is_that_of_the_seeds():
    axes = nr.sweep(square, GRID, seeds=3).plot("loss").axes[0]
    assert axes.get_legend_handles_labels()[1] == [f"lr={lr},kind={kind}" for lr in (0.5, 2) for kind in "ab"]
    assert axes.lines[2].get_ydata().tolist() == [3, 5]
    (low, high) = axes.collections[2].get_datalim(axes.transData).intervaly
    assert (low, high) == (2, 6)
    with pytest.raises(nr.InputError, match="expected one of loss, got 'accuracy'"):
        nr.sweep(square, GRID).plot("accuracy")


def test_the_same_call_runs_what_failed_or_is_new(tmp_path, capsys):
    failing = tmp_path / "failing"
    failing.touch()
    run, out = partial(counted, tmp_path, failing), tmp_path / "out"
    found = nr.sweep(run, {"lr": [1, 2]}, seeds=2, out=out)
    assert [case.error for case in found.cases] == [None, None, *["ValueError: no such rate"] * 2]
    assert found.table().splitlines()[-1].split() == ["lr=2", "-", "2", "of", "2"]
    assert "failed: ValueError: no such rate" in capsys.readouterr().out
    failing.unlink()
    (tmp_path / "calls").unlink()
    found = nr.sweep(run, {"lr": [1, 2, 3]}, seeds=2, out=out)
    assert [case.final["loss"] for case in found.cases] == [1, 2, 4, 5, 9, 10]
    assert (tmp_path / "calls").read_text().split("\n")[:-1] == ["2 0", "2 1", "3 0", "3 1"]
    assert "2 of 6 cases were done before" in capsys.readouterr().out
    (out / "lr=1,seed=0.json").write_text("{}")
    with pytest.raises(nr.InputError, match=r"lr=1,seed=0\.json holds no case of a sweep"):
        nr.sweep(run, {"lr": [1]}, out=out)
    with pytest.raises(nr.InputError, match=r"holds a sweep of .*counted.*, not of .*square; name another folder"):
        nr.sweep(square, {"lr": [1]}, out=out)


def test_numbers_of_numpy_are_kept_too(tmp_path):
    for _ in range(2):
        (case,) = nr.sweep(square, {"lr": [np.float32(0.5)], "kind": [np.int64(3)]}, out=tmp_path).cases
        assert (case.values, case.final) == ({"lr": 0.5, "kind": 3}, {"loss": 0.25})


def test_a_killed_process_does_not_end_the_sweep():
    found = nr.sweep(killed, {"lr": [1, 2, 3, 4]}, jobs=2)
    assert [case.final.get("loss") for case in found.cases] == [1, None, 3, 4]
    assert [case.error for case in found.cases] == [None, "its process was killed", None, None]


def test_on_a_cluster(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs Dask (pip install distributed)")
    cluster = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "local_directory": str(tmp_path)}
    with distributed.LocalCluster(**cluster) as workers, distributed.Client(workers):
        found = nr.sweep(square, GRID, seeds=2, jobs=2, backend="dask")
        processes = nr.sweep(threads, {"x": [1, 2, 3]}, jobs=2, backend="dask")
    assert [case.final for case in found.cases] == [case.final for case in nr.sweep(square, GRID, seeds=2).cases]
    assert os.getpid() not in {case.final["process"] for case in processes.cases}


def test_a_ray_cluster_runs_the_same():
    ray = pytest.importorskip("ray", reason="needs Ray (pip install ray)")
    register = pytest.importorskip("ray.util.joblib").register_ray
    where = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}  # of this file's functions
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=where)
    try:
        register()
        found = nr.sweep(square, GRID, seeds=2, jobs=2, backend="ray")
        processes = nr.sweep(threads, {"x": [1, 2, 3]}, jobs=2, backend="ray")
    finally:
        ray.shutdown()
    assert [case.final for case in found.cases] == [case.final for case in nr.sweep(square, GRID, seeds=2).cases]
    assert os.getpid() not in {case.final["process"] for case in processes.cases}


def test_processes_share_the_cores():
    found = nr.sweep(threads, {"x": [1, 2]}, jobs=2)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert {case.final["threads"] for case in found.cases} == {float(max(1, cores // 2))}
    assert os.getpid() not in {case.final["process"] for case in found.cases}


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    (
        ([1], {}, "expected the grid as {name: values}, got list"),
        ({"seed": [1]}, {}, "other than seed"),
        ({"a b": [1]}, {}, "expected the name of an argument"),
        ({"a": "12"}, {}, "expected a list of at least one value for a, got '12'"),
        ({"a": []}, {}, "at least one value"),
        ({"a": [None]}, {}, "expected numbers or text for a, got None"),
        ({"a": [float("nan")]}, {}, "got nan"),
        ({"a": [1, 1]}, {}, "expected different values"),
        ({}, {"seeds": 0}, "expected seeds to be a whole number >= 1, got 0"),
        ({}, {"jobs": 1.5}, "expected jobs to be"),
        ({}, {"jobs": 2, "backend": "smoke"}, "expected a backend of joblib: .*smoke"),
    ),
)
def test_bad_input(grid, options, message):
    with pytest.raises(nr.InputError, match=message):
        nr.sweep(square, grid, **options)


def test_an_optimiser_with_other_options():
    model = digits.build(0, "float32")
    model.compile(optimizer=optimizers.Adam(0.1, beta_1=0.5), loss="mse")
    change_optimizer(model, {"lr": 0.2, "clipnorm": 3.0})
    changed = model.optimizer
    assert (changed.learning_rate, changed.beta_1, changed.clip_var_norm) == (0.2, 0.5, 3.0)


def test_a_recipe(tmp_path, capsys):
    command = ["sweep", "digits", "--grid", "lr=1e-3,0.02", "--grid", "epochs=2", "--seeds", "2", "--jobs", "2"]
    assert main([*command, "--out", str(tmp_path / "all")]) == 0
    shown = capsys.readouterr().out
    assert (tmp_path / "all" / "table.txt").read_text().strip() in shown
    assert "lr=0.02,epochs=2" in shown and (tmp_path / "all" / "val_accuracy.png").stat().st_size > 10_000
    one = tmp_path / "all" / "lr=0.02,epochs=2,seed=1"
    assert "epoch 2/2" in (one / "log.txt").read_text() and (one / "weights.npz").exists()
    fixed = {"data": None, "epochs": None, "batch_size": None, "dtype": "float32"}
    alone = train_case("digits", fixed, str(tmp_path / "one"), seed=1, lr=0.02, epochs=2)
    found = nr.sweep(
        partial(train_case, "digits", fixed, str(tmp_path / "all")),
        {"lr": [0.02], "epochs": [2]},
        seeds=2,
        out=tmp_path / "all",
    )
    assert found.cases[1].final == alone["final"] and found.cases[1].epochs == alone["epochs"]
    assert "2 of 2 cases were done before" in capsys.readouterr().out, "nothing was trained again"


@pytest.mark.parametrize(
    ("options", "message"),
    (
        (["no"], "expected one of the recipes"),
        (["digits", "--grid", "rate=1"], "rate"),
        (["digits", "--grid", "lr=-1"], "expected learning_rate to be a number"),
        (["digits", "--grid", "epochs=0"], "expected whole numbers >= 1 for epochs, got 0"),
        (["digits", "--grid", "lr=1", "--grid", "lr=2"], "expected each name once"),
    ),
)
def test_bad_commands_train_nothing(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and message in printed.err
    assert not list(Path().iterdir())


def test_a_recipe_that_sets_its_rate_heeds_that_of_the_sweep(monkeypatch):
    """mnist lets its rate fall along a cosine, from the rate that it is given."""
    model = RECIPES["mnist"].build(0, "float32")
    change_optimizer(model, {"lr": 0.5})
    monkeypatch.setattr(type(model), "fit", lambda model, *args, **options: model.optimizer.learning_rate(0))
    x, y = [0] * 300, [0] * 300
    monkeypatch.setattr(RECIPES["mnist"].datasets, "batch_stream", lambda *args: None)
    assert RECIPES["mnist"].fit(model, (x, y), (x, y), 1, 150, 0) == 0.5
