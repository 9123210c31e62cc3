"""Which cell a layer of Keras has: from the class and options that it shows, or from its arrays alone."""

from collections.abc import Mapping
from typing import Any

from ..activations import ELU, LeakyReLU, ThresholdedReLU
from ..cells import Cell, GRUCell, LSTMCell, ResetAfterGRUCell, SimpleRNNCell
from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..wrappers import Bidirectional, DropoutWrapper, MultiRNNCell, RecurrentDropoutWrapper
from .table import TABLE, Counterpart

LIBRARY = "Keras"
OPTIONS = "activation", "recurrent_activation", "use_bias"


def cell_of_layer(caller: str, name: str, config: Mapping[str, Any]) -> RNNCell:
    """Return the cell of a layer or cell of Keras, of this class and with this config, or raise `InputError`."""
    name = name.removesuffix("Cell")
    if name == "RNN":
        return _cell_of(caller, config["cell"])
    if name == "StackedRNNCells":
        return MultiRNNCell([_cell_of(caller, cell) for cell in config["cells"]])
    if name == "Bidirectional":
        if config["layer"]["config"].get("go_backwards"):
            raise InputError(f"{caller}: expected a first layer that reads forwards, got go_backwards=True")
        both = [_cell_of(caller, config[side]) for side in ("layer", "backward_layer")]
        return Bidirectional(*both, merge_mode=config["merge_mode"])
    kinds = {
        "SimpleRNN": SimpleRNNCell,
        "LSTM": LSTMCell,
        "GRU": ResetAfterGRUCell if config.get("reset_after") else GRUCell,
    }
    if name not in kinds:
        raise InputError(
            f"{caller}: no counterpart of the layer {name}; there are {', '.join(kinds)} and layers of them"
        )
    options = {option: _option(caller, config[option]) for option in OPTIONS if option in config}
    return _with_dropout(kinds[name](config["units"], **options), config["dropout"], config["recurrent_dropout"])


def row_of_arrays(caller: str, arrays: list[Any]) -> Counterpart:
    """Return the row of the table for a list of two or three weights, or raise `InputError`."""
    if len(arrays) not in (2, 3) or arrays[1].ndim != 2:
        expected = "kernel, recurrent_kernel and bias, or a cell that says what the weights are for"
        raise InputError(f"{caller}: expected {expected}, got arrays of shapes {[array.shape for array in arrays]}")
    units, columns = arrays[1].shape
    for row in TABLE:
        if row.library == LIBRARY and "recurrent_kernel" in row.layouts:
            gates, biases = len(row.layouts["kernel"].blocks), len(row.layouts["bias"].rows)
            if columns == gates * units and (len(arrays) == 2 or arrays[2].ndim == biases):
                return row
    raise InputError(f"{caller}: expected 1, 3 or 4 gates, got a recurrent_kernel of shape {arrays[1].shape}")


def _option(caller, value):
    """Return an option of ours; an activation that is a layer of Keras has parameters."""
    if not isinstance(value, Mapping):
        return value
    name, config = value["class_name"], value["config"]
    if name == "LeakyReLU":
        return LeakyReLU(config["negative_slope"])
    if name == "ELU":
        return ELU(config["alpha"])
    if name == "ReLU":
        slope, largest, threshold = (config.get(key) or 0 for key in ("negative_slope", "max_value", "threshold"))
        found = {(0, 6, 0): "relu6", (slope, 0, 0): LeakyReLU(slope), (0, 0, threshold): ThresholdedReLU(threshold)}
        if (slope, largest, threshold) in found:
            return found[slope, largest, threshold] if slope or largest or threshold else "relu"
    raise InputError(f"{caller}: no counterpart of the activation {name} with {config}")


def _cell_of(caller, serialized):
    return cell_of_layer(caller, serialized["class_name"], serialized["config"])


def _with_dropout(cell: Cell, rate: float, recurrent_rate: float) -> RNNCell:
    """Wrap a cell in the dropout of a layer: one mask for all steps."""
    whole: RNNCell = RecurrentDropoutWrapper(cell, recurrent_rate, per_gate=True) if recurrent_rate else cell
    return DropoutWrapper(whole, input_keep_prob=1 - rate, variational_recurrent=True) if rate else whole
