"""`nr.torch.RNN`: the bits of `nr.forward` and its gradients, what autograd asks of a function, and errors."""

import copy
import pickle
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves, tree_map

torch = pytest.importorskip("torch", reason="needs PyTorch (pip install torch)")
rnn_utils = torch.nn.utils.rnn

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


def inputs(dtype="float32", shape=(B, T, I)):
    return torch.from_numpy(np.random.default_rng(1).standard_normal(shape).astype(dtype)).requires_grad_()


def states(cell, dtype="float32"):
    rng = np.random.default_rng(2)
    return tree_map(lambda size: torch.from_numpy(rng.standard_normal((B, size)).astype(dtype)), cell.state_size)


def module(cell=LSTM, input_size=I, **options):
    torch.manual_seed(0)
    return nr.torch.RNN(cell, input_size, **options)


def arrays(rnn):
    return {name: p.detach().numpy() for name, p in rnn.named_parameters()}


def detached(tensor):
    return tensor.detach().numpy()


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("kind", ["all", "lengths", "mask", "reverse"])
def test_outputs_state_and_gradients_are_those_of_forward(kind, time_major):
    rnn, x = module(time_major=time_major, reverse=kind == "reverse"), inputs()
    mask = np.random.default_rng(3).random((T, B) if time_major else (B, T)) < 0.7
    given = {"lengths": {"lengths": LENGTHS}, "mask": {"mask": mask}}.get(kind, {})
    x = x.detach().transpose(0, 1).requires_grad_() if time_major else x
    state = tree_map(torch.Tensor.requires_grad_, states(LSTM))
    outputs, final = rnn(x, state, **{name: torch.as_tensor(value) for name, value in given.items()})
    (outputs.cos().sum() + 2 * final.c.sum()).backward()

    initial = tree_map(detached, state)
    options = {"time_major": time_major, "reverse": kind == "reverse", **given}
    run = nr.forward(LSTM, arrays(rnn), detached(x), initial_state=initial, **options)
    d_outputs = detached(-torch.from_numpy(np.array(run.outputs)).sin())
    grads = run.backward(d_outputs, LSTM.State(None, np.full((B, H), 2, "float32")))
    assert_array_equal(detached(outputs), run.outputs)
    assert_array_equal(x.grad, grads.inputs)
    for name, parameter in rnn.named_parameters():
        assert_array_equal(parameter.grad, grads.params[name])
    for tensor, gradient, last, ours in zip(state, grads.initial_state, final, run.state, strict=True):
        assert_array_equal(tensor.grad, gradient)
        assert_array_equal(detached(last), ours)


