"""Cells of which only the forward equations are written."""

import math
import os
import subprocess
import sys
import traceback
from dataclasses import KW_ONLY, dataclass

import autograd.numpy as anp
import numba
import numpy as np
import pytest
from helpers.problems import Problem, assert_close

import numbarnn as nr
from numbarnn.autodiff import derive
from numbarnn.maths import ACTIVATIONS, one, sigmoid, where_less
from numbarnn.utils.tree import tree_map
from validation import references, suite
from validation.activations import FUNCTIONS
from validation.selection import Selection
from validation.unrolled import unroll, vjp_of

DEVICES = ("numpy", "cpu")


def rederived(name):
    """The built-in cell of this name, and the same with derived gradients."""
    cell = getattr(nr, name)

    class Derived(cell):
        equations = nr.Cell.equations

    return cell, Derived


BY_HAND = ("SimpleRNNCell", "LSTMCell", "GRUCell", "ResetAfterGRUCell")  # the lessons: their gradients are written
GRUS = BY_HAND[2:]


def assert_same_as_hand_written(name, units, device, bound=1e-14, **options):
    """And no less is right where fewer values are kept."""
    cell, derived = rederived(name)
    problem, expected = (Problem(c(units, **options), 5, 4, units) for c in (derived, cell))
    assert problem.cell.equations.backward is not expected.cell.equations.backward
    for how in ({"lengths": problem.lengths}, {"mask": problem.mask, "reverse": True}):
        assert_close(problem.results(device=device, **how), expected.results(device=device, **how), bound)


@pytest.mark.parametrize("name", BY_HAND)
def test_compiled_equals_the_gradient_written_by_hand(name):
    assert_same_as_hand_written(name, 7, "cpu")


@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"num_proj": 3, "proj_clip": 0.4}], ids=str)
@pytest.mark.parametrize("name", BY_HAND)
def test_every_gradient_written_by_hand(name, options):
    assert_same_as_hand_written(name, 6, "numpy", **options)


@pytest.mark.parametrize("name", GRUS)
def test_every_update_written_by_hand(name):
    assert_same_as_hand_written(name, 6, "numpy", update="seed")
    assert_same_as_hand_written(name, 6, "numpy", update="seed", num_proj=3)


@pytest.mark.parametrize("activation", [name for name, (_, derivative) in ACTIVATIONS.items() if derivative])
@pytest.mark.parametrize("name", BY_HAND)
def test_every_activation_is_recognised(name, activation):
    """Its derivative is then that of the library, taken from the value, at corners too."""
    cell, derived = rederived(name)
    options = {"activation": activation}
    if name != "SimpleRNNCell":
        options["recurrent_activation"] = activation
    for update in ("keep", "seed") if name in GRUS else (None,):
        options |= {"update": update} if update else {}
        problem, expected = Problem(derived(4, **options), 3, 5, 2), Problem(cell(4, **options), 3, 5, 2)
        for p in (problem, expected):  # a bias of zero, and no more: on the corner of relu
            p.x[:2], p.state = 0, tree_map(np.zeros_like, p.state)
            p.params["bias"][:2] = 0
        assert_close(problem.results(device="numpy"), expected.results(device="numpy"), 1e-14)
        assert cell(4, **options).equations[-2:] == (0, 0)


KEPT = {  # numbers of hidden and of extra values; (0, 0) for all others
    nr.IndRNNCell(7): (1, 0),
    nr.LayerNormBasicLSTMCell(7): (1, 0),
    nr.LSTMCell(7, use_peepholes=True): (3, 0),
    nr.LSTMCell(7, cell_clip=0.3): (0, 0),
    nr.LSTMCell(7, cell_clip=0.3, use_peepholes=True): (3, 0),
    nr.CoupledInputForgetGateLSTMCell(7, cell_clip=0.3, use_peepholes=True): (2, 0),
    nr.LayerNormLSTMCell(7, variant="stored"): (0, 0),
    nr.LayerNormLSTMCell(7, variant="joint"): (1, 0),
    nr.LayerNormLSTMCell(7, cell_clip=0.3, use_peepholes=True): (4, 0),
}


