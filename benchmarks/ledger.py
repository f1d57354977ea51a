"""
What the ledger on S3 costs: the main job into a bucket, with the ledger there and with one in memory.

    python -m benchmarks.ledger [--items 500] [--job-seconds 2] [--runs 3] [--store moto|ceph]

The same catalog, recipe and sandbox as `benchmarks.main_job`; the S3 server is moto in a process of its own, or a
whole Ceph cluster of one disk.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.main_job import (
    LOOK_MARGIN_SECONDS,
    STAGES,
    Measured,
    catwalk_at,
    make_catalog,
    measure,
    running_vendors,
)
from benchmarks.server import running_prefect
from deployments.cli.environment import prepare_environment
from tests.ceph.cluster import CephCluster
from tests.s3_servers import S3Server, running_moto

__all__: list[str] = []


def main() -> None:
    """Measure both in turn and print a table and the ratio of their medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--job-seconds", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--store", choices=("moto", "ceph"), default="moto")
    given = parser.parse_args()
    prepare_environment()
    print(
        f"{given.items} items x {STAGES} stages of {given.job_seconds:g} s into {given.store}; {os.cpu_count()} cores, "
        f"Python {platform.python_version()}\n"
    )
    print("| ledger | wall s | x ideal | client CPU ms/item | sandbox CPU ms/item |\n|---|---|---|---|---|", flush=True)
    with TemporaryDirectory(prefix="catwalk-bench-") as scratch:
        walls = _measure_all(given, Path(scratch))
    print(f"\non S3 / in memory: {median(walls['on S3']) / median(walls['in memory']):.2f}")


def _measure_all(given: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    catalog = make_catalog(folder, given.items)
    (folder / "prefect").mkdir()
    walls: dict[str, list[float]] = {"in memory": [], "on S3": []}
    with running_prefect(folder / "prefect") as prefect, _running(given.store, folder) as server:
        os.environ["PREFECT_API_URL"] = prefect
        for _ in range(given.runs):
            for name, taken in walls.items():
                measured = _measured(name, catalog, server, given)
                print(measured.line(STAGES * given.job_seconds), flush=True)
                taken.append(measured.wall)
    return walls


@contextmanager
def _running(store: str, folder: Path) -> Generator[S3Server]:
    if store == "moto":
        with running_moto() as server:
            yield server
        return
    (folder / "ceph").mkdir()
    cluster = CephCluster(folder / "ceph")
    try:
        cluster.start()
        yield cluster.server
    finally:
        cluster.stop()


def _measured(name: str, catalog: Path, server: S3Server, given: argparse.Namespace) -> Measured:
    os.environ.update(
        AWS_ENDPOINT_URL=server.endpoint_url,
        AWS_ACCESS_KEY_ID=server.access_key_id,
        AWS_SECRET_ACCESS_KEY=server.secret_access_key,
        AWS_REGION="us-east-1",
    )
    with running_vendors(given.job_seconds) as sandbox, ledger(name):
        output = f"s3://{server.new_bucket()}/shop"
        work = catwalk_at(catalog, sandbox.url, given.job_seconds + LOOK_MARGIN_SECONDS, output)
        return measure(name, work, sandbox, given.items)


@contextmanager
def ledger(where: str) -> Generator[None]:
    """Leave the ledger where it belongs, or put it into this process's memory."""
    from blocks.storage import ObjectStorage  # noqa: PLC0415 - Prefect reads its settings when first imported
    from catalogs.ledger import Ledger  # noqa: PLC0415

    usual = Ledger.__init__

    def in_memory(self: Ledger, storage: ObjectStorage) -> None:
        usual(self, ObjectStorage(root=f"memory://{storage.root.removeprefix('s3://')}"))

    if where == "in memory":
        Ledger.__init__ = in_memory
    try:
        yield
    finally:
        Ledger.__init__ = usual


if __name__ == "__main__":
    main()
