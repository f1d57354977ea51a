"""Runs killed at random instants, over and over, and one that finishes: each unit is paid for once."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.chaos.campaign import Campaign, Outcome
from tests.chaos.gate import Gate
from tests.chaos.scene import ON_MODEL, Scene

SEED = 20261101
ITEMS = 4
STAGES = 3


def assert_paid_once(outcome: Outcome) -> None:
    """Nothing twice unasked, nothing lost but what is called unknown, everything delivered in the end."""
    assert [] == outcome.faults
    assert outcome.unasked.charges == outcome.unasked.units
    assert {"done", "unknown"} >= set(outcome.states)
    assert {"done": ITEMS * STAGES} == outcome.final_states
    assert ITEMS * STAGES == outcome.final.units
    assert outcome.final.units + outcome.final.lost == outcome.final.charges
    assert outcome.final.lost <= outcome.final.unknown == outcome.final.asked


SOME_OR_MANY = pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.slow)])


@SOME_OR_MANY
def test_killed_at_random_times_with_a_folder(scene_on_disk: Callable[..., Scene], vendors: Gate, kills: int) -> None:
    """Killed wherever each run happens to be."""
    scene = scene_on_disk(items=ITEMS, recipe=ON_MODEL)

    outcome = Campaign(scene, vendors.turnstile, random.Random(SEED), "by time", 0.4).wage(kills)

    assert_paid_once(outcome)


@SOME_OR_MANY
def test_killed_at_random_requests_with_a_bucket(scene_on_s3: Callable[..., Scene], vendors: Gate, kills: int) -> None:
    """Killed before, amid or after any request to vendors or storage."""
    scene = scene_on_s3(items=ITEMS, recipe=ON_MODEL)

    outcome = Campaign(scene, vendors.turnstile, random.Random(SEED), "by request", 30).wage(kills)

    assert_paid_once(outcome)
