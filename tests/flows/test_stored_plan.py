"""A plan in its output: units and document, found again by address or name."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.errors import CatalogError, StorageError
from blocks.storage import ObjectStorage
from catalogs.layout import plan_document_path
from catalogs.ledger import now
from catalogs.plan import Selection
from flows.commands import plan_command
from flows.parameters import Retry
from flows.planning import make_plan
from flows.stored_plan import PlanAddress, StoredPlan, keep_plan, read_plan
from tests.flows.bench import catalog
from tests.flows.test_planning import a_run


@pytest.mark.parametrize(
    ("plan", "output", "found"),
    [
        ("s3://shop/out/plans/p1.json", None, ("s3://shop/out", "p1")),
        ("/data/out/plans/p1.parquet", None, ("/data/out", "p1")),
        ("out/plans/plans/p1", None, ("out/plans", "p1")),
        ("p1", "s3://shop/out", ("s3://shop/out", "p1")),
        ("s3://shop/out/plans/p1.json", "/moved", ("/moved", "p1")),
    ],
)
def test_a_plan_has_an_address_or_a_name_with_its_output(plan: str, output: str | None, found: tuple[str, str]) -> None:
    """As it was printed, or as the file is called."""
    address = PlanAddress.of(plan, output)

    assert found == (address.output, address.plan_id)


@pytest.mark.parametrize(("plan", "output"), [("p1", None), ("s3://shop/out/plans/", None), ("a/b", "/out")])
def test_what_names_no_plan_is_refused(plan: str, output: str | None) -> None:
    """With what to give instead."""
    with pytest.raises(CatalogError, match="plan"):
        PlanAddress.of(plan, output)


async def stored(folder: Path, output: Path) -> StoredPlan:
    """A plan of three items, kept in the output."""
    (folder / "scratch").mkdir(exist_ok=True)
    run = a_run(catalog(folder, 3), output, max_credits=34)
    made = await make_plan(run, "p1", folder / "scratch")
    return await keep_plan(ObjectStorage.from_uri(str(output)), run, "p1", made, now())


async def test_a_document_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """With what was asked, what it was made from, and where its files lie."""
    output = tmp_path / "output"
    plan = await stored(tmp_path, output)

    found = await read_plan(ObjectStorage.from_uri(str(output)), "p1")

    assert plan == found
    assert {"units", "rejects", "left_out"} == plan.files.keys()
    assert all((output / path).exists() for path in plan.files.values())
    assert ("catalog.parquet", None) == (plan.made_from.catalog.first[0].name, plan.made_from.manifest)
    assert f"catwalk apply {output}/plans/p1.json" == plan.command()


async def test_a_plan_that_is_not_there_or_of_another_kind_is_said_to_be_so(tmp_path: Path) -> None:
    """The address is what a person can check."""
    storage = ObjectStorage.from_uri(str(tmp_path))
    await storage.write(plan_document_path("odd"), b'{"plan_id": "odd"}', content_type="")

    with pytest.raises(StorageError, match=r"there is no plan at .*plans/none\.json"):
        await read_plan(storage, "none")
    with pytest.raises(StorageError, match="can't be read"):
        await read_plan(storage, "odd")


def test_the_command_that_plans_anew_asks_for_the_same(tmp_path: Path) -> None:
    """Every option that was given, quoted for a shell."""
    run = a_run(
        tmp_path / "my catalog.parquet",
        tmp_path / "out",
        selection=Selection(skus=["A 1"], limit=3, force=True),
        retry=[Retry.FAILED],
        retire=True,
        check_pictures=True,
        max_credits=12.5,
    ).model_copy(update={"recipe": "on-model"})

    assert (
        f"catwalk plan '{tmp_path}/my catalog.parquet' --output {tmp_path}/out --recipe on-model --limit 3 --sku 'A 1' "
        "--retry failed --max-credits 12.5 --force --check-pictures --retire"
    ) == plan_command(run)
