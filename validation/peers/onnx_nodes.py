"""ONNX' nodes RNN, LSTM and GRU in NumPy for its evaluator, whose own ones pass over most attributes.

Written from the descriptions of the operators, https://onnx.ai/onnx/operators/, and where these say nothing, as
onnxruntime computes: `clip` bounds what an activation is taken of, and with `input_forget` f is 1 - i. The layout is 0.
"""

from functools import partial

import numpy as np
from onnx.reference.op_run import OpRun

ACTIVATIONS = {  # the numbers that each takes beside x
    "Affine": (("alpha", "beta"), lambda x, alpha, beta: alpha * x + beta),
    "Elu": (("alpha",), lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))),
    "HardSigmoid": (("alpha", "beta"), lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1)),
    "LeakyRelu": (("alpha",), lambda x, alpha: np.where(x > 0, x, alpha * x)),
    "Relu": ((), lambda x: np.maximum(x, 0)),
    "ScaledTanh": (("alpha", "beta"), lambda x, alpha, beta: alpha * np.tanh(beta * x)),
    "Sigmoid": ((), lambda x: (1 + np.tanh(x / 2)) / 2),
    "Softplus": ((), lambda x: np.logaddexp(x, 0)),
    "Softsign": ((), lambda x: x / (1 + abs(x))),
    "Tanh": ((), np.tanh),
    "ThresholdedRelu": (("alpha",), lambda x, alpha: np.where(x > alpha, x, 0)),
}


def decimal(number):
    """The shortest decimal that is this number in float32, as attributes are: 0.2 instead of 0.20000000298."""
    return float(str(np.float32(number)))


def activations(names, lists):
    """Functions of x; alphas and betas stand in one list each, for those that take them."""
    left = {key: map(decimal, numbers) for key, numbers in lists.items()}
    for name in names:
        keys, function = ACTIVATIONS[name]
        yield partial(function, **{key: next(left[key]) for key in keys})


def bounded(f, bound):
    return lambda z: f(np.clip(z, -bound, bound))


class Recurrent(OpRun):
    """What the three have in common. Each has

    USUAL                                  names of its activations, if none are given
    STATES                                 how many there are
    step(x, states, weights, f, attributes) -> the states after a step; the first one is the output
    """

    def _run(self, x, w, r, b=None, lengths=None, h=None, c=None, p=None, **attributes):
        assert not attributes.get("layout")
        directions, gates, units = w.shape[0], w.shape[1], r.shape[2]
        b = np.zeros((directions, 2 * gates), x.dtype) if b is None else b
        p = np.zeros((directions, 3 * units), x.dtype) if p is None else p
        zeros = np.zeros((directions, x.shape[1], units), x.dtype)
        before = [zeros if state is None else state for state in (h, c)[: self.STATES]]
        names = attributes.get("activations") or self.USUAL * directions
        lists = {key: attributes.get(f"activation_{key}") or () for key in ("alpha", "beta")}
        functions = [*activations(names, lists)]
        if bound := attributes.get("clip"):  # the third activation is of the memory
            each = enumerate(functions)
            functions = [bounded(f, decimal(bound)) if i % len(self.USUAL) < 2 else f for i, f in each]
        outputs, after = np.zeros((len(x), directions, *zeros.shape[1:]), x.dtype), []
        for d in range(directions):
            f = functions[d * len(self.USUAL) : (d + 1) * len(self.USUAL)]
            weights = w[d].T, r[d].T, *np.split(b[d], 2), p[d]
            states, steps = [state[d] for state in before], range(len(x))
            for t in reversed(steps) if d or attributes.get("direction") == "reverse" else steps:
                new = self.step(x[t], states, weights, f, attributes)
                valid = np.ones((x.shape[1], 1), bool) if lengths is None else t < lengths[:, None]
                states = [np.where(valid, *pair) for pair in zip(new, states, strict=True)]
                outputs[t, d] = np.where(valid, new[0], 0)
            after.append(states)
        return outputs, *map(np.stack, zip(*after, strict=True))


class RNN(Recurrent):
    USUAL, STATES = ["Tanh"], 1

    def step(self, x, states, weights, f, attributes):
        (h,), (w, r, wb, rb, _) = states, weights
        return [f[0](x @ w + h @ r + wb + rb)]


class LSTM(Recurrent):
    USUAL, STATES = ["Sigmoid", "Tanh", "Tanh"], 2

    def step(self, x, states, weights, f, attributes):
        (h, c), (w, r, wb, rb, p) = states, weights
        i, o, forget, g = np.split(x @ w + h @ r + wb + rb, 4, axis=1)
        pi, po, pf = np.split(p, 3)
        i = f[0](i + pi * c)
        forget = 1 - i if attributes.get("input_forget") else f[0](forget + pf * c)
        c = forget * c + i * f[1](g)
        return [f[0](o + po * c) * f[2](c), c]


class GRU(Recurrent):
    USUAL, STATES = ["Sigmoid", "Tanh"], 1

    def step(self, x, states, weights, f, attributes):
        (h,), (w, r, wb, rb, _) = states, weights
        (wz, wr, wn), (rz, rr, rn) = np.split(w, 3, axis=1), np.split(r, 3, axis=1)
        (bz, br, bn), (cz, cr, cn) = np.split(wb, 3), np.split(rb, 3)
        update, reset = f[0](x @ wz + h @ rz + bz + cz), f[0](x @ wr + h @ rr + br + cr)
        fed = reset * (h @ rn + cn) if attributes.get("linear_before_reset") else (reset * h) @ rn + cn
        return [(1 - update) * f[1](x @ wn + bn + fed) + update * h]
