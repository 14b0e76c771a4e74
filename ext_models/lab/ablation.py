"""Ablations: one change of a recipe at a time, each trained and measured alike.

A recipe names the pack's recipe to start from and, row by row, what is different. Rows of
one group share a table, with the row that they all differ from. What is done is kept, so
that a stopped command goes on; tokenizers are shared by the rows that do not change them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from ext_models import packs
from ext_models.datasets.examples import Example, data_hash
from ext_models.evaluation.baselines import TEXT
from ext_models.evaluation.clip_maker import ClipMaker, pack_hash
from ext_models.evaluation.eval_set import Evaluator, build_eval_set
from ext_models.evaluation.evaluation import Evaluation, evaluate
from ext_models.evaluation.plots import LOSS, draw_curve
from ext_models.evaluation.prompts.prompt_lists import read_prompts, shipped_lists
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.generation.generators import TokenGenerator
from ext_models.generation.pipeline import MotionPipeline
from ext_models.language.base_models.loaded_base import TrainingResult
from ext_models.language.code_cache import read_codes, write_codes
from ext_models.language.corpus import Seen
from ext_models.language.datastore import DATASTORE
from ext_models.language.pack_training import train_pack
from ext_models.language.planner_training import planner_folder
from ext_models.language.recipe import LanguageRecipe
from ext_models.packs import PackError
from ext_models.tokenizer.recipe import train_from_recipe
from ext_models.tokenizer.vqvae import save_tokenizer
from ext_models.training.log import TOKEN_ACCURACY
from ext_models.training.run_identity import short_hash
from motiongpt_blender.core.packs.manifest import PLANNER

from .ablation_recipe import Ablation, AblationRow, file_name
from .bench import Bench, measure

#: A base made by another row of the ablation.
OF_ROW: Final = "row:"
#: Columns of the text-motion table that the tables show.
METRICS: Final = ("R@1", "R@3", "MM-Dist")
#: The ratio of a pose task with the clip's own poses: 0 is as good as the tokenizer, 1 no better
#: than text alone.
OWN_POSES: Final = "{}, own poses, model alone: Recon (with - floor) / (text - floor)"
#: The numbers of a row that the tables show, and their columns.
SHOWN: Final = {
    **{name: name for name in ("trained", LOSS, *METRICS)},
    **{OWN_POSES.format(task): f"{task} pose" for task in ("initial", "last")},
    OWN_POSES.format("keys"): "key poses",
    **{name: name for name in ("tokens a motion", "s a motion")},
}
RESULT: Final = "row.json"
TABLES: Final = "ablation.md"
#: The metrics of a curve.
MEASURES: Final = ("R@1", "R@3")
#: Seconds of the motion that speed is measured with.
MOTION: Final = 4.0


class AblationRunner:
    """Trains and measures rows in one folder."""

    def __init__(
        self,
        wanted: Ablation,
        data: Path | None,
        out: Path,
        evaluator: Evaluator | None,
        device: str,
    ) -> None:
        self.wanted, self.data, self.out = wanted, data, out
        self.evaluator, self.device = evaluator, device
        self.seen: Seen = read_codes(out)
        self._clips: tuple[str, list[Example], str] = ("", [], "")

    def row(self, change: AblationRow) -> Row:
        """One row, trained and measured, or as it was before."""
        place = self.out / change.folder
        result, mark = place / RESULT, self._mark(change)
        examples, data = self._examples(change)
        if result.is_file():
            body = json.loads(result.read_text(encoding="utf-8"))
            if body["of"] == mark and body.get("data", data) == data:
                kept = body["values"].items()
                values = {k: tuple(v) if isinstance(v, list) else v for k, v in kept}
                return Row(change.name, values, body["evaluator"])
        pack, run = place / "pack", place / f"run-{short_hash([mark, data])}"
        pack.mkdir(parents=True, exist_ok=True)
        run.mkdir(exist_ok=True)
        language = self._resolved(change)
        known = len(self.seen)
        with self._trained_folder(change, examples, data, pack) as folder:
            started = time.monotonic()
            trained = train_pack(
                change.recipe.pack_table,
                language,
                examples,
                folder,
                run,
                device=self.device,
                seen=self.seen,
            )
        minutes = (time.monotonic() - started) / 60
        if len(self.seen) > known:
            write_codes(self.out, self.seen)
        values = self._measured(examples, pack, place, trained) | {"minutes": minutes}
        evaluator = self.evaluator.name if self.evaluator else ""
        body = {"of": mark, "data": data, "values": values, "evaluator": evaluator}
        result.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
        return Row(change.name, values, evaluator)

    @contextlib.contextmanager
    def _trained_folder(
        self, change: AblationRow, examples: Sequence[Example], data: str, pack: Path
    ) -> Iterator[Path]:
        """Where a row's language model is trained: its pack, or the planner of the writer."""
        if self.wanted.writer is None:
            self._tokenizer(change, examples, data, pack)
            yield pack
            return
        # Without neighbours and reranker, so that a take is what the planner asked for.
        left_out = shutil.ignore_patterns(DATASTORE, packs.RERANKER, PLANNER)
        shutil.copytree(self.wanted.writer, pack, ignore=left_out, dirs_exist_ok=True)
        with planner_folder(pack) as folder:
            yield folder

    def _mark(self, change: AblationRow) -> str:
        """Names everything that a row's numbers depend on besides the clips."""
        measured = [self.wanted.clips, repr(self.wanted.settings)]
        if self.wanted.writer is not None:
            measured += [pack_hash(self.wanted.writer), self.wanted.prompts]
        evaluator = self.evaluator.name if self.evaluator else ""
        return short_hash([asdict(change.recipe), measured, evaluator])

    def _examples(self, change: AblationRow) -> tuple[list[Example], str]:
        """The clips of a row and their hash; rows of one data set read it once."""
        asked = short_hash(asdict(change.recipe.pack_table))
        if self._clips[0] != asked:
            examples = change.recipe.examples(self.data)
            self._clips = (asked, examples, data_hash(examples))
        return self._clips[1:]

    def _tokenizer(
        self, change: AblationRow, examples: Sequence[Example], data: str, pack: Path
    ) -> None:
        """Put the tokenizer of a row into its pack; trained once for all that are alike."""
        table, seed = change.recipe.tokenizer_table, change.recipe.pack_table.seed
        shared = self.out / "tokenizers" / short_hash([asdict(table), data, seed])
        if not (shared / packs.TOKENIZER_WEIGHTS).is_file():
            model = train_from_recipe(
                table, examples, shared, seed=seed, device=self.device, data=self.data
            )
            save_tokenizer(model, shared)
        for name in (packs.TOKENIZER_CONFIG, packs.TOKENIZER_WEIGHTS):
            shutil.copyfile(shared / name, pack / name)

    def _resolved(self, change: AblationRow) -> LanguageRecipe:
        """The language model's table, with the base of another row where it asks for one."""
        language = change.recipe.language_table
        base = language.base
        if not isinstance(base, str) or not base.startswith(OF_ROW):
            return language
        wanted = base.removeprefix(OF_ROW).strip()
        other = next((c for c in self.wanted.rows if c.name == wanted), None)
        place = self.out / other.folder / "pack" / "base" if other else None
        if place is None or not place.is_dir():
            raise PackError(
                f"row '{change.name}' wants the base of the row '{wanted}', which does not stand "
                "above it."
            )
        return replace(language, base=str(place.resolve()))

    def _measured(
        self, examples: Sequence[Example], pack: Path, place: Path, trained: TrainingResult
    ) -> dict[str, Value]:
        """What stands in the table: the training, the evaluation, the speed."""
        pipeline = MotionPipeline.from_pack(pack, self.device)
        if self.wanted.writer is not None:
            _leave_to_planner(pipeline)
        eval_set = build_eval_set(
            pipeline, examples, self.wanted.settings, self.evaluator, clips=self.wanted.clips
        )
        maker = ClipMaker(pipeline, place / "clips" / f"{pack_hash(pack)}.jsonl")
        lists = tuple(
            read_prompts(shipped_lists()[n]).known(examples)[0] for n in self.wanted.prompts
        )
        result = evaluate(eval_set, maker, lists, self.out / "points", {})
        result.save(place / "evaluation")
        log = trained.logs[-1]
        values: dict[str, Value] = {
            "trained": trained.trainable_share,
            LOSS: log.best,
            "tokens foreseen": log.last(TOKEN_ACCURACY),
        }
        values |= numbers_of(result)
        stride, longest = pipeline.tokenizer.config.stride, pipeline.manifest.max_frames
        steps = min(round(MOTION * pipeline.manifest.fps), longest) // stride
        bench = Bench(pipeline.generator, steps, pipeline.tokenizer.config.codes)  # type: ignore[arg-type]
        speed = measure(bench.variants()[0], 1, self.device)
        return values | {"tokens a motion": float(speed.tokens), "s a motion": speed.each}


