"""Models of ONNX: cells, their weights, and whole models, to run in other programs and to come from them."""

from os import PathLike
from typing import Any

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..utils.types import Arrays
from .composites import checked, input_size
from .onnx_export import write_cell, write_model, write_state
from .onnx_files import library, save_model
from .onnx_graph import Graph


def to_onnx(
    cell_or_model: Any,
    params: Arrays | None = None,
    *,
    lengths: bool = False,
    initial_state: bool = False,
    reverse: bool = False,
    time_major: bool = False,
) -> Any:
    """Make a model of ONNX that computes what a cell or a model computes outside training.

    Parameters
    ----------
    cell_or_model : RNNCell or Sequential
        A cell with a counterpart (`SimpleRNNCell`, `LSTMCell`, `CoupledInputForgetGateLSTMCell`, `GRUCell`,
        `ResetAfterGRUCell` and their other names), alone, in a `MultiRNNCell`, and each of its levels in a
        `Bidirectional`; or a built model of recurrent layers with such cells, `Bidirectional`, `Embedding`, `Dense`,
        `Activation`, `BatchNormalization`, `Flatten`, `RepeatVector`, `Dropout`, and `TimeDistributed` of those that
        look at features alone.
    params : dict, optional
        The parameters of the cell; a model has its own.
    lengths : bool, default False
        Of a cell: whether there is an input "lengths", int32 (batch,); outputs behind a row's end are zero.
    initial_state : bool, default False
        Of a cell: whether the states before the first step are inputs, "initial_h" and "initial_c" of (batch, units).
    reverse : bool, default False
        Of a cell: whether it reads from the end, as in `nr.forward`.
    time_major : bool, default False
        Of a cell: whether inputs and outputs are (steps, batch, features).

    Returns
    -------
    onnx.ModelProto
        Its inputs are "inputs", (batch, steps, features) with free sizes of batch and steps, or those of the model. Its
        outputs are "outputs", and the final states of a cell: "h", "c". In a stack or in both directions, names of
        states begin as those of parameters: "0/forward/h", "0/forward/initial_h".

    Raises
    ------
    InputError
        Something has no counterpart in ONNX, or parameters do not fit.
    ImportError
        ONNX is missing (the extra "onnx").

    Notes
    -----
    Every operator exists in ONNX with float32 and float64. onnxruntime runs recurrent ones with float32 alone, and none
    with the attribute ``layout``, which therefore is not written.
    """
    caller = "to_onnx"
    options = {"lengths": lengths, "initial_state": initial_state, "reverse": reverse, "time_major": time_major}
    if isinstance(cell_or_model, RNNCell):
        return _of_cell(caller, cell_or_model, checked(caller, cell_or_model, params), **options)
    given = [name for name, value in ({"params": params is not None} | options).items() if value]
    if given:
        raise InputError(f"{caller}: expected a model without {given[0]}, which belongs to a cell, got it")
    graph = Graph(library(caller), np.dtype(getattr(cell_or_model, "dtype", "float32")))
    write_model(caller, graph, cell_or_model)
    return graph.model(cell_or_model.name)


def save_onnx(path: str | PathLike[str], cell_or_model: Any, params: Arrays | None = None, **options: bool) -> None:
    """Write what `to_onnx` makes to a file, whole or not at all.

    Parameters
    ----------
    path : str or path
        The file, usually "....onnx".
    cell_or_model : RNNCell or Sequential
        A cell or a model.
    params : dict, optional
        The parameters of the cell; a model has its own.
    **options : bool
        Further options of `to_onnx`.

    Raises
    ------
    InputError
        Something has no counterpart in ONNX, or parameters do not fit.
    ImportError
        ONNX is missing (the extra "onnx").
    """
    save_model(path, to_onnx(cell_or_model, params, **options))


def _of_cell(caller, cell, params, *, lengths, initial_state, reverse, time_major):
    graph = Graph(library(caller), next(iter(params.values())).dtype)
    axes = ("steps", "batch", "features") if time_major else ("batch", "steps", "features")
    x = graph.input("inputs", axes, (None, None, input_size(cell, params)))
    if lengths:
        graph.input("lengths", ("batch",), (None,), np.int32)
    given = {"lengths": "lengths" if lengths else "", "initial_state": initial_state}
    y, states = write_cell(caller, graph, "cell", cell, params, x, reverse=reverse, **given)
    graph.output("outputs", graph.arranged(y, *axes), (None, None, cell.output_size))
    for name, (value, direction) in states.items():
        graph.output(name, write_state(graph, f"{name}/state", value, direction), (None, None))
    return graph.model(type(cell).__name__)
