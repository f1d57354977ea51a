"""What a file that can't be read as Parquet is instead, in words its owner knows."""

from __future__ import annotations

import re

__all__ = ["looks_like"]

MAGIC = b"PAR1"
LINE_LIMIT = 60

_BEGINNINGS = (
    (b"PARE", "Parquet with encrypted columns; write it without encryption"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it first"),
    (b"ARROW1", "an Arrow or Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"version https://git-lfs", "a Git LFS pointer; run `git lfs pull`"),
)
_TEXTS = (
    (re.compile(rb"\s*<(!doctype\s+html|html)", re.IGNORECASE), "an HTML page, perhaps an error or a login page"),
    (re.compile(rb"\s*<\?xml|\s*<Error>"), "XML, perhaps a storage service's error"),
    (re.compile(rb"\s*[\[{]"), "JSON"),
)


def looks_like(head: bytes, tail: bytes, size: int, words: str) -> str:
    """
    Say what is wrong, to follow the file's name.

    Takes its first bytes, its last four, its size, and Parquet's own words.
    """
    if size == 0:
        return "is empty: it has no bytes at all"
    if head.startswith(MAGIC):
        return _damaged(tail, size, words)
    for beginning, name in _BEGINNINGS:
        if head.startswith(beginning):
            return f"is no Parquet file; it looks like {name}"
    for pattern, name in _TEXTS:
        if pattern.match(head):
            return f"is no Parquet file; it looks like {name}"
    return f"is no Parquet file; {_first_line(head)}"


def _damaged(tail: bytes, size: int, words: str) -> str:
    if tail == MAGIC and size > len(MAGIC):
        return f"is a damaged Parquet file: {words}"
    return f"is cut short: it begins as Parquet, but its end is not there after {size:,} bytes; copy it again"


def _first_line(head: bytes) -> str:
    line = head.removeprefix(b"\xef\xbb\xbf").splitlines()[0] if head.strip() else b""
    try:
        shown = line.decode()[:LINE_LIMIT]
    except UnicodeDecodeError:
        return f"it begins with the bytes {head[:8].hex(' ')}"
    if any(separator in shown for separator in ",;\t|"):
        return f"it looks like CSV, beginning {shown!r}"
    return f"its first line is {shown!r}"
