"""Real-time recurrent learning as an oracle, and the dual numbers that it runs on."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad
from autograd.scipy.special import expit

from validation import cases, problem, references, rtrl, suite, truth
from validation.compare import errors
from validation.duals import Dual
from validation.selection import Selection

PLAIN = ("SimpleRNNCell", "GRUCell", "LayerNormLSTMCell", "GridLSTMCell")


def failed(found):
    return [result for result in found if not result.ok]


@pytest.mark.parametrize("name", PLAIN)
def test_kernels_agree(name):
    found = list(rtrl.results(cases.short(name)[:3], "numpy"))
    assert {"d_inputs", "d_initial_state"} <= {r.quantity.partition(".")[0] for r in found} and not failed(found)


def test_autograd_agrees():
    drawn = problem.draw(cases.short("LSTMCell")[0])
    true, found = truth.values(drawn), rtrl.values(drawn)
    assert found.keys() == true.keys() - {"forward"}
    for cotangent, gradients in found.items():
        assert max(errors(gradients, true[cotangent]).values()) < 1e-14


def test_every_plain_cell_has_short_cases():
    for name, module in references.load().items():
        assert bool(cases.short(name)) == (not hasattr(module, "examples"))


def test_a_wrong_gradient_is_found(monkeypatch):
    values = rtrl.measured.values

    def wrong(drawn, device):
        found = values(drawn, device)
        found["outputs"]["d_bias", "z"] = found["outputs"]["d_bias", "z"] * (1 + 1e-9)
        return found

    monkeypatch.setattr(rtrl.measured, "values", wrong)
    found = failed(rtrl.results(cases.short("GRUCell")[:1], "numpy"))
    assert [(r.quantity, r.gate, r.shape["cotangent"], r.against) for r in found] == [
        ("d_bias", "z", "outputs", "RTRL")
    ]


def test_a_quick_run_has_tasks_for_all_of_them():
    tasks = list(suite.rtrl_tasks(Selection(quick=True, cells=PLAIN)))
    assert {task.name for task in tasks} == {f"{name}, RTRL" for name in PLAIN}


@pytest.mark.parametrize(
    "function", [anp.tanh, expit, anp.exp, anp.expm1, anp.sqrt, anp.negative, lambda x: 2 / (x**3 - 1)]
)
def test_derivatives_of_dual_numbers(function):
    x = np.linspace(0.2, 0.9, 6).reshape(2, 3)
    y = function(Dual(x, np.stack([np.ones_like(x), 2 * np.ones_like(x)])))
    slope = elementwise_grad(function)(x)
    assert np.allclose(y.value, function(x), rtol=1e-15) and np.allclose(y.along, [slope, 2 * slope], rtol=1e-13)


def test_products_and_shapes_of_dual_numbers():
    rng = np.random.default_rng(0)
    arrays = {"A": rng.standard_normal((2, 3)), "W": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}
    given = rtrl.units({("", name): array for name, array in arrays.items()})
    f = lambda A, W, b: anp.where(A @ W > 0, A @ W - b, b * anp.concatenate([A, A[:, :1]], axis=1))  # noqa: E731
    y = f(*given.values())
    for k, (name, array) in enumerate(arrays.items()):
        step = {n: a.astype(complex) for n, a in arrays.items()}
        step[name] = array + 1e-200j
        first = sum(a.size for a in list(arrays.values())[:k])
        whole = y.along[first : first + array.size].sum(0)
        A, W, b = step.values()
        taken = np.where((A @ W).real > 0, A @ W - b, b * np.concatenate([A, A[:, :1]], 1))
        assert np.allclose(whole, taken.imag / 1e-200, rtol=1e-13)


def test_what_dual_numbers_do_not_know_is_an_error():
    with pytest.raises(TypeError):
        np.sin(Dual(np.ones(2), np.ones((1, 2))))
    with pytest.raises(TypeError):
        np.cumsum(Dual(np.ones(2), np.ones((1, 2))))
