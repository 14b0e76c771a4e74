"""The commands of the experiments in ``ext_models.lab``."""
