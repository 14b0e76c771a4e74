"""Blender's end of the model's process: start it, talk to it, survive it.

``process`` speaks with the child, ``jobs`` keeps what was asked of it, ``pump`` drives both from
a timer; ``setup`` makes its Python environment. Nothing here imports bpy or touches a scene.
"""
