"""The block that names a run's object storage and how to get in."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Literal, Self, cast
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError
from fsspec import AbstractFileSystem
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, PrivateAttr, SecretStr, ValidationError, field_validator

from blocks.errors import StorageError
from blocks.storage.probe import prove
from blocks.storage.reach import Reach, reach_of
from blocks.storage.roots import checked_path, normal_root, store_at
from blocks.storage.s3_connection import S3Connection
from blocks.storage.store import ObjectStat, Store

__all__ = ["ObjectStorage"]

# SigV4 signs no link for longer.
LONGEST_LINK_SECONDS = 7 * 24 * 3600
# At start-up a person is waiting for the answer.
CHECK_PATIENCE_SECONDS = 15.0
# A listing prefix may end in the middle of a name, or after a slash.
_PREFIX_ENDING = "x"


class ObjectStorage(Block):
    """
    Where pictures, the ledger and manifests are kept: an S3 bucket, a folder, or memory for trials.

    Writes show whole or not at all, and `create` never overwrites, whoever else writes at the same time.

    Example:
        Load a configured storage:

        ```python
        from blocks.storage import ObjectStorage

        storage = ObjectStorage.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Catwalk Object Storage"
    _block_type_slug = "catwalk-object-storage"
    _logo_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://cdn.sanity.io/images/3ugk85nk/production/d74b16fe84ce626345adf235a47008fea2869a60-225x225.png"
    )
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl("https://docs.prefect.io/v3/concepts/blocks")

    root: str = Field(description="The address: 's3://bucket/prefix', 'file:///folder', a path, or 'memory://name'.")
    access_key_id: SecretStr | None = Field(
        default=None, description="The access key ID; empty uses the environment, a profile or the machine's role."
    )
    secret_access_key: SecretStr | None = Field(default=None, description="The secret of the access key.")
    session_token: SecretStr | None = Field(default=None, description="The token of temporary credentials.")
    endpoint_url: str | None = Field(default=None, description="Where an S3 store other than Amazon's answers.")
    region: str | None = Field(default=None, description="The region in which the bucket lives.")
    max_connections: int = Field(default=32, ge=1, description="Calls to the store at one time.")
    patience: float = Field(
        default=120, ge=0, description="Seconds to go on asking while the store is unreachable or overloaded."
    )
    vendor_access: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether vendors can fetch signed links: judged by the endpoint's address, always, or never.",
    )

    link_days: float = Field(
        default=0,
        ge=0,
        le=7,
        description="Days for which links in Prefect open a run's report and gallery without credentials, whoever has "
        "them; 0 makes no such links.",
    )

    # Every call goes through it, and its settings do not change.
    _opened: Store | None = PrivateAttr(default=None)

    @field_validator("root")
    @classmethod
    def _normal_root(cls, value: str) -> str:
        return normal_root(value)

    @field_validator("endpoint_url")
    @classmethod
    def _http_endpoint(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
            raise ValueError("an endpoint is an http(s) address without credentials, such as 'http://127.0.0.1:9000'")
        return value or None

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """The storage at this address, with the endpoint, region and credentials of the environment or profile."""
        try:
            return cls.model_validate(
                {
                    "root": uri,
                    "endpoint_url": _configured_endpoint(),
                    "region": os.environ.get("AWS_REGION"),
                    "link_days": os.environ.get("CATWALK_LINK_DAYS", "0"),
                }
            )
        except ValidationError as error:
            raise _unusable(uri, error) from error

    def at(self, uri: str) -> Self:
        """Another address, with the same credentials."""
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "root"}
        try:
            return type(self)(root=uri, **fields)
        except ValidationError as error:
            raise _unusable(uri, error) from error

    def uri(self, path: str) -> str:
        """The full address of an object."""
        return self._store().uri(checked_path(path))

    def path_of(self, uri: str) -> str | None:
        """The path of the object at this address; None if it lies outside this storage."""
        path = self._store().path_of(uri)
        with suppress(StorageError):
            return checked_path(path) if path else None
        return None

    async def read(self, path: str, *, max_bytes: int | None = None) -> bytes:
        """All of an object, or `MissingObject`; one larger than `max_bytes` is refused unread."""
        return await self._store().read(checked_path(path), max_bytes)

    async def write(self, path: str, data: bytes, *, content_type: str) -> None:
        """Put an object there, over any older one; readers see the old one or the new one, whole."""
        await self._store().write(checked_path(path), data, content_type)

    async def create(self, path: str, data: bytes, *, content_type: str) -> bool:
        """
        Put an object there unless there is one, and say whether this call did.

        Of any number of callers at most one gets True. After `StorageError` the object may be there or not.
        """
        return await self._store().create(checked_path(path), data, content_type)

    async def extend(self, path: str, held: bytes, more: bytes, *, content_type: str) -> None:
        """
        Let an object that holds `held` hold `held + more`, the cheapest way that the store has.

        For one writer. It is tried once: after `StorageError` the object may hold either, or part of `more`.
        """
        await self._store().extend(checked_path(path), held, more, content_type)

    async def upload(self, path: str, file: Path, *, content_type: str) -> None:
        """Write a local file of any size, whole or not at all."""
        await self._store().upload(checked_path(path), file, content_type)

    async def replace(self, path: str, file: Path, *, version: str | None, content_type: str) -> bool:
        """
        Write a local file over the object of that `version`, for None where there is none, and say whether this call did.

        Of any number of callers who have seen the same version at most one gets True. After `StorageError` the
        object may be the old one or the new one, whole.
        """
        return await self._store().replace(checked_path(path), file, version, content_type)

    async def download(self, path: str, file: Path) -> None:
        """Read an object of any size into a local file, whole or not at all."""
        await self._store().download(checked_path(path), file)

    async def exists(self, path: str) -> bool:
        """Whether there is an object."""
        return await self.stat(path) is not None

    async def stat(self, path: str) -> ObjectStat | None:
        """Size, version and time of an object; None if there is none."""
        return await self._store().stat(checked_path(path))

    async def list(self, prefix: str = "") -> AsyncIterator[str]:
        """The paths that begin with `prefix`, in no order, held in memory a page at a time."""
        checked_path(prefix + _PREFIX_ENDING)
        async for path in self._store().list(prefix):
            yield path

    async def remove(self, path: str) -> None:
        """Remove an object, if it is there."""
        await self._store().remove(checked_path(path))

    async def presign(self, path: str, *, seconds: int) -> str | None:
        """A link that reads the object without credentials for `seconds`; None for a folder or memory."""
        return await self._store().presign(checked_path(path), min(seconds, LONGEST_LINK_SECONDS))

    async def shared_link(self, path: str) -> str | None:
        """A link for people, as long as `link_days` allows; None for a folder, for memory, or where none is wanted."""
        return await self.presign(path, seconds=int(self.link_days * 24 * 3600)) if self.link_days else None

    def reachable_from(self, vendor_base_url: str) -> bool:
        """Whether the vendor who answers at this address can fetch a signed link, as far as addresses tell."""
        if not self.root.startswith("s3://") or self.vendor_access == "never":
            return False
        if self.vendor_access == "always":
            return True
        return _reach(vendor_base_url) <= (_reach(self.endpoint_url) if self.endpoint_url else Reach.INTERNET)

    async def check(self) -> None:
        """Make sure, with probes, that objects can be created and replaced on condition, read and listed; or say what to do."""
        await prove(self._open(min(self.patience, CHECK_PATIENCE_SECONDS)))

    def filesystem(self) -> tuple[AbstractFileSystem, str]:
        """A synchronous filesystem that caches no listing, and the root's path in it, for pyarrow."""
        return self._store().filesystem()

    async def close(self) -> None:
        """Close the running event loop's connections; the loop does it by itself when it ends."""
        await self._store().close()

    def _store(self) -> Store:
        if self._opened is None:
            self._opened = self._open(self.patience)
        return self._opened

    def _open(self, patience: float) -> Store:
        connection = S3Connection(
            self.access_key_id,
            self.secret_access_key,
            self.session_token,
            self.endpoint_url,
            self.region,
            self.max_connections,
        )
        return store_at(self.root, connection, patience)


def _configured_endpoint() -> str | None:
    # botocore finds it by itself; it is noted here because `reachable_from` must know it.
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if endpoint := os.environ.get(name):
            return endpoint
    try:
        profile = cast("dict[str, str]", botocore.session.Session().get_scoped_config())
    except BotoCoreError as error:
        raise StorageError(
            f"the AWS configuration can't be used: {error}", next_step="Correct AWS_PROFILE or the configuration file."
        ) from error
    return profile.get("endpoint_url")


def _reach(address: str) -> Reach:
    return reach_of(urlsplit(address).hostname or "")


def _unusable(uri: str, error: ValidationError) -> StorageError:
    reasons = "; ".join(str(flaw["msg"]).removeprefix("Value error, ") for flaw in error.errors(include_input=False))
    return StorageError(f"the storage {uri!r} can't be used: {reasons}", next_step="Correct its address or settings.")
