"""What the commands do once their arguments are read."""

from __future__ import annotations

import argparse
import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ext_models.datasets.layouts import DataError, Example, read_examples
from ext_models.devices import pick_device
from ext_models.generation.request import (
    GenerationRequest,
    PipelineError,
    PoseCondition,
)
from ext_models.packs import (
    TOKENIZER_WEIGHTS,
    TRAINING,
    PackError,
    PackManifest,
    read_manifest,
    require,
)
from ext_models.training.recipe import read_toml
from ext_models.training.run_identity import claim, file_hash, short_hash, without_budget
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.timeline.prompts import clean_prompt

from .sampling_options import sampling_of

#: Where unfinished trainings keep their state, to resume from.
RUNS = Path("runs")
#: Test clips in the picture of a tokenizer.
PICTURED = 6


def train(arguments: argparse.Namespace) -> int:
    """``train-tokenizer`` and ``train-language``."""
    from ext_models.training import processes

    recipe = read_toml(arguments.config)
    device = pick_device(arguments.device)
    device = processes.join(device)
    if processes.count() > 1 and arguments.what == "train-tokenizer":
        raise PipelineError("train-tokenizer runs in one process: start it without a launcher.")
    try:
        examples = examples_of(recipe, arguments.data)
    except DataError as error:
        raise PipelineError(str(error)) from None
    try:
        if arguments.what == "train-tokenizer":
            return _train_tokenizer(arguments, recipe, examples, device)
        return _train_language(arguments, recipe, examples, device)
    except KeyError as error:
        raise PackError(f"{arguments.config}: the recipe has no {error}.") from None
    except TypeError as error:
        raise PackError(f"{arguments.config}: {error}.") from None


def examples_of(recipe: dict[str, Any], data: Path | str | None) -> list[Example]:
    """The clips that a recipe learns from and is measured on; raises DataError."""
    pack = recipe["pack"]
    folder = Path(data) if data else None
    names = [pack["data"]] if isinstance(pack["data"], str) else pack["data"]
    wanted = {k: pack[k] for k in ("quoted_captions", "uncaptioned") if k in pack}
    return [e for name in names for e in read_examples(folder, name, **wanted)]


def budget_of(arguments: argparse.Namespace) -> dict[str, float]:
    """The steps and minutes of a training, as far as they were given."""
    given = {"steps": arguments.steps, "minutes": arguments.minutes}
    return {name: value for name, value in given.items() if value is not None}


