"""The affine map x W + b of many rows x, and its gradient, by the cells' matrix products on all threads."""

import functools

import numpy as np

from ..engines.cpu.backward import (
    CHUNK,
    Factor,
    PanelSteps,
    PartialSum,
    TransposedWeights,
    transposed_product,
    weight_gradient,
    weight_gradient_share,
)
from ..engines.cpu.forward import PackedWeights, PanelRows, Rows, Steps, affine
from ..engines.cpu.gemm import product_kernel
from ..engines.cpu.kernel_arguments import POSITION, read
from ..engines.cpu.packing import matrices, pack, pack_transposed, unpack
from ..runtime.arrays import address, name_of, readable
from ..runtime.compile import compiled
from ..runtime.memory import ahead, lanes, load_part, pointer, store
from ..runtime.simd import BYTES, Static
from ..runtime.threads import KERNEL, run, share, threads_for

ROWS = 48  # cache blocking: rows that stay in the second-level cache while they are multiplied with all panels


@functools.cache
def forward_kernel(dtype):
    """Compile z = x W + b; returns the kernel's address.

    It reads the engine's `KernelArguments`, with one step of B rows and with one slot.
    """
    real = Static(dtype)

    def forward(stage, shard, shards, args_address):
        n = read(args_address)
        z, x, w, b = pointer(real, n.z), pointer(real, n.x), pointer(real, n.w), pointer(real, n.b)
        if stage == 0:
            m = matrices(n, z, n.kernel, 0, 0, 0, n.bias, 0, 0)
            pack(m.x, shard, shards, w)
            pack(m.bias, shard, shards, b)
        else:
            first, last = share(n.B, shard, shards)
            for row in range(first, last, ROWS):
                zs, xs = PanelRows(ahead(z, row * n.z_b), n.z_b, n.z_p), Rows(ahead(x, row * n.x_b), n.x_b)
                start, W = PanelRows(b, 0, lanes(z)), PackedWeights(w, n.I, 1, 0, 1)
                affine(n, 0, n.P, min(ROWS, last - row), zs, start, xs, W)

    return compiled(KERNEL, forward)


@functools.cache
def backward_kernel(dtype):
    """Compile dx = dz W^T, dW = x^T dz, db = sum of dz over rows; returns the kernel's address.

    dz is dy in panels of whole vectors, zeros beyond the outputs. Rows are summed in their order, on any number of
    threads.
    """
    real = Static(dtype)

    def backward(stage, shard, shards, args_address):
        n = read(args_address)
        z, x, dx = pointer(real, n.z), pointer(real, n.x), pointer(real, n.dx)
        V, (first, last) = lanes(z), share(n.B, shard, shards)
        if stage == 0:
            dy = pointer(real, n.dy)
            pack_transposed(matrices(n, z, n.kernel, 0, 0, 0, n.bias, 0, 0).x, shard, shards, pointer(real, n.wt))
            for row in range(first, last):
                for p in range(n.P):
                    store(z, row * n.z_b + p * n.z_p, load_part(dy, row * n.dy_b + p * V, n.H - p * V))
        elif stage == 1:
            for row in range(first, last, ROWS):
                dz, out = PanelRows(ahead(z, row * n.z_b), n.z_b, n.z_p), Rows(ahead(dx, row * n.dx_b), n.dx_b)
                W = TransposedWeights(pointer(real, n.wt), 1, 0, 1, n.P)
                transposed_product(n, 0, n.Q, min(ROWS, last - row), out, False, dz, W)
            p0, p1 = share(n.P, shard, shards)
            for row in range(0, n.B, CHUNK):
                dz = PanelSteps(ahead(z, row * n.z_b), n.z_p, 0, n.z_b)
                terms = PartialSum(1, min(CHUNK, n.B - row), row == 0)
                xs, ones = Steps(ahead(x, row * n.x_b), 0, n.x_b), Steps(pointer(real, n.ones), 0, 0)
                dw = Factor(xs, 1, n.I, pointer(real, n.dw), 1, 0, 1)
                weight_gradient_share(n, n.P, shard, shards, dw, dz, terms)
                weight_gradient(n, p0, p1, 0, 1, Factor(ones, 0, 1, pointer(real, n.db), 1, 0, 1), dz, terms)
        else:
            m = matrices(n, z, n.d_kernel, 0, 0, 0, n.d_bias, 0, 0)
            unpack(pointer(real, n.dw), shard, shards, m.x)
            unpack(pointer(real, n.db), shard, shards, m.bias)

    return compiled(KERNEL, backward)


