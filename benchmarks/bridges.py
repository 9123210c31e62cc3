"""What `nr.torch.RNN` and `nr.jax.rnn` cost above `nr.forward` and `run.backward`: python -m benchmarks.bridges."""

import argparse

import numpy as np

from .timing import alternate
from .workloads import CELLS, make, shape


def in_numbarnn(workload):
    """Return a training step by itself, which returns the gradient of the inputs."""
    import numbarnn as nr

    def step():
        run = nr.forward(workload.cell, workload.params, workload.x, time_major=True)
        return run.backward(workload.d_outputs).inputs

    return step


def in_pytorch(workload):
    import torch

    import numbarnn as nr

    rnn = nr.torch.RNN(workload.cell, workload.shape[2], params=workload.params, time_major=True)
    x, d_outputs = torch.tensor(workload.x, requires_grad=True), torch.tensor(workload.d_outputs)

    def step():
        rnn.zero_grad()
        x.grad = None
        rnn(x)[0].backward(d_outputs)
        return x.grad.numpy()

    return step


def in_jax(workload):
    import jax

    import numbarnn as nr

    rnn = nr.jax.rnn(workload.cell, time_major=True)
    given = jax.tree.map(jax.numpy.asarray, (workload.params, workload.x, workload.d_outputs))

    @jax.jit
    def compiled(params, x, d_outputs):
        outputs, gradient = jax.vjp(lambda params, x: rnn(params, x)[0], params, x)
        return outputs, gradient(d_outputs)

    def step():
        _, (_, dx) = jax.block_until_ready(compiled(*given))
        return dx

    return step


BRIDGES = {"PyTorch": in_pytorch, "JAX": in_jax}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bridges", nargs="+", choices=BRIDGES, default=[*BRIDGES])
    parser.add_argument("--cell", choices=CELLS, default="LSTM")
    parser.add_argument("--shape", default="mnist", help="a name of benchmarks.workloads, or TxBxIxH")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each call in each round")
    args = parser.parse_args()
    workload = make(args.cell, CELLS[args.cell](shape(args.shape)[3]), shape(args.shape))
    steps = {"numbarnn": in_numbarnn(workload)} | {name: BRIDGES[name](workload) for name in args.bridges}
    expected, *found = (np.asarray(step()) for step in steps.values())
    assert all(np.array_equal(gradient, expected) for gradient in found)
    times = alternate(steps, args.rounds, args.seconds)
    print(f"{args.cell} {workload.shape}, {args.rounds} rounds")
    for name, found in times.items():
        ratios = found / times["numbarnn"]
        print(
            f"{name:>9} {np.median(found):6.2f} ms, ratio {np.median(ratios):.3f} ({ratios.min():.3f} to "
            f"{ratios.max():.3f})"
        )


if __name__ == "__main__":
    main()
