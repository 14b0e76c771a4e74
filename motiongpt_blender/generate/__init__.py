"""Make a take: from a request to keyframes on a character. Imports no bpy.

``controller`` makes one take, ``sequence`` several in a row. What they need of Blender and of
the model's process is handed in (``adapters``), so that both run in a test without Blender.
"""
