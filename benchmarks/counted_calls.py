"""The calls whose instructions are counted: a program that runs under callgrind, on the numbarnn that is installed.

It asks callgrind to begin a new count before a call and to write it down after it. Outside callgrind these requests do
nothing, so that a run without it compiles every kernel.
"""

import ctypes
import gc
import sys
from functools import partial

import llvmlite.binding as llvm
import numba
import numpy as np

import numbarnn as nr

T, B, I, H = 32, 32, 48, 64
CELLS = ("SimpleRNNCell", "LSTMCell", "GRUCell", "ResetAfterGRUCell", "LayerNormLSTMCell")
GROUPS = (*CELLS, "model")
NAMES = (
    *(f"{cell} {kind}" for cell in CELLS for kind in ("forward", "forward and backward", "step")),
    "LSTM model fit",
    "LSTM model predict",
)

# Valgrind reads this sequence of instructions, which changes nothing, as a request (valgrind.h). rax points to it.
REQUEST = """
define i64 @request(ptr %arguments) {
  %answer = call i64 asm sideeffect
      "rolq $$3, %rdi; rolq $$13, %rdi; rolq $$61, %rdi; rolq $$51, %rdi; xchgq %rbx, %rbx",
      "={rdx},{rax},0,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %arguments, i64 0)
  ret i64 %answer
}
"""
CALLGRIND = (ord("C") << 24) + (ord("T") << 16)
ZERO_STATS, DUMP_STATS_AT, START_INSTRUMENTATION = 1, 3, 4


def requests():
    """Compile the function that sends a request to callgrind."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(REQUEST),
        llvm.Target.from_default_triple().create_target_machine(),
    )
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(engine.get_function_address("request"))

    def request(number, address=0):
        arguments = np.array([CALLGRIND + number, address, 0, 0, 0, 0], np.uint64)
        function(arguments.ctypes.data)

    request.engine = engine  # which owns the machine code
    return request


def cell_calls(name):
    """Make the forward pass, the backward pass and one step of a cell."""
    cell = getattr(nr, name)(H)
    rng = np.random.default_rng(0)
    params = cell.init_params(I, rng=0)
    x, d_outputs = (rng.standard_normal((T, B, size), np.float32) for size in (I, H))
    run = nr.forward(cell, params, x, time_major=True)
    yield f"{name} forward", lambda: nr.forward(cell, params, x, time_major=True, save="minimal")
    yield f"{name} forward and backward", lambda: nr.forward(cell, params, x, time_major=True).backward(d_outputs)
    yield f"{name} step", lambda: cell.step(params, x[0], run.state)


def model_calls():
    """Make an epoch of four batches, and a prediction, of a small model."""
    model = nr.Sequential(
        [
            nr.layers.Input((T, I)),
            nr.layers.LSTM(H),
            nr.layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(nr.optimizers.Adam(1e-3), "categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4 * B, T, I), np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 4 * B)]
    yield "LSTM model fit", lambda: model.fit(x, y, batch_size=B, epochs=1, verbose=0)
    yield "LSTM model predict", lambda: model.predict(x, batch_size=B)


def main(chosen):
    numba.set_num_threads(1)
    request = requests()
    groups = {name: partial(cell_calls, name) for name in CELLS} | {"model": model_calls}
    groups = {name: groups[name] for name in chosen or groups}
    calls = {}
    for group, make in groups.items():
        try:
            made = dict(make())
            for call in made.values():
                call(), call()  # compiles, and takes memory from the system
            calls |= made
        except (AttributeError, TypeError) as reason:  # of a numbarnn before these calls
            print(f"{group} is left out: {reason}", file=sys.stderr)
    gc.collect()
    gc.disable()
    request(START_INSTRUMENTATION)
    for name, call in calls.items():
        title = ctypes.create_string_buffer(name.encode())
        call()
        request(ZERO_STATS)
        call()
        request(DUMP_STATS_AT, ctypes.addressof(title))


if __name__ == "__main__":
    main(sys.argv[1:])
