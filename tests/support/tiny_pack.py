"""A complete model pack with random weights, small enough to be made in a second."""

from dataclasses import replace

import numpy as np
import torch

from ext_models import packs
from ext_models.language import vocabulary as voc
from ext_models.language.base_models import adapters as m
from ext_models.motion import features, representations
from ext_models.tokenizer import vqvae as v
from ext_models.tokenizer.clip_summary import fit_clip_summary
from tests.support.motion_folders import walker

CAPTIONS = ["a person walks forward.", "someone jumps up and turns left.", "he waves."] * 3
TOKENIZER = v.TokenizerConfig(width=16, code_width=8, codes=12, levels=2)
VOCABULARY = voc.MotionVocabulary(levels=2, codes=12, max_steps=10)


def text_tokenizer(vocabulary=VOCABULARY):
    text = voc.train_text_tokenizer(CAPTIONS, 300)
    voc.add_tokens(text, vocabulary)
    return text


def write(folder, skills=(), summary=()):
    """Write the pack and return its folder."""
    vocabulary = replace(VOCABULARY, skills=frozenset(skills), summary=summary or (0, 0))
    torch.manual_seed(0)
    motion = v.VQVAE(TOKENIZER).eval()
    for book in motion.quantizer.books:
        book.codebook.normal_()
    v.save_tokenizer(motion, folder)
    text = text_tokenizer(vocabulary)
    base = m.new_base(m.BaseConfig(hidden=16, layers=1, heads=2, mlp=16), text)
    m.save_base(base, text, folder / m.BASE)
    ids = voc.TokenIds.of(text, vocabulary)
    added = [ids.ids[t] for t in vocabulary.added]
    m.save_adapter(m.add_adapter(base, m.AdapterConfig(rank=2), added), folder / m.ADAPTER)
    if summary:
        fit_clip_summary([walker(20 + k) for k in range(2 * summary[1])], *summary, 0).save(folder)
    packs.write_manifest(
        folder, replace(manifest(), skills=tuple(s.value for s in skills), summary=summary)
    )
    return folder


def write_bodies(folder):
    """Give a pack a tokenizer whose codes are bodies about the one of a walker, at random."""
    torch.manual_seed(1)
    tokenizer = v.VQVAE(replace(TOKENIZER, form="patches", lap=2)).eval()
    x = torch.from_numpy(np.concatenate([features.from_joints(walker(40, s)) for s in range(4)]))
    tokenizer.mean.copy_(x.mean(0))
    tokenizer.std.copy_(x.std(0).clamp(min=1e-3))
    tokenizer.std[:3] = torch.tensor([0.01, 0.02, 0.02])
    for book, scale in zip(tokenizer.quantizer.books, (2.0, 0.7), strict=True):
        book.codebook.normal_().mul_(scale)
    v.save_tokenizer(tokenizer, folder)


def manifest():
    return packs.PackManifest(
        format_version=packs.FORMAT_VERSION,
        name="tiny",
        title="Tiny",
        licence="none",
        credits=("nobody",),
        representation=representations.HUMANML3D.name,
        fps=20.0,
        max_frames=40,
        skeleton=tuple(
            tuple(float(x) / 4 for x in d) for d in representations.HUMANML3D.directions
        ),
        prompt_style="tokens",
        levels=2,
        words=("a", "person", "walks"),
        base_model="./base",
        adapter="adapter",
    )
