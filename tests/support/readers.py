"""A sentence reader for tests, without weights."""

import hashlib

import numpy as np


class FakeReader:
    """Unit vectors, another one for each sentence; ``read`` lists what was read."""

    name, width = "fake", 6

    def __init__(self):
        self.read = []

    def __call__(self, sentences):
        self.read += sentences
        seeds = [int(hashlib.sha256(s.encode()).hexdigest()[:8], 16) for s in sentences]
        rows = [np.random.default_rng(seed).normal(size=self.width) for seed in seeds]
        return np.array([r / np.linalg.norm(r) for r in rows], dtype=np.float32)
