"""Readers of the reference system's files; ``reference`` is the public API."""
