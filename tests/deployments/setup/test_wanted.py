"""The deployments as the file has them, filled in for a shop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalogs.samples import demo_catalog
from deployments.setup.wanted import Described, DescribedSchedule, Shop, absolute, described, filled, hour_before

SHOP = Shop(catalog="s3://feed/{business_date}.parquet", output="s3://pictures", accounts={"claid": "catwalk"})


def named(name: str) -> Described:
    """One of the file's deployments."""
    return next(each for each in described() if each.name == name)


@pytest.mark.parametrize("each", described(), ids=lambda each: each.name)
def test_every_entrypoint_is_a_flow_whose_form_takes_its_parameters(each: Described) -> None:
    """By its module, so that a worker needs no folder; the form knows every parameter, and no other passes."""
    form = each.form()

    assert set(each.parameters) <= set(form["properties"])
    assert form["additionalProperties"] is False
    assert each.flow.name in {
        *("process-catalog", "process-shard", "plan-catalog", "apply-plan"),
        *("backfill", "rescue", "retry"),
    }


def test_a_shop_fills_its_places() -> None:
    """In a run, in a backfill's run, and where there is an output alone."""
    own = {"catalog": {"uri": SHOP.catalog}, "output": "s3://pictures", "accounts": {"claid": "catwalk"}}

    assert own.items() <= filled(named("nightly"), SHOP)["run"].items()
    assert own.items() <= filled(named("backfill"), SHOP)["backfill"]["run"].items()
    assert {"output": "s3://pictures", "accounts": {"claid": "catwalk"}} == filled(named("rescue"), SHOP)


def test_what_was_not_said_is_left_to_be_given() -> None:
    """An example's bucket is nobody's; the demo catalog is everybody's."""
    assert {"output", "catalog"}.isdisjoint(filled(named("nightly"), Shop())["run"])
    assert {"uri": str(demo_catalog())} == filled(named("catalog"), Shop())["run"]["catalog"]


def test_what_a_team_has_stays_unless_it_is_said_anew() -> None:
    """Whatever it has put there beside; a place that was left open is filled."""
    held: dict[str, Any] = {"run": {"catalog": {"uri": "mine", "columns": {"sku": "id"}}, "max_credits": 5}}
    kept = filled(named("nightly"), Shop(), held)
    said = filled(named("nightly"), Shop(catalog="new", output="out", time_zone="Asia/Kolkata"), held)

    assert held == kept
    assert {"uri": "new", "columns": {"sku": "id"}} == said["run"]["catalog"]
    assert (5, "out", "Asia/Kolkata") == (said["run"]["max_credits"], said["run"]["output"], said["run"]["time_zone"])


@pytest.mark.parametrize(
    ("night", "canary"),
    [("30 1 * * *", "30 0 * * *"), ("0 23 * * 1-5", "0 22 * * 1-5"), ("30 0 * * *", None), ("0 */6 * * *", None)],
)
def test_the_canary_comes_an_hour_before_its_night(night: str, canary: str | None) -> None:
    """On the same date; where that can't be told, its schedule is off."""
    usual = DescribedSchedule(slug="canary", cron="30 0 * * *", timezone="Europe/Berlin", active=False)
    schedule = usual.for_shop(Shop(cron=night, switch_on=True))

    assert canary == hour_before(night)
    assert schedule.active == (canary is not None)


def test_a_local_path_is_the_same_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's folder is not the one in which setup ran."""
    monkeypatch.chdir(tmp_path)

    assert f"{tmp_path}/feed-{{business_date}}.parquet" == absolute("feed-{business_date}.parquet")
    assert "s3://feed/all.parquet" == absolute("s3://feed/all.parquet")
