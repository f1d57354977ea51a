"""`catwalk explain`, as a person and a script meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalogs.layout import MANIFEST_PATH
from tests.catalogs.made import a_row, key_of, manifest_of
from tests.deployments.conftest import Catwalk


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output with one delivered SKU and one whose scene failed."""
    rows = [
        a_row(),
        a_row(sku="B-1", row=2, unit_key=key_of("B")),
        a_row(
            sku="B-1",
            row=2,
            stage="scene",
            position=1,
            status="failed",
            pictures=(),
            attempt=None,
            error_kind="broken_picture",
            error_message="it is no picture",
        ),
    ]
    manifest_of(rows, tmp_path / MANIFEST_PATH)
    return tmp_path


def test_a_chain_is_told_for_people(offline_catwalk: Catwalk, output: Path) -> None:
    """Without a Prefect server: stages with their ends, and what happens next."""
    said = offline_catwalk("explain", output, "B-1", "A")

    assert (0, "") == (said.code, said.err)
    assert "1. model  done  claid.fashion_models" in said.out
    assert "2. scene  failed" in said.out
    assert "error      it is no picture" in said.out
    assert "the next run tries again" in said.out
    assert said.out.index("B-1") < said.out.index("\nA  ")


def test_a_chain_is_told_for_programs(offline_catwalk: Catwalk, output: Path) -> None:
    """As JSON, with nothing else on standard output."""
    said = offline_catwalk("explain", output, "A", "--json")
    (history,) = json.loads(said.out)

    assert ("A", "on-model", ["model"]) == (history["sku"], history["recipe"], [s["stage"] for s in history["stages"]])


def test_an_unknown_sku_is_named_with_its_neighbours(offline_catwalk: Catwalk, output: Path) -> None:
    """Those that are known are told all the same."""
    said = offline_catwalk("explain", output, "A", "b-2")

    assert 1 == said.code
    assert "1. model  done" in said.out
    assert "no run of this output has met SKU 'b-2'. Did you mean 'B-1'?" in said.err


def test_a_picture_that_is_gone_is_found_when_asked(offline_catwalk: Catwalk, output: Path) -> None:
    """With an exit code for scripts."""
    said = offline_catwalk("explain", output, "A", "--verify")

    assert 3 == said.code
    assert "lies outside of this output" in said.out


def test_an_output_without_manifest_says_what_to_check(offline_catwalk: Catwalk, tmp_path: Path) -> None:
    """A wrong address is said to be one."""
    said = offline_catwalk("explain", tmp_path / "elsewhere", "A")

    assert 1 == said.code
    assert "there is no manifest at" in said.err
