"""Every plain cell under its options: values against NumPy steps, gradients, identities, parameters, refusals."""

import inspect
import math

import numpy as np
import pytest
from helpers import cell_steps as steps
from helpers.problems import Problem, assert_close, assert_same_bits

import numbarnn as nr
from numbarnn.engines.interface import RunOptions

PROJECTED = dict(num_proj=3, proj_clip=0.3)
PEEPHOLES = dict(use_peepholes=True, cell_clip=0.6)
CASES = [
    (steps.simple_rnn, "SimpleRNNCell", PROJECTED),
    (steps.simple_rnn, "BasicRNNCell", {}),
    (steps.lstm, "LSTMCell", dict(use_peepholes=True)),
    (steps.lstm, "LSTMCell", dict(cell_clip=0.6)),
    (steps.lstm, "LSTMCell", PEEPHOLES | PROJECTED | dict(forget_bias=0.5)),
    (steps.forgetful_lstm, "BasicLSTMCell", {}),
    (steps.forgetful_lstm, "LSTMBlockCell", dict(use_peephole=True)),
    (steps.forgetful_lstm, "LSTMBlockFusedCell", {}),
    (steps.coupled_lstm, "CoupledInputForgetGateLSTMCell", {}),
    (steps.coupled_lstm, "CoupledInputForgetGateLSTMCell", PEEPHOLES | PROJECTED),
    (steps.coupled_lstm, "CoupledInputForgetGateLSTMCell", dict(layer_norm=True)),
    (steps.coupled_lstm, "CoupledInputForgetGateLSTMCell", PEEPHOLES | PROJECTED | dict(layer_norm=True)),
    (steps.gru, "GRUCell", dict(update="seed")),
    (steps.gru, "GRUCell", PROJECTED),
    (steps.gru, "GRUBlockCell", {}),
    (steps.reset_after_gru, "ResetAfterGRUCell", dict(update="seed")),
    (steps.reset_after_gru, "ResetAfterGRUCell", PROJECTED),
    (steps.ugrnn, "UGRNNCell", {}),
    (steps.ugrnn, "UGRNNCell", PROJECTED),
    (steps.mgu, "MGUCell", {}),
    (steps.mgu, "MGUCell", PROJECTED),
    (steps.nas, "NASCell", {}),
    (steps.nas, "NASCell", dict(num_proj=3, use_biases=True)),
    (steps.ind_rnn, "IndRNNCell", {}),
    (steps.sru, "SRUCell", {}),
    (steps.layer_norm_lstm, "LayerNormLSTMCell", {}),
    (steps.layer_norm_lstm, "LayerNormLSTMCell", PEEPHOLES | PROJECTED),
    (steps.layer_norm_lstm, "LayerNormLSTMCell", dict(variant="joint")),
    (steps.layer_norm_lstm, "LayerNormLSTMCell", dict(variant="stored", epsilon=0.1)),
    (steps.layer_norm_lstm, "LayerNormBasicLSTMCell", {}),
    (steps.layer_norm_gru, "LayerNormGRUCell", PROJECTED),
    (steps.layer_norm_gru, "LayerNormGRUCell", dict(update="seed")),  # TensorFlow 1's
]
COMPILED = [case for case in CASES if case[2].keys() & {"num_proj", "variant"}]  # without options: test_engine
named = lambda value: getattr(value, "__name__", None) or str(value)  # noqa: E731


def make(name, options, units=5):
    return getattr(nr, name)(units, **options)


@pytest.mark.parametrize(("step", "name", "options"), CASES, ids=named)
def test_forward_equals_numpy_steps(step, name, options):
    problem = Problem(make(name, options), 6, 4, 3)
    state = problem.state._asdict()
    outputs = []
    for t in range(6):
        new = step(problem.params, problem.x[:, t], **state, **options)
        valid = problem.mask[:, t, None]
        state = {n: np.where(valid, new[n], old) for n, old in state.items()}
        outputs.append(np.where(valid, new["h"], 0))
    run = problem.run(device="numpy", mask=problem.mask)
    assert_close({"h": run.outputs}, {"h": np.stack(outputs, axis=1)}, 1e-13)
    assert_close(run.state._asdict(), state, 1e-13)


