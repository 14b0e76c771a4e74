"""``python -m tests.support.mutants``: small wrong changes, and which of them the tests notice.

cosmic-ray lists every change that its operators make to the modules of
``[tool.motiongpt.mutants]`` in ``pyproject.toml``. A sample of them, fixed by its seed, is
tried one by one in a copy of the checkout under ``out/mutants``, each with the tests that its
subject names. A run that was stopped goes on where it was. Prints the share of mutants that
were killed and a diff for each that survived.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import hashlib
import importlib
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: What a copy of the checkout goes without.
LEFT_OUT = (".git", ".venv", "out", "dist", "runs", "__pycache__", ".hypothesis", "*.pyc")
#: The project's own packages, which each process imports from the copy.
OWN = ("motiongpt_blender", "ext_models", "tests")
#: Seconds of the clock for a second of the processor's time, before a process counts as stuck.
WALL_SECONDS = 10
#: Packages that are imported before the processes of the mutants are forked.
PRELOADED = ("numpy", "scipy.spatial", "torch", "transformers", "peft", "hypothesis", "pytest")


@dataclass(frozen=True)
class Subject:
    """Modules that are changed, and the tests that ought to notice.

    Attributes:
        name: the key in ``pyproject.toml``.
        modules: paths of Python files, relative to the checkout.
        tests: paths of test files, the quickest first.
    """

    name: str
    modules: tuple[Path, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The table ``[tool.motiongpt.mutants]``.

    Attributes:
        sample: number of mutants that are tried.
        seed: of the sample.
        seconds: processor time for the tests of one mutant; one that takes longer is killed.
        left_out: pattern of the operators that make no mutant, or equivalent ones.
        without: expression, as pytest's ``-k`` takes it, of tests that are not run.
        subjects: what is changed.
    """

    sample: int
    seed: int
    seconds: float
    left_out: str
    without: str
    subjects: tuple[Subject, ...]

    @classmethod
    def read(cls, root: Path = ROOT) -> Settings:
        """Read the table; FileNotFoundError where a pattern names no file."""
        table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
        table = table["tool"]["motiongpt"]["mutants"]
        subjects = tuple(_subject(root, name, entry) for name, entry in table["subjects"].items())
        plain = {key: table[key] for key in ("sample", "seed", "seconds", "without")}
        return cls(**plain, left_out="|".join(table["left-out"]), subjects=subjects)


def main(argv: Sequence[str] | None = None) -> int:
    """Try the sample; returns 0 when enough mutants are killed, else 1."""
    arguments = _parser().parse_args(argv)
    settings = Settings.read()
    folder = arguments.out.absolute()
    checkout = _copy(folder / "checkout")
    os.chdir(checkout)  # cosmic-ray changes files below the working directory
    os.environ |= {
        "PYTHONPATH": os.pathsep.join([str(checkout), os.environ.get("PYTHONPATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MOTIONGPT_SHARED": str(_shared()),
    }
    _load_packages()
    if failed := [] if arguments.report else list(_failing(settings, arguments.only)):
        print(f"Tests fail without any change, mend these first: {', '.join(failed)}.")
        return 1
    with _session(folder, settings) as session:
        if not arguments.report:
            _try_all(session, settings, arguments.only, again=arguments.again)
        report = _report(session, settings)
    (folder / "survivors.txt").write_text(report.text, "utf-8")
    print(report.text)
    return 0 if report.killed >= arguments.least else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.support.mutants", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/mutants"), help="working folder")
    parser.add_argument("--only", nargs="*", default=[], help="subjects to try (all)")
    parser.add_argument("--again", action="store_true", help="try the survivors once more")
    parser.add_argument("--report", action="store_true", help="try nothing, show what is known")
    parser.add_argument("--least", type=float, default=0.85, help="share to be killed (0.85)")
    return parser


# --- what is tried ----------------------------------------------------------------------


def _subject(root: Path, name: str, entry: Mapping[str, Any]) -> Subject:
    modules, tests = (
        [path.relative_to(root) for pattern in entry[key] for path in _files(root, pattern)]
        for key in ("modules", "tests")
    )
    return Subject(name, tuple(modules), tuple(path.as_posix() for path in tests))


def _files(root: Path, pattern: str) -> list[Path]:
    found = [path for path in sorted(root.glob(pattern)) if path.name != "__init__.py"]
    if not found:
        raise FileNotFoundError(f"pyproject.toml, tool.motiongpt.mutants: no file is {pattern}.")
    return found


def _copy(folder: Path) -> Path:
    """A fresh copy of the checkout: no change of a run that was stopped may stay in it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return folder


def _shared() -> Path:
    return Path(os.environ.get("MOTIONGPT_SHARED", ROOT.parent / "shared")).absolute()


def _session(folder: Path, settings: Settings) -> Any:
    """The database of the sample, made anew where the modules have changed."""
    from cosmic_ray.commands import init
    from cosmic_ray.work_db import WorkDB, use_db

    modules = [path for subject in settings.subjects for path in subject.modules]
    state = repr((settings.sample, settings.seed, settings.left_out)).encode()
    state += b"".join(str(path).encode() + path.read_bytes() for path in modules)
    path = folder / f"{hashlib.sha256(state).hexdigest()[:12]}.sqlite"
    if not path.exists():
        partial = path.with_suffix(".part")
        with use_db(partial, WorkDB.Mode.create) as session:
            init(modules, session, {})
            items = [i for i in session.work_items if not re.search(settings.left_out, _key(i)[1])]
            items.sort(key=_key)
            chosen = random.Random(settings.seed).sample(items, min(settings.sample, len(items)))
            session.clear()
            session.add_work_items(chosen)
        partial.replace(path)
    return use_db(path, WorkDB.Mode.open)


def _key(item: Any) -> tuple[str, str, int]:
    """What a mutant is, whatever the session: module, operator, number of the place."""
    change = item.mutations[0]
    return str(change.module_path), str(change.operator_name), int(change.occurrence)


# --- trying -----------------------------------------------------------------------------


def _load_packages() -> None:
    """Import once what every mutant's process would import anew; nothing of the project."""
    for name in PRELOADED:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)


