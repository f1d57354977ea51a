"""References as full addresses, and the ones that can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.errors import CatalogError
from catalogs.addresses import absolute, bare, bucket_and_key, file_path, folder_of


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("https://cdn.example.com/a b.jpg?v=1,2#x", "https://cdn.example.com/a b.jpg?v=1,2#x"),
        ("HTTP://CDN.example.com:8080/a.jpg", "HTTP://CDN.example.com:8080/a.jpg"),
        (" s3://bucket/a//b ä.jpg ", "s3://bucket/a//b ä.jpg"),
        ("a.jpg", "file:///shop/catalog/a.jpg"),
        ("./more/a b#1%.jpg", "file:///shop/catalog/more/a%20b%231%25.jpg"),
        ("../pictures/a.jpg", "file:///shop/pictures/a.jpg"),
        ("/data/a.jpg", "file:///data/a.jpg"),
        ("file:///data/a%20b.jpg", "file:///data/a%20b.jpg"),
        ("file://localhost/data/a.jpg", "file:///data/a.jpg"),
        ("12:30.jpg", "file:///shop/catalog/12%3A30.jpg"),
    ],
)
def test_references_from_a_catalog_on_disk(reference: str, address: str) -> None:
    """A relative path starts at the folder, and may lead out of it."""
    assert absolute(reference, "/shop/catalog/") == address


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("a b%20.jpg", "s3://bucket/shop/a b%20.jpg"),
        ("./a.jpg", "s3://bucket/shop/a.jpg"),
        ("../pictures/a.jpg", "s3://bucket/pictures/a.jpg"),
        ("/data/a.jpg", "file:///data/a.jpg"),
        ("s3://other/a.jpg", "s3://other/a.jpg"),
    ],
)
def test_references_from_a_catalog_in_a_bucket(reference: str, address: str) -> None:
    """A relative path starts at the prefix; keys are never percent-encoded."""
    assert absolute(reference, "s3://bucket/shop/") == address


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("", "picture '' is blank or holds control characters"),
        ("a\x00.jpg", "is blank or holds control characters"),
        ("a.jpg\nb.jpg", "is blank or holds control characters"),
        ("data:image/png;base64,AAAA", "picture 'data:image/png;base64,AAAA' is of a kind that can't be fetched"),
        ("ftp://example.com/a.jpg", "picture 'ftp://example.com/a.jpg' is of a kind that can't be fetched"),
        (r"C:\pictures\a.jpg", "is of a kind that can't be fetched"),
        ("https:///a.jpg", "is no valid web address"),
        ("https://[::1/a.jpg", "is no valid web address"),
        ("https://example.com:99999/a.jpg", "is no valid web address"),
        ("s3://bucket", "names no object; write s3://bucket/key"),
        ("s3://bucket/folder/", "names no object; write s3://bucket/key"),
        ("file://server/a.jpg", "is on the machine 'server'; a path on this one begins with file:///"),
        ("../../a.jpg", "picture '../../a.jpg' leads out of s3://bucket"),
    ],
)
def test_what_is_no_address_says_why(reference: str, words: str) -> None:
    """The reason and the way out are one sentence each."""
    with pytest.raises(CatalogError) as caught:
        absolute(reference, "s3://bucket/shop/")

    assert words in caught.value.what
    assert caught.value.next_step == "Use an https:// or s3:// address, or a path relative to the catalog."


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    """Addresses go to manifests and to vendors."""
    with pytest.raises(CatalogError) as caught:
        absolute("https://anna:sesame@example.com/a.jpg", "/shop/")

    assert str(caught.value) == (
        "a picture's address holds a user name or a password, which would reach manifests and vendors. "
        "Use a signed address or object storage."
    )


def test_where_relative_references_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the catalog's file, or in the folder that it is."""
    (tmp_path / "parts.parquet").mkdir()
    monkeypatch.chdir(tmp_path)

    assert folder_of("catalog.parquet") == f"{tmp_path}/"
    assert folder_of(f"{tmp_path}/parts.parquet") == f"{tmp_path}/parts.parquet/"
    assert folder_of(f"file://{tmp_path}/a%20b/catalog.parquet") == f"{tmp_path}/a b/"
    assert folder_of(f"{tmp_path}/later/") == f"{tmp_path}/later/"
    assert folder_of("s3://bucket/shop/catalog.parquet") == "s3://bucket/shop/"
    assert folder_of("s3://bucket/catalog.parquet") == "s3://bucket/"
    assert folder_of("s3://bucket/catalog.parquet/") == "s3://bucket/catalog.parquet/"
    assert folder_of("s3://bucket/shop") == "s3://bucket/shop/"


def test_addresses_are_shown_without_their_secrets() -> None:
    """A query may hold a signature; a file's name may hold a question mark."""
    assert bare("https://example.com/a.jpg?X-Amz-Signature=abc#x") == "https://example.com/a.jpg"
    assert bare("s3://bucket/a?.jpg") == "s3://bucket/a?.jpg"
    assert len(bare("data:" + "A" * 10_000)) == 201


def test_addresses_are_taken_apart_again() -> None:
    """What `absolute` builds, a file system and a bucket understand."""
    assert file_path(absolute("a b#1%?.jpg", "/shop/")) == "/shop/a b#1%?.jpg"
    assert bucket_and_key("s3://bucket/a/b.jpg") == ("s3://bucket", "a/b.jpg")
