"""Blender's timers, called by hand."""


class FakeTimers:
    """``bpy.app.timers``: finds functions again by identity, as Blender does."""

    def __init__(self):
        self.functions = {}

    def register(self, function, *, first_interval=0.0):
        self.functions[id(function)] = (function, first_interval)

    def unregister(self, function):
        del self.functions[id(function)]

    def is_registered(self, function):
        return id(function) in self.functions

    def turn(self):
        """Call each function once; those that return None are called no more."""
        for key, (function, _) in list(self.functions.items()):
            if function() is None:
                del self.functions[key]
