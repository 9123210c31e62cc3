"""Disturb saves, trainings and files, and look at what is left.

    python -m tests.helpers.survival [--kills 200] [--interrupts 85] [--files 800] [--trainings 200]
                                      [--batches 100000] [PART ...]

kills       SIGKILL while a process saves weights, training files, arrays, kernels or text: the old file or the new one
            is there, whole, and the next save removes what the killed one left (`helpers.kills`)
interrupts  SIGINT in `fit`, truncated `fit`, `evaluate`, `predict`, and in the commands train and generate: weights are
            those after a whole update, history and files are whole, nothing hangs (`helpers.interrupts`)
trainings   SIGKILL and SIGTERM in `fit(checkpoints=...)`, and full disks: the same call, again and again, comes to the
            bits of a training without a break (`helpers.broken_trainings`)
memory      `fit` on very many batches of changing lengths: the process' memory does not grow (`helpers.long_stream`)
files       damaged files, for each reader: it reads them or refuses them by name (`helpers.damaged_files`)

Exit code 1 when something went wrong.
"""

import argparse
import sys
import time
import traceback

from . import broken_trainings, damaged_files, interrupts, kills, long_stream


def disturb(run, cases, seed):
    """Run cases of a module, show how far they are, and return whether something went wrong."""
    name, start = run.__module__.rpartition(".")[2], time.perf_counter()

    def progress(done):
        if sys.stdout.isatty():
            print(f"\r{name:<11} {done} of {cases}", end="", flush=True)

    try:
        counts = run(cases, seed, progress)
    except Exception:
        print(f"\n{name:<11} wrong:")
        traceback.print_exc(file=sys.stdout)
        return True
    counted = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
    print(f"\r{name:<11} {cases}: {counted}  {time.perf_counter() - start:.0f} s", flush=True)
    return False


def main():
    parts = {
        "kills": lambda: disturb(kills.run, options.kills, options.seed),
        "interrupts": lambda: disturb(interrupts.run, options.interrupts, options.seed),
        "trainings": lambda: disturb(broken_trainings.run, options.trainings, options.seed),
        "memory": lambda: disturb(long_stream.run, options.batches, options.seed),
        "files": lambda: damaged_files.read_all(damaged_files.READERS, options.files, options.seed),
    }
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)} (default: all)")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--interrupts", type=int, default=85)
    parser.add_argument("--trainings", type=int, default=200, help="how often a training is killed (default: 200)")
    parser.add_argument("--batches", type=int, default=100_000, help="of the long training (default: 100000)")
    parser.add_argument("--files", type=int, default=800, help="damaged files for each reader (default: 800)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    return any([parts[name]() for name in options.parts or parts])  # a list: each runs, whatever the others found


if __name__ == "__main__":
    sys.exit(main())
