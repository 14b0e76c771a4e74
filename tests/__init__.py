"""The tests, one folder a tier, and ``tiers``, which runs them."""
