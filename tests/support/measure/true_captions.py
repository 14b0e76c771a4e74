"""``python -m tests.support.measure.true_captions``: a list of prompts asked in the data's words.

Each prompt of a list is replaced by a caption of one of its labels, so that ``evaluate --prompts``
tells what a pack makes of a perfect reading.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from ext_models.datasets.layouts import read_sets
from ext_models.evaluation.prompts.prompt_lists import read_prompts, shipped_lists


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.true_captions", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--sets", nargs="+", default=["clean", "nc"])
    parser.add_argument("--prompts", default="unknown", choices=sorted(shipped_lists()))
    parser.add_argument("--out", type=Path, required=True, help="the list (toml)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the list; returns the exit status."""
    arguments = parser().parse_args(argv)
    captions: dict[str, set[str]] = {}
    for example in read_sets(arguments.data, arguments.sets):
        if example.split == "train":
            captions.setdefault(example.label, set()).update(example.captions)
    prompts = read_prompts(shipped_lists()[arguments.prompts]).prompts
    lines, seen, rng = ['kind = "true captions"'], set[str](), random.Random(1)
    for prompt in prompts:
        known = sorted({c for label in prompt.labels for c in captions.get(label, ())} - seen)
        if known:
            chosen = rng.choice(known)
            seen.add(chosen)
            lines += ["", "[[prompts]]", f"text = {json.dumps(chosen)}"]
            lines.append(f"labels = {json.dumps(prompt.labels)}")
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(seen)} of {len(prompts)} prompts as captions in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
