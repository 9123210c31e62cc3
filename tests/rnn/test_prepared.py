"""Prepared cells: the bits of unprepared ones, whatever the cell, the dtype and the number of threads."""

import copy
import pickle
import threading

import numba
import numpy as np
import pytest
from helpers import wrapper_problems
from helpers.problems import assert_same_bits
from helpers.wrapper_problems import TOKENS, named
from numpy.testing import assert_array_equal

import numbarnn as nr
from benchmarks.variants import VARIANTS
from numbarnn.engines.fixed_params import FixedParams
from numbarnn.utils.tree import tree_map

T, B, I, H = 4, 3, 8, 20
CELLS = {name: make(I, H) for name, make in VARIANTS.items() if not name.startswith("Derived")}
COMPOSITES = {name: cell for name, cell in wrapper_problems.CASES.items() if "residual" not in name and name != "deep"}
COMPOSITES |= {"residual": nr.ResidualWrapper(nr.GRUCell(I)), "highway": nr.HighwayWrapper(nr.LSTMCell(I))}


class Problem:
    """A cell, its parameters, inputs (T, B, I), states and cotangents, nothing zero."""

    def __init__(self, cell, sizes=(T, B, I), dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
        steps, batch, inputs = sizes
        self.cell = cell
        self.params = {n: a + 0.1 * draw(*a.shape) for n, a in cell.init_params(inputs, rng, dtype).items()}
        self.x = rng.integers(0, TOKENS, (steps, batch)) if cell.takes_integers else draw(*sizes)
        self.state, self.d_state = (tree_map(lambda n: draw(batch, n), cell.state_size) for _ in range(2))
        self.d_outputs = draw(steps, batch, cell.output_size)

    def steps(self, step):
        """{name: array} of steps one after the other."""
        state, outputs = self.state, []
        for x in self.x:
            output, state = step(x, state)
            outputs.append(output)
        return {"outputs": np.stack(outputs)} | named("state", state)

    def unprepared_steps(self):
        return self.steps(lambda x, state: self.cell.step(self.params, x, state))

    def gradients(self, *cell_and_params, **options):
        """{name: array} of a run with all its gradients."""
        run = nr.forward(*cell_and_params, self.x, initial_state=self.state, time_major=True, **options)
        grads = run.backward(self.d_outputs, self.d_state)
        results = {"outputs": run.outputs} | named("state", run.state) | named("d initial", grads.initial_state)
        return results | grads.params | ({} if grads.inputs is None else {"d inputs": grads.inputs})

    def forward(self):
        run = nr.forward(self.cell, self.params, self.x, initial_state=self.state, time_major=True)
        return {"outputs": run.outputs} | named("state", run.state)


def run_many(prepared, problem):
    outputs, state = prepared.run_many(problem.x, problem.state)
    return {"outputs": outputs} | named("state", state)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("cell", [*CELLS.values(), *COMPOSITES.values()], ids=[*CELLS, *COMPOSITES])
def test_bits(cell, dtype):
    problem = Problem(cell, dtype=dtype)
    prepared = nr.prepare(cell, problem.params)
    for _ in range(2):  # packed before, memory used before
        assert_same_bits(problem.steps(prepared.step), problem.unprepared_steps())
        assert_same_bits(run_many(prepared, problem), problem.forward())
    mask = np.random.default_rng(1).random(problem.x.shape[:2]) < 0.6
    for options in ({"training": True, "rng": 3}, {"mask": mask, "reverse": True}, {"save": "sqrt"}):
        found = problem.gradients(prepared, **options)
        assert_same_bits(found, problem.gradients(cell, problem.params, **options))


THREADED = {
    "step": (nr.LSTMCell(400), (2, 1, 401)),
    "units": (nr.LSTMCell(70), (40, 1, 33)),
    "units of two stages": (nr.GRUCell(90), (40, 1, 33)),
    "rows": (nr.SimpleRNNCell(70), (40, 40, 33)),
    "rows of a projection": (nr.LSTMCell(70, num_proj=30), (10, 40, 33)),
}


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread")
@pytest.mark.parametrize("name", THREADED)
def test_bits_on_two_threads(name):
    problem = Problem(*THREADED[name], "float32")
    prepared = nr.prepare(problem.cell, problem.params)
    numba.set_num_threads(1)
    try:
        expected = problem.unprepared_steps()
        assert_same_bits(problem.steps(prepared.step), expected)
        assert_same_bits(run_many(prepared, problem), expected)
        gradients = problem.gradients(prepared)
    finally:
        numba.set_num_threads(2)
    try:
        for _ in range(2):
            assert_same_bits(problem.steps(prepared.step), expected)
            assert_same_bits(run_many(prepared, problem), expected)
        assert_same_bits(problem.gradients(prepared), gradients)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)


