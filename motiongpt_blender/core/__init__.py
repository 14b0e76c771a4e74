"""Motion, skeletons and retargeting in plain numpy.

Both sides import this package: the add-on inside Blender and the model's own
process. It never imports bpy, torch or anything that is not numpy.
"""
