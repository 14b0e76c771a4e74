"""Rigs for tests and measures: built families, rig files, measures, portraits."""
