"""Costs that are multiplied out for all codes at once are those of one body after the other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.generation import pose_guidance
from ext_models.generation.guidance_scales import GuidanceScales
from ext_models.generation.lookahead import CHANNELS
from ext_models.generation.pose_cost import (
    HEAD,
    PROGRESS,
    CodeCosts,
    PredictedFrames,
    TargetPoses,
)
from ext_models.generation.pose_guidance import BatchGuidance, PoseGuidance
from ext_models.generation.targets import GuidanceTargets, PoseTarget
from ext_models.language.vocabulary import TokenIds
from ext_models.motion import features, planar
from ext_models.motion.motion_metrics import local_pose
from ext_models.tokenizer import vqvae as v
from tests.support import tiny_pack
from tests.support.motion_folders import walker

STRIDE, LEVELS, CODES = 4, 2, 12
FRAMES = 2 * STRIDE
SCALES = GuidanceScales()


def upright(frame):
    """The body (22, 3) of a frame (67,), facing +z, its pelvis at its height over the origin."""
    joints = np.concatenate([[[0.0, frame[3], 0.0]], frame[HEAD:].reshape(-1, 3)])
    return local_pose(joints) + [0.0, frame[3], 0.0]


def apart(body, wanted, counts):
    """Squared metres between two bodies: the mean of the joints, and the pelvis' height."""
    off = body - wanted
    joints = off - off[0] * [0, 1, 0]
    mean = np.average((joints**2).sum(-1), weights=counts)
    return mean + SCALES.height * off[0, 1] ** 2


def stand(frames, at):
    """Where the body of a frame stands, seen from the first frame's root: plain sums."""
    turn, place = 0.0, np.zeros(2)
    for frame in frames[:at]:
        turn -= 2 * frame[0]
        s, c = np.sin(turn), np.cos(turn)
        place += [c * frame[1] + s * frame[2], c * frame[2] - s * frame[1]]
    return np.array([*place, turn + float(planar.facing(torch.tensor(body_of(frames[at]))))])


def body_of(frame):
    return np.concatenate([[[0.0, frame[3], 0.0]], frame[HEAD:].reshape(-1, 3)])


