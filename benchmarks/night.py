"""
A night's catalog in one process beside a small one: time, memory, what Prefect's server recorded, and the report.

    python -m benchmarks.night [--items 20000] [--against 1000] [--job-seconds 0.3]

Each size has a process, a sandbox and a Prefect server of its own; recipe and pictures are those of
`benchmarks.main_job`. Fails when a record is missing or stuck, when the report says anything else than manifest and
vendors do, or when the larger run takes more than 1.2 times the memory of the smaller one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from benchmarks.main_job import LOOK_MARGIN_SECONDS, catwalk_at, cpu_of, make_catalog, running_vendors
from benchmarks.night_checks import records_of, wrong_in_records, wrong_in_report
from benchmarks.server import running_prefect
from deployments.cli.environment import prepare_environment
from sandbox.server import RunningSandbox

__all__: list[str] = []

MOST_GROWTH = 1.2
SAMPLE_SECONDS = 0.5
MOMENTS = (0.25, 0.5, 0.75, 1.0)
MB = 2**20


@dataclass(frozen=True, slots=True)
class Night:
    """One size's run: seconds, milliseconds of CPU an item, megabytes, and what is wrong with what it left."""

    items: int
    wall: float
    cpu_ms: float
    sandbox_cpu_ms: float
    peak: float
    memory: list[float]
    task_runs: int
    recorded_after: float
    wrong: list[str]

    def line(self) -> str:
        """As a table row."""
        by_time = " / ".join(f"{self.memory[int(moment * (len(self.memory) - 1))]:.0f}" for moment in MOMENTS)
        return (
            f"| {self.items:,} | {self.wall:.0f} | {self.cpu_ms:.1f} | {self.sandbox_cpu_ms:.1f} | {self.peak:.0f} | "
            f"{by_time} | {self.task_runs:,} | {self.recorded_after:.0f} | {'no' if self.wrong else 'yes'} |"
        )


def main() -> None:
    """Measure both sizes, print a table, and exit with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--against", type=int, default=1000)
    parser.add_argument("--job-seconds", type=float, default=0.3)
    parser.add_argument("--work", nargs=3, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    prepare_environment()
    if given.work:
        _work(*given.work, poll_seconds=given.job_seconds + LOOK_MARGIN_SECONDS)
        return
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {given.job_seconds:g} s jobs"
    )
    print(
        "\n| items | wall s | CPU ms/item | sandbox CPU ms/item | peak RSS MB | at 25 / 50 / 75 / 100 % of the time | ",
        end="",
    )
    print("task runs | recorded after s | all right |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    nights = list(_nights([given.items, given.against], given.job_seconds))
    growth = nights[0].peak / nights[1].peak
    wrong = [f"{night.items:,} items: {each}" for night in nights for each in night.wrong]
    wrong += [f"memory grew to {growth:.2f} times"] if growth > MOST_GROWTH else []
    print(f"\npeak memory: {growth:.2f} times; {'; '.join(wrong) or 'nothing is wrong'}")
    sys.exit(bool(wrong))


def _nights(sizes: list[int], job_seconds: float) -> Iterator[Night]:
    for items in sizes:
        with TemporaryDirectory(prefix="catwalk-bench-") as folder:
            night = _night(items, Path(folder), job_seconds)
        print(night.line(), flush=True)
        yield night


def _night(items: int, folder: Path, job_seconds: float) -> Night:
    catalog, output = make_catalog(folder, items), folder / "output"
    (folder / "prefect").mkdir()
    with running_prefect(folder / "prefect") as prefect, running_vendors(job_seconds) as sandbox:
        found, memory = _worked(catalog, output, prefect, sandbox, job_seconds)
        sandbox_cpu = cpu_of(psutil.Process(sandbox.process.pid))
        charges = httpx.get(f"{sandbox.url}/sandbox/charges", timeout=60).raise_for_status().json()
        records = records_of(prefect, items)
    return Night(
        items=items,
        wall=found["wall"],
        cpu_ms=1000 * found["cpu"] / items,
        sandbox_cpu_ms=1000 * sandbox_cpu / items,
        peak=found["peak"],
        memory=memory,
        task_runs=len(records.task_runs),
        recorded_after=records.waited,
        wrong=[*wrong_in_records(records, items), *wrong_in_report(output, items, found["report"], charges)],
    )


def _worked(
    catalog: Path, output: Path, prefect: str, sandbox: RunningSandbox, job_seconds: float
) -> tuple[dict[str, Any], list[float]]:
    """What a process of its own says of its run, and its resident memory every half second."""
    command = [sys.executable, "-m", "benchmarks.night", "--job-seconds", str(job_seconds)]
    command += ["--work", str(catalog), sandbox.url, str(output)]
    said = catalog.with_name("said.json")
    memory: list[float] = []
    with said.open("w") as target:
        process = subprocess.Popen(command, env=os.environ | {"PREFECT_API_URL": prefect}, stdout=target)
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            memory.append(watched.memory_info().rss / MB)
            time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise RuntimeError(f"the run ended with {process.returncode}")
    return json.loads(said.read_text().splitlines()[-1]), memory


def _work(catalog: str, sandbox_url: str, output: str, *, poll_seconds: float) -> None:
    """The run, in this process and with nothing else in it."""
    Path(output).mkdir()
    work = catwalk_at(Path(catalog), sandbox_url, poll_seconds, output)
    started, before = time.perf_counter(), time.process_time()
    report = asyncio.run(work())
    found = {
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - before,
        "peak": _peak(),
        "report": report.model_dump(mode="json"),
    }
    print(json.dumps(found))


def _peak() -> float:
    """The most resident memory so far; `ru_maxrss` would count what the starting process had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
