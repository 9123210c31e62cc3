"""What is seen inside a network, against autograd and differences, and in the story of the vanishing gradient."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, jacobian
from helpers.layer_checks import central_difference
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import inspection
from numbarnn.layers import GRU, LSTM, Dense, Embedding, Input, SimpleRNN
from numbarnn.utils.tree import tree_leaves, tree_map

T, B, I, H = 6, 4, 3, 5
LENGTHS = np.array([6, 3, 0, 5])


def draw(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def sigmoid(x):
    return 0.5 * (anp.tanh(0.5 * x) + 1)


def lstm(p, x, state):
    """One row, one step; h and c side by side."""
    h, c = state[:H], state[H:]
    i, f, g, o = (part for part in anp.reshape(x @ p["kernel"] + h @ p["recurrent_kernel"] + p["bias"], (4, H)))
    c = sigmoid(f) * c + sigmoid(i) * anp.tanh(g)
    return anp.concatenate([sigmoid(o) * anp.tanh(c), c])


@pytest.fixture(scope="module")
def problem():
    cell = nr.LSTMCell(H)
    params = {name: draw(*array.shape) for name, array in cell.init_params(I, 0, "float64").items()}
    return cell, params, draw(B, T, I), cell.State(draw(B, H), draw(B, H + 1)[:, 1:])


def valid_steps(row, reverse):
    steps = range(LENGTHS[row])
    return list(reversed(steps)) if reverse else list(steps)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_state_gradients_against_autograd(problem, device, reverse):
    cell, params, x, state = problem
    d_outputs, d_state = draw(B, T, H), cell.State(draw(B, H), draw(B, H + 2)[:, 2:])
    how = {"initial_state": state, "lengths": LENGTHS, "reverse": reverse, "device": device}
    found = inspection.state_gradients(cell, params, x, d_outputs, d_state, **how)
    assert list(found) == ["h", "c"] and found["h"].shape == (B, T, H)
    for row in range(B):
        order = valid_steps(row, reverse)

        def rest(s, after, row=row, order=order):
            """The loss from the state that step `after` hands on: the output of that step is its h."""
            total = anp.dot(s[:H], d_outputs[row, order[after]])
            for t in order[after + 1 :]:
                s = lstm(params, x[row, t], s)
                total = total + anp.dot(s[:H], d_outputs[row, t])
            return total + anp.dot(s, np.concatenate([d_state.h[row], d_state.c[row]]))

        s = np.concatenate([state.h[row], state.c[row]])
        for after, t in enumerate(order):
            s = lstm(params, x[row, t], s)
            expected = grad(rest)(s, after)
            assert_allclose(np.concatenate([found["h"][row, t], found["c"][row, t]]), expected, rtol=1e-11, atol=1e-13)
    flow = inspection.gradient_flow(cell, params, x, d_outputs, d_state, **how)
    assert_allclose(flow["c"], np.linalg.norm(found["c"], axis=-1), rtol=1e-14)


def test_a_gradient_of_the_initial_state_is_what_the_first_step_hands_back(problem):
    """The pieces together are the one backward pass."""
    cell, params, x, state = problem
    d_outputs = draw(B, T, H)
    whole = nr.forward(cell, params, x, initial_state=state).backward(d_outputs).initial_state
    flow = inspection.state_gradients(cell, params, x, d_outputs, initial_state=state)
    first = nr.forward(cell, params, x[:, :1], initial_state=state)
    back = first.backward(None, cell.State(flow["h"][:, 0], flow["c"][:, 0])).initial_state
    for a, b in zip(back, whole, strict=True):
        assert_allclose(a, b, rtol=1e-12, atol=1e-14)


COMPOSITE = [
    nr.MultiRNNCell([nr.GRUCell(3), nr.LSTMCell(4, num_proj=2)]),
    nr.LSTMCell(4, num_proj=3),
    nr.ResidualWrapper(nr.UGRNNCell(I)),
    nr.OutputProjectionWrapper(nr.SimpleRNNCell(4), 2),
]


@pytest.mark.parametrize("cell", COMPOSITE, ids=lambda cell: type(cell).__name__)
def test_any_cell_against_differences(cell):
    """The gradient with respect to the state that a step hands on: what follows is run from changed states."""
    params = {name: draw(*array.shape) for name, array in cell.init_params(I, 0, "float64").items()}
    x, d_outputs, after = draw(B, T, I), draw(B, T, cell.output_size), 2
    found = inspection.state_gradients(cell, params, x, d_outputs, device="numpy")
    assert list(found) == inspection.state_names(cell.state_size)
    state = tree_map(np.copy, nr.forward(cell, params, x[:, : after + 1], device="numpy").state)
    place = {"MultiRNNCell": ("1/h", 1), "LSTMCell": ("h", 0)}.get(type(cell).__name__)

    def rest():
        run = nr.forward(cell, params, x[:, after + 1 :], initial_state=state, device="numpy")
        direct = 0 if place is None else (tree_leaves(state)[place[1]] * d_outputs[:, after]).sum()
        return (run.outputs * d_outputs[:, after + 1 :]).sum() + direct

    for name, array in zip(found, tree_leaves(state), strict=True):
        assert_allclose(found[name][:, after], central_difference(rest, array), rtol=1e-6, atol=1e-8)


def test_step_jacobian_against_autograd(problem):
    cell, params, x, state = problem
    found = inspection.step_jacobian(cell, params, x[:, 0], state)
    assert found.shape == (B, 2 * H, 2 * H)
    side_by_side = np.concatenate(state, axis=1)
    for row in range(B):
        expected = jacobian(lambda s, row=row: lstm(params, x[row, 0], s))(side_by_side[row])
        assert_allclose(found[row], expected, rtol=1e-11, atol=1e-13)


def test_jacobian_norms(problem):
    """A step's norm bounds what it does to a gradient; masked steps copy the state."""
    cell, params, x, state = problem
    norms = inspection.jacobian_norms(cell, params, x, initial_state=state, lengths=LENGTHS)
    assert norms.shape == (B, T)
    mask = np.arange(T) < LENGTHS[:, None]
    assert_array_equal(norms[~mask], 1.0)
    s = np.concatenate([state.h[0], state.c[0]])
    for t in range(T):
        expected = jacobian(lambda s, t=t: lstm(params, x[0, t], s))(s)
        assert_allclose(norms[0, t], np.linalg.svd(expected)[1][0], rtol=1e-11)
        s = lstm(params, x[0, t], s)
    some = inspection.jacobian_norms(cell, params, x, initial_state=state, lengths=LENGTHS, rows=[3, 1], steps=[4, 0])
    assert_allclose(some, norms[np.ix_([3, 1], [4, 0])], rtol=1e-12)


