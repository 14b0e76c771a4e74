"""What the add-on keeps in a file: marked poses on the armature, the wish in the scene.

Nothing about a running job is kept here, so that a file saved meanwhile opens idle.
"""
