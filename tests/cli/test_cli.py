"""The command line: what it prints and writes, its exit codes, and what an interruption leaves behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numbarnn as nr
from numbarnn import checkpoint
from numbarnn.__main__ import main
from numbarnn.errors import InputError
from numbarnn.recipes import RECIPES, about
from numbarnn.runtime.whole_file import whole_file

ROOT = Path(__file__).parents[2]


def train(folder, *options):
    assert main(["train", "--out", str(folder), "--json", str(folder / "result.json"), *options]) == 0
    return json.loads((folder / "result.json").read_text())


def test_train_writes_the_promised_json_and_the_files_it_names(tmp_path, capsys):
    result = train(tmp_path, "digits", "--epochs", "2", "--seed", "5")
    assert list(result) == ["recipe", "seed", "epochs", "final", "seconds"]
    assert (result["recipe"], result["seed"], len(result["epochs"])) == ("digits", 5, 2)
    assert list(result["epochs"][0]) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert result["final"].keys() == {"loss", "accuracy"} and result["seconds"] > 0
    assert result["final"] == {name: result["epochs"][-1][f"val_{name}"] for name in ("loss", "accuracy")}

    printed = capsys.readouterr().out
    assert "Total params: 25,360" in printed  # 150 (8 + 150 + 1) + 10 (150 + 1)
    assert f"test accuracy {result['final']['accuracy']:.4f}" in printed and "most often confused" in printed
    written = [Path(line.removeprefix("wrote ")) for line in printed.splitlines() if line.startswith("wrote ")]
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert {path.name for path in written} >= {"weights.npz", "report.txt", "result.json"}


def test_train_draws_the_training_curves_where_matplotlib_is(tmp_path):
    pytest.importorskip("matplotlib")
    train(tmp_path, "--epochs", "1")
    for name in ("accuracy.png", "loss.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_train_says_so_where_matplotlib_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("numbarnn.cli.train.find_spec", lambda name: None)
    train(tmp_path, "--epochs", "1")
    assert "no figures: they need matplotlib" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.png"))


def test_the_same_command_with_resume_goes_on(tmp_path):
    whole = train(tmp_path / "whole", "digits", "--epochs", "2")
    first = train(tmp_path / "kept", "digits", "--epochs", "1", "--resume")
    assert first["epochs"] == whole["epochs"][:1]
    kept = train(tmp_path / "kept", "digits", "--epochs", "2", "--resume")
    assert kept["epochs"] == whole["epochs"] and kept["final"] == whole["final"]
    weights = [checkpoint.load(tmp_path / name / "weights.npz") for name in ("whole", "kept")]
    for name, w in weights[0].items():
        np.testing.assert_array_equal(weights[1][name], w, err_msg=name)


def test_same_seed_same_bits(tmp_path):
    runs = [(tmp_path / str(i), seed) for i, seed in enumerate("778")]
    results = [train(folder, "--epochs", "1", "--seed", seed, "--batch-size", "100") for folder, seed in runs]
    first, second, other = (checkpoint.load(folder / "weights.npz") for folder, _ in runs)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)
    assert results[0]["epochs"] == results[1]["epochs"]


def test_train_in_float64(tmp_path):
    train(tmp_path, "--epochs", "1", "--dtype", "float64")
    assert {array.dtype.name for array in checkpoint.load(tmp_path / "weights.npz").values()} == {"float64"}


def test_recipes_lists_each_in_a_line(capsys):
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES) and all(len(line) > 20 for line in lines)


def test_info(capsys):
    assert main(["info"]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (
        shown["numpy"] == np.__version__ and int(shown["vector_bits"]) in (128, 256, 512) and int(shown["threads"]) > 0
    )


def test_warmup_fills_the_cache_and_cache_clears_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBARNN_CACHE_DIR", str(tmp_path))
    command = [sys.executable, "-m", "numbarnn"]

    def run(*options):
        return subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    cells = ["SimpleRNNCell", "MGUCell", "UGRNNCell"]
    lines = run("warmup", *cells, "--dtype", "float64", "--jobs", "2").splitlines()
    assert sorted(line.split()[:2] for line in lines) == sorted([cell, "float64"] for cell in cells)
    kernels = len(list(tmp_path.iterdir()))
    assert run("warmup", *cells, "--dtype", "float64") and len(list(tmp_path.iterdir())) == kernels
    assert kernels > 0 and run("cache").startswith(f"{tmp_path}: {kernels} kernels")
    assert run("cache", "clear") == f"deleted {kernels} kernels from {tmp_path}\n"
    assert not list(tmp_path.iterdir())


def test_warmup_refuses_an_unknown_cell(capsys):
    assert main(["warmup", "Cell"]) == 2
    assert "expected cells of BasicLSTMCell, " in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if not hasattr(recipe, "READS")])
def test_recipes_without_files_take_any_folder_and_say_that_it_is_not_used(name, tmp_path, monkeypatch, capsys):
    recipe = RECIPES[name]
    if not hasattr(recipe, "show"):
        load, build = recipe.load, Stop("the data are loaded")
        monkeypatch.setattr(recipe, "load", lambda data, dtype: load(data, dtype))
        monkeypatch.setattr(recipe, "build", build)
    code = main(["train", name, "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    printed = capsys.readouterr()
    assert f"{name} reads no files; the folder {tmp_path} is not used\n" in printed.out
    assert code == 0 if hasattr(recipe, "show") else "the data are loaded" in printed.err


class Stop:
    """A function that ends a command."""

    def __init__(self, message):
        self.message = message

    def __call__(self, *args):
        raise InputError(self.message)


def test_recipes_with_files_name_their_data_set():
    reads = {name: recipe.READS for name, recipe in RECIPES.items() if hasattr(recipe, "READS")}
    assert set(reads.values()) == {"mnist", "imdb", "japanese_vowels", "tiny_shakespeare", "sunspots"}
    assert all(hasattr(nr.datasets, name) for name in reads.values())
    for name, recipe in RECIPES.items():
        assert ("--data DIR" in about(recipe)) == (name in reads), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["train", "nonsense"], f"expected one of the recipes {', '.join(RECIPES)}, got 'nonsense'"),
        (["train", "mnist", "--data", "nowhere"], "expected train-images-idx3-ubyte.gz in nowhere"),
        (["train", "--out", "a-file"], "cannot write into the folder a-file"),
        (["train", "--json", "a-file/result.json"], "cannot write into the folder a-file"),
        (["train", "--json", "."], "expected a file to write the result to, got the folder ."),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    assert main(options) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and message in printed.err


@pytest.mark.parametrize(
    "options", [[], ["fly"], ["train", "--epochs", "0"], ["train", "--seed", "-1"], ["train", "--dtype", "int8"]]
)
def test_bad_usage_is_exit_code_2(options, capsys):
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2 and "usage: python -m numbarnn" in capsys.readouterr().err


def test_interrupted_training_exits_130_and_writes_what_it_has(tmp_path):
    command = [sys.executable, "-u", "-m", "numbarnn", "train", "--epochs", "100000", "--out", str(tmp_path)]
    keep = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a job in the background hands on that it is ignored
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        signal.signal(signal.SIGINT, keep)
        for line in process.stdout:
            if line.startswith("epoch 1/100000"):
                break
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.strip() == "numbarnn: interrupted"
    assert "interrupted in epoch" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.txt", "weights.npz"]
    RECIPES["digits"].build(0, "float32").load_weights(tmp_path / "weights.npz")


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "result"
    with whole_file(path) as file:
        file.write(b"first")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"first" and os.listdir(tmp_path) == ["result"]
