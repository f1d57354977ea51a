"""What a plan adds up to, asked of its file in columns."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import duckdb

from catalogs.reasons import LeftOut, Reason

__all__ = ["PlannedChange", "PlannedUnits", "Sums", "job_seconds_by_operation", "sums_of"]

MEMORY = "700MB"
CHANGES_TOLD = 10


class PlannedUnits(NamedTuple):
    """
    Some of a plan's units: those of one stage, one reason, and one cause for leaving them out, if they are.

    `paid` are those that will be paid for, `credits` what they cost. A picture that several items share is paid once.
    """

    stage: str
    operation: str
    reason: str
    left_out: str | None
    units: int
    paid: int
    credits: float


class PlannedChange(NamedTuple):
    """One unit that will be done, and why."""

    sku: str
    look: str | None
    stage: str
    reason: str


class Sums(NamedTuple):
    """
    A whole plan: its units in groups, in the order of the stages; its items; the first units that will be done.

    `over_budget` are the items that the budget leaves out, `items` all others, and `in_part` those of them of which it
    pays a part.
    """

    groups: list[PlannedUnits]
    items: int
    over_budget: int
    in_part: int
    first: list[PlannedChange]


def sums_of(plan: Path) -> Sums:
    """Add up a plan's file."""
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(plan.parent / "spill")}) as sql:
        sql.read_parquet(str(plan), file_row_number=True).create_view("plan")
        sql.execute(_PAID)
        groups = [PlannedUnits(*row) for row in sql.execute(_GROUPS).fetchall()]
        items, over_budget, in_part = sql.execute(_ITEMS).fetchall()[0]
        first = [PlannedChange(*row) for row in sql.execute(_FIRST).fetchall()]
    return Sums(groups, items, over_budget, in_part, first)


def job_seconds_by_operation(manifest: Path) -> dict[str, float]:
    """How long jobs usually took, from submission to our copy, as an output's manifest has it."""
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(manifest.parent / "spill")}) as sql:
        sql.read_parquet(str(manifest)).create_view("manifest")
        return dict(sql.execute(_SECONDS).fetchall())


# The first unit of each key in the order of the plan.
_PAID = f"""
    CREATE TEMP TABLE paid AS
    SELECT min(file_row_number) AS place FROM plan
    WHERE left_out IS NULL AND reason <> '{Reason.DONE}' GROUP BY hash(unit_key)
"""  # noqa: S608 - our own words
_GROUPS = """
    SELECT stage, any_value(operation), reason, left_out, count(*), count(place),
           coalesce(sum(credits) FILTER (place IS NOT NULL), 0)
    FROM plan LEFT JOIN paid ON file_row_number = place
    GROUP BY stage, reason, left_out
    ORDER BY min(position), left_out NULLS FIRST, count(*) DESC, reason
"""
_ITEMS = f"""
    SELECT count(*) FILTER (position = 0 AND left_out IS DISTINCT FROM '{LeftOut.OVER_BUDGET}'),
           count(*) FILTER (position = 0 AND left_out = '{LeftOut.OVER_BUDGET}'),
           count(*) FILTER (position > 0 AND left_out = '{LeftOut.OVER_BUDGET}')
    FROM plan
"""  # noqa: S608 - our own words
_FIRST = f"""
    SELECT sku, look, stage, reason FROM plan
    WHERE left_out IS NULL AND reason <> '{Reason.DONE}' ORDER BY file_row_number LIMIT {CHANGES_TOLD}
"""  # noqa: S608 - our own words
_SECONDS = """
    SELECT operation, median(seconds) FROM manifest WHERE status = 'done' AND seconds IS NOT NULL GROUP BY operation
"""
