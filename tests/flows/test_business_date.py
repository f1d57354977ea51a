"""Which day a run is for: five time zones, both changes of the clocks, late and repeated starts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from prefect.server.schemas.schedules import CronSchedule
from pydantic import ValidationError

from flows.business_date import business_date_of, dated
from flows.parameters import BackfillRun, CatalogRun

# Past days on which the clocks changed, there and back; Kolkata's do not.
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Sydney": (date(2026, 4, 5), date(2026, 10, 4)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Asia/Kolkata": (date(2026, 3, 29), date(2026, 10, 25)),
}
CRONS = ("30 1 * * *", "30 2 * * *", "0 0 * * *", "45 23 * * *")
WEEK = 7


def run_of(**fields: object) -> CatalogRun:
    """A run whose catalog changes with the date."""
    return CatalogRun.model_validate({"catalog": {"uri": "feed/{business_date}.parquet"}, "output": "out", **fields})


@pytest.mark.parametrize("cron", CRONS)
@pytest.mark.parametrize("zone", CHANGES)
async def test_every_day_has_one_scheduled_run(zone: str, cron: str) -> None:
    """As Prefect schedules them around both changes of the clocks: no day is left out, none comes twice."""
    for change in CHANGES[zone]:
        first = change - timedelta(days=3)
        start = datetime.combine(first, time(0), ZoneInfo(zone))
        due = await CronSchedule(cron=cron, timezone=zone).get_dates(WEEK, start=start)
        days = Counter(business_date_of(moment, zone) for moment in due)

        assert {first + timedelta(days=n): 1 for n in range(WEEK)} == days


@pytest.mark.parametrize("zone", CHANGES)
def test_all_hours_of_a_day_are_its_date(zone: str) -> None:
    """Also where the day has 23 or 25 of them, and whatever zone the moment is told in."""
    for day in CHANGES[zone]:
        begins = datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
        ends = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone)).astimezone(UTC)
        moments = [begins + timedelta(minutes=n) for n in range(int((ends - begins).total_seconds() // 60))]

        assert {day} == {business_date_of(moment, zone) for moment in moments}
        assert day != business_date_of(ends, zone)


def test_one_moment_is_another_day_elsewhere() -> None:
    """The shop's calendar counts, not the machine's."""
    moment = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)

    assert date(2026, 11, 3) == business_date_of(moment, "America/New_York")
    assert date(2026, 11, 4) == business_date_of(moment, "Europe/Berlin")


def test_a_night_may_work_on_the_day_before() -> None:
    """A night after midnight reads yesterday's export."""
    run = dated(run_of(time_zone="Europe/Berlin", date_offset_days=-1), datetime(2026, 11, 3, 0, 30, tzinfo=UTC))

    assert date(2026, 11, 2) == run.business_date
    assert "feed/2026-11-02.parquet" == run.catalog.uri


def test_a_date_that_is_named_counts() -> None:
    """Whenever the run starts, and without moving it by the offset; twice dated is once dated."""
    run = run_of(business_date="2026-11-03", time_zone="Europe/Berlin", date_offset_days=-1)
    once = dated(run, datetime(2027, 1, 1, tzinfo=UTC))

    assert "feed/2026-11-03.parquet" == once.catalog.uri
    assert once == dated(once, datetime(2028, 1, 1, tzinfo=UTC))


def test_a_run_for_no_day_stays_as_it_is() -> None:
    """Without a date and a zone there is nothing to fill in."""
    run = CatalogRun.model_validate({"catalog": {"uri": "catalog.parquet"}, "output": "out"})

    assert run == dated(run, datetime(2026, 11, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs a business_date, or a time_zone"),
        ({"time_zone": "CET+1"}, "not a time zone of the IANA database"),
        ({"time_zone": "../../etc/passwd"}, "not a time zone of the IANA database"),
        ({"business_date": "yesterday"}, "business_date"),
        ({"business_date": "2026-11-03", "output": "out/{business_date}"}, "paid anew each day"),
        ({"business_date": "2026-11-03", "catalog": {"uri": "{business_date:%H}"}}, "can't be filled"),
        ({"time_zone": "UTC", "date_offset_days": 8}, "date_offset_days"),
    ],
)
def test_what_can_not_be_dated_is_refused(fields: dict[str, object], words: str) -> None:
    """Before anything is read or paid."""
    with pytest.raises(ValidationError, match=words):
        run_of(**fields)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-11-03", "2026-11-02", "0 days; a backfill takes from 1 to 366"),
        ("2026-01-01", "2027-01-02", "367 days"),
    ],
)
def test_a_backfill_is_bounded(first: str, last: str, words: str) -> None:
    """A slip of the year does not become ten years of nights."""
    with pytest.raises(ValidationError, match=words):
        BackfillRun(run=run_of(time_zone="UTC"), first=date.fromisoformat(first), last=date.fromisoformat(last))


def test_a_backfill_fills_in_the_date_itself() -> None:
    """A date of the run's own would be that of every day."""
    with pytest.raises(ValidationError, match="leave it empty"):
        BackfillRun(run=run_of(business_date="2026-11-03"), first=date(2026, 11, 1), last=date(2026, 11, 2))
