"""Blender's end of the model's process: start it, talk to it, survive it.

``process`` and ``jobs`` know nothing of Blender and are tested without it; ``pump``
drives them from Blender's timers. Nothing here touches a scene.
"""
