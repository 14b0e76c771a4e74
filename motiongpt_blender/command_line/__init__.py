"""``blender -b FILE.blend --command motiongpt``: takes without a window, one or a list of them."""
