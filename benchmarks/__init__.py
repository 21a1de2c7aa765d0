"""Measurements, printed as Markdown by `python -m benchmarks [SECTION …]`; `make bench` runs all."""

import os

# Before NumPy is imported. One thread: what is measured is the program, not what else the machine is doing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
