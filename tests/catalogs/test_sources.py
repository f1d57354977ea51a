"""Pictures of a catalog from the disk, a bucket and the web."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from blocks.errors import CatalogError
from blocks.storage import ObjectStorage
from catalogs import sources as picture_sources
from catalogs.sources import PictureSources
from tests.s3_servers import S3Server, free_port

pytestmark = pytest.mark.usefixtures("closed_client")

PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog's folder with one picture."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a b#1.jpg").write_bytes(PICTURE)
    return tmp_path


@pytest.fixture
async def bucket(moto: S3Server) -> ObjectStorage:
    """A bucket with one picture."""
    storage = moto.storage("shop")
    await storage.write("pictures/a b+1%20.jpg", PICTURE, content_type="image/jpeg")
    return storage


class Shop:
    """A web server with a picture that is served once `open` is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.arrived = asyncio.Semaphore(0)
        self.asked = 0
        self.running = 0
        self.most = 0
        self.status = 200

    async def answer(self, _: web.Request) -> web.Response:
        """Wait for the opening, then send the picture."""
        self.asked += 1
        self.arrived.release()
        self.running += 1
        self.most = max(self.most, self.running)
        await self.open.wait()
        self.running -= 1
        return web.Response(body=PICTURE, status=self.status)


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    """The web server, and its address."""
    shop, app, port = Shop(), web.Application(), free_port()
    app.router.add_get("/{name}", shop.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield shop, f"http://127.0.0.1:{port}"
    shop.open.set()
    await runner.cleanup()


async def refusal(sources: PictureSources, uri: str) -> str:
    """What is said of a picture that can't be had."""
    with pytest.raises(CatalogError) as caught:
        await sources.fetch(uri)
    return str(caught.value)


async def arrivals(shop: Shop, count: int) -> None:
    """Wait until so many more requests have come in."""
    async with asyncio.timeout(10):
        for _ in range(count):
            await shop.arrived.acquire()


async def test_a_picture_on_the_disk(folder: Path) -> None:
    """A relative reference starts beside the catalog; its version changes when it is written again."""
    sources = PictureSources(f"{folder}/catalog.parquet")
    uri = sources.resolve("pictures/a b#1.jpg")
    before = await sources.version(uri)
    os.utime(folder / "pictures" / "a b#1.jpg", (1, 1))

    assert uri == f"file://{folder}/pictures/a%20b%231.jpg"
    assert await sources.fetch(uri) == PICTURE
    assert before != await sources.version(uri)
    assert await sources.version(uri) == f"3b9aca00-{len(PICTURE):x}"
    assert await sources.public_url(uri, "https://api.example.com") is None


async def test_what_is_no_picture_file_is_refused(folder: Path) -> None:
    """A pipe would never end, so it is not opened."""
    os.mkfifo(folder / "pipe.jpg")
    sources = PictureSources(f"{folder}/")

    assert await refusal(sources, sources.resolve("pipe.jpg")) == (
        f"picture file://{folder}/pipe.jpg is not a file. Correct its path in the catalog."
    )
    assert await refusal(sources, sources.resolve("pictures")) == (
        f"picture file://{folder}/pictures is not a file. Correct its path in the catalog."
    )
    assert await refusal(sources, sources.resolve("none.jpg")) == (
        f"there is no picture at file://{folder}/none.jpg. "
        "Correct its address in the catalog, or put the picture there."
    )
    assert await refusal(sources, sources.resolve("pictures/a b#1.jpg/x.jpg")) == (
        f"picture file://{folder}/pictures/a%20b%231.jpg/x.jpg can't be read: Not a directory. "
        "Check its path and its permissions."
    )


async def test_a_file_that_no_vendor_would_take_is_refused_unread(folder: Path) -> None:
    """A sparse file of 65 MB costs nothing."""
    with (folder / "big.jpg").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    sources = PictureSources(f"{folder}/")

    assert await refusal(sources, sources.resolve("big.jpg")) == (
        f"picture file://{folder}/big.jpg is larger than 64 MB. Make it smaller."
    )


async def test_a_picture_in_a_bucket(bucket: ObjectStorage) -> None:
    """A relative reference starts at the catalog's prefix, and the block's credentials serve other buckets too."""
    sources = PictureSources(f"{bucket.root}/catalog.parquet", storage=bucket)
    uri = sources.resolve("pictures/a b+1%20.jpg")
    found = await bucket.stat("pictures/a b+1%20.jpg")

    assert uri == f"{bucket.root}/pictures/a b+1%20.jpg"
    assert await sources.fetch(uri) == PICTURE
    assert found is not None
    assert await sources.version(uri) == found.version


async def test_what_is_missing_in_a_bucket_is_the_catalogs_error(bucket: ObjectStorage) -> None:
    """The row is at fault, not the storage."""
    sources = PictureSources(bucket.root, storage=bucket)
    uri = sources.resolve("none.jpg")

    assert await refusal(sources, uri) == (
        f"picture {uri} can't be read: there is no object at {uri}. Check the address, and whether it was removed."
    )
    with pytest.raises(CatalogError, match=f"there is no picture at {uri}"):
        await sources.version(uri)
    assert "can't be the path of an object" in await refusal(sources, f"{bucket.root}//a.jpg")


async def test_credentials_come_from_the_environment_without_a_block(
    bucket: ObjectStorage, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for the AWS programs."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto.secret_access_key)
    sources = PictureSources("catalog.parquet")

    assert await sources.fetch(f"{bucket.root}/pictures/a b+1%20.jpg") == PICTURE


async def test_a_vendor_beside_the_bucket_gets_a_link(bucket: ObjectStorage) -> None:
    """The sandbox can fetch from a store on this machine, a vendor on the internet can't."""
    sources = PictureSources(bucket.root, storage=bucket)
    uri = sources.resolve("pictures/a b+1%20.jpg")
    link = await sources.public_url(uri, "http://127.0.0.1:8600")
    assert link is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.get(link)

    assert reply.content == PICTURE
    assert "X-Amz-Expires=21600" in link
    assert await sources.public_url(uri, "https://api.example.com") is None


@pytest.mark.parametrize(
    ("uri", "vendor", "reachable"),
    [
        ("https://cdn.example.com/a.jpg", "https://api.example.com", True),
        ("https://cdn.example.com/a.jpg", "http://127.0.0.1:8600", True),
        ("http://127.0.0.1/a.jpg", "https://api.example.com", False),
        ("http://10.0.0.7/a.jpg", "https://api.example.com", False),
        ("http://media.internal/a.jpg", "https://api.example.com", False),
        ("http://media/a.jpg", "http://sandbox:8600", True),
        ("http://localhost/a.jpg", "http://sandbox:8600", False),
        ("http://localhost/a.jpg", "http://localhost:8600", True),
    ],
)
async def test_who_can_reach_a_web_address(uri: str, vendor: str, *, reachable: bool) -> None:
    """A vendor reaches what is as near as itself, or farther out."""
    assert await PictureSources("c.parquet").public_url(uri, vendor) == (uri if reachable else None)


async def test_a_picture_on_the_web_is_fetched_once_at_a_time(shop: tuple[Shop, str]) -> None:
    """Rows that ask for it meanwhile share the answer; later ones ask anew, as nothing is kept."""
    server, base = shop
    sources = PictureSources("c.parquet")
    first = [asyncio.create_task(sources.fetch(f"{base}/model.jpg")) for _ in range(20)]
    await arrivals(server, 1)
    server.open.set()

    assert await asyncio.gather(*first) == [PICTURE] * 20
    assert server.asked == 1
    assert await sources.fetch(f"{base}/model.jpg") == PICTURE
    assert server.asked == 2
    assert await sources.version(f"{base}/model.jpg") is None


async def test_one_row_that_gives_up_leaves_the_others_their_picture(shop: tuple[Shop, str]) -> None:
    """Only when the last one has gone is the fetch ended."""
    server, base = shop
    sources = PictureSources("c.parquet")
    first, second = (asyncio.create_task(sources.fetch(f"{base}/model.jpg")) for _ in range(2))
    await arrivals(server, 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    server.open.set()

    assert await second == PICTURE
    assert server.asked == 1


async def test_a_fetch_that_nobody_waits_for_is_ended(shop: tuple[Shop, str]) -> None:
    """A cancelled run leaves nothing running."""
    server, base = shop
    sources = PictureSources("c.parquet")
    waiting = asyncio.create_task(sources.fetch(f"{base}/model.jpg"))
    await arrivals(server, 1)
    [fetch] = sources._fetches.values()
    waiting.cancel()
    await asyncio.wait([waiting, fetch.task])

    assert fetch.task.cancelled()
    assert sources._fetches == {}


async def test_each_row_gets_an_error_of_its_own(shop: tuple[Shop, str]) -> None:
    """A row puts its SKU on the error, so they must not share one."""
    server, base = shop
    server.status = 404
    server.open.set()
    sources = PictureSources("c.parquet")
    errors = await asyncio.gather(*(sources.fetch(f"{base}/a.jpg") for _ in range(2)), return_exceptions=True)
    messages = [
        str(error.at(sku=sku)) for error, sku in zip(errors, "AB", strict=True) if isinstance(error, CatalogError)
    ]

    assert [message.partition(":")[0] for message in messages] == ["SKU 'A'", "SKU 'B'"]
    assert server.asked == 1


async def test_fetches_wait_for_their_turn(shop: tuple[Shop, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand rows at once neither fill the memory nor overrun the shop's server."""
    monkeypatch.setattr(picture_sources, "FETCHES_AT_ONCE", 4)
    server, base = shop
    sources = PictureSources("c.parquet")
    fetches = [asyncio.create_task(sources.fetch(f"{base}/{number}.jpg")) for number in range(40)]
    await arrivals(server, 4)
    server.open.set()
    await asyncio.gather(*fetches)

    assert (server.asked, server.most) == (40, 4)


async def test_a_server_in_trouble_is_asked_after_each_wait(shop: tuple[Shop, str]) -> None:
    """The waits are the caller's."""
    server, base = shop
    server.status = 503
    server.open.set()

    message = await refusal(PictureSources("c.parquet", waits=(0.0, 0.0)), f"{base}/a.jpg?sig=secret")

    assert message == (
        f"picture {base}/a.jpg can't be fetched: HTTP 503 Service Unavailable, 3 times. "
        "Run again once its server answers."
    )
    assert server.asked == 3
