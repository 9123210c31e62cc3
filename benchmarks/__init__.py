"""Speed, memory and accuracy of numbarnn: asv benchmarks (`benchmark_*.py`), and comparisons with peers."""
