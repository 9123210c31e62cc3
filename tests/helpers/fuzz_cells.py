"""A random call of `nr.forward` and `Run.backward`, on two engines; see `helpers.fuzz`."""

from dataclasses import dataclass, field

import numpy as np

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves, tree_map

from .layouts import KEPT, LAYOUTS, REFUSED, Watched, laid_out, odd_bytes

TOKENS = 9
lstm, gru, rnn = nr.LSTMCell, nr.GRUCell, nr.SimpleRNNCell

# name: (H, I) -> cell. Few equations, so that few kernels are compiled.
CELLS = {
    "rnn": lambda H, I: rnn(H),
    "lstm": lambda H, I: lstm(H),
    "gru": lambda H, I: gru(H),
    "reset after": lambda H, I: nr.ResetAfterGRUCell(H),
    "peepholes": lambda H, I: lstm(H, use_peepholes=True, forget_bias=1.0),
    "projection": lambda H, I: lstm(H, num_proj=max(1, H // 2)),
    "clipped projection": lambda H, I: lstm(H, num_proj=3, proj_clip=0.4),
    "carried projection": lambda H, I: gru(H, num_proj=max(1, H // 2)),
    "layer norm": lambda H, I: nr.LayerNormLSTMCell(max(H, 16)),
    "grid": lambda H, I: nr.GridLSTMCell(H, feature_size=I, frequency_skip=1, num_frequency_blocks=[1]),
    "grid of three": lambda H, I: nr.GridLSTMCell(
        H, feature_size=1, frequency_skip=max(1, I // 2), num_frequency_blocks=[(I - 1) // max(1, I // 2) + 1]
    ),
    "stack": lambda H, I: nr.MultiRNNCell([lstm(H), gru(4), rnn(H)]),
    "stack, one array": lambda H, I: nr.MultiRNNCell([gru(H), rnn(3)], state_is_tuple=False),
    "residual": lambda H, I: nr.ResidualWrapper(gru(I)),
    "highway": lambda H, I: nr.HighwayWrapper(lstm(I)),
    "projections": lambda H, I: nr.OutputProjectionWrapper(nr.InputProjectionWrapper(lstm(H), 4), 2),
    "embedding": lambda H, I: nr.EmbeddingWrapper(lstm(H), TOKENS, 4),
    "embedding in a stack": lambda H, I: nr.MultiRNNCell([nr.EmbeddingWrapper(gru(H), TOKENS, 20), rnn(3)]),
    "dropout": lambda H, I: nr.DropoutWrapper(lstm(H), input_keep_prob=0.6, output_keep_prob=0.7),
    "state dropout": lambda H, I: nr.DropoutWrapper(gru(H), state_keep_prob=0.6, variational_recurrent=True),
    "drop connect": lambda H, I: nr.DropConnectWrapper(lstm(H), 0.4),
    "zoneout": lambda H, I: nr.ZoneoutWrapper(lstm(H), zoneout_h=0.3, zoneout_c=0.2),
    "both directions": lambda H, I: nr.Bidirectional(lstm(H), gru(H), merge_mode="sum"),
    "both in a stack": lambda H, I: nr.MultiRNNCell([nr.Bidirectional(gru(H), rnn(2)), lstm(3)]),
    "concatenated": lambda H, I: nr.ConcatenatedState(lstm(H)),
}
BOUNDS = {"float64": 1e-10, "float32": 2e-4}


@dataclass
class Call:
    """Arguments of a run and of its gradient."""

    cell: object
    forward: dict = field(default_factory=dict)  # of `nr.forward`, params and x among them
    backward: dict = field(default_factory=dict)
    own: str = ""  # what the gradient gets of the run itself: its outputs or its state


def draw(rng):
    """Draw a call with plain arrays."""
    name = list(CELLS)[rng.integers(len(CELLS))]
    large = rng.random() < 0.04
    T, B = (int(rng.integers(3, 6)), 60) if large else (int(rng.integers(0, 8)), int(rng.integers(0, 6)))
    if rng.random() < 0.8:
        T, B = max(T, 1), max(B, 1)
    I, H = int(rng.choice([1, 2, 5, 17])), 70 if large else int(rng.choice([1, 3, 7, 16, 18]))
    cell, dtype = CELLS[name](H, I), str(rng.choice(["float32", "float64"]))
    number = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    params = {n: w + 0.1 * number(*w.shape) for n, w in cell.init_params(I, rng, dtype).items()}
    x = (
        rng.integers(0, TOKENS, (B, T)).astype(rng.choice(["i8", "i4", "u1"]))
        if cell.takes_integers
        else number(B, T, I)
    )
    call = Call(cell, {"params": params, "x": x})
    if rng.random() < 0.7:
        call.forward["initial_state"] = tree_map(lambda n: 0.5 * number(B, n), cell.state_size)
    valid = str(rng.choice(["", "lengths", "mask"]))
    if valid == "lengths":
        lengths = rng.integers(0, T + 1, B)
        lengths[rng.random(B) < 0.3] = 0
        lengths[rng.random(B) < 0.3] = T
        call.forward["lengths"] = lengths.astype(rng.choice(["i8", "i4", "u1", "u8"]))
    if valid == "mask":
        mask = rng.random((B, T)) < rng.choice([0.0, 0.3, 0.7, 1.0])
        mask[rng.random(B) < 0.25] = False
        call.forward["mask"] = mask
    if rng.random() < 0.25:
        call.forward["reset_mask"] = rng.random((B, T)) < 0.3
    if rng.random() < 0.3:
        call.forward["reverse"] = True
    if rng.random() < 0.4:
        call.forward |= {"training": True, "rng": int(rng.integers(100))}
    if rng.random() < 0.4:
        call.forward["save"] = "minimal"
    if rng.random() < 0.85:
        call.backward["d_outputs"] = number(B, T, cell.output_size)
    if rng.random() < 0.7:
        call.backward["d_state"] = tree_map(lambda n: number(B, n) if rng.random() < 0.8 else None, cell.state_size)
    if rng.random() < 0.3:
        k1 = int(rng.integers(1, 5))
        call.backward |= {"truncate": (k1, k1 + int(rng.integers(0, 4)))}
        call.backward["loss_scope"] = str(rng.choice(["new", "window"]))
    if rng.random() < 0.1:
        call.own = str(rng.choice(["d_outputs", "d_state"]))
    spoil(rng, call, T)
    if rng.random() < 0.4:
        call.forward["time_major"] = True
        for arguments, names in ((call.forward, ("x", "mask", "reset_mask")), (call.backward, ("d_outputs",))):
            for each in set(names) & arguments.keys():
                arguments[each] = arguments[each].swapaxes(0, 1)
    return call


def spoil(rng, call, T):
    """Put NaN where nothing may read it."""
    forward, backward = call.forward, call.backward
    valid = forward.get("mask")
    if "lengths" in forward:
        valid = np.arange(T) < forward["lengths"][:, None]
    if valid is None or rng.random() < 0.5:
        return
    x = forward["x"]
    x[~valid] = np.nan if x.dtype.kind == "f" else 0
    if "d_outputs" in backward:
        backward["d_outputs"][~valid] = np.nan
    if "initial_state" in forward and "reset_mask" not in forward:
        for array in tree_leaves(forward["initial_state"]):
            array[~valid.any(axis=1)] = np.nan


def lay_out(rng, call):
    """Give every array an odd layout, or one that is refused."""
    odd = lambda array, layouts=LAYOUTS: laid_out(rng, array, layouts=layouts)  # noqa: E731
    kept = lambda array: odd(array, KEPT)  # noqa: E731
    some = lambda array: None if array is None else odd(array)  # noqa: E731
    forward, backward = call.forward, call.backward
    # where only some values are right, none is repeated
    forward["x"] = (kept if forward["x"].dtype.kind in "iu" or np.isnan(forward["x"]).any() else odd)(forward["x"])
    # equal units have no variance: layer norm would amplify their rounding without bound
    weights = kept if "LayerNorm" in type(call.cell).__name__ else odd
    forward["params"] = {name: weights(w) for name, w in forward["params"].items()}
    if "lengths" in forward:
        forward["lengths"] = kept(forward["lengths"])
    for name in {"mask", "reset_mask"} & forward.keys():
        forward[name] = kept(odd_bytes(rng, forward[name]) if rng.random() < 0.3 else forward[name])
    if "initial_state" in forward:
        any_nan = any(np.isnan(a).any() for a in tree_leaves(forward["initial_state"]))
        forward["initial_state"] = tree_map(kept if any_nan else odd, forward["initial_state"])
    if "d_outputs" in backward:
        any_nan = np.isnan(backward["d_outputs"]).any()
        backward["d_outputs"] = (kept if any_nan else odd)(backward["d_outputs"])
    if "d_state" in backward:
        backward["d_state"] = tree_map(some, backward["d_state"])


def break_one(rng, call):
    """Make one argument wrong."""
    forward, backward = call.forward, call.backward
    places = [(forward, "x"), *((forward["params"], name) for name in forward["params"])]
    places += [(forward, name) for name in ("lengths", "mask", "reset_mask") if name in forward]
    places += [(backward, "d_outputs")] if "d_outputs" in backward else []
    where, name = places[rng.integers(len(places))]
    array = np.asarray(where[name])
    kind = rng.integers(9)
    if kind == 0:
        where[name] = array.astype(rng.choice(["f2", "f4", "f8", "c8", "i4", "?", "U3"]))
    elif kind == 1:
        where[name] = array[:-1] if array.ndim else array[None]
    elif kind == 2:
        where[name] = array[None]
    elif kind == 3:
        where[name] = REFUSED[rng.integers(len(REFUSED))](rng, array)
    elif kind == 4 and array.dtype.kind == "f" and array.size:
        where[name] = array = array.copy()
        array.flat[rng.integers(array.size)] = rng.choice([np.nan, np.inf])
    elif kind == 5:
        where[name] = [array.tolist(), None, "word", 3, object()][rng.integers(5)]
    elif kind == 6:
        forward["lengths"] = np.array([[-1], [99], 2, [1.5], [1, 1]][rng.integers(3)])
    elif kind == 7:
        state = forward.get("initial_state")
        forward["initial_state"] = [(), [state], (state, state), "h", {"h": state}][rng.integers(5)]
    else:
        backward["truncate"] = [(0, 1), (2, 1), 3, (1, 2, 3), (1.0, 2)][rng.integers(5)]


def perform(call, device):
    """Run a call: {name: array} of everything that it gives, or the sentence with which it is refused."""
    try:
        run = nr.forward(call.cell, call.forward["params"], **without(call.forward, "params"), device=device)
        found = {"outputs": run.outputs} | named("final", run.state)
        found = {name: array.copy() for name, array in found.items()}
        own = {"d_outputs": run.outputs, "d_state": run.state}
        backward = call.backward | ({call.own: own[call.own]} if call.own else {})
        found |= gradients(run, backward)
        again = gradients(run, backward)
    except nr.InputError as error:
        return str(error)
    for name, d in again.items():
        assert np.array_equal(d, found[name], equal_nan=True), f"{name} differs in the second gradient"
    after = {"outputs": run.outputs} | named("final", run.state)
    for name, array in after.items():
        assert np.array_equal(array, found[name], equal_nan=True), f"{name} has changed in the backward pass"
    return found


def gradients(run, backward):
    grads = run.backward(**backward)
    found = {f"d {name}": d for name, d in grads.params.items()} | named("d initial", grads.initial_state)
    return found | ({} if grads.inputs is None else {"d inputs": grads.inputs})


def named(what, state):
    return {f"{what} {i}": a for i, a in enumerate(tree_leaves(state))}


def without(arguments, *names):
    return {name: value for name, value in arguments.items() if name not in names}


def plain(call):
    """The same call with contiguous copies of the arrays, in float64."""

    def copy(value):
        if isinstance(value, dict):
            return {name: copy(each) for name, each in value.items()}
        if isinstance(value, tuple) and value and not isinstance(value[0], int):
            return tree_map(lambda a: None if a is None else copy(a), value)
        if hasattr(value, "__array__"):
            array = np.asarray(value)
            return np.array(array, "f8" if array.dtype.kind == "f" else array.dtype, order="C", subok=False)
        return value

    return Call(call.cell, copy(call.forward), copy(call.backward), call.own)


def assert_close(found, expected, dtype, call):
    """Equal within rounding; where a problem amplifies it, at most five times as far from float64 as NumPy is."""
    assert found.keys() == expected.keys()
    truth = None
    for name, want in expected.items():
        got = found[name]
        assert got.dtype == want.dtype == dtype, f"{name}: {got.dtype}, expected {want.dtype}"
        assert got.shape == want.shape, f"{name}: shape {got.shape}, expected {want.shape}"
        nan = np.isnan(want)
        assert np.array_equal(np.isnan(got), nan), f"{name}: NaN elsewhere"
        error = distance(got, want)
        if error > BOUNDS[str(dtype)]:
            truth = truth or perform(plain(call), "numpy")
            ours, numpys = distance(got, truth[name]), distance(want, truth[name])
            assert dtype == np.float32, f"{name}: {error:.1e}"
            assert ours <= 5 * numpys, f"{name}: {error:.1e}, from float64 {ours:.1e} and {numpys:.1e}"


def distance(got, want):
    finite = np.isfinite(want)
    scale = max(np.abs(want[finite]).max(initial=0), 0.1)
    with np.errstate(all="ignore"):
        difference = np.where(got == want, 0, np.abs(got.astype("f8") - want))
    return difference[~np.isnan(want)].max(initial=0) / scale


def case(rng, device="cpu"):
    """Run a case; returns "equal" or "refused"."""
    call = draw(rng)
    lay_out(rng, call)
    broken = rng.random() < 0.15
    for _ in range(broken * (1 + (rng.random() < 0.3))):
        break_one(rng, call)
    watched = Watched()
    watched.add((call.forward, call.backward))
    expected, found = perform(call, "numpy"), perform(call, device)
    watched.assert_unchanged()
    if isinstance(expected, str) or isinstance(found, str):
        assert found == expected, f"{found!r} on {device}, {expected!r} on numpy"
        return "refused"
    for results in (found, expected):
        watched.assert_apart(results)
    dtype = next(iter(call.forward["params"].values()))
    assert_close(found, expected, np.asarray(dtype).dtype, call)
    return "equal"
