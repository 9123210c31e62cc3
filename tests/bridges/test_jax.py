"""`nr.jax.rnn`: the bits of `nr.forward` and its gradients, under JAX's transformations, and errors."""

import os
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.utils.tree import tree_map

jax = pytest.importorskip("jax", reason="needs JAX (pip install jax)")
jnp = jax.numpy

B, T, I, H = 4, 6, 3, 5
LENGTHS = [6, 0, 2, 5]
LSTM = nr.LSTMCell(H)
CELLS = {
    "LSTM": LSTM,
    "GRU": nr.GRUCell(H),
    "ResetAfterGRU": nr.ResetAfterGRUCell(H),
    "peepholes and projection": nr.LSTMCell(H, use_peepholes=True, num_proj=2),
    "layer norm": nr.LayerNormLSTMCell(H),
    "two layers": nr.MultiRNNCell([nr.SimpleRNNCell(4), nr.LSTMCell(H)]),
    "both directions": nr.Bidirectional(nr.LSTMCell(H), nr.UGRNNCell(H)),
}
DROPOUT = nr.DropoutWrapper(LSTM, output_keep_prob=0.5)


@pytest.fixture
def kept():
    """The runs that wait for a gradient; none are left from other tests."""
    from numbarnn.jax.kept_runs import KEPT

    KEPT.clear()
    return KEPT


@pytest.fixture
def float64():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def inputs(dtype="float32", shape=(B, T, I)):
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def states(cell, dtype="float32"):
    rng = np.random.default_rng(2)
    return tree_map(lambda size: rng.standard_normal((B, size)).astype(dtype), cell.state_size)


def params_of(cell, input_size=I, dtype="float32"):
    return cell.init_params(input_size, rng=0, dtype=dtype)


def assert_equal(a, b):
    jax.tree.map(assert_array_equal, a, b)


def assert_close(a, b):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), a, b)


def loss_of(rnn, **given):
    """Return a loss of (params, x, initial state) that reads outputs and final state."""

    def loss(params, x, state=None):
        outputs, final = rnn(params, x, state, **given)
        return jnp.cos(outputs).sum() + 2 * jnp.sin(final.c).sum()

    return loss


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("kind", ["all", "lengths", "mask", "reset_mask", "reverse"])
def test_outputs_state_and_gradients_are_those_of_forward(kind, time_major, jit):
    steps = np.random.default_rng(3).random((T, B) if time_major else (B, T)) < 0.7
    given = {"lengths": np.array(LENGTHS), "mask": steps, "reset_mask": steps}
    given = {name: value for name, value in given.items() if name == kind}
    params, state = params_of(LSTM), states(LSTM)
    x = inputs(shape=(T, B, I) if time_major else (B, T, I))
    rnn = nr.jax.rnn(LSTM, time_major=time_major, reverse=kind == "reverse")

    def with_gradient(params, x, state, given, d):
        results, gradient = jax.vjp(lambda *given_: rnn(*given_, **given), params, x, state)
        return results, gradient(d)

    run = nr.forward(LSTM, params, x, initial_state=state, time_major=time_major, reverse=kind == "reverse", **given)
    rng = np.random.default_rng(4)
    d_outputs = rng.standard_normal(run.outputs.shape).astype("float32")
    d_state = tree_map(lambda a: rng.standard_normal(a.shape).astype("float32"), run.state)
    grads = run.backward(d_outputs, d_state)
    compute = jax.jit(with_gradient) if jit else with_gradient
    (outputs, final), (d_params, dx, d_initial) = compute(params, x, state, given, (jnp.array(d_outputs), d_state))
    assert_array_equal(outputs, run.outputs)
    assert type(final) is type(run.state)
    assert_equal(final, run.state)
    assert_equal(d_params, grads.params)
    assert_array_equal(dx, grads.inputs)
    assert_equal(tuple(d_initial), tuple(grads.initial_state))
    assert_array_equal(rnn(params, x, state, **given)[0], run.outputs)


