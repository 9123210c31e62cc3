"""The trainer of a model: compile, fit, evaluate, predict, and single batches."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import optimizers
from ..callbacks import Callback, Callbacks
from ..callbacks.shared import callbacks_of
from ..distributed.chosen import chosen as communicator_of
from ..errors import Checked, InputError
from ..layers import Layer
from ..layers.graph import Graph, for_prediction
from ..layers.stepwise import check_one_output
from ..losses import Loss
from ..optimizers import Optimizer
from ..runtime.interrupts import Interrupts
from ..utils.padded import values_and_mask
from ..utils.tree import tree_lists, tree_map
from ..utils.types import Arrays
from . import fit_options, resume
from .batches import Data, Means
from .checkpoints import Checkpoints, course_of
from .digest import digest
from .forward_pass import ForwardPass, forward
from .history import History
from .labels import labels_for
from .lengths import join, plan_of
from .local_steps import learner
from .not_finite import cause
from .objectives import Objective, chosen, from_pre_activation, measured, metrics_of, names_of, total, with_loss
from .parts import check as check_parts
from .parts import over_processes
from .progress import Progress
from .sample_weights import weights_of
from .sources import Samples, Stream, expect_steps, inputs_of, is_stream, refuse_beside_stream, refuse_list_of_batches
from .truncated import Truncation, train_sequences
from .update import update_weights, with_penalties

# {optimizer: the model whose moments it keeps}
OWNERS = weakref.WeakKeyDictionary()


class Trainer(Checked):
    """Training and use of a list of layers.

    A model has the layers, their parameters, two random generators, and ``_inputs``.
    """

    layers: list[Layer]
    params: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    regularizers: dict[str, Any]
    constraints: dict[str, Any]
    dtype: np.dtype
    # (batch, ...), of several inputs a list; None until it is known
    input_shape: Any
    _shuffle_rng: np.random.Generator
    _dropout_rng: np.random.Generator

    # of the outputs; one has no name
    output_names: list[str] = [""]

    optimizer: Optimizer
    # of several outputs a list
    loss: Any = None
    metrics: dict[str, Callable]
    # as `compile` got them
    given_metrics: Any
    loss_weights: Any = None
    # what `compile` chose, for each output
    _objectives: list[Objective] = []
    # the losses as functions of pre-activations, as far as they can be
    _fused: list[Loss | None] = []
    # of the last `fit`, as far as it came
    history: History | None = None
    _trainable = True
    # a callback sets it to end `fit` after the epoch
    stop_training = False
    _interrupts: Interrupts
    # of the last `fit`
    _callbacks: Callbacks | None = None
    # of callbacks, for the next `fit`
    _loaded_states: list[tuple[str, dict]] | None = None
    # of an iterable of batches, for the next `fit`
    stream_state: Any = None
    # the iterable of batches of the last `fit`, if it has a state
    _stream: Any = None

    def compile(
        self,
        optimizer: str | Optimizer = "rmsprop",
        loss: Any = None,
        metrics: Any = (),
        *,
        loss_weights: Any = None,
    ) -> None:
        """Choose an optimiser, a loss and metrics.

        Parameters
        ----------
        optimizer : str or Optimizer
            One of `nr.optimizers`, or its name.
        loss : str, Loss or callable
            One of `nr.losses`, or its name; or a function (y_true, y_pred) -> (values, gradient), see
            `nr.losses.FunctionLoss`. For several outputs one for all, or a list or dict of them by the names of the
            outputs; an output without one has no part in training. The loss of the model is their sum.
        metrics : sequence of str or callable
            Names such as "accuracy", or functions of labels and outputs. For several outputs a list or dict of such
            sequences.
        loss_weights : list or dict of float, optional
            For several outputs how much the loss of each counts in the sum; by default 1.

        Raises
        ------
        InputError
            If a name is not known.
        """
        optimizer = optimizers.get(optimizer)
        objectives = chosen(self.output_names, loss, metrics, loss_weights)
        owner = OWNERS.get(optimizer)
        if owner is not None and owner() is not self and (owner() is not None or optimizer.iterations):
            raise InputError("compile: expected an optimizer of its own, got one with the memory of another model")
        OWNERS[optimizer] = weakref.ref(self)
        self.metrics, self._objectives = metrics_of(objectives), objectives
        self._fused = [None] * len(objectives)
        self.given_metrics = metrics if isinstance(metrics, dict) else tuple(metrics)
        self.optimizer, self.loss_weights = optimizer, loss_weights
        several = [objective.loss for objective in objectives]
        self.loss = several if len(several) > 1 else several[0]

    @property
    def trainable(self) -> bool:
        """Whether training changes any parameters; it may be set at any time."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if not isinstance(value, bool | np.bool_):
            raise InputError(f"{type(self).__name__}: expected trainable to be True or False, got {value!r}")
        self._trainable = bool(value)

    @property
    def trainable_params(self) -> dict[str, np.ndarray]:
        """The parameters that training changes: those of trainable layers, if the model is ``trainable`` itself."""
        layers = self.layers if self.trainable else ()
        return {f"{layer.name}/{name}": w for layer in layers for name, w in layer.trainable_params.items()}

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns."""
        return names_of(self._objectives) if self._objectives else ["loss"]

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        epochs: int = 1,
        *,
        validation_data: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        class_weight: dict[int, float] | None = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        callbacks: Sequence[Callback] = (),
        initial_epoch: int = 0,
        reset_every: str = "never",
        truncate: tuple[int, int] | None = None,
        loss_scope: str = "new",
        activations: str = "stale",
        update: str = "pass",
        accumulate: int = 1,
        communicator: Any = None,
        average_every: int | None = None,
        checkpoints: Checkpoints | None = None,
        gradient_transform: Callable[[Arrays], Arrays] | None = None,
        verbose: int = 1,
    ) -> History:
        """Train on samples with labels.

        Parameters
        ----------
        x : array_like (samples, ...), Padded, list of arrays (steps, ...), or iterable of batches
            Inputs of the first layer. Sequences of different lengths are padded behind, and a mask hides the padding;
            batches are made of similar lengths.
            Or an iterable of batches (x, y) or (x, y, sample_weight), such as a generator, or an object with a length
            and items, such as Keras' ``PyDataset``; then there is no ``y``, and ``batch_size`` and ``shuffle`` have no
            part in it. A method ``on_epoch_end()`` of it is called after each epoch, and what its ``get_state()``
            returns is kept by `save_training` for ``set_state``.
        y : array_like (samples, ...), Padded, or list of arrays (steps, ...)
            Labels as the loss takes them; those of sequences of different lengths are as long as these.
        batch_size : int
            Samples per update; the last batch of an epoch may be shorter.
        epochs : int
            The epoch at which training ends.
        validation_data : (x, y), (x, y, sample_weight), or iterable of batches, optional
            Data to evaluate after each epoch.
        validation_split : float in [0, 1)
            The share of the samples, taken from the end, to evaluate after each epoch instead.
        shuffle : bool
            Whether every epoch takes the samples in a new order. Sequences of different lengths are then sorted within
            windows of 50 batches, and the batches shuffled.
        sample_weight : array_like (samples,) or (samples, steps), optional
            Weights in the loss; metrics count all valid rows alike.
        class_weight : dict of {class: float}, optional
            Weights in the loss of the samples of each class.
        steps_per_epoch : int, optional
            Batches of an epoch, if ``x`` is an iterable of batches; the next epoch goes on behind them. By default an
            epoch is one walk through all.
        validation_steps : int, optional
            Batches of each validation, if ``validation_data`` is an iterable of batches.
        callbacks : sequence of Callback
            See `nr.callbacks`.
        initial_epoch : int
            The epoch to start from, counted from 0.
        reset_every : {"never", "epoch", "sequence"}
            When stateful layers forget their states: never, before every epoch, or before every batch, which then
            holds whole sequences.
        truncate : (k1, k2), optional
            Truncated BPTT for losses at each step: over a batch from its first step to its last, with a backward pass
            over k2 steps after every k1. Loss and metrics are then means over passes.
        loss_scope, activations : str
            See `nr.truncated_bptt`.
        update : {"pass", "sequence"}
            Whether truncated BPTT updates the parameters after every pass, or once after the sequence, by the mean
            over the passes.
        accumulate : int
            Number of parts that each batch goes through the layers in, one after another. The update is that of the
            whole batch, to rounding: dropout, masks, weights, stateful layers, clipping and metrics are those of the
            batch. The activations that the gradient needs are those of one part. Models of several outputs and
            activity penalties take one more forward pass.
        communicator : nr.distributed.Communicator or mpi4py.MPI.Intracomm, optional
            The processes that train together, each with a part of the rows of every batch; each calls `fit` with the
            same data and options. Weights and history are those of one process, to rounding, in all of them. Callbacks
            run on rank 0 alone.
        average_every : int, optional
            Local SGD, for slow networks: each process updates by its rows alone, and after so many updates, and each
            epoch, all take the mean of their parameters and of the optimiser's memory.
        checkpoints : nr.Checkpoints, optional
            A folder of files. If there are some, the training goes on from the latest one, also in the middle of an
            epoch, with callbacks of the same options; the history is that of the whole training. A generator of batches
            without ``set_state`` is walked through up to there.
        gradient_transform : callable, optional
            Called before every update with {name: gradient} of all trainable parameters, the penalties' gradients
            included; what it returns, with the same names, shapes and dtype, takes their place. Clipping and the check
            for finite numbers follow.
        verbose : {0, 1, 2}
            0: silent; 1: progress; 2: one line per epoch.

        Returns
        -------
        History
            Loss and metrics of each epoch. Those of the training data are means over the batches, each measured before
            its update.

        Raises
        ------
        InputError
            If data or options do not fit the model.

        Warns
        -----
        RuntimeWarning
            If a loss, gradient, moving average or learning rate is not finite, or the learning rate is no number of at
            least 0. Training ends, the history shows NaN, and the weights are those before that batch. The warning
            names the first number of ``x`` or ``y`` that is not finite, or says that the data are not at fault.

        Notes
        -----
        Ctrl-C raises KeyboardInterrupt between two updates. The model then has the weights of the last update (or its
        best ones, if `EarlyStopping` restores them), and ``model.history`` the finished epochs.
        """
        given, communicator = communicator, communicator_of(communicator)
        with communicator.guard():
            self.history = History()
            fit_options.expect_positive("fit", "batch_size", batch_size)
            fit_options.check(self, epochs, initial_epoch, shuffle, is_stream(x), reset_every)
            source, validation = fit_options.sources(
                self,
                x,
                y,
                batch_size,
                sample_weight=sample_weight,
                class_weight=class_weight,
                validation_data=validation_data,
                validation_split=validation_split,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                rng=self._shuffle_rng if shuffle else None,
                passes=epochs - initial_epoch,
            )
            truncation = Truncation.of(self, source, truncate, loss_scope, activations, update)
            check_parts(self, accumulate, communicator, average_every, truncation is not None)
            in_parts = learner(self, accumulate, communicator, given, average_every)
            otherwise = self._otherwise(truncation, in_parts, communicator)
            measure = in_parts.measure if communicator.size > 1 else self._measure_batch
            if gradient_transform is not None and not callable(gradient_transform):
                raise InputError(f"fit: expected gradient_transform to be a function, got {gradient_transform!r}")
            names = [*self.metrics_names, *(f"val_{name}" for name in self.metrics_names if validation is not None)]
            self.stop_training = False
            self._callbacks = listeners = callbacks_of(
                callbacks, self, {"epochs": epochs, "metrics": names}, communicator
            )
            verbose = verbose if communicator.rank == 0 else 0
            course = course_of(checkpoints, self, communicator, initial_epoch)
            with self._interrupts, listeners.training(), over_processes(self, communicator), course:
                self._give_states_back(listeners, x)
                for epoch in range(max(initial_epoch, course.epoch), epochs):
                    if self.stop_training:
                        break
                    if not course.batch:
                        listeners.on_epoch_begin(epoch)
                    if reset_every == "epoch" and not course.batch:
                        self.reset_states()
                    progress = Progress(f"epoch {epoch + 1}/{epochs}", source.batches, verbose, course.batch)
                    means, finite, why = self._means(), True, ""
                    for number, (batch, rows) in course.items(source, means):
                        listeners.on_train_batch_begin(number)
                        if reset_every == "sequence":
                            self.reset_states()
                        if otherwise is None:
                            # no name: the pass is gone before the next one begins
                            values, weights = self._learn(
                                batch, self._forward(batch.x, training=True), gradient_transform
                            )
                        else:
                            values, weights = otherwise(batch, gradient_transform)
                        means.add(values, weights)
                        progress.update(len(batch.y), means)
                        listeners.on_train_batch_end(number, means)
                        finite = math.isfinite(values[0])
                        if in_parts.settled and communicator.is_due(self.optimizer.iterations):
                            communicator.expect_same("fit: the parameters", digest(self))
                        if not finite:
                            why = cause(self, batch, rows, number if isinstance(source, Stream) else None)
                            break
                        if in_parts.settled:
                            course.after_batch(epoch, number + 1, means)
                    in_parts.settle()
                    results = means.values()
                    if validation is not None:
                        results |= {
                            f"val_{name}": v for name, v in self._validate(validation, listeners, measure).items()
                        }
                    progress.finish(results)
                    if hasattr(x, "on_epoch_end"):
                        x.on_epoch_end()
                    listeners.on_epoch_end(epoch, results)
                    with self._interrupts.deferred():
                        self.history.append(epoch, results)
                    if not finite:
                        numbers = "the loss, a gradient or a moving average"
                        message = f"fit: stopped in epoch {epoch + 1}: {numbers} is not finite: {why}"
                        if communicator.rank == 0:
                            warnings.warn(message, RuntimeWarning, stacklevel=2)
                        break
                    course.after_epoch(epoch, results)
        return self.history

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        *,
        sample_weight: ArrayLike | None = None,
        steps: int | None = None,
        verbose: int = 0,
        return_dict: bool = False,
        callbacks: Sequence[Callback] = (),
    ) -> Any:
        """Measure loss and metrics on data.

        Parameters
        ----------
        x, y : array_like (samples, ...), Padded, or list of arrays (steps, ...)
            Inputs and labels, as in `fit`; or an iterable of batches and no ``y``.
        batch_size : int
            Samples per pass.
        sample_weight : array_like (samples,) or (samples, steps), optional
            Weights in the loss.
        steps : int, optional
            How many batches to take of an iterable, which may never end; by default all.
        verbose : {0, 1, 2}
            0: silent; 1: progress; 2: one line.
        return_dict : bool
            Whether to return {name: value}.
        callbacks : sequence of Callback
            Their ``on_test_...`` methods are called.

        Returns
        -------
        float, list of float, or dict
            Loss and metrics in the order of ``metrics_names``; the loss alone if there are no metrics.

        Raises
        ------
        InputError
            If the data do not fit the model, or there are none.
        """
        fit_options.expect_positive("evaluate", "batch_size", batch_size)
        if not isinstance(return_dict, bool | np.bool_):
            raise InputError(f"evaluate: expected return_dict to be True or False, got {return_dict!r}")
        expect_steps("evaluate", "steps", steps, x)
        if is_stream(x):
            refuse_beside_stream("evaluate", y=y, sample_weight=sample_weight)
            source: Samples | Stream = Stream(self, "evaluate", x, steps)
        else:
            data = self._weighted_data("evaluate", x, y, sample_weight, batch_size=batch_size)
            if len(data.y) == 0:
                raise InputError("evaluate: expected at least one sample, got none")
            source = Samples(data, batch_size, plan=plan_of(self, data.x))
        listeners = Callbacks(callbacks, self, {"metrics": self.metrics_names})
        progress = Progress("evaluate", source.batches, verbose)
        values = self._evaluate(source, progress, listeners, self._measure_batch)
        return values if return_dict else plain(values)

    def predict(
        self,
        x: Any,
        batch_size: int = 32,
        *,
        steps: int | None = None,
        verbose: int = 0,
        callbacks: Sequence[Callback] = (),
    ) -> Any:
        """Compute the outputs for inputs, with the weights as they are at the start.

        Parameters
        ----------
        x : array_like (samples, ...), Padded, or list of arrays (steps, ...)
            Inputs, as in `fit`; or an iterable of batches, each x or a tuple that starts with x
            (or a list of arrays, as PyTorch's loaders give it).
        batch_size : int
            Samples per pass; sequences of similar lengths make a batch.
        steps : int, optional
            How many batches to take of an iterable, which may never end; by default all.
        verbose : {0, 1, 2}
            0: silent; 1: progress; 2: one line.
        callbacks : sequence of Callback
            Their ``on_predict_...`` methods are called.

        Returns
        -------
        ndarray (samples, ...) or list of ndarray
            Outputs of the last layer, a list if it has several, in the order of the inputs. Those at the padding of
            sequences mean nothing.

        Raises
        ------
        InputError
            If the inputs do not fit the model.
        """
        expect_steps("predict", "steps", steps, x)
        longest = graph = None
        if is_stream(x):
            count = len(x) if steps is None and hasattr(x, "__len__") else steps
            rank = 0 if isinstance(self.input_shape, list) else len(self.input_shape or ())
            batches = ((self._inputs(batch), None) for batch in inputs_of(x, rank, steps))
        else:
            x = self._inputs(x)
            self._expect_batches("predict", x, batch_size)
            plan = plan_of(self, x)
            longest = x.steps if plan is not None and plan.at_steps else None
            source = Samples(Data(x), batch_size, plan=plan)
            count, batches = source.batches, ((batch.x, rows) for batch, rows in source)
        progress, outputs, places, done = Progress("predict", count, verbose), [], [], 0
        listeners = Callbacks(callbacks, self, {})
        listeners.on_predict_begin()
        for number, (batch, rows) in enumerate(batches):
            listeners.on_predict_batch_begin(number)
            if number == 0:  # an iterable's first batch may have built the layers
                graph = self.graph if count == 1 else for_prediction(self.graph)
            outputs.append(tree_lists(self._forward(batch, graph=graph).outputs))
            places.append(slice(done, done + len(batch)) if rows is None else rows)
            done += len(batch)
            progress.update(len(batch), Means(()))
            listeners.on_predict_batch_end(number, {"outputs": outputs[-1]})
        if not outputs:
            raise InputError("predict: expected at least one batch, got none")
        if steps is not None and len(outputs) < steps:
            raise InputError(f"predict: expected {steps} batches, got {len(outputs)}: the iterable ended")
        progress.finish({})
        listeners.on_predict_end()
        return tree_lists(tree_map(lambda *parts: join(parts, places, longest), *outputs))

    def predict_on_batch(self, x: Any) -> Any:
        """Compute the outputs for inputs, all at once.

        Parameters
        ----------
        x : array_like (batch, ...), Padded, or list of arrays (steps, ...)
            Inputs, as in `fit`.

        Returns
        -------
        ndarray (batch, ...) or list of ndarray
            Outputs of the last layer, a list if it has several.

        Raises
        ------
        InputError
            If the inputs do not fit the model.
        """
        return self(x)

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Compute the outputs for inputs, all at once.

        Parameters
        ----------
        x : array_like (batch, ...), Padded, or list of arrays (steps, ...)
            Inputs, as in `fit`.
        training : bool, default False
            Whether the pass is one of training: with dropout, and with the moments of the batch in
            `BatchNormalization`.

        Returns
        -------
        ndarray (batch, ...) or list of ndarray
            Outputs of the last layer, a list if it has several.

        Raises
        ------
        InputError
            If the inputs do not fit the model.
        """
        return tree_lists(self._forward(self._inputs(x), training).outputs)

    def value_and_gradients(
        self, x: Any, y: Any, sample_weight: ArrayLike | None = None, *, training: bool = False
    ) -> tuple[float, Arrays]:
        """Compute the loss of a batch and its gradients; nothing changes.

        `nr.flatten` makes one vector of the gradients, for optimisers of SciPy or a sum over processes;
        ``model.optimizer.apply(model.trainable_params, gradients)`` makes a step.

        Parameters
        ----------
        x, y : array_like (batch, ...), Padded, or list of arrays (steps, ...)
            Inputs and labels, as in `fit`.
        sample_weight : array_like (batch,) or (batch, steps), optional
            Weights in the loss.
        training : bool, default False
            Whether the pass is one of training, as in a call of the model.

        Returns
        -------
        loss : float
            The loss with the penalties of all regularisers.
        gradients : dict of {"layer/parameter": ndarray}
            Its gradients with respect to ``trainable_params``, of their shapes and dtype.

        Raises
        ------
        InputError
            If the data do not fit the model.
        """
        data = self._weighted_data("value_and_gradients", x, y, sample_weight)
        with self._states_kept(), np.errstate(all="ignore"):
            run = self._forward(data.x, training, keep=True)
            values, _, gradient, options = self._measure(data.y, run, data.weights)
            params = self.trainable_params
            loss = total(self._objectives, values)
            return loss, with_penalties(self, run.backward(gradient, **options).params, params)

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        class_weight: dict[int, float] | None = None,
    ) -> Any:
        """Update the parameters once.

        Parameters
        ----------
        x, y : array_like (batch, ...)
            Inputs and labels.
        sample_weight, class_weight : optional
            Weights in the loss, as in `fit`.

        Returns
        -------
        float or list of float
            Loss and metrics before the update, as `evaluate` returns them. NaN loss: nothing was updated.
        """
        data = self._weighted_data("train_on_batch", x, y, sample_weight, class_weight)
        with self._interrupts:
            return self._shown(self._learn(data, self._forward(data.x, training=True))[0])

    def test_on_batch(self, x: Any, y: Any, sample_weight: ArrayLike | None = None) -> Any:
        """Measure loss and metrics on one batch.

        Parameters
        ----------
        x, y : array_like (batch, ...)
            Inputs and labels.
        sample_weight : array_like, optional
            Weights in the loss.

        Returns
        -------
        float or list of float
            Loss and metrics, as `evaluate` returns them.
        """
        data = self._weighted_data("test_on_batch", x, y, sample_weight)
        return self._shown(self._measure(data.y, self._forward(data.x), data.weights).values)

    def reset_states(self, rows: ArrayLike | None = None) -> None:
        """Forget the states of stateful layers.

        Parameters
        ----------
        rows : array_like of bool or int, optional
            Rows of the batch to forget; all by default.
        """
        for layer in self._stateful_layers():
            layer.reset_states(rows=rows)

    # Keras 3's name
    reset_state = reset_states

    def end_rows(self, rows: ArrayLike) -> None:
        """Drop finished sequences from the states of stateful layers.

        The next batch holds the remaining rows alone, in their order; they keep their states.

        Parameters
        ----------
        rows : array_like of bool or int
            Rows of the batch that have ended.
        """
        for layer in self._stateful_layers():
            layer.end_rows(rows)

    def save_training(self, path: str | Path, epoch: int = 0) -> None:
        """Write all that training needs to continue, whole or not at all.

        The file holds the weights, the optimiser's memory, the random generators, the states of stateful layers, what
        the callbacks of the last `fit` remember, and ``epoch``. It does not hold layers, options or data.

        Parameters
        ----------
        path : path-like
            The file.
        epoch : int
            Number of finished epochs.

        Raises
        ------
        InputError
            If the model is not built and compiled.
        """
        resume.save(self, path, epoch)

    def load_training(self, path: str | Path) -> int:
        """Read a file of `save_training` into a model made and compiled like the saved one.

        ``model.fit(..., initial_epoch=model.load_training(path))`` gives the bits of a training without a break, if it
        gets new callbacks with the options of the old ones: each takes the state of the one of its class.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        int
            Its ``epoch``.

        Raises
        ------
        InputError
            If the file does not fit; nothing has changed then.
        """
        return resume.load(self, path)

    def _stateful_layers(self):
        return [layer for layer in self.layers if getattr(layer, "stateful", False)]

    @property
    def callback_states(self) -> list[tuple[str, dict]]:
        """What callbacks remember, [(name of the class, state)]: loaded ones until `fit` gives them back."""
        if self._loaded_states is not None:
            return self._loaded_states
        return [] if self._callbacks is None else self._callbacks.get_state()

    def resume_callbacks(self, states: list[tuple[str, dict]]) -> None:
        """Keep the states of callbacks for the next `fit`."""
        self._loaded_states = states

    def _give_states_back(self, callbacks, stream):
        """Give callbacks, and an iterable of batches, the states that were loaded for them."""
        states, self._loaded_states = self._loaded_states or (), None
        position, self.stream_state = self.stream_state, None
        self._stream = stream if hasattr(stream, "get_state") else None
        if position is not None and hasattr(stream, "set_state"):
            stream.set_state(position)
        elif position is not None:
            warnings.warn("fit: the loaded state of an iterable of batches is not used", RuntimeWarning, stacklevel=3)
        left = callbacks.set_state(states)
        if left:
            names = ", ".join(name for name, _ in left)
            warnings.warn(f"fit: no callback takes the loaded state of {names}", RuntimeWarning, stacklevel=3)

    @property
    def graph(self) -> Graph:
        """The calls of the layers."""
        raise NotImplementedError

    def _inputs(self, x) -> Any:
        """Return inputs of the first layer as an array or a `Padded`, to be indexed by rows, and build the layers."""
        raise NotImplementedError

    def _forward(self, x, training=False, keep=False, rng=None, graph=None) -> ForwardPass:
        """Run a batch through the layers, or through a copy of their graph; in training, or with `keep`, the pass keeps
        what the gradient needs."""
        x, mask = values_and_mask(x)
        with np.errstate(all="ignore"):
            return forward(graph or self.graph, x, training, rng or self._dropout_rng, mask, keep=keep)

    def _otherwise(self, truncation, in_parts, communicator):
        """Return how `fit` learns from a batch if not in one pass: (batch, transform) -> values, weights."""
        if truncation is not None:
            return partial(train_sequences, self, truncation, communicator)
        return None if in_parts.are_one else in_parts.learn

    def _learn(self, batch, run, transform=None):
        """Go back through a pass in training and update.

        Returns the values before the update and their weights; a loss of NaN says that nothing was updated.
        """
        with np.errstate(all="ignore"):
            values, weights, gradient, options = self._measure(batch.y, run, batch.weights)
            if not math.isfinite(total(self._objectives, values)) or not update_weights(
                self, run.backward(gradient, **options).params, run.updates, transform
            ):
                values[0] = math.nan
        return values, weights

    def _measure(self, y, run, weights=None):
        """Return the `Measured` of a pass; the loss has all penalties, its gradient not those of parameters."""
        found = measured(run, y, self._objectives, self._fused, weights)
        found.values[0] += run.penalty + self._parameter_penalty()
        return found

    def _parameter_penalty(self):
        params = self.trainable_params if self.regularizers else {}
        return sum(r(params[name]) for name, r in self.regularizers.items() if name in params)

    def _measure_batch(self, batch):
        found = self._measure(batch.y, self._forward(batch.x), batch.weights)
        return found.values, found.weights

    def _evaluate(self, source, progress, listeners, measure):
        means = self._means()
        listeners.on_test_begin()
        for number, (batch, _) in enumerate(source):
            listeners.on_test_batch_begin(number)
            means.add(*measure(batch))
            progress.update(len(batch.y), means)
            listeners.on_test_batch_end(number, means)
        values = means.values()
        progress.finish(values)
        listeners.on_test_end(values)
        return values

    def _validate(self, source, listeners, measure):
        """Evaluate from fresh states of stateful layers, which afterwards are what they were."""
        with self._states_kept():
            self.reset_states()
            return self._evaluate(source, Progress("validate", source.batches, verbose=0), listeners, measure)

    @contextmanager
    def _states_kept(self):
        """Give stateful layers back the states that they had before."""
        layers = self._stateful_layers()
        states = [layer.state for layer in layers]
        try:
            yield
        finally:
            for layer, state in zip(layers, states, strict=True):
                layer.state = state

    def _means(self):
        shares = [objective.share for objective in with_loss(self._objectives)]
        return Means(self.metrics_names, self.metrics.values(), shares)

    def _shown(self, values):
        """Return the values of one batch as `evaluate` does."""
        means = self._means()
        means.add(values, [1] * len(values))
        return plain(means.values())

    def _weighted_data(self, caller, x, y, sample_weight=None, class_weight=None, batch_size=None):
        x, y = self._data(caller, x, y, batch_size)
        return Data(x, y, weights_of(caller, y, sample_weight, class_weight, self._objectives, self.dtype))

    def _data(self, caller, x, y, batch_size=None):
        """Return x and y as arrays of equally many samples, for a compiled and built model."""
        if self.loss is None:
            raise InputError(f"{caller}: the model needs compile(optimizer, loss) first")
        if len(self._objectives) == 1:
            check_one_output(caller, self.layers[-1:])
        refuse_list_of_batches(caller, x, y)
        x = self._inputs(x)
        y = labels_for(caller, x, y, self._objectives)
        self._expect_batches(caller, x, len(x) or 1 if batch_size is None else batch_size)
        self._fused = from_pre_activation(self._objectives, self.graph.last)
        return x, y

    def _expect_batches(self, caller, x, batch_size):
        fit_options.expect_positive(caller, "batch_size", batch_size)
        if len(x) % batch_size and self._stateful_layers():
            raise InputError(f"{caller}: stateful layers expect whole batches of {batch_size}, got {len(x)} samples")


def plain(values):
    """Return {name: value} as the list that Keras returns: the loss alone if there are no metrics."""
    values = list(values.values())
    return values if len(values) > 1 else values[0]
