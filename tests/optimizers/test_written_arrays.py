"""What is written in place: only writeable NumPy arrays with memory of their own, else an error and no change."""

import numpy as np
import pytest

import numbarnn as nr
from numbarnn import layers as L

SHAPE = (7, 9)


class Imported:
    """An array of another library, whose memory NumPy can see, as those of JAX are."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __getitem__(self, index):
        return self.values[index]

    def __setitem__(self, index, value):
        raise TypeError("immutable")


def read_only(tmp_path):
    w = np.ones(SHAPE, "f4")
    w.flags.writeable = False
    return w


def mapped_file(tmp_path):
    np.ones(SHAPE, "f4").tofile(tmp_path / "weights")
    return np.memmap(tmp_path / "weights", "f4", "r", shape=SHAPE)


def unaligned(tmp_path):
    memory = np.zeros(4 * 63 + 1, np.uint8)
    return memory[1:].view("f4").reshape(SHAPE)


def one_number(tmp_path):
    return np.lib.stride_tricks.as_strided(np.ones(1, "f4"), SHAPE, (0, 0))


def windows(tmp_path):
    return np.lib.stride_tricks.as_strided(np.ones(20, "f4"), SHAPE, (4, 4))


@pytest.mark.parametrize("make", [nr.optimizers.SGD, nr.optimizers.Adam])
@pytest.mark.parametrize("odd", [False, True])
def test_gradients_in_the_memory_of_parameters(make, odd):
    """Those of another parameter, and a window behind the parameter itself."""
    memory = np.random.default_rng(1).standard_normal(400).astype("f4")
    first, window = memory[150:350], memory[145:345]
    second = np.repeat(memory[:200], 2)[::2] if odd else memory[:200].copy()
    params, gradients = {"a": first, "b": second}, {"a": window, "b": first}
    apart, copies = ({name: a.copy() for name, a in arrays.items()} for arrays in (params, gradients))
    make(0.1).apply(params, gradients)
    make(0.1).apply(apart, copies)
    for name, w in apart.items():
        np.testing.assert_array_equal(params[name], w)


REFUSED = {
    "read-only": read_only,
    "read-only file": mapped_file,
    "bytes": lambda tmp_path: np.frombuffer(np.ones(SHAPE, "f4").tobytes(), "f4").reshape(SHAPE),
    "broadcast": lambda tmp_path: np.broadcast_to(np.float32(1), SHAPE),
    "another library's": lambda tmp_path: Imported(np.ones(SHAPE, "f4")),
    "masked": lambda tmp_path: np.ma.ones(SHAPE, "f4"),
    "unaligned": unaligned,
    "one number": one_number,
    "windows": windows,
}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kind", REFUSED)
def test_parameters_that_must_not_be_written(kind, optimizer, tmp_path):
    params = {"a": np.ones(SHAPE, "f4"), "b": REFUSED[kind](tmp_path), "c": np.ones(SHAPE, "f4")}
    before = {name: np.array(w) for name, w in params.items()}
    gradients = {name: np.ones(SHAPE, "f4") for name in params}
    optimizer = nr.optimizers.get(optimizer)
    with pytest.raises(nr.InputError, match="expected parameter b to be a writeable NumPy array, got"):
        optimizer.apply(params, gradients)
    for name, w in params.items():
        np.testing.assert_array_equal(np.asarray(w), before[name])
    assert optimizer.iterations == 0 and optimizer.slots == {}


@pytest.mark.parametrize("kind", REFUSED)
def test_slots_that_must_not_be_written(kind, tmp_path):
    params = {name: np.ones(SHAPE, "f4") for name in "abc"}
    gradients = {name: np.ones(SHAPE, "f4") for name in params}
    optimizer = nr.optimizers.TF1Momentum()
    optimizer.slots = {name: {"sum": np.ones(SHAPE, "f4")} for name in "ab"}
    optimizer.slots["b"]["sum"] = REFUSED[kind](tmp_path)
    with pytest.raises(nr.InputError, match="expected sum of b to be a writeable NumPy array, got"):
        optimizer.apply(params, gradients)
    for array in (*params.values(), optimizer.slots["a"]["sum"]):
        np.testing.assert_array_equal(array, 1)
    assert optimizer.iterations == 0 and list(optimizer.slots) == ["a", "b"]


def test_memory_that_two_names_share():
    """Two threads would change it at once; the number of updates that it gets would depend on them."""
    whole = np.ones((9, 9), "f4")
    for a, b in ((whole, whole), (whole[:5], whole[4:]), (whole[:, :5], whole[:, 4:]), (whole, whole[3:4])):
        optimizer = nr.optimizers.SGD()
        with pytest.raises(nr.InputError, match="expected parameter a and parameter b to be arrays of their own"):
            optimizer.apply({"a": a, "b": b}, {"a": np.ones_like(a), "b": np.ones_like(b)})
        assert (whole == 1).all()
    optimizer = nr.optimizers.TF1Momentum()
    optimizer.slots = {"a": {"sum": whole}}
    with pytest.raises(nr.InputError, match="arrays of their own"):
        optimizer.apply({"a": whole}, {"a": np.ones_like(whole)})


def test_views_side_by_side_and_files_to_write_are_parameters(tmp_path):
    np.ones(SHAPE, "f4").tofile(tmp_path / "weights")
    file, whole = np.memmap(tmp_path / "weights", "f4", "r+", shape=SHAPE), np.ones((8, 10), "f4")
    params = {"file": file, "left": whole[:, :5], "right": whole[::-1, 5:].T, "none": np.ones((0, 3), "f4")}
    for optimizer in (nr.optimizers.SGD(0.5), nr.optimizers.TF1Momentum(0.5, momentum=0.0)):
        for w in params.values():
            w[...] = 1
        optimizer.apply(params, {name: np.ones_like(w) for name, w in params.items()})
        assert all((w == 0.5).all() for w in params.values())
    file.flush()
    np.testing.assert_array_equal(np.fromfile(tmp_path / "weights", "f4"), 0.5)


def model():
    made = nr.Sequential([L.Input((4,)), L.Dense(3), L.BatchNormalization(), L.Dense(1)])
    made.compile("adam", "mse")
    return made


@pytest.mark.parametrize("part", ["dense/kernel", "dense_1/bias", "moving_variance"])
@pytest.mark.parametrize("way", ["fit", "set_weights", "load_weights"])
def test_weights_of_a_model_change_all_or_none(way, part, tmp_path):
    """Parameters and moving averages alike."""
    rng, target = np.random.default_rng(0), model()
    x, y = rng.standard_normal((6, 4)).astype("f4"), np.zeros((6, 1), "f4")
    new = [w + 1 for w in target.get_weights()]
    target.save_weights(tmp_path / "weights")
    target.set_weights(new)
    name = next(name for name in target.weights if part in name)
    target.weights[name].flags.writeable = False
    ways = {
        "fit": lambda: target.fit(x, y, verbose=0),
        "set_weights": lambda: target.set_weights(new[::1]),
        "load_weights": lambda: target.load_weights(tmp_path / "weights"),
    }
    with pytest.raises(nr.InputError, match=f"{name} to be a writeable NumPy array, got one that is read-only"):
        ways[way]()
    for now, before in zip(target.get_weights(), new, strict=True):
        np.testing.assert_array_equal(now, before)


NO_FLOATS = {
    "text": np.full((2, 3), "1.5"),
    "bytes": np.full((2, 3), b"1"),
    "objects": np.ones((2, 3), object),
    "None in it": np.full((2, 3), None),
    "integers": np.ones((2, 3), int),
    "booleans": np.ones((2, 3), bool),
    "complex": np.ones((2, 3), complex),
    "dates": np.zeros((2, 3), "M8[s]"),
    "masked": np.ma.ones((2, 3), "f4"),
    "lists of text": [["1"] * 3] * 2,
    "another shape": np.ones((3, 2), "f4"),
    "a number": 1.0,
    "a dict": {},
    "none": None,
}


@pytest.mark.parametrize("options", [{}, {"clipnorm": 1.0}, {"lazy": True}])
@pytest.mark.parametrize("kind", NO_FLOATS)
def test_gradients_that_are_no_floats(kind, options):
    """Text and None were converted without a word, and complex numbers lost a part."""
    w, optimizer = {"a": np.ones((2, 3), "f4"), "b": np.ones((2, 3), "f4")}, nr.optimizers.Adam(**options)
    with pytest.raises(nr.InputError, match="Adam: expected a gradient of b"):
        optimizer.apply(w, {"a": np.ones((2, 3), "f4"), "b": NO_FLOATS[kind]})
    assert (w["a"] == 1).all() and optimizer.iterations == 0 and not optimizer.slots


def test_gradients_of_other_floats():
    """They are converted, and so are lists of floats."""
    expected, g = np.ones((2, 3), "f4"), np.arange(1.0, 7).reshape(2, 3)
    nr.optimizers.SGD(0.5).apply({"a": expected}, {"a": g.astype("f4")})
    for given in (g, g.astype("f2"), g.astype(">f4"), g.tolist(), np.asfortranarray(g)):
        w = np.ones((2, 3), "f4")
        nr.optimizers.SGD(0.5).apply({"a": w}, {"a": given})
        np.testing.assert_array_equal(w, expected)
