"""How much memory a piece of code asks for."""

import tracemalloc
from contextlib import contextmanager


@contextmanager
def at_most(size):
    """Fails when the code allocates more bytes at a time than ``size``."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= size, f"{peak / 2**20:.0f} MB were allocated"
