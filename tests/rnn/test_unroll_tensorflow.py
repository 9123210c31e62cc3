"""TensorFlow 1's own names of options, and what its functions return."""

import numpy as np
import pytest

import numbarnn as nr

RNG = np.random.default_rng(0)
B, T, I = 3, 4, 2
X = RNG.standard_normal((B, T, I))
LENGTHS = np.array([4, 0, 2])
FORTH, BACK, ABOVE = nr.LSTMCell(5), nr.GRUCell(4), nr.GRUCell(9)
P, Q, R = (
    FORTH.init_params(I, dtype="float64"),
    BACK.init_params(I, dtype="float64"),
    ABOVE.init_params(9, 1, "float64"),
)
STEPS = nr.unstack_time(X)
STACK = ([FORTH, ABOVE], [BACK, ABOVE]), ([P, R], [Q, R])


def raw(**options):
    def loop_fn(time, output, state, loop_state):
        state = FORTH.zero_state(B, "float64") if time == 0 else state
        return time >= np.full(B, T), X[:, min(time, T - 1)], state, output, None

    return nr.raw_rnn(FORTH, P, loop_fn, device="numpy", **options)


def saving(**options):
    saver = nr.StateSaver({"h": np.zeros(5), "c": np.zeros(5)}, range(B))
    return nr.static_state_saving_rnn(FORTH, P, STEPS, saver, ("h", "c"), device="numpy", **options)


FUNCTIONS = {
    "dynamic_rnn": lambda **o: nr.dynamic_rnn(FORTH, P, X, device="numpy", **o),
    "static_rnn": lambda **o: nr.static_rnn(FORTH, P, STEPS, device="numpy", **o),
    "static_state_saving_rnn": saving,
    "bidirectional_dynamic_rnn": lambda **o: nr.bidirectional_dynamic_rnn(
        (FORTH, BACK), (P, Q), X, device="numpy", **o
    ),
    "static_bidirectional_rnn": lambda **o: nr.static_bidirectional_rnn(
        (FORTH, BACK), (P, Q), STEPS, device="numpy", **o
    ),
    "stack_bidirectional_dynamic_rnn": lambda **o: nr.stack_bidirectional_dynamic_rnn(*STACK, X, device="numpy", **o),
    "raw_rnn": raw,
}
OF_SEQUENCES = [name for name in FUNCTIONS if name != "raw_rnn"]


def leaves(tree):
    return [a for part in tree for a in leaves(part)] if isinstance(tree, tuple | list) else [tree]


