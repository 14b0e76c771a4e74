"""What every training shares: recipe, trainer, checkpoint, run identity."""
