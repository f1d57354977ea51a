"""The gallery: a run's pictures as static pages to look at, garment beside stage beside final picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import chain, count, groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment
from pydantic import JsonValue, TypeAdapter, ValidationError

from catalogs.page_templates import amount, digest, our_file, templates

__all__ = [
    "PAGE_SKUS",
    "SINGLE_PAGE_SKUS",
    "Exhibit",
    "GallerySummary",
    "StagePicture",
    "render_gallery",
    "write_gallery",
]

SINGLE_PAGE_SKUS = 500
PAGE_SKUS = 200
MINUTE = 60
JSON = TypeAdapter[JsonValue](JsonValue)

LABELS: Mapping[str, str] = {
    "done": "Delivered",
    "failed": "Failed",
    "unknown": "Outcome unknown",
    "blocked": "Blocked",
    "held": "Held",
    "quarantined": "Quarantined",
}


@dataclass(frozen=True, slots=True)
class StagePicture:
    """
    What one stage made of one SKU.

    `pictures` are percent-encoded addresses relative to the gallery, or http(s) URLs; `options` is JSON;
    `status` is a manifest's: done, failed, unknown, blocked, held or quarantined.
    """

    stage: str
    operation: str
    status: str
    pictures: tuple[str, ...]
    width: int | None
    height: int | None
    options: str
    credits: float
    seconds: float | None
    reason: str | None
    error: str | None
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One item of the gallery: its garments' pictures, then its stages in the recipe's order."""

    sku: str
    title: str | None
    recipe: str
    status: str
    garments: tuple[str, ...]
    stages: tuple[StagePicture, ...]
    look: str | None = None


@dataclass(frozen=True, slots=True)
class _Sku:
    """A SKU's exhibits: one, or its looks side by side with what they have in common."""

    looks: Sequence[Exhibit]

    @property
    def shared(self) -> list[str]:
        """The garments of all its looks, to be shown once."""
        first, *others = self.looks
        return [each for each in first.garments if all(each in look.garments for look in others)] if others else []

    @property
    def credits(self) -> float:
        """What all of its looks cost."""
        return sum(stage.credits for look in self.looks for stage in look.stages)


@dataclass(frozen=True, slots=True)
class GallerySummary:
    """The run at a glance: items, pictures, and credits by vendor."""

    recipe: str
    made_at: datetime
    delivered: int
    partial: int
    failed: int
    pictures: int
    credits: Mapping[str, float]
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    """One page among those known so far: how many follow the next is not known while rows stream."""

    number: int
    more: bool

    @property
    def near(self) -> list[int | None]:
        """The page numbers to link, with None where some are left out."""
        last = self.number + self.more
        shown = sorted({1, *range(max(1, self.number - 2), last + 1)})
        gap = len(shown) < last
        return [1, None, *shown[1:]] if gap else [*shown]


def render_gallery(exhibits: Iterable[Exhibit], summary: GallerySummary) -> Iterator[tuple[str, str]]:
    """
    The gallery's files, name and HTML, one at a time.

    Up to 500 items make one page, more make pages of 200; no more than 900 are held in memory, but for the looks of a
    SKU, which stand on one page.
    """
    skus = (_Sku(list(looks)) for _, looks in groupby(exhibits, key=lambda one: (one.recipe, one.sku)))
    held = _some(skus, SINGLE_PAGE_SKUS + 1)
    size = SINGLE_PAGE_SKUS if len(_looks(held)) <= SINGLE_PAGE_SKUS else PAGE_SKUS
    skus = chain(held, skus)
    template = _templates().get_template("page.html.j2")
    shown = _some(skus, size)
    for number in count(1):
        following = _some(skus, size)
        page = _Page(number, more=bool(following))
        yield _file_name(number), template.render(skus=shown, looks=_looks(shown), summary=summary, page=page)
        if not following:
            return
        shown = following


def _some(skus: Iterator[_Sku], items: int) -> list[_Sku]:
    """The next SKUs, until they are so many items."""
    some: list[_Sku] = []
    while items > 0 and (sku := next(skus, None)) is not None:
        some.append(sku)
        items -= len(sku.looks)
    return some


def _looks(skus: Iterable[_Sku]) -> list[Exhibit]:
    return [look for sku in skus for look in sku.looks]


def write_gallery(exhibits: Iterable[Exhibit], summary: GallerySummary, folder: Path) -> Path:
    """Write the gallery's files into `folder`; returns its first page."""
    for name, html in render_gallery(exhibits, summary):
        (folder / name).write_text(html, encoding="utf-8")
    return folder / _file_name(1)


def _file_name(number: int) -> str:
    return "gallery.html" if number == 1 else f"gallery-{number}.html"


@cache
def _templates() -> Environment:
    environment = templates("gallery")
    filters: dict[str, Any] = environment.filters
    filters |= {
        "amount": amount,
        "duration": _duration,
        "file_name": _file_name,
        "options": _options,
        "safe_src": _safe_src,
        "utc": _utc,
    }
    style, script = our_file("gallery/gallery.css"), our_file("gallery/gallery.js")
    known: dict[str, Any] = environment.globals
    known |= {
        "labels": LABELS,
        "style": style,
        "script": script,
        # The policy lets nothing else run.
        "style_hash": digest(style),
        "script_hash": digest(script),
    }
    return environment


def _safe_src(address: str) -> str | None:
    """The address if a browser may load it as a picture: no `javascript:`, no `s3:`."""
    try:
        return address if urlsplit(address).scheme in {"", "http", "https"} else None
    except ValueError:
        return None


def _options(text: str) -> list[tuple[str, str]]:
    """An operation's options, one readable pair each; nested names are joined by dots."""
    try:
        options = JSON.validate_json(text)
    except ValidationError:
        return [("options", text)] if text else []
    return [pair for pair in _pairs("", options) if pair[1]]


def _pairs(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list) and not any(isinstance(inner, dict | list) for inner in value):
        yield name, ", ".join(_words(inner) for inner in value)
    elif isinstance(value, list):
        for index, inner in enumerate(value, start=1):
            yield from _pairs(f"{name} {index}", inner)
    elif value is not None:
        yield name, _words(value)


def _words(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value)


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC")
