"""
One account at its documented limits, used by several processes that share them through Prefect.

    python -m benchmarks.shared_limits [--processes 8] [--items 16] [--seconds 150] [--job-seconds 5]

The sandbox counts. Prints how much of Claid's allowance (120 requests a minute) was used in a stretch of `--seconds`
with all processes at work, how many requests were refused for rate, and what the requests were for.
One process takes the limits for itself, and is measured from its first request to its last.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import httpx

from benchmarks.main_job import RECIPE, make_catalog
from benchmarks.server import running_prefect
from deployments.cli.environment import prepare_environment
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings

__all__ = ["Count", "count", "running_processes"]

REQUESTS_A_MINUTE = 120
SETTLE_SECONDS = 20
STAGES = 3
MOST_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class Count:
    """What Claid's sandbox had counted at one time; `requests` by operation and phase, downloads left out."""

    seconds: float
    requests: Counter[str]
    refused: int

    def since(self, earlier: Count) -> Count:
        """What came after an earlier count."""
        requests = self.requests - earlier.requests
        return Count(self.seconds - earlier.seconds, requests, self.refused - earlier.refused)

    @property
    def allowed(self) -> int:
        """Requests that were let through."""
        return self.requests.total() - self.refused


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--items", type=int, default=16, help="for each process")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--job-seconds", type=float, default=5)
    parser.add_argument("--work", nargs=2, metavar=("CATALOG", "OUTPUT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        asyncio.run(_work(*given.work))
        return
    print(f"{given.processes} processes x {given.items} items x {STAGES} stages, jobs of {given.job_seconds:g} s")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with TemporaryDirectory(prefix="catwalk-bench-") as scratch:
        _measure(given, Path(scratch))


def _measure(given: argparse.Namespace, folder: Path) -> None:
    prepare_environment()
    (folder / "prefect").mkdir()
    settings = SandboxSettings(job_seconds=given.job_seconds, picture_size=256, drawing="quick")
    with running_prefect(folder / "prefect") as prefect, running_sandbox(settings) as sandbox:
        with running_processes(prefect, sandbox.url, folder, given.processes, given.items) as processes:
            busy = _busy_stretch(sandbox.url, given, processes)
            whole = _until_done(sandbox.url, processes)
        failed = sum(process.returncode != 0 for process in processes)
    _print(busy or whole, whole, given.processes * given.items, failed)


@contextmanager
def running_processes(
    prefect: str, sandbox: str, folder: Path, processes: int, items: int
) -> Generator[list[subprocess.Popen[bytes]]]:
    """Flows in processes of their own, all on one account of each vendor; ended with the block."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(processes):
            place = folder / f"process-{number}"
            place.mkdir()
            (place / "output").mkdir()
            work = ["--work", str(make_catalog(place, items)), str(place / "output")]
            command = [sys.executable, "-m", "benchmarks.shared_limits", *work]
            environment = _environment(prefect, sandbox, shared=processes > 1)
            with (place / "log").open("wb") as log:
                running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def _environment(prefect: str, sandbox: str, *, shared: bool) -> dict[str, str]:
    settings = {
        f"{vendor}_{name}": value
        for vendor in ("CLAID", "AILABTOOLS")
        for name, value in (
            ("API_KEY", "sandbox"),
            ("BASE_URL", sandbox),
            ("SHARED_LIMIT", f"{vendor.lower()}-sandbox" if shared else ""),
        )
    }
    # AILabTools publishes no limits; the sandbox assumes five requests a second.
    return os.environ | settings | {"AILABTOOLS_LIMITS": '{"requests_per_second": 5}', "PREFECT_API_URL": prefect}


async def _work(catalog: str, output: str) -> None:
    from catalogs.mapping import CatalogSource  # noqa: PLC0415 - Prefect reads its settings when first imported
    from catalogs.recipe import parse_recipe  # noqa: PLC0415
    from flows.parameters import CatalogRun  # noqa: PLC0415
    from flows.process_catalog import process_catalog  # noqa: PLC0415

    recipe = parse_recipe(RECIPE, source="the benchmark's recipe")
    run = CatalogRun(catalog=CatalogSource(uri=catalog), recipe=recipe, output=output, gallery_items=0)
    # Raises unless every row got its pictures.
    await cast("Awaitable[Any]", process_catalog(run))


def count(sandbox: str) -> Count:
    """Ask the sandbox."""
    state = httpx.get(f"{sandbox}/sandbox/state", timeout=30, trust_env=False).raise_for_status().json()
    requests = Counter[str]()
    for name, number in state["requests"].items():
        if name.startswith("claid.") and not name.endswith(" download"):
            requests[name] = number
    at = datetime.fromisoformat(state["time"]).timestamp()
    return Count(at, requests, state["refused_for_rate"].get("claid", 0))


def _busy_stretch(
    sandbox: str, given: argparse.Namespace, processes: Sequence[subprocess.Popen[bytes]]
) -> Count | None:
    """What came in while every process was at work; None for one process."""
    if len(processes) == 1:
        return None
    _first(sandbox, processes)
    time.sleep(SETTLE_SECONDS)
    before = count(sandbox)
    time.sleep(given.seconds)
    after = count(sandbox)
    if any(process.poll() is not None for process in processes):
        raise RuntimeError("A process ended too early: give each more --items, or look into its log.")
    return after.since(before)


def _first(sandbox: str, processes: Sequence[subprocess.Popen[bytes]]) -> Count:
    while not (found := count(sandbox)).requests:
        if any(process.poll() is not None for process in processes):
            raise RuntimeError("A process ended before its first call: look into its log.")
        time.sleep(0.1)
    return found


def _until_done(sandbox: str, processes: Sequence[subprocess.Popen[bytes]]) -> Count:
    """Everything from the first request to the last."""
    first = _first(sandbox, processes)
    last = first
    give_up = time.monotonic() + MOST_SECONDS
    while any(process.poll() is None for process in processes) and time.monotonic() < give_up:
        latest = count(sandbox)
        last = latest if latest.requests != last.requests else last
        time.sleep(0.2)
    return Count(last.seconds - first.seconds, last.requests, last.refused)


def _print(busy: Count, whole: Count, items: int, failed: int) -> None:
    allowance = REQUESTS_A_MINUTE * busy.seconds / 60
    print("| measured s | requests | of the allowance | refused for rate | processes with a row missing |")
    print("|---|---|---|---|---|")
    refused = f"{busy.refused} ({busy.refused / busy.requests.total():.1%})"
    print(f"| {busy.seconds:.0f} | {busy.allowed} | {busy.allowed / allowance:.1%} | {refused} | {failed} |\n")
    print("| what for | in that time | an item, over the whole run |\n|---|---|---|")
    for name, number in sorted(whole.requests.items()):
        print(f"| {name} | {busy.requests[name]} | {number / items:.2f} |")
    print(f"| all | {busy.requests.total()} | {whole.requests.total() / items:.2f} |")


if __name__ == "__main__":
    main()