@pytest.mark.parametrize("cell", {cell(7): None for cell in nr.CELLS.values()} | KEPT, ids=repr)
def test_what_a_cell_keeps_for_its_gradient(cell):
    """Besides its gates, no more than somebody would who writes the gradient by hand."""
    assert cell.equations[-2:] == KEPT.get(cell, (0, 0))


def test_cells_with_the_same_formulas_share_their_equations():
    """And so their kernels: those of `LSTMBlockCell` are those of `LSTMCell`, whatever the number of units."""
    clipped = nr.LSTMCell(3, cell_clip=0.5, clip_gradient="straight_through").equations
    assert nr.LSTMBlockCell(9, cell_clip=0.5).equations == clipped
    assert nr.BasicLSTMCell(4).equations == nr.LSTMCell(5).equations == nr.LSTMBlockCell(6).equations


def test_a_gradient_keeps_the_digits_of_one_minus_a_gate():
    """d - d u would be d (1 - u) with an error of the size of d."""

    def forward(z, s):
        u = sigmoid(z[0])
        return (z[1] + u * (s[0] - z[1]),), (u,)

    backward = derive(forward, inputs={"a": "xh", "b": "x"}, saved=("u",)).backward
    u = 1 - 2.0**-40
    (_, db), _ = backward((u, 1.0), (2.0,), (2.0,), (0.3,))
    assert db == 0.3 * 2.0**-40


@dataclass(frozen=True)
class STARCell(nr.Cell):
    """Stackable recurrent cell (Turkoglu, D'Aronco, Wegner and Schindler 2021)."""

    _: KW_ONLY
    activation: str = "tanh"
    use_bias: bool = True

    inputs = {"k": "xh", "z": "x"}
    saved = ("k", "z")

    def forward(self, z, s):
        phi = ACTIVATIONS[self.activation][0]
        k, z = sigmoid(z[0]), phi(z[1])
        return (phi((1 - k) * s[0] + k * z),), (k, z)


class STARReference:
    CELL, OPTIONS = "STARCell", {"activation": ("relu", "softsign"), "use_bias": (False,)}

    def step(params, x, state, f, *, activation="tanh", use_bias=True):
        """k = sigma(x W_k + h U + b_k)   z = phi(x W_z + b_z)   h' = phi((1 - k) h + k z)"""
        (W_k, W_z), U, h = anp.split(params["kernel"], 2, axis=1), params["recurrent_kernel"], state["h"]
        b_k, b_z = anp.split(params["bias"], 2) if use_bias else (0.0, 0.0)
        k, z = f["sigmoid"](x @ W_k + h @ U + b_k), f[activation](x @ W_z + b_z)
        h = f[activation]((1 - k) * h + k * z)
        return h, {"h": h}, {"k": k, "z": z}


@dataclass(frozen=True)
class FastGRNNCell(nr.Cell):
    """Gate and candidate share their matrices (Kusupati et al. 2018); zeta and nu for each unit."""

    inputs = {"a": "xh", "b_z": "", "b_h": "", "zeta": "", "nu": ""}
    saved = ("z",)
    vectors = {"bias_gate": ("b_z",), "bias_update": ("b_h",), "zeta": ("zeta",), "nu": ("nu",)}

    def forward(self, z, s):
        a, b_z, b_h, zeta, nu = z
        gate = sigmoid(a + b_z)
        return ((sigmoid(zeta) * (1 - gate) + sigmoid(nu)) * np.tanh(a + b_h) + gate * s[0],), (gate,)


class FastGRNNReference:
    CELL, OPTIONS = "FastGRNNCell", {}

    def step(params, x, state, f):
        """z = sigma(x W + h U + b_z)   h' = (sigma(zeta) (1 - z) + sigma(nu)) tanh(x W + h U + b_h) + z h"""
        sigma, h = f["sigmoid"], state["h"]
        a = x @ params["kernel"] + h @ params["recurrent_kernel"]
        z, candidate = sigma(a + params["bias_gate"]), anp.tanh(a + params["bias_update"])
        h = (sigma(params["zeta"]) * (1 - z) + sigma(params["nu"])) * candidate + z * h
        return h, {"h": h}, {"z": z}


