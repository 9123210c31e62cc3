"""The memory of a run, by part, before it runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape

from numpy.typing import DTypeLike

from ..cells.rnn_cell import RNNCell
from ..engines.interface import RunOptions
from ..errors import InputError, is_positive_integer
from ..rnn.run import SAVE
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from ..training.planned import plan_batch
from ..training.trainer import Trainer
from ..utils.arrays import float_dtype


@dataclass(frozen=True)
class MemoryPlan:
    """Memory of a run: what it holds at the moment at which it holds most.

    Attributes
    ----------
    peak : int
        Bytes.
    parts : dict of {str: int}
        The same by part, the largest first. Memory that is free, but kept for the next pass, counts as part of what it
        was used for.
    """

    peak: int
    parts: dict[str, int]

    def rows(self) -> list[tuple[str, str]]:
        """List parts and their sizes as text, and the peak."""
        return [(name, size_text(size)) for name, size in (*self.parts.items(), ("peak", self.peak))]

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.rows())
        return "\n".join(f"{name:{width}}  {size:>9}" for name, size in self.rows())

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{size}</td></tr>" for name, size in self.rows())
        return f"<table><tbody>{rows}</tbody></table>"


def size_text(size: int) -> str:
    """Write bytes in the unit that gives a number of at most four digits."""
    number, units = float(size), ["B", "KB", "MB", "GB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.0f} {units[0]}" if number >= 100 else f"{number:.3g} {units[0]}"


def memory_plan(
    cell_or_model: RNNCell | Trainer,
    batch: int,
    steps: int | None = None,
    *,
    input_size: int | None = None,
    save: str = "all",
    masked: bool = False,
    dtype: DTypeLike = "float32",
) -> MemoryPlan:
    """Plan the memory of a run on the CPU before it runs; nothing is compiled.

    The plan follows the run step by step, with the pool of memory that numbarnn keeps, from an empty pool on.

    Parameters
    ----------
    cell_or_model : RNNCell, Sequential or Model
        A cell: what `nr.forward` and `Run.backward` allocate, beside parameters, inputs and gradients of the outputs,
        which are the caller's. A compiled model: what a batch of `fit` needs, with parameters, the optimiser's memory
        and the batch itself.
    batch : int
        Rows of the batch.
    steps : int, optional
        Time steps; of a model by default those of its inputs.
    input_size : int, optional
        Features of a cell's inputs; models know theirs.
    save : {"all", "sqrt", "minimal"}
        What a cell keeps for its gradient, see `nr.forward`.
    masked : bool, default False
        Whether sequences have different lengths, or a mask.
    dtype : {"float32", "float64"}, default "float32"
        Dtype of a cell's parameters; models know theirs.

    Returns
    -------
    MemoryPlan
        The peak and its parts in bytes. ``print`` shows a table.

    Raises
    ------
    InputError
        If a size is missing, or the memory of a part is not known before it runs: wrappers that draw random numbers,
        cells made of several, layers that return states, models that are not compiled.

    Examples
    --------
    >>> plan = nr.memory_plan(nr.LSTMCell(1024), batch=64, steps=1000, input_size=512)
    >>> plan.peak
    """
    caller = "memory_plan"
    for name, value in (("batch", batch), ("steps", steps), ("input_size", input_size)):
        if not (is_positive_integer(value) or (value is None and name != "batch")):
            raise InputError(f"{caller}: expected {name} to be a positive integer, got {value!r}")
    memory = PlannedMemory()
    if isinstance(cell_or_model, RNNCell):
        plan_cell(caller, memory, cell_or_model, batch, steps, input_size, save, masked, float_dtype(caller, dtype))
    elif isinstance(cell_or_model, Trainer):
        plan_batch(caller, memory, cell_or_model, batch, steps, masked)
    else:
        raise InputError(f"{caller}: expected a cell or a model, got {type(cell_or_model).__name__}")
    return MemoryPlan(memory.ledger.peak, dict(Counter(memory.ledger.at_peak).most_common()))


def plan_cell(caller, memory, cell, batch, steps, input_size, save, masked, dtype):
    """Plan `nr.forward` and `Run.backward`."""
    if save not in SAVE:
        raise InputError(f"{caller}: expected save to be 'all', 'sqrt' or 'minimal', got {save!r}")
    if steps is None or (input_size is None and not cell.takes_integers):
        raise InputError(f"{caller}: expected steps and input_size of a cell, got {steps!r} and {input_size!r}")
    inputs = PlannedInputs(steps, batch, input_size or 1, dtype, masked)
    if masked:
        memory.array("inputs, zeros at padding", (steps, batch, inputs.features), dtype.itemsize)
    cell.plan_memory(memory, inputs, RunOptions(keep=save != "minimal", segments=save != "all"))()
