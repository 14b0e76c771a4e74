"""The language model: its vocabulary, instructions, training and generation."""
