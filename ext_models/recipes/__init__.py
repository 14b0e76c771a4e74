"""Recipes: TOML files that say how packs and evaluators are made, and their typed form."""
