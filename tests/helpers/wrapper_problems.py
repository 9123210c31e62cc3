"""Composite cells to test, random problems for them, and what the reference makes of these."""

import autograd
import numpy as np

import numbarnn as nr
from helpers import wrapper_reference
from numbarnn.engines.interface import RunOptions
from numbarnn.utils.tree import tree_leaves, tree_map

T, B, I, H = 5, 4, 3, 6
TOKENS = 7
LENGTHS = np.array([5, 0, 3, 1])


def residual_pair():
    return lambda x, y: x * y + 1, lambda x, y, d: (d * y, d * x)


rnn, lstm, gru = nr.SimpleRNNCell, nr.LSTMCell, nr.GRUCell
CASES = {
    "stack": nr.MultiRNNCell([lstm(H), gru(4), rnn(5)]),
    "stack of one": nr.MultiRNNCell([lstm(H)]),
    "stack, one array": nr.MultiRNNCell([gru(H), rnn(4)], state_is_tuple=False),
    "stack, one array [c, h]": nr.ConcatenatedState(lstm(H)),
    "residual": nr.ResidualWrapper(gru(I)),
    "residual function": nr.ResidualWrapper(lstm(I), residual_pair()),
    "highway": nr.HighwayWrapper(lstm(I)),
    "input projection": nr.InputProjectionWrapper(lstm(H), 4),
    "input projection tanh": nr.InputProjectionWrapper(gru(H), 4, activation="tanh"),
    "output projection": nr.OutputProjectionWrapper(lstm(H), 2),
    "output projection tanh": nr.OutputProjectionWrapper(rnn(H), 9, activation="tanh"),
    "embedding": nr.EmbeddingWrapper(lstm(H), TOKENS, 4),
    "device": nr.DeviceWrapper(gru(H), "numpy"),
    "drop connect": nr.DropConnectWrapper(nr.MultiRNNCell([lstm(H), rnn(4)]), 0.4),
    "dropout": nr.DropoutWrapper(lstm(H), input_keep_prob=0.6, output_keep_prob=0.7),
    "dropout variational": nr.DropoutWrapper(
        gru(H), input_keep_prob=0.6, output_keep_prob=0.7, variational_recurrent=True
    ),
    "dropout as TensorFlow": nr.DropoutWrapper(
        rnn(H), input_keep_prob=0.5, variational_recurrent=True, shared_over_batch=True
    ),
    "dropout over dropout": nr.DropoutWrapper(
        nr.DropoutWrapper(lstm(H), output_keep_prob=0.5, shared_over_batch=True), output_keep_prob=0.5
    ),
    "state dropout": nr.DropoutWrapper(lstm(H), state_keep_prob=0.6),
    "state dropout rnn": nr.DropoutWrapper(rnn(H), state_keep_prob=0.6, shared_over_batch=True),
    "state dropout gru": nr.DropoutWrapper(gru(H), state_keep_prob=0.6, variational_recurrent=True),
    "state dropout of c": nr.DropoutWrapper(
        lstm(H), state_keep_prob=0.6, dropout_state_filter=lambda name: name == "c"
    ),
    "state dropout of all": nr.DropoutWrapper(lstm(H), state_keep_prob=0.6, dropout_state_filter=lambda name: True),
    "state dropout twice": nr.DropoutWrapper(
        nr.MultiRNNCell([nr.DropoutWrapper(gru(H), state_keep_prob=0.6, output_keep_prob=0.5), lstm(4)]),
        input_keep_prob=0.8,
        output_keep_prob=0.7,
        state_keep_prob=0.7,
        variational_recurrent=True,
    ),
    **{f"bidirectional {mode}": nr.Bidirectional(lstm(H), gru(H), merge_mode=mode) for mode in ("sum", "mul", "ave")},
    "bidirectional concat": nr.Bidirectional(lstm(H), gru(4)),
    "bidirectional of one": nr.Bidirectional(gru(H)),
    "deep": nr.MultiRNNCell(
        [
            nr.DropoutWrapper(nr.ResidualWrapper(lstm(I)), input_keep_prob=0.8, output_keep_prob=0.7),
            nr.HighwayWrapper(nr.Bidirectional(gru(I), nr.ConcatenatedState(lstm(I)), merge_mode="sum")),
            nr.OutputProjectionWrapper(nr.InputProjectionWrapper(nr.DropConnectWrapper(rnn(H), 0.3), 4), 2),
        ]
    ),
    "around a stack": nr.OutputProjectionWrapper(
        nr.DropoutWrapper(
            nr.EmbeddingWrapper(nr.Bidirectional(nr.MultiRNNCell([gru(4), nr.ResidualWrapper(lstm(4))])), TOKENS, 5),
            output_keep_prob=0.6,
        ),
        3,
    ),
}
OPTIONS = {
    "plain": {},
    "lengths": {"lengths": LENGTHS},
    "mask, reverse": {"mask": np.random.default_rng(5).random((B, T)) < 0.6, "reverse": True},
}


