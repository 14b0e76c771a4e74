"""The model's process: the server, and a fake for tests."""
