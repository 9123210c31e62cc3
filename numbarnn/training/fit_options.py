"""Checks of the options of `fit`, before anything changes."""

import numpy as np

from ..callbacks import Callbacks
from ..errors import InputError, is_positive_integer
from .batches import split_validation
from .lengths import plan_of
from .sources import Samples, Stream, expect_steps, is_stream, refuse_beside_stream

RESETS = ("epoch", "never", "sequence")


def sources(
    model,
    x,
    y,
    batch_size,
    *,
    sample_weight,
    class_weight,
    validation_data,
    validation_split,
    steps_per_epoch,
    validation_steps,
    rng,
    passes,
):
    """Return the `Samples` or `Stream` of `fit` to train on, and that to validate on or None."""
    if validation_split and validation_data is not None:
        raise InputError("fit: expected validation_data or validation_split, got both")
    expect_steps("fit", "steps_per_epoch", steps_per_epoch, x)
    expect_steps("fit: validation_data", "validation_steps", validation_steps, validation_data)
    if is_stream(x):
        refuse_beside_stream("fit", y=y, sample_weight=sample_weight, validation_split=validation_split)
        stream = Stream(model, "fit", x, steps_per_epoch, class_weight, passes)
        return stream, validation_of(model, validation_data, batch_size, validation_steps)
    data, validation = model._weighted_data("fit", x, y, sample_weight, class_weight, batch_size), None
    if validation_split:
        data, validation = split_validation(data, validation_split)
        for part in (data, validation):
            model._expect_batches("fit: validation_split", part.y, batch_size)
        validation = Samples(validation, batch_size, plan=plan_of(model, validation.x))
    if len(data.y) == 0:
        raise InputError("fit: expected at least one sample, got none")
    if validation_data is not None:
        validation = validation_of(model, validation_data, batch_size, validation_steps)
    return Samples(data, batch_size, rng, plan_of(model, data.x, sorts=rng is not None)), validation


def validation_of(model, validation_data, batch_size, steps):
    """Return the `Samples` or `Stream` to validate on, or None."""
    if validation_data is None:
        return None
    if is_stream(validation_data):
        return Stream(model, "fit: validation_data", validation_data, steps, passes=2)
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
        got = type(validation_data).__name__
        raise InputError(f"fit: expected validation_data to be a pair (x, y) or (x, y, sample_weight), got {got}")
    data = model._weighted_data("fit: validation_data", *validation_data, batch_size=batch_size)
    # what does not fit shows now, not after an epoch
    model._validate(Samples(data.rows(slice(batch_size)), batch_size), Callbacks((), model, {}), model._measure_batch)
    return Samples(data, batch_size, plan=plan_of(model, data.x))


def check(model, epochs, initial_epoch, shuffle, stream, reset_every):
    """Raise `InputError` unless the other options fit each other and the model."""
    expect_positive("fit", "epochs", epochs)
    if not (initial_epoch == 0 or is_positive_integer(initial_epoch)) or initial_epoch > epochs:
        raise InputError(f"fit: expected initial_epoch to be an integer from 0 to {epochs}, got {initial_epoch!r}")
    if not isinstance(shuffle, bool | np.bool_):
        raise InputError(f"fit: expected shuffle to be True or False, got {shuffle!r}")
    if reset_every not in RESETS:
        raise InputError(f"fit: expected reset_every to be 'epoch', 'never' or 'sequence', got {reset_every!r}")
    if shuffle and not stream and reset_every != "sequence" and model._stateful_layers():
        raise InputError("fit: expected shuffle=False with stateful layers, whose batches go on from one another")


def expect_positive(caller, name, value):
    if not is_positive_integer(value):
        raise InputError(f"{caller}: expected {name} to be a positive integer, got {value!r}")
