"""The pump: a timer while jobs run, and none while they do not."""

import pytest

from motiongpt_blender import wire
from motiongpt_blender.backend.jobs import JobQueue, JobState
from motiongpt_blender.backend.pump import IDLE_INTERVAL, INTERVAL, Pump
from tests.support.child_processes import fake_launch, request
from tests.support.fake_timers import FakeTimers

HELLO = wire.Hello(wire.PROTOCOL, "fake", "0", 1, "none", 20.0, 196)


class Clock:
    """Time by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Child:
    """A process that says what the test puts into ``coming``."""

    def __init__(self, _launch):
        self.coming, self.sent, self.ended = [], [], False

    def alive(self):
        return not self.ended

    def send(self, message):
        self.sent.append(message)

    def events(self):
        while self.coming:
            yield self.coming.pop(0)

    def shutdown(self, grace=2.0):
        self.ended = True

    kill = shutdown


@pytest.fixture
def timers():
    return FakeTimers()


@pytest.fixture
def children():
    return []


@pytest.fixture
def pump(timers, children):
    def spawn(launch):
        children.append(Child(launch))
        return children[-1]

    pump = Pump(timers, JobQueue(spawn))
    yield pump
    pump.close()


def test_the_timer_runs_while_a_job_does(pump, timers, children):
    ended, ticks = [], []
    assert timers.functions == {}
    job = pump.submit(fake_launch(), request("nowhere"), ended.append, lambda: ticks.append(1))
    assert [interval for _, interval in timers.functions.values()] == [INTERVAL]
    children[0].coming.append(HELLO)
    timers.turn()
    assert job.state is JobState.RUNNING and len(ticks) == 1 and ended == []
    children[0].coming.append(wire.Result("one", ("clip.npz",)))
    timers.turn()
    assert ended == [job] and timers.functions == {}


def test_one_timer_for_all_jobs(pump, timers):
    for name in ("one", "two"):
        pump.submit(fake_launch(), request("nowhere", name), print, print)
    assert len(timers.functions) == 1


def test_a_job_that_is_sent_from_the_end_of_another_keeps_the_timer(pump, timers, children):
    def again(_job):
        pump.submit(fake_launch(), request("nowhere", "two"), print, lambda: None)

    pump.submit(fake_launch(), request("nowhere"), again, lambda: None)
    children[0].coming += [HELLO, wire.Result("one", ("clip.npz",))]
    timers.turn()
    assert len(timers.functions) == 1


def test_cancel_and_forget(pump, timers, children):
    ended = []
    pump.submit(fake_launch(), request("nowhere"), ended.append, lambda: None)
    pump.cancel("one")
    assert children[0].sent[-1] == wire.Cancel("one")
    pump.forget("one")
    children[0].coming += [HELLO, wire.Cancelled("one")]
    timers.turn()
    assert ended == [] and timers.functions == {}


def test_closing_ends_the_process_and_the_timer(pump, timers, children):
    ended = []
    pump.submit(fake_launch(), request("nowhere"), ended.append, lambda: None)
    pump.close()
    assert timers.functions == {} and children[0].ended and ended == []
    assert pump.tick() is None
    assert ended == []


@pytest.fixture
def idle(timers, children):
    """A pump whose process has done a job and waits; ten minutes are its limit."""

    def spawn(launch):
        children.append(Child(launch))
        return children[-1]

    clock, limit = Clock(), [600.0]
    pump = Pump(timers, JobQueue(spawn, clock), idle_limit=lambda: limit[0])
    pump.clock, pump.limit = clock, limit
    assert pump.memory is None
    pump.submit(fake_launch(), request("nowhere"), print, lambda: None)
    assert pump.memory is None, "it is at work"
    children[0].coming += [HELLO, wire.Result("one", ("clip.npz",), memory=900)]
    timers.turn()
    assert pump.memory == 900
    yield pump
    pump.close()


def test_a_process_that_waits_too_long_is_ended_and_the_timer_with_it(idle, timers, children):
    assert len(timers.functions) == 1
    idle.clock.now += 599
    timers.turn()
    assert not children[0].ended and len(timers.functions) == 1
    idle.clock.now += 2
    timers.turn()
    assert children[0].ended and timers.functions == {} and idle.memory is None
    idle.submit(fake_launch(), request("nowhere", "two"), print, lambda: None)
    assert len(children) == 2 and not children[1].ended


def test_looks_at_a_waiting_process_are_rare_and_a_limit_of_zero_keeps_it(idle, timers, children):
    assert idle.tick() == IDLE_INTERVAL
    idle.clock.now += 595
    assert 5 <= idle.tick() <= 5.2
    idle.limit[0] = 0.0
    idle.clock.now += 10_000
    timers.turn()
    assert not children[0].ended and timers.functions == {}


def test_a_job_before_the_limit_begins_the_wait_anew(idle, timers, children):
    idle.clock.now += 590
    idle.submit(fake_launch(), request("nowhere", "two"), print, lambda: None)
    idle.clock.now += 100
    timers.turn()
    assert not children[0].ended, "it is at work"
    children[0].coming.append(wire.Result("two", ("clip.npz",)))
    timers.turn()
    idle.clock.now += 590
    timers.turn()
    assert not children[0].ended


def test_unload_ends_a_process_that_waits_alone(idle, timers, children):
    idle.submit(fake_launch(), request("nowhere", "two"), print, lambda: None)
    idle.unload()
    assert not children[0].ended, "it is at work"
    children[0].coming.append(wire.Result("two", ("clip.npz",)))
    timers.turn()
    idle.unload()
    assert children[0].ended and idle.memory is None


def test_a_job_for_a_process_that_waits_is_looked_at_at_once(idle, timers):
    (function,) = [function for function, _ in timers.functions.values()]
    timers.unregister(function)
    timers.register(function, first_interval=idle.tick())
    assert [pause for _, pause in timers.functions.values()] == [IDLE_INTERVAL]
    idle.submit(fake_launch(), request("nowhere", "two"), print, lambda: None)
    assert [pause for _, pause in timers.functions.values()] == [INTERVAL]


def test_a_question_is_asked_before_any_job_and_answered_once(pump, timers, children):
    answers = []
    pump.ask(fake_launch(), "he wa", lambda: answers.append(pump.understood.prompt))
    pump.ask(fake_launch(), "he waves", lambda: answers.append(pump.understood.prompt))
    assert [m.prompt for m in children[0].sent] == ["he wa", "he waves"]
    children[0].coming += [HELLO, wire.Understood("he wa")]
    timers.turn()
    assert answers == [] and len(timers.functions) == 1
    children[0].coming.append(wire.Understood("he waves", ("Understood.",)))
    timers.turn()
    assert answers == ["he waves"] and pump.understood.notes == ("Understood.",)
    timers.turn()
    assert answers == ["he waves"] and timers.functions == {}


def test_a_process_that_was_asked_waits_as_after_a_job(idle, timers, children):
    idle.clock.now += 590
    idle.ask(fake_launch(), "he waves", lambda: None)
    idle.clock.now += 100
    timers.turn()
    assert not children[0].ended, "it is asked"
    children[0].coming.append(wire.Understood("he waves"))
    timers.turn()
    idle.clock.now += 590
    timers.turn()
    assert not children[0].ended
    idle.clock.now += 20
    timers.turn()
    assert children[0].ended
