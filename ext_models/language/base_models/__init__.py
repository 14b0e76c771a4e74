"""Base models: loaded or made, with adapters, and the memory they need."""
