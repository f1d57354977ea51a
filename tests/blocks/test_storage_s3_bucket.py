"""Where a bucket is, who asks and whom to trust: from the block's settings, or where every AWS client looks."""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from tests.s3_stub import S3Stub, running_stub

ISSUE_KEYS = """
import datetime, json, pathlib, sys

issued = pathlib.Path(sys.argv[1])
issued.open("a").write("x")
name = f"key-{issued.stat().st_size}"
end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
keys = {"AccessKeyId": name, "SecretAccessKey": "s", "SessionToken": name, "Expiration": end.isoformat()}
print(json.dumps({"Version": 1, **keys}))
"""


@pytest.fixture
async def stub() -> AsyncGenerator[S3Stub]:
    """A store that tells who asked it."""
    async with running_stub() as stub:
        yield stub


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program of the profile in use, which issues keys that end in five minutes."""
    monkeypatch.setattr("blocks.storage.s3_bucket.CREDENTIALS_KEPT", timedelta(0))
    program = tmp_path / "issue.py"
    program.write_text(ISSUE_KEYS)
    command = f"{sys.executable} {program} {tmp_path / 'issued'}"
    (tmp_path / "config").write_text(f"[profile lab]\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    return program


async def test_no_credentials_are_asked_for() -> None:
    """Without any credentials the message says where they may come from."""
    storage = ObjectStorage(root="s3://bucket/out", endpoint_url="http://127.0.0.1:9", region="us-east-1")

    with pytest.raises(StorageError, match="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        await storage.check()


async def test_an_unknown_profile_is_named_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that could not be opened fails the next call in the same words."""
    storage = ObjectStorage(root="s3://bucket/out")
    monkeypatch.setenv("AWS_PROFILE", "nobody's")

    for _ in range(2):
        with pytest.raises(StorageError, match=r"nobody's.*could not be found"):
            await storage.read("object")


@pytest.mark.parametrize("configured", [None, "us-west-2"])
async def test_a_bucket_on_amazon_is_asked_for_its_region(
    stub: S3Stub, configured: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever region is set, calls are signed for the one in which the bucket lives."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint_url)
    stub.region = "eu-west-1"
    await stub.storage(endpoint_url=None, region=configured).write("object", b"data", content_type="text/plain")

    assert stub.requests == ["HEAD", "PUT"]
    assert "/eu-west-1/s3/" in stub.signed_as[1][0]


async def test_the_environment_does_not_change_what_the_block_says(
    stub: S3Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block's endpoint, region and keys hold, with no token of other keys and no proxy that is not for them."""
    elsewhere = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_CONDITIONAL_PUT": "disabled",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    storage = stub.storage()
    await storage.create("object", b"data", content_type="text/plain")

    assert [path async for path in storage.list()] == ["object"]
    assert {(key.split("/")[0], key.split("/")[2], token) for key, token in stub.signed_as} == {
        ("stub-key", "us-east-1", None)
    }


async def test_temporary_credentials_are_renewed(stub: S3Stub, issuer: Path) -> None:
    """Before they end, a profile's program is asked for new ones."""
    storage = stub.storage(access_key_id=None, secret_access_key=None)
    for _ in range(2):
        await storage.write("object", b"data", content_type="text/plain")
    (first, first_token), (second, second_token) = ((key.split("/")[0], token) for key, token in stub.signed_as)

    assert first != second
    assert (first, second) == (first_token, second_token)


async def test_credentials_that_can_not_be_renewed_are_said_to_be(stub: S3Stub, issuer: Path) -> None:
    """The words of whoever should have issued them are in the message."""
    storage = stub.storage(access_key_id=None, secret_access_key=None)
    await storage.write("object", b"data", content_type="text/plain")
    issuer.write_text("raise SystemExit('the laboratory is closed')")

    with pytest.raises(StorageError, match=r"the laboratory is closed.*Set AWS_ACCESS_KEY_ID"):
        await storage.write("object", b"data", content_type="text/plain")


async def test_a_certificate_must_be_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with a certificate of its own authority is used once `AWS_CA_BUNDLE` names that authority."""
    stub = S3Stub()
    stub.endpoint_url = stub.endpoint_url.replace("http://127.0.0.1", "https://localhost")
    async with running_stub(stub, _own_certificate(tmp_path / "certificate.pem")):
        with pytest.raises(StorageError, match=r"UnknownIssuer.*AWS_CA_BUNDLE names a file"):
            await stub.storage().write("object", b"data", content_type="text/plain")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        storage = stub.storage(max_connections=1)
        await storage.write("object", b"data", content_type="text/plain")

        assert [path async for path in storage.list()] == ["object"]


def _own_certificate(file: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file = file.with_suffix(".key")
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key_file)
    return context
