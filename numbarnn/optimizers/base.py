"""What all optimisers have in common."""

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, InitVar, dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numba import config
from numba.extending import register_jitable

from ..errors import InputError
from ..ops.optimizer_step import update
from ..ops.sum_of_squares import squares_by_name
from ..utils.arrays import FLOATS, plain_array
from ..utils.config import Configured
from ..utils.writable import check_writable, owners_of_plain
from . import clipping
from .schedules import TimeDecay

Formula: TypeAlias = Callable[[Any, Any, Any, Any], tuple[Any, Any]]

NUMBERS = int, float, np.number

ALIASES = {
    "lr": "learning_rate",
    "clipnorm": "clip_var_norm",
    "global_clipnorm": "clip_global_norm",
    "clipvalue": "clip_value",
}


@dataclass(eq=False, repr=False)
class Optimizer(Configured):
    """Base class of optimisers, which update arrays in place; subclasses define ``formula`` and ``constants``.

    The formula is compiled; with NUMBA_DISABLE_JIT=1 NumPy applies it. Nothing but ``iterations`` and ``slots`` changes
    from step to step.

    Parameters
    ----------
    learning_rate : float or callable, optional
        A number, or a function of the number of steps made so far, such as a `Schedule`. By default 0.001, or 0.01 for
        `SGD`, `TF1Momentum`, `TorchSGD` and `TorchRMSprop`.
    clip_global_norm : float, optional
        Greatest norm over all gradients together; larger ones are scaled.
    clip_var_norm : float, optional
        Greatest norm of each gradient; only one of the two norms may be given.
    clip_value : float, optional
        Each element of the gradients is then moved into [-clip_value, clip_value].
    lazy : bool, default False
        Whether rows of a matrix whose gradient is zero throughout stay as they are, together with what is remembered of
        them: the rows of an `Embedding` that a batch did not use.
    decay : float, default 0.0
        Keras 2's decay d: the rate is learning_rate / (1 + d steps).
    lr, clipnorm, global_clipnorm, clipvalue : float, optional
        Keras 3's names of learning_rate, clip_var_norm, clip_global_norm and clip_value. In Keras 2 ``clipnorm`` was
        the global norm.

    Attributes
    ----------
    iterations : int
        Number of steps made so far.
    slots : dict
        {name of the parameter: {slot: array}}, what the optimiser remembers.

    Raises
    ------
    InputError
        An option is unknown or out of its range, or two names of one option are given.
    """

    learning_rate: Any = None
    _: KW_ONLY
    clip_global_norm: float | None = None
    clip_var_norm: float | None = None
    clip_value: float | None = None
    lazy: bool = False
    decay: InitVar[float] = 0.0
    lr: InitVar[Any] = None
    clipnorm: InitVar[float | None] = None
    global_clipnorm: InitVar[float | None] = None
    clipvalue: InitVar[float | None] = None

    default_learning_rate = 0.001
    slot_names: ClassVar[tuple[str, ...]] = ()
    # where it is not 0
    slot_starts: ClassVar[dict[str, float]] = {}

    def __post_init__(self, decay, lr, clipnorm, global_clipnorm, clipvalue):
        given = {"lr": lr, "clipnorm": clipnorm, "global_clipnorm": global_clipnorm, "clipvalue": clipvalue}
        for alias, value in given.items():
            self._take_alias(alias, value)
        if self.learning_rate is None:
            self.learning_rate = self.default_learning_rate
        given_rate = self.learning_rate
        if not callable(given_rate):
            self._expect_number("learning_rate", 0.0, math.inf)
        if decay:
            self.learning_rate = TimeDecay(self.learning_rate, decay)
        for name in ("clip_global_norm", "clip_var_norm", "clip_value"):
            if getattr(self, name) is not None:
                self._expect_number(name, 0.0, math.inf)
                if getattr(self, name) == 0:
                    raise InputError(f"{type(self).__name__}: expected {name} above 0, got 0")
        if self.clip_global_norm and self.clip_var_norm:
            raise InputError(f"{type(self).__name__}: expected clip_global_norm or clip_var_norm, got both")
        self.iterations = 0
        self.slots: dict[str, dict[str, np.ndarray]] = {}

    def apply(
        self,
        params: Mapping[str, np.ndarray],
        gradients: Mapping[str, np.ndarray],
        squares: Mapping[str, float] | None = None,
    ) -> None:
        """Make one step: change arrays in place.

        Parameters
        ----------
        params : dict
            {name: array}, all float32 or all float64; they are changed.
        gradients : dict
            {name: array} of the same shapes; names that are not in ``params`` are ignored.
        squares : dict, optional
            {name: sum of squares} of the gradients, which clipping then need not compute.

        Raises
        ------
        InputError
            Gradients or slots do not fit the parameters, the rate is no number of at least 0, or a parameter or a slot
            is not a writeable NumPy array with memory of its own; nothing has changed then.
        """
        caller = type(self).__name__
        slots = {name: self._slots_of(name, w) for name, w in params.items()}
        owners = owners_of_plain([*params.values(), *(slot for of_one in slots.values() for slot in of_one.values())])
        if owners is None:
            self._check_writable(params, slots)
        used: dict[str, np.ndarray] = {}
        for name, w in params.items():
            g: Any = gradients.get(name)
            fits = type(g) is np.ndarray and g.shape == w.shape and g.dtype.kind == "f"
            used[name] = g = g if fits else gradient_of(caller, name, w.shape, g)
            if owners is None or id(g if g.base is None else g.base) in owners:
                # an update of other parameters would change it
                used[name] = g.copy()
        dtypes = {w.dtype for w in params.values()}
        if len(dtypes) != 1 or not dtypes.issubset(FLOATS):
            got = ", ".join(sorted(map(str, dtypes))) or "none"
            raise InputError(f"{caller}: expected parameters that are all float32 or all float64, got {got}")
        used = self._clipped(used, squares)
        rate = self.rate()
        self.slots |= slots
        given = [(w, used[name], *slots[name].values()) for name, w in params.items()]
        self.iterations += 1
        self._change(given, self.constants(rate), dtypes.pop())

    @property
    def formula(self) -> Formula:
        """The function (w, g, slots, constants) -> (w, slots) of numbers; the same object for the same formula."""
        raise NotImplementedError

    def constants(self, rate: float) -> tuple[float, ...]:
        """Compute the numbers of the formula that are the same for all weights in this step.

        Parameters
        ----------
        rate : float
            The learning rate.

        Returns
        -------
        tuple of float
            The constants.
        """
        raise NotImplementedError

    def rate(self) -> float:
        """Compute the learning rate of the next step.

        Returns
        -------
        float
            The rate.
        """
        rate: Any = self.learning_rate
        rate = rate(self.iterations) if callable(rate) else rate
        if type(rate) is bool or not isinstance(rate, NUMBERS) or not 0 <= rate < math.inf:
            kind = f"in step {self.iterations + 1} a learning rate"
            raise InputError(f"{type(self).__name__}: expected {kind} that is a number of at least 0, got {rate!r}")
        return float(rate)

    def _change(self, given, constants, dtype):
        """Apply the formula to arrays (w, g, *slots), or to copies of those that kernels cannot work on."""
        rows = [self._rows(w, g) for w, g, *_ in given]
        arrays = [
            [np.asarray(a if r is ... else a[r], dtype, order="C") for a in of_one]
            for of_one, r in zip(given, rows, strict=True)
        ]
        apply = by_numpy if config.DISABLE_JIT else update  # pyright: ignore[reportAttributeAccessIssue]
        apply(self.formula, constants, arrays)
        for (w, _, *slots), (new_w, _, *new_slots), r in zip(given, arrays, rows, strict=True):
            for old, new in zip((w, *slots), (new_w, *new_slots), strict=True):
                if new is not old:
                    old[r] = new

    def _rows(self, w, g):
        """Find the rows of w that change, as an index."""
        return g.any(axis=1).nonzero()[0] if self.lazy and w.ndim == 2 else ...

    def _check_writable(self, params, slots):
        written = {("parameter", name): w for name, w in params.items()}
        for slot in self.slot_names:
            what = f"{slot} of"
            written |= {(what, name): of_one[slot] for name, of_one in slots.items()}
        check_writable(type(self).__name__, written)

    def _slots_of(self, name, w):
        """{slot: array} of a parameter, fresh where there are none yet."""
        slots = self.slots.get(name)
        if slots is None:
            return {slot: np.full_like(w, self.slot_starts.get(slot, 0), subok=False) for slot in self.slot_names}
        fits, shape = slots.keys() == set(self.slot_names), getattr(w, "shape", None)
        for array in slots.values():
            fits = fits and getattr(array, "shape", None) == shape
        if not fits:
            raise InputError(f"{type(self).__name__}: its slots of {name} belong to another model")
        return {slot: slots[slot] for slot in self.slot_names}

    def _clipped(self, gradients, squares):
        if self.clip_global_norm or self.clip_var_norm:
            squares = squares_by_name(gradients) if squares is None else squares
            if self.clip_global_norm:
                gradients = clipping.by_global_norm(gradients, self.clip_global_norm, squares)
            if self.clip_var_norm:
                gradients = clipping.by_norm_of_each(gradients, self.clip_var_norm, squares)
        return clipping.by_value(gradients, self.clip_value) if self.clip_value else gradients

    def _take_alias(self, alias, value):
        name = ALIASES[alias]
        if value is not None and getattr(self, name) is not None:
            raise InputError(f"{type(self).__name__}: {alias} is another name of {name}, expected one of them")
        if value is not None:
            setattr(self, name, value)

    def _expect_number(self, name, low, high):
        """Check an option, and make it a float."""
        value = getattr(self, name)
        good = isinstance(value, NUMBERS) and not isinstance(value, bool)
        if not good or not low <= value < high:
            raise InputError(f"{type(self).__name__}: expected {name} to be a number in [{low}, {high}), got {value!r}")
        setattr(self, name, float(value))

    def __repr__(self):
        shown = {n: v for n, v in vars(self).items() if isinstance(v, float) or v is True or callable(v)}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in shown.items())})"


# to read, too
for alias, name in ALIASES.items():
    setattr(Optimizer, alias, property(lambda self, name=name: getattr(self, name), doc=f"Another name of {name}."))


def gradient_of(caller, name, shape, given):
    """Return a gradient as an array of floats; raise `InputError` for anything else, which would become numbers."""
    array = plain_array(caller, f"a gradient of {name}", given)
    if array.shape != shape or array.dtype.kind != "f":
        got = "none" if given is None else f"{array.dtype} of shape {array.shape}"
        raise InputError(f"{caller}: expected a gradient of {name}, floats of shape {shape}, got {got}")
    return array


@register_jitable
def averaged(average, new, share):
    """(1 - share) average + share new."""
    return average + share * (new - average)


def by_numpy(formula, constants, arrays):
    """What `update` does, without a kernel."""
    for w, g, *slots in arrays:
        new, changed = formula(w, g, tuple(slots), tuple(map(w.dtype.type, constants)))
        for old, value in zip((w, *slots), (new, *changed), strict=True):
            old[...] = value
