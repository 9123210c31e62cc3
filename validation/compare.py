"""Errors and their bounds."""

import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from .node import shown

DTYPES = ("float64", "float32")
FORWARD = {"float64": 1e-12, "float32": 1e-5}
GRADIENT = {"float64": 1e-11, "float32": 5e-5}
PYTORCH_FACTOR = 2.0  # float32 may be this much worse than PyTorch's own float32 where that can be measured, ...
PYTORCH_LEAST = 6e-7  # ... but five roundings always pass
REFERENCE_FACTOR = 4.0  # where a bound is missed, float32 may be this much worse than the reference in float32
TINY = 1e-12  # quantities below it are compared absolutely


@dataclass(frozen=True)
class Result:
    """One comparison.

    `error` is infinite where a quantity is missing, misshapen or not finite. `bound` is infinite where an error is only
    measured, as that of another program's float32 (`program`). `check` is a name of `suite.CHECKS`; `seed` that of the
    case: together they repeat it (`command`).
    """

    cell: str
    options: dict
    dtype: str
    device: str
    shape: dict
    against: str
    quantity: str
    gate: str | None
    error: float
    bound: float
    seed: int | None = None
    check: str = ""
    program: str = "numbarnn"

    @property
    def ok(self):
        return self.error <= self.bound

    def beside(self, reference):
        """The same, with a wider bound where the reference in float32 has an error as large."""
        return replace(self, bound=max(self.bound, REFERENCE_FACTOR * reference))

    def on_average(self, ours, pytorch):
        """The same, with mean errors over many draws in place of one."""
        return replace(self, error=float(ours), bound=bound(self.dtype, "", self.quantity, {self.quantity: pytorch}))

    @property
    def fraction(self):
        """Of the bound."""
        return self.error / self.bound if self.bound else 0.0 if self.ok else np.inf

    @property
    def order(self):
        """A key to sort by, the same in every run."""
        described = json.dumps([self.options, self.shape], default=shown, sort_keys=True)
        where = (self.check, self.cell, self.program, self.device, self.dtype, self.against)
        return (*where, self.seed or 0, described, self.quantity, self.gate or "")

    @property
    def as_json(self):
        """A dictionary; an error or a bound that is no number becomes null."""
        numbers = {"error": self.error, "bound": self.bound}
        numbers = {name: value if np.isfinite(value) else None for name, value in numbers.items()}
        return asdict(self) | numbers | {"ok": self.ok}


def errors(values, truth, least=TINY):
    """{(quantity, gate): error}: the largest difference, relative to the largest entry of the quantity.

    The blocks of a packed gradient share that entry: in one block of few entries the terms may cancel, and what is left
    of them says nothing about accuracy. Where nothing is larger than `least`, errors are relative to that. A quantity
    that only one side has is an infinite error.
    """
    largest = {}
    for (quantity, gate), array in truth.items():
        scale = quantity if quantity.startswith("d_") else (quantity, gate)
        largest[scale] = max(largest.get(scale, least), np.abs(array).max(initial=0.0))
    found = dict.fromkeys([*truth, *values], np.inf)  # in an order that no hash seed changes
    for (quantity, gate), array in truth.items():
        scale = largest.get(quantity) or largest[quantity, gate]
        found[quantity, gate] = float(difference(values.get((quantity, gate)), array) / scale)
    return found


def difference(value, truth):
    """The largest; infinite for another shape and for anything not finite."""
    if value is None or value.shape != truth.shape:
        return np.inf
    d = float(np.abs(value.astype(np.float64) - truth).max(initial=0.0))
    return d if np.isfinite(d) else np.inf


def bound(dtype, kind, quantity, pytorch):
    """Of the error of a quantity of the kind "forward" or "gradient".

    `pytorch` is {quantity: largest error of PyTorch's float32 on the same case}, as far as that is known.
    """
    if dtype == "float32" and quantity in pytorch:
        return max(PYTORCH_FACTOR * pytorch[quantity], PYTORCH_LEAST)
    return (FORWARD if kind == "forward" else GRADIENT)[dtype]
