"""A run in figures: what became of its units, what they cost, how long they took, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from catalogs.manifest import SCHEMA
from catalogs.reasons import SHARED_WITH

__all__ = ["Durations", "FailureKind", "Figures", "StageCounts", "Throughput", "figures_of"]

MEMORY = "500MB"
MOST_FAILURES_PER_KIND = 25
MOST_KINDS = 12
MOST_BINS = 60
BIN_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True, slots=True)
class StageCounts:
    """A stage's units by status; of those done, `found` were made by earlier runs and cost this one nothing."""

    stage: str
    operation: str
    units: int
    by_status: Mapping[str, int]
    found: int
    credits: float
    credits_at_risk: float
    vendor: str | None


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds from submission to our whole copy, over the pictures that this run made with an operation."""

    operation: str
    pictures: int
    median: float
    p95: float
    longest: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """Paid calls at a vendor, as their units' rows have them, counted in equal stretches of time from `since` on."""

    vendor: str
    since: datetime
    bin_seconds: int
    calls: Sequence[int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.calls)

    @property
    def per_minute(self) -> Sequence[float]:
        """The rate in each stretch."""
        return [count * 60 / self.bin_seconds for count in self.calls]


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Failures of one status and kind: how many, what they may have cost, and the first manifest rows of them."""

    status: str
    kind: str | None
    count: int
    credits_at_risk: float
    first: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it; what may have been charged and can't be undone comes first among the failures."""

    stages: Sequence[StageCounts]
    durations: Sequence[Durations]
    throughput: Sequence[Throughput]
    failures: Sequence[FailureKind]
    pictures: Sequence[tuple[str, str]]
    """The first few pictures of the last stage that this run made: SKU and address."""

    @property
    def failed(self) -> int:
        """All failures, shown or not."""
        return sum(kind.count for kind in self.failures)


def figures_of(parts: Sequence[Path], run_id: str, *, failures_csv: Path) -> Figures:
    """
    Count the manifest rows that a run has written, in bounded memory.

    All its failures go into a CSV file, a line each; of each kind the first 25 are in the figures too.
    """
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(failures_csv.parent / "spill")}) as sql:
        if parts:
            sql.read_parquet([str(part) for part in parts], union_by_name=True).create_view("told")
        else:
            sql.register("told", SCHEMA.empty_table())
        sql.execute("CREATE TEMP TABLE asked AS SELECT $1 AS run_id", [run_id])
        sql.execute(_VIEWS)
        sql.sql(_LIST).write_csv(str(failures_csv))
        return Figures(
            stages=_stages(sql),
            durations=[Durations(*row) for row in sql.sql(_DURATIONS).fetchall()],
            throughput=_throughput(sql),
            failures=_failures(sql),
            pictures=sql.sql(_PICTURES).fetchall(),
        )


