"""Prepared cells beside PyTorch and onnxruntime: steps, tokens and forward passes, in one process and in turn.

    python -m benchmarks.stream [--parts steps,tokens,forward] [--quick] [--threads N] [--json FILE]

"steps": `PreparedCell.step` of one row beside PyTorch's LSTMCell and GRUCell, and beside `Cell.step`, which packs the
weights each time. "tokens": one text by an embedding, two LSTM(256) and a Dense layer, `nr.generate` beside the same
model and loop in PyTorch. "forward": outputs only, `nr.forward` of a prepared cell beside onnxruntime, whose weights
are packed once too and whose threads do not spin between calls, and beside `nr.forward` of the cell. Results are
compared before anything is timed; where they differ the exit code is 1.

Times are microseconds of a step, of a token (of a call for 100), or of a forward pass. By default everything runs on
one thread, and the time is what the processor spent on it, which other processes change least. With more threads it is
that of the clock. A ratio is the other's time over ours, the median over all rounds; its range is that of single
rounds.
"""

import sys
import time
from functools import partial

import numba
import numpy as np

import numbarnn as nr

from . import arguments, report, run_onnx, workloads
from .comparison import BOUND, error, installed
from .run_torch import array, two_biases
from .timing import alternate
from .torch_models import module

PARTS = {"steps": "torch", "tokens": "torch", "forward": "onnxruntime"}  # the peer
UNITS = (32, 64, 128, 256, 512)
CELLS = {"LSTM": "LSTMCell", "GRU": "GRUCell"}  # with the names of PyTorch's
COUNT = 100  # steps or tokens of a call
TOKENS, EMBEDDED, WIDTH = 65, 64, 256


class Steps:
    """Runs of steps of one row, each from the state that the last one reached."""

    def __init__(self, name, units):
        import torch

        workload = workloads.make(name, workloads.CELLS[name](units), (COUNT, 1, units, units))
        self.torch, self.cell, self.params, self.x = torch, workload.cell, workload.params, workload.x
        self.prepared = nr.prepare(self.cell, self.params)
        self.module = getattr(torch.nn, CELLS[name])(units, units)
        weights = self.params["kernel"].T, self.params["recurrent_kernel"].T
        weights += two_biases(name, self.params["bias"], units)
        with torch.no_grad():
            for parameter, value in zip(self.module.parameters(), weights, strict=True):
                parameter.copy_(torch.tensor(value))
        self.inputs = list(torch.tensor(self.x))

    def prepared_steps(self):
        state = self.cell.zero_state(1)
        for x in self.x:
            output, state = self.prepared.step(x, state)
        return output

    def cell_steps(self):
        state = self.cell.zero_state(1)
        for x in self.x:
            output, state = self.cell.step(self.params, x, state)
        return output

    def torch_steps(self):
        state = None
        with self.torch.inference_mode():
            for x in self.inputs:
                state = self.module(x, state)
        return array(state[0] if isinstance(state, tuple) else state)


class Texts:
    """Runs of tokens of one text, the likeliest each."""

    def __init__(self):
        import torch

        self.torch, self.seed = torch, np.arange(4)[None]
        layers = [
            nr.layers.Input((None,)),
            nr.layers.Embedding(TOKENS, EMBEDDED),
            nr.layers.LSTM(WIDTH, return_sequences=True, stateful=True),
            nr.layers.LSTM(WIDTH, return_sequences=True, stateful=True),
            nr.layers.Dense(TOKENS),
        ]
        self.model = nr.Sequential(layers, seed=0)
        self.generated()
        self.layers = [module(torch, layer) for layer in self.model.layers if layer.params]

    def generated(self):
        return nr.generate(self.model, self.seed, COUNT)

    def torch_generated(self):
        for layer in self.layers:
            if hasattr(layer, "state"):
                layer.state = None
        x, tokens = self.torch.tensor(self.seed), []
        with self.torch.inference_mode():
            for _ in range(COUNT):
                for layer in self.layers:
                    x = layer(x)
                x = x[:, -1:].argmax(2)
                tokens.append(x)
            return array(self.torch.cat(tokens, 1))


