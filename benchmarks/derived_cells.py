"""`LSTMCell` and `ResetAfterGRUCell` once more, by their forward equations only: numbarnn derives the others."""

from dataclasses import dataclass

from numbarnn.cells.base import Cell
from numbarnn.maths import sigmoid, tanh


@dataclass(frozen=True)
class DerivedLSTMCell(Cell):
    inputs = {"i": "xh", "f": "xh", "g": "xh", "o": "xh"}
    states = ("h", "c")
    saved = ("i", "f", "g", "o")
    use_bias = True

    def forward(self, z, s):
        i, f, g, o = sigmoid(z[0]), sigmoid(z[1]), tanh(z[2]), sigmoid(z[3])
        c = f * s[1] + i * g
        return (o * tanh(c), c), (i, f, g, o)


@dataclass(frozen=True)
class DerivedGRUCell(Cell):
    inputs = {"r": "xh", "z": "xh", "n": "x", "m": "h"}
    saved = ("r", "z", "n", "m")
    use_bias = True

    def forward(self, z, s):
        r, u, m = sigmoid(z[0]), sigmoid(z[1]), z[3]
        n = tanh(z[2] + r * m)
        return (n + u * (s[0] - n),), (r, u, n, m)
