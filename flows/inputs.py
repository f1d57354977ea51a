"""What goes into a unit's paid call: pictures fetched, checked and made to fit, before anything is paid."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from blocks.errors import StorageError
from blocks.fitting import fit
from blocks.operation import Inputs, Options, Picture, Slot
from blocks.operations import OPERATIONS
from blocks.pictures import BrokenPicture, PictureLimits, known_pictures, off_loop
from catalogs.addresses import bare
from catalogs.ledger import StoredPicture
from catalogs.plan import Unit
from catalogs.unit_key import unsigned
from flows.desk import Desk
from flows.miniature import keep_miniature, miniature_path
from flows.recent import RecentPicture

__all__ = ["load_inputs", "read_options"]

PRESIGNED_SECONDS = 6 * 3600


def read_options(unit: Unit) -> Options:
    """The unit's options as its operation's own type."""
    return OPERATIONS[unit.operation].options_type.model_validate_json(unit.options)


async def load_inputs(desk: Desk, unit: Unit, upstream: StoredPicture | None) -> Inputs:
    """Fetch and fit every picture of a unit; raises `CatalogError` naming a picture that can't be used."""
    wanted = [(slot, uri) for slot, uris in unit.inputs.items() for uri in uris]
    pictures = await asyncio.gather(*(_source(desk, unit, uri) for _, uri in wanted))
    by_slot: dict[str, list[Picture]] = {}
    for (slot, _), picture in zip(wanted, pictures, strict=True):
        by_slot.setdefault(slot, []).append(picture)
    garments = tuple(by_slot.pop(Slot.GARMENTS, ()))
    single: dict[str, Any] = {slot: several[0] for slot, several in by_slot.items()}
    if upstream is not None and Slot.PICTURE not in single:
        single[Slot.PICTURE] = await _result(desk, unit, upstream)
    return Inputs(garments=garments, gender=unit.gender, **single)


async def _source(desk: Desk, unit: Unit, uri: str) -> Picture:
    limits = OPERATIONS[unit.operation].limits
    fitted = desk.fitted.get((uri, limits))
    if fitted is None:
        fitted = await _fitted(await _fetched(desk, uri), limits, uri)
        if fitted.changed:
            # One model's photo goes with thousands of garments, and may take long to convert.
            desk.fitted.put((uri, limits), fitted)
        else:
            desk.recent.put(uri, fitted)
    address = desk.lane_of(unit.operation).account.base_url
    return _picture(fitted, uri, await desk.sources.public_url(uri, address))


async def _fetched(desk: Desk, uri: str) -> RecentPicture:
    recent = desk.recent.get(uri)
    if recent is None:
        recent = RecentPicture(await desk.sources.fetch(uri))
        desk.recent.put(uri, recent)
        if (name := unsigned(uri)) != uri:
            await _keep_for_gallery(desk, name, recent.data)
    return recent


async def _keep_for_gallery(desk: Desk, name: str, data: bytes) -> None:
    """Keep a small copy of a picture whose address opens nothing once the manifest holds it without its signature."""
    with suppress(BrokenPicture):
        if not await desk.storage.exists(miniature_path(name)):
            await keep_miniature(name, data, desk.storage)


async def _result(desk: Desk, unit: Unit, upstream: StoredPicture) -> Picture:
    storage = desk.storage
    path = storage.path_of(upstream.uri)
    if path is None:
        raise StorageError(
            f"the ledger's picture {upstream.uri!r} is not under this output, {storage.root!r}",
            next_step="Run with the output that the ledger was written for.",
        )
    url = None
    if storage.reachable_from(desk.lane_of(unit.operation).account.base_url):
        url = await storage.presign(path, seconds=PRESIGNED_SECONDS)
    recent = desk.recent.get(upstream.uri) or RecentPicture(await storage.read(path))
    fitted = await _fitted(recent, OPERATIONS[unit.operation].limits, upstream.uri)
    return _picture(fitted, upstream.uri, url)


async def _fitted(picture: RecentPicture, limits: PictureLimits, uri: str) -> RecentPicture:
    known = known_pictures.find(picture.info.sha256) if picture.info else None
    if known is not None and known.fits(limits):
        return picture
    data, info = await off_loop(fit, picture.data, limits, source=bare(uri))
    return RecentPicture(data, info, changed=data is not picture.data)


def _picture(fitted: RecentPicture, uri: str, url: str | None) -> Picture:
    assert fitted.info is not None  # noqa: S101 - fitting it told
    stem = PurePosixPath(unquote(urlsplit(uri).path)).stem or "picture"
    # A picture that had to be changed exists nowhere but here, so no URL serves it.
    return Picture(f"{stem}.{fitted.info.extension}", fitted.data, fitted.info.mime, None if fitted.changed else url)
