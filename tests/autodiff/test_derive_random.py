"""Derived equations of random formulas against central differences: of one stage, and with products within the step."""

import numpy as np
import pytest

import numbarnn as nr
from numbarnn.autodiff import derive
from numbarnn.maths import sigmoid, softsign, where_less

OPERATIONS = (
    lambda a, b, c, d, k: a + b,
    lambda a, b, c, d, k: a - b,
    lambda a, b, c, d, k: np.tanh(a) * b,
    lambda a, b, c, d, k: a / (2 + b * b),
    lambda a, b, c, d, k: -a,
    lambda a, b, c, d, k: np.tanh(a),
    lambda a, b, c, d, k: sigmoid(a),
    lambda a, b, c, d, k: np.exp(-a * a),
    lambda a, b, c, d, k: where_less(a, b, c, d),
    lambda a, b, c, d, k: softsign(a),
    lambda a, b, c, d, k: np.tanh(a) ** 3,
    lambda a, b, c, d, k: a * k + 0.3,
    lambda a, b, c, d, k: abs(a),
)


def random_program(rng, length):
    """A function of a list of numbers that appends results of random operations on the latest ones."""
    steps = [(OPERATIONS[rng.integers(len(OPERATIONS))], rng.integers(1, 7, 4), rng.normal()) for _ in range(length)]

    def program(*values):
        values = list(values)
        for operation, places, k in steps:
            values.append(operation(*(values[-min(p, len(values))] for p in places), k))
        return values

    return program


class RandomCell:
    def __init__(self, rng, within):
        self.first, self.q, states = rng.integers(2, 5), rng.integers(1, 3) * within, rng.integers(1, 3)
        self.before, self.after = random_program(rng, rng.integers(2, 8)), random_program(rng, rng.integers(6, 18))
        inputs = {f"z{i}": "xh" for i in range(self.first)} | {f"n{i}": f"xq{i}" for i in range(self.q)}
        self.states, feedback = ("h", "c")[:states], self.feedback if within else None
        self.derived = derive(self.forward, inputs=inputs, states=self.states, saved=("g",), feedback=feedback)

    def feedback(self, z, s):
        values = self.before(*s, *z)
        return tuple(values[-self.q :]), tuple(values[-self.first :])

    def forward(self, z, s):
        values = self.after(*s, *z)
        return (values[-1] + 0.1 * sum(z), values[-2])[: len(self.states)], (values[-3],)

    def objective(self, point, d):
        """The new states and q, each times a number of d."""
        z, s, q = point[: self.first + self.q], point[self.first + self.q :], ()
        if self.q:
            q, carried = self.feedback(z[: self.first], s)
            z = (*carried, *z[self.first :])
        return np.dot((*self.forward(z, s)[0], *q), d)

    def gradient(self, point, d):
        """The same numbers, and the gradient of their sum, from the derived equations."""
        eq, first, inputs = self.derived, self.first, self.first + self.q
        z, s, ds1, dq = (
            tuple(point[:inputs]),
            tuple(point[inputs:]),
            d[: len(self.states)],
            tuple(d[len(self.states) :]),
        )
        q = ()
        if self.q:
            q, carried = eq.feedback(z[:first], s)
            q, z = q if self.q > 1 else (q,), (*carried, *z[first:])
        s1, saved = eq.forward(z, s)
        dz, ds = eq.backward(saved, s, s1, tuple(ds1))
        assert len(saved) == 1 + eq.hidden and len(dz) == inputs + eq.extra
        if self.q:
            inner, direct = eq.feedback_backward((*dz[:first], *dz[inputs:]), s, dq if self.q > 1 else dq[0])
            dz, ds = (*inner, *dz[first:inputs]), np.add(ds, direct)
        return np.dot((*s1, *q), d), np.array([*dz[:inputs], *ds], float)


@pytest.mark.parametrize("within", [False, True])
def test_random_cells(within):
    rng, made = np.random.default_rng(3), 0
    while made < 60:
        try:
            cell = RandomCell(rng, within)
        except nr.InputError as error:
            assert "do not depend on pre-activation" in str(error)
            continue
        made += 1
        point = rng.normal(size=cell.first + cell.q + len(cell.states))
        d, h = rng.normal(size=len(cell.states) + cell.q), 1e-5
        value, gradient = cell.gradient(point, d)
        moves = h * np.eye(len(point))
        numeric = [(cell.objective(point + m, d) - cell.objective(point - m, d)) / (2 * h) for m in moves]
        np.testing.assert_allclose(value, cell.objective(point, d), rtol=1e-12)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)
