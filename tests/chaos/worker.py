"""
A process whose children are lives: runs without Prefect, meant to be killed at any instant.

It has imported everything beforehand and forks a child for each life, so that being born again takes milliseconds.
It reads one life per line, as JSON, and answers each with the child's process id.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

# pyarrow imports both when it is first asked for rows, which would take up most of a life.
import pandas as pd
import pyarrow.compute as pc

from blocks.storage import ObjectStorage
from catalogs.catalog import Catalog
from catalogs.manifest import ManifestRow, ManifestWriter
from catalogs.mapping import CatalogSource
from catalogs.plan import PlannedItem, Selection
from catalogs.recipe import parse_recipe
from catalogs.sources import PictureSources
from flows.desk import open_desk
from flows.items import do_stage, each_of, take_through
from flows.parameters import Retry, ShardRun
from flows.progress import RunProgress
from flows.publish import publish_manifest
from tests.catalogs.made import plan_items
from tests.chaos.death import await_death

__all__ = ["Life", "Publication"]

PRELOADED = (pd, pc)


@dataclass(frozen=True)
class Life:
    """One run of a catalog's items through a recipe; its manifest is written when all have come to an end."""

    run_id: str
    catalog: str
    recipe: str
    output: str
    manifest: str
    retry: list[Retry] = field(default_factory=list[Retry])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    items_in_flight: int = 500

    def line(self) -> str:
        """The life as the worker reads it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Publication:
    """The end of a run: its parts, which are in storage, merged into the manifest; `manifest` is written when it is over."""

    run_id: str
    output: str
    parts: list[str]
    folder: str
    manifest: str
    upkeep: str | None = None
    versions: str | None = None
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def line(self) -> str:
        """The publication as the worker reads it."""
        return json.dumps(asdict(self))


async def publish(publication: Publication) -> None:
    """Publish as the main job does at its end."""
    storage = ObjectStorage.from_uri(publication.output)
    with TemporaryDirectory(dir=publication.folder) as folder:
        published = await publish_manifest(
            storage,
            publication.parts,
            Path(folder),
            publication.run_id,
            upkeep=Path(publication.upkeep) if publication.upkeep else None,
            versions=Path(publication.versions) if publication.versions else None,
        )
        Path(publication.manifest).write_bytes(published.path.read_bytes())
    await storage.close()


async def live(life: Life) -> None:
    """Take all items through their stages, as one shard of the main job does."""
    items = _planned(life)
    shard = ShardRun(output=life.output, catalog=life.catalog, plan="", run_id=life.run_id, shard=0, retry=life.retry)
    rows: list[ManifestRow] = []
    async with open_desk(shard, {unit.operation for item in items for unit in item.units}, RunProgress(0)) as desk:

        async def one(item: PlannedItem) -> None:
            rows.extend(await take_through(desk, item, do_stage))

        await each_of(items, one, at_once=life.items_in_flight)
    with ManifestWriter(Path(life.manifest)) as writer:
        writer.add(rows)


def _planned(life: Life) -> list[PlannedItem]:
    catalog = Catalog.open(CatalogSource(uri=life.catalog))
    recipe = parse_recipe(life.recipe, source="the recipe of a life")
    entries = plan_items(catalog, recipe, PictureSources(catalog.folder), selection=Selection())
    return [entry for entry in entries if isinstance(entry, PlannedItem)]


def _child(line: str) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        fields = json.loads(line)
        life = Publication(**fields) if "parts" in fields else Life(**fields)
        os.environ.update(life.environment)
        await_death()
        asyncio.run(publish(life) if isinstance(life, Publication) else live(life))
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never go on as its parent
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Bear children until there is nothing more to read."""
    # The kernel buries them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            _child(line)
        print(child, flush=True)


if __name__ == "__main__":
    main()
