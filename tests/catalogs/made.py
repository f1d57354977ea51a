"""Catalogs, items, units and manifest rows as tests need them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from blocks.account import VendorAccount
from catalogs.catalog import Catalog
from catalogs.ledger import Attempt, AttemptState, StoredPicture
from catalogs.manifest import ManifestRow, ManifestWriter
from catalogs.mapping import CatalogSource
from catalogs.plan import Planned, PlannedItem, Selection, Unit
from catalogs.planner import Delta, Planner
from catalogs.recipe import Recipe, load_recipe
from catalogs.rows import Item, Reject
from catalogs.sources import PictureSources

MOMENT = datetime(2026, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def garment_rows(count: int) -> list[dict[str, Any]]:
    """Rows that every shipped recipe can work on."""
    return [
        {
            "sku": f"SKU-{number}",
            "title": f"Shirt {number}",
            "gender": "woman",
            "color": "navy",
            "category": "top",
            "top_garment": f"https://shop.example/{number}/top.png",
            "person_image": "https://shop.example/models/ada.jpg",
            "product_image": f"https://shop.example/{number}/studio.jpg",
            "setting": f"street number {number}",
        }
        for number in range(count)
    ]


def parquet_of(rows: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """A Parquet file with these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def catalog_at(path: Path, **settings: Any) -> Catalog:
    """The catalog that is there."""
    return Catalog.open(CatalogSource(uri=str(path), **settings))


def planned(
    catalog: Catalog, recipe: Recipe | str = "on-model", *, done: Iterable[str] = (), **selection: Any
) -> list[PlannedItem | Reject]:
    """What a run would do with the catalog."""
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    sources = PictureSources(catalog.folder)
    return list(plan_items(catalog, recipe, sources, selection=Selection(**selection), done=set(done)))


def an_item(**columns: Any) -> Item:
    """An item of which only some columns are filled."""
    blank: dict[str, Any] = dict.fromkeys(
        ("top_garment", "bottom_garment", "person_image", "product_image", "gender", "title", "category", "color")
    )
    fixed: dict[str, Any] = {"row": 1, "sku": "A", "garments": (), "priority": None, "image_version": None}
    no_cells: dict[str, Any] = {"columns": {}}
    return Item(**fixed | blank | no_cells | columns)


def key_of(text: str) -> str:
    """Any unit key."""
    return hashlib.sha256(text.encode()).hexdigest()


def a_unit(**fields: Any) -> Unit:
    """A unit that is to be done."""
    usual: dict[str, Any] = {
        "recipe": "on-model",
        "row": 1,
        "sku": "A",
        "title": "Shirt",
        "stage": "model",
        "position": 0,
        "operation": "claid.fashion_models",
        "unit_key": key_of("A"),
        "options": '{"pose": "neutral"}',
        "inputs": {"top_garment": ["https://shop.example/top.png"]},
        "gender": None,
        "pick": 1,
        "credits": 2.0,
        "reason": "new",
    }
    return Unit(**usual | fields)


def an_attempt(unit: Unit, **fields: Any) -> Attempt:
    """An attempt at a unit: its claim, as long as no other state is given."""
    usual: dict[str, Any] = {
        "unit_key": unit.unit_key,
        "state": AttemptState.SUBMITTING,
        "recipe": unit.recipe,
        "sku": unit.sku,
        "look": unit.look,
        "stage": unit.stage,
        "operation": unit.operation,
        "vendor": "Claid",
        "credits": unit.credits,
        "run_id": "run-1",
        "claimed_at": MOMENT,
    }
    return Attempt(**usual | fields)


def a_picture(uri: str = "memory://out/pictures/A/model-1.png") -> StoredPicture:
    """A picture in storage."""
    return StoredPicture(uri=uri, sha256="ab" * 32, width=896, height=1200, bytes=123_456, mime="image/png")


def a_row(**fields: Any) -> ManifestRow:
    """A manifest row whose unit is done."""
    usual: dict[str, Any] = {
        "recipe": "on-model",
        "row": 1,
        "sku": "A",
        "title": 'Shirt, "Breton"\nnavy',
        "stage": "model",
        "position": 0,
        "operation": "claid.fashion_models",
        "status": "done",
        "run_id": "run-1",
        "pictures": (a_picture(),),
        "inputs": '{"top_garment": ["https://shop.example/top.png"]}',
        "unit_key": key_of("A"),
        "attempt": 1,
        "vendor": "Claid",
        "job_id": "123",
        "options": '{"pose": "neutral"}',
        "credits": 2.0,
        "submitted_at": MOMENT,
        "finished_at": MOMENT + timedelta(seconds=2, milliseconds=500),
    }
    return ManifestRow(**usual | fields)


def manifest_of(rows: Iterable[ManifestRow], path: Path) -> Path:
    """A manifest with these rows."""
    with ManifestWriter(path) as writer:
        writer.add(rows)
    return path


@dataclass(frozen=True, slots=True)
class _Done(Delta):
    """Nothing but the keys of units whose pictures are in storage."""

    keys: Container[str]
    at_once: int = 1

    def unchanged(self, fingerprint: str | None) -> bool:  # noqa: ARG002 - keys alone decide
        """Never: the keys alone decide."""
        return False

    def compare(self, items: Sequence[Planned]) -> None:
        """Done or new."""
        for planned in items:
            planned.reasons = ["done" if link.unit_key in self.keys else "new" for link in planned.links]


def plan_items(
    catalog: Catalog,
    recipe: Recipe,
    sources: PictureSources,
    *,
    selection: Selection,
    done: Container[str] = frozenset(),
    accounts: Iterable[VendorAccount] = (),
) -> Iterator[PlannedItem | Reject]:
    """
    Turn rows into units, streaming.

    A row that can't run becomes a `Reject`; `done` holds the keys of units whose pictures are in storage; `accounts`
    have the prices, where they are not the vendors' own. Raises `CatalogError` at the end when the catalog lacks a
    SKU that was asked for.
    """
    planner = Planner(catalog, recipe, sources, _Done(done), accounts=accounts)
    for entry in planner.plan(selection):
        yield entry if isinstance(entry, Reject) else entry.as_item()
