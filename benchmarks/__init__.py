"""Speed, memory and accuracy of numbarnn: asv benchmarks (`bench_*.py`) and a comparison with peers (`peers.py`)."""
