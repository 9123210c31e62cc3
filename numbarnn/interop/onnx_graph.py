"""Graphs of ONNX in the making: nodes, constants, and values whose axes have names.

A layer says in which order it needs the axes; a Transpose is written only where they stand otherwise.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..utils.types import Shape
from .onnx_files import IR_VERSION, OPSET
from .onnx_functions import DOMAIN, VERSION, function


@dataclass(frozen=True)
class Value:
    """A value of a graph, and the names of its axes: "batch", "steps", "directions", "features" and others."""

    name: str
    axes: tuple[str, ...]


@dataclass
class Graph:
    """A graph in the making.

    Attributes
    ----------
    onnx : module
        The library.
    dtype : dtype
        Of its inputs and outputs, if nothing else is said.
    opset : int
        The opset that its nodes are of.
    functions : set of str
        The functions that its nodes call.
    """

    onnx: Any
    dtype: np.dtype
    opset: int = OPSET
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: {"outputs"})
    functions: set[str] = field(default_factory=set)

    def input(self, name: str, axes: tuple[str, ...], shape: Shape, dtype: Any = None) -> Value:
        """Declare an input; a size of None is free, and has the name of its axis."""
        self.names.add(name)
        self.inputs.append(self._declared(name, axes, shape, dtype))
        return Value(name, axes)

    def output(self, name: str, value: Value, shape: Shape) -> None:
        """Declare a value as an output, and give it this name."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value.name], [name], name))
        self.outputs.append(self._declared(name, value.axes, shape, None))

    def constant(self, name: str, array: Any) -> str:
        """Add a constant array and return its name."""
        name = self._free(name)
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def add(self, kind: str, name: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        """Add a node and return the names of its outputs; of another domain, its kind is "domain.kind"."""
        name = self._free(name)
        names = [name, *(self._free(f"{name}:{i}") for i in range(1, outputs))]
        while inputs[-1] == "":
            inputs = inputs[:-1]
        domain, _, kind = kind.rpartition(".")
        if domain == DOMAIN:
            self.functions.add(kind)
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, names, name, domain=domain or None, **attributes))
        return names

    def apply(self, kind: str, name: str, x: Value, *constants: Any, **attributes: Any) -> Value:
        """Add a node that takes a value and constants, and keeps the axes."""
        used = [self.constant(f"{name}/{i}", array) for i, array in enumerate(constants)]
        return Value(self.add(kind, name, [x.name, *used], **attributes)[0], x.axes)

    def arranged(self, x: Value, *axes: str) -> Value:
        """Return a value with its axes in this order."""
        if x.axes == axes:
            return x
        order = [x.axes.index(axis) for axis in axes]
        return Value(self.add("Transpose", f"{x.name}/transposed", [x.name], perm=order)[0], axes)

    def flipped(self, x: Value, axis: str) -> Value:
        """Return a value with an axis turned round."""
        end = np.array([np.iinfo(np.int64).min])
        return self.apply("Slice", f"{x.name}/reversed", x, [-1], end, [x.axes.index(axis)], [-1])

    def model(self, name: str) -> Any:
        """Return the whole as a ``ModelProto``."""
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.constants)
        functions = [function(self.onnx, used, self.opset) for used in sorted(self.functions)]
        opsets = {"": self.opset} | ({DOMAIN: VERSION} if functions else {})
        versions = {"opset_imports": [helper.make_opsetid(*of) for of in opsets.items()], "ir_version": IR_VERSION}
        return helper.make_model(graph, producer_name="numbarnn", functions=functions, **versions)

    def _declared(self, name, axes, shape, dtype):
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype or self.dtype))
        sizes = [axis if size is None else size for axis, size in zip(axes, shape, strict=True)]
        return self.onnx.helper.make_tensor_value_info(name, kind, sizes)

    def _free(self, name):
        """Return a name that nothing else has."""
        found, i = name, 1
        while found in self.names:
            found, i = f"{name}_{i}", i + 1
        self.names.add(found)
        return found
