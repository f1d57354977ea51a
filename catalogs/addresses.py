"""Addresses of pictures: from a catalog's references, often relative, to full ones that identify a picture."""

from __future__ import annotations

import os
import posixpath
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from blocks.errors import CatalogError

__all__ = ["PARQUET_SUFFIXES", "absolute", "bare", "bucket_and_key", "file_path", "folder_of", "is_object"]

OBJECT_SCHEMES = ("s3://", "memory://")
PARQUET_SUFFIXES = (".parquet", ".parq", ".pq")
SHOWN_CHARACTERS = 200

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://|(?:data|blob|cid):|[a-z]:\\", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What needs no second look, as nearly all references do: a host by its name, a path of names that nothing escapes.
_PLAIN_WEB = re.compile(r"https?://[a-z0-9.-]+(?:[/?#][^\s\x00-\x1f\x7f]*)?", re.IGNORECASE)
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*")


def absolute(reference: str, folder: str) -> str:
    """
    The full address: `https://…`, `s3://bucket/key` or `file:///path`.

    A relative reference starts at `folder`, which comes from `folder_of`. Raises `CatalogError` for an address of
    another kind.
    """
    if _PLAIN_WEB.fullmatch(reference):
        return reference
    if _PLAIN_PATH.fullmatch(reference) and not is_object(folder):
        return _file_root(folder) + reference
    reference = reference.strip()
    if not reference or _CONTROL.search(reference):
        raise _unusable(reference, "is blank or holds control characters")
    scheme = _SCHEME.match(reference)
    if scheme is None:
        return _in_folder(reference, folder)
    kind = scheme[0].lower()
    if kind in ("http://", "https://"):
        return _web_address(reference)
    if kind in OBJECT_SCHEMES:
        return _object_address(kind, reference[len(kind) :])
    if kind == "file://":
        return _file_address(file_path(reference))
    raise _unusable(reference, "is of a kind that can't be fetched")


def folder_of(catalog_uri: str) -> str:
    """Where a catalog's relative references start, ending in `/`: the folder that it is, or that it lies in."""
    kind = next((kind for kind in OBJECT_SCHEMES if catalog_uri.startswith(kind)), None)
    if kind:
        if catalog_uri.lower().endswith(PARQUET_SUFFIXES):
            catalog_uri = catalog_uri.rpartition("/")[0]
        return catalog_uri.rstrip("/") + "/"
    path = Path(file_path(catalog_uri) if catalog_uri.startswith("file://") else catalog_uri).expanduser().absolute()
    is_folder = path.is_dir() or catalog_uri.endswith("/")
    return f"{path if is_folder else path.parent}".rstrip("/") + "/"


def is_object(uri: str) -> bool:
    """Whether the address is in object storage."""
    return uri.startswith(OBJECT_SCHEMES)


def bucket_and_key(uri: str) -> tuple[str, str]:
    """`s3://bucket` and the key."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", key


def file_path(uri: str) -> str:
    """The local path that a `file:///…` address means."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.netloc not in ("", "localhost"):
        raise _unusable(uri, f"is on the machine {parts.netloc!r}; a path on this one begins with file:///")
    return unquote(parts.path)


def bare(uri: str) -> str:
    """The address as messages show it; a web address without its query, which may hold a signature."""
    shown = uri.partition("#")[0].partition("?")[0] if uri.startswith(("http://", "https://")) else uri
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + "…"


def _in_folder(reference: str, folder: str) -> str:
    if is_object(folder) and not reference.startswith("/"):
        bucket, prefix = bucket_and_key(folder)
        key = prefix + reference
        if {".", ".."} & set(reference.split("/")):
            key = posixpath.normpath(key)
        if key.startswith("../") or key in ("..", "."):
            raise _unusable(reference, f"leads out of {bucket}")
        return f"{bucket}/{key}"
    return _file_address(os.path.join(os.sep if is_object(folder) else folder, reference))  # noqa: PTH118 - a text


def _web_address(reference: str) -> str:
    try:
        parts = urlsplit(reference)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, usable = None, False
    if not usable:
        raise _unusable(reference, "is no valid web address")
    if parts and (parts.username or parts.password):
        raise CatalogError(
            "a picture's address holds a user name or a password, which would reach manifests and vendors",
            next_step="Use a signed address or object storage.",
        )
    return reference


def _object_address(kind: str, place: str) -> str:
    bucket, _, key = place.partition("/")
    if not bucket or not key or key.endswith("/"):
        raise _unusable(kind + place, f"names no object; write {kind}bucket/key")
    return kind + place


@lru_cache(maxsize=16)
def _file_root(folder: str) -> str:
    return _file_address(folder).removesuffix("/") + "/"


def _file_address(path: str) -> str:
    return f"file://{quote(os.path.normpath(path))}"


def _unusable(reference: str, why: str) -> CatalogError:
    return CatalogError(
        f"picture {bare(reference)!r} {why}",
        next_step="Use an https:// or s3:// address, or a path relative to the catalog.",
    )
