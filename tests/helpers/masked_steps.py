"""Cells with random masks in their equations, against the references of `validation` under autograd."""

from dataclasses import KW_ONLY, dataclass

import autograd.numpy as anp
import numba
import numpy as np
import pytest

import numbarnn as nr
from helpers.problems import Problem, assert_close, assert_same_bits, errors
from helpers.wrapper_problems import everything
from numbarnn.engines.interface import RunOptions
from validation import references
from validation.activations import FUNCTIONS
from validation.unrolled import unroll, vjp_of

T, B, I, H = 5, 4, 3, 6
LENGTHS = np.array([5, 0, 3, 1])
HOW = RunOptions(training=True, seed=(3,))
CALLS = {
    "lengths": {"lengths": LENGTHS},
    "mask, reverse": {"mask": np.random.default_rng(5).random((B, T)) < 0.6, "reverse": True},
}


@dataclass(frozen=True)
class OwnCell(nr.Cell):
    """A cell of which only the forward equations are written."""

    _: KW_ONLY
    inputs = {"k": "xh", "z": "x"}
    saved = ("k",)

    def forward(self, z, s):
        k = nr.maths.sigmoid(z[0])
        return (np.tanh((1 - k) * s[0] + k * np.tanh(z[1])),), (k,)


def own_step(params, x, state, f):
    (W_k, W_z), (b_k, b_z) = anp.split(params["kernel"], 2, axis=1), anp.split(params["bias"], 2)
    k = f["sigmoid"](x @ W_k + state["h"] @ params["recurrent_kernel"] + b_k)
    h = anp.tanh((1 - k) * state["h"] + k * anp.tanh(x @ W_z + b_z))
    return h, {"h": h}, {"k": k}


CELLS = {
    "simple": nr.SimpleRNNCell(H),
    "lstm": nr.LSTMCell(H),
    "peepholes": nr.LSTMCell(H, use_peepholes=True, forget_bias=1.0),
    "clipped": nr.LSTMCell(H, cell_clip=0.4),
    "clipped straight through": nr.LSTMCell(H, cell_clip=0.4, clip_gradient="straight_through"),
    "block": nr.LSTMBlockCell(H, cell_clip=0.4, use_peephole=True),
    "gru": nr.GRUCell(H),
    "gru seed": nr.GRUCell(H, update="seed"),
    "reset after": nr.ResetAfterGRUCell(H),
    "ugrnn": nr.UGRNNCell(H),
    "layer norm": nr.LayerNormLSTMCell(H),
    "layer norm joint": nr.LayerNormLSTMCell(H, variant="joint"),
    "layer norm gru": nr.LayerNormGRUCell(H),
    "own": OwnCell(H),
}
COMPILED = ("simple", "lstm", "block", "gru", "reset after", "layer norm", "ugrnn")


def step_of(cell):
    """(params, x, state) -> output, new state, gates, by the reference of a plain cell."""
    if isinstance(cell, OwnCell):
        return lambda params, x, state: own_step(params, x, state, FUNCTIONS)
    module, options = references.load()[type(cell).__name__], {}
    for name in module.OPTIONS:
        options[name] = getattr(cell, name)
    return lambda params, x, state: module.step(params, x, state, FUNCTIONS, **options)


def assert_right(wrapper, step, given, call, devices=("numpy", "cpu"), training=True):
    """Everything that a run and its gradient give equals `step` with the masks `given`; a second gradient, and one
    that runs the forward pass again, are the same to the bit."""
    plain = wrapper.cell if isinstance(wrapper.cell, nr.Cell) else wrapper.cell.cell
    p = Problem(plain, T, B, I)
    p.cell, mask = wrapper, CALLS[call].get("mask", np.arange(T) < LENGTHS[:, None])
    run = lambda params, x, state: unroll(step, params, x, state, mask, "reverse" in CALLS[call], given)  # noqa: E731
    outputs, final, states, _ = run(p.params, p.x, p.state._asdict())
    d = vjp_of(run, p.params, p.x, p.state._asdict())(p.d_outputs, p.d_state._asdict())
    forward = {"outputs": outputs}
    forward |= {f"final {n}": s for n, s in final.items()} | {f"state {n}": s for n, s in states.items()}
    gradients = {"d inputs": d["x"]} | {f"d {name}": a for name, a in d["params"].items()}
    gradients |= {f"d initial {name}": a for name, a in d["state"].items()}
    options = CALLS[call] | {"training": training, "rng": 3 if training else None}
    for device in devices:
        found = p.results(device=device, **options)
        for expected, bound in ((forward, 1e-12), (gradients, 1e-11)):
            close = errors({name: found[name] for name in expected}, expected)
            assert max(close.values()) <= bound, (device, close)
        assert all(name in forward | gradients or name.startswith("gate") for name in found)
        assert {name.removeprefix("gate ") for name in found if name.startswith("gate")} == set(plain.saved)
        for save in ("all", "minimal"):
            again = p.run(device=device, save=save, **options)
            for _ in range(2):
                grads = again.backward(p.d_outputs, p.d_state)
                assert all(np.array_equal(found[f"d {n}"], a) for n, a in grads.params.items())
                assert np.array_equal(found["d inputs"], grads.inputs)


def assert_determined_by_the_seed(cell):
    """Whatever the number of threads, the device and the dtype; and nothing is random outside training."""
    params, x = cell.init_params(I), np.random.default_rng(0).standard_normal((40, T, I)).astype("f4")
    run = lambda rng=None, training=True, **options: nr.forward(cell, params, x, rng=rng, training=training, **options)  # noqa: E731
    expected = everything(run(5))
    try:
        numba.set_num_threads(1)
        assert_same_bits(everything(run(5)), expected)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert {a.dtype for a in expected.values()} == {np.dtype("f4")}
    assert_close(everything(run(5, device="numpy")), expected, 1e-4)
    wide = nr.forward(cell, {n: p.astype("f8") for n, p in params.items()}, x.astype("f8"), rng=5, training=True)
    assert_close(everything(wide), expected, 1e-4)
    assert abs(run(6).outputs - run(5).outputs).max() > 1e-2
    with pytest.raises(nr.InputError, match="draws random numbers in training; expected rng"):
        run()
    assert_same_bits(everything(run(training=False)), everything(run(7, training=False)))
