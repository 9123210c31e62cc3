"""What all models have in common: layers and their weights, files, and a table of the layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import checkpoint
from ..errors import InputError
from ..layers.base import Layer, set_arrays
from ..layers.graph import Graph
from ..runtime.interrupts import Interrupts
from ..training.trainer import Trainer
from ..utils.arrays import difference, float_dtype
from ..utils.config import CustomObjects, decoded, name_of
from ..utils.writable import check_writable
from . import saving
from .summary import Summary


class Network(Trainer):
    """Base class of models; subclasses say how their layers are called: ``graph``, ``built`` and ``input_shape``.

    Parameters
    ----------
    seed : int
        Decides everything random.
    dtype : {"float32", "float64"}
        Of all parameters and outputs.
    device : str
        The engine of the recurrent layers, see `nr.forward`.
    name : str
        The model's name in summaries and errors.
    """

    # (batch, ...), of several inputs a list; None until it is known
    input_shape: Any

    def __init__(self, *, seed: int, dtype: DTypeLike, device: str, name: str) -> None:
        if seed < 0:
            raise InputError(f"{type(self).__name__}: expected seed to be an integer of at least 0, got {seed}")
        seeds = np.random.SeedSequence(seed).spawn(3)
        self.dtype = float_dtype(type(self).__name__, dtype)
        self._weights_rng, self._shuffle_rng, self._dropout_rng = map(np.random.default_rng, seeds)
        self.device = device
        self.name = name
        self._interrupts = Interrupts()
        self.layers, self._graph = [], None
        self._collect()

    def __reduce__(self):
        """Pickle the arrays with the layers alone, and no callbacks."""
        left = ("params", "weights", "regularizers", "constraints", "_callbacks", "_interrupts", "_stream", "_graph")
        return object.__new__, (type(self),), {name: v for name, v in vars(self).items() if name not in left}

    def __setstate__(self, state):
        self.__dict__.update({"_graph": None} | state)
        self._interrupts = Interrupts()
        self._collect()

    def _collect(self):
        """List the parameters of all layers, with their regularisers and constraints."""
        self.params, self.weights, self.regularizers, self.constraints = {}, {}, {}, {}
        for layer in self.layers:
            self._list(layer)

    def __repr__(self) -> str:
        layers = ", ".join(type(layer).__name__ for layer in self.layers) or "no layers"
        state = f"{self.count_params():,} parameters" if self.built else "not built"
        return f"{type(self).__name__}({self.name!r}: {layers}; {state})"

    def _repr_html_(self) -> str:
        return Summary(self)._repr_html_()

    @property
    def built(self) -> bool:
        """Whether the parameters exist."""
        raise NotImplementedError

    @property
    def graph(self) -> Graph:
        """The calls of the layers, sorted."""
        if self._graph is None:
            self._graph = self._sorted_calls()
        return self._graph

    def _sorted_calls(self) -> Graph:
        raise NotImplementedError

    def count_params(self) -> int:
        """Count the weights, the non-trainable ones included.

        Returns
        -------
        int
            Number of elements of all arrays.
        """
        self._expect_built("count_params")
        return sum(array.size for array in self.weights.values())

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers, their output shapes and their numbers of parameters.

        Parameters
        ----------
        print_fn : callable
            Takes the text.

        Raises
        ------
        InputError
            If the model is not built.
        """
        self._expect_built("summary")
        print_fn(str(Summary(self)))

    def get_weights(self) -> list[np.ndarray]:
        """Copy all weights.

        Returns
        -------
        list of ndarray
            In the order of ``weights``, which is that of Keras 3.
        """
        self._expect_built("get_weights")
        return [array.copy() for array in self.weights.values()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all weights.

        Parameters
        ----------
        weights : sequence of array_like
            Numbers of the shapes of `get_weights`, in its order.

        Raises
        ------
        InputError
            If number, shapes or types differ; nothing has changed then.
        """
        self._expect_built("set_weights")
        set_arrays(self.name, self.weights, weights)

    def save_weights(self, path: str | Path) -> None:
        """Write all weights to a file (npz), whole or not at all.

        Parameters
        ----------
        path : path-like
            The file.
        """
        self._expect_built("save_weights")
        checkpoint.save(path, self.weights)

    def save(self, path: str | Path, *, training: bool = False, epoch: int = 0) -> None:
        """Write the whole model to one file: layers, what `compile` was given, and weights; `nr.load_model` reads it.

        The file holds arrays (npz) and JSON, each array with its hash, and is written whole or not at all. Classes and
        functions of one's own are kept by their names.

        Parameters
        ----------
        path : path-like
            The file, usually "....npz".
        training : bool, default False
            Whether the file also holds all that training needs to continue, as that of `save_training` does.
        epoch : int
            Number of finished epochs, with ``training``.

        Raises
        ------
        InputError
            If the model is not built, or an option can neither be written nor named.
        """
        self._expect_built("save")
        saving.save(self, path, training, epoch)

    def get_config(self) -> dict[str, Any]:
        """Write the layers and how they are called, in the types of JSON; `from_config` makes a model of it.

        Returns
        -------
        dict
            {name: value}, without weights and what `compile` was given.

        Raises
        ------
        InputError
            If the model is not built, or an option can neither be written nor named.
        """
        self._expect_built("get_config")
        return saving.described("get_config", self)

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        custom_objects: CustomObjects | None = None,
        *,
        seed: int = 0,
        device: str = "cpu",
    ) -> Self:
        """Make a model from what `get_config` returned, with fresh weights.

        Parameters
        ----------
        config : dict
            {name: value}.
        custom_objects : dict of {str: class or function}, optional
            What names of one's own mean.
        seed : int
            Decides everything random.
        device : str
            The engine of the recurrent layers, see `nr.forward`.

        Returns
        -------
        Sequential, Model or EncoderDecoder
            A new built model of this class, not compiled.

        Raises
        ------
        InputError
            If a name has no meaning, or the values do not fit.
        """
        try:
            if config["class"] != name_of(cls):
                raise InputError(f"expected a config of {name_of(cls)}, got one of {config['class']!r:.80}")
            known = custom_objects or {}
            options = {name: decoded(value, known) for name, value in config["options"].items()}
            layers = list(decoded(config["layers"], known))
            model = cls._of_layers(layers, config, known, seed=seed, device=device, **options)
            if not model.built:
                model.build(tuple(config["input_shape"]))
            model.trainable = config["trainable"]
        except InputError as error:
            raise InputError(f"{cls.__name__}.from_config: {error}") from error
        # other values than those that were written make constructors raise nearly anything
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
            raise InputError(f"{cls.__name__}.from_config: not what get_config returned ({got})") from error
        return model

    @classmethod
    def _of_layers(cls, layers, config, custom_objects, **options) -> Any:
        """Make a model of layers that have just been made."""
        return cls(layers, **options)  # pyright: ignore[reportCallIssue]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place.

        Parameters
        ----------
        name : str, optional
            The name.
        index : int, optional
            The place in ``layers``, instead.

        Returns
        -------
        Layer
            The layer.

        Raises
        ------
        InputError
            If there is no such layer.
        """
        if (name is None) == (index is None):
            raise InputError(f"{self.name}: get_layer: expected a name or an index, got {name!r} and {index!r}")
        for place, layer in enumerate(self.layers):
            if layer.name == name or place == index:
                return layer
        names = ", ".join(layer.name for layer in self.layers) or "none"
        raise InputError(f"{self.name}: get_layer: expected one of {names}, got {index if name is None else name!r}")

    def own_options(self) -> dict[str, Any]:
        """Return the options of the constructor that only this class has, for `save`.

        Returns
        -------
        dict
            {name: value}.
        """
        return {}

    def connections(self) -> dict[str, list[str]]:
        """List what each layer reads, for `summary`.

        Returns
        -------
        dict
            {layer: names of inputs and layers}; empty for a chain.
        """
        return {}

    def described_calls(self) -> dict[str, Any]:
        """Return how the layers are called, for `save`, if they are no chain.

        Returns
        -------
        dict
            {"inputs": ..., "calls": ..., "outputs": ...} in the types of JSON.
        """
        return {}

    def load_weights(self, path: str | Path) -> None:
        """Read all weights from a file of `save_weights`.

        Parameters
        ----------
        path : path-like
            The file.

        Raises
        ------
        InputError
            If the file does not fit; nothing has changed then.
        """
        self._expect_built("load_weights")
        found, facts = checkpoint.load_with_facts(path)
        if facts is not None and any(name.startswith("parameter:") for name in found):
            reader = "model.save: nr.load_model" if "model_format" in facts else "save_training: load_training"
            raise InputError(f"{path}: not the weights of this model, but a file of {reader} reads it")
        wrong = difference(found, self.weights)
        if wrong:
            raise InputError(f"{path}: not the weights of this model: {wrong}")
        self._check_writable()
        for name, array in self.weights.items():
            array[...] = found[name]

    def _check_writable(self):
        check_writable(self.name, {("weight", name): array for name, array in self.weights.items()})

    def _list(self, layer):
        named = lambda values: {f"{layer.name}/{name}": v for name, v in values.items() if v is not None}  # noqa: E731
        self.params |= named(layer.params)
        self.weights |= named(layer.weights)
        self.regularizers |= {name: r for name, r in named(layer.regularizers).items() if name in self.params}
        self.constraints |= {name: c for name, c in named(layer.constraints).items() if name in self.params}

    def _free_name(self, layer):
        """Return the layer's name, with a number behind it if it was not chosen and is taken."""
        taken, name, number = {other.name for other in self.layers}, layer.name, 0
        if name in taken and name != layer.default_name():
            raise InputError(f"{self.name}: expected another name, {name!r} is taken")
        while name in taken:
            number += 1
            name = f"{layer.name}_{number}"
        return name

    def _expect_built(self, caller):
        if not self.built:
            raise InputError(f"{self.name}: {caller} needs parameters: start with Input(shape), or call build first")
