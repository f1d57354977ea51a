"""Prefect's own standards for blocks, whose docstrings and descriptions are shown in its UI."""

from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite

import blocks
from blocks.account import VendorAccount
from blocks.operations import OPERATIONS

BLOCKS = [getattr(blocks, name) for name in blocks.__all__]
ACCOUNTS = [block for block in BLOCKS if issubclass(block, VendorAccount)]


@pytest.mark.parametrize("block", BLOCKS)
class TestBlocks(BlockStandardTestSuite):
    """Every block has a description, documentation, a logo, described fields and an example that loads it."""

    @pytest.fixture
    def block(self, request: pytest.FixtureRequest) -> type[Block]:
        """Filled in by the parameters."""
        return request.param

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        """The logo has an http(s) address, which is all that can be told without a network."""
        logo = urlsplit(str(block._logo_url))

        assert logo.scheme in {"http", "https"}
        assert logo.netloc


def test_blocks_are_named_for_registration() -> None:
    """`prefect block register -m blocks` finds the three accounts and the storage."""
    assert {block.__name__ for block in BLOCKS} == {
        "AILabToolsCredentials",
        "ClaidCredentials",
        "ObjectStorage",
        "VmakeCredentials",
    }
    assert {block.get_block_type_slug() for block in BLOCKS} == {
        "ailabtools-credentials",
        "claid-credentials",
        "catwalk-object-storage",
        "vmake-credentials",
    }


@pytest.mark.parametrize("account", ACCOUNTS)
def test_accounts_keep_their_key_to_themselves(account: type[VendorAccount]) -> None:
    """Neither a repr nor a dump shows the key; the headers alone do."""
    made = account.model_validate({"api_key": "the-secret"})

    assert "the-secret" not in f"{made!r} {made} {made.model_dump()} {made.model_dump_json()}"
    assert any("the-secret" in value for value in made.auth_headers().values())


@pytest.mark.parametrize("account", ACCOUNTS)
def test_accounts_need_nothing_but_a_key(account: type[VendorAccount]) -> None:
    """Address, limits and timeouts have the vendor's documented defaults."""
    made = account.model_validate({"api_key": "k"})

    assert made.base_url.startswith("https://")
    assert made.free_question.startswith("/")
    assert re.fullmatch(r"[A-Z]+", made.env_prefix)


def test_every_account_has_an_operation() -> None:
    """An account that no operation uses would be dead weight."""
    assert {operation.account_type for operation in OPERATIONS.values()} == set(ACCOUNTS)


def test_blocks_can_be_imported_on_their_own() -> None:
    """Registration imports `blocks` and nothing else of the project."""
    code = "import sys, blocks; sys.exit(any(m.split('.')[0] in ('catalogs', 'flows', 'deployments') for m in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
