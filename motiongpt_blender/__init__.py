"""MotionGPT: type a sentence, mark poses, get keyframes on your own rig.

Importing this package needs no Blender, ``register`` does. Imports point one way:
ui -> operators -> properties, generate -> scene, backend -> core, wire.
"""


def register() -> None:
    """Called by Blender when the add-on is enabled."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the add-on is disabled."""
    from . import registration

    registration.unregister()