@pytest.mark.parametrize(("step", "name", "options"), CASES, ids=named)
def test_gradients_equal_central_differences(step, name, options):
    """Along one random direction for each parameter, the inputs and each state."""
    problem = Problem(make(name, options), 5, 4, 3, seed=1)
    rng = np.random.default_rng(0)

    def loss():
        run = problem.run(device="numpy", mask=problem.mask)
        final = sum((a * d).sum() for a, d in zip(run.state, problem.d_state, strict=True))
        return final + (run.outputs * problem.d_outputs).sum()

    grads = problem.run(device="numpy", mask=problem.mask).backward(problem.d_outputs, problem.d_state)
    pairs = {n: (p, grads.params[n]) for n, p in problem.params.items()} | {"x": (problem.x, grads.inputs)}
    for n, s in problem.state._asdict().items():
        pairs[f"initial {n}"] = s, getattr(grads.initial_state, n)
    for what, (array, gradient) in pairs.items():
        direction, start = rng.standard_normal(array.shape), array.copy()
        array[:] = start + 1e-6 * direction
        above = loss()
        array[:] = start - 1e-6 * direction
        below = loss()
        array[:] = start
        want = (gradient * direction).sum()
        assert abs((above - below) / 2e-6 - want) < 1e-7 * max(1, abs(want)), what


@pytest.mark.parametrize(("step", "name", "options"), COMPILED, ids=named)
def test_compiled_equals_plain(step, name, options):
    problem = Problem(make(name, options, 21), 6, 5, 4, seed=2)
    options = dict(lengths=problem.lengths, reverse=True)
    assert_close(problem.results(**options), problem.results(device="numpy", **options), 1e-12)


def outputs_of(cell, params, problem, **options):
    return nr.forward(cell, params, problem.x, device="numpy", **options).outputs


def test_seed_sign_is_keep_sign_with_negated_gate():
    for name in ("GRUCell", "ResetAfterGRUCell"):
        problem = Problem(make(name, {}), 7, 4, 3)
        H = 5
        negated = {n: p.copy() for n, p in problem.params.items()}
        for p in negated.values():
            p[..., H : 2 * H] *= -1
        seed = outputs_of(make(name, dict(update="seed")), negated, problem)
        np.testing.assert_allclose(seed, outputs_of(problem.cell, problem.params, problem), rtol=0, atol=1e-15)


def test_thin_names_are_the_cells_they_stand_for():
    pairs = [
        (nr.GRUBlockCell(6), nr.GRUCell(6)),
        (nr.BasicRNNCell(6), nr.SimpleRNNCell(6)),
        (nr.BasicLSTMCell(6, forget_bias=0.5), nr.LSTMCell(6, forget_bias=0.5)),
        (nr.LSTMBlockCell(6), nr.LSTMCell(6, forget_bias=1.0)),
        (nr.LSTMBlockCell(6, use_peephole=True), nr.LSTMCell(6, forget_bias=1.0, use_peepholes=True)),
        (nr.LSTMBlockFusedCell(6, cell_clip=0.3), nr.LSTMBlockCell(6, cell_clip=0.3)),
        (
            nr.LSTMBlockCell(6, cell_clip=0.3),
            nr.LSTMCell(6, forget_bias=1.0, cell_clip=0.3, clip_gradient="straight_through"),
        ),
    ]
    for thin, cell in pairs:
        problem = Problem(thin, 4, 3, 2)
        results = problem.results(device="numpy")
        problem.cell = cell
        assert_same_bits(results, problem.results(device="numpy"))


def test_forget_bias_is_a_shift_of_the_bias():
    problem = Problem(nr.BasicLSTMCell(5), 6, 4, 3)
    shifted = problem.params | {"bias": problem.params["bias"] + np.repeat([0, 1, 0, 0], 5)}
    expected = outputs_of(problem.cell, problem.params, problem)
    np.testing.assert_allclose(outputs_of(nr.LSTMCell(5), shifted, problem), expected, rtol=0, atol=1e-15)


def test_coupled_gates_are_an_lstm_with_i_equal_to_1_minus_f():
    cell = nr.CoupledInputForgetGateLSTMCell(5, use_peepholes=True, cell_clip=0.7)
    problem = Problem(cell, 6, 4, 3)
    uncoupled = {n: np.concatenate([-p[..., :5], p], axis=-1) for n, p in problem.params.items() if n != "peephole"}
    uncoupled["bias"][:5] -= 1  # the forget bias, negated
    peephole = problem.params["peephole"]
    uncoupled["peephole"] = np.stack([-peephole[0], *peephole])
    lstm = nr.LSTMCell(5, forget_bias=1.0, use_peepholes=True, cell_clip=0.7)
    expected = outputs_of(lstm, uncoupled, problem)
    np.testing.assert_allclose(outputs_of(cell, problem.params, problem), expected, rtol=0, atol=1e-15)


