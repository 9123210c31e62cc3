"""Weights from and to PyTorch: ``nn.RNN``, ``nn.LSTM``, ``nn.GRU``, their cells, and models with such modules."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell
from ..utils.types import Arrays
from .models import load
from .pytorch_cells import LIBRARY, arrays_of_cell, grouped, made_stack, named, take_groups
from .pytorch_models import arrays_of_model, by_module, modules_of, pieces_alike
from .safetensors import read_safetensors, write_safetensors
from .sources import with_path


def from_torch(source: Any, cell: RNNCell | None = None, *, prefix: str = "") -> tuple[RNNCell, Arrays]:
    """Take over the weights of a recurrent module of PyTorch.

    Several layers become a `MultiRNNCell`, both directions a `Bidirectional`. PyTorch adds two biases; they are joined
    to one, but for the candidate of a GRU, where both are kept.

    Parameters
    ----------
    source : torch.nn.Module, dict or path
        An ``nn.RNN``, ``nn.LSTM``, ``nn.GRU`` or cell of these; its state dict of tensors or arrays; or a file of
        safetensors with these names.
    cell : RNNCell, optional
        What the weights are for. By default it is made: a module says everything, also the dropout between its layers;
        a state dict says neither that nor the activation of ``nn.RNN``, which then is tanh.
    prefix : str, default ""
        Name of the module inside the source, such as "encoder.lstm"; other names are then left out.

    Returns
    -------
    cell : RNNCell
        The cell.
    params : dict
        {name: array}, new arrays of the dtype of the source.

    Raises
    ------
    InputError
        Names are missing or unknown, shapes do not fit, or the cell has no counterpart in PyTorch.
    ImportError
        The source is a file, and safetensors is missing (the extra "safetensors").
    """
    caller = with_path("from_torch", source)
    groups = grouped(caller, named(caller, state_of(caller, source), prefix))
    if cell is None:
        cell = made_stack(caller, groups, getattr(source, "nonlinearity", "tanh"), getattr(source, "dropout", 0.0))
    check_cell(caller, cell)
    return cell, take_groups(caller, cell, groups)


def load_torch(model: Any, source: Any, names: Mapping[str, str] | None = None) -> None:
    """Set all weights of a model out of a module of PyTorch.

    Parameters
    ----------
    model : Sequential
        A built model: recurrent layers (a layer of `RNN` with a `MultiRNNCell` is one of several layers there),
        `Bidirectional` with "concat", `Dense`, `Embedding` and `BatchNormalization` have weights to set, and
        `TimeDistributed` those of its layer.
    source : torch.nn.Module, dict or path
        A module, its state dict of tensors or arrays, or a file of safetensors with these names.
    names : dict of {str: str}, optional
        For each of our layers with weights its module, such as {"lstm": "encoder.rnn"}. By default modules have the
        names of our layers, as `to_torch` writes them; or else they follow each other as our layers do.

    Raises
    ------
    InputError
        Names are missing or unknown, or shapes do not fit; nothing has changed then.
    ImportError
        The source is a file, and safetensors is missing (the extra "safetensors").
    """
    caller = with_path("load_torch", source)
    state = {n: v for n, v in state_of(caller, source).items() if not str(n).endswith(".num_batches_tracked")}
    found = by_module(named(caller, state))
    held = pieces_alike(caller, model)
    wanted = modules_of(caller, held, found, names, ordered=not isinstance(source, str | PathLike))
    pairs = [(piece, found.pop(key, {})) for piece, key in zip(held, wanted, strict=True)]
    if found:
        raise InputError(f"{caller}: expected weights of the layers of {model!r} alone, got {next(iter(found))[0]} too")
    load(caller, LIBRARY, model, pairs, [f" of {key[0]}" for key in wanted])


def to_torch(cell_or_model: Any, params: Arrays | None = None) -> dict[str, Any]:
    """Make the state dict of a module of PyTorch.

    PyTorch adds two biases. A cell has one: it becomes bias_ih, and bias_hh is zero, but for the candidate of a GRU,
    which has two here as well. Both get the same gradient in PyTorch's training, so that their sum moves twice as far
    in a step as one bias does, with gradient descent and with Adam. The layer `GRU` has two biases, as PyTorch.

    Parameters
    ----------
    cell_or_model : RNNCell or Sequential
        A cell with a counterpart: `SimpleRNNCell`, `LSTMCell`, `ResetAfterGRUCell` and their other names, alone, in a
        `MultiRNNCell`, and each of its levels in a `Bidirectional`; or a built model of layers of these, see
        `load_torch`. A ``forget_bias`` of a cell is added to its bias: PyTorch adds none.
    params : dict, optional
        The parameters of the cell; a model has its own.

    Returns
    -------
    dict
        {name: torch.Tensor}, as ``module.load_state_dict`` takes it. Those of a cell end with "_l0" and so on, as in
        ``nn.LSTM``; those of a model begin with the names of its layers.

    Raises
    ------
    InputError
        Something has no counterpart in PyTorch, or parameters do not fit.
    ImportError
        PyTorch is missing (the extra "torch").
    """
    arrays = torch_arrays("to_torch", cell_or_model, params)
    try:
        import torch  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError("to_torch needs PyTorch: pip install 'numbarnn[torch]'") from error
    tensor: Any = torch.from_numpy  # where PyTorch is missing, pyright takes numbarnn.torch for it
    return {name: tensor(array) for name, array in arrays.items()}


def save_safetensors(path: str | PathLike[str], cell_or_model: Any, params: Arrays | None = None) -> None:
    """Write weights to a file of safetensors under PyTorch's names, whole or not at all.

    Parameters
    ----------
    path : str or path
        The file, usually "....safetensors". `from_torch` and `load_torch` read it.
    cell_or_model : RNNCell or Sequential
        A cell or a model as for `to_torch`.
    params : dict, optional
        The parameters of the cell; a model has its own.

    Raises
    ------
    InputError
        Something has no counterpart in PyTorch, or parameters do not fit.
    ImportError
        The package safetensors is missing (the extra "safetensors").
    """
    write_safetensors(path, torch_arrays("save_safetensors", cell_or_model, params))


def torch_arrays(caller: str, cell_or_model: Any, params: Arrays | None) -> Arrays:
    """Return the arrays of a state dict."""
    if isinstance(cell_or_model, RNNCell):
        return arrays_of_cell(caller, cell_or_model, params)
    if params is not None:
        raise InputError(f"{caller}: expected a cell with params or a model alone, got both")
    return arrays_of_model(caller, cell_or_model)


def state_of(caller: str, source: Any) -> Mapping[str, Any]:
    """Return the state dict of a module, or read one from a file."""
    if isinstance(source, str | PathLike):
        return read_safetensors(source)
    state = source.state_dict() if hasattr(source, "state_dict") else source
    if not isinstance(state, Mapping):
        raise InputError(f"{caller}: expected a module, a state dict or a path, got {type(state).__name__}")
    return state