def _train_tokenizer(
    arguments: argparse.Namespace, recipe: dict[str, Any], examples: list[Example], device: str
) -> int:
    from ext_models.tokenizer import reference_training, training
    from ext_models.tokenizer.report import HEAD, report, strips
    from ext_models.tokenizer.vqvae import load_tokenizer, save_tokenizer

    recipe["tokenizer"].setdefault("training", {}).update(budget_of(arguments))
    if recipe["tokenizer"].get("way") == reference_training.WAY:
        work = RUNS / recipe["pack"]["name"]
        reference_training.run(recipe, examples, arguments.data, arguments.out, work, device)
        return 0
    config, settings = training.from_recipe(recipe)
    run = RUNS / recipe["pack"]["name"]
    seed = recipe["pack"]["seed"]
    kept = load_tokenizer(arguments.out) if arguments.keep_codes else None
    model = training.train_tokenizer(
        config, settings, examples, run, seed=seed, device=device, codes_of=kept
    )
    save_tokenizer(model, arguments.out)
    test = [e for e in examples if e.split == "test"]
    rows = [
        report(model, test, k, examples).row(f"{k} of {config.levels} levels") for k in config.some
    ]
    print("\n".join([*HEAD, *rows]))
    print(f"tokenizer written to {arguments.out}")
    picture = run / "tokenizer.png"
    try:
        strips(model, test[:: max(1, len(test) // PICTURED)][:PICTURED], config.levels, picture)
        print(f"what it keeps of some test clips: {picture}")
    except PackError as error:
        print(error)  # a picture is a courtesy
    return 0


def _train_language(
    arguments: argparse.Namespace,
    recipe: dict[str, Any],
    examples: list[Example],
    device: str,
) -> int:
    from ext_models.language.pack_training import train_pack
    from ext_models.text_motion.reranker_training import train_reranker
    from ext_models.training import processes

    run = RUNS / recipe["pack"]["name"]
    run.mkdir(parents=True, exist_ok=True)
    _claim(run, recipe, examples, arguments.out, write=processes.is_main())
    trained = train_pack(
        recipe,
        examples,
        arguments.out,
        run,
        device=device,
        budget=budget_of(arguments),
    )
    if not processes.leave():
        return 0
    train_reranker(recipe, examples, arguments.out, run, device=device, budget=budget_of(arguments))
    for log in trained.logs:
        print(f"{log.name}: held-out loss {log.held_out[-1][1]:.3f}, best {log.best:.3f}")
    print(f"trainable share: {trained.trainable_share:.2%} of all parameters")
    if trained.picture:
        print(f"losses and right tokens over the steps: {trained.picture}")
    print(f"pack written to {arguments.out}")
    return 0


def _claim(
    run: Path, recipe: dict[str, Any], examples: list[Example], pack: Path, *, write: bool
) -> None:
    """Refuse to go on with a language training of something else; a longer budget may."""
    from ext_models.datasets.examples import data_hash

    # Guidance is noted in the pack and no part of the training.
    language = {k: v for k, v in recipe["language"].items() if k != "cfg_scale"}
    of = {
        "recipe": short_hash([without_budget(language), recipe["pack"]["seed"]]),
        "tokenizer": file_hash(pack / TOKENIZER_WEIGHTS),
        "data": data_hash(examples),
    }
    refusal = (
        "holds the training of another recipe, data or tokenizer: delete it, or name the pack "
        "otherwise."
    )
    begun = any((run / f"{stage}.pt").is_file() for stage in ("base", "adapter"))
    claim(run, of, refusal, begun=begun, write=write)


def prepare_data(arguments: argparse.Namespace) -> int:
    """``prepare-data``: any source of captioned motion to a data folder."""
    from ext_models.datasets.conventions import Conventions, Up
    from ext_models.datasets.prepare import PrepareOptions, Shares, prepare, report

    try:
        options = PrepareOptions(
            source=arguments.source,
            out=arguments.out,
            pack=arguments.pack,
            captions=arguments.captions,
            from_names=arguments.captions_from_names,
            shares=Shares.parse(arguments.split) if arguments.split else None,
            licence=arguments.licence,
            conventions=Conventions(
                arguments.scale, Up(arguments.up), not arguments.own_proportions
            ),
        )
        report(prepare(options), options)
    except DataError as error:
        raise PipelineError(str(error)) from None
    except OSError as error:
        raise PipelineError(
            f"--out {arguments.out} cannot be written ({error.strerror}): choose a folder that can."
        ) from None
    return 0


def generate(arguments: argparse.Namespace) -> int:
    """``generate``: one prompt to one clip file, or several."""
    prompt = clean_prompt(arguments.prompt)
    manifest = read_manifest(arguments.pack)
    if not math.isfinite(arguments.seconds):
        raise PipelineError(f"--seconds {arguments.seconds}: write a number of seconds.")
    frames = round(arguments.seconds * manifest.fps)
    sampling = sampling_of(arguments)
    marked = (_pose(text, frames, manifest, arguments.place) for text in arguments.pose)
    poses = tuple(sorted(marked, key=lambda p: p.frame))
    if twice := [a.frame for a, b in itertools.pairwise(poses) if a.frame == b.frame]:
        raise PipelineError(
            f"--pose: two poses stand at frame {twice[0]}, {twice[0] / manifest.fps:g} s: move "
            "one of them."
        )
    _check_output(arguments.out)
    from ext_models.generation.pipeline import MotionPipeline
    from ext_models.generation.pose_correction import meet_poses
    from ext_models.motion.bvh_writer import write_bvh

    request = GenerationRequest(
        prompt=prompt,
        frames=frames,
        poses=poses,
        sampling=sampling,
    )
    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    with tqdm(total=100, unit="%", bar_format="{desc:9}{percentage:3.0f}%|{bar:24}|") as bar:

        def show(stage: str, share: float) -> None:
            bar.set_description(stage, refresh=False)
            bar.n = round(100 * share)
            bar.refresh()

        result = pipeline.generate(request, show, lambda: False)
    outputs = _outputs(arguments.out, len(result.clips))
    for made, path in zip(result.clips, outputs, strict=True):
        clip = made if arguments.raw else replace(made, joints=meet_poses(made.joints, poses))
        if path.suffix == ".bvh":
            write_bvh(clip, path)
        else:
            clip.save(path)
        print(f"{path}: {len(clip)} frames, {clip.seconds:.1f} s")
    spent = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in result.seconds.items())
    print("\n".join([spent, *result.notes]))
    print(f"licence of the motion ({manifest.name}): {manifest.licence}")
    print("\n".join(manifest.credits))
    return 0


def caption(arguments: argparse.Namespace) -> int:
    """``caption``: what a clip file shows, in words."""
    sampling = sampling_of(arguments, candidates=1)
    clip = MotionClip.load(arguments.clip)
    from ext_models.generation.pipeline import MotionPipeline

    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    print("\n".join(pipeline.caption(clip, sampling)))
    return 0


def _outputs(out: Path, count: int) -> list[Path]:
    if count == 1:
        return [out]
    return [out.with_name(f"{out.stem}_{k:02}{out.suffix}") for k in range(1, count + 1)]


def _check_output(out: Path) -> None:
    if out.suffix not in (".npz", ".bvh"):
        raise PipelineError(f"--out {out}: clips are written as .npz or .bvh; name it so.")
    if not out.parent.is_dir():
        raise PipelineError(f"--out {out}: there is no folder {out.parent}; make it first.")


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


def parameter_counts(folder: Path) -> dict[str, int]:
    """Parameters of a pack's parts: tokenizer, base, adapter, reranker; 0 where it has none."""
    from safetensors import safe_open

    from ext_models.generation.reranker import FOLDER as RERANKER
    from ext_models.language.adapters import ADAPTER, BASE
    from ext_models.text_motion.model import WEIGHTS

    files = {
        "tokenizer": folder / TOKENIZER_WEIGHTS,
        "base": folder / BASE / "model.safetensors",
        "adapter": folder / ADAPTER / "adapter_model.safetensors",
        "reranker": folder / RERANKER / WEIGHTS,
    }
    counts = dict.fromkeys(files, 0)
    require(files["tokenizer"])
    for name, path in files.items():
        if not path.is_file():
            continue  # a base of its own place, or a pack without an adapter
        with safe_open(path, "pt") as f:  # type: ignore[no-untyped-call]
            counts[name] = sum(math.prod(f.get_slice(k).get_shape()) for k in f.keys())  # noqa: SIM118
    if not counts["base"] and (note := training_note(folder)):
        counts["base"] = int(note["parameters"]) - int(note["trained_parameters"])
    return counts


def training_note(folder: Path) -> dict[str, Any]:
    """How a pack's language model was trained; empty where it does not say."""
    path = folder / TRAINING
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
