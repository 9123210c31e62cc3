"""Inputs as users have them: lists, sequences of different lengths, and arrays that do not fit the parameters."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6, 3), "float32")
LENGTHS = np.array([6, 2, 0, 5])
ROWS = [x[:n] for x, n in zip(X, LENGTHS, strict=True)]
CELL = nr.GRUCell(5)
PARAMS = {dtype: CELL.init_params(3, rng=1, dtype=dtype) for dtype in ("float32", "float64")}
TOKENS = nr.EmbeddingWrapper(nr.GRUCell(5), 10, 3)


class Table:
    """Something that becomes an array and has no dtype of its own, such as a data frame."""

    def __array__(self, dtype=None, copy=None):
        return np.asarray(X.tolist(), dtype)


def objects(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def assert_same_runs(a, b):
    assert_array_equal(a.outputs, b.outputs)
    for one, other in zip(tree_leaves(a.state), tree_leaves(b.state), strict=True):
        assert_array_equal(one, other)
    a, b = (run.backward(run.outputs) for run in (a, b))
    assert_array_equal(a.inputs, b.inputs)
    for name in a.params:
        assert_array_equal(a.params[name], b.params[name])


KINDS = "numbers", "arrays", "tuple", "float64", "table"


@pytest.mark.parametrize("dtype", PARAMS)
@pytest.mark.parametrize("given", [X.tolist(), list(X), tuple(X), list(X.astype("float64")), Table()], ids=KINDS)
def test_what_has_no_dtype_takes_that_of_the_parameters(dtype, given):
    run, expected = (nr.forward(CELL, PARAMS[dtype], x) for x in (given, X.astype(dtype)))
    assert run.dtype == dtype
    assert_same_runs(run, expected)


WAYS = {
    "arrays": ROWS,
    "lists": [row.tolist() for row in ROWS],
    "float64": [row.astype("float64") for row in ROWS],
    "tuple": tuple(ROWS),
    "array of objects": objects(ROWS),
    "Padded": nr.Padded.of(ROWS),
    "Padded of lists": nr.Padded.of([row.tolist() for row in ROWS]),
    "Padded with NaN behind": nr.Padded(np.where(np.arange(6)[:, None] < LENGTHS[:, None, None], X, np.nan), LENGTHS),
}


@pytest.mark.parametrize("way", WAYS)
def test_sequences_of_different_lengths_are_those_with_lengths(way):
    expected = nr.forward(CELL, PARAMS["float32"], X, lengths=LENGTHS)
    assert_same_runs(nr.forward(CELL, PARAMS["float32"], WAYS[way]), expected)


def test_unrolling_functions_take_them_too():
    cells = nr.GRUCell(5), nr.GRUCell(4)
    params = tuple(cell.init_params(3, rng=1) for cell in cells)
    upper = tuple(cell.init_params(9, rng=2) for cell in cells)
    stack = [[cell] * 2 for cell in cells], [*map(list, zip(params, upper, strict=True))]
    calls = (
        lambda x, **options: nr.dynamic_rnn(cells[0], params[0], x, **options),
        lambda x, **options: nr.bidirectional_dynamic_rnn(cells, params, x, **options),
        lambda x, **options: nr.stack_bidirectional_dynamic_rnn(*stack, x, **options),
    )
    for call in calls:
        run, expected = call(ROWS), call(X, sequence_length=LENGTHS)
        for a, b in zip(tree_leaves(tuple(run)), tree_leaves(tuple(expected)), strict=True):
            assert_array_equal(a, b)
    steps = [x.tolist() for x in X.swapaxes(0, 1)]
    outputs, _ = nr.static_rnn(cells[0], params[0], steps)
    assert_array_equal(np.stack(outputs, axis=1), nr.forward(cells[0], params[0], X).outputs)


def test_tokens():
    params, rows = TOKENS.init_params(rng=0), [[1, 2, 9], [], [4]]
    expected = nr.forward(TOKENS, params, [[1, 2, 9], [0, 0, 0], [4, 0, 0]], lengths=[3, 0, 1])
    for x in (rows, nr.Padded.of(rows), objects(rows)):
        assert_array_equal(nr.forward(TOKENS, params, x).outputs, expected.outputs)
    output, _ = TOKENS.step(params, [1, 0, 4])
    assert output.shape == (3, 5)


def test_a_step_takes_a_list():
    assert_array_equal(
        CELL.step(PARAMS["float32"], X[:, 0].tolist())[0], CELL.step(PARAMS["float32"], X[:, 0])[0], strict=True
    )


def call(x, cell=CELL, dtype="float32", **options):
    return lambda: nr.forward(cell, PARAMS[dtype] if cell is CELL else cell.init_params(rng=0), x, **options)


WRONG = {
    "float64": (
        call(X.astype("float64")),
        r"GRUCell: expected inputs of dtype float32, that of the parameters, got "
        r"float64; write x.astype\('float32'\), or init_params\(..., dtype='float64'\)",
    ),
    "float32": (call(X, dtype="float64"), r"inputs of dtype float64, .* got float32; write x.astype\('float64'\), or"),
    "float16": (call(X.astype("float16")), r"inputs of dtype float32, .* got float16; write x.astype\('float32'\)$"),
    "integers": (call(X.astype(int)), r"inputs of dtype float32, .* got int64; write x.astype\('float32'\)$"),
    "complex": (call(X.astype(complex)), "inputs of dtype float32 or float64, got complex128$"),
    "strings": (call(X.astype(str)), "inputs of dtype float32 or float64, got <U32"),
    "objects": (call(X.astype(object)), "inputs of dtype float32 or float64, got object"),
    "nothing": (call(None), "GRUCell: expected inputs in an array or a list, got NoneType"),
    "a generator": (call(row for row in X), "inputs in an array or a list, got generator"),
    "(B, I, T)": (
        call(X.swapaxes(1, 2)),
        r"\(batch, steps, features\) with the 3 features of the parameters, got "
        r"\(4, 3, 6\); the last two axes seem swapped: x.swapaxes\(1, 2\)",
    ),
    "(T, I, B)": (call(X.swapaxes(1, 2), time_major=True), r"\(steps, batch, features\) with .* seem swapped"),
    "other features": (call(X[:, :, :2]), r"with the 3 features of the parameters, got \(4, 6, 2\)$"),
    "one sequence": (call(X[0]), r"got \(6, 3\); x\[None\] is a batch of one sequence"),
    "tokens for numbers": (call([[1, 2]]), r"got \(1, 2\)$"),
    "tokens in an array": (call(np.array([[1, 2]])), r"got \(1, 2\); EmbeddingWrapper\(cell, ...\) reads integers"),
    "numbers for tokens": (call(X, TOKENS), "EmbeddingWrapper: expected inputs of integers, got float32"),
    "vectors for tokens": (call(X.astype(int), TOKENS), r"inputs of shape \(batch, steps\), got \(4, 6, 3\)"),
    "lengths twice": (call(ROWS, lengths=LENGTHS), "expected no lengths beside sequences of different lengths"),
    "a mask too": (call(nr.Padded.of(X), mask=np.ones((4, 6), bool)), "expected no mask beside sequences"),
    "time-major": (call(ROWS, time_major=True), "expected no time_major beside sequences"),
    "rows of other features": (call([X[0], X[1, :, :2]]), r"got \(6, 3\) and, as number 1, \(6, 2\)"),
    "a number among rows": (call([X[0], 3.0]), "as arrays .* got as number 1 3.0"),
    "ragged steps": (call([[[1, 2, 3]], [[1, 2], [3]]]), "inputs of numbers, got as number 1"),
    "a masked row": (call([X[0], np.ma.array(X[1, :2])]), "without a mask of their own"),
    "a step of sequences": (lambda: CELL.step(PARAMS["float32"], ROWS), r"\(batch, features\), got 4 sequences"),
    "static_rnn of a Padded": (
        lambda: nr.static_rnn(CELL, PARAMS["float32"], nr.Padded.of(X)),
        "one a step, got Padded",
    ),
    "static_rnn of None": (lambda: nr.static_rnn(CELL, PARAMS["float32"], None), "one a step, got NoneType"),
    "rows in inspection": (lambda: nr.inspection.jacobian_norms(CELL, PARAMS["float32"], ROWS), "inputs of one length"),
    "a ragged mask": (
        call(X, mask=[[True], [True, False]]),
        "expected mask as one array, got list: its rows have diff",
    ),
    "ragged lengths": (call(X, lengths=[1, [2], 3, 4]), "expected lengths as one array, got list: its rows have"),
    "a ragged stream": (
        lambda: nr.contiguous_batches(ROWS, 2, 2),
        "contiguous_batches: expected a stream as one",
    ),
    "half a parameter": (
        lambda: nr.forward(CELL, PARAMS["float32"] | {"bias": PARAMS["float64"]["bias"]}, X),
        "parameter bias of dtype float32, got float64",
    ),
    "a parameter of another shape": (
        lambda: nr.forward(CELL, PARAMS["float32"] | {"bias": np.zeros(9, "f4")}, X),
        r"parameter bias of shape \(15,\), got \(9,\)",
    ),
    "half precision": (
        lambda: nr.forward(CELL, {k: v.astype("f2") for k, v in PARAMS["float32"].items()}, X),
        "expected parameters of dtype float32 or float64, got float16",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_sentence_names_what_is_wrong(name):
    run, message = WRONG[name]
    with pytest.raises(nr.InputError, match=message):
        run()


def test_one_feature_of_a_series():
    cell = nr.GRUCell(2)
    with pytest.raises(nr.InputError, match=r"got \(4, 6\); x\[..., None\] has one feature"):
        nr.forward(cell, cell.init_params(1), X[:, :, 0])


BLAMED = [cell(6, **({"number_of_groups": 2} if name == "GLSTMCell" else {})) for name, cell in nr.cells.CELLS.items()]
BLAMED += [
    nr.MultiRNNCell([nr.GRUCell(4), nr.LSTMCell(3)]),
    nr.DropoutWrapper(nr.GRUCell(4)),
    nr.LSTMCell(4, num_proj=2),
]


@pytest.mark.parametrize("cell", BLAMED, ids=[type(cell).__name__ for cell in BLAMED])
def test_every_cell_blames_the_inputs(cell):
    with pytest.raises(
        nr.InputError, match=rf"{type(cell).__name__}: expected inputs .* 6 features .* got \(2, 3, 12\)"
    ):
        nr.forward(cell, cell.init_params(6), np.zeros((2, 3, 12), "float32"))
