"""Gradients by truncated BPTT, held against their definition by autograd."""

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves
from validation import measured, truth
from validation.cases import Shape
from validation.compare import errors
from validation.problem import draw

T, B, I, H = SHAPE = Shape(7, 4, 3, 6)
CELLS = (nr.LSTMCell(H), nr.GRUCell(H), nr.SimpleRNNCell(H), nr.LSTMCell(H, num_proj=4))
BOUNDS = {"float64": 1e-11, "float32": 5e-5}
DEVICES = ("numpy", "cpu")
COMPOSITES = (
    "MultiRNNCell",
    "EmbeddingWrapper",
    "InputProjectionWrapper",
    "OutputProjectionWrapper",
    "HighwayWrapper",
    "ResidualWrapper",
    "ConcatenatedState",
    "GridLSTMCell",
)


def named(grads):
    """{name: array} of gradients."""
    initial = {f"initial {i}": d for i, d in enumerate(tree_leaves(grads.initial_state))}
    return grads.params | initial | ({} if grads.inputs is None else {"inputs": grads.inputs})


def gradients(problem, run=None, **options):
    run = run or problem.run()
    return named(run.backward(problem.d_outputs, problem.d_state, **options))


def assert_is_the_definition(case, dtypes=tuple(BOUNDS), devices=DEVICES):
    problem = draw(case)
    true = truth.values(problem)
    for dtype in dtypes:
        for device in devices:
            found = measured.values(problem.as_type(dtype), device)
            assert found.keys() == true.keys()
            for group in true:
                for key, error in errors(found[group], true[group]).items():
                    assert error <= BOUNDS[dtype], (dtype, device, group, key)
