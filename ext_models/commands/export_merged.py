"""``export-merged``: a pack's language model as one plain folder of transformers.

Engines such as vLLM take no adapter that brings tokens of its own. The folder holds the
base with the adapter merged into it, its vocabulary resized, and the text tokenizer with
the motion tokens; ``motion.json`` says how instructions are written and answers are read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ext_models import packs
from ext_models.language.vocabulary import MOTION_END, MOTION_START, MotionVocabulary, TokenIds
from ext_models.packs import PackError
from motiongpt_blender.core.patience import patiently

from .options import add_pack

NOTE: Final = "motion.json"
DTYPES: Final = ("float32", "bfloat16", "float16")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pack(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write, new")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")


def run(arguments: argparse.Namespace) -> int:
    """Write the folder and print how to serve it."""
    note = export_merged(arguments.pack, arguments.out, arguments.dtype)
    size = sum(f.stat().st_size for f in arguments.out.rglob("*.safetensors"))
    print(f"{arguments.out}: {size / 1e6:.1f} MB, prompt style {note['prompt_style']}")
    if "example" in note:
        print(f"prompt, for example: {note['example']['prompt']}")
    print(f"serve it with:  vllm serve {arguments.out}   or   transformers serve")
    return 0


def export_merged(pack: Path, out: Path, dtype: str = "float32") -> dict[str, Any]:
    """Write the folder; gives what ``motion.json`` says.

    Raises:
        PackError: when the pack is broken, or ``out`` is taken; nothing is left behind then.
    """
    import torch

    from ext_models.generation.pipeline import vocabulary_of
    from ext_models.language.base_models.adapters import load_model, load_text_model
    from ext_models.tokenizer.vqvae import load_tokenizer

    if dtype not in DTYPES:
        raise PackError(f"--dtype {dtype}: choose one of {', '.join(DTYPES)}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PackError(f"{out} is there already: give a new folder.")
    if not out.parent.is_dir():
        raise PackError(f"{out}: there is no folder {out.parent}; make it first.")
    manifest = packs.read_manifest(pack)
    vocabulary = vocabulary_of(manifest, load_tokenizer(pack))
    if manifest.prompt_style == "tokens":
        model, text = load_model(pack, manifest, vocabulary, "cpu")
        ids = TokenIds.of(text, vocabulary)
    else:
        model, text = load_text_model(pack, manifest, "cpu")
        ids = None
    note = _note(manifest, vocabulary, ids)
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _settle(model, text, ids)
        model.to(getattr(torch, dtype)).save_pretrained(str(building))
        text.save_pretrained(building)
        (building / NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
        building.chmod(0o755)
        if out.exists():
            out.rmdir()
        patiently(building.rename, out)
    except OSError as error:
        raise PackError(f"{out} cannot be written ({error.strerror or error}).") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return note


def _settle(model: Any, text: Any, ids: TokenIds | None) -> None:
    """Ends and vocabulary as an engine looks for them."""
    model.config.get_text_config().vocab_size = model.get_input_embeddings().weight.shape[0]
    ends = [text.eos_token_id] if text.eos_token_id is not None else []
    if ids is not None:
        ends = [ids.end, *ends]  # a motion ends with its own token
    model.generation_config.eos_token_id = ends
    model.generation_config.pad_token_id = text.pad_token_id


def _note(
    manifest: packs.PackManifest, vocabulary: MotionVocabulary, ids: TokenIds | None
) -> dict[str, Any]:
    shape = {k: v for k, v in asdict(vocabulary).items() if k != "skills"}
    note: dict[str, Any] = {
        "pack": manifest.name,
        "licence": manifest.licence,
        "credits": list(manifest.credits),
        "prompt_style": manifest.prompt_style,
        "vocabulary": shape | {"skills": sorted(s.value for s in vocabulary.skills)},
        "frames_a_second": manifest.fps,
    }
    if ids is not None:
        summary = "".join(vocabulary.summary_code(k, 0) for k in range(vocabulary.summary[0]))
        codes = summary + "".join(vocabulary.code(k, 7) for k in range(vocabulary.levels))
        note["example"] = {
            "prompt": f"a person walks forward.{vocabulary.length(10)}{MOTION_START}",
            "answer": f"{codes} ... {MOTION_END}",
            "stop_token_ids": [ids.end],
        }
    return note
