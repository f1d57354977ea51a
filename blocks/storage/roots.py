"""How a storage root is written, and which store it means."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from blocks.errors import StorageError
from blocks.storage.local import LocalStore
from blocks.storage.memory import MemoryStore
from blocks.storage.s3 import S3Store
from blocks.storage.s3_connection import S3Connection
from blocks.storage.store import Store

__all__ = ["checked_path", "normal_root", "store_at"]


def normal_root(root: str) -> str:
    """The root without a trailing slash, a plain path made absolute; ValueError if it is none."""
    scheme, separator, rest = root.partition("://")
    if not separator:
        if not root or root.startswith("file:"):
            raise ValueError(f"{root!r} is no storage address; write 's3://bucket/prefix', 'file:///folder' or a path")
        return os.path.normpath(Path(root).expanduser().absolute())
    trimmed = rest.rstrip("/")
    if scheme == "file":
        if not trimmed.startswith("/"):
            raise ValueError(f"{root!r} names no folder of this machine; write it as 'file:///folder'")
    elif scheme not in ("s3", "memory"):
        raise ValueError(
            f"{root!r} is on no storage that is known here; use 's3://', 'file:///', 'memory://' or a path"
        )
    elif _flaw(trimmed):
        raise ValueError(f"{root!r} is no storage address: {_flaw(trimmed)}")
    return f"{scheme}://{trimmed}"


# Control characters and lone surrogates, which some stores refuse and others change.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def store_at(root: str, connection: S3Connection, patience: float) -> Store:
    """The store that a normal root means."""
    scheme, separator, rest = root.partition("://")
    if not separator:
        return LocalStore(Path(root), root)
    if scheme == "s3":
        bucket, _, prefix = rest.partition("/")
        return S3Store(bucket, prefix, connection, patience)
    return MemoryStore(rest) if scheme == "memory" else LocalStore(Path(unquote(rest)), root)


def checked_path(path: str) -> str:
    """The path, if every store can hold an object there and it stays under its root; or `StorageError`."""
    if flaw := _flaw(path):
        raise StorageError(f"{path!r} can't be the path of an object: {flaw}", next_step="Choose another name.")
    return path


def _flaw(path: str) -> str | None:
    parts = path.split("/")
    if "" in parts:
        return "it is empty, or begins, ends or doubles a slash"
    if "." in parts or ".." in parts:
        return "'.' and '..' lead elsewhere"
    if _UNPRINTABLE.search(path):
        return "it has control characters"
    return None
