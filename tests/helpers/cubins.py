"""Compiles every CUDA kernel for an H100 (sm_90), without a GPU or a driver.

    PYTHONPATH=.:tests python -m helpers.cubins [--write | NAME ...]

Prints registers, bytes spilled, bytes of local memory, bytes of static shared memory and double precision instructions
of each kernel (whose name contains one of these); with --write they become the table `cubins.json` that the tests
compare with.
"""

import contextlib
import json
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

TABLE = Path(__file__).with_name("cubins.json")
PACKAGES = ("numba", "numba-cuda", "nvidia-nvvm", "nvidia-nvjitlink")


@contextlib.contextmanager
def without_driver():
    """Compiling a device function, numba-cuda asks the driver which GPU it is for; here it is told."""
    from numba.cuda import dispatcher

    class H100:
        compute_capability = (9, 0)

    asked, dispatcher.get_current_device = dispatcher.get_current_device, lambda: H100
    try:
        yield
    finally:
        dispatcher.get_current_device = asked


def device_library():
    """NVIDIA's static library that grid barriers need."""
    from cuda import pathfinder

    return pathfinder.find_static_lib("cudadevrt")


def linked(ptx):
    """What the linker reports of the machine code."""
    from cuda.bindings import nvjitlink

    options = ["-arch=sm_90", "-O3", "-verbose"]
    handle = nvjitlink.create(len(options), options)
    try:
        nvjitlink.add_data(handle, nvjitlink.InputType.PTX, ptx.encode(), len(ptx), "kernel")
        if "cudaCG" in ptx:
            nvjitlink.add_file(handle, nvjitlink.InputType.LIBRARY, device_library())
        nvjitlink.complete(handle)
        log = bytearray(nvjitlink.get_info_log_size(handle))
        nvjitlink.get_info_log(handle, log)
        return log.decode()
    finally:
        nvjitlink.destroy(handle)


def compiled(function, signature, **options):
    """{quantity: number} of a kernel."""
    from numba import cuda

    with without_driver():
        ptx, _ = cuda.compile_ptx(function, signature, cc=(9, 0), **options)
    log = linked(ptx)

    def number(pattern):
        """The last one in the log: before it come those of NVIDIA's library."""
        return int([0, *re.findall(pattern, log)][-1])

    return {
        "registers": number(r"(?i)used (\d+) registers"),
        "spilled": number(r"(\d+) bytes spill stores"),
        "local": number(r"(\d+) bytes lmem"),
        "shared": number(r"(\d+) bytes smem"),
        "f64": len(re.findall(r"\.f64", ptx)),
    }


def per_step():
    """{name: (kernel, signature, options)} of the walk with one product a step, for each cell with equations of its
    own; float64 for a few."""
    from numba import int64, types, uint8

    import numbarnn as nr
    from numbarnn.engines.cuda import kernels

    found, known = {}, set()
    for dtype, cells in (("float32", nr.CELLS), ("float64", ("LSTMCell", "GRUCell", "LayerNormLSTMCell"))):
        real = getattr(types, dtype)
        two, three, four = (types.Array(real, n, "C") for n in (2, 3, 4))
        flags, at = types.Array(uint8, 2, "C"), (int64, int64)
        for name in cells:
            cell = nr.CELLS[name](64)
            forth = types.Tuple((four, three, two, two) if cell.norms else ())
            back = types.Tuple((four, three, two, four) if cell.norms else ())
            signatures = {
                "forward": (four, four, forth, flags, *at),
                "backward": (four, four, four, three, back, flags, *at),
            }
            if cell.equations.feedback:
                signatures["feedback"] = (four, four, four, forth, flags, *at)
                signatures["feedback_backward"] = (four, four, four, four, back, flags, *at)
            if (cell.equations, dtype) not in known:
                for kind, signature in signatures.items():
                    found[f"per_step {name} {dtype} {kind}"] = getattr(kernels, kind)(cell, dtype), signature, {}
            known.add((cell.equations, dtype))
    return found


def activations():
    """The same of a cell with activations whose functions no other kernel has."""
    from numba import int64, types, uint8

    import numbarnn as nr
    from numbarnn.engines.cuda import kernels

    three, four = (types.Array(types.float32, n, "C") for n in (3, 4))
    after = types.Tuple(()), types.Array(uint8, 2, "C"), int64, int64
    signatures = {"forward": (four, four, *after), "backward": (four, four, four, three, *after)}
    return {
        f"activation {activation} float32 {kind}": (
            getattr(kernels, kind)(nr.SimpleRNNCell(64, activation=activation), "float32"),
            signature,
            {},
        )
        for activation in ("softplus", "squareplus", "gelu", "mish", nr.activations.ScaledTanh(1.7, 0.6))
        for kind, signature in signatures.items()
    }