def test_jacobian_of_cells_that_take_tokens():
    cell = nr.EmbeddingWrapper(nr.GRUCell(4), 7, 3)
    params = cell.init_params(None, 0, "float64")
    tokens = np.array([[1, 2, 3], [4, 5, 6]])
    assert inspection.jacobian_norms(cell, params, tokens, device="numpy").shape == (2, 3)


def test_vanishing_gradient():
    """The notebooks' story: through 60 steps an LSTM with open forget gates carries what a SimpleRNN loses."""
    x, flows = draw(3, 60, 2), {}
    for cell, state in ((nr.SimpleRNNCell(16), "h"), (nr.LSTMCell(16, forget_bias=3.0), "c")):
        params = cell.init_params(2, 0, "float64")
        if "c" not in cell.state_size._fields:
            params["recurrent_kernel"] *= 0.8
        d_outputs = np.zeros((3, 60, 16))
        d_outputs[:, -1] = 1.0
        flows[state] = inspection.gradient_flow(cell, params, x, d_outputs, device="numpy")[state]
        decay = flows[state][:, 0] / flows[state][:, -2]
        assert np.all(decay < 1e-6 if state == "h" else decay > 1e-2)
    norms = inspection.jacobian_norms(cell, params, x, steps=[10, 50], rows=[0], device="numpy")
    assert np.all(norms > 0.9)
    assert np.all(flows["h"][:, :-1].max(axis=1) > flows["h"][:, 0])


def test_gate_limits():
    limits = inspection.gate_limits(nr.LSTMCell(3))
    assert limits == {"i": (0, 1), "f": (0, 1), "g": (-1, 1), "o": (0, 1)}
    relu = inspection.gate_limits(nr.LSTMCell(3, activation="relu", recurrent_activation="hard_sigmoid_keras2"))
    assert relu == {"i": (0, 1), "f": (0, 1), "g": (0, np.inf), "o": (0, 1)}
    assert list(inspection.gate_limits(nr.ResetAfterGRUCell(3))) == ["r", "z", "n"]  # "m" is linear
    assert inspection.gate_limits(nr.SimpleRNNCell(3)) == {}
    stack = nr.MultiRNNCell([nr.LSTMCell(3, use_bias=False), nr.GRUCell(2)])
    assert list(inspection.gate_limits(stack)) == ["0/i", "0/f", "0/g", "0/o", "1/r", "1/z", "1/n"]


@pytest.mark.parametrize("time_major", [False, True])
def test_gate_saturation_counts(problem, time_major):
    cell, params, x, _ = problem
    mask = np.arange(T) < LENGTHS[:, None]
    x, given = (np.swapaxes(x, 0, 1), mask.T) if time_major else (x, mask)
    run = nr.forward(cell, params, x, mask=given, time_major=time_major)
    found = inspection.gate_saturation(run, epsilon=0.2, mask=mask)
    gates = {name: np.swapaxes(a, 0, 1) if time_major else a for name, a in run.gates.items()}
    for name, low in {"i": 0.2, "f": 0.2, "g": -0.8, "o": 0.2}.items():
        for unit in range(H):
            values = gates[name][..., unit][mask]
            assert found[name].low[unit] == np.mean(values <= low)
            assert found[name].high[unit] == np.mean(values >= 0.8)
    assert 0 < np.mean([s.low for s in found.values()]) < 1
    everywhere = inspection.gate_saturation(run, epsilon=0.2)
    assert np.all(everywhere["i"].low >= found["i"].low * mask.mean())  # masked steps show gates of zero


