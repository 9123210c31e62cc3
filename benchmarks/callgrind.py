"""Instructions that calls execute, counted by callgrind: other programs on the machine do not change them."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).parent / "counted_calls.py"

# One processor for all machines: Valgrind knows no AVX-512.
FIXED = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+sse4.2",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
COUNT = re.compile(r"desc: Trigger: Client Request: (.+)\n(?:.*\n)*?totals: (\d+)")


def available():
    """Tell whether Valgrind is installed."""
    return shutil.which("valgrind") is not None


def count(python=sys.executable, calls=(), **variables):
    """Run `counted_calls` under callgrind and return {call: instructions}; `calls`: these groups only.

    ``-P`` keeps this folder and the checkout from the paths of imports: counted is the numbarnn that `python` has
    installed, or that of the environment variable PYTHONPATH.
    """
    command, variables = [python, "-P", str(PROGRAM), *calls], os.environ | FIXED | variables
    subprocess.run(command, env=variables, check=True)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        options = ["--tool=callgrind", "--instr-atstart=no", "--quiet", f"--callgrind-out-file={folder}/count"]
        subprocess.run(["valgrind", *options, *command], env=variables, check=True)
        texts = [path.read_text() for path in Path(folder).iterdir()]
    return {name: int(total) for text in texts for name, total in COUNT.findall(text)}


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.callgrind", description=__doc__)
    parser.parse_args(texts)
    if not available():
        parser.error("needs Valgrind (package valgrind of Debian and others)")
    for call, instructions in sorted(count().items()):
        print(f"{instructions:>12,} {call}")


if __name__ == "__main__":
    main()
