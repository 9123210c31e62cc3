"""Models of ONNX: cells, their weights, and whole models, to run in other programs and to come from them."""

import re
from os import PathLike
from typing import Any

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..models.sequential import Sequential
from ..rnn.arguments import check_truth_values
from ..utils.types import Arrays
from ..wrappers import Bidirectional
from .composites import checked, input_size, prefixed
from .convert import cell_in
from .layouts import listed
from .onnx_cells import OF_NODES, cells_of_node
from .onnx_export import state_names, write_cell, write_model, write_state
from .onnx_files import library, read_graph, save_model
from .onnx_graph import Graph
from .onnx_import import Chain
from .sources import with_path


def from_onnx(source: Any, node: str = "") -> tuple[RNNCell, Arrays]:
    """Take over a node RNN, LSTM or GRU of a model of ONNX.

    Parameters
    ----------
    source : path, bytes or onnx.ModelProto
        The model.
    node : str, default ""
        Name of the node; by default it is the only recurrent one.

    Returns
    -------
    cell : RNNCell
        The cell; for both directions a `Bidirectional`. One of the direction "reverse" is run with ``reverse=True``.
    params : dict
        {name: array}, new arrays of the dtype of the model. Two biases are joined, but for the candidate of a GRU with
        ``linear_before_reset``.

    Raises
    ------
    InputError
        The file is no model of ONNX, there is no such node, its weights are not constant or do not fit, or it has
        something that no cell here has, such as gates of ReLU with ``input_forget``.
    ImportError
        ONNX is missing (the extra "onnx").

    Notes
    -----
    Lengths and initial states are arguments of `nr.forward`, and the ``layout`` is its ``time_major``.
    """
    graph = read_graph("from_onnx", source)
    caller = with_path("from_onnx", source)
    there = [item for item in graph.nodes if item.kind in OF_NODES]
    chosen = [item for item in there if node in ("", item.name)]
    if len(chosen) != 1:
        got = f"{node!r} of {listed(item.name or item.outputs[0] for item in there)}"
        raise InputError(f"{caller}: expected one node RNN, LSTM or GRU, or the name of one, got {got}")
    parts, place = cells_of_node(caller, graph.constants, chosen[0]), chosen[0].place
    if len(parts) == 1:
        ((row, cell, arrays),) = parts
        return cell, cell_in(caller, row, cell, arrays, place)
    params: Arrays = {}
    for side, (row, cell, arrays) in zip(("forward/", "backward/"), parts, strict=True):
        params |= prefixed(side, cell_in(caller, row, cell, arrays, place))
    return Bidirectional(*(cell for _, cell, _ in parts)), params


def load_onnx(source: Any, device: str = "cpu") -> Sequential:
    """Make a model out of a whole model of ONNX.

    Parameters
    ----------
    source : path, bytes or onnx.ModelProto
        The model: a chain of nodes such as `to_onnx` writes. Its input is (batch, steps, features), (batch, features)
        or integers (batch, steps). Recurrent nodes become layers of `RNN`, alone or in a `Bidirectional`; MatMul or
        Gemm with Add and an activation `Dense`.
    device : str, default "cpu"
        The engine of the recurrent layers, see `nr.forward`.

    Returns
    -------
    Sequential
        A new built model, of the dtype of the source.

    Raises
    ------
    InputError
        The file is no model of ONNX, or has a node without a counterpart.
    ImportError
        ONNX is missing (the extra "onnx").
    """
    return Chain(with_path("load_onnx", source), read_graph("load_onnx", source)).read(device)


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
        `Activation`, `BatchNormalization`, `Flatten`, `RepeatVector`, `Dropout`, `Concatenate`, `Add`, `Multiply`,
        `Average`, and `TimeDistributed` of those that look at features alone.
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
        Its inputs are "inputs", (batch, steps, features) with free sizes of batch and steps, or those of the model,
        whose names they have if there are several; likewise "outputs". Further outputs are the final states of a cell:
        "h", "c". In a stack or in both directions, names of states begin as those of parameters: "0/forward/h",
        "0/forward/initial_h".

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
    check_truth_values(caller, lengths=lengths, initial_state=initial_state, reverse=reverse, time_major=time_major)
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
    initial = None
    if initial_state:
        initial = {
            name: graph.input(re.sub(r"(\w+)$", r"initial_\1", name), ("batch", "features"), (None, size))
            for name, size in state_names(caller, cell).items()
        }
    given = {"lengths": "lengths" if lengths else "", "initial_states": initial}
    y, states = write_cell(caller, graph, "cell", cell, params, x, reverse=reverse, **given)
    graph.output("outputs", graph.arranged(y, *axes), (None, None, cell.output_size))
    for name, (value, direction) in states.items():
        graph.output(name, write_state(graph, f"{name}/state", value, direction), (None, None))
    return graph.model(type(cell).__name__)