@pytest.mark.parametrize("cell, reference", [(STARCell, STARReference), (FastGRNNCell, FastGRNNReference)])
def test_the_suite_proves_published_cells_like_built_in_ones(cell, reference, monkeypatch):
    monkeypatch.setattr(nr, cell.__name__, cell, raising=False)
    monkeypatch.setitem(references.load(), cell.__name__, reference)
    results = suite.run(Selection(quick=True, cells=(cell.__name__,)))
    assert len(results) > 300 and not [r for r in results if not r.ok]
    assert {r.gate for r in results} >= set(cell.saved)


def assert_right(cell, step, T=5, B=4, I=3, **options):
    """Everything on both engines equals `step` of the reference under autograd; x and then what the cell draws are
    its inputs."""
    p = Problem(cell, T, B, I)
    drawn = [np.broadcast_to(a, (T, B, cell.units)) for a in cell.draw((T, B, cell.units), "float64", None).values()]
    x = np.concatenate([p.x, *(a.transpose(1, 0, 2) for a in drawn)], axis=2)
    of_lengths = np.arange(T) < p.lengths[:, None]
    for how, mask in (({"lengths": p.lengths, "reverse": True}, of_lengths), ({"mask": p.mask}, p.mask)):
        run = lambda params, x, state, how=how, mask=mask: unroll(step, params, x, state, mask, "reverse" in how)  # noqa: E731
        outputs, final, states, _ = run(p.params, x, p.state._asdict())
        d = vjp_of(run, p.params, x, p.state._asdict())(p.d_outputs, p.d_state._asdict())
        expected = {"outputs": outputs, "d inputs": d["x"][:, :, :I]}
        expected |= {f"d {name}": a for name, a in d["params"].items()}
        for name in cell.states:
            expected |= {f"final {name}": final[name], f"state {name}": states[name]}
            expected[f"d initial {name}"] = d["state"][name]
        for device in DEVICES:
            found = {n: a for n, a in p.results(device=device, **how).items() if not n.startswith("gate")}
            assert_close(found, expected, 1e-13)


@dataclass(frozen=True)
class Strange(nr.Cell):
    """Two products within the step, of which one is used as it is; activations that their values do not tell."""

    inputs = {"r": "xh", "u": "xh", "n": "xq", "k": "q1", "e": "="}
    states = ("h", "c")

    def feedback(self, z, s):
        r, u = z[0] * sigmoid(z[0]), 1 / (1 + np.exp(-z[1] * z[0]))
        return (r * s[0], u * s[1]), (r, u)

    def forward(self, z, s):
        r, u, n, k, e = z
        c = np.exp(-n * n) * r + u * s[1] / np.sqrt(2 + abs(k)) - np.clip(s[0], -0.5, 0.5) ** 3
        return (np.tanh(c) * e, np.minimum(0.7, c * u)), ()


def strange(params, x, state):
    sigma = lambda v: 1 / (1 + anp.exp(-v))  # noqa: E731
    W_r, W_u, W_n = anp.split(params["kernel"], 3, axis=1)
    U_r, U_u, U_n, U_k = anp.split(params["recurrent_kernel"], 4, axis=1)
    b_r, b_u, b_n, b_k = anp.split(params["bias"], 4)
    h, c = state["h"], state["c"]
    v, w = x @ W_r + h @ U_r + b_r, x @ W_u + h @ U_u + b_u
    r, u = v * sigma(v), sigma(w * v)
    q0, q1 = r * h, u * c
    n, k = x @ W_n + q0 @ U_n + b_n, q1 @ U_k + b_k
    clipped = anp.where(h < -0.5, -0.5, anp.where(h > 0.5, 0.5, h))
    c = anp.exp(-(n**2)) * r + u * c / anp.sqrt(2 + anp.abs(k)) - clipped**3
    h, c = anp.tanh(c) * q0, anp.where(c * u > 0.7, 0.7, c * u)
    return h, {"h": h, "c": c}, {}


def test_two_products_within_a_step():
    equations = Strange(3).equations
    assert equations.hidden and equations.extra == 2
    assert_right(Strange(3), strange)


