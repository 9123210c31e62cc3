"""Read whole models from files of `Sequential.save`."""

from pathlib import Path
from typing import Any

from .. import checkpoint
from ..errors import InputError
from ..training import resume
from ..utils.arrays import difference
from ..utils.config import CustomObjects, decoded
from ..utils.tree import tree_leaves
from .encoder_decoder import EncoderDecoder
from .functional import Model
from .saving import FORMAT
from .sequential import Sequential


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
    arrays, facts = checkpoint.load_with_facts(path)
    if not isinstance(facts, dict) or facts.get("model_format") != FORMAT:
        what = "weights, for load_weights" if facts is None else "a training, for load_training"
        raise InputError(f"{path}: not a file of model.save, but of {what} of a model that is made first")
    try:
        model = _made(facts["model"], custom_objects or {}, device)
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


def _sequential(layers, described, **options):
    return Sequential(layers, **options)


def _model(layers, described, *, custom_objects, **options):
    """Call the layers again, as they were called."""
    inputs = [*decoded(described["inputs"], custom_objects)]
    values = dict(enumerate(inputs))
    for number, read, written, states in described["calls"]:
        given = {"initial_state": _at(values, states)} if states else {}
        output = layers[number](_at(values, read), **given)
        values |= zip(tree_leaves(written), tree_leaves(output), strict=True)
    return Model(inputs, _at(values, described["outputs"]), **options)


def _at(values, places):
    """Return what stands at places, nested likewise; each call reads what calls before it have written."""
    if isinstance(places, list):
        return [_at(values, place) for place in places]
    if places not in values:
        raise InputError(f"its calls have a cycle, or read what is not there: place {places!r:.20}")
    return values[places]


def _encoder_decoder(layers, described, *, encoder, **options):
    return EncoderDecoder(layers[:encoder], layers[encoder:], **options)


MAKERS = {"models.Sequential": _sequential, "models.Model": _model, "models.EncoderDecoder": _encoder_decoder}


def _made(described, custom_objects, device):
    """Make a model without the saved weights."""
    options = {name: decoded(value, custom_objects) for name, value in described["options"].items()}
    layers = list(decoded(described["layers"], custom_objects))
    if described["class"] not in MAKERS:
        raise InputError(f"no model {described['class']!r} is known here")
    if described["class"] == "models.Model":
        options["custom_objects"] = custom_objects
    model = MAKERS[described["class"]](layers, described, device=device, **options)
    if not model.built:
        model.build(tuple(described["input_shape"]))
    model.trainable = described["trainable"]
    return model


def _set_weights(model, arrays):
    """Set the weights, which must be those of the model."""
    found = {n.removeprefix("parameter:"): w for n, w in arrays.items() if n.startswith("parameter:")}
    wrong = difference(found, model.weights)
    if wrong:
        raise InputError(wrong)
    for name, w in model.weights.items():
        w[...] = found[name]
