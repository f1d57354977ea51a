"""Manifest rows as what the gallery shows of each item."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import quote

from catalogs.gallery import Exhibit, StagePicture
from catalogs.ledger import StoredPicture

__all__ = ["exhibits_of"]

# The pictures that show the product, in the order in which one looks for it.
GARMENT_SLOTS = ("top_garment", "bottom_garment", "garments", "picture")


def exhibits_of(rows: Iterable[Mapping[str, Any]], *, output: str, sources: Mapping[str, str]) -> Iterator[Exhibit]:
    """
    One exhibit per item, from rows that are in item order.

    `output` is the storage's root, from which the gallery's own pictures are addressed; `sources` maps a
    catalog picture's address to where the gallery finds it.
    """
    for (recipe, _, _), group in groupby(rows, key=lambda row: (row["recipe"], row["row"], row["sku"])):
        stages = list(group)
        yield Exhibit(
            sku=stages[0]["sku"] or f"row {stages[0]['row']}",
            title=stages[0]["title"],
            recipe=recipe,
            status=_status(stages),
            garments=tuple(sources[uri] for uri in garments_of(stages) if uri in sources),
            stages=tuple(_stage(row, output) for row in stages),
        )


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


def _stage(row: Mapping[str, Any], output: str) -> StagePicture:
    stored = [StoredPicture.model_validate(picture) for picture in row["pictures"] or ()]
    return StagePicture(
        stage=row["stage"],
        operation=row["operation"],
        status=row["status"],
        pictures=tuple(_relative(picture.uri, output) for picture in stored),
        width=row["width"],
        height=row["height"],
        options=row["options"] or "{}",
        credits=row["credits"] or 0.0,
        seconds=row["seconds"],
        reason=row["reason"],
        error=row["error_message"],
        job_id=row["job_id"],
    )


def _relative(uri: str, output: str) -> str:
    """A stored picture's address as seen from the gallery, which lies at the output's root."""
    return quote(uri.removeprefix(output.rstrip("/") + "/"))