def _survives(subject: Subject, settings: Settings, seconds: float) -> tuple[bool, str]:
    """Whether the subject's tests pass in a process of their own, and their output."""
    words = Path("words.txt")
    words.unlink(missing_ok=True)
    child = multiprocessing.get_context("fork").Process(
        target=_pytest, args=(subject, settings.without, seconds, words)
    )
    child.start()
    child.join(WALL_SECONDS * seconds)
    if child.is_alive():
        os.killpg(child.pid or 0, signal.SIGKILL)
        child.join()
    return child.exitcode == 0, words.read_text("utf-8", "replace") if words.exists() else ""


def _pytest(subject: Subject, without: str, seconds: float, words: Path) -> None:
    """In the forked process: run the tests, stop at the first that fails."""
    import resource

    import pytest

    os.setsid()  # so that a test's own children can be ended with it
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
    with words.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.path[:] = [str(Path.cwd()), *(p for p in sys.path if p and Path(p) != ROOT)]
    for name in [n for n in sys.modules if n.split(".")[0] in OWN]:
        del sys.modules[name]
    sys.dont_write_bytecode = True  # two changes within a second would look alike
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    status = pytest.main([*options, "-k", f"not ({without})", *subject.tests])
    sys.stdout.flush()
    os._exit(int(status))


def _failing(settings: Settings, only: Sequence[str]) -> Iterator[str]:
    """Subjects whose tests fail on the code as it is."""
    for subject in settings.subjects:
        if only and subject.name not in only:
            continue
        began = time.perf_counter()
        passed, text = _survives(subject, settings, 10 * settings.seconds)
        print(f"{subject.name}: {time.perf_counter() - began:.0f} s unchanged", flush=True)
        if not passed:
            print(text[-3000:])
            yield subject.name


def _try_all(session: Any, settings: Settings, only: Sequence[str], *, again: bool) -> None:
    """Try what has no verdict yet, and the survivors once more where asked."""
    owner = {path: subject for subject in settings.subjects for path in subject.modules}
    survived = (item for item, result in session.completed_work_items if not result.is_killed)
    wanted = sorted([*session.pending_work_items, *(survived if again else ())], key=_key)
    wanted = [i for i in wanted if not only or owner[i.mutations[0].module_path].name in only]
    # In a random order, so that a run that is stopped says something of all subjects.
    random.Random(settings.seed).shuffle(wanted)
    for number, item in enumerate(wanted, start=1):
        change = item.mutations[0]
        subject = owner[change.module_path]
        began = time.perf_counter()
        result = _try_one(change, subject, settings)
        session.set_result(item.job_id, result)
        print(
            f"{number}/{len(wanted)} {result.test_outcome.value} in "
            f"{time.perf_counter() - began:.0f} s: {change.module_path}:{change.start_pos[0]} "
            f"{change.operator_name}",
            flush=True,
        )


def _try_one(change: Any, subject: Subject, settings: Settings) -> Any:
    """Make one change, run the tests, take it back."""
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.plugins import get_operator
    from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

    operator = get_operator(change.operator_name)(**change.operator_args)
    with use_mutation(change.module_path, operator, change.occurrence) as (before, after):
        survived, words = _survives(subject, settings, settings.seconds)
    lines = (text.splitlines() for text in (before, after))
    path = change.module_path.as_posix()
    diff = "\n".join(difflib.unified_diff(*lines, path, path, n=2, lineterm=""))
    outcome = TestOutcome.SURVIVED if survived else TestOutcome.KILLED
    return WorkResult(WorkerOutcome.NORMAL, words[-2000:], outcome, diff)


# --- telling ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """The share of mutants that were killed, and the whole report as text."""

    killed: float
    text: str


def _report(session: Any, settings: Settings) -> Report:
    owner = {path: subject.name for subject in settings.subjects for path in subject.modules}
    tried, killed, diffs = Counter[str](), Counter[str](), list[str]()
    for item, result in sorted(session.completed_work_items, key=lambda pair: _key(pair[0])):
        name = owner[item.mutations[0].module_path]
        tried[name] += 1
        killed[name] += result.is_killed
        if not result.is_killed:
            diffs.append(result.diff)
    lines = [f"{name}: {killed[name]} of {tried[name]} killed" for name in tried]
    share = killed.total() / max(tried.total(), 1)
    total = f"{killed.total()} of {tried.total()} mutants killed: {100 * share:.1f} %"
    return Report(share, "\n".join([*diffs, "", *lines, total]))


if __name__ == "__main__":
    sys.exit(main())