@dataclass(frozen=True)
class Zoneout(nr.Cell):
    """Some units of a cell stay as they were: masks 0 or 1 are drawn for its states."""

    cell: nr.Cell

    states = property(lambda self: self.cell.states)
    saved = property(lambda self: self.cell.saved)
    inputs = property(lambda self: self.cell.inputs | {f"old_{name}": "m" for name in self.states})

    def draw(self, shape, dtype, how):
        rng = np.random.default_rng(5)
        return {f"old_{name}": (rng.random(shape) < 0.4).astype(dtype) for name in self.states}

    @property
    def feedback(self):
        inner = self.cell.equations.feedback
        if inner is None:
            return None
        masks = len(self.states)

        def feedback(z, s):
            q, carried = inner(z[:-masks], s)
            return q, (*carried, *z[-masks:])

        return feedback

    def forward(self, z, s):
        masks = len(s)
        s1, gates = self.cell.equations.forward(z[:-masks], s)
        return tuple(d * old + (1 - d) * new for d, old, new in zip(z[-masks:], s, s1, strict=True)), gates


def zoned(step, I):
    """The reference of a cell with zoneout; the masks are behind x."""

    def zoned_step(params, x, state):
        _, new, _ = step(params, x[:, :I], state)
        masks = anp.split(x[:, I:], len(state), axis=1)
        new = {name: d * old + (1 - d) * new[name] for d, (name, old) in zip(masks, state.items(), strict=True)}
        return new["h"], new, {}

    return zoned_step


@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell"])
def test_a_cell_made_of_another(name):
    reference = references.load()[name]
    step = lambda params, x, state: reference.step(params, x, state, FUNCTIONS)  # noqa: E731
    assert_right(Zoneout(3, getattr(nr, name)(3)), zoned(step, 3))


def with_forward(forward, **declared):
    options = {"inputs": {"a": "xh", "b": "x"}, "states": ("h",), "saved": ("g",), "caller": "MyCell"} | declared
    return derive(forward, **options)


@numba.njit
def compiled_helper(x):
    return x + x


