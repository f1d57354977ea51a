"""A plan put in order and cut to its budget, in columns and in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from catalogs.plan_cut import Cut
from catalogs.plan_file import PLAN_SCHEMA, ROWS_PER_GROUP
from catalogs.reasons import WAITS_FOR_RETRY, LeftOut, Reason

__all__ = ["LEFT_OUT_SHARD", "Arranged", "arrange"]

MEMORY = "700MB"
# Where items are that no shard works on.
LEFT_OUT_SHARD = -1


@dataclass(frozen=True, slots=True)
class Arranged:
    """A plan's units as they will be worked on; `left_out` counts the items that no shard has."""

    path: Path
    shards: int
    left_out: int = 0


def arrange(
    draft: Path,
    target: Path,
    *,
    shard_items: int,
    retry: Collection[str] = (),
    max_credits: float | None = None,
    whole: bool = False,
) -> Arranged:
    """
    Order the items of a draft by priority, the higher first, none last, and mark what is left out and why.

    What waits for a retry that `retry` does not name, and what is over budget, is left out with all that follows it.
    Whole items come first, then those of which a part is paid for, and in no shard, unless it is to be `whole`, those
    that lose all there was to do. A draft to which nothing of this happens is left as it is.
    """
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(target.parent / "spill")}) as sql:
        sql.read_parquet(str(draft), file_row_number=True).create_view("draft")
        _look_through(sql, retry)
        items, ranked, waiting = _one(sql, _FACTS)
        limit = None if max_credits is None else int(max_credits * MICRO + ROUNDING)
        over = limit is not None and _one(sql, _TOTAL)[0] > limit
        if not (over or ranked or waiting):
            return Arranged(draft, -(-items // shard_items))
        sql.execute(_RANKED)
        sql.register("kept", _kept(sql, limit) if over and limit is not None else _all_kept(sql))
        sql.execute(_VERDICT)
        worked_on, left_out = _one(sql, _COUNTS, {"last": 2 if whole else 1})
        _write(sql, target, shard_items, worked_on)
    return Arranged(target, -(-worked_on // shard_items), left_out)


def _look_through(sql: duckdb.DuckDBPyConnection, retry: Collection[str]) -> None:
    """Every unit with its item and what it costs, and where an item comes to a halt."""
    waits = [str(reason) for reason, kind in WAITS_FOR_RETRY.items() if kind not in retry]
    sql.register("waits", pa.table({"reason": pa.array(waits, pa.string())}))
    sql.execute(_UNITS)


def _kept(sql: duckdb.DuckDBPyConnection, limit: int) -> pa.Table:
    units = sql.sql(_PRICED).to_arrow_table()
    ends = _numbers(sql.sql(_ENDS).to_arrow_table(), "ends")
    kept = Cut(_numbers(units, "price"), _numbers(units, "shared"), ends, limit).kept()
    return pa.table({"rank": pa.array(range(1, len(kept) + 1), pa.int64()), "kept": pa.array(kept, pa.int64())})


def _all_kept(sql: duckdb.DuckDBPyConnection) -> pa.Table:
    return sql.sql("SELECT rank, units AS kept FROM ranked").to_arrow_table()


def _numbers(table: pa.Table, name: str) -> Sequence[int]:
    """A column's own memory, of which only the number that is looked at becomes an object."""
    column: Any = table.combine_chunks().column(name).chunk(0)
    return memoryview(column.buffers()[1]).cast("q")[: len(column)]


def _write(sql: duckdb.DuckDBPyConnection, target: Path, shard_items: int, worked_on: int) -> None:
    shard = f"CASE WHEN turn > {worked_on} THEN {LEFT_OUT_SHARD} ELSE (turn - 1) // {shard_items} END::INTEGER"
    chosen = {"shard": shard, "left_out": _LEFT_OUT}
    columns = ", ".join(f"{chosen.get(name, f'draft.{name}')} AS {name}" for name in PLAN_SCHEMA.names)
    place = str(target).replace("'", "''")
    sql.execute(
        f"COPY (SELECT {columns} FROM draft JOIN unit ON draft.file_row_number = unit.place JOIN verdict USING (item) "  # noqa: S608 - our own names and numbers
        f"ORDER BY turn, unit.position) TO '{place}' "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_PER_GROUP})"
    )


def _one(sql: duckdb.DuckDBPyConnection, asked: str, parameters: dict[str, Any] | None = None) -> Any:
    return sql.execute(asked, parameters).fetchall()[0]


# Prices add up without error in whole millionths of a credit, a unit's rounded up, as the budget counts them.
MICRO = 1_000_000
ROUNDING = 0.0005

_UNITS = f"""
    CREATE TEMP TABLE numbered AS
    SELECT file_row_number AS place, position, priority, reason, hash(unit_key) AS key,
           ceil(round(credits * {MICRO}, 3))::BIGINT AS price,
           sum((position = 0)::BIGINT) OVER (ORDER BY file_row_number ROWS UNBOUNDED PRECEDING)::BIGINT AS item
    FROM draft;
    CREATE TEMP TABLE halted AS
    SELECT item, min(position) AS halts_at FROM numbered WHERE reason IN (SELECT reason FROM waits) GROUP BY item;
    CREATE TEMP TABLE unit AS
    SELECT place, item, position, priority, key, halts_at,
           CASE WHEN reason = '{Reason.DONE}' OR position >= halts_at THEN 0 ELSE price END AS price
    FROM numbered LEFT JOIN halted USING (item);
    DROP TABLE numbered
"""  # noqa: S608 - our own words
_FACTS = """
    SELECT count(*) FILTER (position = 0), count(DISTINCT coalesce(priority, '-inf'::DOUBLE)) > 1,
           count(halts_at) > 0
    FROM unit
"""
_TOTAL = "SELECT coalesce(sum(price), 0) FROM (SELECT max(price) AS price FROM unit WHERE price > 0 GROUP BY key)"
_RANKED = """
    CREATE TEMP TABLE ranked AS
    SELECT item, units, halts_at, row_number() OVER (ORDER BY priority DESC NULLS LAST, item) AS rank
    FROM (SELECT item, count(*) AS units, any_value(priority) AS priority, any_value(halts_at) AS halts_at
          FROM unit GROUP BY item)
"""
_PRICED = """
    SELECT price::BIGINT AS price, CASE WHEN several.key IS NULL THEN 0 ELSE (several.key // 2)::BIGINT END AS shared
    FROM unit JOIN ranked USING (item)
    LEFT JOIN (SELECT key FROM unit WHERE price > 0 GROUP BY key HAVING count(*) > 1) AS several
        ON unit.key = several.key AND price > 0
    ORDER BY rank, position
"""
_ENDS = "SELECT (sum(units) OVER (ORDER BY rank ROWS UNBOUNDED PRECEDING))::BIGINT AS ends FROM ranked ORDER BY rank"
_VERDICT = """
    CREATE TEMP TABLE verdict AS
    SELECT item, kept, coalesce(halts_at, units) AS halts_at, class, row_number() OVER (ORDER BY class, rank) AS turn
    FROM (SELECT *, CASE WHEN kept = units THEN 0 WHEN kept > 0 THEN 1 ELSE 2 END AS class
          FROM ranked JOIN kept USING (rank))
"""
_LEFT_OUT = f"""
    CASE WHEN unit.position > least(kept, verdict.halts_at) THEN '{LeftOut.BLOCKED}'
         WHEN unit.position = kept THEN '{LeftOut.OVER_BUDGET}'
         WHEN unit.position = verdict.halts_at THEN '{LeftOut.WAITS_FOR_RETRY}' END
"""
_COUNTS = "SELECT count(*) FILTER (class <= $last), count(*) FILTER (class > $last) FROM verdict"
