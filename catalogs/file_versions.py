"""The files that a catalog is, each with what changes when its content does, without opening one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, cast

from fsspec import AbstractFileSystem
from pydantic import BaseModel, Field

from catalogs.files import reachable
from catalogs.parquet import DataFile

__all__ = ["FileVersion", "FileVersions", "file_versions"]

MOST_NAMED = 100
ASKED_AT_ONCE = 16


class FileVersion(BaseModel):
    """One file, by its path within the catalog: its size, and its ETag or else the time of its last change."""

    name: str
    size: int
    version: str


class FileVersions(BaseModel):
    """All files of a catalog: equal digests mean that none was written since; the first hundred are named."""

    files: int
    size: int = Field(description="Bytes, all files together.")
    digest: str = Field(description="SHA-256 over the names, sizes and versions of all files.")
    first: list[FileVersion]


def file_versions(uri: str, filesystem: AbstractFileSystem, files: Sequence[DataFile]) -> FileVersions:
    """Ask for the facts of every file; raises `CatalogError` where the storage does not answer."""
    with reachable(uri), ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        versions = list(pool.map(partial(_version, filesystem), files))
    digest = hashlib.sha256()
    for version in versions:
        digest.update(f"{version.name}\0{version.size}\0{version.version}\0".encode())
    return FileVersions(
        files=len(versions),
        size=sum(version.size for version in versions),
        digest=digest.hexdigest(),
        first=versions[:MOST_NAMED],
    )


def _version(filesystem: AbstractFileSystem, file: DataFile) -> FileVersion:
    facts = cast("dict[str, Any]", filesystem.info(file.path))
    names = ("ETag", "LastModified", "mtime", "created")
    version = next((facts[name] for name in names if facts.get(name) is not None), "")
    shown = version.isoformat() if isinstance(version, datetime) else str(version)
    return FileVersion(name=file.name, size=facts["size"] or 0, version=shown.strip('"'))
