"""What has changed since the manifest was written, asked of it in columns, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from catalogs.manifest import SCHEMA, checked_manifest
from catalogs.plan import Planned
from catalogs.planner import Delta
from catalogs.reasons import Before, Reason, reason_of
from catalogs.recipe import Recipe

__all__ = ["Gone", "ManifestDelta", "Refreshed", "manifest_view"]

MEMORY = "700MB"
ITEMS_AT_ONCE = 50_000

# Units are compared by hashes: of 128 bits where a picture hangs on it, of 64 where only its reason does.
_BRIEF = """
    CREATE TEMP MACRO place_of(recipe, sku, look, stage) AS
        md5_number(recipe || chr(31) || sku || chr(31) || coalesce(look, '') || chr(31) || stage);
    CREATE TEMP VIEW compared AS
    SELECT place_of(recipe, sku, look, stage) AS place_key, md5_number(unit_key) AS unit_key, status,
           attempt IS NOT NULL AS called, error_kind, hash(options) AS options, hash(inputs) AS inputs,
           hash(image_version) AS image_version, hash(fingerprint) AS fingerprint, picture IS NOT NULL AS has_picture
    FROM manifest
"""
_FROM_MEMORY = """
    CREATE TEMP TABLE kept AS FROM compared;
    CREATE OR REPLACE TEMP VIEW compared AS FROM kept
"""


class _Facts(NamedTuple):
    """What the manifest says of a unit: `Before`, all blank where it has no such row, and what else decides."""

    status: str | None
    called: bool
    error_kind: str | None
    same_key: bool
    same_pictures: bool
    same_options: bool
    has_picture: bool
    same_fingerprint: bool


NOTHING_TOLD = _Facts(
    status=None,
    called=False,
    error_kind=None,
    same_key=False,
    same_pictures=False,
    same_options=False,
    has_picture=False,
    same_fingerprint=False,
)


class _Found(NamedTuple):
    """How an item fares; `outdated` where the manifest has another fingerprint of it."""

    reasons: Sequence[Reason]
    settled: bool
    outdated: bool


class Refreshed(NamedTuple):
    """An item's new fingerprint."""

    sku: str
    look: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Gone:
    """
    What the manifest has as current, and catalog or recipe have no more.

    `skus` have left the catalog, `looks` the recipe, with the number of their items; what is without a look is under
    an empty one. `items` are all of these, as SKU and look.
    """

    skus: list[str] = field(default_factory=list[str])
    looks: dict[str, int] = field(default_factory=dict[str, int])
    items: Sequence[tuple[str, str]] = ()


