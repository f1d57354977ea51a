"""The least time that an account's limits allow."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.account import Limits
from blocks.claid import ClaidCredentials
from flows.hours import USUAL_JOB_SECONDS, account_time, job_seconds_of

UNITS = {"claid.fashion_models": 3600, "claid.scene": 3600}
NO_LIMITS: dict[str, Any] = dict.fromkeys(
    ("requests_per_second", "requests_per_minute", "generations_per_second", "generations_per_minute")
)


@pytest.mark.parametrize(
    ("limits", "hours", "limited_by"),
    [
        ({"generations_per_second": 1}, 2.0, "generations_per_second"),
        ({"generations_per_minute": 30}, 4.0, "generations_per_minute"),
        ({"requests_per_second": 2}, 3.0, "requests_per_second"),
        ({"requests_per_minute": 60}, 6.0, "requests_per_minute"),
        ({"jobs_in_flight": 10}, 7.0, "jobs_in_flight"),
        ({"generations_per_second": 1, "jobs_in_flight": 10}, 7.0, "jobs_in_flight"),
    ],
)
def test_the_tightest_limit_decides(limits: dict[str, int], hours: float, limited_by: str) -> None:
    """Paid calls at their rate, all calls at theirs, and jobs that run side by side."""
    account = ClaidCredentials.without_key(limits=Limits(**{**NO_LIMITS, **limits}))

    time = account_time(account, UNITS, {"claid.fashion_models": 60.0, "claid.scene": 10.0})

    assert (hours, limited_by) == (time.hours, time.limited_by)


def test_what_is_learned_counts_before_what_is_usual() -> None:
    """But no job is asked for before its operation's first look."""
    assert USUAL_JOB_SECONDS == job_seconds_of("claid.edit", {})
    assert 45 == job_seconds_of("claid.edit", {"claid.edit": 45})
    assert 3 == job_seconds_of("claid.edit", {"claid.edit": 0.1})
