"""One bucket: botocore says where it is and who asks and lists it, obstore carries its objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import botocore.session
import certifi
import obstore.store
from botocore.exceptions import ClientError, NoCredentialsError

from blocks.storage.s3_connection import CONNECT_SECONDS, S3Connection

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from obstore.store import ClientConfig, S3Credential

__all__ = ["S3Bucket", "open_bucket"]

# Shorter than the 5 s after which common servers hang up: a call must not meet a dying connection.
IDLE_SECONDS = 4
# botocore renews temporary credentials ten minutes before their end at the latest.
CREDENTIALS_KEPT = timedelta(minutes=1)
AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """An open bucket; its store repeats nothing and sets no deadline by itself."""

    name: str
    objects: obstore.store.S3Store
    _client: Any

    def page(self, prefix: str, token: str | None) -> tuple[list[str], str | None]:
        """
        Up to 1,000 keys, and the token of the page after them; blocks.

        Not obstore's listing: its prefixes are whole folders, and a key that is no path to it, which anybody may have
        put there, breaks it off.
        """
        following = {"ContinuationToken": token} if token else {}
        page = self._client.list_objects_v2(Bucket=self.name, Prefix=prefix, **following)
        return [found["Key"] for found in page.get("Contents", ())], page.get("NextContinuationToken")

    def close(self) -> None:
        """Close the listing's connections; obstore closes its own when nobody holds it."""
        self._client.close()


def open_bucket(connection: S3Connection, name: str) -> S3Bucket:
    """Find the bucket and the credentials; blocks, as they may come from a program or the network."""
    session = connection.session()
    credentials = _credentials(session)
    client = connection.client(session, connection.region)
    if connection.endpoint_url is None:
        client = connection.client(session, _home(client, name) or connection.region)
    address = _address(client, name)
    objects = obstore.store.S3Store(
        name,
        # obstore reads variables of its own, so nothing that leads elsewhere is left to them.
        aws_endpoint_url_s3=address,
        virtual_hosted_style_request=True,
        region=_signing_region(client),
        credential_provider=credentials,
        skip_signature=False,
        s3_express=False,
        conditional_put="etag",
        # Only one at a time is deleted, and not every store knows deletion in bulk.
        disable_bulk_delete=True,
        client_options=_transport(session, address),
        retry_config={"max_retries": 0},
    )
    return S3Bucket(name, objects, client)


def _credentials(session: botocore.session.Session) -> Callable[[], S3Credential]:
    credentials = cast("Credentials | None", session.get_credentials())
    if credentials is None:
        raise NoCredentialsError

    def current() -> S3Credential:
        frozen = credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + CREDENTIALS_KEPT,
        }

    return current


def _home(client: Any, name: str) -> str | None:
    """The region in which a bucket of Amazon's lives, which its answer tells even to those it refuses."""
    try:
        answer = client.head_bucket(Bucket=name)
    except ClientError as error:
        answer = cast("Any", error.response)
    return answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")


def _address(client: Any, name: str) -> str:
    """The bucket's address by botocore's rules: in the host's name on Amazon S3, in the path elsewhere."""
    endpoint = urlsplit(str(client.meta.endpoint_url))
    settings = cast("dict[str, str]", client.meta.config.s3 or {})
    style = settings.get("addressing_style", "auto")
    is_amazons = (endpoint.hostname or "").endswith(AMAZON)
    # A certificate for all buckets covers no name with dots.
    if style == "virtual" or (style == "auto" and is_amazons and "." not in name):
        return endpoint._replace(netloc=f"{name}.{endpoint.netloc}").geturl().rstrip("/")
    return f"{endpoint.geturl().rstrip('/')}/{name}"


def _signing_region(client: Any) -> str:
    region = client.meta.region_name
    return region if region and region != "aws-global" else "us-east-1"


def _transport(session: botocore.session.Session, address: str) -> ClientConfig:
    bundle = cast("str | None", session.get_config_variable("ca_bundle"))
    authorities = Path(bundle or certifi.where())
    # A name that those who run many programs on AWS give each, to tell them apart in its logs.
    app = cast("str | None", session.get_config_variable("user_agent_appid"))
    return {
        "user_agent": f"obstore/{obstore.__version__}" + (f" app/{app}" if app else ""),
        "allow_http": address.startswith("http:"),
        "root_certificate": authorities.read_bytes(),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "pool_idle_timeout": timedelta(seconds=IDLE_SECONDS),
        # Each call has a deadline of its own, by its size.
        "timeout": timedelta(days=1),
    }
