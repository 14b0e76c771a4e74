"""Motion as numbers: the published feature vectors and readers of motion data."""
