"""What `nr.forward` runs: a cell, plain or made of others."""

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..engines.interface import CellResult, RunOptions
from ..errors import InputError, is_integer
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from ..utils.arrays import float_dtype
from ..utils.config import Configured
from ..utils.lazy import cached_property
from ..utils.tree import tree_map
from ._tensorflow_names import TakesTensorFlowNames


class RNNCell(Configured, metaclass=TakesTensorFlowNames):
    """The contract of all cells: what `nr.forward`, layers and wrappers expect of one.

    A cell is immutable. It holds its options, but neither parameters nor states: these go in and come out. Constructors
    also take TensorFlow's names of options that mean the same: ``num_units``, functions as activations, and
    ``state_is_tuple`` for a plain cell of several states.

    Attributes
    ----------
    takes_integers : bool
        Whether inputs are integers (B, T), which have no gradient, and not numbers (B, T, I).
    """

    takes_integers: ClassVar[bool] = False

    @property
    def state_size(self) -> Any:
        """Width of each state, in tuples nested as the states are."""
        raise NotImplementedError

    @property
    def output_size(self) -> int:
        """Number of output features."""
        raise NotImplementedError

    @cached_property
    def no_gradient(self) -> Any:
        """None for each state, nested like ``state_size``."""
        return tree_map(lambda _: None, self.state_size)

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        """Return names and shapes of the parameters.

        Parameters
        ----------
        input_size : int
            Number of input features I.

        Returns
        -------
        dict of str to tuple of int
            The shapes, in the order of `init_params`.

        Raises
        ------
        InputError
            If the cell cannot read inputs of this size.
        """
        raise NotImplementedError

    def init_params(
        self, input_size: int, rng: int | np.random.Generator = 0, dtype: DTypeLike = "float32"
    ) -> dict[str, np.ndarray]:
        """Make fresh parameters.

        Parameters
        ----------
        input_size : int
            Number of input features I.
        rng : int or numpy.random.Generator, default 0
            Seed or generator of the random values.
        dtype : dtype, default "float32"
            float32 or float64.

        Returns
        -------
        dict of str to ndarray
            Arrays of the names and shapes of `param_shapes`, and of ``dtype``.

        Raises
        ------
        InputError
            If the cell cannot read inputs of this size, ``rng`` is no seed, or ``dtype`` another one.
        """
        caller = type(self).__name__
        if not self.takes_integers and not (is_integer(input_size) and input_size > 0):
            raise InputError(f"{caller}: expected input_size to be a positive integer, got {input_size!r}")
        try:
            rng = np.random.default_rng(rng)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{caller}: expected rng to be a seed or a NumPy Generator, got {rng!r}: {error}"
            ) from None
        return self.draw_params(input_size, rng, float_dtype(caller, dtype))

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        """Make fresh parameters from arguments that `init_params` has checked.

        Parameters
        ----------
        input_size : int
            Number of input features I.
        rng : numpy.random.Generator
            Random numbers.
        dtype : numpy.dtype
            float32 or float64.

        Returns
        -------
        dict of str to ndarray
            Arrays of the names and shapes of `param_shapes`, and of ``dtype``.

        Raises
        ------
        InputError
            If the cell cannot read inputs of this size.
        """
        raise NotImplementedError

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        """Run the cell over a batch of sequences whose arrays have been checked; `nr.forward` does both.

        Parameters
        ----------
        params : dict of str to ndarray
            Parameters as `init_params` makes them.
        x : ndarray (T, B, I)
            Inputs, zeros at masked steps; integers (T, B) if the cell takes those.
        state : tuple of ndarray (B, n) or None
            Initial states, nested like ``state_size``; None means zeros.
        mask : ndarray (T, B) of bool or None
            Which steps are valid; None means all.
        options : RunOptions
            How the pass is run.

        Returns
        -------
        CellResult
            Outputs, final states and the backward pass.
        """
        raise NotImplementedError

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        """Plan the memory of a pass of `unroll` on the CPU; nothing runs.

        Parameters
        ----------
        memory : PlannedMemory
            What the plan adds to.
        inputs : PlannedInputs
            Sizes and dtype of the inputs.
        options : RunOptions
            How the pass would be run.

        Returns
        -------
        callable
            Plans the backward pass.

        Raises
        ------
        InputError
            If the memory of such a cell is not known.
        """
        raise InputError(f"memory_plan: the memory of a {type(self).__name__} is not known before it runs")

    def __call__(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse Keras' and TensorFlow's way to run a step, which needs a cell that holds parameters."""
        raise InputError(
            f"{type(self).__name__}: expected cell.step(params, x, states), as a cell holds no parameters, "
            "got cell(x, states); layers.RNN(cell) holds some"
        )

    def zero_state(self, batch: int, dtype: DTypeLike = "float32") -> Any:
        """Make states of zeros.

        Parameters
        ----------
        batch : int
            Number of rows B.
        dtype : dtype, default "float32"
            float32 or float64.

        Returns
        -------
        tuple of ndarray (B, n)
            The states, nested like ``state_size``.

        Raises
        ------
        InputError
            If ``batch`` is no number of rows, or ``dtype`` another one.
        """
        caller = type(self).__name__
        if not is_integer(batch) or batch < 0:
            raise InputError(f"{caller}: expected batch to be an integer of at least 0, got {batch!r}")
        dtype = float_dtype(caller, dtype)
        return tree_map(lambda size: np.zeros((batch, size), dtype), self.state_size)

    def step(
        self, params: dict[str, np.ndarray], x: ArrayLike, state: Any = None, **options: Any
    ) -> tuple[np.ndarray, Any]:
        """Run one time step.

        Parameters
        ----------
        params : dict of str to ndarray
            Parameters as `init_params` makes them, all float32 or all float64.
        x : array_like (B, I)
            Inputs of the step, of the dtype of the parameters; integers (B,) if the cell takes those.
        state : tuple of ndarray (B, n), optional
            The states before the step; zeros by default.
        **options
            Options of `nr.forward`, such as ``device`` or ``training``.

        Returns
        -------
        output : ndarray (B, output_size)
            Outputs of the step.
        state : tuple of ndarray (B, n)
            The states after the step.

        Raises
        ------
        InputError
            If an argument has another type, shape, dtype or value than expected.
        """
        from ..rnn.run import step

        return step(self, params, x, state, **options)
