"""The model card of a pack, written from what was measured."""

from __future__ import annotations

from ext_models.packs import PackManifest
from ext_models.tokenizer.report import Report

from .poses import PoseReport


def model_card(
    manifest: PackManifest,
    tokenizer: Report,
    poses: PoseReport,
    sizes: dict[str, float],
    counts: dict[str, int],
) -> str:
    """Markdown of ``MODEL_CARD.md``.

    Args:
        manifest: of the pack.
        tokenizer: reconstruction of the held-out clips with the levels that are used.
        poses: pose consistency on the same clips.
        sizes: millions of parameters: tokenizer, base, adapter.
        counts: clips of each split.
    """
    share = sizes["adapter"] / (sizes["adapter"] + sizes["base"])
    lines = [
        f"# {manifest.title}",
        "",
        f"Licence: {manifest.licence}. Motion at {manifest.fps:g} fps, up to "
        f"{manifest.max_frames / manifest.fps:.1f} s, {manifest.representation} features.",
        "",
        "## What it is",
        "",
        f"- Tokenizer: residual VQ-VAE, {sizes['tokenizer']:.1f} M parameters, "
        f"{manifest.levels} codes for every 4 frames.",
        f"- Base: a Llama of {sizes['base']:.1f} M parameters made from scratch. It read captions "
        "alone and motion codes alone, never a pair.",
        f"- Adapter: LoRA and the rows of the motion tokens, {sizes['adapter']:.1f} M parameters "
        f"({share:.0%} of all).",
        f"- Trained on {counts['train']} clips (mirrored, and at three speeds), watched on "
        f"{counts['val']}, measured below on {counts['test']} that it has not seen.",
        f"- It has read {len(manifest.words)} words. Other words mean nothing to it.",
        "",
        "## Measured on the test clips",
        "",
        "| tokenizer | mm |",
        "|---|---|",
        f"| joint error, pelvis in place | {tokenizer.root_relative:.0f} |",
        f"| joint error in the world | {tokenizer.in_place:.0f} |",
        f"| a single pose, encoded alone | {tokenizer.single_pose:.0f} |",
        "",
        "Pose consistency at the asked frame, before the correction that makes the rig meet a",
        "marked pose exactly. Means with 95 % intervals; the floor, what the tokenizer alone makes "
        f"of the same poses, is {poses.floor:.1f} cm.",
        "",
        "| asked pose | model was given | Recon, cm | Vel, cm/frame | clips |",
        "|---|---|---|---|---|",
        *(
            f"| {s.asked} | {'text + pose' if s.given else 'text only'} "
            f"| {s.recon[0]:.1f} ± {s.recon[1]:.1f} | {s.velocity[0]:.2f} ± {s.velocity[1]:.2f} "
            f"| {s.clips} |"
            for s in poses.scores
        ),
        "",
        f"Frames in which a toe near the floor slides: {poses.skating:.0%} generated, "
        f"{poses.real_skating:.0%} in the real clips.",
        "",
        "Not measured yet: agreement of text and motion (R-precision, FID).",
        "",
        "## Credits, which must travel with this pack",
        "",
        *(f"- {line}" for line in manifest.credits),
    ]
    return "\n".join(lines) + "\n"
