"""Multipart forms, read into memory up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from sandbox.replies import read_body

__all__ = ["Form", "NotAForm", "form_of"]

# Fields as text and files as bytes, by their names; of parts with the same name the last counts.
Form = dict[str, str | bytes]
HEAD_END = b"\r\n\r\n"


class NotAForm(Exception):
    """A body is not well-formed multipart/form-data."""


async def form_of(request: Request, limit: int) -> Form:
    """The request's form; raises `NotAForm`, or `BodyTooLarge` past `limit` bytes."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise NotAForm("the body is not multipart/form-data")
    form: Form = {}
    for head, content in _parts(await read_body(request, limit), b"--" + boundary):
        name, is_file = _named(head)
        form[name] = content if is_file else content.decode(errors="replace")
    return form


def _parts(body: bytes, line: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The head and the content of each part between boundary lines (RFC 2046, section 5.1.1)."""
    if not body.startswith(line):
        raise NotAForm("the body does not begin with the boundary")
    at = len(line)
    while body.startswith(b"\r\n", at):
        head_end = body.find(HEAD_END, at)
        content_at = head_end + len(HEAD_END)
        end = body.find(b"\r\n" + line, content_at)
        if head_end < 0 or end < 0:
            raise NotAForm("a part has no end")
        yield body[at + 2 : head_end], body[content_at:end]
        at = end + 2 + len(line)
    if not body.startswith(b"--", at):
        raise NotAForm("the last boundary is missing")


@lru_cache(maxsize=4096)
def _named(head: bytes) -> tuple[str, bool]:
    """A part's name, and whether it is a file, from its headers."""
    for line in head.split(b"\r\n"):
        field, _, value = line.partition(b":")
        if field.strip().lower() == b"content-disposition":
            _, options = parse_options_header(value)
            if b"name" in options:
                return options[b"name"].decode(errors="replace"), b"filename" in options
    raise NotAForm("a part has no name")
