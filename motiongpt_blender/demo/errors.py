"""The one error of the demo that is meant for a person."""


class DemoError(RuntimeError):
    """The demo cannot go on; the message is one sentence for the person who started it."""
