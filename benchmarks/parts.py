"""Where the time of a pass goes: packing, products, equations, and what is left.

    python -m benchmarks.parts [--cells NAME,...] [--shapes NAME,...] [--threads N] [--rounds N] [--json FILE]

Within a pass, while its memory is there, each part of the kernel runs by itself over all steps, in turn with the
others. `rest` is what the steps take beyond products and equations: threads that meet or wait, states, outputs. `call`
is what a call from Python takes beyond its kernel. `peak` is what the multiply-adds take at the peak of the cores,
measured in the same rounds; `products` over `peak` is what tiles lose to their ends and to weights that no first-level
cache holds. Times are medians, in microseconds.
"""

import argparse
import ctypes
import functools
import json
import sys
import time
from pathlib import Path

import numba
import numpy as np

import numbarnn as nr
from numbarnn.engines.cpu import backward, engine, forward
from numbarnn.engines.cpu.barrier import BARRIER, WORD, share_of_team
from numbarnn.engines.cpu.kernel_arguments import POSITION, read
from numbarnn.runtime.compile import compiled
from numbarnn.runtime.invoke import invoke
from numbarnn.runtime.memory import ahead, lanes, pointer, pointer_like
from numbarnn.runtime.simd import Static, helper
from numbarnn.runtime.threads import KERNEL, run, share

from . import arguments, report, workloads
from .peak import MultiplyAdds
from .timing import alternate

PARTS = {
    "forward": ("packing", "products", "equations", "rest", "call", "peak"),
    "backward": ("transposing", "products", "weight gradients", "unpacking", "equations and rest", "call", "peak"),
}


@helper
def own(n, shard, shards):
    """Return a thread's rows lo..hi and panels first..last."""
    lo, hi = share(n.B, shard // n.team, shards // n.team)
    first, last = share_of_team(n.P, shard % n.team, n.team)
    return lo, hi, first, last


@functools.cache
def kernels(dtype):
    """Compile {name: address} of the parts that no stage has for itself."""
    real = Static(dtype)

    def products(stage, shard, shards, args_address):
        n = read(args_address)
        z, (lo, hi, first, last) = pointer(real, n.z), own(n, shard, shards)
        for t in range(n.T):
            for p0 in range(first, last, n.panel_block):
                p1 = min(last, p0 + n.panel_block)
                forward.input_and_recurrent_products(n, t, lo, hi, p0, p1, z)
                if n.feedback:
                    forward.feedback_products(n, t, lo, hi, p0, p1, z)

    def equations(stage, shard, shards, args_address):
        n, (lo, hi, first, last) = read(args_address), own(read(args_address), shard, shards)
        for t in range(n.T):
            for p0 in range(first, last, n.panel_block):
                p1 = min(last, p0 + n.panel_block)
                if n.feedback:
                    invoke(n.feedback, (t, lo, hi, p0, p1, n.args_address))
                invoke(n.equations, (t, lo, hi, p0, p1, n.args_address))

    def backward_products(stage, shard, shards, args_address):
        n = read(args_address)
        z, (lo, hi, first, last) = pointer(real, n.z), own(n, shard, shards)
        R = backward.TransposedWeights(pointer_like(z, n.rt), n.h_slots, n.h_slot, n.h_slots, n.P)
        dvs = forward.Rows(ahead(pointer_like(z, n.dv), lo * n.v_b), n.v_b)
        scratch = ahead(pointer_like(z, n.dx_rows), lo * n.Q * lanes(z))
        for t in range(n.T):
            dz = forward.PanelRows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b, n.z_p)
            if n.feedback_backward:
                backward.q_gradients(n, first, last, lo, hi - lo, dz)
            backward.transposed_product(
                n, first if n.team > 1 else 0, last if n.team > 1 else n.PF, hi - lo, dvs, True, dz, R
            )
            if not n.hoisted:
                dx = forward.Rows(ahead(pointer_like(z, n.dx), t * n.dx_t + lo * n.dx_b), n.dx_b)
                backward.input_gradient(n, hi - lo, dz, dx, scratch, shard % n.team, n.team)

    def weight_gradients(stage, shard, shards, args_address):
        n = read(args_address)
        z = pointer(real, n.z)
        for block in range(n.step_blocks):
            t = n.T - block * n.step_block
            backward.parameter_gradients(n, max(0, t - n.step_block), t, shard, shards, z)

    parts = products, equations, backward_products, weight_gradients
    return {part.__name__: compiled(KERNEL, part) for part in parts}


