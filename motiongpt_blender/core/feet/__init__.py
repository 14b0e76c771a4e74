"""Foot contacts and foot locking."""
