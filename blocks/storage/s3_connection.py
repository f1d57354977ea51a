"""Where an S3 store answers and who asks, for botocore and for s3fs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, PartialCredentialsError
from botocore.parsers import ResponseParserError
from pydantic import SecretStr

__all__ = ["CONNECT_SECONDS", "READER_ATTEMPTS", "READER_ERRORS", "S3Connection"]

CONNECT_SECONDS = 10
SILENCE_SECONDS = 30
# Attempts that botocore makes for pyarrow's readers, which nothing else repeats.
READER_ATTEMPTS = 6
# What those readers raise, besides `OSError`, when the store is away.
READER_ERRORS = (aiohttp.ClientError, BotoCoreError, ClientError, ResponseParserError)


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
            "config_kwargs": self._config(attempts),
            "use_listings_cache": False,
        }

    def session(self) -> botocore.session.Session:
        """A botocore session whose credentials are these, or come from its chain."""
        session = botocore.session.Session()
        key, secret = _revealed(self.access_key_id), _revealed(self.secret_access_key)
        if key and secret:
            session.set_credentials(key, secret, _revealed(self.session_token))
        elif key or secret:
            lacking = "secret_access_key" if key else "access_key_id"
            raise PartialCredentialsError(provider="the storage block", cred_var=lacking)
        return session

    def client(self, session: botocore.session.Session, region: str | None) -> Any:
        """A client of the S3 API that repeats nothing by itself."""
        config = Config(**self._config(attempts=1))
        return session.create_client("s3", region_name=region, endpoint_url=self.endpoint_url, config=config)

    def _config(self, attempts: int) -> dict[str, Any]:
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


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
