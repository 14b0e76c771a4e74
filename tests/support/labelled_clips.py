"""Labelled clips for the tests of an evaluation, a judge that knows them, a model that obeys."""

import json
from dataclasses import dataclass

import numpy as np

from ext_models.datasets.data_folder import ClipRecord, DatasetWriter
from ext_models.datasets.examples import Example
from ext_models.evaluation.settings import EvalSettings
from motiongpt_blender.wire import Sampling
from tests.support import motion_folders

ACTIONS = {"walk": "walks", "run": "runs", "bow": "bows", "kick": "kicks"}
STYLES = ("old", "happy")
LABELS = [f"{action}, {style}" for action in ACTIONS for style in STYLES]
SETTINGS = EvalSettings(pool=6, draws=3, samples=2, sampling=Sampling(seed=3))


def captions(label):
    action, style = label.split(", ")
    return (f"a {style} person {ACTIONS[action]}.", f"someone {style} {ACTIONS[action]} ahead.")


def body(frames, seed=0):
    """A walker that is on its way: all of them start in one pose."""
    joints = motion_folders.walker(frames + 8, seed)[8:]
    return (joints - joints[0, 0] * [1, 0, 1]).astype(np.float32)


def make_examples():
    return [
        Example(
            f"{label}{k}",
            body(20 + 2 * k + kind, seed=10 * kind + k),
            captions(label),
            split,
            label,
        )
        for kind, label in enumerate(LABELS)
        for k, split in enumerate(["train", "train", "test", "test"])
    ]


@dataclass
class Oracle:
    """A judge that knows which clip is which, and places it where its label is."""

    examples: list
    name: str = "oracle"

    def embed_motion(self, joints):
        return np.stack([self._point(j) for j in joints])

    def embed_text(self, texts):
        spoken = {c: e.label for e in self.examples for c in e.captions}
        return np.stack([corner(spoken.get(t, "")) for t in texts])

    def _point(self, joints):
        same = [e for e in self.examples if np.array_equal(e.joints, joints)]
        rng = np.random.default_rng(len(joints))
        return corner(same[0].label if same else "") + 0.01 * rng.normal(size=len(LABELS))


def corner(label):
    return np.eye(len(LABELS))[LABELS.index(label)] if label in LABELS else np.zeros(len(LABELS))


class Copier:
    """Stands for a model: it meets the poses, or ignores them."""

    def __init__(self, eval_set, exact=True):
        self.eval_set, self.exact = eval_set, exact

    def make(self, requests, name):
        return [self._made(r) for r in requests]

    def nearest(self, requests, poses, name):
        return self.make(requests, name)

    def _made(self, request):
        joints = body(request.frames, seed=999)
        for pose in request.poses if self.exact else ():
            joints[pose.frame] = pose.joints
        return joints


def write_list(path, *prompts):
    path.write_text(json.dumps({"kind": "mine", "prompts": list(prompts)}), encoding="utf-8")
    return path


PROMPTS = (
    {"text": "an aged person strolls", "label": "walk, old", "expect": "slow steps"},
    {"text": "a cheerful person kicks out", "labels": ["kick, happy"]},
    {"text": "a person walks, then bows", "how": "then", "parts": ["walk", "bow"]},
    {"text": "an old person spins", "how": "style", "parts": ["spin", "old"]},
    {"text": "a happy person runs", "how": "style", "parts": ["run", "happy"]},
    {"text": "a person runs while bowing", "how": "while", "parts": ["run", "bow"], "seconds": 1.2},
)


def write_folder(place, examples):
    writer = DatasetWriter(place, "mine")
    for e in examples:
        writer.add(
            ClipRecord(e.id, "mine", "s", e.id, 0.0, 1.0, len(e.joints), 20.0, "", e.label, e.id,
                       e.split),
            e.joints,
            e.captions,
        )  # fmt: skip
    writer.close()
    return place
