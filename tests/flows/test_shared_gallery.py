"""Links that open a run's gallery and report for a while, where a storage is set to make them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import httpx
import pytest

from blocks.storage import ObjectStorage
from catalogs.exhibits import exhibits_of, summary_of
from catalogs.ledger import StoredPicture
from flows.shared_gallery import share_gallery
from tests.catalogs.made import MOMENT, a_row
from tests.flows.bench import drawn
from tests.s3_servers import S3Server


async def shared(storage: ObjectStorage, folder: Path) -> str | None:
    """The link to a gallery of one delivered SKU."""
    data = drawn(folder / "A.png").read_bytes()
    await storage.write("pictures/A B/model.png", data, content_type="image/png")
    uri = storage.uri("pictures/A B/model.png")
    picture = StoredPicture(uri=uri, sha256="ab" * 32, width=320, height=400, bytes=len(data), mime="image/png")
    rows = [a_row(pictures=(picture,)).record()]
    exhibits = exhibits_of(rows, output=storage.root, sources={})
    return await share_gallery(storage, exhibits, summary_of(rows, made_at=MOMENT, run_id="run-1"))


async def test_a_link_opens_the_gallery_and_all_its_pictures(moto: S3Server, tmp_path: Path) -> None:
    """Without credentials, and whatever the picture's name."""
    storage = moto.storage(link_days=7)
    link = await shared(storage, tmp_path)
    await storage.close()
    page = httpx.get(link or "", trust_env=False)
    (picture,) = {unescape(address) for address in re.findall(r'<img[^>]*src="([^"]+)"', page.text)}

    assert page.headers["content-type"].startswith("text/html")
    assert 200 == httpx.get(picture, trust_env=False).status_code


@pytest.mark.parametrize("root", ["folder", "bucket"])
async def test_no_link_is_made_unasked(moto: S3Server, tmp_path: Path, root: str) -> None:
    """A link opens the pictures to whoever has it, so somebody has to want it; a folder has none."""
    storage = moto.storage() if root == "bucket" else ObjectStorage(root=str(tmp_path / "out"), link_days=7)
    link = await shared(storage, tmp_path)
    written = [path async for path in storage.list("runs/")]
    await storage.close()

    assert link is None
    assert [] == written
