"""Weights from and to PyTorch: ``nn.RNN``, ``nn.LSTM``, ``nn.GRU`` and their cells.

Their names: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 and weight_hr_l0 of the first layer, the same with
"_reverse" of its other direction, l1 of the next layer, and weight_ih ... without a number in nn.LSTMCell.
"""

import re
from collections.abc import Mapping
from os import PathLike
from typing import Any

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell
from ..utils.types import Arrays
from ..wrappers import Bidirectional, DropoutWrapper, MultiRNNCell
from .composites import directions, levels, plain, prefixed, selected
from .convert import incoming, made_cell, outgoing
from .layouts import listed, numbers
from .safetensors import read_safetensors
from .table import TABLE, counterpart, shown

LIBRARY = "PyTorch"
NAME = re.compile(r"(weight|bias)_(ih|hh|hr)(?:_l(\d+)(_reverse)?)?")
ROWS = {len(row.layouts["weight_ih"].blocks): row for row in TABLE if row.library == LIBRARY}  # by number of gates


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
    caller = "from_torch"
    groups = grouped(caller, named(caller, state_of(source), prefix))
    if cell is None:
        cell = made_stack(caller, groups, getattr(source, "nonlinearity", "tanh"), getattr(source, "dropout", 0.0))
    check_cell(caller, cell)
    return cell, take_groups(caller, cell, groups)


def to_torch(cell: RNNCell, params: Arrays) -> dict[str, Any]:
    """Make the state dict of a recurrent module of PyTorch.

    PyTorch adds two biases: bias_ih is ours, bias_hh is zero, but for the candidate of a GRU, which has two here as
    well. Both then get the same gradient in PyTorch's training, so that plain gradient descent moves their sum twice as
    fast as ours; with Adam or RMSprop, which normalise gradients, it moves about twice as far too.

    Parameters
    ----------
    cell : RNNCell
        A cell with a counterpart: `SimpleRNNCell`, `LSTMCell`, `ResetAfterGRUCell` and their other names, alone, in a
        `MultiRNNCell`, and each of its levels in a `Bidirectional`.
    params : dict
        Its parameters. A ``forget_bias`` of the cell is added to its bias: PyTorch adds none.

    Returns
    -------
    dict
        {name: torch.Tensor}, as ``module.load_state_dict`` takes it.

    Raises
    ------
    InputError
        The cell has no counterpart in PyTorch, or parameters do not fit.
    ImportError
        PyTorch is missing (the extra "torch").
    """
    arrays = torch_arrays("to_torch", cell, params)
    return tensors("to_torch", arrays)


def tensors(caller: str, arrays: Arrays) -> dict[str, Any]:
    """Make tensors of arrays."""
    try:
        import torch  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError(f"{caller} needs PyTorch: pip install 'numbarnn[torch]'") from error
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def torch_arrays(caller: str, cell: RNNCell, params: Arrays) -> Arrays:
    """Return the arrays of a state dict."""
    check_cell(caller, cell)
    found, alike, left = {}, set(), dict(params)
    for i, (prefix, level) in enumerate(levels(caller, cell)):
        both = directions(level)
        if isinstance(level, Bidirectional) and level.merge_mode != "concat":
            raise InputError(f"{caller}: expected merge_mode 'concat', as PyTorch has it, got {shown(level)}")
        for backwards, (side, inner) in enumerate(both):
            inner = plain(caller, LIBRARY, inner)
            row = counterpart(caller, LIBRARY, inner)
            own = {name: left.pop(prefix + side + name) for name in selected(prefix + side, left)}
            arrays = outgoing(caller, row, inner, own)
            alike.add((row.name, len(both), *(arrays[name].shape for name in arrays if name != "weight_ih")))
            found |= {name + ending(i, bool(backwards)): array for name, array in arrays.items()}
    if len(alike) > 1:
        raise InputError(f"{caller}: expected levels of one kind and size, as PyTorch's layers are, got {shown(cell)}")
    if left:
        raise InputError(f"{caller}: expected the parameters of {shown(cell)}, got {listed(left)} too")
    return found


