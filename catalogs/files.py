"""Where a catalog's files are: its address found, each file looked into, an outage told from a fault."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from fsspec import AbstractFileSystem

from blocks.errors import CatalogError, StorageError
from blocks.storage import ObjectStorage
from catalogs.parquet import OUTAGES, DataFile, data_files, find_files, words

__all__ = ["found_files", "reachable"]


def found_files(uri: str, storage: ObjectStorage | None = None) -> tuple[AbstractFileSystem, str, list[DataFile]]:
    """
    The file system, the catalog's path in it, and its files; there is at least one, though all may have faults.

    `storage` lends its credentials; without it they are the environment's. Raises `CatalogError`.
    """
    try:
        filesystem, root = (storage.at(uri) if storage else ObjectStorage.from_uri(uri)).filesystem()
    except StorageError as error:
        raise CatalogError(f"catalog {uri!r} can't be read: {error.what}", next_step=error.next_step) from error
    with reachable(uri):
        paths = _found(uri, filesystem, root)
        return filesystem, root, data_files(filesystem, root, paths)


@contextmanager
def reachable(uri: str) -> Generator[None]:
    """Say of a storage that stops answering that it does, and no file is to blame."""
    try:
        yield
    except OUTAGES as error:
        raise CatalogError(
            f"catalog {uri!r} can't be read: its storage does not answer: {words(error)}",
            next_step="Check the network, the endpoint and the credentials, then run again.",
        ) from error


def _found(uri: str, filesystem: AbstractFileSystem, root: str) -> list[str]:
    try:
        paths = find_files(filesystem, root)
    except OUTAGES:
        raise
    except FileNotFoundError as error:
        raise CatalogError(
            f"there is no catalog at {uri!r}: no such file, folder or bucket",
            next_step="Check the address; a local path is one on the machine that runs the flow.",
        ) from error
    except OSError as error:
        raise CatalogError(
            f"catalog {uri!r} can't be read: {words(error)}", next_step="Check the address and the credentials."
        ) from error
    if not paths:
        raise CatalogError(
            f"folder {uri!r} holds no Parquet files", next_step="Their names end in .parquet, .parq or .pq."
        )
    return paths
