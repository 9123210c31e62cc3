"""Weights from and to PyTorch: outputs, states and gradients as of its modules, and round trips that keep every bit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.interop import from_torch, to_torch
from numbarnn.utils.tree import tree_leaves

torch = pytest.importorskip("torch", reason="needs PyTorch (pip install torch)")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")

B, T, I, H = 4, 7, 3, 5
LENGTHS = np.array([7, 1, 4, 6])
RNG = np.random.default_rng(0)
BOUNDS = {"float32": 1e-6, "float64": 1e-12}
MODULES = {
    "RNN": (nn.RNN, {}),
    "RNN relu": (nn.RNN, {"nonlinearity": "relu", "bidirectional": True}),
    "RNN without bias": (nn.RNN, {"bias": False, "num_layers": 2}),
    "LSTM": (nn.LSTM, {}),
    "LSTM both directions": (nn.LSTM, {"bidirectional": True, "num_layers": 2}),
    "LSTM projected": (nn.LSTM, {"proj_size": 2, "num_layers": 3, "bidirectional": True}),
    "LSTM without bias": (nn.LSTM, {"bias": False, "proj_size": 3}),
    "GRU": (nn.GRU, {}),
    "GRU both directions": (nn.GRU, {"bidirectional": True, "num_layers": 2}),
    "GRU without bias": (nn.GRU, {"bias": False, "bidirectional": True}),
}
CELLS = {"RNNCell": (nn.RNNCell, {"nonlinearity": "relu"}), "LSTMCell": (nn.LSTMCell, {}), "GRUCell": (nn.GRUCell, {})}


def module_of(kind, options, dtype="float32"):
    """A module with random weights."""
    module = kind(I, H, **options, **({} if "Cell" in kind.__name__ else {"batch_first": True}))
    for weight in module.parameters():
        weight.data = torch.from_numpy(RNG.standard_normal(weight.shape) * 0.5)
    return module.to(getattr(torch, dtype))


def check(ours, theirs, dtype):
    theirs = theirs.detach().numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    assert abs(ours - theirs).max() <= BOUNDS[dtype] * max(1, abs(theirs).max())


def check_gradients(cell, grads, module, dtype):
    """Both biases have the gradient of ours in PyTorch, but for that of a GRU's candidate."""
    for name, ours in to_torch(cell, grads).items():
        theirs = module.get_parameter(name).grad
        if "bias_hh" not in name:
            check(ours.numpy(), theirs, dtype)
        elif isinstance(module, nn.GRU):
            check(ours.numpy()[2 * H :], theirs[2 * H :], dtype)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("case", MODULES)
def test_runs_as_the_module_does(case, dtype):
    module = module_of(*MODULES[case], dtype)
    cell, params = from_torch(module)
    x = RNG.standard_normal((B, T, I)).astype(dtype)
    theirs = torch.from_numpy(x).requires_grad_()
    outputs, states = module(theirs)
    device = "cpu" if case in ("RNN", "LSTM", "GRU") else "numpy"
    run = nr.forward(cell, params, x, device=device)
    check(run.outputs, outputs, dtype)
    d_outputs = RNG.standard_normal(run.outputs.shape).astype(dtype)
    (outputs * torch.from_numpy(d_outputs)).sum().backward()
    grads = run.backward(d_outputs)
    check(grads.inputs, theirs.grad, dtype)
    check_gradients(cell, grads.params, module, dtype)
    # PyTorch's states are (h, c) of all layers and directions, ours (h, c) of each
    by_kind = list(zip(*[iter(tree_leaves(run.state))] * (2 if isinstance(module, nn.LSTM) else 1), strict=True))
    for ours, state in zip(zip(*by_kind, strict=True), states if isinstance(states, tuple) else [states], strict=True):
        check(np.stack(ours), state, dtype)


