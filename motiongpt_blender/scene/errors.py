"""What the scene refuses. Imports no bpy, so that ``generate`` can name these errors."""


class RigError(ValueError):
    """An armature that cannot be used; the message is one sentence for the user."""


class WriteError(RuntimeError):
    """The action was removed while it was written; the message is one sentence for the user."""
