"""Weights from and to Keras 3: lists of weights, layers, models, and files ``.weights.h5`` and ``.keras``."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell
from ..utils.types import Arrays
from .composites import checked, plain_cells, prefixed, taken
from .convert import cell_in, cell_out, holder_of, made_cell
from .keras_cells import LIBRARY, cell_of_layer, row_of_arrays
from .keras_files import folders, read_weights, write_weights
from .layouts import numbers
from .models import Piece, load, out_of, pieces
from .sources import with_path
from .table import counterpart


def from_keras(source: Any, cell: RNNCell | None = None) -> tuple[RNNCell, Arrays]:
    """Take over the weights of a recurrent layer or cell of Keras 3.

    Parameters
    ----------
    source : keras.layers.Layer or list
        A built ``SimpleRNN``, ``LSTM``, ``GRU``, ``RNN`` or ``Bidirectional`` of these, a cell, ``StackedRNNCells``; or
        the list of arrays that its ``get_weights()`` returns.
    cell : RNNCell, optional
        What the weights are for. By default it is made: a layer says everything, also its dropout; a list of two or
        three arrays says neither activations nor, without a bias, ``reset_after`` of a GRU, which then is True.

    Returns
    -------
    cell : RNNCell
        The cell. A GRU is a `ResetAfterGRUCell`, or with ``reset_after=False`` a `GRUCell`. Of a layer with
        ``go_backwards`` it is run with ``reverse=True``.
    params : dict
        {name: array}, new arrays of the dtype of the source. Of the two biases of a GRU those of r and z are joined.

    Raises
    ------
    InputError
        Number or shapes of the weights do not fit, or the layer or cell has no counterpart.
    """
    caller = "from_keras"
    arrays = listed_numbers(caller, weights_of(caller, source))
    if cell is None and hasattr(source, "get_config"):
        cell = cell_of_layer(caller, type(source).__name__, source.get_config())
    elif cell is None:
        row = row_of_arrays(caller, arrays)
        cell = made_cell(caller, row, dict(zip(row.layouts, arrays, strict=False)))
    check_cell(caller, cell)
    params: Arrays = {}
    for prefix, plain in plain_cells(caller, LIBRARY, cell):
        row = counterpart(caller, LIBRARY, plain)
        named = dict(zip(holder_of(plain, 1).theirs(row), arrays, strict=False))
        params |= prefixed(prefix, cell_in(caller, row, plain, named, f" of {prefix}" if prefix else ""))
        arrays = arrays[len(named) :]
    if arrays:
        raise InputError(f"{caller}: expected {len(params)} arrays, as get_weights() returns, got {len(arrays)} more")
    return cell, checked(caller, cell, params)


def to_keras(cell_or_model: Any, params: Arrays | None = None) -> list[Any]:
    """Make the list of weights of a layer or a model of Keras 3.

    Parameters
    ----------
    cell_or_model : RNNCell or Sequential
        A cell with a counterpart (`SimpleRNNCell`, `LSTMCell`, `GRUCell`, `ResetAfterGRUCell` and their other names),
        alone, in a `MultiRNNCell` or a `Bidirectional`; or a built model. A ``forget_bias`` of a cell is added to its
        bias: Keras adds none.
    params : dict, optional
        The parameters of the cell; a model has its own.

    Returns
    -------
    list of array
        As ``set_weights`` of a layer or model takes it that has the same options. The second bias of a GRU is zero for
        r and z if it comes from a cell, which has one bias there; in Keras' training their sum then moves twice as far
        in a step.

    Raises
    ------
    InputError
        Something has no counterpart in Keras, or parameters do not fit.
    """
    caller = "to_keras"
    if not isinstance(cell_or_model, RNNCell):
        if params is not None:
            raise InputError(f"{caller}: expected a cell with params or a model alone, got both")
        held = pieces(caller, LIBRARY, cell_or_model)
        return [array for piece in held for array in out_of(caller, LIBRARY, piece).values()]
    params, weights = checked(caller, cell_or_model, params), []
    for prefix, plain in plain_cells(caller, LIBRARY, cell_or_model):
        weights += cell_out(caller, counterpart(caller, LIBRARY, plain), plain, taken(prefix, dict(params))).values()
    return weights


def load_keras(model: Any, source: Any) -> None:
    """Set all weights of a model out of a model of Keras 3 with the same layers.

    Parameters
    ----------
    model : Sequential
        A built model whose layers have weights: recurrent ones, `Dense`, `Embedding`, `BatchNormalization`, and those
        inside `Bidirectional` and `TimeDistributed`.
    source : keras.Model, list or path
        A built model, the list of arrays that its ``get_weights()`` returns, or a file ``.weights.h5`` or ``.keras``.
        Layers follow each other in both; their names and options are not compared. The memory of an optimizer in a
        file is left out.

    Raises
    ------
    InputError
        Weights are missing or left over, or shapes do not fit; nothing has changed then.
    ImportError
        The source is a file, and h5py is missing (the extra "keras-files").
    """
    held = pieces("load_keras", LIBRARY, model)
    caller = with_path("load_keras", source)
    if isinstance(source, str | PathLike):
        places = folders(model, held)
        largest = max((array.size for array in model.weights.values()), default=0)
        found = read_weights(caller, source, set(places), largest)
        lists = [listed_numbers(caller, found[place], place) for place in places]
        ends = [f" of {place}" for place in places]
    else:
        lists = split_list(caller, held, listed_numbers(caller, weights_of(caller, source)))
        ends = [f" of {piece.layer.name}" for piece in held]
    named = [named_in(caller, *of_piece) for of_piece in zip(held, lists, ends, strict=True)]
    load(caller, LIBRARY, model, list(zip(held, named, strict=True)), ends)


def save_keras_weights(path: str | PathLike[str], model: Any) -> None:
    """Write all weights of a model to a file that ``load_weights`` of Keras 3 reads, whole or not at all.

    It holds no optimizer: a model there loads it before ``compile``.

    Parameters
    ----------
    path : str or path
        The file, "....weights.h5".
    model : Sequential
        A built model as for `load_keras`.

    Raises
    ------
    InputError
        The name of the file ends otherwise, or a layer has no counterpart in Keras.
    ImportError
        The package h5py is missing (the extra "keras-files").
    """
    caller = "save_keras_weights"
    if not str(path).endswith(".weights.h5"):
        raise InputError(f"{caller}: expected a name that ends with .weights.h5, as Keras demands, got {path}")
    held = pieces(caller, LIBRARY, model)
    places = folders(model, held)
    write_weights(
        path, {place: list(out_of(caller, LIBRARY, p).values()) for place, p in zip(places, held, strict=True)}
    )


def weights_of(caller: str, source: Any) -> Sequence[Any]:
    """Return the list of weights of a layer or model; a list is one."""
    weights = source.get_weights() if hasattr(source, "get_weights") else source
    if not isinstance(weights, list | tuple):
        raise InputError(
            f"{caller}: expected a layer or model of Keras or a list of arrays, got {type(source).__name__}"
        )
    return weights


def listed_numbers(caller: str, weights: Sequence[Any], what: str = "weights") -> list[Any]:
    """Return arrays of the weights."""
    return [numbers(caller, f"{what}[{i}]", weight) for i, weight in enumerate(weights)]


def split_list(caller: str, held: list[Piece], arrays: list[Any]) -> list[list[Any]]:
    """Cut a list of weights into one for each piece of a model."""
    counts = [len(theirs(caller, piece)) for piece in held]
    if sum(counts) != len(arrays):
        raise InputError(f"{caller}: expected {sum(counts)} arrays of weights, got {len(arrays)}")
    starts = [sum(counts[:i]) for i in range(len(counts))]
    return [arrays[start : start + count] for start, count in zip(starts, counts, strict=True)]


def theirs(caller: str, piece: Piece) -> list[str]:
    """Return Keras' names of the weights of a piece."""
    return list(piece.holder.theirs(counterpart(caller, LIBRARY, piece.holder.kind)))


def named_in(caller: str, piece: Piece, arrays: list[Any], end: str) -> Arrays:
    """Return the arrays of a piece under Keras' names."""
    names = theirs(caller, piece)
    if len(names) != len(arrays):
        raise InputError(f"{caller}: expected {', '.join(names)}{end}, got {len(arrays)} arrays")
    return dict(zip(names, arrays, strict=True))
