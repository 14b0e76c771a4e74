"""What every training shares: recipes, the trainer, checkpoints, the identity of a run."""