SHAPES = ((150, 150), (50, 100), (128, 32), (64, 512), (64, 1024), (16, 768))  # rows of the batch, units


def one_launch():
    """The kernels that `choose` takes on an H100 where all steps are one launch."""
    import numbarnn as nr
    from numbarnn.engines.cuda import choose, launch, persistent, small_twice
    from numbarnn.engines.cuda.device import numba_type
    from numbarnn.engines.cuda.gpu import H100

    cells = {name: nr.CELLS[name] for name in ("SimpleRNNCell", "LSTMCell", "ResetAfterGRUCell", "GRUCell")}
    cells["peephole LSTMCell"] = lambda H: nr.LSTMCell(H, use_peepholes=True)
    found = {}
    for name, make in cells.items():
        for B, H in SHAPES:
            for kind in ("forward", "backward"):
                cell, back = make(H), kind == "backward"
                plan = choose.plan_for(cell, B, H100, back)
                if plan is not None:
                    walk = choose.module_of(cell, plan)
                    kinds = launch.BACKWARD if back else small_twice.WITH_Q if walk is small_twice else launch.FORWARD
                    kinds += launch.TOGETHER if walk is persistent else ()
                    kernel, options = getattr(walk, f"{kind}_kernel")(cell, plan), {"launch_bounds": (plan.threads, 1)}
                    which = walk.__name__.rpartition(".")[2]
                    found[f"{which} {name} {B}x{H} {kind}"] = kernel, tuple(map(numba_type, kinds)), options
    return found


def around():
    """The kernels that set up a pass, and those of a step that are the same for all cells."""
    from numba import boolean, float32, int64, types, uint8

    import numbarnn as nr
    from numbarnn.engines.cuda import arrays, engine, filled, kernels, launch, vectors

    two, three, four = (types.Array(float32, n, "C") for n in (2, 3, 4))
    flags, any_layout, at = types.Array(uint8, 2, "C"), types.Array(float32, 3, "A"), (int64, int64)
    cell = nr.LSTMCell(64, num_proj=32, proj_clip=3.0)
    functions = {
        arrays.copy: (any_layout, three),
        arrays.copy_valid: (any_layout, types.Array(boolean, 2, "C"), three),
        vectors.add_blocks: (two, two, int64),
        vectors.add_number(1.0): (two, int64),
        filled.spread: (two, four),
        filled.put_given: (three, int64, four, int64),
        engine.copy_valid: (three, flags, three, int64),
        engine.add_units: (four, int64, three),
        launch.copy_unless_reset: (three, flags, three),
        kernels.feed: (three, three, flags, *at),
        kernels.stop: (three, flags, int64),
        kernels.project(cell, "float32"): (three, three, flags, *at),
        kernels.project_backward(cell, "float32"): (three, two, three, flags, int64),
    }
    return {
        f"around {function.__module__.rpartition('.')[2]}.{function.__name__}": (function, signature, {})
        for function, signature in functions.items()
    }


def costs():
    """The kernels with which `benchmarks.gpu` measures barriers."""
    from numba import int64, types

    from benchmarks.gpu_costs import barriers

    signature = types.Array(types.int32, 1, "C"), int64
    return {f"barrier of {name}": (kernel, signature, {}) for name, (kernel, *_) in barriers().items()}


def all_kernels():
    return costs() | around() | per_step() | activations() | one_launch()


def rows_of_share(share, shares, chosen):
    """[(name, row)] of one kernel in so many."""
    kernels = all_kernels()
    names = [name for name in kernels if not chosen or any(part in name for part in chosen)]
    return [(name, compiled(*kernels[name][:2], **kernels[name][2])) for name in names[share::shares]]


def main(arguments):
    chosen, shares = [name for name in arguments if name != "--write"], os.cpu_count()
    if chosen and "--write" in arguments:
        sys.exit("expected --write or names, got both: the table would lose all other kernels")
    with ProcessPoolExecutor(shares, get_context("spawn")) as pool:
        found = pool.map(rows_of_share, range(shares), [shares] * shares, [chosen] * shares)
        rows = dict(sorted(row for share in found for row in share))
    for name, row in rows.items():
        print(name, json.dumps(row))
    if "--write" in arguments:
        content = {"compiled by": {package: version(package) for package in PACKAGES}, "kernels": rows}
        TABLE.write_text(json.dumps(content, indent=1).replace("\n   ", " ").replace("\n  }", " }") + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
