"""Model packs as files: manifest, archive, clip folder. Standard library and numpy."""
