"""
How long planning takes, and how much memory: all new, nothing to do, a few changes, every scene changed; and the merge.

    python -m benchmarks.plan [--rows 10000 100000 1000000] [--s3]

Each case runs in a process of its own, which tells its wall and CPU time without start-up, and its highest resident
memory.
With `--s3` catalog, manifest and output are in a bucket of a moto server in another process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import duckdb
import pyarrow.parquet as pq

from blocks.storage import ObjectStorage
from catalogs.layout import MANIFEST_PATH
from catalogs.manifest import SCHEMA
from catalogs.mapping import CatalogSource
from catalogs.recipe import Recipe, load_recipe
from flows.parameters import CatalogRun
from flows.planning import make_plan
from flows.publish import publish_manifest
from tests.s3_servers import running_moto

__all__: list[str] = []

CASES = ("new", "done", "300 changed", "scene changed", "merge of 300")
CHANGED_ROWS = 300


def main() -> None:
    """Measure every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--prepare", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--case", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--place", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.prepare:
        asyncio.run(_prepare(given.prepare, given.place, given.rows[0]))
        return
    if given.case:
        print(json.dumps(asyncio.run(_measured(given.case, given.place))))
        return
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; three stages a row\n")
    print(
        "| rows | from | case | s | CPU s | peak RSS MB | to do | unchanged |\n|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    with _servers(s3=given.s3) as roots:
        for rows in given.rows:
            for kind, root in roots.items():
                _measure_all(rows, kind, f"{root}/{rows}")


@contextmanager
def _servers(*, s3: bool) -> Generator[dict[str, str]]:
    with TemporaryDirectory(prefix="catwalk-bench-") as folder:
        if not s3:
            yield {"disk": folder}
            return
        with running_moto() as server:
            os.environ |= {
                "AWS_ENDPOINT_URL": server.endpoint_url,
                "AWS_ACCESS_KEY_ID": server.access_key_id,
                "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
            }
            yield {"disk": folder, "S3": f"s3://{server.new_bucket()}"}


def _measure_all(rows: int, kind: str, place: str) -> None:
    for case in CASES:
        command = [sys.executable, "-m", "benchmarks.plan", "--place", place, "--rows", str(rows)]
        subprocess.run([*command, "--prepare", case], check=True)
        command += ["--case", case]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        found = json.loads(said)
        print(
            f"| {rows:,} | {kind} | {case} | {found['seconds']:.1f} | {found['cpu']:.1f} | {found['rss']:.0f} "
            f"| {found['units']:,} | {found['unchanged']:,} |",
            flush=True,
        )


async def _measured(case: str, place: str) -> dict[str, Any]:
    """One case in this process, with what it needs and nothing else."""
    with TemporaryDirectory(prefix="catwalk-bench-") as scratch:
        folder = Path(scratch)
        if case == "merge of 300":
            return await _merged(place, folder)
        recipe = load_recipe("on-model")
        started = perf_counter(), process_time()
        plan = await make_plan(
            CatalogRun(
                catalog=CatalogSource(uri=f"{place}/{'changed' if case == '300 changed' else 'catalog'}/"),
                recipe=_other_scene(recipe) if case == "scene changed" else recipe,
                output=f"{place}/output",
            ),
            "bench",
            folder,
        )
        found = _found(started, plan.quote.units, plan.quote.finished_items)
        if case == "new":
            await _store(f"{place}/output", "plan.parquet", plan.path)
        elif case == "300 changed":
            await _store(f"{place}/output", "part.parquet", _manifest(plan.path, folder))
        return found


async def _merged(place: str, folder: Path) -> dict[str, Any]:
    output = ObjectStorage.from_uri(f"{place}/output")
    started = perf_counter(), process_time()
    await publish_manifest(output, ["part.parquet"], folder, "bench")
    return _found(started, 0, 0)


def _found(started: tuple[float, float], units: int, unchanged: int) -> dict[str, Any]:
    return {
        "seconds": perf_counter() - started[0],
        "cpu": process_time() - started[1],
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "units": units,
        "unchanged": unchanged,
    }


async def _prepare(case: str, place: str, rows: int) -> None:
    """What a case finds there: catalogs before the first, and before the second the manifest of the first."""
    with TemporaryDirectory(prefix="catwalk-bench-") as scratch:
        folder = Path(scratch)
        if case == "new":
            await _store(place, "catalog/rows.parquet", _catalog(folder, rows, changed=0))
            await _store(place, "changed/rows.parquet", _catalog(folder, rows, changed=CHANGED_ROWS))
        elif case == "done":
            output = ObjectStorage.from_uri(f"{place}/output")
            await output.download("plan.parquet", folder / "plan.parquet")
            await _store(f"{place}/output", MANIFEST_PATH, _manifest(folder / "plan.parquet", folder))


async def _store(place: str, path: str, file: Path) -> None:
    storage = ObjectStorage.from_uri(place)
    await storage.upload(path, file, content_type="application/vnd.apache.parquet")
    await storage.close()


def _catalog(folder: Path, rows: int, *, changed: int) -> Path:
    """Rows whose every garment and every scene is their own; so many of them, all over it, have another photo."""
    path = folder / "catalog.parquet"
    every = rows // changed if changed else rows + 1
    photo = f"'https://shop.example/' || i || (CASE WHEN i % {every} = {every} - 1 THEN '/new.png' ELSE '/top.png' END)"
    duckdb.execute(
        f"""
        COPY (
            SELECT 'SKU-' || i AS sku, 'Shirt ' || i AS title,
                   CASE WHEN i % 2 = 0 THEN 'woman' ELSE 'man' END AS gender, 'navy' AS color, 'top' AS category,
                   {photo} AS top_garment,
                   'https://shop.example/models/' || (i % 40) || '.jpg' AS person_image,
                   'https://shop.example/' || i || '/studio.jpg' AS product_image,
                   'street number ' || i AS setting, i % 100 AS stock
            FROM range({rows}) AS t(i)
        ) TO '{path}' (ROW_GROUP_SIZE 100000)
        """
    )
    return path


def _manifest(plan: Path, folder: Path) -> Path:
    """What the manifest says once all of a plan is done."""
    path = folder / "done.parquet"
    picture = "'s3://pictures/' || sku || '/' || stage || '-' || unit_key[:12] || '-1.png'"
    made = {
        "status": "'done'",
        "picture": picture,
        "sha256": "sha256(unit_key)",
        "width": "896::INT",
        "height": "1200::INT",
        "bytes": '(1000000 + "row")::BIGINT',
        "mime": "'image/png'",
        "pictures": f"[{{'uri': {picture}, 'sha256': sha256(unit_key), 'width': 896::INT, 'height': 1200::INT, "
        "'bytes': (1000000 + \"row\")::BIGINT, 'mime': 'image/png'}]",
        "attempt": "1::INT",
        "vendor": "'Claid'",
        "job_id": "unit_key[:16]",
        "request_id": "unit_key[16:32]",
        "credits_at_risk": "0::DOUBLE",
        "error_kind": "NULL::VARCHAR",
        "error_message": "NULL::VARCHAR",
        "submitted_at": "TIMESTAMPTZ '2026-05-01 12:00:00+00'",
        "finished_at": "TIMESTAMPTZ '2026-05-01 12:00:07+00'",
        "seconds": "7::DOUBLE",
        "run_id": "'run-1'",
    }
    columns = ", ".join(f'{made.get(name, chr(34) + name + chr(34))} AS "{name}"' for name in SCHEMA.names)
    duckdb.execute("SET preserve_insertion_order = true; SET memory_limit = '2GB'")
    duckdb.execute(f"COPY (SELECT {columns} FROM '{plan}') TO '{path}' (COMPRESSION zstd, ROW_GROUP_SIZE 20480)")
    assert set(pq.read_schema(path).names) == set(SCHEMA.names)
    return path


def _other_scene(recipe: Recipe) -> Recipe:
    document = recipe.model_dump(mode="json")
    document["stages"][-1]["options"]["scene"]["prompt"] += ", at night"
    return Recipe.model_validate(document)


if __name__ == "__main__":
    main()
