"""One block of a grid LSTM over a batch of sequences: plain NumPy, but for the equations.

Step (t, k) of time and frequency needs (t - 1, k) and (t, k - 1). All steps of one wave w = t + k are therefore
independent: so many more rows of one product and of one call of the equations. Arrays are kept by wave, [w, k, row,
...]: `states` hold at [w, k] what enters step (w - k, k), so what it makes stands at [w + 1, k] (through time) and at
[w + 1, k + 1] (through frequency). What belongs to no step stays zero.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .rowwise import apply, product

M, C = 0, 1  # outputs and cells ...
TIME, FREQUENCY = 0, 1  # ... of the LSTMs through time and through frequency


@dataclass
class Block:
    """A block's parameters as its walk uses them; of one LSTM where both share theirs, else of two, time first."""

    equations: Any
    kernel: np.ndarray  # (width + 2 N + 1, LSTMs gates N): rows for x, m_T, m_F and 1
    peepholes: np.ndarray  # (LSTMs, peepholes, N)
    limit: np.ndarray  # (N,): of the cells
    slices: tuple  # first input of each frequency step
    width: int  # inputs of a frequency step
    device: str


@dataclass
class Walk:
    """A forward pass over x (T, B, I)."""

    block: Block
    shape: tuple  # T, B, I
    mask: np.ndarray | None
    u: np.ndarray  # (waves, K, B, width + 2 N + 1)
    saved: np.ndarray  # (waves, K, B, LSTMs, 4, N): i, f, g, o
    states: np.ndarray  # (waves + 1, K + 1, B, [M, C], [TIME, FREQUENCY], N)

    def outputs(self, k):
        """(T, B, [TIME, FREQUENCY], N) of frequency step k, those of masked steps too."""
        steps = slice(k + 1, k + 1 + self.shape[0])
        return np.stack((self.states[steps, k, :, M, TIME], self.states[steps, k + 1, :, M, FREQUENCY]), axis=2)

    def carried(self, kind, k):
        """(T + 1, B, N): M or C through time of frequency step k, before the first and after each time step."""
        return self.states[k : k + 1 + self.shape[0], k, :, kind, TIME]

    def gates(self, k):
        """(T, B, LSTMs, [i, f, g, o], N) of frequency step k, those of masked steps too."""
        return self.saved[k : k + self.shape[0], k]


def waves(T, B, K):
    """Each wave, and its frequency steps; none where there is nothing to do."""
    return [(w, slice(max(0, w - T + 1), min(K, w + 1))) for w in range(T + K - 1)] if T * B else []


def rows(array):
    """The first axes, K and B, as one; no copy."""
    return array.reshape(-1, *array.shape[2:])


def numbers(array):
    """(rows, N) for each of the numbers in (K, B, numbers, N)."""
    return tuple(rows(array).swapaxes(0, 1))


def made(states, w, now):
    """Outputs and cells that a wave makes, both (time, frequency) of (rows, N); in `states` or an array like it."""
    time, frequency = states[w + 1, now], states[w + 1, now.start + 1 : now.stop + 1]
    return [(rows(time[:, :, kind, TIME]), rows(frequency[:, :, kind, FREQUENCY])) for kind in (M, C)]


def left_out(mask, w, now):
    """(K, B, 1, 1): which steps of a wave the mask leaves out."""
    return ~mask[w - np.arange(now.start, now.stop)][..., None, None]


