"""Packs in small, as folders and archives see them."""

import json
import struct


def weights(count=4):
    header = json.dumps({"w": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}})
    return struct.pack("<Q", len(header)) + header.encode() + bytes(count)


def make(folder, **changes):
    """A pack's folder that is right in all that can be seen from outside."""
    body = {"format_version": 2, "name": folder.name, "title": "Walks", "licence": "CC BY-NC 4.0",
            "credits": ["Somebody"], "skills": ["places"], "base_model": "./base",
            "adapter": ""} | changes  # fmt: skip
    (folder / "base").mkdir(parents=True)
    (folder / "pack.json").write_text(json.dumps(body))
    (folder / "MODEL_CARD.md").write_text("A card.")
    (folder / "LICENSE").write_text("Terms.")
    (folder / "base" / "model.safetensors").write_bytes(weights())
    return folder


def files(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
