"""`catwalk run` on object storage: a catalog with a team's own column names, pictures beside it, outputs beside both."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogs.samples import demo_catalog
from tests.deployments.conftest import Catwalk
from tests.s3_servers import S3Server

MAPPING = """
columns:
  sku: product_id
  top_garment: packshot
  bottom_garment: worn_with
  person_image: model_shot
  gender: sex
  color: colour
values:
  gender: {Damen: woman, Herren: man}
"""
RECIPE = """
name: on-model
stages:
  - {name: model, operation: claid.fashion_models, options: {aspect_ratio: "3:4"}}
  - {name: refine, operation: ailabtools.try_on_refiner}
  - {name: scene, operation: claid.scene, options: {scene: {model: v2, prompt: "{colour} {Product Name}, a {setting}"}}}
"""


def foreign_catalog(folder: Path) -> Path:
    """Three demo items as another shop would export them; the last one's packshot is broken."""
    demo = demo_catalog().parent
    rows: list[dict[str, Any]] = pq.read_table(demo_catalog()).slice(1, 3).to_pylist()
    for row in rows:
        for column in ("top_garment", "bottom_garment", "person_image"):
            (folder / row[column]).parent.mkdir(parents=True, exist_ok=True)
            (folder / row[column]).write_bytes((demo / row[column]).read_bytes())
    (folder / rows[2]["top_garment"]).write_bytes((demo / rows[2]["top_garment"]).read_bytes()[:2000])
    exported = [
        {
            "product_id": number,
            "Product Name": row["title"],
            "packshot": row["top_garment"],
            "worn_with": row["bottom_garment"],
            "model_shot": row["person_image"],
            "sex": "Damen" if row["gender"] == "woman" else "Herren",
            "colour": row["color"],
            "setting": row["setting"],
        }
        for number, row in enumerate(rows, start=1001)
    ]
    pq.write_table(pa.Table.from_pylist(exported), folder / "products.parquet")
    return folder / "products.parquet"


async def upload(folder: Path, server: S3Server, prefix: str) -> tuple[str, str]:
    """Put a folder into a new bucket; returns the addresses for the catalog and an output."""
    storage = server.storage()
    for file in folder.rglob("*"):
        if file.is_file():
            path = f"{prefix}/{file.relative_to(folder).as_posix()}"
            await storage.upload(path, file, content_type="application/octet-stream")
    addresses = storage.uri(f"{prefix}/products.parquet"), storage.uri("pictures/autumn")
    await storage.close()
    return addresses


@pytest.mark.parametrize("store", ["moto", pytest.param("ceph", marks=pytest.mark.ceph)])
def test_pictures_in_a_bucket_are_those_hashed_in_the_manifest(
    store: str, request: pytest.FixtureRequest, catwalk: Catwalk, tmp_path: Path
) -> None:
    """Every picture is byte for byte the manifest's, DuckDB and pandas read it, and the broken row is named."""
    server: S3Server = request.getfixturevalue(store)
    (tmp_path / "shop").mkdir()
    foreign_catalog(tmp_path / "shop")
    catalog, output = asyncio.run(upload(tmp_path / "shop", server, "exports/2026-11"))
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    keys = {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
    }
    settings = ("--config", tmp_path / "mapping.yaml", "--recipe", tmp_path / "recipe.yaml")

    ended = catwalk("run", catalog, "--output", output, *settings, **keys)
    manifest = tmp_path / "manifest.parquet"
    asyncio.run(_download(server, output, "manifest.parquet", manifest))
    rows = pd.read_parquet(manifest)
    counted = duckdb.execute(f"select sku, status, count(*) n from '{manifest}' group by all order by all").fetchall()

    assert 3 == ended.code, ended.err
    assert [("1001", "done", 3), ("1002", "done", 3), ("1003", "blocked", 2), ("1003", "failed", 1)] == counted
    assert "breaks off" in ended.out or "can't be decoded" in ended.out
    done = rows[rows["status"] == "done"]
    stored = [asyncio.run(_read(server, output, uri)) for uri in done["picture"]]
    assert list(done["sha256"]) == [hashlib.sha256(data).hexdigest() for data in stored]
    assert list(done["bytes"]) == [len(data) for data in stored]


async def _download(server: S3Server, output: str, path: str, target: Path) -> None:
    storage = server.storage().at(output)
    await storage.download(path, target)
    await storage.close()


async def _read(server: S3Server, output: str, uri: str) -> bytes:
    storage = server.storage().at(output)
    try:
        path = storage.path_of(uri)
        assert path is not None
        return await storage.read(path)
    finally:
        await storage.close()
