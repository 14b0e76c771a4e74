"""The add-on in a test: enabled with the fake model, its panel's state, its timer by hand."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from itertools import chain
from pathlib import Path

import bpy

from motiongpt_blender import preferences, registration, wire
from motiongpt_blender.backend.jobs import JobQueue
from motiongpt_blender.backend.process import BackendProcess
from motiongpt_blender.backend.pump import Pump
from motiongpt_blender.generate.state import Phase
from motiongpt_blender.operators import session, waiting
from motiongpt_blender.properties import armature


def fake_settings():
    """Preferences that use this Python and the fake model."""
    pack = preferences.settings(bpy.context).pack
    return preferences.Settings(Path(sys.executable), "cpu", pack, fake=True)


class KeptProcess:
    """A process of the fake model, kept from test to test: its start takes a third of a second."""

    def __init__(self):
        self.launch = self.process = self.hello = None

    def spawn(self, launch):
        """Lend the kept process; one that is to misbehave is started anew."""
        if os.environ.get("MOTIONGPT_FAKE_MODE"):
            return BackendProcess(launch)
        if self.process is None or launch != self.launch or not self.process.alive():
            self.end()
            self.launch, self.process, self.hello = launch, BackendProcess(launch), None
        return Lent(self)

    def end(self):
        if self.process is not None:
            self.process.shutdown()
            self.process = None


class Lent:
    """The kept process as one queue of jobs sees it: it says hello, and stays when it is idle."""

    def __init__(self, kept):
        self.kept, self.process, self.open = kept, kept.process, set()
        self.greeting = [kept.hello] if kept.hello is not None else []

    def alive(self):
        return self.process.alive()

    def send(self, request):
        if isinstance(request, wire.Generate):
            self.open.add(request.job)
        self.process.send(request)

    def events(self):
        for event in chain(self.greeting, self.process.events()):
            if isinstance(event, wire.Hello):
                self.kept.hello = event
            elif isinstance(event, wire.TERMINAL):
                self.open.discard(event.job)
            yield event
        self.greeting = []

    def kill(self):
        self.process.kill()

    def shutdown(self, grace):
        if self.open:  # what it still says is not for the next test
            self.process.shutdown(grace)


def enable(monkeypatch, armature, takes=1, kept=None):
    """Enable the add-on with the fake model for an armature; returns what its panel shows.

    A single take is kept at once. The model's process is the ``kept`` one, or one of its own.
    """
    if kept is not None:
        monkeypatch.setattr(session, "Pump", partial(Pump, queue=JobQueue(kept.spawn)))
    monkeypatch.setattr(waiting, "no_timers_run", lambda: False)  # the timer is turned by hand
    registration.register()
    chosen = fake_settings()
    monkeypatch.setattr(preferences, "settings", lambda _: chosen)
    bpy.context.scene.motiongpt.armature = armature
    bpy.context.scene.motiongpt.takes = takes
    return Panel()


def asked():
    """What is asked for of the armature in the panel: prompt, length, seed."""
    return armature.of(session.target(bpy.context)).request


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
    def takes(self):
        """The takes of the armature."""
        return armature.of(session.target(bpy.context)).takes

    @property
    def notes(self):
        return self.report.notes

    @property
    def run(self):
        """The sequence under way, or None."""
        return self.state.sequence

    @property
    def report(self):
        """The report of the chosen take, or None."""
        take = self.takes.chosen_take
        return take.report if take is not None else None

    @report.setter
    def report(self, report):
        """Choose the take of this report's action, and let it have this report."""
        names = [take.action.name for take in self.takes.entries]
        self.takes.chosen = names.index(report.action_name)
        self.takes.chosen_take.report_json = report.to_json()

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
