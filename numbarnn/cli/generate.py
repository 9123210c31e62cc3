"""Let a trained recipe generate text, or values of a series."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..errors import InputError
from ..recipes import RECIPES
from ..utils.files import make_folder, write_text


def generate(
    name: str,
    *,
    prompt: str | None = None,
    length: int = 300,
    temperature: float | None = None,
    seed: int = 0,
    weights: str | Path | None = None,
    out: str | Path | None = None,
    json_file: str | Path | None = None,
) -> dict[str, Any]:
    """Generate a continuation of a prompt with a trained recipe, and print it.

    Parameters
    ----------
    name : str
        Name of a recipe that can generate.
    prompt : str, optional
        Text, or numbers between commas; the recipe's own by default.
    length : int
        Steps to generate.
    temperature : float, optional
        Temperature of the softmax, 0 for the likeliest character; the recipe's own by default.
    seed : int
        Seed of the random choices.
    weights : path, optional
        File that the training wrote; runs/NAME/weights.npz by default.
    out : path, optional
        File for the continuation: text, or a line of values for each step.
    json_file : path, optional
        File for the result.

    Returns
    -------
    dict
        "recipe", "seed", "prompt", "temperature", and the continuation as "text", or as "values", lists of
        (steps, features).

    Raises
    ------
    InputError
        If an argument or a file cannot be used; then nothing has been written.
    """
    can = [each for each, recipe in RECIPES.items() if hasattr(recipe, "generate")]
    if name not in can:
        raise InputError(f"generate: expected one of the recipes that can, {', '.join(can)}, got {name!r}")
    weights = Path(weights or Path("runs") / name / "weights.npz")
    if not weights.is_file():
        raise InputError(f"generate: no file {weights}; first run: python -m numbarnn train {name}")
    for path in filter(None, (out, json_file)):
        if Path(path).is_dir():
            raise InputError(f"generate: expected a file to write to, got the folder {path}")
        make_folder("generate", Path(path).parent)
    dtype = next(iter(checkpoint.load(weights).values())).dtype.name
    model = RECIPES[name].build(seed, dtype)
    model.load_weights(weights)
    written = RECIPES[name].generate(model, prompt, length, temperature, seed)
    result = {"recipe": name, "seed": seed, "prompt": prompt, "temperature": temperature}
    if isinstance(written, str):
        text, result["text"] = written, written
        print((prompt or "") + text)
    else:
        values = np.reshape(written, (len(written), -1))
        text, result["values"] = "".join(" ".join(map(str, row)) + "\n" for row in values), values.tolist()
        print(text, end="")
    if out is not None:
        write_text(out, text)
    if json_file is not None:
        write_text(json_file, json.dumps(result, indent=2))
    return result
