"""``import-checkpoint``: converts the authors' downloads to a model pack.

The pack is built in a temporary folder and moved to its place when it is complete, so that an
error leaves no half pack. It holds no pickles.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file

from ext_models import __version__
from ext_models.language.base_models.adapters import ADAPTER, BASE, save_adapter
from ext_models.motion import features
from ext_models.motion.representations import HUMANML3D, KIT, REPRESENTATIONS, Representation
from ext_models.packs import FORMAT_VERSION, TOKENIZER_WEIGHTS, PackManifest, write_manifest
from ext_models.tokenizer.vqvae import save_tokenizer
from motiongpt_blender.core.packs.manifest import CARD
from motiongpt_blender.core.patience import patiently

from . import lit_llama
from .reading import CheckpointError, read_array
from .reference_vqvae import ReferenceVQVAE, load_vqvae
from .text_tokenizer import load_text_tokenizer

#: Longest motion of the reference's data, in frames.
MAX_FRAMES: Final = 196
LICENCE: Final = "Research only (terms of LLaMA, of the motion data and of the authors)"
CREDITS: Final = (
    "MotionGPT: Finetuned LLMs are General-Purpose Motion Generators (Zhang et al., AAAI 2024).",
    "T2M-GPT: Generating Human Motion from Textual Descriptions with Discrete Representations "
    "(Zhang et al., CVPR 2023).",
    "LLaMA: Open and Efficient Foundation Language Models (Touvron et al., 2023).",
)
DATA_CREDITS: Final = {
    HUMANML3D.name: "HumanML3D (Guo et al., CVPR 2022), made from AMASS and HumanAct12.",
    KIT.name: "KIT Motion-Language (Plappert et al., 2016).",
}


@dataclass(frozen=True)
class Downloads:
    """The files that become one pack.

    Attributes:
        vqvae: ``pretrained_vqvae/{t2m,kit}.pth``.
        mean, std: (C,) statistics that the VQ-VAE was trained with.
        base: ``lit-llama.pth``, or a folder with a Llama of transformers.
        lora: ``pretrained_lora/pretrained.pth``.
        text: sentencepiece's ``tokenizer.model``, or a folder with ``tokenizer.json``.
        skeleton: joints (T, J, 3) of one motion of the data set, in its unit, whose bones
            the pack takes; without it those of the starter pack (HumanML3D only).
        heads: attention heads of an unusual base.
    """

    vqvae: Path
    mean: Path
    std: Path
    base: Path
    lora: Path
    text: Path
    skeleton: Path | None = None
    heads: int | None = None

    @property
    def named(self) -> dict[str, Path]:
        """Each file by its description, for the card."""
        files = {
            "VQ-VAE": self.vqvae,
            "mean": self.mean,
            "std": self.std,
            "base model": self.base,
            "LoRA": self.lora,
            "text tokenizer": self.text,
            "skeleton": self.skeleton,
        }
        return {what: path for what, path in files.items() if path is not None}


def import_checkpoint(
    downloads: Downloads, out: Path, *, name: str | None = None, licence: str = LICENCE
) -> PackManifest:
    """Write the pack ``out``; raises CheckpointError, and then leaves nothing behind."""
    _check_places(downloads, out)
    codec, rep = _codec(downloads)
    manifest = PackManifest(
        format_version=FORMAT_VERSION,
        name=name or out.name,
        title=f"The reference system, {rep.name}",
        licence=licence,
        credits=(*CREDITS, DATA_CREDITS[rep.name]),
        representation=rep.name,
        fps=rep.fps,
        max_frames=MAX_FRAMES,
        skeleton=_skeleton(downloads.skeleton, rep),
        prompt_style="paper",
        levels=1,
        words=(),
        base_model=f"./{BASE}",
        adapter=ADAPTER,
    )
    text = load_text_tokenizer(downloads.text)
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _write_codec(codec, building)
        _write_language(downloads, text, building)
        write_manifest(building, manifest)
        (building / CARD).write_text(_card(manifest, downloads), encoding="utf-8")
        building.chmod(0o755)
        if out.exists():
            out.rmdir()
        patiently(building.rename, out)
    except OSError as error:
        raise CheckpointError(f"{out} cannot be written ({error.strerror or error}).") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def _check_places(downloads: Downloads, out: Path) -> None:
    """Check the paths first, because the import takes minutes; raises CheckpointError."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CheckpointError(f"{out} is there already: give a new folder for the pack.")
    if not out.parent.is_dir():
        raise CheckpointError(f"{out}: there is no folder {out.parent}; make it first.")
    for what, path in downloads.named.items():
        if not path.exists():
            raise CheckpointError(f"{path} ({what}): there is no such file.")


