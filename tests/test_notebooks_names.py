"""The cells, wrappers and unrolling functions that the TensorFlow 1 notebooks list by name."""

import numpy as np
import pytest

import numbarnn as nr

CELLS = {
    "BasicRNNCell": {},
    "BasicLSTMCell": {},
    "LSTMCell": {"use_peepholes": True, "cell_clip": 1.0, "num_proj": 3, "proj_clip": 1.0},
    "GRUCell": {},
    "LSTMBlockCell": {"use_peephole": True},
    "LSTMBlockFusedCell": {},
    "GLSTMCell": {"number_of_groups": 2},
    "GridLSTMCell": {"feature_size": 2, "frequency_skip": 2, "num_frequency_blocks": [2]},
    "GRUBlockCell": {},
    "BidirectionalGridLSTMCell": {"feature_size": 2, "frequency_skip": 2, "num_frequency_blocks": [2]},
    "NASCell": {},
    "UGRNNCell": {},
}
WRAPPERS = {
    "DropoutWrapper": {"output_keep_prob": 0.5},
    "InputProjectionWrapper": {"num_proj": 5},
    "OutputProjectionWrapper": {"output_size": 5},
    "DeviceWrapper": {"device": "numpy"},
    "ResidualWrapper": {},
}


def check_cell(cell, x, dtype="float64"):
    """It unrolls, dynamically and statically alike, lengths included; and every parameter has a gradient."""
    params = cell.init_params(x.shape[2] if x.ndim == 3 else None, rng=0, dtype=dtype)
    options = {"lengths": [3, 0, 2, 1], "device": "numpy"}
    run = nr.dynamic_rnn(cell, params, x, **options)
    assert run.outputs.shape == (4, 3, cell.output_size)
    steps, _ = nr.static_rnn(cell, params, nr.unstack_time(x), **options)
    assert np.array_equal(nr.stack_time(steps), run.outputs)
    assert run.outputs[0].any() and not run.outputs[1].any()
    grads = run.backward(np.ones(run.outputs.shape)).params
    assert {name: a.shape for name, a in grads.items()} == {name: a.shape for name, a in params.items()}
    assert all(a.any() for a in grads.values())


X = np.random.default_rng(0).standard_normal((4, 3, 4))


@pytest.mark.parametrize("name", CELLS)
def test_cell_classes(name):
    check_cell(getattr(nr, name)(8, **CELLS[name]), X)


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrapper_classes(name):
    check_cell(getattr(nr, name)(nr.GRUCell(4), **WRAPPERS[name]), X)


def test_embedding_wrapper():
    cell = nr.EmbeddingWrapper(nr.GRUCell(4), embedding_classes=3, embedding_size=2)
    check_cell(cell, np.array([[0, 1, 2], [0, 0, 0], [1, 2, 0], [2, 0, 0]]))


def test_construction_functions():
    """The seven ways to unroll that one notebook lists."""
    forth, back = cells = nr.LSTMCell(5), nr.GRUCell(6)
    p = tuple(cell.init_params(4, rng=0, dtype="float64") for cell in cells)
    above = nr.GRUCell(2), nr.GRUCell(3)
    q = tuple(cell.init_params(11, rng=1, dtype="float64") for cell in above)
    steps, lengths = nr.unstack_time(X), np.array([3, 0, 2, 1])
    options = {"lengths": lengths, "device": "numpy"}

    outputs, state = nr.static_rnn(forth, p[0], steps, **options)
    assert len(outputs) == 3 and outputs[0].shape == state.h.shape == state.c.shape == (4, 5)

    saver = nr.StateSaver({"h": np.zeros(5), "c": np.zeros(5)}, ids=range(4))
    saved, _ = nr.static_state_saving_rnn(forth, p[0], steps, saver, ("h", "c"), **options)
    assert np.array_equal(saved, outputs) and np.array_equal(saver.state("c"), state.c)

    both, state_fw, state_bw = nr.static_bidirectional_rnn(cells, p, steps, **options)
    assert len(both) == 3 and both[0].shape == (4, 11) and state_fw.c.shape == (4, 5) and state_bw.h.shape == (4, 6)
    assert np.array_equal([y[:, :5] for y in both], outputs)

    whole, final = nr.dynamic_rnn(forth, p[0], X, **options)
    assert np.array_equal(whole, nr.stack_time(outputs)) and np.array_equal(final.c, state.c)

    (out_fw, out_bw), _ = nr.bidirectional_dynamic_rnn(cells, p, X, **options)
    assert out_fw.shape == (4, 3, 5) and out_bw.shape == (4, 3, 6)
    assert np.array_equal(np.concatenate([out_fw, out_bw], 2), nr.stack_time(both))

    def loop_fn(time, cell_output, cell_state, loop_state):
        emit_output = cell_output  # None at time 0
        next_cell_state = forth.zero_state(4, "float64") if cell_output is None else cell_state
        elements_finished = time >= lengths
        next_input = np.zeros((4, 4)) if elements_finished.all() else X[:, time]
        return elements_finished, next_input, next_cell_state, emit_output, None

    raw, raw_state = nr.raw_rnn(forth, p[0], loop_fn, device="numpy")
    assert np.array_equal(raw, outputs) and np.array_equal(raw_state.c, state.c)

    stack = nr.stack_bidirectional_dynamic_rnn(((forth, above[0]), (back, above[1])), ((p[0], q[0]), (p[1], q[1])), X)
    outputs, states_fw, states_bw = stack
    assert outputs.shape == (4, 3, 5)
    assert [s.h.shape for s in states_fw + states_bw] == [(4, 5), (4, 2), (4, 6), (4, 3)]
