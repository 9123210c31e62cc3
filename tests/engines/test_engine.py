"""The compiled engine against the plain one, and what must hold to the last bit."""

import threading

import numba
import numpy as np
import pytest
from helpers.problems import SIZES, Problem, assert_exact, assert_same_bits

import numbarnn as nr

CELLS = list(nr.CELLS.values())
BOUNDS = {"float64": 1e-13, "float32": 5e-6}


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_equals_plain_engine(cell, size, dtype):
    T, B, I, H = SIZES[size]
    H = max(H, 16) if cell.norms else H  # of few numbers, normalised ones depend on rounding
    problem = Problem(cell(H), T, B, I, dtype)
    for options in ({}, {"lengths": problem.lengths, "reverse": True}, {"mask": problem.mask}):
        results = problem.results(**options)
        assert_exact(problem, results, BOUNDS[dtype], **options)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_same_bits_for_any_number_of_threads_and_layout(cell):
    for size in ((11, 50, 9, 40), (150, 3, 9, 40)):  # rows along the batch, and along time
        T, B, I, H = size
        problem = Problem(cell(H), T, B, I, "float32")
        expected = problem.results(lengths=problem.lengths)
        numba.set_num_threads(1)
        try:
            assert_same_bits(problem.results(lengths=problem.lengths), expected)
        finally:
            numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
        time_major = Problem(cell(H), T, B, I, "float32")
        time_major.x, time_major.d_outputs = (
            np.ascontiguousarray(a.transpose(1, 0, 2)) for a in (problem.x, problem.d_outputs)
        )
        results = time_major.results(lengths=problem.lengths, time_major=True)
        params = {f"d {name}" for name in problem.params}
        turned = {n: a.transpose(1, 0, 2) if a.ndim == 3 and n not in params else a for n, a in results.items()}
        assert_same_bits(turned, expected)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_rows_are_independent(cell):
    """A batch with lengths equals each row alone without padding, bit for bit; a row of length 0 gives zeros."""
    problem = Problem(cell(21), 6, 5, 4)
    lengths = np.array([6, 0, 1, 4, 6])
    whole = problem.run(lengths=lengths)
    grads = whole.backward(problem.d_outputs, problem.d_state)
    for b, n in enumerate(lengths):
        state = problem.cell.State(*(s[b : b + 1] for s in problem.state))
        run = nr.forward(problem.cell, problem.params, problem.x[b : b + 1, :n], initial_state=state)
        assert np.array_equal(whole.outputs[b, :n], run.outputs[0])
        assert not whole.outputs[b, n:].any()
        for a, s in zip(whole.state, run.state, strict=True):
            assert np.array_equal(a[b], s[0])
        alone = run.backward(
            problem.d_outputs[b : b + 1, :n], problem.cell.State(*(d[b : b + 1] for d in problem.d_state))
        )
        np.testing.assert_allclose(grads.inputs[b, :n], alone.inputs[0], rtol=1e-12, atol=1e-14)
        assert not grads.inputs[b, n:].any()
        for a, s in zip(grads.initial_state, alone.initial_state, strict=True):
            np.testing.assert_allclose(a[b], s[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_nan_in_padding_does_not_leak(cell):
    problem = Problem(cell(9), 6, 4, 3)
    expected = problem.results(mask=problem.mask)
    problem.x[~problem.mask] = np.nan
    problem.d_outputs[~problem.mask] = np.nan
    assert_same_bits(problem.results(mask=problem.mask), expected)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_nan_and_huge_inputs_stay_in_their_row(cell):
    problem = Problem(cell(9), 5, 4, 3)
    expected = problem.run().outputs.copy()
    problem.x[1, 2, 0], problem.x[2, 1] = np.nan, 1e30
    run = problem.run()
    assert np.isnan(run.outputs[1, 2:]).all() and np.isfinite(run.outputs[1, :2]).all()
    assert np.isfinite(run.outputs[2]).all()
    assert np.array_equal(run.outputs[[0, 3]], expected[[0, 3]])
    grads = run.backward(problem.d_outputs)
    assert np.isfinite(grads.inputs[[0, 2, 3]]).all()


def test_strided_and_read_only_arrays():
    problem = Problem(nr.LSTMCell(10), 5, 6, 4, "float32")
    expected = problem.results()
    for change in (
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: np.flip(np.flip(a, 0).copy(), 0),
        lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),  # read-only
    ):
        other = Problem(nr.LSTMCell(10), 5, 6, 4, "float32")
        other.x, other.d_outputs = change(problem.x), change(problem.d_outputs)
        other.params = {name: change(p) for name, p in problem.params.items()}
        other.state = problem.cell.State(*map(change, problem.state))
        assert_same_bits(other.results(), expected)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_backward_again_and_minimal(cell, device):
    """The second gradient of a run, and that of a run that kept nothing, are the first to the bit."""
    problem = Problem(cell(18), 7, 5, 4)
    expected = problem.results(device=device)
    run = problem.run(device=device)
    run.backward(problem.d_outputs * 3)
    run.backward(None, problem.d_state)
    for again in (run, problem.run(device=device, save="minimal")):
        grads = again.backward(problem.d_outputs, problem.d_state)
        assert np.array_equal(grads.inputs, expected["d inputs"])
        for name, g in grads.params.items():
            assert np.array_equal(g, expected[f"d {name}"])
        for name, gate in again.gates.items():
            assert np.array_equal(gate, expected[f"gate {name}"])
    outputs = problem.run(device=device, save="minimal").outputs
    assert np.array_equal(outputs, expected["outputs"])


def test_results_outlive_their_run():
    """Memory is reused only when nobody looks at it any more."""
    problem = Problem(nr.LSTMCell(16), 5, 8, 4)
    run = problem.run()
    outputs, state, grads = run.outputs, run.state, run.backward(problem.d_outputs)
    kept = [a.copy() for a in (outputs, *state, grads.inputs, *grads.params.values())]
    del run
    for seed in range(4):
        other = Problem(nr.LSTMCell(16), 5, 8, 4, seed=seed + 1)
        other.run().backward(other.d_outputs)
    for a, b in zip((outputs, *state, grads.inputs, *grads.params.values()), kept, strict=True):
        assert np.array_equal(a, b)


def test_every_entry_is_written(monkeypatch):
    """With memory full of NaN instead of whatever was there, nothing changes."""
    from numbarnn.runtime import workspace

    take = workspace.take

    def poisoned(size):
        lease = take(size)
        np.asarray(lease).view(np.uint64)[:] = np.float64(np.nan).view(np.uint64)
        return lease

    for cell in CELLS:
        problem = Problem(cell(19), 6, 5, 3)
        expected = problem.results(lengths=problem.lengths)
        with monkeypatch.context() as patch:
            patch.setattr(workspace, "take", poisoned)
            assert_same_bits(problem.results(lengths=problem.lengths), expected)


def test_python_threads():
    """Several Python threads at once give the bits that each gives alone."""
    problems = [Problem(nr.LSTMCell(40), 20, 30, 12, "float32", seed) for seed in range(4)]
    expected = [p.results() for p in problems]
    failures = []

    def work(problem, want):
        try:
            for _ in range(5):
                assert_same_bits(problem.results(), want)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(problems, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize("device", ["cpu", "numpy"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
@pytest.mark.parametrize(("T", "B"), [(0, 3), (4, 0), (0, 0)])
def test_empty(cell, device, T, B):
    """An empty batch, or no steps: empty outputs, the initial state, gradients of zero."""
    problem = Problem(cell(5), T, B, 2)
    results = problem.results(device=device)
    for name, s in zip(problem.cell.states, problem.state, strict=True):
        assert np.array_equal(results[f"final {name}"], s)
    for name, p in problem.params.items():
        assert results[f"d {name}"].shape == p.shape and not results[f"d {name}"].any()
    assert results["outputs"].shape == (B, T, 5) and results["d inputs"].shape == (B, T, 2)


def test_layer_norm_counts_no_padding():
    """Where phi(0) is not 0, neither is what stands beyond the units."""
    problem = Problem(nr.LayerNormLSTMCell(7, activation="sigmoid"), 4, 3, 5)
    assert_exact(problem, problem.results(), 1e-12)


@pytest.mark.parametrize("device", ["cpu", "numpy", "njit"])
def test_all_parameters_that_are_not_finite_are_named(device):
    problem = Problem(nr.LSTMCell(5), 4, 3, 2)
    problem.params["bias"][3] = problem.params["kernel"][0, 7] = np.nan
    with pytest.raises(nr.InputError, match=r"LSTMCell: values that are not finite in parameter kernel, bias$"):
        problem.run(device=device)
