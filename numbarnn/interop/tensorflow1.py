"""Weights from and to TensorFlow 1: variables by name, as `tf.nn.rnn_cell` and `tf.contrib.rnn` call them."""

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell
from ..utils.types import Arrays
from .composites import checked
from .sources import with_path
from .tensorflow1_cells import found_cell, params_in, reads_both_ways, variables_out
from .tensorflow1_scopes import tree_of


def from_tensorflow1(
    source: Any, cell: RNNCell | None = None, *, scope: str = "", forget_bias: float | None = None
) -> tuple[RNNCell, Arrays]:
    """Take over the variables of a cell of TensorFlow 1.

    Scopes that hold nothing but one other are passed through, whatever their names: "rnn", those of wrappers, and that
    of a cell with a name of its own. Variables of optimizers, which stand below others ("kernel/Adam"), are left out.

    Parameters
    ----------
    source : dict or path
        {name: array}, such as "rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel" (":0" at the end may stay); or a
        checkpoint, which TensorFlow reads.
    cell : RNNCell, optional
        What the variables are for. By default it is made from the names of scopes and the shapes: they say neither an
        activation nor a clip, nor that there was a wrapper without variables, such as dropout.
    scope : str, default ""
        The scope that holds the cell, such as "decoder/rnn"; other variables are left out.
    forget_bias : float, optional
        The constant that LSTM and UGRNN cells add in every run, if the cell is made; 1.0 by default, as in TensorFlow.

    Returns
    -------
    cell : RNNCell
        The cell; its ``forget_bias`` is added in every run, as there.
    params : dict
        {name: array}, new arrays of the dtype of the source.

    Raises
    ------
    InputError
        Variables are missing or left over, shapes do not fit, or the cell has no counterpart in TensorFlow 1.
    ImportError
        The source is a checkpoint, and TensorFlow is missing (the extra "tensorflow").
    """
    caller = "from_tensorflow1"
    if cell is not None and forget_bias is not None:
        raise InputError(f"{caller}: expected a cell, which says its forget_bias, or forget_bias alone, got both")
    caller = with_path(caller, source)
    variables = read_checkpoint(source) if isinstance(source, str | PathLike) else source
    if not isinstance(variables, Mapping):
        raise InputError(f"{caller}: expected a dict of variables or a path, got {type(variables).__name__}")
    tree = tree_of(caller, variables, scope)
    if cell is None:
        cell = found_cell(caller, tree, 1.0 if forget_bias is None else forget_bias)
    check_cell(caller, cell)
    return cell, checked(caller, cell, params_in(caller, cell, tree))


def to_tensorflow1(cell: RNNCell, params: Arrays, *, scope: str | None = None) -> Arrays:
    """Make the variables of a cell of TensorFlow 1.

    Parameters
    ----------
    cell : RNNCell
        A cell with a counterpart, alone or in wrappers: `MultiRNNCell`, `Bidirectional`, `DropoutWrapper`,
        `ResidualWrapper`, `DeviceWrapper`, `HighwayWrapper`, `EmbeddingWrapper`, `InputProjectionWrapper`,
        `OutputProjectionWrapper`.
    params : dict
        Its parameters. ``forget_bias`` is an option of the cell there too, and is in no variable.
    scope : str, optional
        The scope that holds the cell: "rnn" by default, as in ``dynamic_rnn``, and none for cells that read in both
        directions, whose own scope is "bidirectional_rnn" or "stack_bidirectional_rnn".

    Returns
    -------
    dict
        {name: array}; ``variable.load(arrays[variable.op.name], session)`` sets each.

    Raises
    ------
    InputError
        The cell has no counterpart in TensorFlow 1, or parameters do not fit.
    """
    caller = "to_tensorflow1"
    check_cell(caller, cell)
    params = checked(caller, cell, params)
    scope = ("" if reads_both_ways(cell) else "rnn") if scope is None else scope
    start = f"{scope}/" if scope else ""
    return {start + name: array for name, array in variables_out(caller, cell, params).items()}


def read_checkpoint(path: str | PathLike[str]) -> dict[str, Any]:
    """Read all variables of a checkpoint."""
    try:
        import tensorflow as tf  # pyright: ignore[reportMissingImports, reportMissingModuleSource]  # an extra
    except ImportError as error:
        needs = "from_tensorflow1 needs TensorFlow to read a checkpoint: pip install 'numbarnn[tensorflow]'"
        raise ImportError(needs) from error
    try:
        reader = tf.train.load_checkpoint(fspath(path))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    except Exception as error:  # whatever TensorFlow raises for a damaged or missing file
        raise InputError(f"{path}: not a checkpoint that TensorFlow reads ({error})") from error
