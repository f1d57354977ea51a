"""Pictures replaced behind their addresses: seen by what their servers say of them, and never guessed."""

from __future__ import annotations

from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

from blocks.errors import StorageError
from blocks.transport import close_client
from catalogs.picture_versions import LOOKS_AT_ONCE_PER_HOST, PictureVersions
from catalogs.sources import PictureSources


class Shop:
    """A shop's picture server: what it says of each path, and what it was asked."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.refuses_head = False
        self.asked: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.lock = Lock()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer()

            def do_GET(self) -> None:
                self._answer()

            def _answer(self) -> None:
                with shop.lock:
                    shop.asked.append((self.command, self.path))
                    shop.at_once += 1
                    shop.most_at_once = max(shop.most_at_once, shop.at_once)
                headers = shop.tags.get(self.path.partition("?")[0])
                refused = shop.refuses_head and self.command == "HEAD"
                self.send_response(
                    403 if refused else 404 if headers is None else 302 if "location" in headers else 200
                )
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()
                with shop.lock:
                    shop.at_once -= 1

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def url(self, path: str) -> str:
        """The address of a picture."""
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@pytest.fixture
def shop() -> Generator[Shop]:
    """A running shop."""
    made = Shop()
    thread = Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


async def look(versions: PictureVersions, *uris: str) -> bool:
    """One look at these pictures."""
    try:
        return await versions.look(uris, PictureSources("/"))
    finally:
        await close_client()


@pytest.mark.parametrize("header", ["etag", "last-modified"])
async def test_another_answer_is_another_picture(header: str, shop: Shop) -> None:
    """The first is what keys were made with, so it is not in them; back at it, they are what they were."""
    versions = PictureVersions()
    seen: list[dict[str, str]] = []
    for tag in ("one", "one", "two", "one"):
        shop.tags["/a.png"] = {header: tag}
        await look(versions, shop.url("/a.png"))
        seen.append(versions.for_keys())

    assert [{}, {}, {shop.url("/a.png"): "two"}, {}] == seen
    assert 2 == versions.changed


async def test_what_is_not_answered_counts_as_unchanged(shop: Shop) -> None:
    """A missing picture, a server that is away, a name that does not exist, and one that tells no version."""
    shop.tags["/silent.png"] = {}
    versions = PictureVersions()
    news = await look(
        versions, shop.url("/gone.png"), "http://127.0.0.1:9/a.png", "file:///none.png", shop.url("/silent.png")
    )

    assert not news
    assert (4, {}) == (versions.unanswered, versions.for_keys())


async def test_an_address_signed_for_get_is_asked_by_get(shop: Shop) -> None:
    """For one byte; and its signature of tonight makes no other picture of it."""
    shop.refuses_head = True
    shop.tags["/a.png"] = {"etag": "one"}
    versions = PictureVersions()
    await look(versions, shop.url("/a.png?X-Amz-Signature=first"))
    shop.tags["/a.png"] = {"etag": "two"}
    await look(versions, shop.url("/a.png?X-Amz-Signature=second"))

    assert {shop.url("/a.png"): "two"} == versions.for_keys()
    assert ["HEAD", "GET"] * 2 == [method for method, _ in shop.asked]


async def test_redirects_are_followed_to_an_end(shop: Shop) -> None:
    """A circle has no answer."""
    shop.tags |= {"/a": {"location": "/b"}, "/b": {"etag": "one"}, "/c": {"location": "/c"}}
    versions = PictureVersions()
    await look(versions, shop.url("/a"), shop.url("/c"))

    assert {shop.url("/a"): "one"} == versions.latest
    assert 1 == versions.unanswered


async def test_one_host_is_not_overrun(shop: Shop) -> None:
    """However many pictures it has."""
    paths = [f"/{number}.png" for number in range(100)]
    shop.tags = {path: {"etag": path} for path in paths}
    versions = PictureVersions()
    await look(versions, *map(shop.url, paths))

    assert 100 == len(versions.latest)
    assert shop.most_at_once <= LOOKS_AT_ONCE_PER_HOST


async def test_a_file_on_disk_is_looked_at(tmp_path: Path) -> None:
    """By its size and time."""
    picture = tmp_path / "a.png"
    picture.write_bytes(b"one")
    versions = PictureVersions()
    await look(versions, picture.as_uri())
    picture.write_bytes(b"another")
    news = await look(versions, picture.as_uri())

    assert news
    assert [picture.as_uri()] == list(versions.for_keys())


async def test_what_was_seen_is_kept(shop: Shop, tmp_path: Path) -> None:
    """For the next night."""
    versions = PictureVersions()
    for tag in ("one", "two"):
        shop.tags["/a.png"] = {"etag": tag}
        await look(versions, shop.url("/a.png"))
    versions.write(tmp_path / "versions.parquet")

    read = PictureVersions.read(tmp_path / "versions.parquet")

    assert versions.for_keys() == read.for_keys()
    assert versions.first == read.first


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    """Without it pictures would count as they were first."""
    (tmp_path / "versions.parquet").write_bytes(b"no parquet")

    with pytest.raises(StorageError, match=r"picture-versions\.parquet can't be read"):
        PictureVersions.read(tmp_path / "versions.parquet")
