"""The demo: a Rigify character that passes through marked poses, filmed with Cycles.

Needs Blender as a module and Pillow, runs from the checkout only and is no part of the
extension. It uses the add-on's own ``core``, ``scene`` and ``backend``, never ``ext_models``.
"""