def some_frames(count, seed):
    """Frames (count, F, 67) like those of walking people, each a little off."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([features.from_joints(walker(40, s)) for s in range(3)])[:, :CHANNELS]
    starts = rng.integers(len(x) - FRAMES, size=count)
    frames = np.stack([x[s : s + FRAMES] for s in starts])
    return torch.from_numpy(frames + rng.normal(0, 0.05, frames.shape).astype(np.float32))


@pytest.mark.parametrize("then", range(FRAMES))
@pytest.mark.parametrize("share", [1.0, 0.4])
def test_what_is_multiplied_out_is_the_distance_itself(then, share):
    rng = np.random.default_rng(then)
    codes, rows = some_frames(6, 1) * 0.2, some_frames(3, 2)
    poses = [walker(40, seed=9)[k] for k in (3, 17, 30)]
    counts = [None, rng.random(22).astype("f4"), np.eye(22, dtype="f4")[20]]
    wanted = TargetPoses.of(poses, counts)
    shares = [share, 1.0, share]
    off = CodeCosts(PredictedFrames.of(codes)).pose_cost(
        PredictedFrames.of(rows), wanted, shares, then, STRIDE - 1, SCALES.height
    )
    for n in range(3):
        goal = local_pose(poses[n].astype(float)) + poses[n][0] * [0, 1, 0]
        weights = np.ones(22) if counts[n] is None else counts[n]
        for c in range(6):
            made = (rows[n] + codes[c]).double().numpy()
            now, end = upright(made[STRIDE - 1]), upright(made[then])
            due = now + (goal - now) * shares[n]
            assert float(off[n, c]) == pytest.approx(apart(end, due, weights), abs=1e-6)


def test_stands_are_those_of_one_frame_after_the_other():
    codes, rows = some_frames(5, 3) * 0.3, some_frames(3, 4)
    at = [[3, 3, 3], [7, 5, 0]]
    made = CodeCosts(PredictedFrames.of(codes)).planar_poses(PredictedFrames.of(rows), at)
    for n in range(3):
        for c in range(5):
            frames = (rows[n] + codes[c]).double().numpy()
            for stands, frame in zip(made, at, strict=True):
                off = stands[n, c].numpy() - stand(frames, frame[n])
                assert np.abs([*off[:2], np.sin(off[2] / 2)]).max() < 1e-5


# -- a whole batch ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def guidance():
    torch.manual_seed(1)
    tokenizer = v.VQVAE(replace(tiny_pack.TOKENIZER, form="patches", lap=2)).eval()
    x = torch.from_numpy(np.concatenate([features.from_joints(walker(40, s)) for s in range(4)]))
    tokenizer.mean.copy_(x.mean(0))
    tokenizer.std.copy_(x.std(0).clamp(min=1e-3))
    for book, scale in zip(tokenizer.quantizer.books, (2.0, 0.7), strict=True):
        book.codebook.normal_().mul_(scale)
    return PoseGuidance(tokenizer, None, LEVELS)


def slow_cost(guidance, targets, codes, partial):
    """What each code costs one motion, body by body and stand by stand, as it is meant."""
    decoder, level, start = guidance.decoder, len(partial), len(codes) * STRIDE
    made = decoder.frames(decoder.latents(codes[-4:]), decoder.latents(partial[None])[0], level)
    decoded = guidance.tokenizer.decode(codes[None]) if start else None
    return np.array(
        [slow_pose(m, targets, start, level) + slow_way(m, targets, start, decoded)
         for m in made.double().numpy()]
    )  # fmt: skip


def slow_pose(frames, targets, start, level):
    cost = 0.0
    for pose in targets.poses:
        ahead = pose.frame - start
        goal = local_pose(pose.joints.astype(float)) + pose.joints[0] * [0, 1, 0]
        counts = np.ones(22) if pose.weights is None else pose.weights
        if -2 <= ahead < STRIDE:
            made = upright(frames[STRIDE + ahead])
            cost += apart(made, goal, counts) / (2 * SCALES.pose_at(level) ** 2)
        elif STRIDE <= ahead < STRIDE + pose.pull:
            left = ahead - STRIDE + 1
            now, then = upright(frames[STRIDE - 1]), upright(frames[-1])
            due = now + (goal - now) * min(1, SCALES.eager * STRIDE / (left + STRIDE))
            share = 1 - left / (pose.pull + 1)
            cost += share * apart(then, due, counts) / (2 * SCALES.on_the_way**2)
    return cost


def slow_way(frames, targets, start, decoded):
    later = [m for m in targets.poses if m.place and targets.origin < m.frame >= start]
    if not later or start + STRIDE <= targets.origin or not start:
        return 0.0
    pose = later[0]
    if targets.origin < start:
        path = pose_guidance._grounded_path(decoded)[0]
        origin = planar.body_pose(decoded[0, :, :CHANNELS], path, targets.origin)
        seen = planar.relative_to(path[-STRIDE], origin).double()
    else:
        seen = torch.tensor(stand(frames, targets.origin - start + STRIDE))
    goal = planar.compose(seen, torch.tensor(pose.place, dtype=torch.double))
    left = max(pose.frame - start - STRIDE + 1, 0)
    end = min(pose.frame - start + STRIDE, FRAMES - 1)
    now, then = (torch.tensor(stand(frames, at)) for at in (STRIDE - 1, end))
    wide = 1 + SCALES.place_growth * left / 20
    metres, radians = (wide * unit for unit in SCALES.place)
    due = planar.interpolate_pose(now, goal, STRIDE, left)
    segment = next((s for s in targets.walked if s.goal == pose.place), None)
    if segment is None:
        return float(planar.path_cost(then, due, metres, radians))
    turn = float(planar.path_cost(then, due, np.inf, radians))
    begin, even = (
        planar.compose(seen, torch.tensor([*place, 0.0], dtype=torch.double)).numpy()[:2]
        for place in (segment.start[:2], segment.due(start + STRIDE - 1))
    )
    course = goal.numpy()[:2] - begin
    course /= np.linalg.norm(course)
    off = even - then.numpy()[:2]
    along, beside = off @ course, off @ [course[1], -course[0]]
    late, aside = (min(metres, most) for most in PROGRESS)
    return turn + 0.5 * ((along / late) ** 2 + (beside / aside) ** 2)


def rows():
    body = walker(40, seed=5)
    seen = [tuple(map(float, planar.planar_offset(*planar.planar_poses(body[[a, b]]))))
            for a, b in ((0, 30), (9, 30))]  # fmt: skip
    arm = np.eye(22, dtype="f4")[[16, 18, 20]].sum(0)
    return [
        GuidanceTargets(
            (PoseTarget(0, body[0]), PoseTarget(14, body[14]), PoseTarget(30, body[30], seen[0])),
            1.5,
        ),
        GuidanceTargets((PoseTarget(9, body[9]), PoseTarget(30, body[30], seen[1])), origin=9),
        GuidanceTargets((PoseTarget(21, body[21], weights=arm),), given=((1, 2), (3, 4))),
        GuidanceTargets((PoseTarget(26, body[26], seen[0]),), given=((5, 6), (7, 8)), origin=7),
        GuidanceTargets(strength=0.0),
    ]


@pytest.mark.parametrize("steps", range(9))
@pytest.mark.parametrize("level", range(LEVELS))
def test_rows_are_guided_together_as_each_by_itself(guidance, steps, level):
    ids = TokenIds.of(tiny_pack.text_tokenizer(), tiny_pack.VOCABULARY)
    every = rows()
    batch = BatchGuidance(guidance, ids, every, [9 + len(c.given) for c in every])
    codes = torch.randint(
        CODES, (len(every), 9, LEVELS), generator=torch.Generator().manual_seed(7)
    )
    due = torch.zeros(len(every), CODES)
    for at in range(LEVELS * steps, LEVELS * steps + level + 1):  # a step's first code looks round
        earlier = codes.reshape(len(every), -1)[:, :at]
        given = earlier + torch.tensor(ids.first_code).repeat(9)[:at]
        guided = batch(given, due)
    for row, targets in enumerate(every):
        before = torch.tensor(targets.given, dtype=torch.long).reshape(-1, LEVELS)
        before = torch.cat([before, codes[row, :steps]])
        slow = np.zeros(CODES)
        if targets.active and len(before) < 9 + len(targets.given):
            slow = targets.strength * slow_cost(
                guidance, targets, before, codes[row, steps, :level]
            )
        wanted = -(slow - slow.min())
        assert guided[row].numpy() == pytest.approx(wanted, rel=1e-5, abs=2e-3)