@pytest.mark.parametrize("how", [{}, {"lengths": LENGTHS}, {"mask": np.arange(B * T).reshape(B, T) % 3 > 0}], ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_check_grads(name, how, float64):
    cell = nr.DeviceWrapper(CELLS[name], "numpy")
    rnn = nr.jax.rnn(cell)
    given = params_of(cell, dtype="float64"), inputs("float64"), states(cell, "float64")
    check_grads(lambda *given: rnn(*given, **how), given)


def check_grads(function, given):
    from jax.test_util import check_grads

    check_grads(function, given, order=1, modes=["rev"], eps=1e-6, rtol=1e-6, atol=1e-6)


def test_check_grads_with_the_kernels_of_the_cpu(float64):
    rnn = nr.jax.rnn(LSTM)
    check_grads(
        lambda p, x: rnn(p, x, lengths=np.array(LENGTHS)), (params_of(LSTM, dtype="float64"), inputs("float64"))
    )


def test_float32_and_float64(float64):
    rnn = nr.jax.rnn(LSTM)
    assert rnn(params_of(LSTM), inputs())[0].dtype == "float32"
    assert rnn(params_of(LSTM, dtype="float64"), inputs("float64"))[0].dtype == "float64"


def test_one_function_twice_in_a_program():
    cell = nr.LSTMCell(I)
    rnn, params, x = nr.jax.rnn(cell), params_of(cell), inputs()

    def loss(first, second):
        outputs, state = rnn(first, x)
        return rnn(second, outputs, state)[0].sum()

    a, b = jax.grad(loss, (0, 1))(params, params)
    together = jax.jit(jax.grad(lambda p: loss(p, p)))(params)
    assert_close(together, jax.tree.map(jnp.add, a, b))


def test_a_run_is_kept_for_its_gradient_alone(kept):
    loss, given = loss_of(nr.jax.rnn(LSTM)), (params_of(LSTM), inputs())
    _, gradient = jax.vjp(loss, *given)
    assert len(kept) == 1
    first = gradient(1.0)
    assert len(kept) == 0
    assert_equal(first, gradient(1.0))  # which runs the cell again
    jax.jit(loss)(*given)
    jax.grad(jax.checkpoint(loss))(*given)
    jax.jit(jax.grad(jax.checkpoint(loss)))(*given)
    jax.jit(lambda *given: jax.vjp(loss, *given)[0])(*given)
    jax.jit(jax.value_and_grad(loss))(*given)
    assert len(kept) == 0


def test_runs_that_are_too_old_are_made_again(kept, monkeypatch):
    from numbarnn.jax import kept_runs

    rnn, params, x = nr.jax.rnn(DROPOUT), params_of(DROPOUT), inputs()
    keys = jax.random.split(jax.random.key(0), 5)

    def loss(params):
        def step(total, key):
            return total + jnp.cos(rnn(params, x, key=key)[0]).sum(), None

        return jax.lax.scan(step, 0.0, keys)[0]

    expected = jax.jit(jax.grad(loss))(params)
    monkeypatch.setattr(kept_runs, "LIMIT", 2)
    assert_equal(jax.jit(jax.grad(lambda p: loss(p)))(params), expected)
    jax.vjp(loss, params)
    assert len(kept) == 2


def test_a_run_that_is_kept_has_memory_of_its_own(kept):
    """XLA takes its arrays back after the forward pass."""
    from numbarnn.jax.host_runs import Backward, ForwardAndKeep

    arguments = {"params": params_of(LSTM), "x": inputs(), **dict.fromkeys(("initial_state", "lengths", "mask"))}
    leaves, tree = jax.tree.flatten(arguments | {"reset_mask": None, "seed": None})
    how = LSTM, False, False, tree
    leaves = [leaf.copy() for leaf in leaves]
    outputs, *state, handle = ForwardAndKeep(*how)(*leaves)
    d = np.ones_like(outputs), *map(np.ones_like, state)
    for leaf in leaves:
        leaf[...] = np.nan
    grads = Backward(*how)(handle, *d, *leaves)
    run = nr.forward(LSTM, arguments["params"], arguments["x"]).backward(d[0], LSTM.State(*d[1:]))
    assert_equal(grads, [*(run.params[name] for name in sorted(run.params)), run.inputs])


def calls(function, *given):
    """Count the calls of the host in a program, and those in loops of it."""
    text = str(jax.make_jaxpr(function)(*given))
    return text.count("numbarnn["), text.count("scan[")


def test_vmap_of_inputs_is_one_larger_batch():
    rnn, params, many = nr.jax.rnn(LSTM), params_of(LSTM), inputs(shape=(2, 3, B, T, I))
    lengths = np.array([LENGTHS, LENGTHS[::-1], [1, 2, 3, 4]])
    function = jax.vmap(lambda x: rnn(params, x, states(LSTM), lengths=LENGTHS)[0])
    nested = jax.vmap(jax.vmap(lambda x, n: rnn(params, x, states(LSTM), lengths=n)[0]), (0, None))
    assert calls(function, many[0]) == (1, 0)
    assert calls(nested, many, lengths) == (1, 0)
    for a, x in zip(function(many[0]), many[0], strict=True):
        assert_close(a, rnn(params, x, states(LSTM), lengths=LENGTHS)[0])
    for some, outer in zip(jax.jit(nested)(many, lengths), many, strict=True):
        for a, x, n in zip(some, outer, lengths, strict=True):
            assert_close(a, rnn(params, x, states(LSTM), lengths=n)[0])


@pytest.mark.parametrize("time_major", [False, True])
def test_vmap_along_any_axis(time_major):
    rnn, params = nr.jax.rnn(LSTM, time_major=time_major), params_of(LSTM)
    x = inputs(shape=(B, T, 2, I))
    mask = np.random.default_rng(3).random((B, T, 2)) < 0.7
    outputs, state = jax.vmap(lambda x, m: rnn(params, x, mask=m), (2, 2), (1, 2))(x, mask)
    for i in range(2):
        expected, final = rnn(params, x[:, :, i], mask=mask[:, :, i])
        assert_close(outputs[:, i], expected)
        assert_close(tuple(s[..., i] for s in state), tuple(final))


def test_vmap_of_parameters_is_one_call_after_the_other():
    rnn, x = nr.jax.rnn(LSTM), inputs()
    ensemble = jax.tree.map(lambda *p: jnp.stack(p), *(LSTM.init_params(I, rng=seed) for seed in range(3)))
    function = jax.vmap(lambda p: rnn(p, x)[0])
    assert calls(function, ensemble) == (1, 1)
    for i, a in enumerate(function(ensemble)):
        assert_array_equal(a, rnn(jax.tree.map(lambda p, i=i: p[i], ensemble), x)[0])


def test_vmap_and_gradients():
    params, many = params_of(LSTM), inputs(shape=(3, B, T, I))
    loss = loss_of(nr.jax.rnn(LSTM), lengths=np.array(LENGTHS))
    each = [jax.grad(loss, (0, 1))(params, x) for x in many]
    assert_equal(
        jax.vmap(jax.grad(loss, (0, 1)), (None, 0))(params, many), jax.tree.map(lambda *g: jnp.stack(g), *each)
    )
    of_sum = jax.jit(jax.grad(lambda p: jax.vmap(loss, (None, 0))(p, many).sum()))(params)
    assert_close(of_sum, jax.tree.map(lambda *g: sum(g), *(g for g, _ in each)))


def test_jacobian_in_reverse_mode(kept):
    rnn, params, x = nr.jax.rnn(LSTM), params_of(LSTM), inputs(shape=(1, T, I))
    jacobian = jax.jacrev(lambda x: rnn(params, x)[1].h)(x)
    run = nr.forward(LSTM, params, x)
    for unit in range(H):
        one = np.eye(1, H, unit, dtype="float32")
        assert_close(jacobian[0, unit], run.backward(None, LSTM.State(one, None)).inputs)


def test_vmap_with_a_key_is_as_one_call_after_the_other():
    rnn, params, many = nr.jax.rnn(DROPOUT), params_of(DROPOUT), inputs(shape=(3, B, T, I))
    key = jax.random.key(3)
    keys = jax.random.split(key, 3)
    for a, x in zip(jax.vmap(lambda x: rnn(params, x, key=key)[0])(many), many, strict=True):
        assert_array_equal(a, rnn(params, x, key=key)[0])
    for a, x, k in zip(jax.vmap(lambda x, k: rnn(params, x, key=k)[0])(many, keys), many, keys, strict=True):
        assert_array_equal(a, rnn(params, x, key=k)[0])


def test_random_numbers_are_those_of_the_key():
    rnn, params, x = nr.jax.rnn(DROPOUT), params_of(DROPOUT), inputs()

    def outputs(key=None):
        return np.asarray(rnn(params, x, key=key)[0])

    assert_array_equal(outputs(), nr.forward(DROPOUT, params, x).outputs)
    one, other = jax.random.key(1), jax.random.key(2)
    assert_array_equal(outputs(one), outputs(one))
    assert (outputs(one) != outputs(other)).any()
    assert_array_equal(outputs(one), outputs(jax.random.PRNGKey(1)))
    high, low = map(int, jax.random.bits(one, (2,), "uint32"))
    run = nr.forward(DROPOUT, params, x, training=True, rng=high << 32 | low)
    assert_array_equal(outputs(one), run.outputs)
    grads = jax.grad(lambda p: rnn(p, x, key=one)[0].sum())(params)
    assert_equal(grads, run.backward(np.ones_like(run.outputs)).params)


def test_integers():
    cell = nr.EmbeddingWrapper(LSTM, embedding_classes=7, embedding_size=I)
    rnn, params = nr.jax.rnn(cell), params_of(cell, None)
    tokens = np.random.default_rng(5).integers(7, size=(B, T))
    run = nr.forward(cell, params, tokens)
    grads = run.backward(np.ones_like(run.outputs))
    for compute in (jax.grad, lambda f: jax.jit(jax.grad(f))):
        assert_equal(compute(lambda p: rnn(p, tokens)[0].sum())(params), grads.params)
    many = np.stack([tokens, tokens[::-1]])
    assert_close(jax.vmap(lambda t: rnn(params, t)[0])(many)[1], run.outputs[::-1])


def test_states_are_read_by_name():
    Pair = namedtuple("Pair", "c h")
    rnn, params, x, state = nr.jax.rnn(LSTM), params_of(LSTM), inputs(), states(LSTM)
    expected = rnn(params, x, state)[0]
    for given in (Pair(state.c, state.h), tuple(state), list(state)):
        assert_array_equal(rnn(params, x, given)[0], expected)


def test_a_function_is_a_value():
    """So it can be a static argument, and another one like it is not compiled again."""
    rnn = nr.jax.rnn(LSTM)
    assert rnn == nr.jax.rnn(nr.LSTMCell(H)) and hash(rnn) == hash(nr.jax.rnn(nr.LSTMCell(H)))
    assert rnn != nr.jax.rnn(LSTM, reverse=True)
    compiled = jax.jit(lambda rnn, params, x: rnn(params, x)[0], static_argnums=0)
    compiled(rnn, params_of(LSTM), inputs())
    compiled(nr.jax.rnn(nr.LSTMCell(H)), params_of(LSTM), inputs())
    assert compiled._cache_size() == 1


def test_it_learns():
    """The sign of the first input, over six steps, with RMSprop."""
    rnn, x = nr.jax.rnn(LSTM), np.random.default_rng(0).standard_normal((200, T, I)).astype("float32")
    y = x[:, 0, 0] > 0
    weights = {"rnn": params_of(LSTM), "head": np.full(H, 0.1, "float32")}

    @jax.jit
    def step(weights, squares):
        def loss(weights):
            score = rnn(weights["rnn"], x)[0][:, -1] @ weights["head"]
            return jnp.logaddexp(0, jnp.where(y, -score, score)).mean()

        value, gradient = jax.value_and_grad(loss)(weights)
        squares = jax.tree.map(lambda s, g: 0.9 * s + 0.1 * g * g, squares, gradient)
        weights = jax.tree.map(lambda w, g, s: w - 0.02 * g / (jnp.sqrt(s) + 1e-4), weights, gradient, squares)
        return weights, squares, value

    squares = jax.tree.map(np.ones_like, weights)
    for _ in range(200):
        weights, squares, value = step(weights, squares)
    assert value < 0.2


X = np.zeros((B, T, I), "float32")
P = LSTM.init_params(I)
ERRORS = {
    "expected inputs of dtype float32, that of the parameters, got float16": lambda r: r(P, X.astype("float16")),
    r"expected inputs of shape \(batch, steps, features\), got \(6, 3\)": lambda r: r(P, X[0]),
    "with the 3 features of the parameters, got": lambda r: r(P, X[:, :, :2]),
    "expected x to be an array, got str": lambda r: r(P, "text"),
    "expected parameters of dtype float32 or float64, got bfloat16": lambda r: r(
        {name: jnp.asarray(p, "bfloat16") for name, p in P.items()}, X
    ),
    "expected a dict of the parameters kernel, recurrent_kernel, bias, got": lambda r: r({"kernel": P["kernel"]}, X),
    "expected a dict of the parameters kernel, recurrent_kernel, bias, got list": lambda r: r([P], X),
    r"expected initial_state to be State\(h, c\), got": lambda r: r(P, X, X[:, 0]),
    r"expected initial_state.c of shape \(4, 5\), got \(4, 6\)": lambda r: r(P, X, (X[:, :5, 0], X[:, :, 0])),
    "expected lengths or mask, got both": lambda r: r(P, X, lengths=np.ones(B, int), mask=X[:, :, 0] > 0),
    "expected lengths from 0 to 6": lambda r: r(P, X, lengths=[1, 2, 3, 7]),
    "expected lengths to be 4 integers": lambda r: r(P, X, lengths=np.ones(B, "float32")),
    "expected mask of dtype bool": lambda r: r(P, X, mask=X[:, :, 0]),
    r"expected reset_mask of shape \(4, 6\)": lambda r: r(P, X, reset_mask=X[:, 0] > 0),
    "expected no reset_mask with reverse": lambda r: nr.jax.rnn(LSTM, reverse=True)(P, X, reset_mask=X[:, :, 0] > 0),
    "expected a cell such as": lambda r: nr.jax.rnn(LSTM.init_params),
    "expected time_major to be True or False": lambda r: nr.jax.rnn(LSTM, time_major=1),
    "expected one derivative, in reverse mode": lambda r: jax.grad(
        lambda x: jax.grad(lambda x: r(P, x)[0].sum())(x).sum()
    )(X),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors(message):
    with pytest.raises(nr.InputError, match=message):
        ERRORS[message](nr.jax.rnn(LSTM))


@pytest.mark.parametrize("message", [message for message in ERRORS if "from 0 to 6" not in message])
def test_errors_while_a_program_is_traced(message):
    with pytest.raises(nr.InputError, match=message):
        jax.jit(lambda: ERRORS[message](nr.jax.rnn(LSTM)))()
    with pytest.raises(nr.InputError, match="got float16"):
        jax.eval_shape(nr.jax.rnn(LSTM), P, jax.ShapeDtypeStruct((B, T, I), "float16"))


def test_lengths_that_are_known_only_in_a_run():
    compiled = jax.jit(lambda lengths: nr.jax.rnn(LSTM)(P, X, lengths=lengths)[0])
    with pytest.raises(Exception, match="expected lengths from 0 to 6"):
        jax.block_until_ready(compiled(jnp.array([1, 2, 3, 7])))
    assert compiled(jnp.array([1, 2, 3, 6])).shape == (B, T, H)


def test_forward_mode_is_refused():
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda x: nr.jax.rnn(LSTM)(P, x)[0], (X,), (X,))


def test_jax_is_imported_at_first_use():
    check = "import sys, numbarnn as nr; nr.jax, dir(nr.jax); assert 'jax' not in sys.modules; nr.jax.rnn"
    subprocess.run([sys.executable, "-c", check + "; assert 'jax' in sys.modules"], check=True)


def test_a_missing_jax_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match=r"pip install 'numbarnn\[jax\]'"):
        nr.jax.rnn  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'RNN'"):
        nr.jax.RNN  # noqa: B018


