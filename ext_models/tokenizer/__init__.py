"""Motion to codes and back: the VQ-VAE, its quantiser and its training."""
