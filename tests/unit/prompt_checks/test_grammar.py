"""Checks read from sentences."""

import pytest

from ext_models.evaluation.prompts.prompt_lists import SHIPPED, read_prompts
from ext_models.prompt_checks.grammar import phrases, read_checks

EVERYDAY = read_prompts(SHIPPED / "everyday.toml").prompts


@pytest.mark.parametrize("prompt", EVERYDAY, ids=lambda p: p.text)
def test_everyday_prompts_demand_what_their_list_says(prompt):
    assert phrases(read_checks(prompt.text)) == prompt.checks


@pytest.mark.parametrize("prompt", EVERYDAY, ids=lambda p: p.text)
def test_a_phrase_reads_as_itself(prompt):
    assert phrases(read_checks(", ".join(prompt.checks))) == prompt.checks
