"""PyTorch's float32 on the same case: the yardstick for ours. Without torch there is none, and a fixed bound holds."""

from functools import cache
from importlib.util import find_spec
from warnings import catch_warnings, simplefilter

import numpy as np

from . import truth
from .compare import errors
from .problem import draw
from .quantities import gradient_values

MODULES = {"SimpleRNNCell": "RNN", "LSTMCell": "LSTM", "ResetAfterGRUCell": "GRU"}
DRAWS = 4
MANY = 100


@cache
def installed():
    return find_spec("torch") is not None


def has(case):
    """Whether PyTorch can run this case: its cells and options, no masks, and the whole gradient."""
    known = {"use_bias": (False,), "forget_bias": (case.options.get("forget_bias"),)}
    known |= {"activation": ("relu",)} if case.cell == "SimpleRNNCell" else {}
    known |= {"num_proj": range(case.shape.H)} if case.cell == "LSTMCell" else {}
    within = all(value in known.get(option, ()) for option, value in case.options.items())
    whole = case.call.masking == "none" and not case.call.in_steps
    return installed() and case.cell in MODULES and within and whole


def largest_errors(case):
    """{quantity: largest error of PyTorch's float32}, over gates, cotangents and some problems of the case.

    Only quantities of many numbers are there: the largest rounding error of few is luck.
    """
    import torch

    torch.set_num_threads(1)  # all problems are small: more threads only wait for one another
    largest = {}
    for number in range(DRAWS):
        problem = draw(case, number)
        true = truth.values(problem)
        for group, found in values(case, problem).items():
            for (quantity, gate), error in errors(found, {key: true[group][key] for key in found}).items():
                if found[quantity, gate].size >= MANY:
                    largest[quantity] = max(error, largest.get(quantity, 0.0))
    return largest


def values(case, problem):
    """{"forward" or name of a cotangent: {(quantity, gate): array}} in float32, as far as PyTorch shows them."""
    import torch

    p = problem.as_type("float32")
    tensor = lambda array: torch.tensor(np.ascontiguousarray(array))  # noqa: E731
    flip = (lambda a: a.flip(1)) if case.call.reverse else (lambda a: a)
    module = _module(torch, case, p)
    x, state = tensor(p.x).requires_grad_(), [tensor(s)[None].requires_grad_() for s in p.state.values()]
    with catch_warnings():
        simplefilter("ignore")  # a projection is slow: no concern of ours
        outputs, final = module(flip(x), tuple(state) if len(state) > 1 else state[0])
    outputs, final = flip(outputs), [s[0] for s in (final if isinstance(final, tuple) else (final,))]
    names = [("outputs", None), *((f"state.{name}", None) for name in p.state)]
    found = {"forward": {name: a.detach().numpy() for name, a in zip(names, (outputs, *final), strict=True)}}

    for cotangent, (dy, ds) in p.cotangents.items():
        given = [(y, tensor(d)) for y, d in zip((outputs, *final), (dy, *ds.values()), strict=True) if d is not None]
        leaves = (x, *state, *module.parameters())
        results, d_results = zip(*given, strict=True)
        d_x, *rest = (d.numpy() for d in torch.autograd.grad(results, leaves, d_results, retain_graph=True))
        d_state = {name: d[0] for name, d in zip(p.state, rest, strict=False)}
        d_params = _packed(case, p, *rest[len(state) :])
        found[cotangent] = gradient_values(p, d_params, d_x, d_state)
    return found


def _module(torch, case, problem):
    """The torch module with the problem's weights; of our bias, its recurrent bias takes only a GRU's fourth block."""
    H, params = case.shape.H, problem.params
    bias = params.get("bias", np.zeros(len(problem.cell.inputs) * H, np.float32)).copy()
    if case.cell == "LSTMCell":
        bias[H : 2 * H] += problem.cell.forget_bias
    fourth = bias[params["kernel"].shape[1] :]
    bias = bias[: bias.size - fourth.size]
    recurrent_bias = np.concatenate([np.zeros(bias.size - fourth.size, np.float32), fourth])
    options = {"nonlinearity": problem.cell.activation} if case.cell == "SimpleRNNCell" else {}
    options |= {"proj_size": case.options["num_proj"]} if "num_proj" in case.options else {}
    module = getattr(torch.nn, MODULES[case.cell])(case.shape.I, H, batch_first=True, **options)
    weights = [params["kernel"].T, params["recurrent_kernel"].T, bias, recurrent_bias]
    weights += [params["projection_kernel"].T] if "projection_kernel" in params else []
    for parameter, weight in zip(module.parameters(), weights, strict=True):
        parameter.data = torch.tensor(np.ascontiguousarray(weight))
    return module


def _packed(case, problem, kernel, recurrent_kernel, bias, recurrent_bias, projection_kernel=None):
    """The module's gradients as those of our parameters."""
    fourth = recurrent_bias[2 * case.shape.H :] if case.cell == "ResetAfterGRUCell" else recurrent_bias[:0]
    gradients = {"kernel": kernel.T, "recurrent_kernel": recurrent_kernel.T, "bias": np.concatenate([bias, fourth])}
    gradients |= {} if projection_kernel is None else {"projection_kernel": projection_kernel.T}
    return {name: gradients[name] for name in problem.params}
