"""What is new in a version."""

from motiongpt_blender.core.changelog import news
from tests.support.imports import ROOT

TEXT = """# Changes

## 0.2.0 - 2026-12-01

A sentence.

### Added
- *Keep* leaves the take
  on the character. See [the page](docs/animators.md).
- `generate` takes more.

### Fixed
- A fault.

## 0.2 - older
- Not this one.

## 0.1.0
- Old.
"""


def test_the_entries_of_a_version_are_plain_lines():
    assert news(TEXT, "0.2.0") == (
        "Keep leaves the take on the character. See the page.",
        "generate takes more.",
        "A fault.",
    )
    assert news(TEXT, "0.1.0") == ("Old.",)


def test_a_version_without_entries_has_no_news():
    assert news(TEXT, "0.3.0") == ()
    assert news(TEXT, "0.2.") == ()
    assert news("", "0.2.0") == ()


def test_our_changelog_tells_of_our_version():
    import tomllib

    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    entries = news((ROOT / "CHANGELOG.md").read_text("utf-8"), manifest["version"])
    assert len(entries) > 5
    assert not any("\n" in entry or "](" in entry for entry in entries)