SEVERAL_DEVICES = """
import numpy as np, jax, jax.numpy as jnp, numbarnn as nr
from jax.sharding import NamedSharding, PartitionSpec as P
mesh = jax.make_mesh((2,), ("rows",))
cell = nr.GRUCell(5)
rnn, params, x = nr.jax.rnn(cell), cell.init_params(3), np.random.default_rng(0).random((4, 6, 3), "float32")
loss = lambda params, x: jnp.cos(rnn(params, x)[0]).sum()
expected = jax.grad(loss, (0, 1))(params, x)
local = lambda params, x: jax.lax.psum(loss(params, x), "rows")
apart = jax.shard_map(local, mesh=mesh, in_specs=(P(), P("rows")), out_specs=P(), check_vma=False)
given = jax.device_put(params, NamedSharding(mesh, P())), jax.device_put(x, NamedSharding(mesh, P("rows")))
for function in (loss, apart):
    for _ in range(3):
        for a, b in zip(*map(jax.tree.leaves, (expected, jax.jit(jax.grad(function, (0, 1)))(*given))), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
"""

ONE_THREAD = """
import os; os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
import numpy as np, jax, numbarnn as nr
cell = nr.SimpleRNNCell(150)
rnn, params, x = nr.jax.rnn(cell), cell.init_params(150), np.zeros((150, 20, 150), "float32")
loss = lambda params: sum(rnn(params, i * x)[0].sum() for i in range(6))
for _ in range(2):
    jax.block_until_ready(jax.jit(jax.value_and_grad(loss))(params))
"""


@pytest.mark.parametrize(
    "program", [SEVERAL_DEVICES, ONE_THREAD], ids=["several devices", "one thread, which hangs in pure_callback"]
)
def test_in_other_settings(program):
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"} if program is SEVERAL_DEVICES else {}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300, env=os.environ | flags)
