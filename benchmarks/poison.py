"""
A catalog with unusable pictures among usable ones: what arrives, what each poison row is told, and the memory it takes.

    python -m benchmarks.poison [--items 320] [--job-seconds 0.2]

One row in twenty can't be used; as many again are odd, and usable. Prints a table of causes and the process's peak memory.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from benchmarks.server import running_prefect
from deployments.cli.environment import prepare_environment
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings

__all__ = ["ODD", "POISON", "PoisonedCatalog", "poisoned_catalog", "recipe_text"]

# Where the pictures of a row may be spoilt, in turn.
COLUMNS = ("top_garment", "bottom_garment", "person_image")
ONE_IN = 20
MOST_MEMORY_MB = 1500
SIDES = (320, 400)


@dataclass(frozen=True, slots=True)
class PoisonedCatalog:
    """A catalog on disk, with the kind of each spoilt row by SKU."""

    path: Path
    items: int
    poison: dict[str, str]
    odd: dict[str, str]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=320)
    parser.add_argument("--job-seconds", type=float, default=0.2)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with TemporaryDirectory(prefix="catwalk-poison-") as scratch:
        _measure(given.items, given.job_seconds, Path(scratch))


def poisoned_catalog(folder: Path, items: int, *, absent_url: str, one_in: int = ONE_IN) -> PoisonedCatalog:
    """Rows with small drawn garments; the first of every `one_in` is unusable, the second odd, kind after kind."""
    _drawn("tan").save(folder / "model.png")
    rows = [_row(folder, number, absent_url, one_in) for number in range(items)]
    pq.write_table(pa.Table.from_pylist([row for row, _ in rows]), folder / "catalog.parquet")
    spoilt = {row["sku"]: kind for row, kind in rows if kind}
    poison = {sku: kind for sku, kind in spoilt.items() if kind in POISON}
    return PoisonedCatalog(folder / "catalog.parquet", items, poison, {s: k for s, k in spoilt.items() if k in ODD})


def _row(folder: Path, number: int, absent_url: str, one_in: int) -> tuple[dict[str, str], str]:
    turn, place = divmod(number, one_in)
    garment = folder / f"garment-{number}.png"
    _drawn("teal", number).save(garment, compress_level=1)
    row = {
        "sku": f"SKU-{number:05}",
        "top_garment": garment.name,
        "bottom_garment": garment.name,
        "person_image": "model.png",
        "gender": "woman",
        "prompt": f"marble terrace number {number}",
    }
    kinds = list((POISON, ODD)[place]) if place < 2 else []
    if not kinds:
        return row, ""
    kind = kinds[turn % len(kinds)]
    # Of its own for each row: a picture that many rows share is fetched, and held in memory, once.
    spoilt = folder / f"{kind}-{number}.jpg"
    if (data := {**POISON, **ODD}[kind]()) is not None:
        spoilt.write_bytes(data)
    row[COLUMNS[turn % len(COLUMNS)]] = absent_url if kind == "absent" else spoilt.name
    return row, kind


def _drawn(colour: str, number: int = 0) -> Image.Image:
    """Enough texture that a PNG is over the 5 KB that AILabTools asks for."""
    picture = Image.effect_noise(SIDES, 60).convert("RGB")
    ImageDraw.Draw(picture).polygon([(80 + number % 50, 60), (240, 60), (220, 340), (100, 340)], fill=colour)
    return picture


def _encoded(picture: Image.Image, name: str = "JPEG", **settings: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, name, **settings)
    return buffer.getvalue()


def _truncated() -> bytes:
    data = _encoded(_drawn("teal"))
    return data[: len(data) // 2]


def _sideways() -> bytes:
    upright = Image.Exif()
    upright[0x0112] = 6
    return _encoded(_drawn("teal"), exif=upright)


def _large() -> bytes:
    # Noise does not compress: 27 MB of pixels are 27 MB of PNG, whatever the name says.
    side = 3000
    return _encoded(Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)), "PNG", compress_level=0)


def _nothing() -> None:
    return None


# How each kind is made; None leaves no file.
POISON: dict[str, Callable[[], bytes | None]] = {
    "truncated": _truncated,
    "empty": lambda: b"",
    "html": lambda: b"<!DOCTYPE html><html><body>Moved to our new shop</body></html>",
    "bomb": lambda: _encoded(Image.new("1", (12_000, 12_000)), "PNG"),
    "pixel": lambda: _encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
    "missing": _nothing,
    "absent": _nothing,
}
ODD: dict[str, Callable[[], bytes]] = {
    "cmyk": lambda: _encoded(_drawn("teal").convert("CMYK")),
    "sideways": _sideways,
    "large": _large,
}


def recipe_text() -> str:
    """On a model, refined, in a scene."""
    return """
