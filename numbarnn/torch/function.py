"""A run and its gradient as a function that PyTorch's autograd knows."""

import weakref
from collections.abc import Callable
from typing import Any

import torch  # pyright: ignore[reportMissingImports]  # an extra

from ..errors import InputError
from ..rnn.run import Run
from ..utils.tree import tree_leaves, tree_unflatten
from .tensors import array_of, results_of, tensor_of


class Recurrence(torch.autograd.Function):
    """Inputs, parameters and initial states, one after the other, to outputs and final states."""

    @staticmethod
    def forward(ctx: Any, run_of: Callable[..., Run], *tensors: torch.Tensor) -> Any:
        """Run the cell; `run_of(*tensors)` does it, with the same bits each time."""
        run = run_of(*tensors)
        outputs, *state = results_of(run, tensors[0].device)
        # The run lives as long as the tensors that are saved with it: PyTorch frees them after the last backward pass.
        # A hook such as that of torch.utils.checkpoint saves others in their place; then the pass is run once more.
        holder: Any = torch.empty(0)
        holder.run = run
        ctx.run, ctx.run_of = weakref.ref(run), run_of
        # PyTorch refuses a backward pass after a change of them; the engine reads the outputs too
        ctx.save_for_backward(outputs, holder, *tensors)
        ctx.set_materialize_grads(False)
        return outputs, *state

    @staticmethod
    def backward(ctx: Any, d_outputs: torch.Tensor | None, *d_state: torch.Tensor | None) -> Any:
        """Back-propagate through time."""
        # once_differentiable would take gradients of the outputs that are constant as reason to return constants
        if torch.is_grad_enabled():
            raise InputError("RNN: expected create_graph=False, as its gradient has no gradient of its own")
        _, _, *tensors = ctx.saved_tensors
        run = ctx.run() or ctx.run_of(*tensors)
        grads = run.backward(array_of(d_outputs), tree_unflatten(run.cell.state_size, map(array_of, d_state)))
        params = [grads.params[name] for name in run.arguments[0]]
        arrays = [grads.inputs, *params, *tree_leaves(grads.initial_state)]
        # without an initial state there is nobody who takes its gradient
        return None, *(tensor_of(array, tensors[0].device) for array in arrays[: len(tensors)])
