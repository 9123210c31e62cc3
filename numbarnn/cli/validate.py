"""Check the kernels on this machine: with the validation suite, or with central differences where autograd is not."""

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..cells import CELLS
from ..rnn.run import forward
from ..runtime.versions import show_versions
from ..utils.tree import tree_leaves, tree_map

T, B, I, H = 5, 4, 4, 18
STEP = 1e-6
BOUNDS = {"forward": 1e-12, "gradient": 1e-11, "differences": 1e-6, "float32": 1e-5}
ROW = "{:<34} {:>12} {:>12} {:>12} {:>12}"


def validate(arguments: Sequence[str] = ()) -> int:
    """Run the suite with these arguments, by default its quick part; print what it ran on.

    Parameters
    ----------
    arguments : sequence of str
        Those of `python -m validation`, such as ``["--cell", "LSTMCell"]``.

    Returns
    -------
    int
        0, or 1 if something failed.
    """
    suite = suite_name()
    if find_spec("autograd") is None or suite is None:
        code = check_differences()
        print("\nThe whole suite needs autograd: pip install 'numbarnn[validate]'")
    else:
        code = import_module(f"{suite}.__main__").main(list(arguments) or ["--quick", "--jobs", str(os.cpu_count())])
    print("\nIf something failed, please send us all of this, and these lines:")
    show_versions()
    return code


def suite_name() -> str | None:
    """Return the name of the suite: it is in the wheel, and in a checkout beside the package."""
    package = Path(__file__).parents[1]
    inside, beside = f"{package.name}._validation", find_spec("validation")
    if find_spec(inside):
        return inside
    return "validation" if beside and beside.origin and Path(beside.origin).parents[1] == package.parent else None


def check_differences() -> int:
    """Print the errors of the kernels of every plain cell; return 1 if one is too large, else 0."""
    print(ROW.format("cell", *BOUNDS))
    print(ROW.format("must be below", *(f"{bound:.0e}" for bound in BOUNDS.values())))
    failed = 0
    for name, errors in kernel_errors():
        wrong = any(not error <= BOUNDS[kind] for kind, error in errors.items())
        failed += wrong
        print(ROW.format(name, *(f"{errors[kind]:.1e}" for kind in BOUNDS)), "FAILED" * wrong, flush=True)
    print(f"{len(CELLS) - failed} plain cells passed, {failed} failed")
    return 1 if failed else 0


def kernel_errors() -> Iterator[tuple[str, dict[str, float]]]:
    """Yield for each plain cell its name and the largest errors of the compiled engine.

    "forward" and "gradient" are those against the NumPy engine in float64, "differences" those of directional
    derivatives against central differences of the kernels themselves, "float32" those of all values in float32.
    """
    for name, kind in CELLS.items():
        cell = kind(H)
        problem = draw(cell)
        single = tree_map(lambda array: array.astype("float32") if array.dtype.kind == "f" else array, problem)
        (values, gradients), (kernels, d_kernels) = (results(cell, problem, d) for d in ("numpy", "cpu"))
        values_32, gradients_32 = results(cell, single, "cpu")
        float32 = largest([*values_32, *gradients_32], [*values, *gradients])
        yield (
            name,
            {
                "forward": largest(kernels, values),
                "gradient": largest(d_kernels, gradients),
                "differences": differences(cell, problem, d_kernels),
                "float32": float32,
            },
        )


def draw(cell: Any) -> tuple:
    """Draw inputs: parameters, x, initial state, lengths, gradients of the outputs and of the final state."""
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.standard_normal(shape).astype("float32").astype("float64")  # noqa: E731
    params = tuple(0.3 * normal(*shape) for shape in cell.param_shapes(I).values())
    states = [tuple(normal(B, size) for size in cell.state_size) for _ in range(2)]
    lengths = np.array([T, 0, 3, T])
    return params, normal(B, T, I), states[0], lengths, normal(B, T, cell.output_size), states[1]


def results(cell: Any, problem: tuple, device: str) -> tuple[list, list]:
    """Compute outputs and final state; gradients of parameters, inputs and initial state."""
    params, x, state, lengths, d_outputs, d_state = problem
    names = cell.param_shapes(x.shape[2])
    named = dict(zip(names, params, strict=True))
    run = forward(cell, named, x, initial_state=state, lengths=lengths, device=device)
    d = run.backward(d_outputs, d_state)
    gradients = [*(d.params[name] for name in names), d.inputs, *tree_leaves(d.initial_state)]
    return [run.outputs, *tree_leaves(run.state)], gradients


def largest(values: list, truth: list) -> float:
    """Compute the largest error, relative to the largest number of its array; infinity if one is not finite."""
    errors = [np.abs(a - b).max() / max(np.abs(b).max(), 1e-12) for a, b in zip(values, truth, strict=True)]
    return float(max(errors)) if np.isfinite(errors).all() else np.inf


def differences(cell: Any, problem: tuple, gradients: list) -> float:
    """Compute the largest error of a derivative along a random direction of one array."""
    params, x, state, lengths, d_outputs, d_state = problem
    rng, point, found = np.random.default_rng(1), [*params, x, *state], []

    def loss(arrays):
        moved = tuple(arrays[: len(params)]), arrays[len(params)], tuple(arrays[len(params) + 1 :])
        values, _ = results(cell, (*moved, lengths, d_outputs, d_state), "cpu")
        return sum(float((d * value).sum()) for d, value in zip((d_outputs, *d_state), values, strict=True))

    for i, gradient in enumerate(gradients):
        direction = rng.standard_normal(point[i].shape)
        beside = [[*point[:i], point[i] + step * direction, *point[i + 1 :]] for step in (STEP, -STEP)]
        numeric, exact = (loss(beside[0]) - loss(beside[1])) / (2 * STEP), float((gradient * direction).sum())
        found.append(abs(numeric - exact) / max(abs(exact), float(np.sqrt((gradient**2).sum())), 1e-12))
    return max(found)