def _codec(downloads: Downloads) -> tuple[ReferenceVQVAE, Representation]:
    """The VQ-VAE with its statistics inside, and what its features are."""
    codec = load_vqvae(downloads.vqvae)
    channels = codec.config.channels
    rep = next((r for r in REPRESENTATIONS.values() if r.width == channels), None)
    if rep is None:
        raise CheckpointError(
            f"{downloads.vqvae} is made for {channels} channels; packs know 263 (HumanML3D) and "
            "251 (KIT-ML)."
        )
    mean, std = (read_array(path, (channels,)) for path in (downloads.mean, downloads.std))
    if (std <= 0).any():
        raise CheckpointError(
            f"{downloads.std} holds {int((std <= 0).sum())} numbers that are not above 0: give "
            "the std.npy that the VQ-VAE was trained with."
        )
    codec.model.mean.copy_(torch.from_numpy(mean))
    codec.model.std.copy_(torch.from_numpy(std))
    return codec, rep


def _skeleton(path: Path | None, rep: Representation) -> tuple[tuple[float, ...], ...]:
    """Offsets (J, 3) of each joint from its parent in metres."""
    if path is not None:
        joints = read_array(path, (None, rep.joints, 3))
        offsets = features.bone_offsets(joints[0], rep) * rep.unit
    elif rep == HUMANML3D:
        offsets = features.default_offsets()
    else:
        raise CheckpointError(
            f"{rep.name} needs the bones of its data set: name one file of its new_joints folder "
            "with --skeleton."
        )
    return tuple(tuple(round(float(x), 6) for x in row) for row in offsets)


def _write_codec(codec: ReferenceVQVAE, folder: Path) -> None:
    save_tokenizer(codec.model, folder)
    # In full precision: half precision would change codes near a boundary.
    state = {k: v.contiguous() for k, v in codec.model.state_dict().items()}
    save_file(state, folder / TOKENIZER_WEIGHTS)


def _write_language(downloads: Downloads, text: Any, folder: Path) -> None:
    base = lit_llama.load_base(downloads.base, downloads.heads)
    if len(text) > base.config.vocab_size:
        raise CheckpointError(
            f"{downloads.text} has {len(text)} tokens and the base model "
            f"{base.config.vocab_size}: it belongs to another model."
        )
    lora = lit_llama.read_lora(downloads.lora, base.config)
    for kind in ("bos_token_id", "eos_token_id"):
        setattr(base.config, kind, getattr(text, kind))
        setattr(base.generation_config, kind, getattr(text, kind))
    base.save_pretrained(str(folder / BASE))
    text.save_pretrained(str(folder / BASE))
    save_adapter(lit_llama.add_lora(base, lora), folder / ADAPTER, whole=True)


def _card(manifest: PackManifest, downloads: Downloads) -> str:
    rows = "\n".join(
        f"| {what} | {path.name} | {_digest(path)} |" for what, path in downloads.named.items()
    )
    credits = "\n".join(f"- {line}" for line in manifest.credits)
    return f"""# {manifest.title}

Imported from the authors' files by MotionGPT for Blender {__version__}. Prompt style `paper`:
codes as digits in text. Nothing was trained or measured here.

| what | file | SHA-256 |
|---|---|---|
{rows}

Licence: {manifest.licence}.

{credits}
"""


def _digest(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