def numbers_of(result: Evaluation) -> dict[str, Value]:
    """The numbers of an evaluation that stand in a table of an ablation."""
    values: dict[str, Value] = {}
    for row in result.text_motion.table.rows if result.text_motion else ():
        if row.name == TEXT:
            values |= {name: row.values[name] for name in METRICS if name in row.values}
    for row in result.tables["prompts"].rows if "prompts" in result.tables else ():
        name, _, method = row.name.rpartition(": ")
        if method == TEXT:
            values[f"{name}: R@3"] = row.values["R@3"]
    for row in result.tables["poses"].rows:
        for name, value in row.values.items():
            if name.startswith("Recon"):
                values[f"{row.name}: {name}"] = value
    return values


def tables(wanted: Ablation, rows: Mapping[str, Row]) -> list[Table]:
    """A table for each question, the common row first; the rows' files say more."""
    rows = {folder: _shown(row) for folder, row in rows.items()}
    common = rows[wanted.rows[0].folder]
    groups = dict.fromkeys(c.group for c in wanted.rows if c.group)
    found: list[Table] = []
    for group in groups:
        own = [rows[c.folder] for c in wanted.rows if c.group == group and c.folder in rows]
        found.append(Table(group, (common, *own)))
    return found or [Table("unchanged recipe", (common,))]


