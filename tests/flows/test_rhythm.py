"""When a job is asked for: once it is likely done, never more often than advised."""

from __future__ import annotations

import pytest

from flows.rhythm import REMEMBERED, Rhythm


def learned(*durations: float, interval: float = 3.0) -> Rhythm:
    """A rhythm that has seen jobs take so long."""
    rhythm = Rhythm(interval)
    for seconds in durations:
        rhythm.learn(seconds)
    return rhythm


def test_the_first_job_is_asked_for_after_the_advised_interval() -> None:
    """Nothing is known of the operation yet."""
    assert 3.0 == learned().first_look(0)


def test_later_jobs_are_asked_for_after_the_usual_duration() -> None:
    """The middle of what was seen, so that one slow job does not slow all that follow."""
    assert 8.0 == learned(7, 8, 90).first_look(0)


def test_quick_jobs_are_not_asked_for_more_often_than_advised() -> None:
    """The vendor's interval is the least."""
    assert 3.0 == learned(0.1, 0.2).first_look(0)


@pytest.mark.parametrize(("age", "wait"), [(5.0, 3.0), (8.0, 0.0), (1000.0, -992.0)])
def test_the_age_of_a_job_counts(age: float, wait: float) -> None:
    """A job that an earlier run submitted is overdue, and asked for at once."""
    assert wait == learned(8).first_look(age)


def test_what_is_long_past_is_forgotten() -> None:
    """A vendor that has become slow, or quick again, is followed."""
    assert 20.0 == learned(*[5.0] * 500, *[20.0] * REMEMBERED).first_look(0)
