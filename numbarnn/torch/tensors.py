"""Tensors and arrays that share their memory."""

from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # an extra

from ..engines.device_arrays import swap_time_batch
from ..errors import InputError
from ..rnn.run import Run
from ..utils.tree import tree_leaves


def check_tensor(what: str, value: Any, like: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a dense tensor of this dtype on the device of another; else raise `InputError`."""
    if not isinstance(value, torch.Tensor):
        raise InputError(f"RNN: expected {what} to be a tensor, got {type(value).__name__}")
    if value.device != like.device:
        raise InputError(f"RNN: expected {what} on device {like.device}, that of the parameters, got {value.device}")
    if value.dtype != dtype:
        raise InputError(f"RNN: expected {what} of dtype {dtype}, that of the parameters, got {value.dtype}")
    if value.layout != torch.strided:
        raise InputError(f"RNN: expected {what} to be dense, got {value.layout}")
    return value


def array_of(tensor: Any) -> Any:
    """Return a NumPy array over the memory of a tensor, or the tensor itself if it is on a GPU; None stays None."""
    if tensor is None:
        return None
    tensor = tensor.detach()
    return tensor if tensor.is_cuda else tensor.numpy()


def tensor_of(array: Any, device: torch.device) -> Any:
    """Return a tensor over the memory of an array; None stays None."""
    if array is None:
        return None
    # outputs that were read in reverse, which PyTorch cannot represent
    if type(array) is np.ndarray and array.size and min(array.strides) < 0:
        array = array.copy()
    return torch.as_tensor(array, device=device)


def results_of(run: Run, device: torch.device) -> list[torch.Tensor]:
    """Return the outputs of a run, which are not copied, and its final states, which share memory with them."""
    state = [torch.as_tensor(array, device=device).clone() for array in tree_leaves(run.state)]
    # `run.outputs` is read-only, which tensors cannot be; autograd itself notices a change of them
    outputs = run.result.outputs
    return [tensor_of(outputs if run.time_major else swap_time_batch(outputs), device), *state]


def on_host(what: str, value: Any) -> Any:
    """Return a tensor as a NumPy array of its own; anything else stays."""
    if not isinstance(value, torch.Tensor):
        return value
    try:
        return value.detach().cpu().numpy().copy()
    except TypeError:
        got = f"{value.dtype}, {value.layout}"
        raise InputError(f"RNN: expected {what} to be a tensor that NumPy can hold, got {got}") from None