class Watched:
    """Takes the place of `engine.run`: times the pass, and, if asked to, each of its parts."""

    def __init__(self, dtype):
        self.parts, self.seconds, self.times = kernels(dtype), {"forward": [], "backward": []}, {}
        self.look = None  # (rounds, seconds) of the parts; None: the pass alone

    def __call__(self, kernel, stages, shards, here):
        n = np.ctypeslib.as_array((ctypes.c_int64 * len(POSITION)).from_address(here))
        at, team, blocks = (int(n[POSITION[name]]) for name in ("barriers", "team", "step_blocks"))
        size = WORD * BARRIER * (shards // team) * (blocks + 1)

        def stages_from(first, stages):
            if at:
                ctypes.memset(at, 0, size)
            run(kernel, stages, shards, here, first)

        start = time.perf_counter()
        stages_from(0, stages)
        kind = "forward" if stages == 2 else "backward"
        self.seconds[kind].append(time.perf_counter() - start)
        if self.look is None:
            return
        part = {name: functools.partial(run, address, 1, shards, here) for name, address in self.parts.items()}
        if kind == "forward":
            names = {"products": part["products"], "equations": part["equations"]}
            names |= {"packing": lambda: stages_from(0, 1), "steps": lambda: stages_from(1, 2)}
        else:
            names = {"products": part["backward_products"], "weight gradients": part["weight_gradients"]}
            names |= {"transposing": lambda: stages_from(0, 1), "unpacking": lambda: stages_from(stages - 1, stages)}
        self.times[kind] = alternate(names, *self.look)


def microseconds(values, scale=1e6):
    return scale * float(np.median(values))


def measure(name, shape, kind, threads, rounds, seconds):
    """Measure {"forward": {part: microseconds}}, of a training step "backward", too."""
    work = workloads.make(name, workloads.CELLS[name](shape[3]), shape)
    save = "minimal" if kind == "forward" else "all"
    peak = MultiplyAdds(1e9 * threads, threads)
    watched, calls = Watched(work.dtype), {"forward": [], "backward": []}

    def step():
        start = time.perf_counter()
        result = nr.forward(work.cell, work.params, work.x, time_major=True, save=save)
        calls["forward"].append(time.perf_counter() - start)
        if kind == "train":
            start = time.perf_counter()
            result.backward(work.d_outputs)
            calls["backward"].append(time.perf_counter() - start)

    before = engine.run, engine.threads_for
    engine.run, engine.threads_for = watched, lambda multiply_adds: threads
    try:
        at_peak = alternate({"step": step, "peak": peak.run}, rounds, seconds)["peak"]
        watched.look = rounds, seconds
        step()
    finally:
        engine.run, engine.threads_for = before
    at_peak = 1e3 * float(np.median(at_peak)) * workloads.flops(work.cell, shape, "forward") / peak.operations
    found = {}
    for what in ("forward", "backward") if kind == "train" else ("forward",):
        whole = microseconds(watched.seconds[what][1:])
        parts = {part: microseconds(times, 1e3) for part, times in watched.times[what].items()}
        if what == "forward":
            parts["rest"] = parts.pop("steps") - parts["products"] - parts["equations"]
            parts["peak"] = at_peak
        else:
            parts["equations and rest"] = whole - sum(parts.values())
            parts["peak"] = 2 * at_peak
        # the last call has the parts in it
        parts["call"] = microseconds(calls[what][1:-1]) - whole
        found[what] = {part: parts[part] for part in PARTS[what]}
    return found


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts", description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=arguments.names(workloads.CELLS), default=list(workloads.CELLS))
    parser.add_argument("--shapes", type=lambda text: text.split(","), default=list(workloads.SHAPES))
    parser.add_argument("--threads", type=arguments.number(1, 1024), default=numba.config.NUMBA_NUM_THREADS)
    parser.add_argument("--rounds", type=arguments.number(1, 1000), default=7, help="default 7")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args(texts)
    rows = []
    for cell in options.cells:
        for name in options.shapes:
            for kind in ("forward", "train"):
                found = measure(cell, workloads.shape(name), kind, options.threads, options.rounds, 0.05)
                for what, parts in found.items():
                    rows.append({"cell": cell, "shape": name, "kind": kind, "pass": what, **parts})
                    text = ", ".join(f"{part} {value:.0f}" for part, value in parts.items())
                    print(f"{cell:<10} {name:<7} {kind:<8} {what:<9} {text}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({"environment": report.about([], None), "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
