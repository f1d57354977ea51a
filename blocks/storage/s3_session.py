"""The connections of one event loop to one S3 store, and the one place that repeats S3 calls."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import aiohttp
import botocore.exceptions
from botocore.parsers import ResponseParserError
from pydantic import SecretStr
from s3fs import S3FileSystem

__all__ = [
    "READER_ATTEMPTS",
    "S3_ERRORS",
    "Refusal",
    "S3Client",
    "S3Connection",
    "S3Session",
    "close_session",
    "refusal_in",
    "session_of",
]

T = TypeVar("T")

CONNECT_SECONDS = 10
SILENCE_SECONDS = 30
PART_BYTES = 16 * 2**20
PARTS_AT_ONCE = 4
FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 5.0
# Attempts that botocore makes for pyarrow's readers, which bypass the session.
READER_ATTEMPTS = 6

_TRANSIENT_CODES = frozenset(
    {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "SlowDown", "Throttling", "TooManyRequests"}
)
_TRANSIENT_ERRORS = (
    aiohttp.ClientError,
    botocore.exceptions.ConnectionError,
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.IncompleteReadError,
    ResponseParserError,
    TimeoutError,
)
# All that s3fs, botocore and aiohttp raise when a call comes to nothing; s3fs translates answers to `OSError`.
S3_ERRORS = (*_TRANSIENT_ERRORS, OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
SERVER_ERROR = 500
NOT_IMPLEMENTED = 501
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class S3Connection:
    """Where a store answers and who asks; what is None comes from botocore's chain of environment, profile and role."""

    access_key_id: SecretStr | None
    secret_access_key: SecretStr | None
    session_token: SecretStr | None
    endpoint_url: str | None
    region: str | None
    max_connections: int

    def s3fs_options(self, *, attempts: int) -> dict[str, Any]:
        """The arguments of an `S3FileSystem` that caches no listing and makes so many attempts by itself."""
        return {
            "key": _revealed(self.access_key_id),
            "secret": _revealed(self.secret_access_key),
            "token": _revealed(self.session_token),
            "endpoint_url": self.endpoint_url,
            "client_kwargs": {"region_name": self.region} if self.region else {},
            "config_kwargs": self._botocore_config(attempts),
            "use_listings_cache": False,
        }

    def _botocore_config(self, attempts: int) -> dict[str, Any]:
        config: dict[str, Any] = {
            "signature_version": "s3v4",
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": SILENCE_SECONDS,
            "max_pool_connections": self.max_connections,
            "retries": {"mode": "standard", "total_max_attempts": attempts},
        }
        if self.endpoint_url is not None:
            # Stores other than Amazon's stumble over its newer checksum headers and trailers.
            config["request_checksum_calculation"] = "when_required"
            config["response_checksum_validation"] = "when_required"
        return config


class S3Client(S3FileSystem):
    """s3fs's coroutines by public names, typed; it repeats nothing by itself."""

    retries = 1

    def split_path(self, path: str) -> tuple[str, str, None]:
        """Bucket and key; s3fs's own would read '?versionId=' in a key as a version."""
        bucket, _, key = path.partition("/")
        return bucket, key, None

    async def call(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Call the S3 API; an answer that is an error becomes an `OSError` whose cause holds the answer."""
        return cast("dict[str, Any]", await self._call_s3(operation, **arguments))

    async def send_file(self, file: Path, bucket: str, key: str, content_type: str) -> None:
        """Upload a file, in parts if it is large."""
        await self._put_file(
            str(file),
            f"{bucket}/{key}",
            chunksize=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
            ContentType=content_type,
        )

    async def link(self, bucket: str, key: str, seconds: int) -> str:
        """Sign a GET."""
        client = cast("Any", await self.set_session())
        parameters = {"Bucket": bucket, "Key": key}
        return await client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a store answered instead of doing as asked."""

    status: int
    code: str
    words: str


class S3Session:
    """At most `max_connections` calls at a time; it ends with `close`, or with its event loop."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection
        self._turns = asyncio.Semaphore(connection.max_connections)
        self._opening = asyncio.Lock()
        self._life: AsyncGenerator[S3Client] | None = None
        self._client: S3Client | None = None

    async def client(self) -> S3Client:
        """The client, connected."""
        async with self._opening:
            if self._client is None:
                self._life = _opened(self._connection)
                self._client = await anext(self._life)
        return self._client

    async def patiently(self, attempt: Callable[[S3Client], Awaitable[T]], patience: float) -> T:
        """
        Do what may be repeated; each attempt sets its own deadline.

        While the store is unreachable, overloaded or in conflict it is repeated for `patience` seconds from
        the first failure; then, and for any other failure, the last error is raised as it came.
        """
        s3 = await self.client()
        clock = asyncio.get_running_loop().time
        give_up: float | None = None
        for failures in count(1):
            try:
                async with self._turns:
                    return await attempt(s3)
            except S3_ERRORS as error:
                give_up = give_up or clock() + patience
                pause = _backoff(failures)
                if not _is_transient(error) or clock() + pause > give_up:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        if self._life is not None:
            await self._life.aclose()


# One session per event loop, as aiohttp's connections belong to theirs.
_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[S3Connection, S3Session]] = WeakKeyDictionary()


def session_of(connection: S3Connection) -> S3Session:
    """The running event loop's session, opened when first used."""
    sessions = _sessions.setdefault(asyncio.get_running_loop(), {})
    if connection not in sessions:
        sessions[connection] = S3Session(connection)
    return sessions[connection]


async def close_session(connection: S3Connection) -> None:
    """Close the running event loop's session, if one was opened."""
    session = _sessions.get(asyncio.get_running_loop(), {}).pop(connection, None)
    if session is not None:
        await session.close()


def refusal_in(error: BaseException) -> Refusal | None:
    """The store's answer within an error of s3fs or botocore; None when there was no answer."""
    reply = error if isinstance(error, botocore.exceptions.ClientError) else error.__cause__
    if not isinstance(reply, botocore.exceptions.ClientError):
        return None
    answer = cast("dict[str, Any]", reply.response)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    words = answer.get("Error", {})
    # Ceph sends a code without a message.
    return Refusal(status, words.get("Code", ""), words.get("Message") or "")


async def _opened(connection: S3Connection) -> AsyncGenerator[S3Client]:
    # A generator, because an event loop that ends finishes its generators: no connection is left open.
    s3 = S3Client(asynchronous=True, skip_instance_cache=True, **connection.s3fs_options(attempts=1))
    client = cast("Any", await s3.set_session())
    try:
        yield s3
    finally:
        # Forgotten first: a session refers to its loop, and would keep it in memory.
        _sessions.get(asyncio.get_running_loop(), {}).pop(connection, None)
        await client.close()


def _is_transient(error: Exception) -> bool:
    if isinstance(error, botocore.exceptions.SSLError):
        return False
    refusal = refusal_in(error)
    if refusal is None:
        return isinstance(error, _TRANSIENT_ERRORS)
    if refusal.code in _TRANSIENT_CODES or refusal.status == TOO_MANY_REQUESTS:
        return True
    return refusal.status >= SERVER_ERROR and refusal.status != NOT_IMPLEMENTED


def _backoff(failures: int) -> float:
    ceiling = min(FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10), LONGEST_BACKOFF_SECONDS)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, not a secret


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