def forward(block, x, state, mask):
    """The `Walk` over x (T, B, I) from (c, m) of each frequency step, or from None."""
    (T, B, _), K, (lstms, _, N) = x.shape, len(block.slices), block.peepholes.shape
    u = np.zeros((T + K - 1, K, B, len(block.kernel)), x.dtype)
    saved = np.zeros((T + K - 1, K, B, lstms, 4, N), x.dtype)
    states = np.zeros((T + K, K + 1, B, 2, 2, N), x.dtype)
    u[..., -1] = 1
    for k, start in enumerate(block.slices):
        u[k : k + T, k, :, : block.width] = x[:, :, start : start + block.width]
        if state is not None:
            states[k, k, :, C, TIME], states[k, k, :, M, TIME] = state[k]

    peepholes = tuple(block.peepholes[0]), tuple(block.peepholes[-1])
    times_kernel = product(block.kernel, block.device)
    for w, now in waves(T, B, K):
        u[w, now, :, block.width : -1] = states[w, now, :, M].reshape(-1, B, 2 * N)
        z = times_kernel(rows(u[w, now])).reshape(-1, B, lstms, block.kernel.shape[1] // (lstms * N), N)
        apply(
            block.equations.forward,
            block.device,
            (numbers(z[:, :, 0]), numbers(z[:, :, -1]), *peepholes, (block.limit,), numbers(states[w, now, :, C])),
            (*made(states, w, now), numbers(saved[w, now, :, 0]), numbers(saved[w, now, :, -1])),
        )
        if mask is not None:
            before, after = states[w, now, :, :, TIME], states[w + 1, now, :, :, TIME]
            np.copyto(after, before, where=left_out(mask, w, now))
    return Walk(block, x.shape, mask, u, saved, states)


def backward(walk, d_outputs, d_state):
    """Gradients of kernel and peepholes as in `Block`, of x, and of (c, m) before each frequency step.

    d_outputs (T, B, K, [TIME, FREQUENCY], N) or None; d_state: (c, m) for each frequency step, None for zeros.
    """
    block, (T, B, _), u, saved, states = walk.block, walk.shape, walk.u, walk.saved, walk.states
    K, (lstms, _, N) = len(block.slices), block.peepholes.shape
    d_states = np.zeros_like(states)
    for k, (dc, dm) in enumerate(d_state):
        if d_outputs is not None:
            d = d_outputs[:, :, k] if walk.mask is None else np.where(walk.mask[..., None, None], d_outputs[:, :, k], 0)
            d_states[k + 1 : k + 1 + T, k, :, M, TIME] = d[:, :, TIME]
            d_states[k + 1 : k + 1 + T, k + 1, :, M, FREQUENCY] = d[:, :, FREQUENCY]
        for kind, d in ((C, dc), (M, dm)):
            if d is not None:
                d_states[k + T, k, :, kind, TIME] += d

    dz = np.zeros((*saved.shape[:3], lstms, block.kernel.shape[1] // (lstms * N), N), u.dtype)
    times_recurrent = product(block.kernel[block.width : -1].T, block.device)
    peepholes = tuple(block.peepholes[0]), tuple(block.peepholes[-1])
    for w, now in reversed(waves(T, B, K)):
        if walk.mask is not None:
            after = d_states[w + 1, now, :, :, TIME]
            passed = np.where(left_out(walk.mask, w, now), after, 0)
            after -= passed
        d = dz[w, now] if lstms == 2 else np.empty((now.stop - now.start, B, 2, *dz.shape[-2:]), dz.dtype)
        gates, c = (numbers(saved[w, now, :, 0]), numbers(saved[w, now, :, -1])), numbers(states[w, now, :, C])
        apply(
            block.equations.backward,
            block.device,
            (*gates, *peepholes, (block.limit,), c, made(states, w, now)[C], *made(d_states, w, now)),
            (numbers(d[:, :, 0]), numbers(d[:, :, 1]), numbers(d_states[w, now, :, C])),
        )
        if lstms == 1:
            np.sum(d, axis=2, keepdims=True, out=dz[w, now])
        d_states[w, now, :, M] += times_recurrent(dz[w, now].reshape(-1, block.kernel.shape[1])).reshape(-1, B, 2, N)
        if walk.mask is not None:
            d_states[w, now, :, :, TIME] += passed

    flat = dz.reshape(-1, block.kernel.shape[1])
    d_slices = (flat @ block.kernel[: block.width].T).reshape(*dz.shape[:3], block.width)
    dx = np.zeros(walk.shape, u.dtype)
    for k, start in enumerate(block.slices):  # slices may overlap
        dx[:, :, start : start + block.width] += d_slices[k : k + T, k]
    initial = [(d_states[k, k, :, C, TIME].copy(), d_states[k, k, :, M, TIME].copy()) for k in range(K)]
    return u.reshape(-1, u.shape[-1]).T @ flat, peephole_gradients(walk, dz), dx, initial


def peephole_gradients(walk, dz):
    """Gradients of `Block.peepholes`; o sees the cells that a step makes, other gates those that enter it."""
    states = walk.states[..., C, :, :]
    before = states[:-1, :-1, :, TIME], states[:-1, :-1, :, FREQUENCY]
    after = states[1:, :-1, :, TIME], states[1:, 1:, :, FREQUENCY]
    gates = dz.shape[-2]
    seen = {gate: after if gate == gates - 1 else before for gate in range(gates) if gate != gates - 2}
    made = [
        np.einsum("wkbn,wkbn->n", dz[:, :, :, lstm, gate], c)
        for lstm in range(dz.shape[3])
        for gate, cells in seen.items()
        for c in cells
    ]
    return np.stack(made).reshape(walk.block.peepholes.shape)
