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
