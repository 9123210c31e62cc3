"""Zoneout against its definition."""

import numpy as np
import pytest
from helpers.masked_steps import (
    CALLS,
    CELLS,
    COMPILED,
    HOW,
    B,
    H,
    T,
    assert_determined_by_the_seed,
    assert_right,
    step_of,
)

import numbarnn as nr
from numbarnn.ops.random import bernoulli

RATES = {"h": 0.3, "c": 0.6}


def zoneout(cell, h=RATES["h"], c=RATES["c"]):
    return nr.ZoneoutWrapper(cell, zoneout_h=h, zoneout_c=c if "c" in cell.states else 0.0)


def zoned(cell):
    """The step of the reference, and d s + (1 - d) s~ of each state."""
    step = step_of(cell)

    def zoned_step(params, x, state, given):
        _, new, gates = step(params, x, state)
        new = {name: given[name] * s + (1 - given[name]) * new[name] for name, s in state.items()}
        return new["h"], new, gates

    return zoned_step


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", CELLS)
def test_training(name, call):
    wrapper = zoneout(CELLS[name])
    drawn = wrapper.zoned.draw((T, B, H), np.dtype("f8"), HOW)
    given = {name.removeprefix("kept_"): mask for name, mask in drawn.items()}
    assert_right(wrapper, zoned(CELLS[name]), given, call, ("numpy", "cpu") if name in COMPILED else ("numpy",))


@pytest.mark.parametrize("name", CELLS)
def test_the_mean_otherwise(name):
    """And no seed is needed."""
    given = {name: np.full((1, 1, 1), rate) for name, rate in RATES.items()}
    devices = ("numpy", "cpu") if name in COMPILED else ("numpy",)
    assert_right(zoneout(CELLS[name]), zoned(CELLS[name]), given, "lengths", devices, training=False)


def test_a_projected_lstm_has_zoneout_of_c():
    cell = nr.LSTMCell(H, num_proj=4, cell_clip=0.5, proj_clip=0.3)
    wrapper = zoneout(cell, h=0.0)
    given = {"c": wrapper.zoned.draw((T, B, H), np.dtype("f8"), HOW)["kept_c"], "h": np.zeros((1, 1, 1))}
    assert_right(wrapper, zoned(cell), given, "lengths")


@pytest.mark.parametrize("call", CALLS)
def test_state_dropout_around_zoneout(call):
    """What zoneout keeps is what was dropped before; the output is not dropped."""
    inner = zoneout(CELLS["lstm"])
    wrapper, how = nr.DropoutWrapper(inner, state_keep_prob=0.7), HOW.part("cell")
    drawn = inner.zoned.draw((T, B, H), np.dtype("f8"), how)
    given = {name.removeprefix("kept_"): mask for name, mask in drawn.items()}
    given["drop"] = bernoulli(how.part("mask0_h").random(""), 0.7, (T, B, H)) / 0.7

    def step(params, x, state, given):
        y, new, gates = zoned(CELLS["lstm"])(params, x, state, given)
        return y, new | {"h": y * given["drop"]}, gates

    assert_right(wrapper, step, given, call)


def test_masks_depend_on_the_seed_alone():
    assert_determined_by_the_seed(zoneout(nr.LSTMCell(70)))


def test_masks_are_new_in_each_step_row_and_unit():
    cell, shape = zoneout(nr.LSTMCell(30)).zoned, (50, 40, 30)
    h, c = (cell.draw(shape, np.dtype("f4"), HOW)[f"kept_{name}"] for name in RATES)
    assert h.shape == c.shape == shape and set(np.unique(h)) == {0, 1}
    assert abs(h.mean() - 0.3) < 0.01 and abs(c.mean() - 0.6) < 0.01 and abs((h * c).mean() - 0.18) < 0.01
    for axis in range(3):
        assert abs((h * np.roll(h, 1, axis)).mean() - 0.09) < 0.01


def test_kept_units_are_the_same_to_the_bit():
    wrapper = zoneout(nr.GRUCell(50), h=0.3)
    x = np.random.default_rng(0).standard_normal((20, 12, 3)).astype("f4")
    outputs = nr.forward(wrapper, wrapper.init_params(3), x, training=True, rng=1).outputs
    same = outputs[:, 1:] == outputs[:, :-1]
    assert abs(same.mean() - 0.3) < 0.02
    assert not (np.diff(nr.forward(wrapper, wrapper.init_params(3), x).outputs, axis=1) == 0).any()


def test_no_zoneout_is_the_cell():
    bare, wrapper = CELLS["lstm"], nr.ZoneoutWrapper(CELLS["lstm"])
    assert wrapper.zoned is bare and wrapper.state_size == bare.state_size
    assert wrapper.param_shapes(3) == zoneout(bare).param_shapes(3) == bare.param_shapes(3)
    fresh, params = wrapper.init_params(3, rng=1), bare.init_params(3, rng=1)
    assert all(np.array_equal(fresh[name], p) for name, p in params.items())


REFUSED = {
    "rate": (lambda: zoneout(CELLS["lstm"], h=1.0), r"ZoneoutWrapper: expected zoneout_h in \[0, 1\), got 1.0"),
    "rate of c": (lambda: zoneout(CELLS["lstm"], c=-0.1), r"expected zoneout_c in \[0, 1\), got -0.1"),
    "true": (lambda: zoneout(CELLS["lstm"], h=True), "expected zoneout_h to be a finite number, got True"),
    "nan": (lambda: zoneout(CELLS["lstm"], h=float("nan")), "zoneout_h to be a finite number, got nan"),
    "no c": (lambda: nr.ZoneoutWrapper(CELLS["gru"], zoneout_c=0.1), "GRUCell has no state c for zoneout_c"),
    "stack": (
        lambda: nr.ZoneoutWrapper(nr.MultiRNNCell([nr.GRUCell(3)]), zoneout_h=0.1),
        "ZoneoutWrapper: expected a plain cell such as .* got a MultiRNNCell; wrap the cells in it",
    ),
    "dropout": (
        lambda: nr.ZoneoutWrapper(nr.DropoutWrapper(nr.GRUCell(3)), zoneout_h=0.1),
        "expected a plain cell such as .* got a DropoutWrapper",
    ),
    "no cell": (lambda: nr.ZoneoutWrapper("lstm"), "ZoneoutWrapper: expected a cell such as .* got 'lstm'"),
    "projection": (
        lambda: zoneout(nr.LSTMCell(4, num_proj=2)),
        "ZoneoutWrapper: there is no zoneout_h of a projected output",
    ),
}


@pytest.mark.parametrize("make, message", REFUSED.values(), ids=REFUSED)
def test_refused(make, message):
    with pytest.raises(nr.InputError, match=message):
        make()
