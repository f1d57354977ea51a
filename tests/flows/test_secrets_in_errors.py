"""No error holds a secret: not in its words, its parts, its chain, its trace, nor when it travels pickled."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blocks import exchange
from blocks.errors import CatwalkError
from catalogs.plan import Unit
from catalogs.sources import PictureSources
from flows.desk import Desk
from flows.unit import finish_unit
from tests.flows.bench import catalog, desk, planned
from tests.flows.recorder import picture_host
from tests.flows.vendors import Vendors

pytestmark = pytest.mark.usefixtures("closed_client")

KEY, SIGNATURE = "KEEPSECRET-key-1f0c", "KEEPSECRET-signature-2a7d"
NOBODY = "http://127.0.0.1:9"

FAULTS: dict[str, dict[str, Any]] = {
    "rate": {"fault": "rate_limited", "phase": "submit"},
    "overload": {"fault": "error_503", "phase": "submit"},
    "poll": {"fault": "error_500", "phase": "poll"},
    "poll drift": {"fault": "drifted_schema", "phase": "poll"},
    "never": {"fault": "job_never_ends"},
    "download": {"fault": "error_503", "phase": "download"},
    "upload": {"fault": "error_502_html", "phase": "upload"},
    "slow": {"fault": "slow_body", "phase": "upload", "seconds": 30},
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.001)


def edit(folder: Path, picture: str | None = None) -> Unit:
    """An edit of a picture of its own, or of the one at this address."""
    columns = {"product_image": [picture]} if picture else {}
    return planned(catalog(folder, 1, **columns))[0].units[0]


async def raised_by(at: Desk, unit: Unit) -> CatwalkError:
    """The error that kept the unit from its end."""
    with pytest.raises(CatwalkError) as raised:
        await finish_unit(at, unit, None)
    return raised.value


def all_of(error: BaseException) -> str:
    """Whatever a log, a debugger or another process could show of an error and its causes."""
    chain: list[BaseException] = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    shown = [f"{link}{link!r}{vars(link)}{link.args}" for link in chain]
    travelled = pickle.dumps(error)
    copy = pickle.loads(travelled)
    return "".join([*shown, *traceback.format_exception(error), travelled.decode("latin-1"), f"{copy}{copy!r}"])


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_error_at_the_vendor_holds_no_key(vendors: Vendors, tmp_path: Path, fault: str) -> None:
    """Whatever step it happens at."""
    vendors.misbehave(**FAULTS[fault])
    at = desk(vendors, str(tmp_path / "output"), key=KEY, job=0.2, refusals=0.01, reply=0.5, connect=0.5)

    error = await raised_by(at, edit(tmp_path))

    assert "KEEPSECRET" not in all_of(error)


@pytest.mark.parametrize("prefix", ["wrong", "noscope", "broke"])
async def test_a_refused_key_is_not_quoted(vendors: Vendors, tmp_path: Path, prefix: str) -> None:
    """Neither by us nor in the vendor's words."""
    error = await raised_by(desk(vendors, str(tmp_path / "output"), key=f"{prefix}-{KEY}"), edit(tmp_path))

    assert "KEEPSECRET" not in all_of(error)


async def test_nobody_at_the_vendors_address_is_told_without_the_key(tmp_path: Path) -> None:
    """The transport's own errors hold the request, and with it the key; none of them is in the chain."""
    at = desk(Vendors(NOBODY), str(tmp_path / "output"), key=KEY, refusals=0.01)

    error = await raised_by(at, edit(tmp_path))

    assert "no connection to Claid" in str(error)
    assert "KEEPSECRET" not in all_of(error)


@pytest.mark.parametrize(
    ("status", "body"), [(403, b""), (404, b""), (500, b""), (200, b""), (200, b"<html>"), (302, b"")]
)
async def test_a_signed_pictures_error_holds_no_signature(
    vendors: Vendors, tmp_path: Path, status: int, body: bytes
) -> None:
    """Whatever its host answers."""
    with picture_host({"/a.png": (status, body)}) as host:
        at = desk(vendors, str(tmp_path / "output"), key=KEY)
        at.sources = PictureSources("/", waits=(0.0,))

        error = await raised_by(at, edit(tmp_path, f"{host.url}/a.png?X-Amz-Signature={SIGNATURE}"))

    assert "/a.png" in str(error)
    assert "KEEPSECRET" not in all_of(error)


@pytest.mark.parametrize("host", [NOBODY, "http://no-such-host.invalid", "http://127.0.0.1:99999"])
async def test_a_signed_picture_that_nobody_serves_is_told_without_its_signature(
    vendors: Vendors, tmp_path: Path, host: str
) -> None:
    """The network's errors hold the address in full."""
    unit = edit(tmp_path, f"{NOBODY}/a.png")
    at = desk(vendors, str(tmp_path / "output"), key=KEY)
    at.sources = PictureSources("/", waits=(0.0,))
    signed = {"picture": [f"{host}/a.png?X-Amz-Signature={SIGNATURE}"]}

    error = await raised_by(at, replace(unit, inputs=signed))

    assert "KEEPSECRET" not in all_of(error)


@pytest.mark.parametrize("fault", ["cut_after", "error_500", "error_502_html", "drifted_schema"])
async def test_what_the_ledger_keeps_of_a_lost_reply_holds_no_key(vendors: Vendors, tmp_path: Path, fault: str) -> None:
    """Such an attempt is recorded, not raised."""
    vendors.misbehave(fault, phase="submit", times=1, after=True)

    attempt = await finish_unit(desk(vendors, str(tmp_path / "output"), key=KEY), edit(tmp_path), None)

    written = [path.read_bytes() for path in (tmp_path / "output").rglob("*") if path.is_file()]
    assert "unknown" == attempt.state
    assert not any(b"KEEPSECRET" in data for data in written)
