"""Whole models beside PyTorch: weights come in, train here and go back; files of safetensors; nothing half loaded."""

import itertools
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers as L
from numbarnn.interop import from_torch, load_torch, save_safetensors, to_torch

torch = pytest.importorskip("torch", reason="needs PyTorch (pip install torch)")
nn = torch.nn

RNG = np.random.default_rng(0)
B, T, WORDS = 6, 5, 11


class Tagger(nn.Module):
    """Tokens, a stack in both directions, normalised features, a GRU, and scores at each step."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, 3)
        self.stack = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.norm = nn.BatchNorm1d(8, eps=1e-3)
        self.gru = nn.GRU(8, 5, batch_first=True)
        self.scores = nn.Linear(5, 2)

    def forward(self, tokens):
        y, _ = self.stack(self.words(tokens))
        y, _ = self.gru(self.norm(y.mT).mT)
        return self.scores(y)


def ours(dtype="float64", **names):
    cell = lambda: nr.Bidirectional(nr.LSTMCell(4))  # noqa: E731
    layers = [
        L.Embedding(WORDS, 3),
        L.RNN([cell(), cell()], return_sequences=True),
        L.BatchNormalization(),
        L.GRU(5, return_sequences=True, dropout=0.1, recurrent_dropout=0.2),
        L.Dropout(0.3),
        L.TimeDistributed(L.Dense(2)),
    ]
    for layer, name in zip((layers[i] for i in (0, 1, 2, 3, 5)), names.values(), strict=False):
        layer.name = name
    model = nr.Sequential(layers, dtype=dtype, device="numpy")
    model.build((None, None))
    return model


NAMES = {"words": "words", "stack": "stack", "norm": "norm", "gru": "gru", "scores": "scores"}
TOKENS = RNG.integers(0, WORDS, (B, T))


def tagger():
    module = Tagger().double()
    for name, weight in module.state_dict().items():
        if weight.dtype.is_floating_point:
            values = RNG.standard_normal(weight.shape) * 0.5
            weight.copy_(torch.from_numpy(abs(values) + 0.5 if name == "norm.running_var" else values))
    return module.eval()


def check_same(model, module):
    expected = module(torch.from_numpy(TOKENS)).detach().numpy()
    assert abs(model.predict(TOKENS) - expected).max() < 1e-12


def test_a_model_comes_in_trains_and_goes_back():
    module, model = tagger(), ours(**NAMES)
    load_torch(model, module)
    check_same(model, module)
    for name, tensor in to_torch(model).items():  # two biases here and there: all bits stay
        assert_array_equal(tensor.numpy(), 0 if "stack.bias_hh" in name else join(module, name))
    before = model.get_weights()
    model.compile("adam", nr.losses.MeanSquaredError())
    model.fit(TOKENS, RNG.standard_normal((B, T, 2)), epochs=2, verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    module.load_state_dict(to_torch(model))
    check_same(model, module)


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-6), ("float64", 1e-12)])
def test_gradients_of_a_model_are_those_there(dtype, bound):
    """Of every kind of layer, in both directions and levels of a stack."""
    module, model = tagger().to(getattr(torch, dtype)), ours(dtype, **NAMES)
    load_torch(model, module)
    model.compile("sgd", nr.losses.MeanSquaredError(reduction="mean_all"))
    labels = RNG.standard_normal((B, T, 2)).astype(dtype)
    with torch.enable_grad():
        loss = torch.nn.functional.mse_loss(module(torch.from_numpy(TOKENS)), torch.from_numpy(labels))
        loss.backward()
    found, gradients = model.value_and_gradients(TOKENS, labels)
    assert abs(found - loss.item()) <= bound
    weights = model.get_weights()
    model.set_weights([gradients.get(name, w) for name, w in model.weights.items()])
    by_name, parameters = to_torch(model), dict(module.named_parameters())
    model.set_weights(weights)
    compared = [name for name in by_name if name in parameters and "stack.bias_hh" not in name]
    assert len(compared) == len(parameters) - 4
    for name in compared:  # the two biases of a gate have one gradient
        expected = parameters[name].grad
        assert abs(by_name[name] - expected).max() <= bound * max(1, abs(expected).max()), name


def test_what_pytorch_has_trained_goes_on_here_and_then_there():
    """Losses go on where they were, each time, and fall: say at each step whether the sum so far is above 0."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(1, 8, batch_first=True)
            self.scores = torch.nn.Linear(8, 2)

        def forward(self, x):
            return self.scores(self.lstm(x)[0])

    x = RNG.standard_normal((40, 7, 1)).astype("float32")
    y = (x.cumsum(axis=1)[..., 0] > 0).astype("int64")
    net = Net()
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.from_numpy(RNG.standard_normal(weight.shape) * 0.3))

    def loss_there():
        return torch.nn.functional.cross_entropy(net(torch.from_numpy(x)).swapaxes(1, 2), torch.from_numpy(y))

    def train_there():
        optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
        with torch.enable_grad():
            for _ in range(15):
                optimizer.zero_grad()
                loss_there().backward()
                optimizer.step()

    losses = [loss_there().item()]
    train_there()
    losses.append(loss_there().item())
    layers = [L.Input((None, 1)), L.LSTM(8, return_sequences=True, name="lstm"), L.Dense(2, name="scores")]
    model = nr.Sequential(layers, device="numpy")
    load_torch(model, net)
    model.compile(nr.optimizers.TorchAdam(0.02), nr.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert abs(model.evaluate(x, y, batch_size=40) - losses[-1]) < 1e-6
    model.fit(x, y, batch_size=40, epochs=15, verbose=0)
    losses.append(model.evaluate(x, y, batch_size=40))
    net.load_state_dict(to_torch(model))
    assert abs(loss_there().item() - losses[-1]) < 1e-6
    assert abs(net(torch.from_numpy(x)).detach().numpy() - model.predict(x)).max() < 1e-6
    train_there()
    losses.append(loss_there().item())
    assert all(after < 0.95 * before for before, after in itertools.pairwise(losses)), losses


def join(module, name):
    """The weight of a name; in cells, which have one bias, the sum of both."""
    state = module.state_dict()
    return state[name] + state[name.replace("_ih", "_hh")] if "stack.bias_ih" in name else state[name]


def test_modules_follow_each_other_as_layers_do():
    module, model = tagger(), ours()
    load_torch(model, module.state_dict())
    check_same(model, module)


def test_several_layers_of_a_module_may_be_layers_of_their_own():
    module = nn.Sequential(nn.LSTM(3, 4, num_layers=2, bidirectional=True), nn.Linear(8, 1)).double()
    both = lambda: L.Bidirectional(L.LSTM(4, return_sequences=True))  # noqa: E731
    model = nr.Sequential([L.Input((T, 3)), both(), both(), L.Dense(1)], dtype="float64", device="numpy")
    x = RNG.standard_normal((B, T, 3))
    expected = module[1](module[0](torch.from_numpy(x.swapaxes(0, 1)))[0]).detach().numpy().swapaxes(0, 1)
    load_torch(model, module)
    assert abs(model.predict(x) - expected).max() < 1e-12
    model.set_weights([w * 0 for w in model.get_weights()])
    load_torch(model, module, {"bidirectional": "0", "bidirectional_1": "0", "dense": "1"})
    assert abs(model.predict(x) - expected).max() < 1e-12


def drop(name):
    return lambda state: state.pop(name)


BAD = {
    "missing": (drop("gru.bias_hh_l0"), {}, "no bias_hh of gru"),
    "missing module": (lambda s: [s.pop(n) for n in list(s) if n.startswith("gru")], {}, "expected 6 layers .* got"),
    "extra": (lambda s: s.update({"head.weight": torch.zeros(2, 2)}), {}, "expected 6 layers with weights .* head"),
    "extra array": (lambda s: s.update({"scores.scale": torch.zeros(2)}), {}, "scale of scores too"),
    "extra direction": (lambda s: s.update({"gru.bias_ih_l0_reverse": torch.zeros(15)}), {}, "got gru too"),
    "shape": (lambda s: s.update({"scores.weight": torch.zeros(2, 6)}), {}, r"weight of scores of shape \(2, 5\)"),
    "names": (lambda s: None, {"names": {"gru": "gru"}}, "expected names of gru, norm, scores, stack, words, got gru"),
    "wrong name": (lambda s: None, {"names": NAMES | {"gru": "lstm"}}, "expected the name of a module .*, got 'lstm'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_state_dict_changes_nothing(case):
    change, options, expected = BAD[case]
    state, model = dict(tagger().state_dict()), ours(**NAMES)
    change(state)
    before = model.get_weights()
    with pytest.raises(nr.InputError, match=expected):
        load_torch(model, state, **options)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_doubles_do_not_fit_into_floats():
    with pytest.raises(nr.InputError, match="expected float32, the dtype of the model, got float64"):
        load_torch(ours("float32"), tagger())
    model = ours()
    load_torch(model, tagger().float())
    assert model.weights["dense/kernel" if "dense/kernel" in model.weights else "time_distributed/kernel"].any()


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (L.GRU(3, reset_after=False), "PyTorch has no counterpart of GRUCell"),
        (L.LSTM(3, "relu"), "expected activation 'tanh'"),
        (L.LSTM(3, go_backwards=True), "expected layers that read forwards"),
        (L.Bidirectional(L.LSTM(3), "sum"), "expected merge_mode 'concat'"),
        (L.Bidirectional(L.RNN([nr.LSTMCell(3), nr.LSTMCell(3)])), "level by level"),
        (L.RNN([nr.LSTMCell(3), nr.LSTMCell(4)]), "expected cells of one kind and size"),
        (L.RNN(nr.SRUCell(3)), "PyTorch has no counterpart of SRUCell"),
        (L.RNN(nr.ResidualWrapper(nr.LSTMCell(2))), "PyTorch has no counterpart of ResidualWrapper"),
    ],
)
def test_layers_without_counterpart_are_named(layer, expected):
    model = nr.Sequential([L.Input((T, 2)), layer])
    with pytest.raises(nr.InputError, match=expected):
        to_torch(model)


def test_models_and_parameters_are_not_mixed_up():
    for wrong in (nr.Sequential([L.LSTM(3)]), [1, 2], None):
        with pytest.raises(nr.InputError, match=r"expected a built model|expected a cell or a model"):
            to_torch(wrong)
    with pytest.raises(nr.InputError, match="expected the params of the cell, got NoneType"):
        to_torch(nr.LSTMCell(3))
    with pytest.raises(nr.InputError, match="got both"):
        to_torch(ours(), {})


def test_safetensors_hold_cells_and_models(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="needs safetensors (pip install safetensors)")
    cell, path = nr.MultiRNNCell([nr.LSTMCell(3, num_proj=2), nr.LSTMCell(3, num_proj=2)]), tmp_path / "a.safetensors"
    params = cell.init_params(4, rng=1)
    save_safetensors(path, cell, params)
    nn.LSTM(4, 3, num_layers=2, proj_size=2).load_state_dict(safetensors.load_file(path))
    again, same = from_torch(path)
    assert {n: a.tobytes() for n, a in same.items()} == {n: a.tobytes() for n, a in params.items()}
    assert again.cells == (nr.LSTMCell(3, num_proj=2),) * 2

    module, model = tagger(), ours(**NAMES)
    safetensors.save_file(module.state_dict(), path)
    load_torch(model, path)
    check_same(model, module)
    save_safetensors(path, model)
    module.load_state_dict(safetensors.load_file(path))
    check_same(model, module)
    with pytest.raises(nr.InputError, match=r"expected names, the modules of .* as a file does not keep their order"):
        load_torch(ours(), path)
    whole = path.read_bytes()
    changed = whole[:-1] + bytes([whole[-1] ^ 1])  # a bit of a number, for which the format has no checksum
    for data, why in ((changed, "its arrays have changed since they were written"), (whole[:100], ""), (b"", "")):
        path.write_bytes(data)
        with pytest.raises(nr.InputError, match=rf"a.safetensors: not a file of safetensors that can be read .*{why}"):
            load_torch(model, path)
    torch.save(to_torch(model), path)
    with pytest.raises(nr.InputError, match=r"not a file of safetensors .*; torch\.load reads files of torch\.save"):
        load_torch(model, path)


def test_missing_packages_are_named(tmp_path, monkeypatch):
    cell = nr.LSTMCell(3)
    for package in ("torch", "safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"to_torch needs PyTorch: pip install 'numbarnn\[torch\]'"):
        to_torch(cell, cell.init_params(2))
    with pytest.raises(ImportError, match=r"save_safetensors needs safetensors: .*numbarnn\[safetensors\]"):
        save_safetensors(tmp_path / "x", cell, cell.init_params(2))
    with pytest.raises(ImportError, match="safetensors"):
        from_torch(tmp_path / "x")
    assert from_torch({"weight_ih": np.ones((4, 3)), "weight_hh": np.ones((4, 1))})[0] == nr.LSTMCell(1, use_bias=False)


@pytest.mark.parametrize("layer", [L.GRU(4), L.RNN(L.GRUCell(4)), L.RNN(nr.ResetAfterGRUCell(4))], ids=repr)
def test_grus_in_the_order_of_keras_and_in_ours(layer):
    module = nn.GRU(3, 4, batch_first=True).double()
    model = nr.Sequential([L.Input((None, 3)), layer], dtype="float64", device="numpy")
    load_torch(model, nn.ModuleDict({"gru": module}))
    x = RNG.standard_normal((B, T, 3))
    expected = module(torch.from_numpy(x))[0][:, -1].detach().numpy()
    assert_allclose(model.predict(x), expected, rtol=1e-12)
    back = to_torch(model)
    for name, weight in module.state_dict().items():
        (found,) = (array for key, array in back.items() if key.endswith(name))
        if "bias" not in name:
            assert_array_equal(found.numpy(), weight.numpy())