def test_it_is_a_snapshot():
    problem = Problem(nr.LSTMCell(H))
    prepared, expected = nr.prepare(problem.cell, problem.params), problem.unprepared_steps()
    for array in problem.params.values():
        array += 1
    assert_same_bits(problem.steps(prepared.step), expected)
    assert not np.array_equal(problem.unprepared_steps()["outputs"], expected["outputs"])
    with pytest.raises(ValueError, match="read-only"):
        prepared.params["kernel"][:] = 0


def test_results_are_the_callers_own():
    problem = Problem(nr.LSTMCell(H))
    prepared = nr.prepare(problem.cell, problem.params)
    output, state = prepared.step(problem.x[0], problem.state)
    before = output.copy(), *(array.copy() for array in state)
    output[:] = 7  # not the state
    assert_array_equal(state.h, before[1])
    prepared.step(problem.x[1], state)
    assert_array_equal(state.h, before[1])
    assert_array_equal(state.c, before[2])
    many, _ = prepared.run_many(problem.x)
    expected = many.copy()
    prepared.run_many(problem.x + 1)
    assert_array_equal(many, expected)


def test_zero_state_after_others():
    """States begin at zero where none are given, those too that nobody sees."""
    for cell in (nr.LSTMCell(H, num_proj=5), nr.GRUCell(H, num_proj=5), nr.NASCell(H)):
        problem = Problem(cell)
        prepared = nr.prepare(cell, problem.params)
        prepared.step(problem.x[0], problem.state)
        for found, expected in zip(prepared.step(problem.x[0]), cell.step(problem.params, problem.x[0]), strict=True):
            assert_same_bits(named("", found), named("", expected))


def test_other_sizes_and_views():
    problem = Problem(nr.LSTMCell(H), (5, 6, 2 * I))
    cell, x = problem.cell, problem.x[:, ::2, ::2]
    params = cell.init_params(I, 0, "float64")
    prepared = nr.prepare(cell, params)
    for rows in (3, 1, 2, 3):
        state = cell.State(*(array[::2][:rows] for array in problem.state))
        expected = cell.step(params, x[0, :rows], state)
        for found, want in zip(prepared.step(x[0, :rows], state), expected, strict=True):
            assert_same_bits(named("", found), named("", want))


def test_what_step_takes():
    """What `Cell.step` converts: lists, other orders of states, a plain tuple."""
    problem = Problem(nr.LSTMCell(H))
    cell, prepared = problem.cell, nr.prepare(problem.cell, problem.params)
    h, c = problem.state
    wide = np.float64
    for x, state in (
        (problem.x[0].tolist(), problem.state),
        (problem.x[0], (h, c)),
        (problem.x[0], cell.State(h.astype(wide), c.tolist())),
        (problem.x[0][:0], cell.zero_state(0, wide)),
    ):
        expected = cell.step(problem.params, x, state)
        for found, want in zip(prepared.step(x, state), expected, strict=True):
            assert_same_bits(named("", found), named("", want))


def arguments_that_do_not_fit():
    zeros = np.zeros
    state = nr.LSTMCell(H).zero_state
    return {
        "a wider input": (zeros((B, I + 1)), None),
        "a narrower input": (zeros((B, I - 1)), None),
        "a vector": (zeros(I), None),
        "a sequence": (zeros((1, B, I)), None),
        "float32": (zeros((B, I), "float32"), None),
        "integers": (zeros((B, I), int), None),
        "a state of other rows": (zeros((B, I)), state(B + 1, "float64")),
        "a state of one row": (zeros((B, I)), state(1, "float64")),
        "a state of float32": (zeros((B, I)), state(B)),
        "a state of another width": (zeros((B, I)), nr.LSTMCell(H + 1).zero_state(B, "float64")),
        "one array": (zeros((B, I)), zeros((B, H))),
        "another cell's state": (zeros((B, I)), nr.GRUCell(H).zero_state(B, "float64")),
        "None in a state": (zeros((B, I)), nr.LSTMCell(H).zero_state(B, "float64")._replace(c=None)),
    }


