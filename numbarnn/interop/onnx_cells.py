"""Cells beside ONNX' nodes RNN, LSTM and GRU: attributes, activations, and weights of one or two directions."""

from typing import Any

import numpy as np

from ..cells import Cell, CoupledInputForgetGateLSTMCell
from ..errors import InputError
from ..utils.types import Arrays
from .convert import cell_out, made_cell
from .layouts import listed, numbers
from .onnx_activations import DEFAULTS, from_node, of_node, shortest
from .onnx_files import Node
from .table import PLAIN, TABLE, Counterpart, counterpart, shown

LIBRARY = "ONNX"
NAMES = "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"  # what follows X among the inputs of a node
OF_NODES = {  # which option of a cell each activation of a node is
    "RNN": ("activation",),
    "LSTM": ("recurrent_activation", "activation", "output_activation"),
    "GRU": ("recurrent_activation", "activation"),
}
ROWS = {row.name: row for row in TABLE if row.library == LIBRARY and row.name.partition("(")[0] in OF_NODES}
SWITCHES = "input_forget", "linear_before_reset"  # attributes that choose the row


def node_of_cells(caller: str, cells: list[tuple[Any, Arrays]]) -> tuple[str, dict[str, Any], Arrays]:
    """Return the kind, attributes and arrays of the node that runs one cell, or two in both directions."""
    rows = [counterpart(caller, LIBRARY, cell) for cell, _ in cells]
    found = [cell_out(caller, row, cell, params) for row, (cell, params) in zip(rows, cells, strict=True)]
    alike = {
        (row.name, tuple(array.shape for array in arrays.values())) for row, arrays in zip(rows, found, strict=True)
    }
    if len(alike) > 1:
        expected = f"cells of one kind and size in both directions, as {LIBRARY} has them"
        raise InputError(f"{caller}: expected {expected}, got {' and '.join(shown(cell) for cell, _ in cells)}")
    kind, _, switch = rows[0].name.rstrip(")").partition("(")
    options = [(cell, option) for cell, _ in cells for option in OF_NODES[kind]]
    written = [of_node(caller, activation_of(cell, option)) for cell, option in options]
    attributes: dict[str, Any] = {"hidden_size": cells[0][0].units, "activations": [name for name, _ in written]}
    for key in ("alpha", "beta"):
        attributes[f"activation_{key}"] = [numbers[key] for _, numbers in written if key in numbers]
    if switch:
        attributes[switch.partition("=")[0]] = 1
    for cell, _ in cells:
        check_coupled(caller, cell)
    bounds: set[Any] = {cell.preactivation_clip for cell, _ in cells}
    if len(bounds) > 1:
        raise InputError(f"{caller}: expected one preactivation_clip in both directions, got {bounds}")
    if bounds != {None}:
        attributes["clip"] = float(bounds.pop())
    attributes = {name: value for name, value in attributes.items() if value != []}
    return kind, attributes, {name: np.stack([arrays[name] for arrays in found]) for name in found[0]}


def arrays_of_node(caller: str, constants: Arrays, node: Node) -> Arrays:
    """Return the weights of a node, with an axis of directions."""
    arrays = {}
    for name, given in zip(NAMES, node.inputs[1:], strict=False):
        if given and name in ("W", "R", "B", "P"):
            if given not in constants:
                raise InputError(f"{caller}: expected {name} to be constant, got {given}{node.place}")
            arrays[name] = numbers(caller, name + node.place, constants[given])
    return arrays


def cells_of_node(caller: str, constants: Arrays, node: Node) -> list[tuple[Counterpart, Cell, Arrays]]:
    """Return for each direction of a node the row of the table, our cell, and the arrays, or raise `InputError`."""
    arrays, attributes = arrays_of_node(caller, constants, node), node.attributes
    switches = [f"({name}=1)" for name in SWITCHES if attributes.get(name)]
    row, directions = ROWS[node.kind + "".join(switches)], 1 + (attributes.get("direction") == "bidirectional")
    for name, array in arrays.items():
        if len(array) != directions:
            got = f"shape {array.shape}{node.place}"
            raise InputError(f"{caller}: expected {name} of {directions} directions, got {got}")
    parts = [{name: array[i] for name, array in arrays.items()} for i in range(directions)]
    names = activations_of(caller, node, directions)
    return [(row, cell_of(caller, node, row, *part), part[1]) for part in zip(names, parts, strict=True)]


def cell_of(caller: str, node: Node, row: Counterpart, names: list[Any], arrays: Arrays) -> Cell:
    """Make the cell of one direction of a node."""
    if "W" not in arrays or arrays["W"].ndim != 2:
        raise InputError(f"{caller}: expected matrices W and R{node.place}, got {listed(arrays)}")
    options = dict(zip(OF_NODES[node.kind], names, strict=True))
    if options.get("output_activation") == options["activation"]:
        del options["output_activation"]
    if hasattr(row.cells[0], "forget_bias"):
        options["forget_bias"] = 0.0
    if node.attributes.get("clip"):
        options["preactivation_clip"] = shortest(node.attributes["clip"])
    cell = made_cell(caller, row, arrays, **options)
    check_coupled(caller, cell, node.place)
    return cell


def activation_of(cell: Any, option: str) -> Any:
    """Return an activation of a cell, which may have none of its own for the output."""
    return getattr(cell, option) or cell.activation


def check_coupled(caller: str, cell: Any, place: str = "") -> None:
    """Check that a coupled cell has a gate of -z that is one minus that of z; else raise `InputError`.

    ONNX has i of a pre-activation and f = 1 - i; here it is f of minus that one and i = 1 - f.
    """
    if not isinstance(cell, CoupledInputForgetGateLSTMCell):
        return
    name, numbers = of_node(caller, cell.recurrent_activation)
    if name != "Sigmoid" and not (name in ("Affine", "HardSigmoid") and numbers["beta"] == 0.5):
        expected = "gates with sigma(-z) = 1 - sigma(z), which are Sigmoid, and HardSigmoid and Affine with beta 0.5"
        got = f"{cell.recurrent_activation!r} of {shown(cell)}{place}"
        raise InputError(f"{caller}: expected {expected}, where input and forget gates are coupled, got {got}")


def activations_of(caller: str, node: Node, directions: int) -> list[list[Any]]:
    """Return our names of the activations of each direction; those that have alpha and beta take them in turn."""
    usual = [of_node(caller, PLAIN[option] or PLAIN["activation"])[0] for option in OF_NODES[node.kind]]
    theirs = list(node.attributes.get("activations", usual * directions))
    if len(theirs) != len(usual) * directions:
        expected = f"{len(usual) * directions} activations{node.place}"
        raise InputError(f"{caller}: expected {expected}, got {', '.join(theirs)}")
    given = {key: list(node.attributes.get(f"activation_{key}", ())) for key in ("alpha", "beta")}
    found: list[Any] = []
    for name in theirs:
        numbers = dict(DEFAULTS.get(name, {}))
        for key in numbers:
            if given.get(key):
                numbers[key] = given[key].pop(0)
        found.append(from_node(caller, name, numbers, node.place))
    return [found[i * len(usual) : (i + 1) * len(usual)] for i in range(directions)]