REFUSED = {
    "if": (lambda z, s: ((z[0] if z[0] > 0 else z[1],), (z[1],)), r"no if, and, .* where_less\(a, b, x, y\)"),
    "max": (lambda z, s: ((max(z[0], 0),), (z[1],)), "no if, and, or, ==, <=, min, max"),
    "equality": (lambda z, s: ((z[0],), (z[0] == z[1],)), "where_less"),
    "math": (lambda z, s: ((math.tanh(z[0]),), (z[1],)), "float or math function"),
    "no derivative": (lambda z, s: ((np.cbrt(z[0]),), (z[1],)), "np.cbrt has no derivative here; there are add, "),
    "no formula": (lambda z, s: ((np.cumsum(z[0]),), (z[1],)), "np.cumsum has no derivative here"),
    "option": (lambda z, s: ((np.tanh(z[0], dtype="f4"),), (z[1],)), "np.tanh.__call__ with dtype"),
    "array": (lambda z, s: ((np.ones(3) * z[0],), (z[1],)), "expected a number, got ndarray"),
    "array of numbers": (lambda z, s: ((np.array(z),), (z[1],)), "an array"),
    "text": (lambda z, s: (("h",), (z[1],)), "expected a number, got str"),
    "infinite": (lambda z, s: ((z[0] + np.inf,), (z[1],)), "expected a finite number, got inf"),
    "power": (lambda z, s: ((z[0] ** 0.5,), (z[1],)), "positive integer as power, got 0.5"),
    "operator": (lambda z, s: ((z[0] // 2,), (z[1],)), "forward cannot be traced: unsupported operand"),
    "compiled": (lambda z, s: ((compiled_helper(z[0]),), (z[1],)), "plain Python, or register_jitable"),
    "unpacking": (lambda z, s: ((sum(z[:3]) + z[2],), ()), "forward cannot be traced: tuple index out of range"),
    "nothing": (lambda z, s: None, "expected forward to return new states and gates, got NoneType"),
    "bare state": (lambda z, s: (z[0], (z[1],)), r"tuple of 1 new states \(h\), got Number"),
    "gates": (lambda z, s: ((z[0],), (z[1], z[0])), r"tuple of 1 saved values \(g\), got 2"),
    "unused": (lambda z, s: ((z[0],), (z[0],)), "the new states do not depend on pre-activation b"),
}


@pytest.mark.parametrize("forward, message", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_traced(forward, message):
    with pytest.raises(nr.InputError, match=f"^MyCell: .*{message}"):
        with_forward(forward)


def test_what_cannot_be_traced_in_feedback():
    declared = {"inputs": {"r": "xh", "n": "xq"}, "saved": ()}
    forward = lambda z, s: ((z[0] * z[1],), ())  # noqa: E731
    with pytest.raises(nr.InputError, match=r"tuple of 1 values carried by feedback \(r\), got 2"):
        with_forward(forward, feedback=lambda z, s: (z[0] * s[0], (z[0], z[0])), **declared)
    with pytest.raises(nr.InputError, match="MyCell: expected feedback to return q and carried, got Number"):
        with_forward(forward, feedback=lambda z, s: z[0] * s[0], **declared)


def test_a_cell_without_any_equations():
    @dataclass(frozen=True)
    class Nothing(nr.Cell):
        inputs = {"z": "xh"}

    with pytest.raises(NotImplementedError, match="Nothing declares neither equations nor forward"):
        nr.forward(Nothing(2), Nothing(2).init_params(3), np.ones((1, 1, 3), "f4"))


def test_sources_are_readable_and_appear_in_tracebacks():
    equations = STARCell(4).equations
    assert equations.forward.source == (
        "def forward(z, s):\n"
        "    z_k, z_z = z\n"
        "    (h,) = s\n"
        "    k = sigmoid(z_k)\n"
        "    z_ = tanh(z_z)\n"
        "    h1 = tanh((one(k) - k) * h + k * z_)\n"
        "    return (h1,), (k, z_)\n"
    )
    with pytest.raises(TypeError) as caught:
        equations.backward((None, None), (0.0,), (0.0,), (1.0,))
    assert "t1 * k * d_tanh(z_)" in "".join(traceback.format_exception(caught.value))


def test_less_is_computed_than_is_written():
    """Constants are folded, equal formulas are one, and what does nothing is left out."""

    def forward(z, s):
        half = one(z[0]) / 2
        a = np.tanh(z[0] * 1 + 0) * half + half * np.tanh(z[0]) * (3 - 2)
        return (where_less(z[1], s[0], a, a) + sigmoid(0 - -1 * z[1]) - 0 * s[0],), ()

    equations = with_forward(forward, saved=())
    assert equations.forward.source.splitlines()[2:] == [
        "    kept1 = tanh(z_a)",
        "    t1 = kept1 * constant(kept1, 0.5)",
        "    kept2 = sigmoid(z_b)",
        "    h1 = t1 + t1 + kept2",
        "    return (h1,), (kept1, kept2)",
    ]


CELL = """
from dataclasses import dataclass
import numpy as np, numbarnn as nr
from numbarnn.runtime import compile as store
saves = []
save = store.Store.save_overload
store.Store.save_overload = lambda *args: (saves.append(1), save(*args))

@dataclass(frozen=True)
class MyCell(nr.Cell):
    inputs = {"a": "xh"}
    def forward(self, z, s):
        return (FORMULA,), ()

cell = MyCell(2)
params = {n: np.full(s, 0.5, "f4") for n, s in cell.param_shapes(1).items()}
run = nr.forward(cell, params, np.ones((1, 1, 1), "f4"))
gradient = run.backward(run.outputs)
print(len(saves), run.outputs[0, 0, 0], gradient.inputs[0, 0, 0])
"""


def results_of(formula, folder):
    environment = {**os.environ, "NUMBARNN_CACHE_DIR": str(folder)}
    code = [sys.executable, "-c", CELL.replace("FORMULA", formula)]
    done = subprocess.run(code, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(word) for word in done.stdout.split()]


def test_kernels_are_found_again_and_never_stale(tmp_path):
    everything, *values = results_of("z[0] * 2.0", tmp_path)
    assert everything > 2 and values == [2, 4]  # z = 1; both units: 2 * 2 * 0.5 * 2
    assert results_of("z[0] * 3.0", tmp_path) == [2, 3, 9]  # its two kernels; the others are those of any cell
    assert results_of("z[0] * 2.0", tmp_path) == [0, 2, 4]