def test_grus_with_fewer_gates():
    """A GRU whose reset gate stands open is a UGRNN, one whose two gates are the same is an MGU."""
    problem = Problem(nr.UGRNNCell(5, forget_bias=0.0), 6, 4, 3)
    kernel, recurrent, bias = problem.params.values()
    gate, closed = np.zeros(5), np.full(5, 50.0)  # sigmoid(50) is 1
    with_reset = {
        "kernel": np.hstack([np.zeros((3, 5)), kernel]),
        "recurrent_kernel": np.hstack([np.zeros((5, 5)), recurrent]),
        "bias": np.concatenate([closed, bias, gate]),
    }
    expected = outputs_of(nr.ResetAfterGRUCell(5), with_reset, problem)
    np.testing.assert_allclose(outputs_of(problem.cell, problem.params, problem), expected, rtol=0, atol=1e-14)

    problem = Problem(nr.MGUCell(5), 6, 4, 3)
    twice = {n: np.concatenate([p[..., :5], p], axis=-1) for n, p in problem.params.items()}
    expected = outputs_of(nr.ResetAfterGRUCell(5), twice, problem)
    np.testing.assert_allclose(outputs_of(problem.cell, problem.params, problem), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", ["SimpleRNNCell", "LSTMCell", "GRUCell", "ResetAfterGRUCell", "UGRNNCell", "NASCell"])
def test_projection_by_the_identity_changes_nothing(name):
    problem = Problem(make(name, {}), 6, 4, 3)
    params = problem.params | {"projection_kernel": np.eye(5)}
    if name == "GRUCell":
        recurrent = params["recurrent_kernel"]
        params |= {"recurrent_kernel": recurrent[:, :10], "feedback_kernel": recurrent[:, 10:]}
    run = nr.forward(make(name, dict(num_proj=5)), params, problem.x, device="numpy")
    expected = outputs_of(problem.cell, problem.params, problem)
    np.testing.assert_allclose(run.outputs, expected, rtol=0, atol=1e-14)
    if "s" in run.state._fields:
        np.testing.assert_array_equal(run.state.h, run.state.s)


def test_nas_cell_state_is_below_one():
    problem = Problem(nr.NASCell(9), 8, 6, 4)
    problem.x *= 50
    run = problem.run(device="numpy")
    assert np.abs(run.states["c"]).max() < 1


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_clip_gradients_by_hand(device):
    """One unit with f = 1/2 and g = 0, c clipped to 1: dL/dc_prev is f where the gradient passes, else 0."""
    params = {"kernel": np.zeros((1, 4)), "recurrent_kernel": np.zeros((1, 4)), "bias": np.zeros(4)}
    for gradient, outside in ("exact", 0.0), ("straight_through", 0.5):
        cell = nr.LSTMCell(1, cell_clip=1.0, clip_gradient=gradient)
        for before, after, want in (3.0, 1.0, outside), (2.0, 1.0, 0.5), (-2.0, -1.0, 0.5), (1.0, 0.5, 0.5):
            state = cell.State(h=np.zeros((1, 1)), c=np.full((1, 1), before))
            run = nr.forward(cell, params, np.ones((1, 1, 1)), initial_state=state, device=device)
            assert run.state.c[0, 0] == after
            grads = run.backward(None, cell.State(h=None, c=np.ones((1, 1))))
            assert grads.initial_state.c[0, 0] == want


def test_dropout_of_the_candidate():
    """A mask in training only, from the seed alone, fresh in each step; the memory is never dropped."""
    cell = nr.LayerNormBasicLSTMCell(8, dropout_keep_prob=0.4)
    problem = Problem(cell, 6, 4, 3)
    plain = problem.results(device="numpy")
    other = Problem(nr.LayerNormBasicLSTMCell(8), 6, 4, 3)  # the same numbers
    assert_same_bits(other.results(device="numpy", training=True, rng=1), plain)
    dropped = problem.results(device="numpy", training=True, rng=1)
    assert_close(problem.results(training=True, rng=1), dropped, 1e-12)
    assert not np.array_equal(dropped["outputs"], problem.results(device="numpy", training=True, rng=2)["outputs"])
    with pytest.raises(nr.InputError, match="expected rng"):
        problem.run(training=True)
    how = RunOptions(training=True, seed=(3,))
    mask = cell.draw((50, 20, 8), np.dtype("float32"), how)["keep"]
    assert mask.dtype == np.float32 and set(np.unique(mask)) == {0, np.float32(1 / np.float32(0.4))}
    assert abs((mask > 0).mean() - 0.4) < 0.02 and not np.array_equal(mask[0], mask[1])


D, H, P = 7, 5, 3
COUNTS = [
    (nr.LSTMCell(H, use_peepholes=True, num_proj=P), 4 * (D * H + P * H + H) + H * P + 3 * H),
    (nr.LSTMCell(H, use_bias=False), 4 * (D * H + H * H)),
    (nr.LSTMBlockCell(H, use_peephole=True), 4 * (D * H + H * H + H) + 3 * H),
    (nr.CoupledInputForgetGateLSTMCell(H, use_peepholes=True), 3 * (D * H + H * H + H) + 2 * H),
    (nr.CoupledInputForgetGateLSTMCell(H, layer_norm=True), 3 * (D * H + H * H) + 8 * H),
    (nr.SimpleRNNCell(H, num_proj=P), D * H + P * H + H + H * P),
    (nr.GRUCell(H, num_proj=P), 3 * (D * H + H) + 2 * P * H + H * H + H * P),
    (nr.ResetAfterGRUCell(H, num_proj=P), 3 * (D * H + P * H) + 4 * H + H * P),
    (nr.UGRNNCell(H), 2 * (D * H + H * H + H)),
    (nr.MGUCell(H), 2 * (D * H + H * H) + 3 * H),
    (nr.NASCell(H), 8 * (D * H + H * H)),
    (nr.NASCell(H, num_proj=P, use_biases=True), 8 * (D * H + P * H + H) + H * P),
    (nr.IndRNNCell(H), D * H + 2 * H),
    (nr.SRUCell(H), 4 * D * H + 2 * H),
    (nr.LayerNormLSTMCell(H), 4 * (D * H + H * H) + 10 * H),
    (nr.LayerNormLSTMCell(H, variant="joint"), 4 * (D * H + H * H) + 18 * H),
    (nr.LayerNormGRUCell(H), 3 * (D * H + H * H) + 8 * H),
]


@pytest.mark.parametrize(("cell", "count"), COUNTS, ids=lambda v: type(v).__name__)
def test_parameter_counts(cell, count):
    assert sum(p.size for p in cell.init_params(D).values()) == count


def test_parameter_shapes():
    shapes = nr.LSTMCell(H, use_peepholes=True, num_proj=P).param_shapes(D)
    assert shapes["peephole"] == (3, H) and shapes["recurrent_kernel"] == (P, 4 * H)
    assert shapes["projection_kernel"] == (H, P)
    assert nr.SRUCell(H).param_shapes(D) == {"kernel": (D, 4 * H), "bias": (2 * H,)}
    assert nr.IndRNNCell(H).param_shapes(D)["recurrent_vector"] == (H,)
    assert nr.GRUCell(H, num_proj=P).state_size == (P, H)
    assert nr.LSTMCell(H, num_proj=P).state_size._asdict() == {"h": P, "c": H}


def bound(array, limit):
    """Drawn from U(-limit, limit), as far as one sees."""
    assert 0.9 * limit < np.abs(array).max() <= limit and abs(array.mean()) < 0.1 * limit


def test_fresh_parameters():
    """As the classes that are imitated: glorot on the packed matrix of TensorFlow 1; vectors by their length."""
    D, H = 30, 40
    for cell, columns in (
        (nr.BasicRNNCell(H), H),
        (nr.BasicLSTMCell(H), 4 * H),
        (nr.LSTMBlockCell(H), 4 * H),
        (nr.UGRNNCell(H), 2 * H),
        (nr.CoupledInputForgetGateLSTMCell(H), 3 * H),
        (nr.CoupledInputForgetGateLSTMCell(H, layer_norm=True), 3 * H),
        (nr.LayerNormLSTMCell(H), 4 * H),
    ):
        params = cell.init_params(D, rng=1)
        for name in ("kernel", "recurrent_kernel"):
            bound(params[name], math.sqrt(6 / (D + H + columns)))
        assert not params.get("bias", np.zeros(1)).any()
    params = nr.GRUBlockCell(H).init_params(D, rng=1)
    bound(params["kernel"][:, : 2 * H], math.sqrt(6 / (D + 3 * H)))
    bound(params["kernel"][:, 2 * H :], math.sqrt(6 / (D + 2 * H)))
    params = nr.NASCell(H).init_params(D, rng=1)
    bound(params["kernel"], math.sqrt(6 / (D + 8 * H)))
    bound(params["recurrent_kernel"], math.sqrt(6 / (H + 8 * H)))
    bound(nr.LSTMCell(100, use_peepholes=True).init_params(2, rng=1)["peephole"], math.sqrt(3 / 100))
    bound(nr.IndRNNCell(400).init_params(2, rng=1)["recurrent_vector"], 1)
    assert np.array_equal(nr.GRUCell(2).init_params(3)["bias"], [1, 1, 1, 1, 0, 0])
    assert np.array_equal(nr.GRUCell(2, update="seed").init_params(3)["bias"], [1, 1, -1, -1, 0, 0])
    given = dict(norm_gain=0.5, norm_shift=0.25)
    for cell in (nr.LayerNormLSTMCell(2, **given), nr.CoupledInputForgetGateLSTMCell(2, layer_norm=True, **given)):
        norm = cell.init_params(3)
        assert (norm["norm_scale"] == 0.5).all() and (norm["norm_shift"] == 0.25).all()


REFUSED = [
    (lambda: nr.GRUCell(3, update="both"), "GRUCell: no update 'both'; there are keep, seed"),
    (lambda: nr.ResetAfterGRUCell(3, update=1), "ResetAfterGRUCell: no update 1"),
    (lambda: nr.GRUBlockCell(3, activation="relu"), "activation"),
    (lambda: nr.GRUCell(3, "relu"), "GRUCell"),
    (lambda: nr.BasicLSTMCell(3, use_peepholes=True), "BasicLSTMCell.*use_peepholes"),
    (lambda: nr.BasicRNNCell(0), "BasicRNNCell: expected units to be a positive integer"),
    (lambda: nr.BasicRNNCell(3, num_proj=2), "BasicRNNCell.*num_proj"),
    (lambda: nr.LSTMBlockCell(3, num_proj=2), "LSTMBlockCell.*num_proj"),
    (lambda: nr.LSTMCell(3, clip_gradient="none"), "no clip_gradient 'none'; there are exact, straight_through"),
    (lambda: nr.LSTMCell(3, cell_clip=0), "expected cell_clip to be a positive number, got 0"),
    (lambda: nr.LSTMCell(3, cell_clip=-1.0), "expected cell_clip to be a positive number"),
    (lambda: nr.LSTMCell(3, num_proj=2.5), "expected num_proj to be an integer, got 2.5"),
    (lambda: nr.LSTMCell(3, proj_clip=1.0), "LSTMCell: expected num_proj where there is proj_clip"),
    (lambda: nr.UGRNNCell(3, activation="glu"), "no activation 'glu'"),
    (lambda: nr.NASCell(3, proj_clip=1.0), "NASCell.*proj_clip"),
    (lambda: nr.IndRNNCell(0), "expected units to be a positive integer, got 0"),
    (lambda: nr.SRUCell(3, forget_bias=1.0), "SRUCell.*forget_bias"),
    (lambda: nr.LayerNormLSTMCell(3, variant="d"), "no variant 'd'; there are per_gate, joint, stored"),
    (lambda: nr.LayerNormLSTMCell(3, variant="joint", cell_clip=1.0), "'per_gate' only"),
    (lambda: nr.LayerNormLSTMCell(3, epsilon=0.0), "expected epsilon to be a positive number"),
    (lambda: nr.LayerNormBasicLSTMCell(3, dropout_keep_prob=1.5), "dropout_keep_prob of at most 1"),
    (lambda: nr.LayerNormGRUCell(3, use_bias=True), "LayerNormGRUCell.*use_bias"),
]


@pytest.mark.parametrize(("construct", "message"), REFUSED)
def test_refused(construct, message):
    with pytest.raises(nr.InputError, match=message):
        construct()


def test_help_shows_the_options_of_a_cell():
    """And not those of the metaclass that takes TensorFlow's names."""
    parameters = inspect.signature(nr.UGRNNCell).parameters
    assert next(iter(parameters)) == "units" and {"forget_bias", "activation"} < parameters.keys()