@pytest.mark.parametrize("name", arguments_that_do_not_fit())
def test_refused(name):
    """Nothing runs, and the error is that of the unprepared cell."""
    problem, (x, state) = Problem(nr.LSTMCell(H)), arguments_that_do_not_fit()[name]
    prepared = nr.prepare(problem.cell, problem.params)
    with pytest.raises(nr.InputError) as expected:
        problem.cell.step(problem.params, x, state)
    with pytest.raises(nr.InputError) as found:
        prepared.step(x, state)
    assert str(found.value) == str(expected.value)
    with pytest.raises(nr.InputError):
        prepared.run_many(np.asarray(x)[None], state)


def test_prepare_refuses():
    cell = nr.LSTMCell(H)
    params = cell.init_params(I)
    with pytest.raises(nr.InputError, match="expected a cell"):
        nr.prepare("LSTM", params)
    with pytest.raises(nr.InputError, match="expected parameters as init_params makes them"):
        nr.prepare(cell, params | {"kernel": params["kernel"][:, 1:]})
    with pytest.raises(nr.InputError, match="expected parameters as init_params makes them, got None"):
        nr.prepare(cell, None)
    with pytest.raises(nr.InputError, match="recurrent_kernel of dtype float32, got float64"):
        nr.prepare(cell, params | {"recurrent_kernel": params["recurrent_kernel"].astype("float64")})
    with pytest.raises(nr.InputError, match="not finite in parameter bias"):
        nr.prepare(cell, params | {"bias": params["bias"] * np.nan})
    with pytest.raises(nr.InputError, match=r"expected nr.forward\(prepared, x\)"):
        nr.forward(nr.prepare(cell, params), params, np.ones((B, T, I), "float32"))
    embedded = nr.EmbeddingWrapper(cell, TOKENS, I)
    with pytest.raises(nr.InputError, match="embedding"):
        nr.prepare(embedded, params)


def test_copies_and_pickles():
    problem = Problem(nr.LSTMCell(H))
    prepared, expected = nr.prepare(problem.cell, problem.params), problem.unprepared_steps()
    for other in (copy.deepcopy(prepared), pickle.loads(pickle.dumps(prepared))):
        assert_same_bits(problem.steps(other.step), expected)
    run = nr.forward(prepared, problem.x)
    assert_array_equal(pickle.loads(pickle.dumps(run)).outputs, run.outputs)
    assert repr(prepared) == f"PreparedCell({problem.cell!r})"


def test_many_python_threads():
    """Each finds memory that no other uses."""
    problem = Problem(nr.LSTMCell(H))
    prepared = nr.prepare(problem.cell, problem.params)
    problems = [Problem(problem.cell, seed=seed) for seed in range(8)]
    for other in problems:
        other.params = problem.params
    expected, wrong = [other.unprepared_steps() for other in problems], []

    def work(k):
        for _ in range(100):
            found = problems[k].steps(prepared.step)
            wrong.extend(name for name in found if not np.array_equal(found[name], expected[k][name]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_packed_once(monkeypatch):
    """Of a stack too, and of cells whose parameters an engine reads in another form."""
    from numbarnn.engines.cpu import weights

    packed = []
    original = weights.unpacked
    monkeypatch.setattr(weights, "unpacked", lambda p, params: packed.append(p.cell) or original(p, params))
    for cell in (nr.MultiRNNCell([nr.LSTMCell(5), nr.GRUCell(4)]), nr.layers.GRU(5).cell):
        problem = Problem(cell)
        prepared = nr.prepare(cell, problem.params)
        packed.clear()
        for _ in range(3):
            prepared.step(problem.x[0], problem.state)
            nr.forward(prepared, problem.x)
        assert len(packed) == len(getattr(cell, "cells", [cell]))


def test_changed_parameters_are_ordinary_ones():
    params = FixedParams({"kernel": np.ones((2, 2))})
    assert type(params | {"kernel": np.zeros((2, 2))}) is dict
    assert type(pickle.loads(pickle.dumps(params))) is FixedParams
