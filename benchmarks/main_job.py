"""
500 items x 3 stages of 2 s each, all in flight at one time, beside a hand-written script doing the same calls.

    python -m benchmarks.main_job [--items 500] [--job-seconds 2] [--runs 3]

Prints wall time, client CPU per item and the sandbox's own CPU. The ideal is three jobs in a row.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from benchmarks.by_hand import run_by_hand
from benchmarks.server import running_prefect
from deployments.cli.environment import prepare_environment
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings

if TYPE_CHECKING:
    from flows.report import RunReport

PICTURE_SIDE = 256
STAGES = 3
# How long after a job's end the first look comes.
LOOK_MARGIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one contender."""

    name: str
    wall: float
    client_cpu_ms: float
    sandbox_cpu_ms: float

    def line(self, ideal: float) -> str:
        """As a table row."""
        return (
            f"| {self.name} | {self.wall:.2f} | {self.wall / ideal:.2f} | {self.client_cpu_ms:.1f} | "
            f"{self.sandbox_cpu_ms:.1f} |"
        )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--job-seconds", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    ideal = STAGES * given.job_seconds
    print(f"{given.items} items x {STAGES} stages of {given.job_seconds:g} s, {PICTURE_SIDE} x {PICTURE_SIDE} pictures")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ideal {ideal:g} s\n")
    print("| who | wall s | x ideal | client CPU ms/item | sandbox CPU ms/item |\n|---|---|---|---|---|")
    with TemporaryDirectory(prefix="catwalk-bench-") as scratch:
        for measured in _measure_all(given, Path(scratch)):
            print(measured.line(ideal), flush=True)


def _measure_all(given: argparse.Namespace, folder: Path) -> list[Measured]:
    catalog = make_catalog(folder, given.items)
    (folder / "prefect").mkdir()
    prepare_environment()
    results: list[Measured] = []
    with running_prefect(folder / "prefect") as prefect:
        os.environ["PREFECT_API_URL"] = prefect
        for number in range(given.runs):
            for name, contender in (("by hand", _by_hand), ("Catwalk", _catwalk)):
                output = folder / f"{contender.__name__}-{number}"
                output.mkdir()
                with running_vendors(given.job_seconds) as sandbox:
                    work = contender(catalog, sandbox, given.job_seconds + LOOK_MARGIN_SECONDS, output)
                    results.append(measure(name, work, sandbox, given.items))
    return results


def running_vendors(job_seconds: float) -> AbstractContextManager[RunningSandbox]:
    """A sandbox that draws small pictures and limits nothing."""
    return running_sandbox(
        SandboxSettings(job_seconds=job_seconds, limits="off", picture_size=PICTURE_SIDE, drawing="quick")
    )


def make_catalog(folder: Path, items: int) -> Path:
    """Rows with a small drawn garment each, one model, and a prompt."""
    pictures = folder / "garments"
    pictures.mkdir()
    draw = random.Random(1)
    for number in range(items):
        _garment(draw).save(pictures / f"{number}.png", compress_level=1)
    _noisy((PICTURE_SIDE, PICTURE_SIDE), draw).save(folder / "person.png")
    rows = [
        {
            "sku": f"SKU-{number:05}",
            "top_garment": f"garments/{number}.png",
            "person_image": "person.png",
            "gender": "woman",
            "prompt": f"marble terrace number {number}",
        }
        for number in range(items)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "catalog.parquet")
    return folder / "catalog.parquet"


def _garment(draw: random.Random) -> Image.Image:
    picture = _noisy((PICTURE_SIDE, PICTURE_SIDE), draw)
    colour = tuple(draw.randrange(256) for _ in range(3))
    ImageDraw.Draw(picture).polygon([(60, 60), (196, 60), (180, 220), (76, 220)], fill=colour)
    return picture


def _noisy(size: tuple[int, int], draw: random.Random) -> Image.Image:
    """Enough texture that a PNG is over the 5 KB that AILabTools asks for."""
    small = Image.frombytes("RGB", (16, 16), draw.randbytes(16 * 16 * 3)).point(
        [200 + value // 5 for value in range(256)] * 3
    )
    return small.resize(size, Image.Resampling.BILINEAR)


def _by_hand(
    catalog: Path, sandbox: RunningSandbox, poll_seconds: float, output: Path
) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: run_by_hand(catalog, sandbox.url, poll_seconds, output)


def _catwalk(
    catalog: Path, sandbox: RunningSandbox, poll_seconds: float, output: Path
) -> Callable[[], Coroutine[Any, Any, object]]:
    return catwalk_at(catalog, sandbox.url, poll_seconds, str(output))


def catwalk_at(
    catalog: Path, url: str, poll_seconds: float, output: str
) -> Callable[[], Coroutine[Any, Any, RunReport]]:
    """Catwalk's own flow, with accounts at the sandbox, as a coroutine function that checks that all arrived."""
    from catalogs.mapping import CatalogSource  # noqa: PLC0415 - Prefect reads its settings when first imported
    from catalogs.recipe import parse_recipe  # noqa: PLC0415
    from flows.parameters import CatalogRun  # noqa: PLC0415
    from flows.process_catalog import process_catalog  # noqa: PLC0415

    for vendor in ("CLAID", "AILABTOOLS"):
        settings = {"API_KEY": "sandbox", "BASE_URL": url, "POLL_SECONDS": str(poll_seconds)}
        settings["LIMITS"] = json.dumps({"jobs_in_flight": 1000})
        os.environ.update({f"{vendor}_{name}": value for name, value in settings.items()})
    recipe = parse_recipe(RECIPE, source="the benchmark's recipe")

    async def run() -> RunReport:
        request = CatalogRun(catalog=CatalogSource(uri=str(catalog)), recipe=recipe, output=output, gallery_items=0)
        # Prefect hands out the data of a returned state, which its stubs don't know.
        report = cast("RunReport", await process_catalog(request))
        if not report.complete:
            raise RuntimeError(report.headline() + "".join(f"\n{trouble}" for trouble in report.troubles[:3]))
        return report

    return run


RECIPE = """
name: benchmark
stages:
  - {name: model, operation: claid.fashion_models, options: {aspect_ratio: "3:4"}}
  - {name: refine, operation: ailabtools.try_on_refiner}
  - {name: scene, operation: claid.scene, options: {scene: {model: v2, prompt: "{prompt}"}}}
"""


def measure(
    name: str, work: Callable[[], Coroutine[Any, Any, object]], sandbox: RunningSandbox, items: int
) -> Measured:
    """Do the work, and take its time and everyone's CPU."""
    vendors = psutil.Process(sandbox.process.pid)
    client_before, vendors_before = _client_cpu(), cpu_of(vendors)
    started = time.perf_counter()
    asyncio.run(work())
    wall = time.perf_counter() - started
    client, vendor = _client_cpu() - client_before, cpu_of(vendors) - vendors_before
    return Measured(name, wall, 1000 * client / items, 1000 * vendor / items)


def _client_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cpu_of(process: psutil.Process) -> float:
    """Seconds of CPU that a process and its children have taken."""
    family = [process, *process.children(recursive=True)]
    return sum(member.cpu_times().user + member.cpu_times().system for member in family)


if __name__ == "__main__":
    main()
