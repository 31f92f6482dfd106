"""Figures, as ratios within one run. `make bench` prints them; docs/benchmarks.md keeps them with what they mean."""
