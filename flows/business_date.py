"""The business date of a run: the day that it is for, wherever and whenever it is started."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from catalogs.dated import for_date
from flows.parameters import CatalogRun

__all__ = ["business_date_of", "dated"]


def business_date_of(due: datetime, time_zone: str, offset_days: int = 0) -> date:
    """The day on the shop's calendar at the moment when a run was due, or some days from it."""
    return due.astimezone(ZoneInfo(time_zone)).date() + timedelta(days=offset_days)


def dated(run: CatalogRun, due: datetime) -> CatalogRun:
    """
    The run with its business date, and the catalog of that date; one that has no date stays as it is.

    A date that the run names counts; else it is taken from `due`, so a run that starts late, or is started again,
    keeps the date of its schedule.
    """
    day = run.business_date
    if day is None and run.time_zone is not None:
        day = business_date_of(due, run.time_zone, run.date_offset_days)
    if day is None:
        return run
    catalog = run.catalog.model_copy(update={"uri": for_date(run.catalog.uri, day)})
    return run.model_copy(update={"catalog": catalog, "business_date": day})
