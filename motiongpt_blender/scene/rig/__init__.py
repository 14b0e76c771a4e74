"""An armature described, and what is to be warned of. Reads only."""
