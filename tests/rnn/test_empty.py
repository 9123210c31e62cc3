"""Batches without steps, and rows without a valid step."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves, tree_map

CELLS = [
    nr.LSTMCell(4, num_proj=3),
    nr.GRUCell(4, num_proj=2),
    nr.IntersectionRNNCell(4),
    nr.GLSTMCell(4, number_of_groups=2),
    nr.GridLSTMCell(3, feature_size=2, frequency_skip=1, num_frequency_blocks=(3,)),
    nr.MultiRNNCell([nr.LSTMCell(4), nr.DropoutWrapper(nr.GRUCell(3), output_keep_prob=0.5)]),
    nr.ZoneoutWrapper(nr.LSTMCell(4), zoneout_h=0.1),
    nr.Bidirectional(nr.LSTMCell(4), nr.GRUCell(3)),
]
NAMES = [type(cell).__name__ for cell in CELLS]


@pytest.mark.parametrize("device", ["cpu", "numpy"])
@pytest.mark.parametrize("cell", CELLS, ids=NAMES)
def test_no_steps(cell, device):
    """States and gates have their names and sizes, the state is the initial one, and gradients are zero."""
    params, rng = cell.init_params(4), np.random.default_rng(0)
    state = tree_map(lambda size: rng.standard_normal((3, size), "float32"), cell.state_size)
    run = nr.forward(cell, params, np.zeros((3, 0, 4), "float32"), initial_state=state, device=device)
    one = nr.forward(cell, params, np.zeros((3, 1, 4), "float32"), device=device)
    for found, expected in ((run.states, one.states), (run.gates, one.gates)):
        assert {name: (a.shape, a.dtype) for name, a in found.items()} == {
            name: ((3, 0, a.shape[2]), a.dtype) for name, a in expected.items()
        }
    for a, b in zip(tree_leaves(run.state), tree_leaves(state), strict=True):
        assert_array_equal(a, b)
    grads = run.backward(run.outputs, run.state)
    assert not any(d.any() for d in grads.params.values()) and grads.inputs.shape == (3, 0, 4)
    for a, b in zip(tree_leaves(grads.initial_state), tree_leaves(state), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("device", ["cpu", "numpy"])
@pytest.mark.parametrize("cell", CELLS, ids=NAMES)
def test_nan_in_the_state_of_a_row_without_a_valid_step_stays_there(cell, device):
    params, rng = cell.init_params(4), np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 4), "float32")
    clean = tree_map(lambda size: rng.standard_normal((3, size), "float32"), cell.state_size)
    spoilt = tree_map(np.copy, clean)
    for leaf in tree_leaves(spoilt):
        leaf[1] = np.nan
    runs = [nr.forward(cell, params, x, initial_state=s, lengths=[5, 0, 3], device=device) for s in (clean, spoilt)]
    a, b = (run.backward(run.outputs) for run in runs)
    for name in a.params:
        assert_array_equal(a.params[name], b.params[name], err_msg=name)
    assert_array_equal(a.inputs, b.inputs)
    for found, given in zip(tree_leaves(runs[1].state), tree_leaves(spoilt), strict=True):
        assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2]]).all()
        assert_array_equal(np.isnan(found), np.isnan(given))
    for array in nr.forward(nr.LSTMCell(4), nr.LSTMCell(4).init_params(4), x, lengths=[5, 0, 3]).states.values():
        assert np.isfinite(array).all()