def curves(wanted: Ablation, rows: Mapping[str, Row], out: Path) -> list[str]:
    """Draw a curve for each group that has one; returns sentences that say where they are."""
    sentences: list[str] = []
    for group in dict.fromkeys(c.group for c in wanted.rows if c.group):
        own = [c for c in wanted.rows if c.group in (group, "") and c.at is not None]
        done = [(c.at or 0.0, rows[c.folder]) for c in own if c.folder in rows]
        points = [(at, row) for at, row in done if MEASURES[0] in row.values]
        if sum(bool(c.group) for c in own) >= 2 and len(points) >= 2:
            sentences.append(draw_curve(group, points, MEASURES, out / f"{file_name(group)}.png"))
    return sentences


def _leave_to_planner(pipeline: MotionPipeline) -> None:
    """Have the planner alone decide the summaries."""
    generator = pipeline.generator
    assert isinstance(generator, TokenGenerator), "a planner writes the style `tokens`"
    assert generator.planner is not None, "the row trained one"
    alone = replace(generator.planner, own=0.0)
    pipeline.generator = replace(generator, planner=alone)


def _shown(row: Row) -> Row:
    lists = {key: key for key in row.values if key.endswith(": R@3")}
    shown = {**SHOWN, **lists}
    values = {name: row.values[key] for key, name in shown.items() if key in row.values}
    return replace(row, values=values)
