"""Manifest rows as what the gallery shows of each item."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import quote

from blocks.storage import ObjectStorage
from catalogs.gallery import Exhibit, GallerySummary, StagePicture
from catalogs.ledger import StoredPicture

__all__ = ["exhibits_of", "garments_of", "item_of", "summary_of"]

# The pictures that show the product, in the order in which one looks for it.
GARMENT_SLOTS = ("top_garment", "bottom_garment", "garments", "picture")


def exhibits_of(rows: Iterable[Mapping[str, Any]], *, output: str, sources: Mapping[str, str]) -> Iterator[Exhibit]:
    """
    One exhibit per item, from rows that are in item order.

    `output` is the storage's root, from which the gallery's own pictures are addressed; `sources` maps a
    catalog picture's address to where the gallery finds it.
    """
    storage = ObjectStorage(root=output)
    for (recipe, _, _, look), group in groupby(rows, key=item_of):
        stages = list(group)
        yield Exhibit(
            sku=stages[0]["sku"] or f"row {stages[0]['row']}",
            title=stages[0]["title"],
            recipe=recipe,
            look=look,
            status=_status(stages),
            garments=tuple(sources[uri] for uri in garments_of(stages) if uri in sources),
            stages=tuple(_stage(row, storage) for row in stages),
        )


def summary_of(rows: Iterable[Mapping[str, Any]], *, made_at: datetime, run_id: str) -> GallerySummary:
    """The shown rows, in item order, at a glance: an item with some of its pictures is partial."""
    recipes: dict[str, None] = {}
    spent: dict[str, float] = {}
    counts: Counter[str] = Counter()
    pictures: set[str] = set()
    for (recipe, *_), group in groupby(rows, key=item_of):
        recipes[recipe] = None
        stages = list(group)
        done = sum(row["status"] == "done" for row in stages)
        counts["delivered" if done == len(stages) else "partial" if done else "failed"] += 1
        pictures.update(picture["uri"] for row in stages for picture in row["pictures"] or ())
        for row in stages:
            if row["credits"]:
                spent[row["vendor"]] = spent.get(row["vendor"], 0.0) + row["credits"]
    return GallerySummary(
        recipe=", ".join(recipes),
        made_at=made_at,
        delivered=counts["delivered"],
        partial=counts["partial"],
        failed=counts["failed"],
        pictures=len(pictures),
        credits=spent,
        run_id=run_id,
    )


def item_of(row: Mapping[str, Any]) -> tuple[str, int, str | None, str | None]:
    """What the rows of one item have in common: recipe, row, SKU and look."""
    return row["recipe"], row["row"], row["sku"], row["look"]


def garments_of(stages: Iterable[Mapping[str, Any]]) -> list[str]:
    """Addresses of the catalog pictures that show an item's garments, each once."""
    found: dict[str, None] = {}
    for row in stages:
        if row["unit_key"] is None:
            continue
        inputs: dict[str, list[str]] = json.loads(row["inputs"])
        found |= dict.fromkeys(uri for slot in GARMENT_SLOTS for uri in inputs.get(slot, []))
    return list(found)


def _status(stages: list[Mapping[str, Any]]) -> str:
    """The item's status is that of the stage that decided it."""
    return next((row["status"] for row in stages if row["status"] != "done"), "done")


def _stage(row: Mapping[str, Any], storage: ObjectStorage) -> StagePicture:
    stored = [StoredPicture.model_validate(picture) for picture in row["pictures"] or ()]
    return StagePicture(
        stage=row["stage"],
        operation=row["operation"],
        status=row["status"],
        pictures=tuple(_relative(picture.uri, storage) for picture in stored),
        width=row["width"],
        height=row["height"],
        options=row["options"] or "{}",
        credits=row["credits"] or 0.0,
        seconds=row["seconds"],
        reason=row["reason"],
        error=row["error_message"],
        job_id=row["job_id"],
    )


def _relative(uri: str, storage: ObjectStorage) -> str:
    """A stored picture's address as seen from the gallery, which lies at the output's root."""
    path = storage.path_of(uri)
    return uri if path is None else quote(path)
