"""Every text of the add-on has its translation, in each language that has a folder."""

import re
import tomllib

import bpy
import pytest

from motiongpt_blender import registration, translations
from motiongpt_blender.core.translation import CONTEXT
from tests.support import messages
from tests.support.imports import ROOT

LANGUAGES = translations.read_languages()
FILES = sorted(translations.FOLDER.glob("*/*.toml"))
#: Channels of a bone, whose names are Blender's.
CHANNELS = {"location", "rotation", "scale"}


@pytest.fixture(scope="module")
def texts():
    """All that the add-on shows."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    registration.register()
    said = set().union(*map(messages.said_in, messages.message_sources()))
    said |= messages.registered_texts(registration.CLASSES)
    registration.unregister()
    return said | set(messages.words_of_parts()) | CHANNELS


@pytest.mark.parametrize("language", ["zh_HANS", "ja_JP"])
def test_every_text_is_translated(language, texts):
    missing = sorted(texts - LANGUAGES[language].keys())
    assert not missing, f"translations/{language} lacks: {missing}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_left_over(language, texts):
    of_process = messages.forms_in(ROOT / "ext_models")
    over = [
        text for text in LANGUAGES[language].keys() - texts if messages.form(text) not in of_process
    ]
    assert not sorted(over), f"translations/{language} has what nothing shows"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_values_are_filled_in_alike(path):
    for english, translation in tomllib.loads(path.read_text("utf-8")).items():
        assert translation.strip(), english
        assert messages.placeholders(translation) == messages.placeholders(english), english


def test_a_text_stands_in_one_file():
    for language in LANGUAGES:
        entries = [
            english
            for path in FILES
            if path.parent.name == language
            for english in tomllib.loads(path.read_text("utf-8"))
        ]
        assert len(entries) == len(set(entries))


def test_all_languages_have_the_same_texts():
    known = {language: frozenset(entries) for language, entries in LANGUAGES.items()}
    assert len(set(known.values())) == 1


def test_no_message_passes_by(texts):
    """A phrase in the source is marked, or drawn by Blender, or listed as none for people."""
    found = [
        f"{path.relative_to(messages.ADDON)}, line {line}: {text}"
        for path in messages.message_sources()
        for line, text in messages.unmarked_in(path)
        if text not in texts and text not in messages.NO_MESSAGES
    ]
    assert not found, "pass these to tr() or msgid()"


def test_nothing_is_excused_in_vain():
    unmarked = {t for path in messages.message_sources() for _, t in messages.unmarked_in(path)}
    assert unmarked >= messages.NO_MESSAGES


def test_the_messages_of_a_module_are_found(tmp_path):
    module = tmp_path / "module.py"
    module.write_text(
        'hint(layout, "A line in grey")\n'
        'layout.label(text="Takes" if many else "Take", icon="TIME")\n'
        "raise RigError(tr(\"The bone '{bone}' is gone\", bone=bone))\n"
        'raise RigError(f"The bone {bone} is gone")\n'
        'said = "It is gone"\n'
    )
    assert messages.said_in(module) == {
        "A line in grey", "Takes", "Take", "The bone '{bone}' is gone",
    }  # fmt: skip
    assert [text for _, text in messages.unmarked_in(module)] == [
        "It is gone", "The bone {} is gone",
    ]  # fmt: skip


def test_blender_is_handed_every_entry():
    """Operators' names are looked for in a context of their own, as Blender's manual says."""
    handed = translations.blender_entries(LANGUAGES)
    assert handed["ja_JP"]["Operator", "Keep Take"] == "テイクを保持"
    assert handed["zh_HANS"]["*", "Takes"] == "镜次"


def test_words_that_blender_has_too_are_in_our_context():
    """ "Feet" are a unit there, "Arm" is short for an armature, "Keys" are shape keys."""
    from motiongpt_blender.properties.frame_range import MotionGPTFrameRange
    from motiongpt_blender.properties.marked_pose import MotionGPTPose
    from motiongpt_blender.properties.retargeting import MotionGPTRetargeting

    handed = translations.blender_entries(LANGUAGES)
    assert handed["ja_JP"][CONTEXT, "Feet"] == "足"
    registration.register()
    named = {
        MotionGPTRetargeting: ("pin_feet", "pin_hands", "floor", "keys"),
        MotionGPTFrameRange: ("mode", "start", "end", "cyclic"),
        MotionGPTPose: ("role",),
    }
    contexts = {
        cls.bl_rna.properties[name].translation_context
        for cls, names in named.items()
        for name in names
    }
    registration.unregister()
    assert contexts == {CONTEXT}


def test_the_languages_are_blenders():
    """A folder with a name that Blender does not know would never be read."""
    for language in LANGUAGES:
        assert re.fullmatch(r"[a-z]{2}(_[A-Z]{2}|_HAN[ST])?", language)
