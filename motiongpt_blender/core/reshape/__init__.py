"""A finished motion changed afterwards, without the model: fitted to a pose, retimed, blended."""