def steps(name, units, options):
    """Measure a step of a cell: lines to print, rows of results, and what is wrong."""
    runs = Steps(name, units)
    calls = {"ours": runs.prepared_steps, "torch": runs.torch_steps, "unprepared": runs.cell_steps}
    return measured(f"step {name}({units})", calls, COUNT, options)


def tokens(options):
    """Measure a generated token: lines to print, rows of results, and what is wrong."""
    runs = Texts()
    return measured(
        f"token, two LSTM({WIDTH})", {"ours": runs.generated, "torch": runs.torch_generated}, COUNT, options
    )


def forward(name, shape_name, options):
    """Measure a forward pass: lines to print, rows of results, and what is wrong."""
    shape = workloads.shape(shape_name)
    workload = workloads.make(name, workloads.CELLS[name](shape[3]), shape)
    prepared = nr.prepare(workload.cell, workload.params)
    outputs_only = {"time_major": True, "save": "minimal"}
    calls = {
        "ours": lambda: nr.forward(prepared, workload.x, **outputs_only).outputs,
        "onnxruntime": run_onnx.Runner(workload, options.threads).forward,
        "unprepared": lambda: nr.forward(workload.cell, workload.params, workload.x, **outputs_only).outputs,
    }
    return measured(f"forward {name} {shape_name}", calls, 1, options)


def measured(what, calls, count, options):
    """Compare the results of the calls and time them in turn: lines to print, rows of results, and what is wrong."""
    results = {name: call() for name, call in calls.items()}
    errors = {name: error(results["ours"], result) for name, result in results.items() if name != "ours"}
    wrong = [
        f"{what}: {name} differs by {e:.1e}"
        for name, e in errors.items()
        if not e <= (0 if name == "unprepared" else BOUND["float32"])
    ]
    if wrong:
        return [f"WRONG, not timed: {text}" for text in wrong], [], wrong
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    times = alternate(calls, options.rounds, options.seconds, clock)
    times = {name: 1e3 / count * t for name, t in times.items()}
    ours, rows = times.pop("ours"), []
    for peer, theirs in times.items():
        ratios = theirs / ours
        row = {"what": what, "peer": peer, "ours_us": float(np.median(ours)), "ours_min_us": float(ours.min())}
        row |= {"peer_us": float(np.median(theirs)), "ratio": float(np.median(ratios))}
        row |= {"ratio_min": float(ratios.min()), "ratio_max": float(ratios.max()), "max_error": errors[peer]}
        rows.append(row)
    text = f"{what:<22}{rows[0]['ours_us']:>10.1f}{rows[0]['ours_min_us']:>10.1f}"
    return (
        [text + "".join(f"  {row['peer']}{row['peer_us']:>10.1f}  {report.ratio(row):<19}" for row in rows)],
        rows,
        [],
    )


def tasks_of(part, options):
    """Return the measurements of a part, by their names."""
    if part == "tokens":
        return {"tokens": partial(tokens, options)}
    if part == "steps":
        widths = UNITS[1:4:2] if options.quick else UNITS
        pairs, task = [(name, units) for name in options.cells for units in widths], steps
    else:
        shapes = ["series"] if options.quick else workloads.SHAPES
        pairs, task = [(name, shape) for name in options.cells for shape in shapes], forward
    return {f"{part} {name} {size}": partial(task, name, size, options) for name, size in pairs}


def main(texts=None):
    parser = arguments.parser("stream", __doc__.splitlines()[0], CELLS, "few, short rounds, two widths, one shape")
    parser.add_argument("--parts", type=arguments.names(PARTS), default=list(PARTS), help="default: all")
    parser.set_defaults(threads=1)
    options = arguments.finish(parser.parse_args(texts))
    peers = installed({PARTS[part] for part in options.parts})
    if "torch" in peers:
        import torch

        torch.set_num_threads(options.threads)
    numba.set_num_threads(options.threads)
    tasks = {}
    for part in options.parts:
        tasks |= tasks_of(part, options) if PARTS[part] in peers else {}
    print(f"{'float32, us':<22}{'ours':>10}{'least':>10}  others, and the median of their time over ours [range]")
    content = report.collect(tasks, {"environment": report.about(peers, options.threads)}, options.json)
    return 1 if content["wrong"] or not peers else 0


if __name__ == "__main__":
    sys.exit(main())
