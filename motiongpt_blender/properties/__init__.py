"""What the add-on keeps in a file: poses and options on the armature, the request in the scene.

Nothing about a running job is kept here, so that a file saved meanwhile opens idle.
"""
