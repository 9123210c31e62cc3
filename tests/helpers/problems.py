"""Random problems for a cell: parameters, inputs, states and cotangents of unequal sizes, nothing zero."""

import numpy as np

import numbarnn as nr

SIZES = {  # T, B, I, H: odd, beyond one and two vectors, and all the ones
    "odd": (4, 3, 5, 7),
    "two vectors": (7, 13, 5, 37),
    "three vectors": (9, 3, 20, 50),
    "ones": (1, 1, 1, 1),
    "one row": (20, 1, 8, 33),
    "threads": (5, 40, 3, 70),
    "many steps": (70, 2, 17, 16),
    "blocks of steps": (30, 100, 3, 70),
}


class Problem:
    def __init__(self, cell, T, B, I, dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
        self.cell, self.x, self.lengths = cell, draw(B, T, I), rng.integers(0, T + 1, B)
        self.mask = rng.random((B, T)) < 0.6
        self.params = {n: p + 0.1 * draw(*p.shape) for n, p in cell.init_params(I, rng, dtype).items()}
        self.state, self.d_state = (cell.State(*(draw(B, n) for n in cell.state_size)) for _ in range(2))
        self.d_outputs = draw(B, T, cell.output_size)

    def drawn_again(self, seed):
        """Other numbers of the same shapes."""
        batch, steps, inputs = self.x.shape
        return Problem(self.cell, steps, batch, inputs, self.x.dtype, seed)

    def in_float64(self):
        """The same numbers, in float64."""
        other, wide = object.__new__(Problem), lambda a: a.astype(np.float64)
        other.__dict__ |= self.__dict__
        other.x, other.d_outputs = wide(self.x), wide(self.d_outputs)
        other.params = {name: wide(p) for name, p in self.params.items()}
        other.state, other.d_state = (self.cell.State(*map(wide, s)) for s in (self.state, self.d_state))
        return other

    def run(self, **options):
        return nr.forward(self.cell, self.params, self.x, initial_state=self.state, **options)

    def results(self, **options):
        """{name: array} of everything that a run and its gradient give."""
        run = self.run(**options)
        results = {
            "outputs": run.outputs,
            **{f"final {n}": s for n, s in zip(run.state._fields, run.state, strict=True)},
        }
        results |= {f"gate {n}": a for n, a in run.gates.items()} | {f"state {n}": a for n, a in run.states.items()}
        results = {name: a.copy() for name, a in results.items()}
        grads = run.backward(self.d_outputs, self.d_state)
        results |= {f"d {name}": a for name, a in grads.params.items()} | {"d inputs": grads.inputs}
        return results | {f"d initial {n}": s for n, s in zip(run.state._fields, grads.initial_state, strict=True)}


def errors(results, expected):
    """{name: error}, each relative to the largest entry of the array; all are of order one, and a lone small one may be
    what cancelled."""
    assert results.keys() == expected.keys()
    found = {}
    for name, want in expected.items():
        assert results[name].shape == want.shape, name
        found[name] = np.abs(results[name] - want).max(initial=0) / max(np.abs(want).max(initial=0), 0.1)
    return found


def assert_close(results, expected, bound):
    for name, error in errors(results, expected).items():
        assert error <= bound, f"{name}: {error:.1e}"  # NaN fails


def assert_exact(problem, results, bound, device="cpu", **options):
    """Within `bound` of the plain engine in float64, or, where a problem amplifies rounding, twice as far from it as
    that engine in the dtype of the problem, as a mean over several draws: in one, either may be lucky."""
    assert all(a.dtype == problem.x.dtype for a in results.values())
    truth = problem.in_float64().results(device="numpy", **options)
    missed = [name for name, error in errors(results, truth).items() if not error <= bound]  # NaN misses
    if missed:
        draws = [problem.drawn_again(seed) for seed in range(8)]
        truths = [p.in_float64().results(device="numpy", **options) for p in draws]
        ours, plain = (
            [errors(p.results(device=device, **options), t) for p, t in zip(draws, truths, strict=True)]
            for device in (device, "numpy")
        )
        for name in missed:
            error = np.mean([e[name] for e in ours])
            assert error <= 2 * np.mean([e[name] for e in plain]), f"{name}: {error:.1e}"


def assert_same_bits(results, expected):
    assert results.keys() == expected.keys()
    for name, want in expected.items():
        assert np.array_equal(results[name], want), name
