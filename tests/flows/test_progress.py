"""How far a run has come, as it is told while it goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr

from blocks.account import Limits
from blocks.claid import ClaidCredentials
from flows.progress import RunProgress, spell
from tests.catalogs.made import a_row


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds


def test_each_stage_is_counted_by_how_its_units_ended() -> None:
    """In the recipe's order, whatever ended first; what is done is done, and the rest has its status."""
    progress = RunProgress(6, {"model": 3, "scene": 3})
    for stage, status in (("scene", "blocked"), ("model", "failed"), ("model", "done"), ("model", "done")):
        progress.count(a_row(stage=stage, status=status, error_kind="job_failed" if status == "failed" else None))
    model, scene = progress.stages()

    assert ("model", 3, 2, {"failed": 1}, 3) == (model.stage, model.units, model.done, model.others, model.ended)
    assert ("scene", 3, 0, {"blocked": 1}, 1) == (scene.stage, scene.units, scene.done, scene.others, scene.ended)
    assert "1 job_failed" == progress.troubles()
    assert 4 == progress.ended


def test_the_time_left_follows_the_pace_of_late() -> None:
    """Not that of the whole night: what stands still has no end in sight."""
    clock = Clock()
    progress = RunProgress(100, {"model": 100}, clock=clock)

    assert progress.remaining() is None
    for _ in range(60):
        clock.seconds += 1
        progress.count(a_row())

    assert timedelta(seconds=40) == progress.remaining()
    clock.seconds += 1000

    assert progress.remaining() is None


def test_paid_calls_are_told_beside_what_the_account_allows() -> None:
    """The tightest of its limits, a minute."""
    clock = Clock()
    progress = RunProgress(10, clock=clock)
    limits = Limits(generations_per_second=4, requests_per_minute=90)
    progress.watch(ClaidCredentials(api_key=SecretStr("k"), limits=limits))
    for _ in range(30):
        clock.seconds += 2
        progress.sent("Claid")

    assert {"Claid": "30/min of 90"} == progress.rates()


def test_a_refusing_vendor_is_told_until_it_takes_a_call() -> None:
    """Whoever watches sees why nothing moves."""
    progress = RunProgress(10)
    progress.wait("Claid", "Claid refuses for rate")

    assert "waiting: Claid refuses for rate" in progress.words()
    progress.sent("Claid")

    assert "waiting" not in progress.words()


def test_memory_does_not_grow_with_the_night() -> None:
    """A rate keeps as many buckets as its window has seconds."""
    clock = Clock()
    progress = RunProgress(100_000, clock=clock)
    for _ in range(5000):
        clock.seconds += 1
        progress.count(a_row())

    assert len(progress._ends._buckets) <= 122


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (42, "42 s"), (119, "2 min"), (1800, "30 min"), (11_100, "3 h 5 min")]
)
def test_a_duration_reads_as_one_says_it(seconds: float, words: str) -> None:
    """Seconds, minutes, hours."""
    assert words == spell(timedelta(seconds=seconds))
