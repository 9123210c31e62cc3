"""Variables of TensorFlow 1: what its own cells computed, those of tf.contrib in autograd, scopes, and bad variables.

`tensorflow1.npz` was made by TensorFlow itself, see `helpers/tensorflow1_golden.py`.
"""

import sys
from pathlib import Path

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.interop import from_tensorflow1, to_tensorflow1

B, T, I, H = 4, 6, 3, 5
RNG = np.random.default_rng(0)
with np.load(Path(__file__).with_name("tensorflow1.npz")) as archive:
    GOLDEN = dict(archive)

FULL = {"use_peepholes": True, "num_proj": 2, "proj_clip": 0.4, "cell_clip": 0.5, "forget_bias": 0.7}
STACK = nr.MultiRNNCell(
    [
        nr.DropoutWrapper(nr.BasicLSTMCell(H)),
        nr.ResidualWrapper(nr.DropoutWrapper(nr.GRUCell(H))),
        nr.DeviceWrapper(nr.LSTMCell(4, use_peepholes=True, forget_bias=1.0), "numpy"),
    ]
)
CELLS = {
    "rnn": nr.BasicRNNCell(H, activation="relu"),
    "basic_lstm": nr.BasicLSTMCell(H),
    "basic_lstm forget_bias": nr.BasicLSTMCell(H, forget_bias=0.25),
    "lstm": nr.LSTMCell(H, forget_bias=1.0),
    "lstm full": nr.LSTMCell(H, **FULL),
    "gru": nr.GRUCell(H),
    "stack": STACK,
    "both": nr.Bidirectional(nr.MultiRNNCell([nr.GRUCell(H), nr.BasicRNNCell(2)])),
    "block_lstm": nr.LSTMBlockFusedCell(H, cell_clip=0.3, use_peephole=True),
    "block_gru": nr.GRUBlockCell(H),
}


def golden(case, kind):
    """The arrays of a case whose names start with "kind:"."""
    start = f"{case}/{kind}:"
    return {name.removeprefix(start): array for name, array in GOLDEN.items() if name.startswith(start)}


def close(ours, theirs, bound):
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    return abs(ours - theirs).max() <= bound * max(1, abs(theirs).max())


@pytest.mark.parametrize("case", CELLS)
def test_computes_what_tensorflow_computed(case):
    block = case.startswith("block")
    bound, lengths = (1e-6, None) if block else (1e-12, GOLDEN["lengths"])
    cell, params = from_tensorflow1(golden(case, "value"), CELLS[case])
    assert cell is CELLS[case]
    x = GOLDEN[f"{case}/x"]
    run = nr.forward(cell, params, x, lengths=lengths, time_major=block, device="numpy")
    assert close(run.outputs, GOLDEN[f"{case}/outputs"], bound)
    if not block:
        # TensorFlow's states are (c, h), ours (h, c)
        states = [s for state in nested(run.state) for s in reversed(state)]
        for i, state in enumerate(states):
            assert close(state, GOLDEN[f"{case}/state{i}"], bound)
        assert f"{case}/state{len(states)}" not in GOLDEN
    if gradients := golden(case, "gradient"):
        grads = run.backward(GOLDEN[f"{case}/d_outputs"])
        for name, ours in to_tensorflow1(cell, grads.params).items():
            theirs = gradients[f"{name}:0"] if f"{name}:0" in gradients else gradients[f"rnn/encoder/{name[14:]}:0"]
            assert close(ours, theirs, bound), name


def nested(state):
    """Those of each plain cell."""
    return [state] if hasattr(state, "h") else [inner for part in state for inner in nested(part)]


@pytest.mark.parametrize("case", CELLS)
def test_names_are_those_of_tensorflow(case):
    variables = {name.removesuffix(":0"): array for name, array in golden(case, "value").items()}
    ours = to_tensorflow1(*from_tensorflow1(variables, CELLS[case]))
    if case == "lstm":  # the cell has a name of its own there
        variables = {name.replace("encoder", "lstm_cell"): array for name, array in variables.items()}
    if case == "block_gru":  # GRUBlockCellV2 has the names of GRUCell; they differ in nothing else
        short = {"gates/kernel": "w_ru", "gates/bias": "b_ru", "candidate/kernel": "w_c", "candidate/bias": "b_c"}
        ours = {f"rnn/gru_cell/{short[name[13:]]}": array for name, array in ours.items()}
    assert ours.keys() == variables.keys()
    for name, array in ours.items():
        assert_array_equal(array, variables[name])


