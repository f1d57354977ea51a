"""Input pictures are really fetched."""

from __future__ import annotations

import threading
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.clock import Clock
from sandbox.inputs import Inputs, decoded
from sandbox.orders import UnusablePicture
from sandbox.pictures import Pictures
from tests.sandbox.caller import Caller, garment_png


class _Files(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """Serve a file, or send the caller on."""
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/garment.png")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def file_server(tmp_path: Path) -> Generator[str]:
    """A web server with one garment and one text."""
    (tmp_path / "garment.png").write_bytes(garment_png())
    (tmp_path / "text.png").write_text("not a picture")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/garment.png?signature=1", "DONE"), ("/moved", "DONE"), ("/absent.png", "ERROR"), ("/text.png", "ERROR")],
)
def test_pictures_of_another_server(caller: Caller, file_server: str, path: str, status: str) -> None:
    """A picture anywhere on the network is fetched; one that is missing or broken fails the job."""
    assert status == caller.claid_job(caller.fashion(file_server + path))["status"]


async def test_limits_of_a_fetch(file_server: str) -> None:
    """A file larger than allowed, and a scheme that is no web address, are refused."""
    inputs = Inputs(Pictures(Clock(), 60, 1_000_000), fetch_seconds=5, fetch_bytes=100)
    try:
        for url, words in ((f"{file_server}/garment.png", "larger than"), ("ftp://host/a.png", "scheme")):
            with pytest.raises(UnusablePicture, match=words):
                await inputs.fetch(url)
    finally:
        await inputs.close()


@pytest.mark.parametrize("text", ["AAA", "not base64", "data:text/plain;base64,AAAA"])
def test_bad_base64(text: str) -> None:
    """Text that is no base64 picture is refused."""
    with pytest.raises(UnusablePicture, match="Base64"):
        decoded(text)
