"""The command line: `python -m numbarnn {train,sweep,generate,recipes,info,validate,warmup,cache}`."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .errors import InputError

DTYPES = ("float32", "float64")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0, 1 if a check failed, 2 on bad input (one line on stderr), 130 if
    interrupted."""
    parser = _parser()
    known, rest = parser.parse_known_args(argv)
    options = vars(known)
    command = options.pop("command")
    if command is _validate:  # which hands them on to the suite
        options["arguments"] = rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return command(**options) or 0
    except InputError as error:
        print(f"numbarnn: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nnumbarnn: interrupted", file=sys.stderr)
        return 130


def _train(**options: Any) -> None:
    from .cli.train import train

    train(**options)


def _sweep(grid: Sequence[tuple[str, list[Any]]], **options: Any) -> int:
    from .cli.sweep import sweep_recipe

    if len(dict(grid)) < len(grid):
        raise InputError("sweep: expected each name once, as --grid NAME=VALUE,VALUE")
    return sweep_recipe(grid=dict(grid), **options)


def _generate(**options: Any) -> None:
    from .cli.generate import generate

    generate(**options)


def _recipes() -> None:
    from .recipes import RECIPES, about

    for name, recipe in RECIPES.items():
        print(f"{name:<22} {about(recipe)}")


def _info() -> None:
    from .runtime.versions import show_versions

    show_versions()


def _validate(arguments: Sequence[str]) -> int:
    from .cli.validate import validate

    return validate(arguments)


def _warmup(cells: Sequence[str], dtype: Sequence[str] | None, jobs: int) -> None:
    from .cli.warmup import warm_up

    for cell, name, seconds in warm_up(cells, dtype or ("float32",), jobs):
        print(f"{cell:<18} {name}  {seconds:6.1f} s", flush=True)


def _cache(action: str) -> None:
    from .runtime.compile import clear, folder, kept_files

    if action == "clear":
        print(f"deleted {clear()} kernels from {folder()}")
    else:
        sizes = [path.stat().st_size for path in kept_files()]
        print(f"{folder()}: {len(sizes)} kernels, {sum(sizes) / 1e6:.1f} MB")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m numbarnn", description="Train, inspect and look after numbarnn.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, command, help):
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=command)
        return sub

    train = add("train", _train, "train a recipe, print its test result, write weights and figures")
    train.add_argument("name", nargs="?", default="digits", metavar="NAME", help="see `recipes` (default: digits)")
    train.add_argument(
        "--data", metavar="DIR", help="folder with files, if the recipe reads any (default: NUMBARNN_DATA)"
    )
    train.add_argument("--epochs", type=_at_least(1), metavar="N", help="default: the recipe's")
    train.add_argument("--batch-size", type=_at_least(1), metavar="N", help="default: the recipe's")
    train.add_argument("--seed", type=_at_least(0), default=0, metavar="N", help="same seed, same bits (default: 0)")
    train.add_argument("--dtype", choices=DTYPES, default="float32", help="default: float32")
    train.add_argument("--out", metavar="DIR", help="folder for weights and figures (default: runs/NAME)")
    train.add_argument("--json", dest="json_file", metavar="FILE", help="write history and result here")
    help = "keep checkpoints in the folder; the same command goes on where it was broken off"
    train.add_argument("--resume", action="store_true", help=help)
    sweep = add("sweep", _sweep, "train a recipe for every point of a grid and several seeds, and compare")
    sweep.add_argument("name", metavar="NAME", help="see `recipes`")
    sweep.add_argument(
        "--grid",
        type=_grid,
        action="append",
        default=[],
        metavar="NAME=VALUE,...",
        help="values of epochs, batch_size, or an option of the optimiser, such as lr=1e-3,3e-3; may be repeated",
    )
    sweep.add_argument("--seeds", type=_at_least(1), default=1, metavar="N", help="seeds 0 to N - 1 (default: 1)")
    sweep.add_argument("--jobs", type=_at_least(1), default=1, metavar="N", help="trainings at a time (default: 1)")
    sweep.add_argument("--data", metavar="DIR", help="as for `train`")
    sweep.add_argument("--epochs", type=_at_least(1), metavar="N", help="default: the recipe's")
    sweep.add_argument("--batch-size", type=_at_least(1), metavar="N", help="default: the recipe's")
    sweep.add_argument("--dtype", choices=DTYPES, default="float32", help="default: float32")
    sweep.add_argument("--out", metavar="DIR", help="folder for the results (default: runs/NAME-sweep)")
    generate = add("generate", _generate, "let a trained recipe write on: text, or the values of a series")
    generate.add_argument("name", metavar="NAME", help="a recipe that can, such as series or shakespeare")
    generate.add_argument("--prompt", metavar="TEXT", help="what it goes on from; of a series: values, by commas")
    generate.add_argument("--length", type=_at_least(1), default=300, metavar="N", help="steps (default: 300)")
    generate.add_argument("--temperature", type=_temperature, metavar="T", help="0: always the likeliest character")
    generate.add_argument("--seed", type=_at_least(0), default=0, metavar="N", help="same seed, same text (default: 0)")
    generate.add_argument("--weights", metavar="FILE", help="what `train` wrote (default: runs/NAME/weights.npz)")
    generate.add_argument("--out", metavar="FILE", help="write what follows the prompt here, too")
    generate.add_argument("--json", dest="json_file", metavar="FILE", help="write it with prompt and options here")
    add("recipes", _recipes, "list the recipes")
    add("info", _info, "print versions, CPU, vector width, threads and the cache folder")
    add(
        "validate",
        _validate,
        "check values and gradients of every cell on this machine; takes the arguments of `python -m validation` "
        "(default: --quick), see docs/validation.md",
    )
    warmup = add("warmup", _warmup, "compile the kernels of cells ahead of their first use")
    warmup.add_argument("cells", nargs="*", metavar="CELL", help="for example LSTMCell (default: all cells)")
    warmup.add_argument("--dtype", action="append", choices=DTYPES, help="may be repeated (default: float32)")
    warmup.add_argument("--jobs", type=_at_least(1), default=1, metavar="N", help="processes (default: 1)")
    cache = add("cache", _cache, "show or clear the folder of compiled kernels")
    cache.add_argument("action", nargs="?", choices=("show", "clear"), default="show")
    return parser


def _grid(text: str) -> tuple[str, list[Any]]:
    """Parse NAME=VALUE,VALUE: whole numbers, numbers, or text."""
    name, equals, values = text.partition("=")
    if not equals or not name or not all(values.split(",")):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE,VALUE, got {text!r}")
    return name, [_value(word) for word in values.split(",")]


def _value(word: str) -> Any:
    """Read a word as a whole number, a number or text."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _temperature(text: str) -> float:
    """Parse a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number >= 0, got {text!r}")
    return value


def _at_least(lowest: int) -> Callable[[str], int]:
    """Return a parser of integers of at least `lowest`."""

    def parse(text):
        if not text.isdecimal() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"expected an integer >= {lowest}, got {text!r}")
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
