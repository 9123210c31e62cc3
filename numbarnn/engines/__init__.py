"""Engines run the equations of any plain cell over a batch of sequences, forward and backward.

Each is a module with the functions that `interface.EngineResult` describes, and `dispatch` picks one by the name of a
device. An engine knows no cell: it reads what a cell declares.

=============  =======================  ===============================================================================
device         module                   for
=============  =======================  ===============================================================================
"cpu"          `cpu.engine`             speed: packed weights, register tiles, SIMD vectors, threads; bits that do not
                                        depend on the number of threads
"njit"         `loops`                  reading how BPTT is written in Numba; a second opinion on the kernels of "cpu"
"numpy"        `reference`              the shortest form of a time step; debugging; machines without a compiler
"cuda"         `cuda.engine`            NVIDIA GPUs, strict float32 or float64
"cuda tf32"    `cuda.tf32`              the same with products rounded for tensor cores
=============  =======================  ===============================================================================

Why kernels in `cpu` are C callbacks (`CFunc`, called by address) and not `@njit` dispatchers, as in `loops`:

- A dispatcher is compiled into each of its callers. The optimiser therefore sees the helpers of a loop again in every
  loop, and whatever a `prange` loop calls it sees twice. A kernel behind an address is compiled once. One tiny parallel
  loop (`runtime.threads`) serves all kernels of all cells, and the walks through time (`cpu.forward`, `cpu.backward`)
  serve all cells of a dtype: a new cell compiles its equations alone. This halves the time of compilation.
- Numba's cache keys a function by its own file. It does not look into the functions that it calls, so an edit in a
  cell would run stale machine code, and it never finds closures over dispatchers again. The store in `runtime.compile`
  keys machine code by the source of all that it reaches, checks it before use, and lets several processes share it.
- A call with integers costs a microsecond, whatever the number of arrays, and their layouts are no part of a type:
  strided or read-only arrays compile nothing.

`loops` pays the other price: some seconds of compilation for each cell and dtype in each process.
"""
