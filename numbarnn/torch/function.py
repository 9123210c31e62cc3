"""A run and its gradient as a function that PyTorch's autograd knows."""

import weakref
from collections.abc import Callable
from typing import Any

import torch  # pyright: ignore[reportMissingImports]  # an extra

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import nested_state
from ..rnn.run import Run, forward
from ..utils.tree import tree_leaves, tree_unflatten
from .tensors import array_of, check_tensor, on_host, results_of, tensor_of

INTEGERS = torch.int64, torch.int32


def recurrence(
    cell: RNNCell,
    params: dict[str, torch.Tensor],
    x: torch.Tensor,
    initial_state: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    reset_mask: Any = None,
    time_major: bool = False,
    reverse: bool = False,
    seed: int | None = None,
) -> tuple[torch.Tensor, Any]:
    """Run a cell on tensors, in training mode if there is a seed; return outputs and the final state."""
    names, given = [*params], initial_state is not None
    tensors = _checked(cell, params, x, initial_state)
    options = {"lengths": lengths, "mask": mask, "reset_mask": reset_mask}
    options = {name: on_host(name, value) for name, value in options.items()}
    options |= {"time_major": time_major, "reverse": reverse, "training": seed is not None}
    options |= {"rng": seed, "device": x.device.type}

    def run_of(x: torch.Tensor, *others: torch.Tensor, save: str = "all") -> Run:
        arrays = [array_of(tensor) for tensor in others]
        params = dict(zip(names, arrays, strict=False))
        state = tree_unflatten(cell.state_size, arrays[len(names) :]) if given else None
        return forward(cell, params, array_of(x), initial_state=state, save=save, **options)

    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        outputs, *state = Recurrence.apply(run_of, *tensors)
    else:
        outputs, *state = results_of(run_of(*tensors, save="minimal"), x.device)
    return outputs, tree_unflatten(cell.state_size, state)


def _checked(cell, params, x, initial_state):
    """List the tensors that a run reads: inputs, parameters, initial states; raise `InputError` for others."""
    first = next(iter(params.values()))
    if first.device.type not in ("cpu", "cuda"):
        raise InputError(f"RNN: expected parameters on the CPU or on a GPU of NVIDIA, got {first.device}")
    if first.dtype not in (torch.float32, torch.float64):
        raise InputError(f"RNN: expected parameters of dtype float32 or float64, got {first.dtype}")
    integers = cell.takes_integers and getattr(x, "dtype", None) in INTEGERS

    def check(what, value, size=None):
        return check_tensor(what, value, first, first.dtype)

    tensors = [check_tensor("x", x, first, x.dtype if integers else first.dtype)]
    tensors += [check(f"parameter {name}", value) for name, value in params.items()]
    if initial_state is not None:
        tensors += tree_leaves(nested_state("RNN", "initial_state", initial_state, cell.state_size, check))
    return tensors


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
