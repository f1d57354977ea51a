"""The business date in an address."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.errors import CatalogError
from catalogs.dated import check_places, for_date, has_place

DAY = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("address", "filled"),
    [
        ("s3://feed/{business_date}/products.parquet", "s3://feed/2026-03-09/products.parquet"),
        ("s3://feed/{business_date:%Y/%m}/{business_date:%d}.parquet", "s3://feed/2026/03/09.parquet"),
        ("feed/{business_date:%G-W%V}", "feed/2026-W11"),
        ("feed/products.parquet", "feed/products.parquet"),
        ("feed/{shop}/{business_date}", "feed/{shop}/2026-03-09"),
    ],
)
def test_the_date_is_filled_in(address: str, filled: str) -> None:
    """In the form that its place asks for; what is no place for it stays."""
    assert filled == for_date(address, DAY)
    assert (address != filled) == has_place(address)


@pytest.mark.parametrize(
    "address",
    [
        "feed/{business_date:%H}",
        "feed/{business_date:%B}",
        "feed/{business_date:}",
        "feed/{business_date!r}",
        "feed/{businessdate}",
        "feed/{Business_Date}",
        "feed/{business_date",
    ],
)
def test_a_place_that_can_not_be_filled_is_refused(address: str) -> None:
    """A typo must not become a folder's name."""
    with pytest.raises(CatalogError, match="place for the business date that can't be filled"):
        check_places(address)


@given(st.dates(), st.dates())
def test_two_dates_have_two_addresses(one: date, other: date) -> None:
    """No date reads another's catalog."""
    address = "feed/{business_date}.parquet"

    assert (one == other) == (for_date(address, one) == for_date(address, other))
