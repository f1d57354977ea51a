"""What a text may show of addresses and keys."""

from __future__ import annotations

import time

import pytest

from catalogs.masking import masked_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://cdn.example/a.jpg?X-Amz-Signature=abc", "https://cdn.example/a.jpg?…"),
        ("HTTPS://cdn.example/a.jpg?w=8&sig=abc, and more", "HTTPS://cdn.example/a.jpg?… and more"),
        ("https://cdn.example/a.jpg#token", "https://cdn.example/a.jpg?…"),
        ("https://anna:pass@cdn.example/a.jpg", "https://…@cdn.example/a.jpg"),
        ('{"url": "https:\\/\\/cdn\\/a?sig=1"}', '{"url": "https:\\/\\/cdn\\/a?…"}'),
        ("cdn.example/a.jpg?X-Amz-Signature=abc&v=1", "cdn.example/a.jpg?X-Amz-Signature=…&v=1"),
        ("input_value='https://cdn.exam...ignature=abc'", "input_value='https://cdn.exam...ignature?…'"),
        ("Claid(api_key='abc', name='x')", "Claid(api_key='…', name='x')"),
        ("{'Authorization': 'Bearer abc'}", "{'Authorization': 'Bearer …'}"),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=…"),
    ],
)
def test_what_opens_something_is_left_out(text: str, shown: str) -> None:
    """Queries, accounts, and the values of whatever is named like a key; the rest of an address tells which it is."""
    assert shown == masked_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "Use an https:// or s3:// address, or a path relative to the catalog.",
        "s3://shop/autumn/a=1.jpg",
        "column 'colour': it holds 17, not the address of a picture",
        "Vmake does not accept the API key",
    ],
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    """A message loses nothing that it needs."""
    assert text == masked_text(text)


def test_a_long_text_costs_little() -> None:
    """A cell may hold a whole picture in base64."""
    began = time.process_time()
    masked_text("sig" * 1_000_000)
    masked_text("token-" * 200_000 + "://" * 100_000)

    assert time.process_time() - began < 3
