"""One module a command of python -m ext_models."""