def state_of(source: Any) -> Mapping[str, Any]:
    """Return the state dict of a module, or read one from a file."""
    if isinstance(source, str | PathLike):
        return read_safetensors(source)
    return source.state_dict() if hasattr(source, "state_dict") else source


def named(caller: str, state: Any, prefix: str = "") -> Arrays:
    """Return the arrays of a state dict below a prefix, or raise `InputError`."""
    if not isinstance(state, Mapping):
        raise InputError(f"{caller}: expected a module, a state dict or a path, got {type(state).__name__}")
    start = f"{prefix}." if prefix else ""
    own = {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
    if not own:
        raise InputError(f"{caller}: expected names that start with {start!r}, got {listed(state)}")
    return {name: numbers(caller, name, value) for name, value in own.items()}


def grouped(caller: str, arrays: Arrays) -> dict[tuple[int, bool], Arrays]:
    """Sort the arrays of a module by layer and direction, {(layer, whether backwards): {name: array}}."""
    groups: dict[tuple[int, bool], Arrays] = {}
    for name, array in arrays.items():
        parts = NAME.fullmatch(name)
        if parts is None:
            raise InputError(
                f"{caller}: expected names such as weight_ih_l0 and bias_hh_l1_reverse, got {name}; "
                "prefix='lstm' takes those of one module"
            )
        groups.setdefault((int(parts[3] or 0), bool(parts[4])), {})[f"{parts[1]}_{parts[2]}"] = array
    return dict(sorted(groups.items()))


def ending(level: int, backwards: bool) -> str:
    """Return how names of one layer and direction end."""
    return f"_l{level}" + "_reverse" * backwards


def made_stack(caller: str, groups: dict, activation: str, dropout: float) -> RNNCell:
    """Make the cell that belongs to the arrays of a module."""
    both = any(backwards for _, backwards in groups)
    stack = []
    for level in range(1 + max(level for level, _ in groups)):
        sides = [made_plain(caller, groups, level, side, activation) for side in (False, True)[: 1 + both]]
        stack.append(Bidirectional(*sides) if both else sides[0])
    if dropout:
        stack[:-1] = [DropoutWrapper(level, output_keep_prob=1 - dropout) for level in stack[:-1]]
    return MultiRNNCell(stack) if len(stack) > 1 else stack[0]


def made_plain(caller: str, groups: dict, level: int, backwards: bool, activation: str) -> RNNCell:
    """Make the cell of one layer and direction."""
    end = ending(level, backwards)
    arrays = groups.get((level, backwards), {})
    for name in ("weight_ih", "weight_hh"):
        if name not in arrays or arrays[name].ndim != 2:
            raise InputError(f"{caller}: expected a matrix {name}{end}, got {listed(arrays)} of this layer")
    units = arrays.get("weight_hr", arrays["weight_hh"]).shape[-1]
    rows = len(arrays["weight_hh"])
    gates, rest = divmod(rows, max(units, 1))
    if gates not in ROWS or rest:
        raise InputError(f"{caller}: expected 1, 3 or 4 gates of {units} units, got weight_hh{end} of {rows} rows")
    options = {"activation": activation} if ROWS[gates].name == "RNN" else {}
    return made_cell(caller, ROWS[gates], arrays, **options)


def take_groups(caller: str, cell: RNNCell, groups: dict) -> Arrays:
    """Return the parameters of a cell out of the arrays of a module."""
    params, left = {}, dict(groups)
    for i, (prefix, level) in enumerate(levels(caller, cell)):
        for backwards, (side, inner) in enumerate(directions(level)):
            inner = plain(caller, LIBRARY, inner)
            row, arrays = counterpart(caller, LIBRARY, inner), left.pop((i, bool(backwards)), {})
            params |= prefixed(prefix + side, incoming(caller, row, inner, arrays, ending(i, bool(backwards))))
    if left:
        (level, backwards), arrays = next(iter(left.items()))
        got = next(iter(arrays)) + ending(level, backwards)
        raise InputError(f"{caller}: expected the weights of {shown(cell)} alone, got {got} too")
    return params
