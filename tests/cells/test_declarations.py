"""What a cell may declare beside products and equations: vectors, given numbers, several q, layer norm, projections.

Each declaration stands alone in a small cell; the plain engine is checked by central differences, the compiled one
against the plain one.
"""

import numba
import numpy as np
import pytest
from helpers.declared_cells import DECLARED
from helpers.problems import SIZES, Problem, assert_exact, assert_same_bits

BOUNDS = {"float64": 1e-13, "float32": 1e-5}


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", DECLARED, ids=lambda c: c.__name__)
def test_engines_agree(cell, size, dtype):
    T, B, I, H = SIZES[size]
    if cell.norms and H == 1:
        pytest.skip("one number has no variance: gradients are rounding errors over epsilon")
    problem = Problem(cell(H), T, B, I, dtype)
    for options in ({}, {"lengths": problem.lengths, "reverse": True}, {"mask": problem.mask}):
        results = problem.results(**options)
        assert_exact(problem, results, BOUNDS[dtype], **options)
        assert_same_bits(problem.results(save="minimal", **options), results)


@pytest.mark.parametrize("cell", DECLARED, ids=lambda c: c.__name__)
def test_gradients_are_those_of_central_differences(cell):
    problem = Problem(cell(6), 4, 3, 2)
    rng = np.random.default_rng(1)

    def loss(params, x, state):
        run = Problem.run(vars_of(problem, params, x, state), mask=problem.mask, device="numpy")
        return (run.outputs * problem.d_outputs).sum() + sum(
            (a * d).sum() for a, d in zip(run.state, problem.d_state, strict=True)
        )

    grads = problem.run(mask=problem.mask, device="numpy").backward(problem.d_outputs, problem.d_state)
    point = [*problem.params.items(), ("x", problem.x), *problem.state._asdict().items()]
    exact = [*grads.params.values(), grads.inputs, *grads.initial_state]
    names, arrays = zip(*point, strict=True)
    for i, (name, array) in enumerate(point):
        direction = rng.standard_normal(array.shape)

        def along(step, i=i, direction=direction):
            moved = [a + step * direction if j == i else a for j, a in enumerate(arrays)]
            n = len(problem.params)
            return loss(dict(zip(names, moved[:n], strict=False)), moved[n], problem.cell.State(*moved[n + 1 :]))

        numeric = (along(1e-5) - along(-1e-5)) / 2e-5
        assert (exact[i] * direction).sum() == pytest.approx(numeric, rel=1e-6, abs=1e-7), name


def vars_of(problem, params, x, state):
    other = object.__new__(Problem)
    other.cell, other.params, other.x, other.state = problem.cell, params, x, state
    return other


@pytest.mark.parametrize("cell", DECLARED, ids=lambda c: c.__name__)
def test_same_bits_for_any_number_of_threads(cell):
    problem = Problem(cell(40), 11, 50, 9, "float32")
    expected = problem.results(lengths=problem.lengths)
    numba.set_num_threads(1)
    try:
        assert_same_bits(problem.results(lengths=problem.lengths), expected)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
