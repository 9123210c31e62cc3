"""Command-line options that all comparisons share."""

import argparse

from numba import config


def names(known):
    """Make an argparse type: names out of `known`, separated by commas."""

    def parse(text):
        chosen = [name for name in text.split(",") if name]
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
        return chosen

    return parse


def number(least, most):
    """Make an argparse type: a whole number from `least` to `most`."""

    def parse(text):
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a number from {least} to {most}, got {text!r}")
        return int(text)

    return parse


def parser(command, description, cells, quick):
    """Make the parser that all share; `cells`: the names to choose from; `quick`: what --quick does."""
    result = argparse.ArgumentParser(prog=f"python -m benchmarks.{command}", description=description)
    result.add_argument("--quick", action="store_true", help=quick)
    result.add_argument("--json", metavar="FILE", help="write the results to FILE")
    result.add_argument("--cells", type=names(cells), default=list(cells), help="default: all")
    result.add_argument("--rounds", type=number(1, 1000), help="measurements of each, in turn; default 7")
    most = config.NUMBA_NUM_THREADS
    result.add_argument("--threads", type=number(1, most), default=min(2, most), help="default 2")
    return result


def finish(options):
    """Set the rounds and seconds of a measurement if nothing else was asked for."""
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = 0.05 if options.quick else 0.12
    return options
