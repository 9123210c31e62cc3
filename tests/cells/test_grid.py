"""Grid LSTM cells against a direct transcription of their equations, differentiated by autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from helpers.problems import assert_close, assert_same_bits

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves, tree_map

T, B, N = 5, 4, 7  # N: not a multiple of any vector's lanes
BASE = {"feature_size": 3, "frequency_skip": 2, "num_frequency_blocks": [3]}  # slices overlap
BLOCKS = {
    "feature_size": 2,
    "frequency_skip": 3,
    "num_frequency_blocks": [3, 1, 2],
    "start_freqindex_list": [0, 5, 1],
    "end_freqindex_list": [8, 7, 7],  # 8 inputs; the last three are not all read
}
CASES = {
    "plain": {},
    "peepholes": {"use_peepholes": True},
    "shared": {"share_time_frequency_weights": True},
    "shared peepholes": {"share_time_frequency_weights": True, "use_peepholes": True, "forget_bias": 0.3},
    "clip": {"cell_clip": 0.2},
    "coupled": {"couple_input_forget_gates": True, "forget_bias": 3.0},
    "coupled shared": {"couple_input_forget_gates": True, "share_time_frequency_weights": True},
    "all": {
        "use_peepholes": True,
        "share_time_frequency_weights": True,
        "cell_clip": 0.15,
        "forget_bias": -0.5,
        "couple_input_forget_gates": True,
    },
    "blocks": BLOCKS,
    "blocks, coupled peepholes": {**BLOCKS, "use_peepholes": True, "couple_input_forget_gates": True},
    "one step": {"feature_size": 8, "num_frequency_blocks": [1], "use_peepholes": True, "cell_clip": 0.3},
    "wide": {"units": 37, "use_peepholes": True, "forget_bias": 0.0},
}
WAYS = {
    "all steps": {},
    "lengths": {"lengths": np.array([3, 0, 5, 1])},
    "mask in reverse": {"mask": np.random.default_rng(7).random((B, T)) < 0.6, "reverse": True},
}


def make(case, cell=nr.GridLSTMCell, **more):
    return cell(**({"units": N} | BASE | CASES[case] | more))


class Problem:
    def __init__(self, cell, inputs=8, dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
        self.cell, self.x = cell, draw(B, T, inputs)
        fresh = cell.init_params(inputs, rng, dtype)
        self.params = {name: p + 0.1 * draw(*p.shape) for name, p in fresh.items()}
        self.state, self.d_state = (tree_map(lambda n: draw(B, n), cell.state_size) for _ in range(2))
        self.d_outputs = draw(B, T, cell.output_size)

    def results(self, device="cpu", **way):
        run = nr.forward(self.cell, self.params, self.x, initial_state=self.state, device=device, **way)
        grads = run.backward(self.d_outputs, self.d_state)
        return everything(run.outputs, run.state, grads.params, grads.inputs, grads.initial_state)

    def expected(self, lengths=None, mask=None, reverse=False):
        if lengths is not None:
            mask = np.arange(T) < lengths[:, None]
        mask = np.ones((B, T), bool) if mask is None else mask
        run = bidirectional if isinstance(self.cell, nr.BidirectionalGridLSTMCell) else grid

        def loss(given):
            y, state = run(self.cell, *given, mask, reverse)
            ends = zip(tree_leaves(state), tree_leaves(self.d_state), strict=True)
            return anp.sum(y * self.d_outputs) + sum(anp.sum(a * d) for a, d in ends)

        given = self.params, self.x, as_tuples(self.state)
        return everything(*run(self.cell, *given, mask, reverse), *grad(loss)(given))


def as_tuples(tree):  # autograd does not know named tuples
    return tuple(map(as_tuples, tree)) if isinstance(tree, tuple) else tree


def everything(outputs, state, d_params, dx, d_state):
    result = {"outputs": outputs, "d inputs": dx} | {f"d {name}": d for name, d in d_params.items()}
    result |= {f"state {i}": a for i, a in enumerate(tree_leaves(state))}
    return result | {f"d state {i}": a for i, a in enumerate(tree_leaves(d_state))}


def sigmoid(z):
    return 0.5 * (anp.tanh(z / 2) + 1)


def slice_starts(cell):
    blocks = zip(cell.start_freqindex_list or [0], cell.num_frequency_blocks, strict=True)
    return [[first + k * cell.frequency_skip for k in range(count)] for first, count in blocks]


def grid(cell, params, x, state, mask, reverse, blocks=None):
    """Outputs (B, T, n) and final states, all frequency steps of a block one after the other."""
    blocks, state, outputs = blocks or slice_starts(cell), list(state), [None] * T
    for t in reversed(range(T)) if reverse else range(T):
        valid, emitted, step = mask[:, t, None], [], 0
        for b, starts in enumerate(blocks):
            c_F = m_F = np.zeros((B, cell.units))
            for start in starts:
                (c_T, m_T), u = state[step], x[:, t, start : start + cell.feature_size]
                c_t, m_t, c_F, m_F = one_step(cell, params, b, anp.concatenate([u, m_T, m_F], 1), c_T, c_F)
                state[step] = anp.where(valid, c_t, c_T), anp.where(valid, m_t, m_T)
                emitted += [m_t, m_F]
                step += 1
        outputs[t] = anp.where(valid, anp.concatenate(emitted, 1), 0)
    return anp.stack(outputs, 1), tuple(state)


def one_step(cell, params, b, u, c_T, c_F):
    shared, coupled = cell.share_time_frequency_weights, cell.couple_input_forget_gates
    z, p = {}, {}
    for X in "TF":
        name = {"T": "time", "F": "frequency"}["F" if shared else X]
        blocks = anp.split(u @ params[f"{name}_kernel_{b}"] + params[f"{name}_bias_{b}"], 3 if coupled else 4, 1)
        z[X] = dict(zip("igo" if coupled else "ifgo", blocks, strict=True))
        if cell.use_peepholes:
            on = params[f"{name}_peephole_{b}"]
            p[X] = {gate: (on[2 * i], on[2 * i + 1]) for i, gate in enumerate("io" if coupled else "ifo")}
        else:
            p[X] = dict.fromkeys("ifo", (0.0, 0.0))
    c, m, old = {}, {}, {"T": c_T, "F": c_F}
    for X in "TF":
        seen = lambda gate, T, F, X=X: p[X][gate][0] * T + p[X][gate][1] * F  # noqa: E731
        i = sigmoid(z[X]["i"] + seen("i", c_T, c_F))
        f = 1 - i if coupled else sigmoid(z[X]["f"] + cell.forget_bias + seen("f", c_T, c_F))
        c[X] = f * old[X] + i * anp.tanh(z[X]["g"])
        if cell.cell_clip is not None:
            limit = cell.cell_clip
            c[X] = anp.where(c[X] < -limit, -limit, anp.where(c[X] > limit, limit, c[X]))
    for X in "TF":
        o = sigmoid(z[X]["o"] + p[X]["o"][0] * c["T"] + p[X]["o"][1] * c["F"])
        m[X] = o * anp.tanh(c[X])
    return c["T"], m["T"], c["F"], m["F"]


def bidirectional(cell, params, x, state, mask, reverse):
    offset, blocks = cell.backward_slice_offset, slice_starts(cell)
    zeros = np.zeros((B, T, abs(offset)))
    padded = anp.concatenate([x, zeros] if offset > 0 else [zeros, x], 2)
    turned = [[start + max(offset, 0) for start in starts][::-1] for starts in blocks]
    own = lambda way: {n.removeprefix(way): p for n, p in params.items() if n.startswith(way)}  # noqa: E731
    y, s = grid(cell, own("forward/"), x, state[0], mask, reverse, blocks)
    y_back, s_back = grid(cell, own("backward/"), padded, state[1], mask, reverse, turned)
    return anp.concatenate([y, y_back], 2), (s, s_back)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_grid(case, way):
    problem = Problem(make(case), 8 if "blocks" in case or case == "one step" else 7)
    expected = problem.expected(**WAYS[way])
    for device in ("numpy", "cpu"):
        assert_close(problem.results(device, **WAYS[way]), expected, 1e-12)


@pytest.mark.parametrize("offset", [0, 2, -1])
@pytest.mark.parametrize("way", WAYS)
def test_bidirectional(way, offset):
    cell = make("blocks, coupled peepholes", nr.BidirectionalGridLSTMCell, backward_slice_offset=offset)
    problem = Problem(cell)
    expected = problem.expected(**WAYS[way])
    for device in ("numpy", "cpu"):
        assert_close(problem.results(device, **WAYS[way]), expected, 1e-12)


@pytest.mark.parametrize("case", ["wide", "all"])
def test_float32_is_as_exact_as_its_inputs(case):
    problem = Problem(make(case), 7, "float32")
    expected = problem.expected()
    for device in ("numpy", "cpu"):
        results = problem.results(device)
        assert all(a.dtype == np.float32 for a in results.values())
        assert_close(results, expected, 2e-6)


def forward(problem, **options):
    return nr.forward(problem.cell, problem.params, problem.x, initial_state=problem.state, **options)


def test_gates_and_states_by_name():
    """f = 1 - i where coupled; m = o tanh(c) and the last state in each of them; zeros where masked."""
    problem, mask = Problem(make("coupled"), 7), WAYS["mask in reverse"]["mask"]
    run = forward(problem, mask=mask)
    assert list(run.gates) == [f"{lstm}_{gate}" for lstm in ("time", "frequency") for gate in "ifgo"]
    assert list(run.states) == ["c", "m"]
    i, f, o = (run.gates[f"time_{gate}"] for gate in "ifo")
    np.testing.assert_allclose((i + f)[mask], 1, atol=1e-15)
    np.testing.assert_allclose(run.states["m"][mask], (o * np.tanh(run.states["c"]))[mask], atol=1e-15)
    assert not any(gate[~mask].any() for gate in run.gates.values())
    for k, pair in enumerate(run.state):
        for name in "cm":
            assert np.array_equal(run.states[name][:, -1, k * N :][:, :N], getattr(pair, name))
    assert list(forward(Problem(make("shared"), 7)).gates) == [f"frequency_{gate}" for gate in "ifgo"]
    both = Problem(make("plain", nr.BidirectionalGridLSTMCell), 7)
    assert {name.split("/")[0] for name in forward(both).gates} == {"forward", "backward"}


def test_gradient_again_and_without_keeping():
    problem = Problem(make("all"), 7)
    kept, anew = forward(problem), forward(problem, save="minimal")
    state = tree_map(np.copy, anew.state)
    first = kept.backward(problem.d_outputs, problem.d_state)
    for grads in (kept.backward(problem.d_outputs, problem.d_state), anew.backward(problem.d_outputs, problem.d_state)):
        assert_same_bits(grads.params, first.params)
        assert np.array_equal(grads.inputs, first.inputs)
    assert all(np.array_equal(a, b) for a, b in zip(tree_leaves(state), tree_leaves(kept.state), strict=True))


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_parts_of_a_gradient_add_up(device):
    """No initial state is one of zeros, no gradient one of zeros; the gradient is linear in both of its sources."""
    problem = Problem(make("peepholes"), 7)
    run = nr.forward(problem.cell, problem.params, problem.x, device=device)
    zeros = nr.forward(problem.cell, problem.params, problem.x, initial_state=problem.cell.zero_state(B, "float64"))
    np.testing.assert_allclose(run.outputs, zeros.outputs, atol=1e-14)
    whole = run.backward(problem.d_outputs, problem.d_state)
    of_outputs, of_state = run.backward(problem.d_outputs), run.backward(None, problem.d_state)
    sums = {name: of_outputs.params[name] + of_state.params[name] for name in whole.params}
    assert_close(sums, whole.params, 1e-13)
    one = [(None, pair.m) if i == 1 else None for i, pair in enumerate(problem.d_state)]
    two = [(pair.c, None) if i == 1 else pair for i, pair in enumerate(problem.d_state)]
    halves = [run.backward(None, part).inputs for part in (one, two)]
    np.testing.assert_allclose(sum(halves), of_state.inputs, atol=1e-13)


def test_steps_one_by_one_equal_the_sequence():
    problem = Problem(make("blocks", nr.BidirectionalGridLSTMCell, backward_slice_offset=1))
    run, state = forward(problem), problem.state
    for t in range(T):
        y, state = problem.cell.step(problem.params, problem.x[:, t], state)
        np.testing.assert_allclose(y, run.outputs[:, t], atol=1e-14)
    assert all(np.allclose(a, b, atol=1e-14) for a, b in zip(tree_leaves(state), tree_leaves(run.state), strict=True))


def test_padding_may_hold_anything():
    problem, lengths = Problem(make("peepholes"), 7), np.array([3, 0, 5, 1])
    expected = problem.results(lengths=lengths)
    problem.x[np.arange(T) >= lengths[:, None]] = np.nan
    problem.d_outputs[np.arange(T) >= lengths[:, None]] = 1e9
    assert_same_bits(problem.results(lengths=lengths), expected)


@pytest.mark.parametrize("shape", [(0, T, 7), (B, 0, 7)])
@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_nothing_to_do(device, shape):
    cell = make("peepholes")
    run = nr.forward(cell, cell.init_params(7), np.zeros(shape, "float32"), device=device)
    grads = run.backward(np.zeros((*shape[:2], cell.output_size), "float32"))
    assert run.outputs.shape == (*shape[:2], 6 * N) and grads.inputs.shape == shape
    assert not any(d.any() for d in grads.params.values())


def test_parameters():
    cell = make("blocks, coupled peepholes")
    shapes = {name: p.shape for name, p in cell.init_params(8).items()}
    assert shapes == cell.param_shapes(8) and len(shapes) == 3 * 2 * 3
    assert shapes["time_kernel_2"] == (2 + 2 * N, 3 * N) and shapes["frequency_peephole_1"] == (4, N)
    params = make("peepholes", units=40).init_params(7, rng=3)
    assert np.abs(params["time_peephole_0"]).max() == pytest.approx(np.sqrt(3 / 40), rel=0.05)
    assert np.abs(params["time_kernel_0"]).max() == pytest.approx(np.sqrt(6 / (83 + 160)), rel=0.01)
    assert not params["frequency_bias_0"].any()
    assert set(make("shared").param_shapes(7)) == {"frequency_kernel_0", "frequency_bias_0"}
    assert hash(make("blocks")) == hash(make("blocks"))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"units": 0}, "GridLSTMCell: expected units to be a positive integer, got 0"),
        ({"feature_size": 2.5}, "expected feature_size to be an integer, got 2.5"),
        ({"num_frequency_blocks": 3}, "expected num_frequency_blocks to be a list of positive integers, got 3"),
        ({"num_frequency_blocks": []}, "expected num_frequency_blocks to be a list of positive integers"),
        ({"num_frequency_blocks": [1, 2]}, "one number where there are no index lists"),
        ({"cell_clip": -1}, "expected cell_clip to be a positive number or None, got -1"),
        ({"start_freqindex_list": [0]}, "expected end_freqindex_list to be a list of 1 indices"),
        ({**BLOCKS, "num_frequency_blocks": [3, 2, 2]}, r"expected num_frequency_blocks to be \(3, 1, 2\)"),
        ({"backward_slice_offset": 0.5}, "expected backward_slice_offset to be an integer, got 0.5"),
        ({"feature_sizes": 3}, "unexpected keyword argument"),
    ],
)
def test_bad_options(options, message):
    cell = nr.BidirectionalGridLSTMCell if "backward_slice_offset" in options else nr.GridLSTMCell
    with pytest.raises(nr.InputError, match=message):
        cell(**({"units": N} | BASE | options))


def test_inputs_that_do_not_fit():
    with pytest.raises(nr.InputError, match=r"num_frequency_blocks to be \(4,\) for 9 inputs, got \(3,\)"):
        make("plain").init_params(9)
    with pytest.raises(nr.InputError, match=r"expected at least 8 inputs .*, got 7"):
        make("blocks").init_params(7)
    problem = Problem(make("plain"), 7)
    problem.params["time_bias_0"][3] = np.nan
    with pytest.raises(nr.InputError, match="not finite in parameter time_bias_0"):
        forward(problem)