# One cause an item: what is blocked follows from another stage, and a row that can't be used is told once. What items
# share was one call, which took one time and made one picture.
_VIEWS = f"""
    CREATE TEMP VIEW failures AS
    SELECT * FROM told WHERE status NOT IN ('done', 'blocked') AND NOT (status = 'quarantined' AND position > 0);
    CREATE TEMP VIEW mine AS
    SELECT * FROM told
    WHERE run_id = (SELECT run_id FROM asked) AND NOT contains(coalesce(reason, ''), '{SHARED_WITH}')
"""  # noqa: S608 - our own words
_LIST = """
    SELECT recipe, row, sku, look, title, stage, operation, status, error_kind, error_message, vendor, job_id, request_id,
           attempt, credits_at_risk, unit_key, run_id
    FROM failures ORDER BY row, look, position
"""
_STAGES = """
    SELECT position, stage, operation, status, count(*) AS units,
           count(*) FILTER (status = 'done' AND run_id <> (SELECT run_id FROM asked)),
           coalesce(sum(credits) FILTER (run_id = (SELECT run_id FROM asked)), 0),
           coalesce(sum(credits_at_risk) FILTER (run_id = (SELECT run_id FROM asked)), 0),
           max(vendor)
    FROM told GROUP BY position, stage, operation, status ORDER BY position, stage, operation
"""
_DURATIONS = """
    SELECT operation, count(*), quantile_cont(seconds, 0.5), quantile_cont(seconds, 0.95), max(seconds)
    FROM mine WHERE status = 'done' AND seconds IS NOT NULL GROUP BY operation ORDER BY min(position)
"""
_PICTURES = """
    SELECT sku || coalesce(' (' || look || ')', ''), picture FROM mine
    WHERE status = 'done' AND picture IS NOT NULL AND position = (SELECT max(position) FROM told) ORDER BY row, look LIMIT 12
"""
_SPAN = "SELECT min(epoch(submitted_at)), max(epoch(submitted_at)) FROM mine WHERE vendor IS NOT NULL"
_RATES = """
    SELECT vendor, CAST(floor((epoch(submitted_at) - $since) / $width) AS INTEGER) AS bin, count(*)
    FROM mine WHERE submitted_at IS NOT NULL AND vendor IS NOT NULL GROUP BY ALL ORDER BY vendor, bin
"""
_KINDS = """
    WITH kinds AS (
        SELECT status, error_kind, count(*) AS units, coalesce(sum(credits_at_risk), 0) AS at_risk
        FROM failures GROUP BY status, error_kind
    )
    FROM kinds ORDER BY list_position(['unknown', 'failed', 'held', 'quarantined'], status), units DESC, error_kind
"""
_FIRST = """
    SELECT * EXCLUDE (submitted_at, finished_at, pictures) REPLACE (sku || coalesce(' (' || look || ')', '') AS sku),
           epoch(finished_at) AS finished_at FROM failures
    WHERE status = $status AND error_kind IS NOT DISTINCT FROM $kind ORDER BY row, position LIMIT $most
"""


def _stages(sql: duckdb.DuckDBPyConnection) -> list[StageCounts]:
    counts: dict[tuple[int, str, str], list[tuple[Any, ...]]] = {}
    for position, stage, operation, *facts in sql.sql(_STAGES).fetchall():
        counts.setdefault((position, stage, operation), []).append(tuple(facts))
    return [
        StageCounts(
            stage=stage,
            operation=operation,
            units=sum(row[1] for row in rows),
            by_status={row[0]: row[1] for row in rows},
            found=sum(row[2] for row in rows),
            credits=sum(row[3] for row in rows),
            credits_at_risk=sum(row[4] for row in rows),
            vendor=next((row[5] for row in rows if row[5]), None),
        )
        for (_, stage, operation), rows in counts.items()
    ]


def _throughput(sql: duckdb.DuckDBPyConnection) -> list[Throughput]:
    since, until = sql.sql(_SPAN).fetchall()[0]
    if since is None:
        return []
    width = next((each for each in BIN_SECONDS if (until - since) / each < MOST_BINS), BIN_SECONDS[-1])
    since = since // width * width
    bins = int((until - since) // width) + 1
    calls: dict[str, list[int]] = {}
    for vendor, place, count in sql.execute(_RATES, {"since": since, "width": width}).fetchall():
        calls.setdefault(vendor, [0] * bins)[place] = count
    begin = datetime.fromtimestamp(since, UTC)
    return [Throughput(vendor, begin, width, counts) for vendor, counts in calls.items()]


def _failures(sql: duckdb.DuckDBPyConnection) -> list[FailureKind]:
    kinds: list[FailureKind] = []
    for status, kind, count, at_risk in sql.sql(_KINDS).fetchall():
        asked = {"status": status, "kind": kind, "most": MOST_FAILURES_PER_KIND if len(kinds) < MOST_KINDS else 1}
        first = sql.sql(_FIRST, params=asked).to_arrow_table().to_pylist()
        kinds.append(FailureKind(status, kind, count, at_risk, first))
    return kinds
