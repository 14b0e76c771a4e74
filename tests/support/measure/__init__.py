"""Measuring commands: python -m tests.support.measure.NAME."""
