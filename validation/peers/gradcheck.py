"""`torch.autograd.gradcheck`: PyTorch differentiates our values by itself, and compares our backward pass with it."""

import numpy as np

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves, tree_unflatten

from .. import references
from ..cases import SMALL, central
from ..catalogue import build
from ..compare import Result
from ..problem import draw

AGAINST = "PyTorch's gradcheck"


def has(case):
    """A small case with the default options, not from zeros: there some cells have kinks, or norms without variance."""
    small = case.shape == SMALL and not case.call.in_steps and not case.call.training and not case.kinks
    usual = case.options.keys() <= central(references.load()[case.cell], {}).options.keys()
    how = case.call.initial_state and case.call.masking != "mask" and not case.call.time_major
    return small and usual and how and not build(case.node).takes_integers


def results(same):
    for case in same:
        yield result_of(case)


def result_of(case):
    """Whether the bridge `nr.torch.RNN` passes, on the kernels of the CPU.

    What PyTorch says of the first gradient that does not stands in the place of the quantity.
    """
    import torch
    from torch.autograd.gradcheck import GradcheckError, gradcheck

    p = draw(case, margin=1e-3)
    rnn = nr.torch.RNN(p.cell, p.x.shape[2], params=p.params, dtype=torch.float64, reverse=p.call.reverse).eval()
    names, params = zip(*rnn.named_parameters(), strict=True)
    leaves = [torch.tensor(array).requires_grad_() for array in (p.x, *p.state.values())]
    how = {} if p.lengths is None else {"lengths": torch.tensor(p.lengths)}

    def function(x, *tensors):
        states, values = tensors[: len(p.state)], dict(zip(names, tensors[len(p.state) :], strict=True))
        initial = tree_unflatten(p.cell.state_size, states)
        outputs, final = torch.func.functional_call(rnn, values, (x, initial), how)
        return outputs, *tree_leaves(final)

    what, passed = "outputs and states", True
    try:
        gradcheck(function, (*leaves, *params), fast_mode=True)
    except GradcheckError as error:
        what, passed = str(error).strip().partition("\n")[0], False
    where = (case.cell, case.options, "float64", "cpu", case.described, AGAINST)
    return Result(*where, what, None, 0.0 if passed else np.inf, 0.0, case.seed)
