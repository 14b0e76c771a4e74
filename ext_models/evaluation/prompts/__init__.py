"""Lists of prompts and how a pack does on them."""
