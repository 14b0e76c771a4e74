"""Recipes: TOML files of the trainings of packs and evaluators, and their typed form."""
