"""Read whole models from files of `Sequential.save`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import checkpoint
from ..errors import InputError
from ..training import resume
from ..utils.arrays import difference
from ..utils.config import CustomObjects, decoded, name_of
from .encoder_decoder import EncoderDecoder
from .functional import Model
from .saving import FORMAT
from .sequential import Sequential

MODELS = {name_of(kind): kind for kind in (Sequential, Model, EncoderDecoder)}


def load_model(path: str | Path, custom_objects: CustomObjects | None = None, *, device: str = "cpu") -> Any:
    """Read a model from a file of ``model.save``.

    Nothing in the file is run: it holds JSON and arrays, each with its hash.

    Parameters
    ----------
    path : path-like
        The file.
    custom_objects : dict of {str: class or function}, optional
        What names of one's own mean, such as ``{"MyCell": MyCell}``.
    device : str
        The engine of the recurrent layers, see `nr.forward`.

    Returns
    -------
    Sequential, Model or EncoderDecoder
        The model, compiled if the saved one was. If the file holds a training, the model goes on from it;
        ``model.load_training(path)`` gives the number of finished epochs.

    Raises
    ------
    InputError
        If the file is damaged or foreign, or names something that is not known.
    """
    if not isinstance(custom_objects, Mapping | None):
        got = type(custom_objects).__name__
        raise InputError(f"load_model: expected custom_objects to be a dict of names and what they mean, got {got}")
    arrays, facts = checkpoint.load_with_facts(path)
    if not isinstance(facts, dict) or facts.get("model_format") != FORMAT:
        what = "weights, for load_weights" if facts is None else "a training, for load_training"
        raise InputError(f"{path}: not a file of model.save, but of {what} of a model that is made first")
    try:
        kind = facts["model"]["class"]
        if kind not in MODELS:
            raise InputError(f"no model {kind!r} is known here")
        model = MODELS[kind].from_config(facts["model"], custom_objects, device=device)
        if facts["compiled"] is not None:
            options = {name: decoded(value, custom_objects or {}) for name, value in facts["compiled"].items()}
            model.compile(**options)
        _set_weights(model, arrays)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    # what a crafted file may contain makes constructors raise nearly anything
    except Exception as error:
        raise InputError(f"{path}: not a whole file of model.save ({type(error).__name__}: {error})") from error
    if "epoch" in facts:
        resume.take_in(model, path, arrays, facts)
    return model


def _set_weights(model, arrays):
    """Set the weights, which must be those of the model."""
    found = {n.removeprefix("parameter:"): w for n, w in arrays.items() if n.startswith("parameter:")}
    wrong = difference(found, model.weights)
    if wrong:
        raise InputError(wrong)
    for name, w in model.weights.items():
        w[...] = found[name]
