"""The storage block: its settings, what the environment adds, and who can reach it."""

from __future__ import annotations

import pickle
from typing import Any
from urllib.error import URLError

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from blocks.errors import StorageError
from blocks.storage import MissingObject, ObjectStorage

SECRET = "a-secret-that-nothing-may-show"
SECRETS = ("access_key_id", "secret_access_key", "session_token")


class TestBlockStandards(BlockStandardTestSuite):
    """Prefect's own rules for blocks."""

    @pytest.fixture
    def block(self) -> type[Block]:
        """The block under test."""
        return ObjectStorage

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        """The logo is square, as far as the internet is there to tell."""
        try:
            super().test_has_a_valid_image(block)
        except URLError as error:
            pytest.skip(f"the logo's host can't be reached: {error.reason}")


def test_its_slug_is_stable() -> None:
    """Saved blocks are found by it."""
    assert ObjectStorage.get_block_type_slug() == "catwalk-object-storage"


def test_secrets_show_nowhere() -> None:
    """Neither the block nor its address shows a secret."""
    storage = ObjectStorage.model_validate({"root": "s3://bucket", **dict.fromkeys(SECRETS, SECRET)})

    assert SECRET not in f"{storage!r} {storage} {storage.model_dump_json()} {storage.uri('x')}"


def test_a_block_travels_to_another_process() -> None:
    """Prefect pickles parameters."""
    storage = ObjectStorage(root="s3://bucket/out", secret_access_key=SecretStr(SECRET))

    assert pickle.loads(pickle.dumps(storage)) == storage


def test_errors_travel_to_another_process() -> None:
    """A missing object is still one after the journey."""
    error = pickle.loads(pickle.dumps(MissingObject("there is no object at s3://bucket/x", next_step="Look.")))

    assert isinstance(error, MissingObject)
    assert str(error) == "there is no object at s3://bucket/x. Look."


@pytest.mark.parametrize(
    "root", ["", "ftp://host/x", "gs://bucket", "s3://", "s3://bucket//x", "s3://b/../x", "file://x", "file:x"]
)
def test_what_is_no_address_is_refused(root: str) -> None:
    """A wrong address is named, by the block and by the one line that a command line shows."""
    with pytest.raises(ValidationError, match="root"):
        ObjectStorage(root=root)
    with pytest.raises(StorageError, match="can't be used"):
        ObjectStorage.from_uri(root)
    with pytest.raises(StorageError, match="can't be used"):
        ObjectStorage(root="memory://x").at(root)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "ftp://host", f"http://user:{SECRET}@host"])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    """An endpoint is an address; credentials have fields of their own."""
    with pytest.raises(ValidationError, match="an endpoint is an http"):
        ObjectStorage(root="s3://bucket", endpoint_url=endpoint)


def test_a_trailing_slash_means_nothing() -> None:
    """With and without, the root is the same."""
    assert ObjectStorage(root="s3://bucket/out/").uri("x") == "s3://bucket/out/x"
    assert ObjectStorage(root="s3://bucket").uri("x") == "s3://bucket/x"


@pytest.mark.parametrize(
    ("environment", "endpoint", "region"),
    [
        ({}, None, None),
        ({"AWS_ENDPOINT_URL": "http://all:1", "AWS_REGION": "eu-west-1"}, "http://all:1", "eu-west-1"),
        ({"AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_S3": "http://s3:2"}, "http://s3:2", None),
    ],
)
def test_the_environment_fills_in_the_endpoint(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], endpoint: str | None, region: str | None
) -> None:
    """As for every AWS client, the variable for S3 goes before the one for all services."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    storage = ObjectStorage.from_uri("s3://bucket")

    assert (storage.endpoint_url, storage.region) == (endpoint, region)


def test_a_profile_fills_in_the_endpoint(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile's endpoint counts where the environment names none."""
    (tmp_path / "config").write_text("[profile lab]\nendpoint_url = http://lab:9000\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "lab")

    assert ObjectStorage.from_uri("s3://bucket").endpoint_url == "http://lab:9000"


def test_an_unknown_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to correct."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(StorageError, match=r"nobody.*Correct AWS_PROFILE"):
        ObjectStorage.from_uri("s3://bucket")


async def test_credentials_of_the_environment_are_used(moto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_uri` needs nothing but the variables that every AWS client knows."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    storage = ObjectStorage.from_uri(f"s3://{moto.new_bucket()}/out")
    await storage.check()
    link = await storage.presign("object", seconds=60)

    assert link is not None
    assert link.startswith(moto.endpoint_url)
    assert "X-Amz-Credential=key%2F" in link


@pytest.mark.parametrize(
    ("endpoint", "vendor", "reachable"),
    [
        (None, "https://api.claid.ai", True),
        (None, "http://127.0.0.1:8000", True),
        ("https://s3.example.com", "https://api.claid.ai", True),
        ("https://s3.example.com", "http://127.0.0.1:8000", True),
        ("http://203.0.113.7:9000", "https://api.claid.ai", False),
        ("http://8.8.8.8:9000", "https://api.claid.ai", True),
        ("http://127.0.0.1:9000", "https://api.claid.ai", False),
        ("http://127.0.0.1:9000", "http://127.0.0.1:8000", True),
        ("http://localhost:9000", "http://[::1]:8000", True),
        ("http://127.0.0.1:9000", "http://sandbox:8000", False),
        ("http://10.1.2.3:9000", "http://127.0.0.1:8000", True),
        ("http://storage:9000", "http://sandbox:8000", True),
        ("http://storage:9000", "https://api.claid.ai", False),
        ("http://minio.lab.internal", "https://api.claid.ai", False),
    ],
)
def test_who_can_fetch_a_signed_link(endpoint: str | None, vendor: str, reachable: bool) -> None:
    """A vendor reaches what lies no nearer to us than itself."""
    storage = ObjectStorage(root="s3://bucket", endpoint_url=endpoint)

    assert storage.reachable_from(vendor) is reachable


def test_a_person_may_know_better_than_the_address() -> None:
    """A tunnel makes a private endpoint reachable, a firewall a public one not."""
    tunnelled = ObjectStorage(root="s3://bucket", endpoint_url="http://127.0.0.1:9000", vendor_access="always")
    walled = ObjectStorage(root="s3://bucket", vendor_access="never")

    assert tunnelled.reachable_from("https://api.claid.ai") is True
    assert walled.reachable_from("http://127.0.0.1:8000") is False


@pytest.mark.parametrize("root", ["memory://x", "/tmp/x"])
async def test_no_vendor_can_fetch_what_has_no_link(root: str) -> None:
    """A folder and memory sign nothing."""
    storage = ObjectStorage(root=root)

    assert storage.reachable_from("http://127.0.0.1:8000") is False
    assert await storage.presign("x", seconds=60) is None
