"""Optimisers: they update arrays in place from gradients of the same names and shapes.

``optimizer.apply(params, gradients)``: both ``{name: array}``. What an optimiser remembers stands in
``optimizer.iterations`` and ``optimizer.slots[name][slot]``; nothing else changes from step to step. Gradients are
clipped first: the norm over all of them to ``clip_global_norm``, then each element to [-clip_value, clip_value].
"""

import math

import numpy as np

from .errors import Checked, InputError


class Optimizer(Checked):
    """Common part; a subclass names its slots and defines ``_update(w, g, slots, scratch)``."""

    slot_names = ()
    default_learning_rate = 0.001

    def __init__(self, learning_rate, lr, clip_value, clip_global_norm):
        if learning_rate is not None and lr is not None:
            raise InputError(f"{type(self).__name__}: lr is another name of learning_rate, expected one of them")
        rate = next((r for r in (learning_rate, lr) if r is not None), self.default_learning_rate)
        self.learning_rate = self._number("learning_rate", rate, 0.0, math.inf)
        self.clip_value = self._limit("clip_value", clip_value)
        self.clip_global_norm = self._limit("clip_global_norm", clip_global_norm)
        self.iterations = 0
        self.slots = {}

    def apply(self, params, gradients):
        """One step: changes the arrays of ``params`` in place."""
        for name, w in params.items():
            if name not in gradients or gradients[name].shape != w.shape:
                got = gradients[name].shape if name in gradients else "none"
                raise InputError(f"{type(self).__name__}: expected a gradient of {name} of shape {w.shape}, got {got}")
        gradients = self._clip({name: gradients[name] for name in params})
        scratch = np.empty(max((w.size for w in params.values()), default=0), next(iter(params.values())).dtype)
        self.iterations += 1
        for name, w in params.items():
            self._update(w, gradients[name], self._slots_of(name, w), scratch[: w.size].reshape(w.shape))

    def _slots_of(self, name, w):
        slots = self.slots.get(name)
        if slots is None:
            slots = self.slots[name] = {slot: np.zeros_like(w) for slot in self.slot_names}
        if any(slot.shape != w.shape for slot in slots.values()):
            raise InputError(f"{type(self).__name__}: its slots of {name} belong to another model")
        return slots

    def _clip(self, gradients):
        if (limit := self.clip_global_norm) is not None:
            norm = math.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients.values()))
            if not norm <= limit:  # a NaN goes on into the weights, where it shows
                gradients = {name: g * (limit / norm) for name, g in gradients.items()}
        if (limit := self.clip_value) is not None:
            gradients = {name: np.clip(g, -limit, limit) for name, g in gradients.items()}
        return gradients

    def _number(self, name, value, low, high):
        if not isinstance(value, int | float | np.number) or not low <= value < high:
            raise InputError(f"{type(self).__name__}: expected {name} to be a number in [{low}, {high}), got {value!r}")
        return float(value)

    def _limit(self, name, value):
        if value is None:
            return None
        if not self._number(name, value, 0.0, math.inf) > 0:
            raise InputError(f"{type(self).__name__}: expected {name} above 0, got {value!r}")
        return float(value)

    def __repr__(self):
        options = (f"{k}={v}" for k, v in vars(self).items() if isinstance(v, float) or v is True)
        return f"{type(self).__name__}({', '.join(options)})"


class SGD(Optimizer):
    """Gradient descent with Keras' momentum: v = momentum v - rate g; w += v, or (Nesterov) momentum v - rate g."""

    default_learning_rate = 0.01

    def __init__(
        self,
        learning_rate=None,
        momentum=0.0,
        nesterov=False,
        *,
        lr=None,
        clip_value=None,
        clip_global_norm=None,
    ):
        super().__init__(learning_rate, lr, clip_value, clip_global_norm)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)

    @property
    def slot_names(self):
        return ("velocity",) if self.momentum else ()

    def _update(self, w, g, slots, scratch):
        step = np.multiply(g, self.learning_rate, out=scratch)
        if not self.momentum:
            w -= step
            return
        v = slots["velocity"]
        v *= self.momentum
        v -= step
        if self.nesterov:
            w -= step
            w += np.multiply(v, self.momentum, out=scratch)
        else:
            w += v


class RMSprop(Optimizer):
    """Keras 2's RMSprop (Tieleman, Hinton 2012): a = rho a + (1 - rho) g^2; w -= rate g / (sqrt(a) + epsilon)."""

    slot_names = ("square",)

    def __init__(self, learning_rate=None, rho=0.9, epsilon=1e-7, *, lr=None, clip_value=None, clip_global_norm=None):
        super().__init__(learning_rate, lr, clip_value, clip_global_norm)
        self.rho = self._number("rho", rho, 0.0, 1.0)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)

    def _update(self, w, g, slots, scratch):
        a = slots["square"]
        _move_average(a, np.multiply(g, g, out=scratch), self.rho)
        np.sqrt(a, out=scratch)
        scratch += self.epsilon
        np.divide(g, scratch, out=scratch)
        scratch *= self.learning_rate
        w -= scratch


class Adam(Optimizer):
    """Adam (Kingma, Ba 2015) in the form of TensorFlow and Keras.

    m = beta_1 m + (1 - beta_1) g and v = beta_2 v + (1 - beta_2) g^2, then
    w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon).
    """

    slot_names = ("mean", "square")

    def __init__(
        self,
        learning_rate=None,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        *,
        lr=None,
        clip_value=None,
        clip_global_norm=None,
    ):
        super().__init__(learning_rate, lr, clip_value, clip_global_norm)
        self.beta_1 = self._number("beta_1", beta_1, 0.0, 1.0)
        self.beta_2 = self._number("beta_2", beta_2, 0.0, 1.0)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)

    def _update(self, w, g, slots, scratch):
        m, v = slots["mean"], slots["square"]
        np.copyto(scratch, g)
        _move_average(m, scratch, self.beta_1)
        _move_average(v, np.multiply(g, g, out=scratch), self.beta_2)
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        t = self.iterations
        scratch *= self.learning_rate * math.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)
        w -= scratch


def _move_average(average, new, rho):
    """average = rho average + (1 - rho) new, in place; ``new`` is used up."""
    average *= rho
    new *= 1.0 - rho
    average += new


BY_NAME = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam}


def get(optimizer):
    """A fresh optimiser of that name with its default options, or ``optimizer`` itself when it is an `Optimizer`."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str) and optimizer.lower() in BY_NAME:
        return BY_NAME[optimizer.lower()]()
    raise InputError(f"optimizer: expected an Optimizer or one of {', '.join(BY_NAME)}, got {optimizer!r}")