class ManifestDelta(Delta):
    """
    An output's manifest, as planning one recipe asks for it.

    `refreshed` are the items that turned out unchanged though their fingerprint did not say so.
    """

    at_once = ITEMS_AT_ONCE

    def __init__(self, manifest: Path | None, recipe: Recipe, folder: Path, *, force: bool = False) -> None:
        """`folder` takes what does not fit into memory. Raises `StorageError` when the file is no manifest."""
        self._recipe = recipe
        self._stages = [stage.name for stage in recipe.stages]
        self._looks = {look.name for look in recipe.looks} or {""}
        self._force = force
        self._sql = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder / "spill")})
        self._comparisons = 0
        self._is_empty = manifest is None
        if manifest is None:
            self._sql.register("manifest", SCHEMA.empty_table())
        else:
            checked_manifest(manifest)
            manifest_view(self._sql, manifest)
        self._sql.execute(_BRIEF)
        self._unchanged = frozenset[str]() if force else self._settled()
        self.refreshed: list[Refreshed] = []

    def close(self) -> None:
        """Let go of the manifest."""
        self._sql.close()

    def unchanged(self, fingerprint: str | None) -> bool:
        """Whether the manifest holds every stage's picture of an item with this fingerprint."""
        return fingerprint in self._unchanged

    def compare(self, items: Sequence[Planned]) -> None:
        """Fill in the units' reasons, and settle the items that have all their pictures already."""
        if not items:
            return
        many = len(self._stages)
        told = self._told(items)
        # Most items fare like many others.
        compared: dict[tuple[_Facts, ...], _Found] = {}
        for place, item in enumerate(items):
            facts = tuple(told[place * many : (place + 1) * many])
            found = compared.get(facts)
            if found is None:
                found = compared[facts] = self._compared(facts)
            item.reasons, item.settled = found.reasons, found.settled
            if found.settled and found.outdated and item.fingerprint:
                self.refreshed.append(Refreshed(item.item.sku, item.item.look, item.fingerprint))

    def gone(self, knows: Callable[[str], bool]) -> Gone:
        """What the manifest has as current, of SKUs that the catalog, as `knows` says, has no more, and of left looks."""
        skus: list[str] = [sku for sku in self._current("DISTINCT sku")["sku"] if not knows(sku)]
        left: set[str] = {*self._current("DISTINCT coalesce(look, '') AS look")["look"]} - self._looks
        if not skus and not left:
            return Gone()
        self._sql.register("gone_skus", pa.table({"sku": pa.array(skus, pa.string())}))
        self._sql.register("gone_looks", pa.table({"look": pa.array(sorted(left), pa.string())}))
        which = "sku IN (SELECT sku FROM gone_skus) OR coalesce(look, '') IN (SELECT look FROM gone_looks)"
        found = self._current("DISTINCT sku, coalesce(look, '') AS look", which)
        items: list[tuple[str, str]] = sorted(zip(found["sku"], found["look"], strict=True))
        return Gone(sorted(skus), dict(Counter(look for _, look in items if look in left)), items)

    def _current(self, what: str, which: str = "true") -> dict[str, list[Any]]:
        """From the manifest's rows of this recipe that are not retired."""
        asked = (
            f"SELECT {what} FROM manifest WHERE recipe = ? AND sku IS NOT NULL AND status <> 'retired' AND ({which})"  # noqa: S608 - our own words
        )
        return self._sql.sql(asked, params=[self._recipe.name]).to_arrow_table().to_pydict()

    def _settled(self) -> frozenset[str]:
        asked = (
            "SELECT fingerprint FROM manifest WHERE recipe = ? AND status = 'done' AND fingerprint IS NOT NULL "
            "GROUP BY fingerprint HAVING count(*) = ?"
        )
        found = self._sql.sql(asked, params=[self._recipe.name, len(self._stages)]).to_arrow_table()
        return frozenset(found.column(0).to_pylist())

    def _told(self, items: Sequence[Planned]) -> list[_Facts]:
        """What the manifest says of each unit, in order."""
        if self._is_empty:
            return [NOTHING_TOLD] * (len(items) * len(self._stages))
        self._comparisons += 1
        if self._comparisons == 2:  # noqa: PLR2004 - the first alone is cheaper from the file
            self._sql.execute(_FROM_MEMORY)
        self._sql.register("planned", _table(items, self._stages))
        told = [NOTHING_TOLD] * (len(items) * len(self._stages))
        for *facts, places in self._sql.execute(_COMPARED, [self._recipe.name]).fetchall():
            found = _Facts(*facts)
            for place in places:
                told[place] = found
        return told

    def _compared(self, facts: Sequence[_Facts]) -> _Found:
        reasons: list[Reason] = []
        differs = False
        for told in facts:
            before = None if told.status is None else Before(told.status, *told[1:6])
            reasons.append(reason_of(before, has_picture=told.has_picture, upstream_differs=differs, force=self._force))
            differs = before is None or not before.same_key
        settled = all(told.status == "done" and told.same_key for told in facts) and not self._force
        return _Found(reasons, settled, not all(told.same_fingerprint for told in facts))


_COMPARED = """
    WITH brief AS MATERIALIZED (
        SELECT place, place_of(?, sku, look, stage) AS place_key, md5_number(unit_key) AS unit_key,
               hash(options) AS options, hash(inputs) AS inputs, hash(image_version) AS image_version,
               hash(fingerprint) AS fingerprint
        FROM planned
    ),
    pictured AS (SELECT DISTINCT brief.unit_key FROM brief JOIN compared USING (unit_key) WHERE has_picture)
    SELECT
        before.status,
        coalesce(before.called, false),
        before.error_kind,
        coalesce(before.unit_key = brief.unit_key, false),
        coalesce(before.inputs = brief.inputs AND before.image_version = brief.image_version, false),
        coalesce(before.options = brief.options, false),
        pictured.unit_key IS NOT NULL,
        coalesce(before.fingerprint = brief.fingerprint, false),
        list(brief.place)
    FROM brief
    LEFT JOIN compared AS before ON before.place_key = brief.place_key
    LEFT JOIN pictured ON pictured.unit_key = brief.unit_key
    GROUP BY ALL
"""


def manifest_view(sql: duckdb.DuckDBPyConnection, manifest: Path) -> None:
    """The file as a table of this version's columns."""
    present = set(pq.read_schema(manifest).names)
    columns = [f'"{name}"' if name in present else f'NULL::VARCHAR AS "{name}"' for name in SCHEMA.names]
    sql.read_parquet(str(manifest)).project(", ".join(columns)).create_view("manifest")


def _table(items: Sequence[Planned], stages: Sequence[str]) -> pa.Table:
    links = [link for item in items for link in item.links]
    return pa.table(
        {
            "place": pa.array(range(len(links)), pa.int64()),
            "sku": pa.array([item.item.sku for item in items for _ in stages], pa.string()),
            "look": pa.array([item.item.look for item in items for _ in stages], pa.string()),
            "stage": pa.array([*stages] * len(items), pa.string()),
            "unit_key": pa.array([link.unit_key for link in links], pa.string()),
            "options": pa.array([link.options for link in links], pa.string()),
            "inputs": pa.array([link.unsigned_inputs for link in links], pa.string()),
            "image_version": pa.array([link.image_version for link in links], pa.string()),
            "fingerprint": pa.array([item.fingerprint for item in items for _ in stages], pa.string()),
        }
    )
