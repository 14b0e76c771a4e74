"""Experiments: ablations, benchmarks, folds, the paper's tables. Only commands import it."""
