"""What a trained recipe writes: text, or values of a series."""

import json
from pathlib import Path

import numpy as np

from .. import checkpoint
from ..errors import InputError
from ..recipes import RECIPES
from ..utils.files import make_folder, whole_file


def generate(name, *, prompt=None, length=300, temperature=None, seed=0, weights=None, out=None, json_file=None):
    """Let the recipe `name` go on from `prompt` for `length` steps, with the weights that its training wrote; print it.

    `weights`: the file, runs/NAME/weights.npz by default. `prompt` and `temperature`: None for the recipe's own. The
    file `out` gets what follows the prompt: text, or a line of values for each step. Returns {"recipe", "seed",
    "prompt", "temperature", "text": what follows the prompt} or with "values" in its place, (steps, features) as lists;
    `json_file` gets the same. Raises `InputError`, and then nothing has been written.
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
    _write(out, text)
    _write(json_file, json.dumps(result, indent=2))
    return result


def _write(path, text):
    if path is not None:
        with whole_file(path) as file:
            file.write(text.encode())
