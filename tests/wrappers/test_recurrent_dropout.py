"""Recurrent dropout against its definition: a mask on what a kernel reads is, for each row, a mask on the kernel's
rows."""

import autograd.numpy as anp
import numpy as np
import pytest
from helpers.masked_steps import (
    CALLS,
    CELLS,
    COMPILED,
    HOW,
    B,
    H,
    I,
    T,
    assert_determined_by_the_seed,
    assert_right,
    step_of,
)
from helpers.problems import assert_close, assert_same_bits
from helpers.wrapper_problems import Problem as Composite
from helpers.wrapper_problems import everything, named

import numbarnn as nr
from numbarnn import RecurrentDropoutWrapper as Dropout
from numbarnn.utils.tree import tree_leaves, tree_map

PER_GATE = [name for name, cell in CELLS.items() if not cell.equations.feedback or name.startswith("gru")]


def masks_of(wrapper):
    """{name: (1, B, H)}."""
    drawn = wrapper.dropped.draw((T, B, H), np.dtype("f8"), HOW)
    return {name: drawn[name] for name in wrapper.dropped.masks}


def dropped(cell):
    """The step of the reference, row by row, with the masks on the rows of the recurrent kernel."""
    step = step_of(cell)

    def dropped_step(params, x, state, given):
        blocks, rows = anp.split(params["recurrent_kernel"], len(given), axis=1), []
        for b in range(B):
            kernel = anp.concatenate([m[b][:, None] * R for m, R in zip(given.values(), blocks, strict=True)], axis=1)
            _, *row = step({**params, "recurrent_kernel": kernel}, x[[b]], {n: s[[b]] for n, s in state.items()})
            rows.append(row)
        new, gates = ({n: anp.concatenate([row[i][n] for row in rows]) for n in rows[0][i]} for i in (0, 1))
        return new["h"], new, gates

    return dropped_step


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", CELLS)
def test_one_mask(name, call):
    wrapper = nr.RecurrentDropoutWrapper(CELLS[name], 0.4)
    devices = ("numpy", "cpu") if name in COMPILED else ("numpy",)
    assert_right(wrapper, dropped(CELLS[name]), masks_of(wrapper), call, devices)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", PER_GATE)
def test_a_mask_for_each_gate(name, call):
    wrapper = nr.RecurrentDropoutWrapper(CELLS[name], 0.4, per_gate=True)
    masks = masks_of(wrapper)
    assert len(masks) == len(wrapper.cell.fed_by("hq"))
    devices = ("numpy", "cpu") if name in COMPILED else ("numpy",)
    assert_right(wrapper, dropped(CELLS[name]), masks, call, devices)


@pytest.mark.parametrize("per_gate", [False, True])
def test_masks_depend_on_the_seed_alone(per_gate):
    cell = nr.RecurrentDropoutWrapper(nr.GRUCell(70), 0.4, per_gate=per_gate)
    assert_determined_by_the_seed(cell)
    x, params = np.ones((B, T, I), "f4"), cell.init_params(I)
    bare = everything(nr.forward(cell.cell, params, x))
    assert_same_bits(everything(nr.forward(cell, params, x)), bare)
    nothing = nr.RecurrentDropoutWrapper(nr.GRUCell(70), 0, per_gate=per_gate)
    assert_same_bits(everything(nr.forward(nothing, params, x, training=True)), bare)


def test_a_mask_holds_for_all_steps_of_a_row():
    shape = (9, 60, 50)
    for per_gate, count in ((False, 1), (True, 4)):
        cell = nr.RecurrentDropoutWrapper(nr.LSTMCell(50), 0.4, per_gate=per_gate).dropped
        masks = np.stack(list(cell.draw(shape, np.dtype("f4"), HOW).values()))
        assert masks.shape == (count, 1, 60, 50) and set(np.unique(masks)) == {0, np.float32(1 / 0.6)}
        kept = masks > 0
        assert abs(kept.mean() - 0.6) < 0.03
        for axis in (0, 2, 3)[not per_gate :]:
            assert abs((kept & np.roll(kept, 1, axis)).mean() - 0.36) < 0.03


