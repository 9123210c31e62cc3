"""Training on two and three processes: as on one, and never a hang."""

import json

import numpy as np
import pytest
from helpers import mpi_trainings
from helpers.mpiexec import run
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.distributed.alone import Alone
from numbarnn.errors import InputError
from numbarnn.training.parts import cut

SAME = "masked", "accumulated", "several", "stateful", "lengths", "local_steps"
SAME = *SAME, "truncated", "truncated_sequences", "truncated_sums", "wide"
PROGRAM = "-m", "helpers.mpi_trainings"


def results(processes, folder, *names):
    """Run trainings; return what each process wrote, and what was printed."""
    folder.mkdir(exist_ok=True)
    done = run(processes, *PROGRAM, *names, "--out", folder)
    assert done.returncode == 0, done.stderr
    files = [np.load(folder / f"{rank}.npz") for rank in range(processes)]
    return [{name: file[name] for name in file.files} for file in files], done.stderr


@pytest.fixture(scope="module")
def alone():
    return {name: array for training in SAME for name, array in mpi_trainings.result(training, None).items()}


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """{number of processes: what each of them has}."""
    return {processes: results(processes, tmp_path_factory.mktemp("of"), *SAME, "seldom") for processes in (2, 3)}


@pytest.mark.parametrize("processes", [2, 3])
def test_weights_history_and_states_are_those_of_one_process(processes, alone, together):
    found, printed = together[processes]
    assert not printed
    for of_rank in found:
        assert of_rank.keys() >= alone.keys()
        for name, array in alone.items():
            assert_allclose(of_rank[name], array, rtol=1e-11, atol=1e-13, err_msg=name)
            assert_array_equal(of_rank[name], found[0][name], err_msg=name)


def test_local_steps_end_in_the_same_parameters_near_those_of_one_process(together, alone):
    first, second = together[2][0]
    names = [name.partition(":")[2] for name in first if name.startswith("seldom:weight:")]
    for name in names:
        assert_array_equal(first[f"seldom:{name}"], second[f"seldom:{name}"], err_msg=name)
        assert_allclose(first[f"seldom:{name}"], alone[f"local_steps:{name}"], atol=0.05, err_msg=name)
    assert any((first[f"seldom:{name}"] != first[f"local_steps:{name}"]).any() for name in names)


def test_the_same_number_of_processes_gives_the_same_bits(together, tmp_path):
    again, _ = results(2, tmp_path, "masked")
    for name, array in again[0].items():
        assert_array_equal(together[2][0][0][name], array, err_msg=name)


def test_callbacks_run_on_rank_0_and_reach_all(tmp_path):
    (tmp_path / "alone").mkdir()
    alone = mpi_trainings.result("called_back", None, folder=tmp_path / "alone")
    found, _ = results(2, tmp_path / "both", "called_back")
    for of_rank in found:
        for name, array in alone.items():
            assert_allclose(of_rank[name], array, rtol=1e-11, atol=1e-13, err_msg=name)
    epochs = len(alone["called_back:history:loss"])
    assert 2 < epochs < 9
    assert_array_equal(found[1]["called_back:history:epoch_squared"], np.arange(epochs) ** 2.0)
    # each event once, in one process
    written = (tmp_path / "both" / "processes").read_text().split()
    assert len(written) == epochs and len(set(written)) == 1
    # a file of rank 0 is that of one process
    models = []
    for folder in ("alone", "both"):
        model = mpi_trainings.compiled(
            [nr.layers.SimpleRNN(4, return_sequences=True), nr.layers.Dropout(0.2), nr.layers.Dense(3)]
        )
        assert model.load_training(tmp_path / folder / "2.npz") == 2
        models.append(model)
    assert models[0]._dropout_rng.bit_generator.state == models[1]._dropout_rng.bit_generator.state
    assert models[0].optimizer.learning_rate == models[1].optimizer.learning_rate
    for name, w in models[0].weights.items():
        assert_allclose(models[1].weights[name], w, rtol=1e-11, atol=1e-13, err_msg=name)