def model(*layers, shape=(T, I)):
    model = nr.Sequential([Input(shape), *layers], dtype="float64", device="numpy")
    model.compile("sgd", "mse")
    return model


def test_gradient_flow_of_a_model():
    """Each layer's flow is that of its cell, from what the layer reads and what its outputs are worth to the loss."""
    layers = LSTM(H, return_sequences=True, stateful=True), GRU(4, go_backwards=True), Dense(2)
    net = model(*layers)
    x, y = draw(B, T, I), draw(B, 2)
    flows = inspection.model_gradient_flow(net, x, y)
    assert list(flows) == ["lstm", "gru"] and list(flows["lstm"]) == ["h", "c"]
    assert all(flow.shape == (B, T) for layer in flows.values() for flow in layer.values())
    assert layers[0].state is None
    first, second, dense = layers[0].params, layers[1].params, layers[2].params
    read = nr.forward(layers[0].cell, first, x, device="numpy").outputs
    run = nr.forward(layers[1].cell, second, read, reverse=True, device="numpy")
    d_h = (run.state.h @ dense["kernel"] + dense["bias"] - y) @ dense["kernel"].T / B
    expected = inspection.gradient_flow(layers[1].cell, second, read, None, (d_h,), reverse=True, device="numpy")
    assert_allclose(flows["gru"]["h"], expected["h"], rtol=1e-12)
    d_read = run.backward(None, (d_h,)).inputs
    expected = inspection.gradient_flow(layers[0].cell, first, x, d_read, device="numpy")
    for name in ("h", "c"):
        assert_allclose(flows["lstm"][name], expected[name], rtol=1e-12)


def test_gradient_flow_of_a_model_under_a_mask():
    net = model(Embedding(9, 2, mask_zero=True), SimpleRNN(3), Dense(1), shape=(None,))
    tokens = np.array([[1, 2, 0, 0], [3, 0, 4, 5]])
    flow = inspection.model_gradient_flow(net, tokens, draw(2, 1))["simple_rnn"]["h"]
    assert flow[0, 1] == flow[0, 2] == flow[0, 3] > 0 and flow[1, 0] == flow[1, 1] != flow[1, 2]


def test_figures(problem):
    pytest.importorskip("matplotlib")
    cell, params, x, _ = problem
    flow = inspection.gradient_flow(cell, params, x, draw(B, T, H))
    axes = inspection.plot_gradient_flow(flow).axes[0]
    assert [line.get_label() for line in axes.lines] == ["h", "c"] and axes.get_yscale() == "log"
    assert_allclose(axes.lines[1].get_ydata()[:-1], flow["c"].mean(axis=0)[:-1])
    assert np.isnan(axes.lines[1].get_ydata()[-1]) and not flow["c"][:, -1].any()  # no step follows that reads c
    norms = inspection.jacobian_norms(cell, params, x, steps=[1, 4])
    axes = inspection.plot_jacobian_norms({"LSTM": norms}, steps=[1, 4]).axes[0]
    assert len(axes.lines) == B + 1 and list(axes.lines[0].get_xdata()) == [2, 5]
    saturation = inspection.gate_saturation(nr.forward(cell, params, x))
    axes = inspection.plot_saturation(saturation).axes[0]
    assert_array_equal(axes.lines[3].get_ydata(), saturation["o"].low)
    with pytest.raises(nr.InputError, match="at least one entry"):
        inspection.plot_saturation({})


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda c, p, x: inspection.gradient_flow(c, p, x[:, :0]), "at least one step"),
        (lambda c, p, x: inspection.gradient_flow(c, p, x, draw(B, T, 2)), "d_outputs of shape"),
        (lambda c, p, x: inspection.gradient_flow(c, p, x, None, draw(B, H)), "d_state to be State"),
        (lambda c, p, x: inspection.gradient_flow("LSTM", p, x), "expected a cell"),
        (lambda c, p, x: inspection.jacobian_norms(c, p, x[0]), "inputs of shape"),
        (lambda c, p, x: inspection.step_jacobian(c, p, x), "inputs of shape"),
        (lambda c, p, x: inspection.gate_saturation(nr.forward(c, p, x), mask=np.ones((B, 2), bool)), "mask of shape"),
        (lambda c, p, x: inspection.model_gradient_flow(model(Dense(1)), x, x[..., :1]), "recurrent layers"),
    ],
)
def test_errors(problem, use, message):
    cell, params, x, _ = problem
    with pytest.raises(nr.InputError, match=message):
        use(cell, params, x)
