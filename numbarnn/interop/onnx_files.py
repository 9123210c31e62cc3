"""Models of ONNX as they stand in files: the library, reading and writing, and what of a graph is constant."""

from os import PathLike
from typing import Any

import numpy as np

from ..errors import InputError
from ..runtime.whole_file import whole_file
from ..utils.types import Arrays

OPSET, IR_VERSION = 18, 8  # of 2022: the first with all that is written here, which most runtimes read


def library(caller: str) -> Any:
    """Import ONNX, or say which extra brings it."""
    try:
        import onnx  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError(f"{caller} needs ONNX: pip install 'numbarnn[onnx]'") from error
    return onnx


def read_model(caller: str, source: Any) -> Any:
    """Return a checked model out of a file, of bytes or of a ``ModelProto``, or raise `InputError`."""
    onnx = library(caller)
    if not isinstance(source, str | PathLike | bytes | onnx.ModelProto):
        raise InputError(f"{caller}: expected a path, bytes or an onnx.ModelProto, got {type(source).__name__}")
    try:
        if isinstance(source, bytes):
            source = onnx.load_model_from_string(source)
        elif not isinstance(source, onnx.ModelProto):
            source = onnx.load_model(source)
        onnx.checker.check_model(source)
    except OSError:
        raise
    except Exception as error:  # of protobuf, or of the checker
        raise InputError(f"{caller}: not a model of ONNX that can be read ({error})") from error
    return source


def save_model(path: str | PathLike[str], model: Any) -> None:
    """Write a model to a file, whole or not at all."""
    with whole_file(path) as file:
        file.write(model.SerializeToString())


def attributes_of(onnx: Any, node: Any) -> dict[str, Any]:
    """Return the attributes of a node, with strings as such."""
    found = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    return {name: _text(value) for name, value in found.items()}


def constants_of(onnx: Any, graph: Any) -> Arrays:
    """Return the constant arrays of a graph by name: initializers, and nodes that make one or pass one on."""
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        attributes = attributes_of(onnx, node)
        if node.op_type == "Constant":
            value = next(iter(attributes.values()))
            is_tensor = isinstance(value, onnx.TensorProto)
            found[node.output[0]] = onnx.numpy_helper.to_array(value) if is_tensor else np.asarray(value)
        elif node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def place_of(node: Any) -> str:
    """Say in an error which node it is."""
    return f" of the node {node.name or node.output[0]} ({node.op_type})"


def _text(value):
    if isinstance(value, bytes):
        return value.decode()
    return [_text(item) for item in value] if isinstance(value, list) else value
