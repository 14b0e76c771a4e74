"""Base models: loaded or created, with adapters, and the memory they need."""