@pytest.mark.parametrize("how", [{}, {"lengths": LENGTHS}, {"mask": np.arange(B * T).reshape(B, T) % 3 > 0}], ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_gradcheck(name, how):
    cell = nr.DeviceWrapper(CELLS[name], "numpy")
    rnn = module(cell, dtype=torch.float64)
    names, params = zip(*rnn.named_parameters(), strict=True)
    state = [s.requires_grad_() for s in tree_leaves(states(cell, "float64"))]

    def function(x, *tensors):
        values, leaves = dict(zip(names, tensors, strict=False)), iter(tensors[len(names) :])
        initial = tree_map(lambda _: next(leaves), cell.state_size)
        outputs, final = torch.func.functional_call(rnn, values, (x, initial), how)
        return outputs, *tree_leaves(final)

    x = inputs("float64", (B, 3, I) if not how else (B, T, I))
    assert torch.autograd.gradcheck(function, (x, *params, *state), fast_mode=len(params) > 3)


def test_gradcheck_with_the_kernels_of_the_cpu():
    rnn = module(dtype=torch.float64)

    def function(x, *params):
        values = dict(zip(dict(rnn.named_parameters()), params, strict=True))
        outputs, final = torch.func.functional_call(rnn, values, (x,), {"lengths": LENGTHS})
        return outputs, *final

    assert torch.autograd.gradcheck(function, (inputs("float64"), *rnn.parameters()))


def test_one_module_twice_in_a_graph():
    rnn, x = module(nr.LSTMCell(I)), inputs()
    outputs, state = rnn(x)
    rnn(outputs, state)[0].sum().backward()
    together = [p.grad.clone() for p in rnn.parameters()]
    rnn.zero_grad()
    first, second = copy.deepcopy(rnn), copy.deepcopy(rnn)
    outputs, state = first(x)
    second(outputs, state)[0].sum().backward()
    for whole, a, b in zip(together, first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(whole, a.grad + b.grad)


def test_several_backward_passes():
    rnn, x = module(), inputs()
    loss = rnn(x)[0].cos().sum()
    once = torch.autograd.grad(loss, [x, *rnn.parameters()], retain_graph=True)
    again = torch.autograd.grad(loss, [x, *rnn.parameters()])
    assert all(map(torch.equal, once, again))
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_memory_of_a_run_is_freed_by_the_last_backward_pass(monkeypatch):
    import weakref

    from numbarnn.torch import function as file

    runs = []

    def spied(*arguments, **options):
        run = nr.forward(*arguments, **options)
        runs.append(weakref.ref(run))
        return run

    monkeypatch.setattr(file, "forward", spied)
    loss = module()(inputs())[0].sum()
    loss.backward(retain_graph=True)
    assert runs[0]() is not None
    loss.backward()
    assert runs[0]() is None and len(runs) == 1


def test_saved_tensors_may_be_replaced_by_hooks():
    cell = nr.DropoutWrapper(LSTM, output_keep_prob=0.5)
    gradients = []
    for way in ("plain", "hooks", "checkpoint"):
        rnn, x = module(cell), inputs()
        torch.manual_seed(1)
        if way == "checkpoint":
            loss = torch.utils.checkpoint.checkpoint(lambda x, rnn=rnn: rnn(x)[0].sum(), x, use_reentrant=False)
        elif way == "hooks":
            with torch.autograd.graph.save_on_cpu():
                loss = rnn(x)[0].sum()
        else:
            loss = rnn(x)[0].sum()
        gradients.append(torch.autograd.grad(loss, [x, *rnn.parameters()]))
    plain, hooks, checkpointed = gradients
    assert all(map(torch.equal, plain, hooks)) and all(map(torch.equal, plain, checkpointed))


def test_changes_in_place_are_noticed():
    for change in ("outputs", "x", "kernel"):
        rnn, x = module(), inputs().detach()
        outputs, _ = rnn(x)
        with torch.no_grad():
            {"outputs": outputs, "x": x, "kernel": rnn.kernel}[change].mul_(2)
        with pytest.raises(RuntimeError, match="inplace operation"):
            outputs.sum().backward()


def test_a_final_state_may_be_changed_in_place():
    rnn, x = module(), inputs()
    outputs, state = rnn(x)
    before = outputs.detach().clone()
    with torch.no_grad():
        state.h.zero_()
    assert torch.equal(outputs, before)
    outputs.sum().backward()


def test_gradients_of_gradients_are_refused():
    rnn, x = module(), inputs()
    with pytest.raises(nr.InputError, match="create_graph=False"):
        torch.autograd.grad(rnn(x)[0].sum(), x, create_graph=True)


def test_nothing_is_kept_where_no_gradient_is_needed(monkeypatch):
    from numbarnn.torch import function as file

    kept = []

    def spied(*arguments, save, **options):
        kept.append(save)
        return nr.forward(*arguments, save=save, **options)

    monkeypatch.setattr(file, "forward", spied)
    rnn, x = module(), inputs()
    assert rnn(x)[0].requires_grad
    with torch.no_grad():
        assert not rnn(x)[0].requires_grad
    frozen = copy.deepcopy(rnn).requires_grad_(False)
    assert not frozen(x.detach())[0].requires_grad
    frozen(x)[0].sum().backward()
    assert kept == ["all", "minimal", "minimal", "all"]
    assert x.grad is not None and frozen.kernel.grad is None


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_packed_sequences(enforce_sorted, time_major):
    rnn, x = module(time_major=time_major), inputs()
    lengths = [6, 5, 2, 2] if enforce_sorted else [2, 6, 2, 5]
    x = x.transpose(0, 1) if time_major else x
    pack = rnn_utils.pack_padded_sequence
    packed = pack(x, lengths, batch_first=not time_major, enforce_sorted=enforce_sorted)
    outputs, state = rnn(packed, states(LSTM))
    padded, same = rnn(x, states(LSTM), lengths=lengths)
    assert type(outputs) is rnn_utils.PackedSequence
    for a, b in zip(outputs[1:], packed[1:], strict=True):
        assert a is b
    again, got = rnn_utils.pad_packed_sequence(outputs, batch_first=not time_major)
    assert torch.equal(again, padded) and got.tolist() == lengths
    assert all(map(torch.equal, state, same))
    one, other = (y.cos().sum() + s.c.sum() for y, s in ((again, state), (padded, same)))
    of_both = zip(*(torch.autograd.grad(loss, [x, *rnn.parameters()]) for loss in (one, other)), strict=True)
    assert all(torch.equal(a, b) for a, b in of_both)


def test_integers_resets_and_composites():
    rnn = module(nr.EmbeddingWrapper(LSTM, embedding_classes=7, embedding_size=I), None)
    tokens = torch.randint(7, (B, T))
    resets = torch.rand(B, T) < 0.3
    outputs, _ = rnn(tokens, reset_mask=resets)
    run = nr.forward(rnn.cell, arrays(rnn), tokens.numpy(), reset_mask=resets.numpy())
    assert_array_equal(detached(outputs), run.outputs)
    outputs.sum().backward()
    ones = np.ones(run.outputs.shape, "float32")
    for name, gradient in run.backward(ones).params.items():
        assert_array_equal(getattr(rnn, name).grad, gradient)


def test_random_numbers_follow_the_generator_of_pytorch():
    cell = nr.DropoutWrapper(LSTM, output_keep_prob=0.5)
    a, b = module(cell), module(cell)
    assert all(map(torch.equal, a.parameters(), b.parameters()))
    x = inputs()

    def outputs(seed):
        torch.manual_seed(seed)
        return a(x)[0]

    assert torch.equal(outputs(1), outputs(1)) and not torch.equal(outputs(1), outputs(2))
    assert not torch.equal(a(x)[0], a(x)[0])
    a.eval()
    assert torch.equal(outputs(1), outputs(2))


@pytest.mark.parametrize("way", ["copy", "pickle", "state_dict"])
def test_copies(way):
    rnn, x = module(nr.MultiRNNCell([LSTM, nr.LSTMCell(4)])), inputs()
    outputs, _ = rnn(x)
    outputs.sum().backward()
    if way == "state_dict":
        again = nr.torch.RNN(rnn.cell, I)
        again.load_state_dict(rnn.state_dict())
    else:
        again = copy.deepcopy(rnn) if way == "copy" else pickle.loads(pickle.dumps(rnn))
    assert torch.equal(again(x)[0], outputs)
    assert list(again.state_dict()) == list(rnn.cell.param_shapes(I))


def test_given_parameters_are_copied_and_converted():
    lstm = torch.nn.LSTM(I, H, batch_first=True)
    cell, params = nr.interop.from_torch(lstm)
    rnn = nr.torch.RNN(cell, I, params=params)
    x = inputs()
    torch.testing.assert_close(rnn(x)[0], lstm(x)[0])
    with torch.no_grad():
        rnn.kernel.zero_()
    assert params["kernel"].any()
    assert nr.torch.RNN(cell, I, params=dict(rnn.named_parameters()), dtype=torch.float64).bias.dtype == torch.float64
    rnn.double()
    assert rnn(inputs("float64"))[0].dtype == torch.float64


def test_a_parameter_may_be_computed():
    rnn, x = module(), inputs()
    before = rnn(x)[0]
    torch.nn.utils.parametrizations.weight_norm(rnn, "recurrent_kernel")
    torch.testing.assert_close(rnn(x)[0], before)
    rnn(x)[0].sum().backward()
    assert all(p.grad is not None for p in rnn.parameters())


def test_states_are_read_by_name():
    Pair = namedtuple("Pair", "c h")
    rnn, x, state = module(), inputs(), tree_map(torch.Tensor.requires_grad_, states(LSTM))
    outputs, _ = rnn(x, Pair(state.c, state.h))
    assert torch.equal(outputs, rnn(x, state)[0])
    first = torch.autograd.grad(outputs.sum(), state)
    assert all(map(torch.equal, first, torch.autograd.grad(rnn(x, state)[0].sum(), state)))


def test_it_learns():
    """The sign of the first input, over six steps, with PyTorch's optimiser."""
    torch.manual_seed(0)
    rnn, dense = nr.torch.RNN(LSTM, I), torch.nn.Linear(H, 1)
    optimizer = torch.optim.Adam([*rnn.parameters(), *dense.parameters()], lr=0.03)
    x = torch.randn(200, T, I)
    y = (x[:, 0, :1] > 0).float()
    for _ in range(60):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(dense(rnn(x)[0][:, -1]), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2


X = torch.zeros(B, T, I)
ERRORS = {
    "expected x of dtype torch.float32, that of the parameters, got torch.float64": lambda r: r(X.double()),
    "expected x to be a tensor, got ndarray": lambda r: r(X.numpy()),
    "expected x on device cpu, that of the parameters, got meta": lambda r: r(X.to("meta")),
    "expected x to be dense, got torch.sparse_coo": lambda r: r(X.to_sparse()),
    "expected parameters on the CPU or on a GPU of NVIDIA, got meta": lambda r: r.to("meta")(X),
    "expected parameters of dtype float32 or float64, got torch.float16": lambda r: r.half()(X.half()),
    r"expected initial_state to be State\(h, c\), got Tensor": lambda r: r(X, torch.zeros(B, H)),
    r"expected initial_state.c of shape \(4, 5\), got \(4, 6\)": lambda r: r(X, (X[:, :5, 0], X[:, :, 0])),
    "expected initial_state.h to be a tensor, got int": lambda r: r(X, (0, 0)),
    r"expected inputs of shape \(batch, steps, features\), got \(6, 3\)": lambda r: r(X[0]),
    "expected lengths or mask, got both": lambda r: r(X, lengths=[1] * B, mask=X[:, :, 0] > 0),
    "expected lengths from 0 to 6": lambda r: r(X, lengths=torch.tensor([1, 2, 3, 7])),
    "beside a PackedSequence": lambda r: r(rnn_utils.pack_sequence([X[0]]), lengths=[6]),
    "expected a cell": lambda r: nr.torch.RNN(torch.nn.LSTM(I, H), I),
    "expected input_size to be a positive integer, got None": lambda r: nr.torch.RNN(LSTM),
    "expected dtype to be float32 or float64": lambda r: nr.torch.RNN(LSTM, I, dtype=torch.float16),
    "expected mask to be a tensor that NumPy can hold": lambda r: r(X, mask=X.to_sparse()),
    "expected parameter kernel to be a tensor that": lambda r: nr.torch.RNN(LSTM, I, params={"kernel": X.bfloat16()}),
    "expected a dict of the parameters kernel": lambda r: nr.torch.RNN(LSTM, I, params={"kernel": X}),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors(message):
    with pytest.raises(nr.InputError, match=message):
        ERRORS[message](module())


def test_pytorch_is_imported_at_first_use():
    check = "import sys, numbarnn as nr; nr.torch, dir(nr.torch); assert 'torch' not in sys.modules; nr.torch.RNN"
    subprocess.run([sys.executable, "-c", check + "; assert 'torch' in sys.modules"], check=True)


def test_a_missing_pytorch_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'numbarnn\[torch\]'"):
        nr.torch.RNN  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'LSTM'"):
        nr.torch.LSTM  # noqa: B018
