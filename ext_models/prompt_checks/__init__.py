"""Checks: the measurable demands of a prompt, read from its words and measured on joints.

``grammar.read_checks`` reads "turns left, then raises the right hand" as two checks, and
``measuring.measure`` says of a motion whether each is met and by how much. NumPy and SciPy only.
"""
