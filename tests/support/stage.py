"""A controller with all it needs, without Blender and without a model."""

from itertools import count

from motiongpt_blender.generate.controller import Controller
from motiongpt_blender.generate.request import TakeRequest
from motiongpt_blender.wire import Sampling
from tests.support.child_processes import fake_launch
from tests.support.fake_character import FakeBackend, FakeBlender, FakeCharacter


class Stage:
    """A controller with two characters, an answering backend and a clock that counts.

    ``requests`` are those that the controller was given, ``done`` what it told of their ends.
    """

    def __init__(self, backend=None):
        self.rig, self.other = FakeCharacter(7, "rig"), FakeCharacter(8, "other")
        self.blender = FakeBlender(self.rig, self.other)
        self.backend = backend or FakeBackend()
        ticks = count()
        self.controller = Controller(self.blender, self.backend, lambda: float(next(ticks)))
        self.requests, self.done = [], []
        start = self.controller.start

        def noted(character, request, *rest):
            self.requests.append(request)
            return start(character, request, *rest)

        self.controller.start = noted

    def start(self, character=None, prompt="a person walks", **changes):
        """Ask for one take; returns its job."""
        values = {"seconds": 1.0, "sampling": Sampling(), "marked": ()}
        request = TakeRequest(prompt, **{**values, **changes})
        return self.controller.start(
            character or self.rig, request, fake_launch(), self.done.append
        )

    def answer(self):
        """The model's answer to what is under way, written at once."""
        self.backend.answer()
        self.blender.finish_writing()

    @property
    def state(self):
        """What the panel knows of ``rig``."""
        return self.controller.state(self.rig.key.armature)
