"""`--finish-by`: as a person writes it, and what the command says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from catalogs.ledger import now
from deployments.cli.finish_by import moment_of
from tests.deployments.conftest import Catwalk

DELIVERED, NOT_DONE, USAGE, PARTIAL = 0, 1, 2, 3
# Central Europe, with the dates on which its clocks change.
ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.fixture
def _in_central_europe(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_central_europe")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("06:00", "2100-03-27T06:00+01:00"),
        ("6:00", "2100-03-27T06:00+01:00"),
        ("22:30", "2100-03-26T22:30+01:00"),
        (" 22:00 ", "2100-03-27T22:00+01:00"),
        ("2100-07-01T06:00", "2100-07-01T06:00+02:00"),
        ("2100-07-01 06:00:30", "2100-07-01T06:00:30+02:00"),
        ("2100-07-01T06:00Z", "2100-07-01T06:00+00:00"),
        ("2100-07-01T06:00-05:00", "2100-07-01T06:00-05:00"),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, moment: str) -> None:
    """The next such time on the clock, a local time, or one in a zone, which it keeps."""
    at = datetime.fromisoformat("2100-03-26T22:00+01:00")

    assert datetime.fromisoformat(moment) == moment_of(text, at=at)
    assert datetime.fromisoformat(moment).utcoffset() == moment_of(text, at=at).utcoffset()


@pytest.mark.usefixtures("_in_central_europe")
def test_the_night_in_which_clocks_change_is_an_hour_shorter() -> None:
    """Six in the morning is six on the clock."""
    at = datetime.fromisoformat("2100-03-27T22:00+01:00")

    assert timedelta(hours=7) == moment_of("06:00", at=at) - at


@pytest.mark.parametrize("text", ["", "soon", "24:00", "6", "06:60", "2100-13-01T06:00"])
def test_what_is_no_time_is_said_with_examples(text: str) -> None:
    """As a person would write it right."""
    with pytest.raises(typer.BadParameter, match="is no time such as 06:00, "):
        moment_of(text)


def test_a_time_that_is_past_is_wrong_usage(offline_catwalk: Catwalk, tmp_path: Path) -> None:
    """Nothing begins that could not end in time."""
    arguments = ("catalog.parquet", "--output", "pictures", "--finish-by", "2020-01-01T06:00+00:00")
    said = offline_catwalk("run", *arguments, folder=tmp_path, COLUMNS="200")

    assert USAGE == said.code
    assert "2020-01-01 06:00+00:00, which is past" in said.err


@pytest.mark.server
def test_what_does_not_fit_is_held_and_the_next_run_delivers_it(
    catwalk: Catwalk, write_catalog: Callable[..., Path], charges: Callable[[], list[Any]], tmp_path: Path
) -> None:
    """There is no time for a chain, then there is; `retry` knows the option as well."""
    write_catalog(tmp_path)
    before = len(charges())
    arguments = ("run", "catalog.parquet", "--output", "pictures", "--limit", "2", "--finish-by")
    soon, late = now() + timedelta(seconds=100), now() + timedelta(hours=1)

    held = catwalk(*arguments, soon.isoformat(), folder=tmp_path)
    charged = len(charges()) - before
    rest = catwalk(*arguments, late.isoformat(), folder=tmp_path)
    nothing = catwalk("retry", "pictures", "failed", "--finish-by", late.isoformat(), folder=tmp_path)

    assert (PARTIAL, 0) == (held.code, charged)
    assert "2 held: finish-by" in held.out
    assert "and the next run goes on with them" in held.out
    assert (DELIVERED, 6) == (rest.code, len(charges()) - before)
    assert NOT_DONE == nothing.code
    assert "has no unit that is failed" in nothing.err
