"""`RNN`: any cell as a module of PyTorch."""

from typing import Any

import torch  # pyright: ignore[reportMissingImports]  # an extra
from torch.nn.utils.rnn import (  # pyright: ignore[reportMissingImports]
    PackedSequence,
    pack_padded_sequence,
    pad_packed_sequence,
)

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell, check_params
from .function import recurrence
from .tensors import on_host


class RNN(torch.nn.Module):
    """Run a cell over sequences in a model of PyTorch, with numbarnn's kernels forward and backward.

    Tensors and kernels share their memory, on a CPU and on a GPU. Parameters have the cell's names. In training mode a
    cell that draws random numbers takes its seed from PyTorch's generator.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``.
    input_size : int, optional
        Number of input features I; none for a cell that takes integers.
    params : dict of str to ndarray or Tensor, optional
        Values of the parameters, which are copied, such as those of ``nr.interop.from_torch``. By default
        ``cell.init_params`` makes them, with a seed from PyTorch's generator.
    time_major : bool, default False
        Whether inputs, masks and outputs have the time axis first.
    reverse : bool, default False
        Whether each row is read from its last valid step to its first.
    device : torch.device or str, optional
        Where the parameters are: the CPU or a GPU.
    dtype : torch.dtype, optional
        float32 or float64. By default that of ``params``, or else PyTorch's default.

    Raises
    ------
    InputError
        If an argument is not what is expected.
    ImportError
        PyTorch is missing (the extra "torch").

    Examples
    --------
    >>> rnn = nr.torch.RNN(nr.LSTMCell(64, use_peepholes=True), 28)
    >>> outputs, state = rnn(x, lengths=lengths)
    """

    def __init__(
        self,
        cell: RNNCell,
        input_size: int | None = None,
        *,
        params: dict[str, Any] | None = None,
        time_major: bool = False,
        reverse: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        check_cell("RNN", cell)
        self.cell, self.input_size, self.time_major, self.reverse = cell, input_size, time_major, reverse
        if params is None:
            name = str(dtype or torch.get_default_dtype()).removeprefix("torch.")
            params = cell.init_params(input_size, _seed(), name)  # pyright: ignore[reportArgumentType]
        elif isinstance(params, dict):
            params = {name: on_host(f"parameter {name}", value) for name, value in params.items()}
        checked = check_params(cell, params, input_size)
        self.names = [*checked]
        for name, array in checked.items():
            tensor = torch.tensor(array, dtype=dtype, device=device)
            self.register_parameter(name, torch.nn.Parameter(tensor))

    def extra_repr(self) -> str:
        """Describe the module without its parameters."""
        options = [name for name in ("time_major", "reverse") if getattr(self, name)]
        return ", ".join([repr(self.cell), f"input_size={self.input_size}", *(f"{name}=True" for name in options)])

    def forward(
        self,
        x: Any,
        initial_state: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        reset_mask: Any = None,
    ) -> tuple[Any, Any]:
        """Run the cell over a batch of sequences.

        Parameters
        ----------
        x : Tensor (B, T, I) or PackedSequence
            Inputs of the parameters' dtype and device; (T, B, I) if ``time_major``. Integers (B, T) if the cell takes
            those.
        initial_state : State of Tensor (B, H), optional
            The cell's states before the first step, nested like ``cell.state_size``; zeros by default.
        lengths : Tensor or array_like (B,) of int, optional
            Number of valid steps of each row, zero allowed; not with a PackedSequence, which has its own.
        mask : Tensor or ndarray (B, T) of bool, optional
            Valid steps in any pattern, laid out as ``x``; not together with ``lengths``.
        reset_mask : Tensor or ndarray (B, T) of bool, optional
            Steps before which all states of the row become zero.

        Returns
        -------
        outputs : Tensor (B, T, output_size) or PackedSequence
            Outputs, zero at steps that are not valid; laid out as ``x``.
        state : State of Tensor (B, H)
            The states after each row's last valid step, nested like ``cell.state_size``.

        Raises
        ------
        InputError
            If an argument has another type, shape, dtype, device or value than expected.
        """
        if isinstance(x, PackedSequence):
            if lengths is not None or mask is not None:
                raise InputError("RNN: expected neither lengths nor mask beside a PackedSequence, which has its own")
            padded, lengths = pad_packed_sequence(x, batch_first=not self.time_major)
            outputs, state = self(padded, initial_state, lengths=lengths, reset_mask=reset_mask)
            return _packed(outputs, lengths, x, self.time_major), state
        # attributes, which torch.nn.utils.parametrize may compute
        params = {name: getattr(self, name) for name in self.names}
        options = {"lengths": lengths, "mask": mask, "reset_mask": reset_mask}
        options |= {"time_major": self.time_major, "reverse": self.reverse, "seed": _seed() if self.training else None}
        return recurrence(self.cell, params, x, initial_state, **options)


def _seed():
    """Draw a seed from PyTorch's generator."""
    return int(torch.randint(2**63 - 1, ()))


def _packed(outputs, lengths, like, time_major):
    """Pack outputs in the order of rows and steps of another sequence."""
    if like.sorted_indices is not None:
        outputs = outputs.index_select(1 if time_major else 0, like.sorted_indices)
        lengths = lengths[like.sorted_indices.cpu()]
    packed = pack_padded_sequence(outputs, lengths, batch_first=not time_major)
    return PackedSequence(packed.data, like.batch_sizes, like.sorted_indices, like.unsorted_indices)