@pytest.mark.parametrize("case", ["RNN relu", "LSTM both directions", "GRU both directions"])
def test_packed_sequences_are_lengths(case):
    module = module_of(*MODULES[case], "float64")
    cell, params = from_torch(module)
    x, pack = RNG.standard_normal((B, T, I)), nn.utils.rnn.pack_padded_sequence
    packed, _ = module(pack(torch.from_numpy(x), LENGTHS, batch_first=True, enforce_sorted=False))
    outputs, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    run = nr.forward(cell, params, x, lengths=LENGTHS, device="numpy")
    check(run.outputs, outputs, "float64")
    d_outputs = RNG.standard_normal(run.outputs.shape)
    (outputs * torch.from_numpy(d_outputs)).sum().backward()
    check_gradients(cell, run.backward(d_outputs).params, module, "float64")


@pytest.mark.parametrize("case", CELLS)
def test_a_cell_makes_the_same_step(case):
    module = module_of(*CELLS[case], "float64")
    cell, params = from_torch(module)
    x = RNG.standard_normal((B, I))
    state = cell.State(*RNG.standard_normal((len(cell.states), B, H)))
    theirs = [torch.from_numpy(s) for s in state]
    expected = module(torch.from_numpy(x), tuple(theirs) if len(theirs) > 1 else theirs[0])
    output, _ = cell.step(params, x, state)
    check(output, expected[0] if len(theirs) > 1 else expected, "float64")


@pytest.mark.parametrize("case", MODULES)
def test_round_trips_keep_every_bit(case):
    module = module_of(*MODULES[case])
    cell, params = from_torch(module)
    state = to_torch(cell, params)
    module.load_state_dict(state)
    again, same = from_torch(state, cell)
    assert again is cell
    assert {name: array.tobytes() for name, array in same.items()} == {n: a.tobytes() for n, a in params.items()}
    for name, tensor in to_torch(cell, same).items():
        assert_array_equal(tensor.numpy(), state[name].numpy())
        assert name.startswith("weight") or "ih" in name or not tensor[: 2 * H].any()


def test_a_state_dict_says_all_but_the_activation():
    module = module_of(nn.RNN, {"nonlinearity": "relu"})
    state = {f"encoder.rnn.{name}": tensor.numpy() for name, tensor in module.state_dict().items()}
    cell, params = from_torch(state, prefix="encoder.rnn")
    assert cell == nr.SimpleRNNCell(H)
    relu, _ = from_torch(module.state_dict(), nr.SimpleRNNCell(H, activation="relu"))
    assert relu.activation == from_torch(module)[0].activation == "relu"
    assert params["kernel"].flags.carray and not np.shares_memory(
        params["kernel"], module.weight_ih_l0.detach().numpy()
    )


def test_dropout_between_layers_comes_in():
    cell, _ = from_torch(nn.LSTM(I, H, num_layers=3, dropout=0.25))
    assert [getattr(level, "output_keep_prob", 1) for level in cell.cells] == [0.75, 0.75, 1]


def test_the_forget_bias_goes_into_the_bias():
    cell, x = nr.BasicLSTMCell(H), RNG.standard_normal((B, T, I))
    params = cell.init_params(I, rng=1, dtype="float64")
    module = module_of(nn.LSTM, {}, "float64")
    module.load_state_dict(to_torch(cell, params))
    check(nr.forward(cell, params, x, device="numpy").outputs, module(torch.from_numpy(x))[0], "float64")
    with pytest.raises(nr.InputError, match=r"expected a cell with forget_bias=0, .* got BasicLSTMCell\(5\)"):
        from_torch(module, cell)
    with pytest.raises(nr.InputError, match="expected use_bias=True, to hold the forget bias"):
        bare = nr.LSTMCell(H, forget_bias=1.0, use_bias=False)
        to_torch(bare, bare.init_params(I))


def damaged(change):
    state = dict(nn.LSTM(I, H, num_layers=2, proj_size=2).state_dict())
    change(state)
    return state


