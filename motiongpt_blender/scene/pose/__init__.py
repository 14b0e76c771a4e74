"""Poses captured, marked and shown."""
