"""Dropout of the LSTM's candidate alone (Semeniuta, Severyn, Barth 2016), without layer norm."""

import numpy as np
from helpers.masked_steps import HOW, B, H, I, T
from helpers.problems import Problem, assert_close

import numbarnn as nr
from validation.activations import FUNCTIONS
from validation.references import layer_norm_basic_lstm as reference
from validation.unrolled import unroll, vjp_of

CELL = nr.LayerNormBasicLSTMCell(H, layer_norm=False, dropout_keep_prob=0.6)


def test_without_layer_norm():
    p, mask = Problem(CELL, T, B, I), CELL.draw((T, B, H), np.dtype("f8"), HOW)["keep"]
    valid = np.arange(T) < p.lengths[:, None]
    step = lambda *args, given: reference.step(*args, FUNCTIONS, given=given, layer_norm=False)  # noqa: E731
    run = lambda params, x, state: unroll(step, params, x, state, valid, given={"keep": mask})  # noqa: E731
    outputs, final, states, gates = run(p.params, p.x, p.state._asdict())
    d = vjp_of(run, p.params, p.x, p.state._asdict())(p.d_outputs, p.d_state._asdict())
    expected = {"outputs": outputs, "d inputs": d["x"]} | {f"d {name}": a for name, a in d["params"].items()}
    for name in CELL.states:
        expected |= {f"final {name}": final[name], f"state {name}": states[name]}
        expected[f"d initial {name}"] = d["state"][name]
    expected |= {f"gate {name}": np.where(valid[:, :, None], a, 0) for name, a in gates.items()}
    for device in ("numpy", "cpu"):
        assert_close(p.results(device=device, lengths=p.lengths, training=True, rng=3), expected, 1e-12)


def test_nothing_dropped_is_a_basic_lstm():
    basic = nr.BasicLSTMCell(H)
    p = Problem(basic, T, B, I)
    expected = p.results(device="numpy")
    assert CELL.param_shapes(I) == basic.param_shapes(I) and not CELL.init_params(I)["bias"].any()
    p.cell = CELL
    assert_close(p.results(device="numpy"), expected, 1e-14)
