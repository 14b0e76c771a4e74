"""The add-on in a test: enabled with the fake model, its panel's state, its timer by hand."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import bpy

from motiongpt_blender import preferences, registration
from motiongpt_blender.generate.state import Phase
from motiongpt_blender.operators import session


def fake_settings():
    """Preferences that use this Python and the fake model."""
    pack = preferences.settings(bpy.context).pack
    return preferences.Settings(Path(sys.executable), "cpu", pack, fake=True)


def enable(monkeypatch, armature):
    """Enable the add-on with the fake model for an armature; returns what its panel shows."""
    registration.register()
    chosen = fake_settings()
    monkeypatch.setattr(preferences, "settings", lambda _: chosen)
    bpy.context.scene.motiongpt.armature = armature
    return Panel()


class Panel:
    """What the panel shows of the armature it is about."""

    @property
    def controller(self):
        return session.controller()

    @property
    def state(self):
        return session.active_state(bpy.context)

    @property
    def job(self):
        """The job at the model's process, or None."""
        take = self.controller.pending
        return take.job if take is not None and take.phase is Phase.GENERATING else None

    @property
    def writing(self):
        """Whether a take is being written."""
        take = self.controller.pending
        return take is not None and take.phase is Phase.WRITING

    @property
    def shown(self):
        return session.shown_state(session.target(bpy.context))

    @property
    def message(self):
        return self.shown.message

    @property
    def failed(self):
        return self.shown.failed

    @property
    def notes(self):
        return self.state.notes

    @property
    def run(self):
        """The sequence under way, or None."""
        return self.state.sequence

    @property
    def report(self):
        return self.state.report

    @report.setter
    def report(self, report):
        self.state.report = report

    @property
    def seconds(self):
        return self.state.seconds

    def tell(self, message, *, failed=False):
        state = self.state
        state.message, state.failed = message, failed

    def tick(self):
        """One turn of the add-on's timer: as a module, Blender runs none."""
        session.current().pump.tick()

    def wait(self, seconds=240.0):
        """Turn the timer until nothing is under way."""
        end = time.monotonic() + seconds
        while self.controller.pending is not None and time.monotonic() < end:
            self.tick()
            time.sleep(0.01)
        assert self.controller.pending is None, "the job did not end"