def assert_same(a, b):
    for one, other in zip(leaves(tuple(a)), leaves(tuple(b)), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", OF_SEQUENCES)
def test_sequence_length_is_lengths(name):
    run = FUNCTIONS[name]
    assert_same(run(sequence_length=LENGTHS), run(lengths=LENGTHS))
    assert_same(run(sequence_length=None), run())
    with pytest.raises(nr.InputError, match=f"{name}: expected sequence_length .* or lengths, got both"):
        run(sequence_length=LENGTHS, lengths=LENGTHS)
    with pytest.raises(nr.InputError, match="expected lengths to be 3 integers"):
        run(sequence_length=[1, 2])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_that_change_no_number(name):
    run = FUNCTIONS[name]
    assert_same(run(parallel_iterations=32, swap_memory=True, scope=None), run())
    grads = [run(swap_memory=swap).backward(run().outputs) for swap in (True, False)]
    assert_same([grads[0].inputs, grads[0].initial_state], [grads[1].inputs, grads[1].initial_state])
    for options, message in (
        ({"parallel_iterations": 0}, "expected parallel_iterations to be a positive integer, got 0"),
        ({"swap_memory": "yes"}, "expected swap_memory to be True or False, got 'yes'"),
        ({"swap_memory": True, "save": "all"}, r"expected swap_memory \(TensorFlow's\) or save, got both"),
        ({"scope": "rnn"}, "there are no variable scopes: the parameters are the argument params"),
    ):
        with pytest.raises(nr.InputError, match=f"{name}: .*{message}"):
            run(**options)
    with pytest.raises(TypeError, match="swap_memmory"):
        run(swap_memmory=True)


@pytest.mark.parametrize("name", OF_SEQUENCES)
def test_dtype_is_that_of_the_numbers(name):
    class TensorFlows:
        as_numpy_dtype = np.float64

    run = FUNCTIONS[name]
    for dtype in ("float64", np.float64, np.dtype("float64"), TensorFlows()):
        assert_same(run(dtype=dtype), run())
    with pytest.raises(nr.InputError, match=f"{name}: expected inputs of dtype float32, as dtype says, got float64"):
        run(dtype=np.float32)
    with pytest.raises(nr.InputError, match=f"{name}: expected dtype to be float32 or float64, got 'int32'"):
        run(dtype="int32")
    with pytest.raises(nr.InputError, match=f"{name}: expected dtype to be float32 or float64, got 'floating'"):
        run(dtype="floating")


def test_dtype_converts_integers_as_a_placeholder_does():
    cell = nr.BasicRNNCell(num_units=4)
    params, whole = cell.init_params(I), RNG.integers(9, size=(B, T, I))
    expected = nr.dynamic_rnn(cell, params, whole.astype("f4"))
    assert_same(nr.dynamic_rnn(cell, params, whole, dtype=np.float32), expected)
    assert_same(nr.dynamic_rnn(cell, params, whole.tolist(), dtype=np.float32), expected)
    steps = nr.static_rnn(cell, params, nr.unstack_time(whole), dtype=np.float32)
    assert np.array_equal(nr.stack_time(steps.outputs), expected.outputs)
    words = nr.EmbeddingWrapper(cell, embedding_classes=9, embedding_size=I)
    params = words.init_params()
    tokens = whole[..., 0]
    assert_same(nr.dynamic_rnn(words, params, tokens, dtype="float32"), nr.dynamic_rnn(words, params, tokens))
    with pytest.raises(nr.InputError, match="dynamic_rnn: expected parameters of dtype float64, as dtype says"):
        nr.dynamic_rnn(words, params, tokens, dtype="float64")


@pytest.mark.parametrize("name", ["static_bidirectional_rnn", "stack_bidirectional_dynamic_rnn"])
def test_both_directions_return_three_things(name):
    run = FUNCTIONS[name](lengths=LENGTHS)
    outputs, state_fw, state_bw = run
    assert outputs is run.outputs and state_fw is run.state_fw is run.state[0] and state_bw is run.state_bw
    assert run.state == (state_fw, state_bw)
    grads = run.backward(outputs, (state_fw, None))
    assert len(grads.initial_state) == 2 and len(grads.params) == 2


def test_initial_states_of_both_directions_under_tensorflows_names():
    draw = lambda cell: tuple(RNG.standard_normal((B, n)) for n in cell.state_size)  # noqa: E731
    fw, bw = draw(FORTH), draw(BACK)
    for name in ("bidirectional_dynamic_rnn", "static_bidirectional_rnn"):
        run = FUNCTIONS[name]
        assert_same(run(initial_state_fw=fw, initial_state_bw=bw), run(initial_state=(fw, bw)))
        assert_same(run(initial_state_bw=bw), run(initial_state=(None, bw)))
        with pytest.raises(nr.InputError, match=f"{name}: expected initial_state, a pair, or initial_state_fw"):
            run(initial_state=(fw, bw), initial_state_fw=fw)
    run, above = FUNCTIONS["stack_bidirectional_dynamic_rnn"], draw(ABOVE)
    lists = [fw, above], [bw, above]
    assert_same(run(initial_states_fw=lists[0], initial_states_bw=lists[1]), run(initial_state=lists))


def test_nested_inputs():
    """Their features side by side are what the cell reads; the gradient is nested as they are."""
    cell, (a, b, c) = nr.LSTMCell(4), (RNG.standard_normal((B, T, n)) for n in (2, 1, 3))
    params, options = cell.init_params(6, dtype="float64"), {"sequence_length": LENGTHS, "device": "numpy"}
    nested, whole = (a, (b, c)), np.concatenate([a, b, c], axis=-1)
    expected, d = nr.dynamic_rnn(cell, params, whole, **options), RNG.standard_normal((B, T, 4))
    d_a, (d_b, d_c) = expected.backward(d).inputs[..., :2], np.split(expected.backward(d).inputs[..., 2:], [1], axis=-1)

    run = nr.dynamic_rnn(cell, params, nested, **options)
    assert_same(run, expected)
    assert_same(run.backward(d).inputs, (d_a, (d_b, d_c)))
    assert isinstance(run.backward(d).inputs[1], tuple)

    in_time = (np.swapaxes(a, 0, 1), (np.swapaxes(b, 0, 1), np.swapaxes(c, 0, 1)))
    run = nr.dynamic_rnn(cell, params, in_time, time_major=True, **options)
    assert np.array_equal(np.swapaxes(run.outputs, 0, 1), expected.outputs)

    run = nr.static_rnn(cell, params, [(a[:, t], (b[:, t], c[:, t])) for t in range(T)], **options)
    assert np.array_equal(nr.stack_time(run.outputs), expected.outputs)
    steps = run.backward(nr.unstack_time(d)).inputs
    assert len(steps) == T
    for t in range(T):
        assert_same(steps[t], (d_a[:, t], (d_b[:, t], d_c[:, t])))

    whole = nr.dynamic_rnn(
        nr.GRUCell(2),
        nr.GRUCell(2).init_params(3),
        (np.ones((2, 3, 1), int), np.ones((2, 3, 2), int)),
        dtype=np.float32,
        device="numpy",
    )
    assert whole.outputs.dtype == np.float32
    for wrong in ((a, b[:, 1:]), (a, b.astype("f4"))):
        with pytest.raises(nr.InputError, match="dynamic_rnn: expected nested inputs of one dtype, and one shape but"):
            nr.dynamic_rnn(cell, params, wrong)
    with pytest.raises(nr.InputError, match="static_rnn: expected nested inputs of one dtype, and one shape but"):
        nr.static_rnn(cell, params, [(a[:, 0], b[1:, 0])])


def test_a_tuple_of_sequences_is_no_nested_input():
    cell = nr.GRUCell(3)
    params, rows = cell.init_params(2, dtype="float64"), (X[0], X[1, :2])
    run = nr.dynamic_rnn(cell, params, rows, device="numpy")
    assert run.outputs.shape == (2, T, 3) and not run.outputs[1, 2:].any()
