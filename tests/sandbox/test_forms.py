"""Multipart bodies: what a form is, and what is none."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.types import Message

from sandbox.forms import NotAForm, form_of
from sandbox.replies import BodyTooLarge

MULTIPART = "multipart/form-data; boundary=edge"


def request(body: bytes, kind: str = MULTIPART, pieces: int = 1) -> Request:
    """A request whose body arrives in pieces."""
    step = -(-len(body) // pieces) or 1
    left = [body[at : at + step] for at in range(0, len(body), step)] or [b""]

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return Request({"type": "http", "headers": [(b"content-type", kind.encode())]}, receive)


def part(disposition: str, content: bytes, *more: str) -> bytes:
    """One part with its headers."""
    head = "\r\n".join([f"Content-Disposition: form-data; {disposition}", *more])
    return b"--edge\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


@pytest.mark.parametrize("pieces", [1, 7])
async def test_fields_and_files(pieces: int) -> None:
    """A part with a file name is a file, kept byte by byte; others are text."""
    data = b"\r\n--edg\r\n\x00--\r\n\r\n"
    body = (
        part('name="gender"', "wömän".encode())
        + part('name="file"; filename="a; name=\\"b\\".png"', data, "Content-Type: image/png")
        + part('filename=empty.png; name="empty"', b"")
        + b"--edge--\r\n"
    )

    assert {"gender": "wömän", "file": data, "empty": b""} == await form_of(request(body, pieces=pieces), 1000)


async def test_the_last_of_a_name_counts() -> None:
    """A repeated name has its last value; a quoted boundary is one without its quotes."""
    body = part('name="a"', b"1") + part('name="a"', b"2") + b"--edge--"

    assert {"a": "2"} == await form_of(request(body, 'multipart/form-data; boundary="edge"'), 1000)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"{}", "application/json", "not multipart"),
        (b"--edge--", "multipart/form-data", "not multipart"),
        (b"", MULTIPART, "does not begin"),
        (b"--other\r\n", MULTIPART, "does not begin"),
        (b"--edge", MULTIPART, "last boundary"),
        (part('name="a"', b"1"), MULTIPART, "no end"),
        (part('name="a"', b"1") + b"--edge", MULTIPART, "last boundary"),
        (b'--edge\r\nContent-Disposition: form-data; name="a"\r\n--edge--', MULTIPART, "no end"),
        (b"--edge\r\n\r\n1\r\n--edge--", MULTIPART, "no name"),
        (part("filename=a.png", b"1") + b"--edge--", MULTIPART, "no name"),
    ],
)
async def test_what_is_no_form(body: bytes, kind: str, words: str) -> None:
    """A body of another kind, cut short, or with nameless parts is refused."""
    with pytest.raises(NotAForm, match=words):
        await form_of(request(body, kind), 1000)


async def test_a_form_too_large() -> None:
    """Past the limit the rest is not read."""
    with pytest.raises(BodyTooLarge):
        await form_of(request(part('name="a"', b"1" * 2000) + b"--edge--", pieces=9), 1000)