def test_a_number_that_is_not_finite_stops_all_alike(tmp_path):
    found, printed = results(2, tmp_path, "not_finite")
    assert printed.count("RuntimeWarning") == 1 and "x[22, 3, 1] (row, step, feature) is nan" in printed
    fresh = mpi_trainings.compiled([nr.layers.SimpleRNN(4, return_sequences=True), nr.layers.Dense(3)])
    for of_rank in found:
        assert np.isnan(of_rank["not_finite:history:loss"]).all()
        for name, w in fresh.weights.items():
            assert_array_equal(of_rank[f"not_finite:weight:{name}"], w, err_msg=name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("failing", "numbarnn: rank 1 of 2 failed, ZeroDivisionError: division by zero"),
        ("failing_before", "numbarnn: rank 1 of 2 failed, ValueError: no data here"),
        ("killed", "signal 9"),
        (
            "other_seeds",
            "seeds and states at the beginning: expected the same in all processes, got others than rank 0",
        ),
        ("drifting", "the parameters: expected the same in all processes, got others than rank 0 in rank 1"),
    ],
)
def test_one_process_that_fails_ends_all_with_its_message(name, message, tmp_path):
    done = run(2, *PROGRAM, name, "--out", tmp_path, timeout=60)
    assert done.returncode != 0
    assert message in done.stderr + done.stdout
    assert not list(tmp_path.iterdir())


def test_sigterm_stops_all_and_the_same_call_goes_on(tmp_path):
    done = run(2, *PROGRAM, "terminated", "--out", tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("numbarnn: stopped by SIGTERM; the same call goes on from") == 1
    assert "failed" not in done.stderr
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["000000-000000001.npz"]
    found, _ = results(2, tmp_path, "kept")
    (tmp_path / "alone").mkdir()
    alone = mpi_trainings.result("kept", None, folder=tmp_path / "alone")
    for of_rank in found:
        for name, array in alone.items():
            assert_allclose(of_rank[name], array, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize(("samples", "parts"), [(1, 3), (7, 3), (8, 2), (0, 2), (3, 3)])
def test_parts_cover_all_rows_once_the_first_ones_first(samples, parts):
    found = cut(samples, parts)
    assert [row for first, count in found for row in range(first, first + count)] == list(range(samples))
    counts = [count for _, count in found]
    assert max(counts) - min(counts) <= 1 and len(counts) == parts


def test_what_is_no_communicator_is_refused():
    model = mpi_trainings.compiled([nr.layers.SimpleRNN(4, return_sequences=True), nr.layers.Dense(3)])
    x, y, _ = mpi_trainings.sequences()
    with pytest.raises(InputError, match="expected a communicator beside average_every, got average_every=2 alone"):
        model.fit(x, y, average_every=2)
    with pytest.raises(InputError, match="expected average_every to be a positive integer, got 0"):
        model.fit(x, y, average_every=0, communicator=Alone())
    with pytest.raises(InputError, match=r"expected communicator to be an nr\.distributed\.Communicator"):
        model.fit(x, y, communicator=2)


def test_what_truncation_does_not_go_with_is_refused():
    class Two(Alone):
        size = 2

    x, y, _ = mpi_trainings.sequences()
    penalty = nr.layers.SimpleRNN(4, return_sequences=True, activity_regularizer="l2")
    model = mpi_trainings.compiled([penalty, nr.layers.Dense(3)])
    with pytest.raises(InputError, match="expected layers without activity_regularizer, as truncate goes with a comm"):
        model.fit(x, y, communicator=Two(), truncate=(2, 2), verbose=0)
    with pytest.raises(InputError, match="expected average_every or truncate, got both"):
        model.fit(x, y, communicator=Two(), average_every=2, truncate=(2, 2), verbose=0)


def test_one_process_has_no_communicator(monkeypatch):
    for name in nr.distributed.launched.__globals__["SIZES"]:
        monkeypatch.delenv(name, raising=False)
    assert nr.distributed.launched() is None
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "1")
    assert nr.distributed.launched() is None


def test_the_command_trains_on_two_processes_and_rank_0_writes(tmp_path):
    arguments = "-m", "numbarnn", "train", "digits", "--epochs", "1", "--json"
    done = run(2, *arguments, tmp_path / "two.json", "--out", tmp_path / "two")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote") == len(list((tmp_path / "two").iterdir())) + 1
    alone = run(1, *arguments, tmp_path / "one.json", "--out", tmp_path / "one")
    assert alone.returncode == 0, alone.stderr
    one, two = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "two"))
    for name, value in one["final"].items():
        assert_allclose(two["final"][name], value, rtol=1e-7, err_msg=name)
