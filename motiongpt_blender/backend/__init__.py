"""Blender's side of the model process: starts it, exchanges messages with it, handles its end.

``process`` speaks with the child, ``jobs`` keeps what was asked of it, ``pump`` drives both from
a timer; ``setup`` makes its Python environment. Nothing here imports bpy or touches a scene.
"""
