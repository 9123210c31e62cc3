"""Models of ONNX as they stand in files: the library, writing, and reading into plain values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from ..errors import InputError
from ..runtime.whole_file import whole_file
from ..utils.types import Arrays, Shape
from .onnx_functions import check_functions
from .sources import with_path

OPSET, IR_VERSION = 18, 8  # of 2022: the first with all that is written here, which most runtimes read
OLDEST = 13  # in older ones Softmax and Squeeze are others


@dataclass(frozen=True)
class Node:
    """A node of a graph: its operator, the names of its inputs ("" if not given) and outputs, its attributes."""

    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping[str, Any]

    @property
    def place(self) -> str:
        """The end of an error: which node it is."""
        return f" of the node {self.name or self.outputs[0]} ({self.kind})"


@dataclass(frozen=True)
class ReadGraph:
    """A graph that was read.

    Attributes
    ----------
    nodes : list of Node
        Those that make or pass on a constant are left out, and those that compute with shapes alone.
    inputs : dict of {str: (dtype, shape)}
        A size of None is free; a shape of None is unknown.
    outputs : list of str
        Names.
    constants : dict of {str: array}
        Constant arrays by name; a zero alone for zeros whose shape is computed, such as PyTorch's initial states.
    """

    name: str
    nodes: list[Node]
    inputs: dict[str, tuple[np.dtype, Shape | None]]
    outputs: list[str]
    constants: Arrays


def library(caller: str) -> Any:
    """Import ONNX, or say which extra brings it."""
    try:
        import onnx  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError(f"{caller} needs ONNX: pip install 'numbarnn[onnx]'") from error
    return onnx


def read_graph(caller: str, source: Any) -> ReadGraph:
    """Read the graph of a file, of bytes or of a ``ModelProto``, or raise `InputError`."""
    onnx = library(caller)
    if not isinstance(source, str | PathLike | bytes | onnx.ModelProto):
        raise InputError(f"{caller}: expected a path, bytes or an onnx.ModelProto, got {type(source).__name__}")
    if isinstance(source, str | PathLike):
        os.stat(source)  # a file that is missing is no damaged one
    caller = with_path(caller, source)
    try:
        if isinstance(source, bytes):
            model = onnx.load_model_from_string(source)
        else:
            model = onnx.load_model(source) if isinstance(source, str | PathLike) else source
        onnx.checker.check_model(model)
        graph = _graph(onnx, model.graph)
    except Exception as error:  # of protobuf, of the checker, or of arrays with wrong shapes
        raise InputError(f"{caller}: no model of ONNX that can be read ({error})") from error
    check_functions(caller, onnx, model.functions)
    for versions in model.opset_import:
        if versions.domain in ("", "ai.onnx") and versions.version < OLDEST:
            raise InputError(f"{caller}: expected opset {OLDEST} or a later one, got {versions.version}")
    return graph


def save_model(path: str | PathLike[str], model: Any) -> None:
    """Write a model to a file, whole or not at all."""
    with whole_file(path) as file:
        file.write(model.SerializeToString())


def _graph(onnx, graph):
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes, of_shapes = [], set()
    for item in graph.node:
        node = _node(onnx, item)
        known = all(name in constants or name in of_shapes for name in node.inputs)
        value = next(iter(node.attributes.values()), 0)
        value = onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
        if node.kind == "Constant":
            constants[node.outputs[0]] = value
        elif node.kind == "Identity" and node.inputs[0] in constants:
            constants[node.outputs[0]] = constants[node.inputs[0]]
        elif node.kind == "ConstantOfShape" and known and not value.any():
            constants[node.outputs[0]] = np.zeros(())
        elif node.kind == "Shape" or (known and of_shapes.intersection(node.inputs)):
            of_shapes.update(node.outputs)
        else:
            nodes.append(node)
    inputs = {given.name: _declared(onnx, given) for given in graph.input if given.name not in constants}
    return ReadGraph(graph.name, nodes, inputs, [output.name for output in graph.output], constants)


def _node(onnx, item):
    attributes = {found.name: _text(onnx.helper.get_attribute_value(found)) for found in item.attribute}
    kind = item.op_type if item.domain in ("", "ai.onnx") else f"{item.domain}.{item.op_type}"
    return Node(kind, str(item.name), [str(name) for name in item.input], [str(n) for n in item.output], attributes)


def _declared(onnx, given):
    kind = given.type.tensor_type
    shape = tuple(size.dim_value if size.HasField("dim_value") else None for size in kind.shape.dim)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    return np.dtype(dtype), shape if kind.HasField("shape") else None


def _text(value):
    if isinstance(value, bytes):
        return value.decode()
    return [_text(item) for item in value] if isinstance(value, list) else value
