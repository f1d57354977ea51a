"""The store of pictures."""

from __future__ import annotations

import pytest

from sandbox.clock import Clock
from sandbox.pictures import Pictures


def test_equal_files_share_their_memory() -> None:
    """However often a file comes, it is kept once, until its last address is forgotten."""
    clock = Clock()
    pictures = Pictures(clock, 60, 1000)
    first, second = b"a picture " * 3, b"a picture " * 3
    paths = [pictures.add(data, "image/png", "png", "claid.upload") for data in (first, second)]
    kept = [pictures.get(path) for path in paths]
    held = pictures.held(b"a picture " * 3)
    clock.advance(61)
    pictures.add(b"another", "image/png", "png", "claid.upload")
    own = b"a picture " * 3

    assert all(picture is not None and picture.data is first for picture in kept)
    assert held is first
    assert pictures.held(own) is own
    assert {"files": 1, "bytes": 7} == pictures.size()


@pytest.mark.parametrize("suffix", ["", "?signature=1"])
def test_own_addresses(suffix: str) -> None:
    """A file is found by its whole address, whatever the host, and whatever is asked of it."""
    pictures = Pictures(Clock(), 60, 1000)
    path = pictures.add(b"data", "image/png", "png", "claid.upload")

    assert pictures.at_url(f"https://any.host:1{path}{suffix}") is not None
    assert pictures.at_url(f"https://any.host/other{path}{suffix}") is None