STACK = nr.Bidirectional(
    nr.MultiRNNCell(
        [
            nr.ZoneoutWrapper(nr.LSTMCell(H), zoneout_h=0.2, zoneout_c=0.4),
            nr.RecurrentDropoutWrapper(nr.GRUCell(4), 0.3, per_gate=True),
            nr.RecurrentDropoutWrapper(nr.LSTMBlockCell(5), 0.3),
        ]
    ),
    nr.DropoutWrapper(
        nr.MultiRNNCell(
            [
                nr.RecurrentDropoutWrapper(nr.UGRNNCell(H), 0.5, per_gate=True),
                nr.ZoneoutWrapper(nr.GRUCell(7), zoneout_h=0.3),
            ]
        ),
        input_keep_prob=0.7,
        output_keep_prob=0.8,
    ),
)


@pytest.mark.parametrize("call", CALLS)
def test_stacks_in_both_directions(call):
    """Central differences along random directions, of everything at once and of each array alone."""
    problem, options = Composite(STACK), {"device": "numpy", **CALLS[call]}
    found = problem.results(**options)
    assert_close(problem.results(**CALLS[call]), found, 1e-12)
    arrays = {**problem.params, "inputs": problem.x, **named("initial", problem.state)}
    rng = np.random.default_rng(2)
    directions = {name: rng.standard_normal(a.shape) for name, a in arrays.items()}

    def loss(moved):
        state = iter([a for name, a in moved.items() if name.startswith("initial")])
        state = tree_map(lambda _: next(state), problem.state)
        params = {name: moved[name] for name in problem.params}
        run = nr.forward(STACK, params, moved["inputs"], initial_state=state, training=True, rng=3, **options)
        pairs = zip(tree_leaves(run.state), tree_leaves(problem.d_state), strict=True)
        return (run.outputs * problem.d_outputs).sum() + sum((a * d).sum() for a, d in pairs)

    step = 1e-5
    for names in (list(arrays), *([name] for name in arrays)):
        ends = (loss(arrays | {n: arrays[n] + e * directions[n] for n in names}) for e in (step, -step))
        slope = np.subtract(*ends) / (2 * step)
        assert abs(slope - sum((found[f"d {n}"] * directions[n]).sum() for n in names)) < 1e-7 * max(1, abs(slope))


REFUSED = {
    "rate": (lambda: Dropout(nr.GRUCell(3), 1.0), r"RecurrentDropoutWrapper: expected rate in \[0, 1\), got 1.0"),
    "text": (lambda: Dropout(nr.GRUCell(3), "0.1"), "expected rate to be a finite number, got '0.1'"),
    "stack": (
        lambda: Dropout(nr.MultiRNNCell([nr.GRUCell(3)]), 0.1),
        "RecurrentDropoutWrapper: expected a plain cell such as .* got a MultiRNNCell; wrap the cells in it",
    ),
    "zoneout": (lambda: Dropout(nr.ZoneoutWrapper(nr.GRUCell(3)), 0.1), "expected a plain cell"),
    "projection": (
        lambda: Dropout(nr.LSTMCell(4, num_proj=2), 0.1),
        "expected a cell whose products read its first state, got LSTMCell",
    ),
    "no product": (lambda: Dropout(nr.IndRNNCell(4), 0.1), "whose products read its first state, got IndRNNCell"),
    "within the step": (
        lambda: Dropout(nr.LayerNormLSTMCell(4), 0.1, per_gate=True),
        "LayerNormLSTMCell computes within the step, so it has one mask for all gates",
    ),
    "state dropout": (
        lambda: nr.DropoutWrapper(Dropout(nr.LSTMCell(4), 0.1), state_keep_prob=0.5),
        "DropoutWrapper: there is no state dropout of a RecurrentDropoutWrapper",
    ),
}


@pytest.mark.parametrize("make, message", REFUSED.values(), ids=REFUSED)
def test_refused(make, message):
    with pytest.raises(nr.InputError, match=message):
        make()
