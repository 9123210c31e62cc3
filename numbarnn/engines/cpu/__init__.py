"""The CPU engine. Read `engine` first, then `forward`, `backward`, `cell_kernels`, `gemm` and `runtime.simd`."""
