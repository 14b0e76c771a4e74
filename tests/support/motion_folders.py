"""Tiny data sets in every layout that the readers know."""

import io
import json
import zipfile

import numpy as np

from ext_models.motion import features as f
from ext_models.motion.representations import KIT
from motiongpt_blender.core.body import rotations
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.skeleton import CHAINS, PARENTS, Joint

#: The 22 joints as four families of files spell them.
SMPL = tuple(j.name.title() for j in Joint)
MIXAMO = tuple(
    "mixamorig:" + n
    for n in (
        *("Hips", "LeftUpLeg", "RightUpLeg", "Spine", "LeftLeg", "RightLeg", "Spine1"),
        *("LeftFoot", "RightFoot", "Spine2", "LeftToeBase", "RightToeBase", "Neck"),
        *("LeftShoulder", "RightShoulder", "Head", "LeftArm", "RightArm"),
        *("LeftForeArm", "RightForeArm", "LeftHand", "RightHand"),
    )
)
_CMU = {"Spine": "LowerBack", "Spine1": "Spine", "Spine2": "Spine1"}
_ACCAD = {"Spine": "ToSpine", "Spine1": "Spine", "Spine2": "Spine1"}
CMU = tuple(_CMU.get(n[10:], n[10:]) for n in MIXAMO)
ACCAD = tuple(_ACCAD.get(n[10:], n[10:]) for n in MIXAMO)
BANDAI = (
    *("Hips", "UpperLeg_L", "UpperLeg_R", "Spine", "LowerLeg_L", "LowerLeg_R", "Spine_helper"),
    *("Foot_L", "Foot_R", "Chest", "Toes_L", "Toes_R", "Neck", "Shoulder_L", "Shoulder_R"),
    *("Head", "UpperArm_L", "UpperArm_R", "LowerArm_L", "LowerArm_R", "Hand_L", "Hand_R"),
)
METARIG = (
    *("spine", "thigh.L", "thigh.R", "spine.001", "shin.L", "shin.R", "spine.002", "foot.L"),
    *("foot.R", "spine.003", "toe.L", "toe.R", "spine.004", "shoulder.L", "shoulder.R"),
    *("spine.006", "upper_arm.L", "upper_arm.R", "forearm.L", "forearm.R", "hand.L", "hand.R"),
)


def walker(frames=60, seed=0):
    """A body (T, 22, 3) with swinging limbs that walks along +z, standing on y = 0."""
    rng = np.random.default_rng(seed)
    swing = np.sin(np.linspace(0, 6, frames))[:, None, None] * rng.normal(size=(22, 3))
    local = rotations.from_log(0.15 * swing)
    local[:, 0] = rotations.IDENTITY
    offsets = NEUTRAL - NEUTRAL[[max(p, 0) for p in PARENTS]]
    joints = np.zeros((frames, 22, 3))
    turns = np.zeros((frames, 22, 4))
    joints[:, 0] = np.stack([np.zeros(frames), np.ones(frames), np.linspace(0, 1, frames)], -1)
    turns[:, 0] = local[:, 0]
    for joint in range(1, 22):
        parent = PARENTS[joint]
        turns[:, joint] = rotations.multiply(turns[:, parent], local[:, joint])
        bone = rotations.rotate(turns[:, parent], np.tile(offsets[joint], (frames, 1)))
        joints[:, joint] = joints[:, parent] + bone
    return (joints - [0, joints[..., 1].min(), 0]).astype(np.float32)


def kit_features(frames=60):
    """Features (frames, 251) of a made-up KIT-ML clip."""
    offsets = np.array(KIT.directions, float) * 100.0
    rng = np.random.default_rng(1)
    angles = 0.2 * np.sin(np.linspace(0, 6, frames + 1))[:, None, None] * rng.normal(size=(21, 3))
    local = rotations.from_log(angles)
    root = np.tile([0.0, 300.0, 0.0], (frames + 1, 1))
    return f.from_joints(f.forward_kinematics(local, root, offsets, KIT), KIT, uniform=False)