class Problem:
    def __init__(self, cell, dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
        self.cell = cell
        self.params = {n: a + 0.1 * draw(*a.shape) for n, a in cell.init_params(I, rng, dtype).items()}
        self.x = rng.integers(0, TOKENS, (B, T)) if cell.takes_integers else draw(B, T, I)
        self.state, self.d_state = (tree_map(lambda n: draw(B, n), cell.state_size) for _ in range(2))
        self.d_outputs = draw(B, T, cell.output_size)

    def results(self, d_outputs=True, **options):
        """{name: array} of a training run with all its gradients."""
        options = {"training": True, "rng": 3, "initial_state": self.state} | options
        run = nr.forward(self.cell, self.params, self.x, **options)
        return {"outputs": run.outputs.copy()} | named("final", run.state) | self.gradients(run, d_outputs)

    def gradients(self, run, d_outputs=True):
        grads = run.backward(self.d_outputs if d_outputs else None, self.d_state)
        assert list(grads.params) == list(self.params)
        results = {f"d {name}": a for name, a in grads.params.items()} | named("d initial", grads.initial_state)
        return results | ({} if grads.inputs is None else {"d inputs": grads.inputs})

    def expected(self, lengths=None, mask=None, reverse=False, d_outputs=True):
        """The same from the reference and autograd."""
        if lengths is not None:
            mask = np.arange(T) < lengths[:, None]
        valid = list(np.ones((T, B, 1), bool) if mask is None else mask.T[:, :, None])
        how, made = RunOptions(reverse, training=True, seed=(3,)), {}

        def loss(params, state, x):
            ys, final = wrapper_reference.unrolled(self.cell, params, [x[:, t] for t in range(T)], state, valid, how)
            made["outputs"] = np.stack([value_of(y) for y in ys], 1)
            made.update(named("final", tree_map(value_of, final)))
            d_ys = self.d_outputs.swapaxes(0, 1) if d_outputs else np.zeros((T, 1, 1))
            pairs = [*zip(ys, d_ys, strict=True), *zip(tree_leaves(final), tree_leaves(self.d_state), strict=True)]
            return sum((y * d).sum() for y, d in pairs)

        wanted = (0, 1) if self.cell.takes_integers else (0, 1, 2)
        d_params, d_initial, *d_x = autograd.grad(loss, wanted)(self.params, plain_tuples(self.state), self.x)
        results = made | {f"d {name}": a for name, a in d_params.items()} | named("d initial", d_initial)
        return results | ({"d inputs": d_x[0]} if d_x else {})


def value_of(box):
    while hasattr(box, "_value"):
        box = box._value
    return np.array(box)


def plain_tuples(tree):
    return tuple(map(plain_tuples, tree)) if isinstance(tree, tuple) else tree


def named(what, state):
    return {f"{what} {i}": a for i, a in enumerate(tree_leaves(state))}


def everything(run):
    """What a run and its gradient give, by name."""
    d = np.random.default_rng(1).standard_normal(run.outputs.shape).astype(run.outputs.dtype)
    found = {"outputs": run.outputs.copy()} | {f"final {i}": s.copy() for i, s in enumerate(tree_leaves(run.state))}
    grads = run.backward(d)
    return found | {f"d {n}": g for n, g in grads.params.items()} | {"d inputs": grads.inputs}
