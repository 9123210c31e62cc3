"""numbarnn against PyTorch on an NVIDIA GPU, with the same weights and inputs, in one process and in turn.

    python -m benchmarks.gpu [--quick] [--json FILE]

PyTorch's modules call cuDNN: in strict float32, with factors rounded to TF32, and in float16. "per step" is numbarnn
with one product a step, "tf32" is numbarnn with its products rounded to TF32, and "torch loop" is a Python loop for a
cell that PyTorch has no module for. Arrays stay on the GPU. Results of strict float32 are compared first, with the
peers' and, bit by bit, with those of a second run; a wrong result ends its cell and shape, and the exit code is 1.
Times are of a training step (forward, full BPTT, gradients of all parameters and of the inputs), or of the outputs
only; the host waits for the GPU after ten of them. GF/s and "% peak" (of all fused multiply-adds that the GPU can do in
float32) count matrix products. Last come the costs of launches and barriers.
"""

import datetime
import sys
from functools import partial

from numbarnn.errors import InputError
from numbarnn.runtime.versions import environment

from . import arguments, gpu_costs, report, run_cuda, workloads
from .comparison import BOUND, compare, installed, rows
from .timing import alternate
from .variants import SHAPE, VARIANTS

SHAPES = {
    "mnist": (28, 150, 28, 150),
    "series": (20, 50, 1, 100),
    "imdb": (500, 128, 32, 32),
    "mid": (50, 64, 512, 512),
    "large": (100, 64, 1024, 1024),
    "long": (1024, 16, 768, 768),
}
MODULES = {"LSTM": tuple(SHAPES), "GRU": ("mnist", "mid"), "SimpleRNN": ("mnist", "mid")}
WITHOUT_MODULE = ("GRUCell", "LSTMCell+peepholes", "LayerNormLSTMCell+per_gate")
CUDNN = {
    "cudnn": partial(run_cuda.Cudnn),
    "cudnn tf32": partial(run_cuda.Cudnn, tf32=True),
    "cudnn float16": partial(run_cuda.Cudnn, dtype="float16", tf32=True),
}
OURS = {"per step": run_cuda.StepByStep, "tf32": partial(run_cuda.Runner, device="cuda tf32")}
STRICT = ("cudnn", "per step", "torch loop")  # peers whose results must be ours


def measure(workload, shape_name, peers, options):
    """Measure one comparison: lines to print, rows of results, and errors (then there are no rows)."""
    ours = run_cuda.Runner(workload)
    peers = {name: make(workload) for name, make in peers.items()}
    found = compare(ours, peers)
    bounds = dict.fromkeys(found.keys() & set(STRICT), BOUND["float32"]) | {"the run before": 0.0}
    again = compare(ours, {"the run before": ours})
    wrong = [
        {"cell": workload.name, "shape_name": shape_name, "bound": bound}
        | {"peer": peer, "quantity": name, "error": str(e)}
        for peer, bound in bounds.items()
        for name, e in (found | again)[peer].items()
        if not e <= bound
    ]
    if wrong:
        return list(map(report.wrong_line, wrong)), [], wrong
    results = []
    for kind in ("train", "forward"):
        steps = {"numbarnn": getattr(ours, kind)} | {name: getattr(peer, kind) for name, peer in peers.items()}
        calls = {name: run_cuda.repeated(step, options.wait) for name, step in steps.items()}
        times = {name: t / run_cuda.REPEATED for name, t in alternate(calls, options.rounds, options.seconds).items()}
        results += [
            row | {"us_per_step": 1e3 * row["numbarnn_ms"] / workload.shape[0]}
            for row in rows(workload, shape_name, kind, times, found)
        ]
    return [line(row, options.peak) for row in results], results, []


def line(row, peak):
    text = f"{row['cell']:<28} {row['shape_name']:<8} {row['kind']:<8}{row['numbarnn_ms']:>9.3f}"
    text += f"{row['us_per_step']:>10.2f}{row['gflops']:>9.0f}{100 * row['gflops'] / peak:>7.0f}"
    return text if row["peer"] is None else f"{text}  {row['peer']:<14}{row['peer_ms']:>9.3f}  {report.ratio(row)}"


HEADER = f"{'cell':<28} {'shape':<8} {'kind':<8}{'ours ms':>9}{'us/step':>10}{'GF/s':>9}{'% peak':>7}  peer"


def tasks(options):
    """Return {label: function} of all comparisons."""
    found, torch = {}, installed(["torch"])
    for name in filter(MODULES.get, options.cells):
        for shape_name in MODULES[name][: 1 if options.quick else None]:
            shape = SHAPES[shape_name]
            workload = partial(workloads.make, name, workloads.CELLS[name](shape[3]), shape)
            peers = OURS | (CUDNN if torch else {})
            found[f"{name} {shape_name}"] = partial(later, workload, shape_name, peers, options)
    for name in filter(WITHOUT_MODULE.__contains__, options.cells):
        workload = partial(workloads.make, name, VARIANTS[name](*SHAPE[2:]), SHAPE)
        peers = {"per step": run_cuda.StepByStep} | ({"torch loop": run_cuda.Loop} if torch else {})
        found[name] = partial(later, workload, "x".join(map(str, SHAPE)), peers, options)
    return found


def later(workload, shape_name, peers, options):
    return measure(workload(), shape_name, peers, options)


def main(texts=None):
    cells = (*MODULES, *WITHOUT_MODULE)
    parser = arguments.parser("gpu", __doc__.splitlines()[0], cells, "one shape of each cell, short rounds")
    options = arguments.finish(parser.parse_args(texts))
    try:
        from numbarnn.engines.cuda.target import require_gpu, wait

        require_gpu()
    except InputError as error:
        parser.error(str(error))
    options.wait, gpu = wait, gpu_costs.describe()
    options.peak = gpu["peak_gflops"]
    content = {"environment": environment() | gpu | {"date": datetime.date.today().isoformat()}}
    print(", ".join(f"{name} {value}" for name, value in gpu.items()), HEADER, sep="\n", flush=True)
    report.collect(tasks(options), content, options.json)
    content["costs_us"] = gpu_costs.measured()
    for name, cost in content["costs_us"].items():
        print(f"{name:<40}{cost:>9.2f} us")
    if options.json:
        report.save(options.json, content)
    return 1 if content["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
