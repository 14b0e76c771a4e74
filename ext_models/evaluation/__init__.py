"""How good a pack is, in the field's numbers."""