CELL = nr.MultiRNNCell([nr.LSTMCell(H, num_proj=2), nr.LSTMCell(H, num_proj=2)])
BAD = {
    "missing": (lambda s: s.pop("bias_hh_l1"), r"expected .*bias_ih_l1, .*; got no bias_hh_l1"),
    "missing matrix": (lambda s: s.pop("weight_hh_l1"), "weight_hh"),
    "missing layer": (lambda s: [s.pop(name) for name in list(s) if "l0" in name], "weight_ih_l0"),
    "unknown": (lambda s: s.update(weight_xx_l0=1), "weight_xx_l0"),
    "extra": (lambda s: s.update(bias_ih_l7=s["bias_ih_l0"]), "l7|weight_ih_l2"),
    "shape": (lambda s: s.update(bias_ih_l0=torch.zeros(7)), r"bias_ih_l0 of shape \(20,\), got \(7,\)"),
    "axes": (lambda s: s.update(weight_ih_l0=torch.zeros(3)), r"matrix weight_ih"),
    "rows": (lambda s: s.update(weight_hh_l0=torch.zeros(13, 2)), "weight_hh"),
    "dtype": (
        lambda s: s.update(bias_ih_l0=torch.zeros(20, dtype=torch.float16)),
        "bias_ih_l0 of dtype .* got float16",
    ),
    "mixed": (lambda s: s.update(bias_ih_l0=torch.zeros(20).double()), "expected arrays of one dtype"),
    "projection": (lambda s: s.update(weight_hr_l0=torch.zeros(())), "matrix weight_hr_l0|weight_hr_l0 of shape"),
    "too many": (lambda s: [s.pop("weight_hr_l0"), s.pop("weight_hr_l1")], "weight_h"),
    "name": (lambda s: s.update({3: 1}), "expected 3 of dtype|names such as"),
    "no array": (lambda s: s.update(bias_ih_l0="zeros"), "bias_ih_l0"),
    "no numbers": (lambda s: s.update(bias_ih_l0=torch.zeros(20, device="meta")), "bias_ih_l0 to be an array, got"),
    "empty": (lambda s: s.clear(), "expected names"),
}


@pytest.mark.parametrize("cell", [None, CELL])
@pytest.mark.parametrize("case", BAD)
def test_malformed_state_dicts_are_refused(case, cell):
    change, expected = BAD[case]
    with pytest.raises(nr.InputError, match=expected):
        from_torch(damaged(change), cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (nr.GRUCell(H), "PyTorch has no counterpart of GRUCell"),
        (nr.LSTMCell(H, cell_clip=3.0), "expected cell_clip None, as PyTorch's LSTM has it"),
        (nr.ResetAfterGRUCell(H, update="seed"), "expected update 'keep'"),
        (nr.SimpleRNNCell(H, activation="sigmoid"), "expected activation 'tanh' or 'relu'"),
        (nr.ResidualWrapper(nr.LSTMCell(I)), "PyTorch has no counterpart of ResidualWrapper"),
        (nr.Bidirectional(nr.LSTMCell(H), merge_mode="sum"), "expected merge_mode 'concat'"),
        (nr.MultiRNNCell([nr.LSTMCell(H), nr.LSTMCell(H + 1)]), "expected cells of one kind and size"),
        (nr.MultiRNNCell([nr.LSTMCell(H), nr.ResetAfterGRUCell(H)]), "expected cells of one kind and size"),
    ],
)
def test_cells_without_counterpart_are_named(cell, expected):
    with pytest.raises(nr.InputError, match=expected):
        to_torch(cell, cell.init_params(I))


def test_wrong_parameters_are_refused():
    cell = nr.LSTMCell(H)
    params = cell.init_params(I)
    for wrong in ({}, params | {"bias": params["bias"][1:]}, params | {"peephole": params["bias"]}):
        with pytest.raises(nr.InputError, match=r"LSTMCell|expected the parameters"):
            to_torch(cell, wrong)
