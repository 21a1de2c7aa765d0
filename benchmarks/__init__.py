"""Measurements, printed as Markdown by `python -m benchmarks [SECTION …]`; `make bench` runs all."""
