"""A workbench for tests: desks at vendors, items to work on, and what comes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw
from pydantic import SecretStr

from blocks.account import Limits, Timeouts, VendorAccount
from blocks.ailabtools import AILabToolsCredentials
from blocks.claid import ClaidCredentials
from blocks.storage import ObjectStorage
from blocks.vmake import VmakeCredentials
from catalogs.catalog import Catalog
from catalogs.manifest import ManifestRow
from catalogs.mapping import CatalogSource
from catalogs.plan import PlannedItem, Selection
from catalogs.recipe import Recipe, parse_recipe
from catalogs.sources import PictureSources
from flows.desk import Desk
from flows.items import do_stage, take_through
from flows.lane import Lane
from flows.progress import RunProgress
from flows.report import RunReport
from flows.summary import summarise
from tests.catalogs.made import plan_items
from tests.flows.vendors import Vendors

KINDS: tuple[type[VendorAccount], ...] = (ClaidCredentials, VmakeCredentials, AILabToolsCredentials)

EDIT_ONLY = """
name: edit-only
stages:
  - {name: style, operation: claid.edit, options: {prompt: "make the {color} warmer"}}
"""
ON_MODEL = """
name: on-model
stages:
  - {name: model, operation: claid.fashion_models, options: {aspect_ratio: "3:4"}}
  - {name: refine, operation: ailabtools.try_on_refiner}
  - {name: scene, operation: claid.scene, options: {scene: {model: v2, prompt: "a {color} wall"}}}
"""


def desk(
    vendors: Vendors,
    output: str,
    *,
    run_id: str = "run-1",
    retry: Iterable[str] = (),
    key: str = "test",
    **timeouts: float,
) -> Desk:
    """A desk as a flow run opens it, with quick polls and no limits."""
    storage = ObjectStorage.from_uri(output)
    lanes: dict[str, Lane] = {}
    for kind in KINDS:
        account = kind(
            api_key=SecretStr(key),
            base_url=vendors.url,
            limits=Limits(jobs_in_flight=100),
            poll_seconds=0.05,
            timeouts=Timeouts(**{"job": 20, "refusals": 5} | timeouts),
        )
        lanes[kind.vendor] = Lane(account)
    return Desk(storage, PictureSources("/"), lanes, RunProgress(0), run_id=run_id, retry=retry)


async def worked(at: Desk, items: list[PlannedItem]) -> list[ManifestRow]:
    """All items at one time; their rows."""
    rows = await asyncio.gather(*(take_through(at, item, do_stage) for item in items))
    return [row for item_rows in rows for row in item_rows]


def reported(rows: list[ManifestRow], run_id: str = "run-1", **facts: Any) -> RunReport:
    """The rows as a run's report."""
    usual: dict[str, Any] = {
        "recipe": "on-model",
        "output": "out",
        "manifest": "out/manifest.parquet",
        "gallery": None,
        "started_at": datetime.now(UTC),
        "unchanged": 0,
    }
    return summarise((row.record() for row in rows), run_id=run_id, **usual | facts)


def drawn(path: Path, colour: str = "teal") -> Path:
    """A picture that every vendor takes: textured, so that it is over 5 KB."""
    picture = Image.effect_noise((320, 400), 60).convert("RGB")
    ImageDraw.Draw(picture).polygon([(80, 60), (240, 60), (220, 340), (100, 340)], fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def catalog(folder: Path, items: int, **columns: list[Any]) -> Path:
    """A catalog of items with pictures of their own and a model's photo for all."""
    drawn(folder / "model.png", "tan")
    for number in range(items):
        drawn(folder / f"garment-{number}.png")
    table: dict[str, list[Any]] = {
        "sku": [f"SKU-{number}" for number in range(items)],
        "top_garment": [f"garment-{number}.png" for number in range(items)],
        "product_image": [f"garment-{number}.png" for number in range(items)],
        "person_image": ["model.png"] * items,
        "gender": ["woman"] * items,
        "color": ["teal"] * items,
    }
    pq.write_table(pa.table(table | columns), folder / "catalog.parquet")
    return folder / "catalog.parquet"


def planned(path: Path, recipe: str = EDIT_ONLY) -> list[PlannedItem]:
    """All items of a catalog, planned."""
    opened = Catalog.open(CatalogSource(uri=str(path)))
    entries = list(plan_items(opened, as_recipe(recipe), PictureSources(opened.folder), selection=Selection()))
    return [entry for entry in entries if isinstance(entry, PlannedItem)]


def as_recipe(text: str) -> Recipe:
    """A recipe from its YAML."""
    return parse_recipe(text, source="the test's recipe")
