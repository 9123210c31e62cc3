"""What `nr.torch.RNN` costs above `nr.forward` and `run.backward`, which it calls: python -m benchmarks.bridges."""

import argparse

import numpy as np

from .timing import alternate
from .workloads import CELLS, make, shape


def calls(workload):
    """Return a training step by itself and one inside PyTorch, on the same arrays, after a comparison of their bits."""
    import torch

    import numbarnn as nr

    rnn = nr.torch.RNN(workload.cell, workload.shape[2], params=workload.params, time_major=True)
    x, d_outputs = torch.tensor(workload.x, requires_grad=True), torch.tensor(workload.d_outputs)

    def plain():
        return nr.forward(workload.cell, workload.params, workload.x, time_major=True).backward(workload.d_outputs)

    def bridge():
        rnn.zero_grad()
        x.grad = None
        rnn(x)[0].backward(d_outputs)

    grads = plain()
    bridge()
    assert np.array_equal(grads.inputs, x.grad)
    return {"numbarnn": plain, "in PyTorch": bridge}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", choices=CELLS, default="LSTM")
    parser.add_argument("--shape", default="mnist", help="a name of benchmarks.workloads, or TxBxIxH")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each call in each round")
    args = parser.parse_args()
    workload = make(args.cell, CELLS[args.cell](shape(args.shape)[3]), shape(args.shape))
    times = alternate(calls(workload), args.rounds, args.seconds)
    plain, bridge = times.values()
    ratios = bridge / plain
    print(f"{args.cell} {workload.shape}: numbarnn {np.median(plain):.2f} ms, in PyTorch {np.median(bridge):.2f} ms")
    print(f"ratio {np.median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f}, {args.rounds} rounds)")


if __name__ == "__main__":
    main()
