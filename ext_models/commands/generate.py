"""``generate``: one prompt to one clip file, or to several variations."""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ext_models.errors import PipelineError
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.packs import PackManifest, read_manifest
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.packs.length_model import read_lengths
from motiongpt_blender.core.timeline.prompts import clean_prompt
from motiongpt_blender.core.ways.way import Way

from .options import DEFAULT_SECONDS, add_device, add_pack, add_sampling, sampling_of
from .way_options import add_way, read_way, way_seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--prompt", required=True, help="what happens")
    parser.add_argument(
        "--seconds", type=float, help="length (one that suits the prompt, by the pack)"
    )
    parser.add_argument(
        "--pose",
        action="append",
        default=[],
        metavar="WHEN:FILE.npy",
        help="a pose (22, 3) in metres to pass through; WHEN is start, end or seconds",
    )
    parser.add_argument(
        "--place",
        action="store_true",
        help="position and heading of the poses count too, relative to the first pose",
    )
    add_way(parser)
    add_sampling(parser)
    parser.add_argument(
        "--raw", action="store_true", help="the model's motion, not corrected to meet the poses"
    )
    add_pack(parser)
    add_device(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("clip.npz"), help="file, .npz or .bvh (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate, write the files and print what they hold."""
    request, manifest = read_request(arguments)
    _check_output(arguments.out)
    from ext_models.generation.pipeline import MotionPipeline
    from ext_models.generation.pose_correction import meet_poses
    from ext_models.motion.grounding import lift_above_floor

    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    with tqdm(total=100, unit="%", bar_format="{desc:9}{percentage:3.0f}%|{bar:24}|") as bar:

        def show(stage: str, share: float) -> None:
            bar.set_description(stage, refresh=False)
            bar.n = round(100 * share)
            bar.refresh()

        result = pipeline.generate(request, show, lambda: False)
    clips: Sequence[MotionClip] = result.clips
    if not arguments.raw:
        kept = [pose.frame for pose in request.poses]
        met = (meet_poses(clip.joints, request.poses) for clip in clips)
        grounded = (lift_above_floor(joints, kept) for joints in met)
        clips = [replace(c, joints=joints) for c, joints in zip(clips, grounded, strict=True)]
    _write(clips, arguments.out)
    spent = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in result.seconds.items())
    print("\n".join([spent, *result.notes]))
    print(f"licence of the motion ({manifest.name}): {manifest.licence}")
    print("\n".join(manifest.credits))
    return 0


def read_request(arguments: argparse.Namespace) -> tuple[GenerationRequest, PackManifest]:
    """The request that the options make, and the manifest of its pack.

    Raises:
        PipelineError: naming the option that cannot be used.
    """
    manifest = read_manifest(arguments.pack)
    prompt = clean_prompt(arguments.prompt, any_script=bool(manifest.reader))
    way = read_way(arguments)
    frames = round(_seconds(arguments, prompt, way) * manifest.fps)
    if way is not None:
        frames += 1  # the last frame is at the end of the way
    sampling = sampling_of(arguments)
    marked = (_pose(text, frames, manifest, arguments.place) for text in arguments.pose)
    poses = tuple(sorted(marked, key=lambda p: p.frame))
    if twice := [a.frame for a, b in itertools.pairwise(poses) if a.frame == b.frame]:
        raise PipelineError(
            f"--pose: two poses stand at frame {twice[0]}, {twice[0] / manifest.fps:g} s: move "
            "one of them."
        )
    request = GenerationRequest(
        prompt=prompt, frames=frames, poses=poses, sampling=sampling, way=way
    )
    return request, manifest


def _seconds(arguments: argparse.Namespace, prompt: str, way: Way | None) -> float:
    """The length that is asked for, or else the one that suits the prompt."""
    if arguments.seconds is None and way is not None:
        return way_seconds(way, prompt)
    if arguments.seconds is None:
        lengths = read_lengths(arguments.pack)
        return lengths.seconds(prompt) if lengths else DEFAULT_SECONDS
    if not math.isfinite(arguments.seconds):
        raise PipelineError(f"--seconds {arguments.seconds}: write a number of seconds.")
    return arguments.seconds


def _pose(text: str, frames: int, manifest: PackManifest, placed: bool) -> PoseCondition:
    """The pose of one ``--pose WHEN:FILE.npy``."""
    when, _, name = text.partition(":")
    try:
        at = {"start": 0.0, "end": float(frames - 1)}.get(when)
        frame = round(float(when) * manifest.fps) if at is None else int(at)
    except (ValueError, OverflowError):
        raise PipelineError(
            f"--pose {text}: write start:FILE.npy, end:FILE.npy or SECONDS:FILE.npy."
        ) from None
    try:
        joints = np.load(name, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise PipelineError(f"--pose {text}: {name} is not a readable .npy ({error}).") from None
    if joints.shape != (22, 3) or not np.isfinite(joints).all():
        raise PipelineError(
            f"--pose {text}: a pose is 22 joints of 3 finite numbers; {name} holds {joints.shape}."
        )
    return PoseCondition(frame, joints.astype(np.float32), placed)


def _check_output(out: Path) -> None:
    if out.suffix not in (".npz", ".bvh"):
        raise PipelineError(f"--out {out}: clips are written as .npz or .bvh; name it so.")
    if not out.parent.is_dir():
        raise PipelineError(f"--out {out}: there is no folder {out.parent}; make it first.")


def _write(clips: Sequence[MotionClip], out: Path) -> None:
    """Write one clip to ``out``, or several to ``out_01`` and so on; print what each is."""
    from ext_models.motion.bvh_writer import write_bvh

    paths = [out.with_name(f"{out.stem}_{k:02}{out.suffix}") for k in range(1, len(clips) + 1)]
    for clip, path in zip(clips, paths if len(clips) > 1 else [out], strict=True):
        if path.suffix == ".bvh":
            write_bvh(clip, path)
        else:
            clip.save(path)
        print(f"{path}: {len(clip)} frames, {clip.seconds:.1f} s")
        for sentence in clip.checks:
            print(f"  {sentence}")
