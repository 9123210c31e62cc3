"""Speed, memory and accuracy of numbarnn: asv benchmarks (`benchmark_*.py`) and a comparison with peers (`peers.py`)."""
