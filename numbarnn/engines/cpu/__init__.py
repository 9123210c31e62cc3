"""The CPU engine. Read `engine` first, then `forward`, `backward`, `equations`, `products` and `simd`."""