def sigmoid(x):
    return 1 / (1 + anp.exp(-x))


def unrolled(step, x, *state):
    outputs = []
    for t in range(x.shape[1]):
        output, state = step(x[:, t], state)
        outputs.append(output)
    return anp.stack(outputs, 1)


def gru_step(v, scope, activation=anp.tanh):
    def step(x, h):
        r, u = anp.split(sigmoid(anp.hstack([x, h]) @ v[f"{scope}/gates/kernel"] + v[f"{scope}/gates/bias"]), 2, 1)
        kernel, bias = v[f"{scope}/candidate/kernel"], v[f"{scope}/candidate/bias"]
        return u * h + (1 - u) * activation(anp.hstack([x, r * h]) @ kernel + bias)

    return step


def ugrnn(v, x):
    def step(x, state):
        (h,) = state
        g, c = anp.split(anp.hstack([x, h]) @ v["rnn/ugrnn_cell/kernel"] + v["rnn/ugrnn_cell/bias"], 2, 1)
        g = sigmoid(g + 1.0)
        h = g * h + (1 - g) * anp.tanh(c)
        return h, (h,)

    return unrolled(step, x, np.zeros((B, 4)))


def nas(v, x):
    v = {name.removeprefix("rnn/nas_cell/"): array for name, array in v.items()}
    relu = lambda a: anp.where(a > 0, a, 0)  # noqa: E731

    def step(x, state):
        c, m = state
        a, b = (anp.split(p, 8, 1) for p in (x @ v["kernel"], m @ v["recurrent_kernel"] + v.get("bias", 0)))
        l0, l1, l2 = sigmoid(a[0] + b[0]), relu(a[1] + b[1]), sigmoid(a[2] + b[2])
        l3, l4, l5 = relu(a[3] * b[3]), anp.tanh(a[4] + b[4]), sigmoid(a[5] + b[5])
        l6, l7 = anp.tanh(a[6] + b[6]), sigmoid(a[7] + b[7])
        p0, p1, p2, p3 = anp.tanh(l0 * l1), anp.tanh(l2 + l3), anp.tanh(l4 * l5), sigmoid(l6 + l7)
        c = anp.tanh(p0 + c) * p1
        m = anp.tanh(c * anp.tanh(p2 + p3))
        m = m @ v["projection_weights"] if "projection_weights" in v else m
        return m, (c, m)

    width = len(v["recurrent_kernel"])
    return unrolled(step, x, np.zeros((B, v["kernel"].shape[1] // 8)), np.zeros((B, width)))


def cudnn_gru(v, x):
    v = {name.removeprefix("rnn/cudnn_compatible_gru_cell/"): array for name, array in v.items()}

    def step(x, state):
        (h,) = state
        r, u = anp.split(sigmoid(anp.hstack([x, h]) @ v["gates/kernel"] + v["gates/bias"]), 2, 1)
        parts = zip((x, h), ("candidate/input_projection", "candidate/hidden_projection"), strict=True)
        n, m = (a @ v[f"{scope}/kernel"] + v[f"{scope}/bias"] for a, scope in parts)
        h = u * h + (1 - u) * anp.tanh(n + r * m)
        return h, (h,)

    return unrolled(step, x, np.zeros((B, 4)))


def norm(v, a, scope):
    """Return the layer norm of tf.contrib.layers, where there is one."""
    if f"{scope}/gamma" not in v:
        return a
    normal = (a - a.mean(1, keepdims=True)) / anp.sqrt(a.var(1, keepdims=True) + 1e-12)
    return normal * v[f"{scope}/gamma"] + v[f"{scope}/beta"]


def coupled(v, x):
    v = {name.removeprefix("rnn/coupled_input_forget_gate_lstm_cell/"): array for name, array in v.items()}
    p = lambda name: v.get(name, 0)  # noqa: E731

    def step(x, state):
        c, m = state
        parts = anp.split(anp.hstack([x, m]) @ v["W_0"] + p("B"), 3, 1)
        j, f, o = (norm(v, *pair) for pair in zip(parts, ("transform", "forget", "output"), strict=True))
        f = sigmoid(f + 1.0 + p("W_F_diag") * c)
        c = norm(v, f * c + (1 - f) * anp.tanh(j), "state")
        m = sigmoid(o + p("W_O_diag") * c) * anp.tanh(c)
        m = m @ v["W_P_0"] if "W_P_0" in v else m
        return m, (c, m)

    units = v["W_0"].shape[1] // 3
    return unrolled(step, x, np.zeros((B, units)), np.zeros((B, len(v["W_0"]) - I)))


def layer_norm_basic_lstm(v, x):
    return layer_norm_lstm(v, x, "rnn/layer_norm_basic_lstm_cell/")


def layer_norm_lstm(v, x, scope="rnn/layer_norm_lstm_cell/"):
    v = {name.removeprefix(scope): array for name, array in v.items()}
    p = lambda name: v.get(name, 0)  # noqa: E731

    def step(x, state):
        c, h = state
        parts = anp.split(anp.hstack([x, h]) @ v["kernel"] + p("bias"), 4, 1)
        i, j, f, o = (norm(v, *pair) for pair in zip(parts, ("input", "transform", "forget", "output"), strict=True))
        i, f = sigmoid(i + p("w_i_diag") * c), sigmoid(f + 1.0 + p("w_f_diag") * c)
        c = norm(v, c * f + i * anp.tanh(j), "state")
        h = anp.tanh(c) * sigmoid(o + p("w_o_diag") * c)
        h = h @ v["projection/kernel"] if "projection/kernel" in v else h
        return h, (c, h)

    return unrolled(step, x, np.zeros((B, 4)), np.zeros((B, len(v["kernel"]) - I)))


def ind_rnn(v, x):
    v = {name.removeprefix("rnn/ind_rnn_cell/"): array for name, array in v.items()}

    def step(x, state):
        h = anp.tanh(x @ v["kernel_w"] + state[0] * v["kernel_u"] + v["bias"])
        return h, (h,)

    return unrolled(step, x, np.zeros((B, 4)))


def sru(v, x):
    v = {name.removeprefix("rnn/sru_cell/"): array for name, array in v.items()}

    def step(x, state):
        x_bar, f, r, x_tx = anp.split(x @ v["kernel"], 4, 1)
        f, r = anp.split(sigmoid(anp.hstack([f, r]) + v["bias"]), 2, 1)
        c = f * state[0] + (1 - f) * x_bar
        return r * anp.tanh(c) + (1 - r) * x_tx, (c,)

    return unrolled(step, x, np.zeros((B, 4)))


def intersection(v, x):
    v = {name.removeprefix("rnn/intersection_rnn_cell/"): array for name, array in v.items()}

    def step(x, state):
        (h,) = state
        gh, n, gy, u = anp.split(anp.hstack([x, h]) @ v["kernel"] + v["bias"], 4, 1)
        gh, gy = sigmoid(gh + 1.0), sigmoid(gy + 1.0)
        return gy * x + (1 - gy) * anp.where(u > 0, u, 0), (gh * h + (1 - gh) * anp.tanh(n),)

    return unrolled(step, x, np.zeros((B, I)))


def groups(v, x):
    v = {name.removeprefix("rnn/glstm_cell/"): array for name, array in v.items()}
    count = sum(name.startswith("group") for name in v)

    def step(x, state):
        c, m = state
        parts = zip(anp.split(x, count, 1), anp.split(m, count, 1), strict=True)
        products = [anp.split(anp.hstack(part) @ v[f"group{k}/kernel"], 4, 1) for k, part in enumerate(parts)]
        gates = zip(zip(*products, strict=True), "ijfo", strict=True)
        i, j, f, o = (anp.hstack(part) + v[f"bias_{gate}"] for part, gate in gates)
        c = sigmoid(f + 1.0) * c + sigmoid(i) * anp.tanh(j)
        m = sigmoid(o) * anp.tanh(c)
        m = m @ v["projection/kernel"] if "projection/kernel" in v else m
        return m, (c, m)

    units = len(v["bias_i"])
    width = v["projection/kernel"].shape[1] if "projection/kernel" in v else units
    return unrolled(step, x, np.zeros((B, units)), np.zeros((B, width)))


def grid_of(cell, v, x, reverse=False):
    """Return what a direction of a grid LSTM computes; `v` are the variables of its scope."""
    N, F = cell.units, cell.feature_size

    def peephole(block, gate, lstm, c):
        names = (f"W_{gate}_diag_{lstm}{on}_{block}" for on in "ft")
        return sum(v[name] * memory for name, memory in zip(names, c, strict=True)) if cell.use_peepholes else 0

    def step(x, state):
        state, outputs, new = list(state), [], []
        for block, starts in enumerate(cell.slices):
            m_f = c_f = np.zeros((B, N))
            for start in starts[::-1] if reverse else starts:
                c_t, m_t = state.pop(0), state.pop(0)
                u, c, o = anp.hstack([x[:, start : start + F], m_t, m_f]), {}, {}
                for lstm, before in ("freq", c_f), ("time", c_t):
                    own = "freq" if cell.share_time_frequency_weights else lstm
                    z = u @ v[f"W_{own[0]}_{block}_0"] + v[f"B_{own[0]}_{block}"]
                    i, j, *f, o[lstm] = anp.split(z, z.shape[1] // N, 1)
                    i = sigmoid(i + peephole(block, "I", own, (c_f, c_t)))
                    f = sigmoid(f[0] + 1.0 + peephole(block, "F", own, (c_f, c_t))) if f else 1 - i
                    c[lstm] = f * before + i * anp.tanh(j)
                m = {}
                for lstm in c:
                    own = "freq" if cell.share_time_frequency_weights else lstm
                    m[lstm] = sigmoid(o[lstm] + peephole(block, "O", own, (c["freq"], c["time"]))) * anp.tanh(c[lstm])
                m_f, c_f = m["freq"], c["freq"]
                outputs += [m["time"], m["freq"]]
                new += [c["time"], m["time"]]
        return anp.hstack(outputs), tuple(new)

    return unrolled(step, x, *(np.zeros((B, N)) for _ in range(2 * sum(cell.num_frequency_blocks))))


def grid(cell):
    return lambda v, x: grid_of(cell, {name.removeprefix("rnn/grid_lstm_cell/"): a for name, a in v.items()}, x)


def grid_both_ways(cell):
    def reference(v, x):
        scopes = ("fwd", False), ("bwd", True)
        variables = {name.removeprefix("rnn/bidirectional_grid_lstm_cell/"): a for name, a in v.items()}
        own = [({n[4:]: a for n, a in variables.items() if n.startswith(scope)}, reverse) for scope, reverse in scopes]
        return anp.concatenate([grid_of(cell, part, x, reverse) for part, reverse in own], 2)

    return reference


def wrapped_gru(v, x):
    """An input projection, a highway, and an output projection around a GRU."""
    out = "rnn/output_projection_wrapper"
    inner = f"{out}/input_projection_wrapper"
    gru = gru_step(v, f"{inner}/gru_cell")

    def step(x, state):
        x = x @ v[f"{inner}/kernel"] + v[f"{inner}/bias"]
        h = gru(x, *state)
        carry = sigmoid(x @ v[f"{inner}/carry_w"] + v[f"{inner}/carry_b"])
        return (x * carry + h * (1 - carry)) @ v[f"{out}/kernel"] + v[f"{out}/bias"], (h,)

    return unrolled(step, x, np.zeros((B, 4)))


def embedded_gru(v, x):
    gru = gru_step(v, "rnn/embedding_wrapper/gru_cell")

    def step(x, state):
        h = gru(x, *state)
        return h, (h,)

    return unrolled(step, v["rnn/embedding_wrapper/embedding"][x], np.zeros((B, 4)))


SLICES = {"feature_size": 2, "frequency_skip": 1}
BLOCKS = SLICES | {"num_frequency_blocks": [1, 1], "start_freqindex_list": [0, 1], "end_freqindex_list": [2, 3]}
GRIDS = {
    "grid": nr.GridLSTMCell(4, **SLICES, num_frequency_blocks=[2]),
    "grid, peepholes and blocks": nr.GridLSTMCell(4, **BLOCKS, use_peepholes=True),
    "grid, shared": nr.GridLSTMCell(4, **BLOCKS, use_peepholes=True, share_time_frequency_weights=True),
    "grid, coupled": nr.GridLSTMCell(
        *(4,), **SLICES, num_frequency_blocks=[2], use_peepholes=True, couple_input_forget_gates=True
    ),
}
BOTH_WAYS = nr.BidirectionalGridLSTMCell(4, **SLICES, num_frequency_blocks=[2], use_peepholes=True)
CONTRIB = {
    **{name: (cell, grid(cell)) for name, cell in GRIDS.items()},
    "grid, both ways": (BOTH_WAYS, grid_both_ways(BOTH_WAYS)),
    "intersection": (nr.IntersectionRNNCell(3), intersection),
    "groups": (nr.GLSTMCell(6, number_of_groups=3), groups),
    "groups and projection": (nr.GLSTMCell(6, number_of_groups=3, num_proj=3), groups),
    "UGRNN": (nr.UGRNNCell(4), ugrnn),
    "NAS": (nr.NASCell(5), nas),
    "NAS with projection and bias": (nr.NASCell(5, num_proj=2, use_biases=True), nas),
    "cuDNN's GRU": (nr.ResetAfterGRUCell(4), cudnn_gru),
    "coupled gates": (nr.CoupledInputForgetGateLSTMCell(4), coupled),
    "coupled gates, all": (nr.CoupledInputForgetGateLSTMCell(4, use_peepholes=True, num_proj=2), coupled),
    "coupled gates, layer norm": (
        nr.CoupledInputForgetGateLSTMCell(4, use_peepholes=True, layer_norm=True),
        coupled,
    ),
    "layer norm": (nr.LayerNormBasicLSTMCell(4), layer_norm_basic_lstm),
    "no layer norm": (nr.LayerNormBasicLSTMCell(4, layer_norm=False), layer_norm_basic_lstm),
    "layer norm, peepholes": (nr.LayerNormLSTMCell(4, use_peepholes=True), layer_norm_lstm),
    "layer norm, projection": (nr.LayerNormLSTMCell(4, num_proj=2), layer_norm_lstm),
    "IndRNN": (nr.IndRNNCell(4, activation="tanh"), ind_rnn),
    "SRU": (nr.SRUCell(4), sru),
    "projections": (
        nr.OutputProjectionWrapper(nr.InputProjectionWrapper(nr.HighwayWrapper(nr.GRUCell(4)), 4), 2),
        wrapped_gru,
    ),
    "embedding": (nr.EmbeddingWrapper(nr.GRUCell(4), 7, 3), embedded_gru),
}


@pytest.mark.parametrize("case", CONTRIB)
def test_computes_what_tf_contrib_computes(case):
    cell, reference = CONTRIB[case]
    features = None if cell.takes_integers else I
    shapes = {name: array.shape for name, array in to_tensorflow1(cell, cell.init_params(features)).items()}
    variables = {name: RNG.standard_normal(shape) * 0.5 for name, shape in shapes.items()}
    if isinstance(cell, nr.GridLSTMCell):  # whose options are in no variable
        with pytest.raises(nr.InputError, match=r"expected .*a cell"):
            from_tensorflow1(variables)
        params = from_tensorflow1(variables, cell)[1]
    else:
        found, params = from_tensorflow1(variables)
        assert found == cell
    x = RNG.integers(0, 7, (B, T)) if features is None else RNG.standard_normal((B, T, I))
    run = nr.forward(cell, params, x, device="numpy")
    assert close(run.outputs, reference(variables, x), 1e-12)
    d_outputs = RNG.standard_normal(run.outputs.shape)
    expected = autograd.grad(lambda v: anp.sum(reference(v, x) * d_outputs))(variables)
    ours = to_tensorflow1(cell, run.backward(d_outputs).params)
    for name, array in to_tensorflow1(cell, params).items():
        assert_array_equal(array, variables[name])
        assert close(ours[name], expected[name], 1e-12), name


@pytest.mark.parametrize(
    ("cell", "bias"),
    [(nr.LayerNormLSTMCell(4), "bias"), (nr.CoupledInputForgetGateLSTMCell(4, layer_norm=True), "B")],
    ids=lambda v: getattr(type(v), "__name__", None),
)
def test_a_bias_that_a_layer_norm_leaves_unused_is_left_out(cell, bias):
    variables = to_tensorflow1(cell, cell.init_params(I))
    scope = next(iter(variables)).rpartition("/")[0]
    assert f"{scope}/{bias}" not in variables
    for given in (None, cell):
        found, params = from_tensorflow1(variables | {f"{scope}/{bias}": np.ones(16, "float32")}, given)
        assert found == cell and params.keys() == cell.param_shapes(I).keys()


def test_without_its_norm_a_layer_norm_lstm_is_an_lstm():
    variables = {
        name.replace("lstm_cell", "layer_norm_lstm_cell"): v for name, v in golden("lstm full", "value").items()
    }
    _, params = from_tensorflow1(variables, CELLS["lstm full"])
    assert_array_equal(
        params["kernel"], from_tensorflow1(golden("lstm full", "value"), CELLS["lstm full"])[1]["kernel"]
    )


@pytest.mark.parametrize("case", CELLS)
def test_scopes_and_shapes_say_most_of_a_cell(case):
    variables = {name.replace("encoder", "lstm_cell"): array for name, array in golden(case, "value").items()}
    cell, params = from_tensorflow1(variables)
    _, same = from_tensorflow1(variables, CELLS[case])
    assert params.keys() == same.keys()
    for name, array in params.items():
        assert_array_equal(array, same[name])
    assert cell.output_size == CELLS[case].output_size


def test_the_forget_bias_stays_an_option():
    variables = golden("basic_lstm", "value")
    assert from_tensorflow1(variables)[0] == nr.BasicLSTMCell(H, forget_bias=1.0)
    assert from_tensorflow1(variables, forget_bias=0.0)[0] == nr.BasicLSTMCell(H, forget_bias=0.0)
    with pytest.raises(nr.InputError, match="or forget_bias alone, got both"):
        from_tensorflow1(variables, nr.BasicLSTMCell(H), forget_bias=0.0)


def test_cudnn_adds_no_forget_bias_and_keeps_two_biases_more():
    variables = golden("basic_lstm", "value")
    variables = {name.replace("basic", "cudnn_compatible"): array for name, array in variables.items()}
    bias = variables["rnn/cudnn_compatible_lstm_cell/bias:0"]
    parts = {f"rnn/cudnn_compatible_lstm_cell/bias_cudnn_{i}:0": bias / 2 for i in range(2)}
    cell, params = from_tensorflow1(variables | parts)
    assert cell == nr.LSTMCell(H, forget_bias=0.0)
    assert_array_equal(params["bias"], from_tensorflow1(golden("basic_lstm", "value"))[1]["bias"])

    def reference(v):
        def step(x, state):
            c, h = state
            z = anp.hstack([x, h]) @ v["rnn/lstm_cell/kernel"] + v["rnn/lstm_cell/bias"]
            i, j, f, o = anp.split(z, 4, 1)
            c = sigmoid(f) * c + sigmoid(i) * anp.tanh(j)
            h = sigmoid(o) * anp.tanh(c)
            return h, (c, h)

        return unrolled(step, x, np.zeros((B, H)), np.zeros((B, H)))

    x, variables = RNG.standard_normal((B, T, I)), to_tensorflow1(cell, params)
    run = nr.forward(cell, params, x, device="numpy")
    assert close(run.outputs, reference(variables), 1e-12)
    d_outputs = RNG.standard_normal(run.outputs.shape)
    expected = autograd.grad(lambda v: anp.sum(reference(v) * d_outputs))(variables)
    for name, ours in to_tensorflow1(cell, run.backward(d_outputs).params).items():
        assert close(ours, expected[name], 1e-12), name


def test_a_block_cell_steps_as_that_of_tensorflow():
    tf = pytest.importorskip("tensorflow", reason="needs TensorFlow (pip install tensorflow)")
    cell = nr.LSTMBlockCell(H, cell_clip=0.3, use_peephole=True)
    variables = {
        name: (RNG.standard_normal(array.shape) * 0.5).astype("float32")
        for name, array in to_tensorflow1(cell, cell.init_params(I)).items()
    }
    given = {name.rpartition("/")[2]: array for name, array in variables.items()}
    peepholes = {f"wc{gate}": given[f"w_{gate}_diag"] for gate in "ifo"}
    params, x = from_tensorflow1(variables, cell)[1], RNG.standard_normal((T, B, I)).astype("float32")
    h = c = np.zeros((B, H), "float32")
    run = nr.forward(cell, params, x, time_major=True, device="numpy")
    for t in range(T):
        _, c, *_, h = tf.raw_ops.LSTMBlockCell(
            **{"x": x[t], "cs_prev": c, "h_prev": h, "w": given["kernel"], "b": given["bias"], **peepholes},
            **{"forget_bias": 1.0, "cell_clip": 0.3, "use_peephole": True},
        )
        assert close(run.outputs[t], h.numpy(), 1e-6)
    assert close(run.state.c, c.numpy(), 1e-6)


def test_names_of_older_releases_are_known():
    for case in ("gru", "lstm full"):
        variables = golden(case, "value")
        old = {name.replace("kernel", "weights").replace("bias", "biases"): array for name, array in variables.items()}
        assert old.keys() != variables.keys()
        _, params = from_tensorflow1(old, CELLS[case])
        _, same = from_tensorflow1(variables, CELLS[case])
        assert {n: a.tobytes() for n, a in params.items()} == {n: a.tobytes() for n, a in same.items()}


def checkpoint():
    """The variables of a decoder among others, as Adam leaves them."""
    model = golden("stack", "value")
    slots = {name.replace(":0", f"/{slot}:0"): array for name, array in model.items() for slot in ("Adam", "Adam_1")}
    others = {"global_step": np.array(3), "beta1_power": np.float32(0.9), "dense/kernel": np.zeros((4, 2))}
    return others | {f"decoder/{name}": array for name, array in (model | slots).items()}


def test_a_scope_is_taken_out_of_a_checkpoint():
    cell, params = from_tensorflow1(checkpoint(), STACK, scope="decoder/rnn")
    _, same = from_tensorflow1(golden("stack", "value"), STACK)
    assert {n: a.tobytes() for n, a in params.items()} == {n: a.tobytes() for n, a in same.items()}
    again = to_tensorflow1(cell, params, scope="decoder/rnn")
    assert again.keys() == {f"decoder/{n.removesuffix(':0')}" for n in golden("stack", "value")}


def test_tensorflow_reads_checkpoints(tmp_path):
    tf = pytest.importorskip("tensorflow", reason="needs TensorFlow (pip install tensorflow)").compat.v1
    variables = golden("lstm full", "value")
    with tf.Graph().as_default(), tf.Session() as session:
        made = [tf.Variable(value, name=name.removesuffix(":0")) for name, value in variables.items()]
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver(made).save(session, str(tmp_path / "model.ckpt"))
    _, params = from_tensorflow1(path, CELLS["lstm full"])
    _, same = from_tensorflow1(variables, CELLS["lstm full"])
    assert {n: a.tobytes() for n, a in params.items()} == {n: a.tobytes() for n, a in same.items()}
    with pytest.raises(nr.InputError, match="not a checkpoint that TensorFlow reads"):
        from_tensorflow1(tmp_path / "none")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"needs TensorFlow to read a checkpoint: .*numbarnn\[tensorflow\]"):
        from_tensorflow1(tmp_path / "model.ckpt")


def changed(case, change):
    variables = {name.removesuffix(":0"): array for name, array in golden(case, "value").items()}
    change(variables)
    return variables


LSTM = "rnn/multi_rnn_cell/cell_0/basic_lstm_cell"
GRU = "rnn/multi_rnn_cell/cell_1/gru_cell"
BAD = {
    "missing": ("stack", lambda v: v.pop(f"{LSTM}/bias"), f"expected kernel in {LSTM}, .* got no bias in {LSTM}"),
    "missing cell": ("stack", lambda v: [v.pop(n) for n in list(v) if GRU in n], "cell_1"),
    "extra": ("stack", lambda v: v.update({f"{LSTM}/scale": np.ones(2)}), f"scale in {LSTM} too"),
    "extra cell": ("stack", lambda v: v.update({"rnn/multi_rnn_cell/cell_7/kernel": np.ones((2, 2))}), "cell_7"),
    "beside": ("stack", lambda v: v.update(global_step=np.array(1)), "global_step|rnn"),
    "shape": ("stack", lambda v: v.update({f"{GRU}/gates/bias": np.ones(3)}), rf"gates/bias in {GRU} of shape \(10,\)"),
    "axes": ("stack", lambda v: v.update({f"{LSTM}/kernel": np.ones(3)}), "matrix kernel"),
    "dtype": ("stack", lambda v: v.update({f"{LSTM}/bias": np.ones(20, int)}), f"{LSTM}/bias of dtype .* got int64"),
    "mixed": ("stack", lambda v: v.update({f"{LSTM}/bias": np.ones(20, "float32")}), "arrays of one dtype"),
    "mixed cells": (
        "stack",
        lambda v: v.update({n: a.astype("float32") for n, a in v.items() if GRU in n}),
        "dtype",
    ),
    "direction": ("both", lambda v: [v.pop(n) for n in list(v) if "/bw/" in n], "bw|fw"),
    "no array": ("gru", lambda v: v.update({"rnn/gru_cell/gates/bias": {}}), "gates/bias to be an array, got dict"),
    "nothing": ("gru", lambda v: v.clear(), "expected variables in the scope '', got none"),
    "partitioned": (
        "gru",
        lambda v: v.update({"rnn/gru_cell/gates/kernel/part_0": v.pop("rnn/gru_cell/gates/kernel")}),
        "gates/kernel",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_variables_are_refused(case):
    of, change, expected = BAD[case]
    with pytest.raises(nr.InputError, match=expected):
        from_tensorflow1(changed(of, change), CELLS[of])


@pytest.mark.parametrize("case", sorted(BAD.keys() - {"missing cell", "direction"}))  # there a smaller cell is left
def test_no_cell_is_made_of_bad_variables(case):
    of, change, _ = BAD[case]
    with pytest.raises(nr.InputError, match=r"from_tensorflow1: |MultiRNNCell: "):
        from_tensorflow1(changed(of, change))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (nr.MGUCell(H), "TensorFlow 1 has no counterpart of MGUCell"),
        (nr.LayerNormLSTMCell(H, variant="joint"), "expected variant 'per_gate'"),
        (nr.LayerNormLSTMCell(H, epsilon=1e-3), "expected norm_epsilon 1e-12"),
        (nr.GRUCell(H, update="seed"), "expected update 'keep'"),
        (nr.SimpleRNNCell(H, use_bias=False), "expected use_bias True"),
        (nr.LSTMCell(H, recurrent_activation="hard_sigmoid"), "expected recurrent_activation 'sigmoid'"),
        (nr.ZoneoutWrapper(nr.LSTMCell(H), zoneout_h=0.1), "TensorFlow 1 has no counterpart of ZoneoutWrapper"),
    ],
)
def test_cells_without_counterpart_are_named(cell, expected):
    with pytest.raises(nr.InputError, match=expected):
        to_tensorflow1(cell, cell.init_params(I))


def test_wrong_parameters_are_refused():
    params = STACK.init_params(I)
    for wrong in ({}, None, params | {"0/bias": params["0/bias"][1:]}, params | {"7/bias": params["0/bias"]}):
        with pytest.raises(nr.InputError, match=r"expected"):
            to_tensorflow1(STACK, wrong)


@pytest.mark.parametrize(
    "options", [{"activation": "relu"}, {"cell_clip": 0.5}, {"activation": "elu", "forget_bias": 0.5}]
)
def test_what_goes_out_of_an_lstm_comes_in_again(options):
    """Its variables have the names of CudnnCompatibleLSTMCell, which has no options."""
    cell = nr.LSTMCell(H, **options)
    params = cell.init_params(I, rng=0)
    again, same = from_tensorflow1(to_tensorflow1(cell, params), cell)
    assert again is cell
    for name, array in params.items():
        assert_array_equal(same[name], array)