def published(folder, clips, *, splits=None, width=263):
    """HumanML3D's layout: clips is {name: (vectors, text)}; None leaves a file out."""
    for name in ("new_joint_vecs", "texts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, (vectors, text) in clips.items():
        if vectors is not None:
            np.save(folder / "new_joint_vecs" / f"{name}.npy", vectors)
        if text is not None:
            (folder / "texts" / f"{name}.txt").write_text(text)
    for split, names in (splits or {"train": list(clips)}).items():
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")
    np.save(folder / "Mean.npy", np.zeros(width, np.float32))
    np.save(folder / "Std.npy", np.ones(width, np.float32))
    return folder


def bvh(path, names, frames=60, *, unit=1.0, order="ZXY", fps=20, seed=0, z_up=False, drop=()):
    """A walking skeleton with these joint names; returns its joints (T, 22, 3) in ``unit``.

    Every joint turns about its own axis; the root's six channels come rotations first.
    """
    rng = np.random.default_rng(seed)
    offsets = (NEUTRAL - NEUTRAL[[max(p, 0) for p in PARENTS]]) / unit
    if z_up:
        offsets = offsets[:, [0, 2, 1]] * [1, -1, 1]
    children = {
        j: [c for c in range(1, 22) if PARENTS[c] == j and c not in drop] for j in range(22)
    }
    lines, listed = ["HIERARCHY"], []

    def write(joint, depth):
        pad = "\t" * depth
        kind = "JOINT" if joint else "ROOT"
        turns = " ".join(f"{a}rotation" for a in order)
        channels = f"3 {turns}" if joint else f"6 {turns} Yposition Xposition Zposition"
        x, y, z = offsets[joint]
        lines.extend([f"{pad}{kind} {names[joint]}", pad + "{"])
        lines.extend([f"{pad}\tOFFSET {x:.6f} {y:.6f} {z:.6f}", f"{pad}\tCHANNELS {channels}"])
        listed.append(joint)
        for child in children[joint]:
            write(child, depth + 1)
        if not children[joint]:
            lines.extend([pad + "\tEnd Site", pad + "\t{", pad + "\t\tOFFSET 0 0 0", pad + "\t}"])
        lines.append(pad + "}")

    write(0, 0)
    wave = np.sin(np.linspace(0, 6, frames))[:, None, None]
    angles = 12 * wave * rng.normal(size=(22, 3))
    angles[:, 0] = 0
    root = np.stack([np.zeros(frames), np.ones(frames), np.linspace(0, 1, frames)], -1) / unit
    root = root[:, [0, 2, 1]] * [1, -1, 1] if z_up else root
    lines += ["MOTION", f"Frames: {frames}", f"Frame Time: {1 / fps:.7f}"]
    for t in range(frames):
        row = [*angles[t, 0], root[t, 1], root[t, 0], root[t, 2]]
        row += [a for j in listed[1:] for a in angles[t, j]]
        lines.append(" ".join(f"{v:.5f}" for v in row))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return angles, root, offsets


def clips(folder, names, *, frames=60, fps=20.0, prompt=""):
    """A folder of clip.npz files."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        MotionClip(walker(frames, k), fps=fps, prompt=prompt).save(folder / f"{name}.npz")
    return folder


def captions(folder, texts):
    (folder / "captions.json").write_text(json.dumps(texts))


def boastful_npz(path, name, frames, dtype=np.float32):
    """An npz whose header announces far more frames than it holds."""
    head = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(
        head, {"descr": descr, "fortran_order": False, "shape": (frames, 22, 3)}
    )
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(f"{name}.npy", head.getvalue() + bytes(1000))


assert len(CHAINS) == 5 and all(len(n) == 22 for n in (SMPL, MIXAMO, CMU, BANDAI, METARIG))


TEXTS = [
    "a man walks slowly.#a/DET man/NOUN walk/VERB slowly/ADV#0.0#0.0\n",
    "a man jumps.#a/DET man/NOUN jump/VERB#0.0#0.0\na man turns.#a/DET man/NOUN turn/VERB#0#0\n",
]


def data_set(folder, kit):
    """34 test clips, 6 to train on and 2 to validate by, in the official layout."""
    names = [f"{k:06}" for k in range(42)]
    frames = 28 if kit else 44
    clips = {}
    for k, name in enumerate(names):
        if kit:
            vectors = kit_features(frames) + np.float32(0.001) * k
        else:
            vectors = f.from_joints(walker(frames + 1, k), uniform=False)
        clips[name] = (vectors.astype(np.float32), TEXTS[k % 2])
    splits = {"train": names[:6], "val": names[6:8], "test": names[8:]}
    published(folder, clips, splits=splits, width=251 if kit else 263)
    every = np.concatenate([x for x, _ in clips.values()])
    np.save(folder / "Mean.npy", every.mean(0))
    np.save(folder / "Std.npy", every.std(0) + 0.05)
    return folder