name: poisoned
stages:
  - {name: model, operation: claid.fashion_models, options: {aspect_ratio: "3:4"}}
  - {name: refine, operation: ailabtools.try_on_refiner}
  - {name: scene, operation: claid.scene, options: {scene: {model: v2, prompt: "{prompt}"}}}
"""


def _measure(items: int, job_seconds: float, folder: Path) -> None:
    (folder / "prefect").mkdir()
    prepare_environment()
    settings = SandboxSettings(job_seconds=job_seconds, limits="off", picture_size=256)
    with running_prefect(folder / "prefect") as prefect, running_sandbox(settings) as sandbox:
        os.environ["PREFECT_API_URL"] = prefect
        # In a process of its own, as drawing them takes more memory than working on them.
        with ProcessPoolExecutor(1, get_context("spawn")) as draughtsman:
            absent = f"{sandbox.url}/garments/absent.jpg"
            catalog = draughtsman.submit(poisoned_catalog, folder, items, absent_url=absent).result()
        before = _peak_mb()
        started = time.perf_counter()
        rows = _run(catalog.path, sandbox.url, folder / "output")
        seconds = time.perf_counter() - started
        charges = httpx.get(f"{sandbox.url}/sandbox/charges", timeout=60).raise_for_status().json()
    _tell(catalog, rows, Counter(charge["operation"] for charge in charges))
    print(f"\n{seconds:.1f} s; peak memory {_peak_mb():.0f} MB, {before:.0f} MB of it before the run")
    if _peak_mb() > MOST_MEMORY_MB:
        raise SystemExit(f"more than {MOST_MEMORY_MB} MB")


def _run(catalog: Path, url: str, output: Path) -> Sequence[dict[str, Any]]:
    from catalogs.mapping import CatalogSource  # noqa: PLC0415 - Prefect reads its settings when first imported
    from catalogs.recipe import parse_recipe  # noqa: PLC0415
    from flows.parameters import CatalogRun  # noqa: PLC0415
    from flows.process_catalog import process_catalog  # noqa: PLC0415

    for vendor in ("CLAID", "AILABTOOLS"):
        settings = {"API_KEY": "sandbox", "BASE_URL": url, "POLL_SECONDS": "0.2", "LIMITS": "{}"}
        os.environ.update({f"{vendor}_{name}": value for name, value in settings.items()})
    run = CatalogRun(
        catalog=CatalogSource(uri=str(catalog)),
        recipe=parse_recipe(recipe_text(), source="the benchmark's recipe"),
        output=str(output),
    )
    asyncio.run(_flow(process_catalog, run))
    return pq.read_table(output / "manifest.parquet").to_pylist()


async def _flow(process_catalog: Any, run: Any) -> None:
    from prefect.logging.handlers import APILogHandler  # noqa: PLC0415 - Prefect reads its settings when first imported

    await process_catalog(run, return_state=True)
    # At the process's end the server is gone, and the last lines would be sent to nobody for minutes.
    await APILogHandler.aflush()


def _tell(catalog: PoisonedCatalog, rows: Sequence[dict[str, Any]], charged: Counter[str]) -> None:
    whole = Counter(row["sku"] for row in rows if row["status"] == "done")
    delivered = sum(count == 3 for count in whole.values())
    odd = sum(whole[sku] == 3 for sku in catalog.odd)
    print(f"{catalog.items} items, {len(catalog.poison)} unusable: {delivered} delivered, {odd} odd ones among them")
    print(f"charged: {dict(charged)}\n\n| poison | rows | charged | what its row says |\n|---|---|---|---|")
    first = {row["sku"]: row for row in rows if row["position"] == 0}
    for kind in POISON:
        told = [first[sku] for sku, name in catalog.poison.items() if name == kind]
        if told:
            message = told[0]["error_message"].replace(str(catalog.path.parent), "…")
            print(f"| {kind} | {len(told)} | {sum(row['credits'] for row in told):g} credits | {message} |")
    expected = catalog.items - len(catalog.poison)
    if delivered != expected or set(charged.values()) != {expected}:
        raise SystemExit(f"{expected} items should have been delivered, and charged for")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
