"""Messages in another language, and those that arrive in English."""

import pytest

from motiongpt_blender.core import translation
from motiongpt_blender.core.translation import msgid, tr, translate_received

GERMAN = {
    "The take '{name}' is kept": "Die Aufnahme „{name}“ bleibt",
    "{count} of {total} are here, {count} in all": "von {total} sind {count} hier",
    "{name} stopped ({reason})": "{name} hielt an ({reason})",
    "Installing {what} failed": "{what} ließ sich nicht installieren",
    "Starting ...": "Beginnt ...",
    "it said nothing": "es sagte nichts",
    "{size:.1f} MB of {folder}": "{size:.1f} MB in {folder}",
}


@pytest.fixture
def german():
    translation.translate_with(lambda text: GERMAN.get(text, text), GERMAN)
    yield
    translation.translate_with(str)


def test_a_message_without_a_language_is_english():
    assert tr("The take '{name}' is kept", name="Walk") == "The take 'Walk' is kept"
    assert tr("{braces} stay where nothing is filled in") == (
        "{braces} stay where nothing is filled in"
    )


def test_values_are_filled_into_the_translation(german):
    assert tr("The take '{name}' is kept", name="Walk") == "Die Aufnahme „Walk“ bleibt"
    assert tr("{size:.1f} MB of {folder}", size=2.26, folder="f") == "2.3 MB in f"


def test_a_marked_text_is_translated_where_it_is_used(german):
    marked = msgid("Starting ...")
    assert marked == "Starting ..."
    assert tr(marked) == "Beginnt ..."


@pytest.mark.parametrize(
    ("message", "translated"),
    [
        ("Starting ...", "Beginnt ..."),
        ("Set-up stopped (it said nothing)", "Set-up hielt an (es sagte nichts)"),
        ("3 of 4 are here, 3 in all", "von 4 sind 3 hier"),
        ("3 of 4 are here, 5 in all", "3 of 4 are here, 5 in all"),
        ("2.3 MB of /a {folder} with braces", "2.3 MB in /a {folder} with braces"),
        ("Nothing of the kind", "Nothing of the kind"),
        ("", ""),
    ],
)
def test_a_message_that_arrives_is_known_by_its_form(german, message, translated):
    assert translate_received(message) == translated


def test_the_form_with_most_words_counts():
    known = {"It has {what}": "Hat {what}", "It has {count} bones": "{count} Knochen"}
    translation.translate_with(lambda text: known.get(text, text), known)
    assert translate_received("It has 3 bones") == "3 Knochen"
    translation.translate_with(str)


def test_english_stays_as_it_arrived():
    translation.translate_with(str, GERMAN)
    assert translate_received("2.3 MB of /a") == "2.3 MB of /a"
    translation.translate_with(str)