@functools.cache
def constants(dtype):
    """Return a vector of zeros, a vector of ones, and the index of the only block of a parameter."""
    lanes_of = BYTES // np.dtype(dtype).itemsize
    return np.zeros(lanes_of, dtype), np.ones(lanes_of, dtype), np.zeros(1, np.int64)


def set_fields(numbers, **values):
    """Set fields of the array of a `KernelArguments`; an array gives its address."""
    for name, value in values.items():
        numbers[POSITION[name]] = address(value) if isinstance(value, np.ndarray) else value


def forward(x, kernel, bias):
    """Compute (z, backward): z = x kernel + bias for x (rows, inputs), kernel (inputs, outputs) and bias (outputs,).

    `backward(dz)` returns (dx, d_kernel, d_bias). All arrays have one dtype, float32 or float64.
    """
    x, kernel, bias = readable(x), np.ascontiguousarray(kernel), np.ascontiguousarray(bias)
    (B, I), H, dtype = x.shape, kernel.shape[1], x.dtype
    V, kind = BYTES // dtype.itemsize, name_of(dtype)
    P, Q, threads, size = -(-H // V), -(-I // V), threads_for(B * I * H), dtype.itemsize
    zeros, ones, block = constants(kind)
    z, w, b = np.empty((B, P * V), dtype), np.empty(P * I * V, dtype), np.empty(P * V, dtype)
    args = np.zeros(len(POSITION), np.int64)
    set_fields(args, B=B, I=I, H=H, P=P, Q=Q, x_slots=1, gates=1, product=product_kernel(kind))
    set_fields(args, zeros=zeros, ones=ones, x_blocks=block, b_blocks=block, z_b=P * V, z_p=V)
    set_fields(args, x=x, x_b=x.strides[0] // size, kernel=kernel, bias=bias, z=z, w=w, b=b)
    run(forward_kernel(kind), 2, threads, address(args))

    def backward(dz):
        dy = readable(np.asarray(dz, dtype))
        dx, wt = np.empty((B, Q * V), dtype), np.empty(Q * P * V * V, dtype)
        d_kernel, d_bias = np.empty_like(kernel), np.empty_like(bias)
        panels, dw, db = np.empty((P, B + 2, V), dtype), np.empty_like(w), np.empty_like(b)
        gradient_args = args.copy()
        set_fields(gradient_args, dy=dy, dy_b=dy.strides[0] // size, z=panels, z_b=V, z_p=(B + 2) * V)
        set_fields(gradient_args, dx=dx, dx_b=Q * V, wt=wt, dw=dw, db=db, d_kernel=d_kernel, d_bias=d_bias)
        set_fields(gradient_args, x=x, kernel=kernel)  # named here so that the closure holds them: they may be copies
        run(backward_kernel(kind), 3, threads, address(gradient_args))
        return dx[:, :I], d_kernel, d_bias

    return z[:, :H], backward


def plan_memory(memory, rows, inputs, outputs, dtype):
    """Plan the memory of `forward`; returns a function that plans the gradient, and returns what holds that of x."""
    size, V = dtype.itemsize, BYTES // dtype.itemsize
    width, read = -(-outputs // V) * V, -(-inputs // V) * V
    memory.array("outputs", (rows, width), size)
    memory.array("packed weights", (inputs + 1, width), size)

    def backward():
        d_x = memory.array("gradients of inputs", (rows, read), size)
        memory.array("gradients", (inputs + 1, outputs), size)
        working = [(read, width), (rows + 2, width), (inputs + 1, width)]
        memory.release(*[memory.array("gradients of a step and packed ones", shape, size) for shape in working])
        return d_x

    return backward
