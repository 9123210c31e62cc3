"""`device="cuda"` from outside: what goes in and comes back, and what is said where it cannot run."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from helpers.problems import Problem, assert_close, assert_same_bits
from numba import cuda
from numpy.testing import assert_allclose

import numbarnn as nr
from numbarnn.engines.cuda.arrays import as_device
from numbarnn.errors import InputError

LSTM = nr.LSTMCell(5)


@pytest.fixture
def problem():
    return Problem(LSTM, 4, 3, 2, "float32")


def on_device(problem):
    other = object.__new__(Problem)
    other.__dict__ |= problem.__dict__
    other.params = {name: cuda.to_device(value) for name, value in problem.params.items()}
    other.x, other.d_outputs = map(cuda.to_device, (problem.x, problem.d_outputs))
    return other


def test_numpy_in_numpy_out(problem):
    assert all(type(value) is np.ndarray for value in problem.results(device="cuda").values())


@pytest.mark.parametrize("masked", [False, True])
def test_device_arrays_stay_on_the_device(problem, masked):
    options, there = {"mask": problem.mask} if masked else {}, on_device(problem)
    run, expected = there.run(device="cuda", **options), problem.run(device="cuda", **options)
    assert hasattr(run.outputs, "copy_to_host")
    assert_allclose(run.outputs.copy_to_host(), expected.outputs)
    assert_allclose(run.state.c.copy_to_host(), expected.state.c)
    grads, wanted = run.backward(there.d_outputs), expected.backward(problem.d_outputs)
    assert_allclose(grads.inputs.copy_to_host(), wanted.inputs)
    for name, value in wanted.params.items():
        assert_allclose(grads.params[name].copy_to_host(), value, err_msg=name)
    go_on = nr.forward(LSTM, there.params, there.x, initial_state=run.state, device="cuda")
    again = nr.forward(LSTM, problem.params, problem.x, initial_state=expected.state, device="cuda")
    assert_allclose(go_on.outputs.copy_to_host(), again.outputs)


def test_time_major_device_arrays_are_used_where_they_lie(problem):
    x = cuda.to_device(np.ascontiguousarray(problem.x.swapaxes(0, 1)))
    run = nr.forward(LSTM, problem.params, x, time_major=True, device="cuda")
    assert_allclose(
        run.outputs.copy_to_host(), nr.forward(LSTM, problem.params, problem.x).outputs.swapaxes(0, 1), rtol=1e-5
    )


def test_turned_is_a_view():
    array = cuda.to_device(np.arange(24.0).reshape(2, 3, 4))
    assert_allclose(as_device(array).swap_time_batch().copy_to_host(), np.arange(24.0).reshape(2, 3, 4).swapaxes(0, 1))


def test_truncated_bptt(problem):
    options = {"truncate": (2, 3), "loss_scope": "window"}
    grads = problem.run(device="cuda", mask=problem.mask).backward(problem.d_outputs, problem.d_state, **options)
    wanted = problem.run(device="numpy", mask=problem.mask).backward(problem.d_outputs, problem.d_state, **options)
    assert_close(grads.params | {"x": grads.inputs}, wanted.params | {"x": wanted.inputs}, 1e-5)
    assert_allclose(grads.initial_state.c, wanted.initial_state.c, rtol=1e-5, atol=1e-7)


def test_same_bits_again_and_with_less_kept(problem):
    results = problem.results(device="cuda")
    assert_same_bits(problem.results(device="cuda"), results)
    assert_same_bits(problem.results(device="cuda", save="minimal"), results)
    run = problem.run(device="cuda")
    first, second = (run.backward(problem.d_outputs, problem.d_state).params for _ in range(2))
    assert_same_bits(first, second)


def test_layers_and_models_run_on_the_device():
    x, y = np.random.default_rng(0).standard_normal((6, 4, 2)).astype("float32"), np.arange(6) % 3
    losses = []
    for device in ("cpu", "cuda"):
        model = nr.Sequential([nr.layers.Input((4, 2)), nr.layers.LSTM(5), nr.layers.Dense(3)], device=device)
        model.compile("sgd", nr.losses.SparseCategoricalCrossentropy(from_logits=True))
        losses.append(model.fit(x, y, batch_size=3, epochs=2, verbose=0).history["loss"])
    assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize(
    "cell, device, message",
    [
        (nr.LSTMCell(4), "cpu", "expected NumPy arrays on device 'cpu'"),
        (nr.GLSTMCell(4, number_of_groups=2), "cuda", "GLSTMCell: expected NumPy arrays"),
        (nr.MultiRNNCell([nr.LSTMCell(4)]), "cuda", "MultiRNNCell: expected NumPy arrays"),
    ],
)
def test_device_arrays_where_numpy_is_needed(cell, device, message):
    with pytest.raises(InputError, match=message):
        nr.forward(cell, cell.init_params(2), cuda.to_device(np.zeros((1, 2, 2), "float32")), device=device)


def test_truncate_of_device_arrays(problem):
    there = on_device(problem)
    with pytest.raises(InputError, match="truncate takes NumPy arrays"):
        there.run(device="cuda").backward(there.d_outputs, truncate=(1, 2))


def test_parameters_that_are_not_finite(problem):
    problem.params["bias"][0] = np.nan
    with pytest.raises(InputError, match="not finite in parameter bias"):
        problem.run(device="cuda")


def python(code, **environment):
    """What a new process prints, without the simulator."""
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "0"} | environment
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_leaves_cuda_alone():
    modules = python("import sys, numbarnn; print(*sys.modules)").split()
    assert [m for m in modules if m.startswith(("numba.cuda", "numba_cuda", "numbarnn.engines.cuda"))] == []


FORWARD = """
import numpy as np, numbarnn as nr
cell = nr.SimpleRNNCell(2)
try:
    nr.forward(cell, cell.init_params(2), np.zeros((1, 2, 2), "float32"), device="cuda")
    print("it ran")
except nr.errors.InputError as error:
    print(error)
"""


def test_without_the_extra():
    hidden = "import sys; sys.modules['numba_cuda'] = None\n"
    assert "pip install 'numbarnn[cuda13]'" in python(hidden + FORWARD)


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="needs numba-cuda")
def test_without_a_driver():
    assert "no NVIDIA driver or GPU was found" in python(FORWARD, CUDA_VISIBLE_DEVICES="-1")
