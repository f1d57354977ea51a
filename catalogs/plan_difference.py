"""What has become of a plan since it was made: compared with a new one by unit keys and reasons, in columns."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import duckdb

from catalogs.delta import manifest_view
from catalogs.manifest import SCHEMA
from catalogs.reasons import Reason

__all__ = ["Difference", "Differences", "differences"]

MEMORY = "700MB"
TOLD = 10


class Difference(NamedTuple):
    """One unit: why and whether it was to be done, and how it stands now; `item` is its SKU and look."""

    item: str
    stage: str
    was: str
    now: str


class Differences(NamedTuple):
    """How many units stand otherwise now, counted by what they were and are, and the first ten of them."""

    units: int
    kinds: list[tuple[str, str, int]]
    first: list[Difference]


def differences(plan: Path, new: Path, manifest: Path | None, *, begun: bool = False) -> Differences:
    """
    Compare two plans of the same request; the order of rows and files does not count.

    `manifest` tells whether what a new plan leaves out has its picture. Of a plan that has `begun` only what it still
    has to do counts: neither what it has done itself, nor what it never meant to do.
    """
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(new.parent / "spill")}) as sql:
        sql.read_parquet(str(plan)).create_view("was")
        sql.read_parquet(str(new)).create_view("new")
        if _equal(sql):
            return Differences(0, [], [])
        if manifest is None:
            sql.register("manifest", SCHEMA.empty_table())
        else:
            manifest_view(sql, manifest)
        sql.execute(_DIFFERENT if not begun else f"{_DIFFERENT} {_STILL_TO_DO}")
        kinds = sql.execute(
            "SELECT was, now, count(*) FROM different GROUP BY was, now ORDER BY 3 DESC, 1, 2"
        ).fetchall()
        first = sql.execute(_FIRST).fetchall()
    return Differences(sum(count for _, _, count in kinds), kinds, [Difference(*row) for row in first])


def _equal(sql: duckdb.DuckDBPyConnection) -> bool:
    """Whether both hold the same units, by sums over hashes, which need no memory."""
    sums = [sql.execute(_SUMS.format(name)).fetchall() for name in ("was", "new")]
    return sums[0] == sums[1]


_SUMS = """
    SELECT count(*), sum(hash(sku, look, stage, unit_key, reason, left_out, credits)::HUGEINT),
           bit_xor(hash(unit_key, sku, look, stage, credits, left_out, reason))
    FROM {}
"""
# A unit that a new plan does not have is done, or its row is not what it was.
_DIFFERENT = f"""
    CREATE TEMP TABLE pictured AS
    SELECT DISTINCT sku, look, stage, unit_key FROM manifest WHERE status = 'done' AND picture IS NOT NULL;
    CREATE TEMP TABLE different AS
    SELECT coalesce(was.sku, new.sku) AS sku, coalesce(was.look, new.look) AS look,
           coalesce(was.stage, new.stage) AS stage,
           coalesce(was.position, new.position) AS position, coalesce(was.row, new.row) AS row,
           CASE WHEN was.sku IS NULL THEN 'not in the plan' ELSE was.reason || coalesce(', ' || was.left_out, '') END AS was,
           CASE WHEN new.sku IS NULL AND pictured.sku IS NOT NULL THEN '{Reason.DONE}'
                WHEN new.sku IS NULL THEN 'no longer planned'
                WHEN new.unit_key <> was.unit_key AND new.reason = was.reason THEN new.reason || ', of other pictures or options'
                WHEN new.credits <> was.credits THEN new.reason || ' for ' || new.credits || ' credits'
                ELSE new.reason || coalesce(', ' || new.left_out, '') END AS now
    FROM was FULL JOIN new
        ON was.sku = new.sku AND coalesce(was.look, '') = coalesce(new.look, '') AND was.stage = new.stage
    LEFT JOIN pictured
        ON pictured.sku = was.sku AND coalesce(pictured.look, '') = coalesce(was.look, '')
        AND pictured.stage = was.stage AND pictured.unit_key = was.unit_key
    WHERE (was.unit_key, was.reason, was.left_out, was.credits)
          IS DISTINCT FROM (new.unit_key, new.reason, new.left_out, new.credits)
"""  # noqa: S608 - our own words
_STILL_TO_DO = f"""
      AND was.left_out IS NULL AND was.reason <> '{Reason.DONE}' AND pictured.sku IS NULL
      AND (new.unit_key IS DISTINCT FROM was.unit_key OR new.left_out IS NOT NULL OR new.credits <> was.credits)
"""
_FIRST = f"""
    SELECT sku || coalesce(' (' || look || ')', ''), stage, was, now FROM different ORDER BY row, look, position LIMIT {TOLD}
"""  # noqa: S608 - our own number
