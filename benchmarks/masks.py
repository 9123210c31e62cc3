"""The random numbers that a cell draws in training, for loops that use the same ones."""

import numbarnn as nr
from numbarnn.cells import Cell
from numbarnn.engines.interface import RunOptions
from numbarnn.wrappers.masks import draw
from numbarnn.wrappers.recurrent_dropout import MaskPerGate, OneMask
from numbarnn.wrappers.transformed import transformed


def masks(workload, seed=0):
    """Return {name: array}, what numbarnn draws in `forward(..., training=True, rng=seed)`."""
    cell, how, dtype = workload.cell, RunOptions(training=True, seed=(seed,)), workload.x.dtype
    if isinstance(cell, nr.DropConnectWrapper):
        rng = how.part("recurrent_kernel").random("masks")
        return {"kept_weights": draw(rng, 1 - cell.rate, workload.params["recurrent_kernel"].shape, dtype)}
    plain = runs(cell)
    T, B, _ = workload.x.shape
    return plain.draw((T, B, plain.units), dtype, how) if isinstance(plain, Cell) else {}


def runs(cell):
    """Return the plain cell that a wrapper with masks makes of its inner cell."""
    if isinstance(cell, nr.ZoneoutWrapper):
        return cell.zoned
    if isinstance(cell, nr.RecurrentDropoutWrapper):
        return transformed(MaskPerGate if cell.per_gate else OneMask, cell.cell, rate=cell.rate)
    return cell
