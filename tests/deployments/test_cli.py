"""The `catwalk` command, as a person at a terminal or a script meets it."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from sandbox.server import RunningSandbox
from tests.deployments.conftest import CLOSED, Catwalk, Ended
from tests.prefect_server import eventually

DELIVERED, NOT_DONE, USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130
START_SECONDS = 60.0
KEY_VARIABLES = ("CLAID_API_KEY", "VMAKE_API_KEY", "AILABTOOLS_API_KEY")

MISFIT_RECIPES = {
    "unknown-column": """
name: unknown-column
stages:
  - {name: edit, operation: claid.edit, options: {model: v2, prompt: "a {colour} bag", output: {}}}
""",
    "out-of-range": """
name: out-of-range
stages:
  - {name: model, operation: claid.fashion_models, options: {output: {number_of_images: 9}}}
""",
    "impossible-order": """
name: impossible-order
stages:
  - {name: refine, operation: ailabtools.try_on_refiner}
  - {name: model, operation: claid.fashion_models}
""",
}


@pytest.fixture(scope="module")
def shop(write_catalog: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good catalog, and much that can be asked wrongly."""
    folder = tmp_path_factory.mktemp("shop")
    catalog = write_catalog(folder)
    pq.write_table(pq.read_table(catalog).slice(0, 0), folder / "empty.parquet")
    (folder / "text.parquet").write_text("sku,title\n1,Dress\n")
    (folder / "mapped.yaml").write_text("columns: {sku: product_id}\n")
    (folder / "misspelt.yaml").write_text("columnz: {}\n")
    (folder / "a-file").write_text("not a folder")
    for name, recipe in MISFIT_RECIPES.items():
        (folder / f"{name}.yaml").write_text(recipe)
    return folder


@pytest.fixture(scope="module")
def first_run(shop: Path, catwalk: Catwalk) -> Ended:
    """A run of the first item into `shop/pictures`."""
    return _run(catwalk, shop, "--limit", "1")


def _run(
    catwalk: Catwalk, shop: Path, *options: str, catalog: str = "catalog.parquet", **variables: str | None
) -> Ended:
    output = () if "--output" in options else ("--output", "pictures")
    return catwalk("run", catalog, *output, *options, folder=shop, **variables)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("command", "mentions"),
    [
        ((), ("demo", "run", "status", "doctor", "sandbox", "--version")),
        pytest.param(("demo",), ("--output", "--job-seconds"), marks=pytest.mark.slow),
        (("run",), ("--output", "--recipe", "--config", "--limit", "--sku", "--dry-run", "Exit code 0")),
        pytest.param(("status",), ("OUTPUT",), marks=pytest.mark.slow),
        pytest.param(("doctor",), ("--output",), marks=pytest.mark.slow),
        pytest.param(("sandbox",), ("--port", "--job-seconds"), marks=pytest.mark.slow),
    ],
)
def test_help_names_every_option(offline_catwalk: Catwalk, command: tuple[str, ...], mentions: tuple[str, ...]) -> None:
    """Each command explains itself."""
    said = offline_catwalk(*command, "--help")

    assert DELIVERED == said.code
    assert [] == [name for name in mentions if name.lower() not in said.out.lower()]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "catalog.parquet"), "Missing option '--output'"),
        (("run", "catalog.parquet", "--output", "pictures", "--limit", "0"), "Invalid value for '--limit'"),
        (("run", "", "--output", "pictures"), "it is empty"),
        (("rum",), "No such command 'rum'"),
    ],
)
def test_wrong_usage_has_an_exit_code_of_its_own(
    offline_catwalk: Catwalk, shop: Path, arguments: tuple[str, ...], says: str
) -> None:
    """What is not a command at all ends with 2 and a line that says so."""
    said = offline_catwalk(*arguments, folder=shop)

    assert USAGE == said.code
    assert says in said.err
    assert "Traceback" not in said.err


def test_dry_run_says_what_would_be_done_and_does_nothing(
    offline_catwalk: Catwalk, shop: Path, charges: Callable[[], list[Any]]
) -> None:
    """Units and prices by vendor, without keys, without Prefect, without a file or a charge."""
    before = len(charges())
    keyless = dict.fromkeys(KEY_VARIABLES)
    said = _run(offline_catwalk, shop, "--dry-run", "--limit", "2", "--output", "untouched", **keyless)

    assert DELIVERED == said.code
    assert "2 items to do" in said.out
    assert "Claid: 6 credits by the price list" in said.out
    assert "AILabTools: 60 credits by the price list" in said.out
    assert not (shop / "untouched").exists()
    assert before == len(charges())


@pytest.mark.server
def test_run_delivers_and_says_where(first_run: Ended, shop: Path) -> None:
    """The outcome, the price and the manifest's place are printed; the exit code is 0."""
    output, said = shop / "pictures", first_run.out.splitlines()
    (report,) = output.glob("runs/*/report.html")

    assert DELIVERED == first_run.code
    assert "1 of 1 items delivered; credits: 3 Claid, 30 AILabTools" == said[0]
    assert [
        "Credits:  model 2, refine 30, scene 1",
        f"Manifest: {output / 'manifest.parquet'}",
        f"Gallery:  {output / 'gallery.html'}",
        f"Report:   {report}",
    ] == said[1:]
    assert (output / "gallery.html").exists()


@pytest.mark.server
def test_same_run_again_costs_nothing(
    first_run: Ended, catwalk: Catwalk, shop: Path, charges: Callable[[], list[Any]]
) -> None:
    """What is delivered is unchanged, and not paid for again."""
    before = len(charges())
    said = _run(catwalk, shop, "--limit", "1")

    assert DELIVERED == said.code
    assert "1 unchanged; nothing spent" in said.out
    assert before == len(charges())


@pytest.mark.server
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"catalog": "nowhere.parquet"}, "there is no catalog at 'nowhere.parquet'"),
        pytest.param({"catalog": "text.parquet"}, "text.parquet is no Parquet file", marks=pytest.mark.slow),
        pytest.param({"catalog": "empty.parquet"}, "'empty.parquet' has no rows", marks=pytest.mark.slow),
        ({"--config": "mapped.yaml"}, "sku is mapped to 'product_id', which the catalog does not have"),
        pytest.param({"--config": "misspelt.yaml"}, "Its fields are: columns, values", marks=pytest.mark.slow),
        pytest.param(
            {"--recipe": "on-modle"}, "Shipped recipes: on-model, preset-model, three-scenes.", marks=pytest.mark.slow
        ),
        pytest.param(
            {"--recipe": "unknown-column.yaml"},
            "stage 'edit': the catalog has no column 'colour'",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"--recipe": "out-of-range.yaml"}, "stages.model.options.output.number_of_images", marks=pytest.mark.slow
        ),
        pytest.param(
            {"--recipe": "impossible-order.yaml"}, "put a stage that makes one before it.", marks=pytest.mark.slow
        ),
        ({"--output": "a-file/pictures"}, "use another folder."),
        ({"AILABTOOLS_API_KEY": None}, "AILABTOOLS_API_KEY is not set. Set AILABTOOLS_API_KEY"),
        pytest.param({"CLAID_LIMITS": '{"per_second": 1}'}, "Mend or unset CLAID_LIMITS", marks=pytest.mark.slow),
        ({"PREFECT_API_URL": f"{CLOSED}/api"}, "Start it, or unset PREFECT_API_URL"),
    ],
)
def test_bad_input_is_met_with_a_clear_message_and_nothing_lost(
    first_run: Ended,
    catwalk: Catwalk,
    shop: Path,
    charges: Callable[[], list[Any]],
    asked: dict[str, Any],
    says: str,
) -> None:
    """One message with cause and next step, exit code 1, nothing spent, and what was there is as it was."""
    before, contents = len(charges()), _contents(shop)
    options = [word for name, value in asked.items() if name.startswith("--") for word in (name, value)]
    others = {name: value for name, value in asked.items() if not name.startswith("--")}
    said = _run(catwalk, shop, *options, **others)

    assert (NOT_DONE, "") == (said.code, said.out)
    assert said.err.startswith("Error: ")
    assert says in said.err
    assert 1 == len(said.err.strip().splitlines())
    assert (before, contents) == (len(charges()), _contents(shop))


@pytest.mark.server
def test_wrong_key_is_said_once_and_the_next_run_does_what_was_held(
    catwalk: Catwalk, shop: Path, charges: Callable[[], list[Any]]
) -> None:
    """A refused account delivers nothing and costs nothing; with the right key the same command delivers."""
    before = len(charges())
    options = ("--sku", "CW-T103", "--output", "held")
    refused = _run(catwalk, shop, *options, CLAID_API_KEY="wrong")

    assert NOT_DONE == refused.code
    assert "Claid does not accept the API key (HTTP 401" in refused.out
    assert "Check the account's API key, then run again." in refused.out
    assert "Traceback" not in refused.err
    assert before == len(charges())

    mended = _run(catwalk, shop, *options)

    assert DELIVERED == mended.code
    assert before + 3 == len(charges())


@pytest.mark.server
def test_unreachable_vendor_is_named_and_nothing_is_spent(catwalk: Catwalk, shop: Path) -> None:
    """Who could not be reached and where, after the time that the account allows."""
    options = ("--limit", "1", "--output", "unreached", "--recipe", "preset-model")
    said = _run(catwalk, shop, *options, VMAKE_BASE_URL=CLOSED)

    assert NOT_DONE == said.code
    assert "0 of 1 items delivered; nothing spent" in said.out
    assert "no connection to Vmake at 127.0.0.1:9" in said.out
    assert "Check the network and the account's base_url, then run again" in said.out
    assert "Traceback" not in said.err


@pytest.mark.server
def test_item_in_trouble_is_told_and_the_others_are_delivered(
    catwalk: Catwalk, offline_catwalk: Catwalk, write_catalog: Callable[..., Path], tmp_path: Path
) -> None:
    """Exit code 3, the row with its reason, and `status` tells the same from the manifest."""
    write_catalog(tmp_path, CW_T101={"sku": ""}, CW_T102={"top_garment": "gone.png"})
    said = _run(catwalk, tmp_path, "--limit", "3")
    stands = offline_catwalk("status", "pictures", folder=tmp_path)

    assert PARTIAL == said.code
    assert "Traceback" not in said.err
    assert "row 1 (no SKU)" in said.out
    assert "row 2 CW-T102: model failed" in said.out
    assert "gone.png" in said.out
    assert DELIVERED == stands.code
    assert "on-model model: " in stands.out
    assert "CW-T102 model failed" in stands.out


@pytest.mark.server
def test_interrupted_run_is_carried_on_without_paying_again(
    catwalk: Catwalk, shop: Path, charges: Callable[[], list[Any]], sandbox: RunningSandbox
) -> None:
    """Ctrl-C ends with 130 and says what comes next; the same command then fetches the job that was paid for."""
    before = len(charges())
    arguments = ("run", "catalog.parquet", "--sku", "CW-D301", "--output", "interrupted")
    _sandbox(sandbox, "POST", "faults", {"fault": "error_503", "phase": "poll"})
    try:
        process = catwalk.started(*arguments, folder=shop)
        eventually(lambda: len(charges()) > before or None, "a paid call", seconds=200)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=200)
    finally:
        _sandbox(sandbox, "DELETE", "faults")
    again = catwalk(*arguments, folder=shop)

    assert INTERRUPTED == process.returncode
    assert "Run the same command again: what was paid for is fetched, not repeated." in said
    assert "Traceback" not in said
    assert DELIVERED == again.code
    assert ["claid.fashion_models", "ailabtools.try_on_refiner", "claid.scene"] == [
        charge["operation"] for charge in charges()[before:]
    ]


@pytest.mark.server
def test_status_adds_up_what_was_delivered_and_paid(first_run: Ended, offline_catwalk: Catwalk, shop: Path) -> None:
    """One line a stage, and the credits by vendor."""
    said = offline_catwalk("status", "pictures", folder=shop)

    assert DELIVERED == said.code
    assert [
        "on-model model: 1 done; 2 credits",
        "on-model refine: 1 done; 30 credits",
        "on-model scene: 1 done; 1 credits",
        "credits: 3 Claid, 30 AILabTools",
    ] == said.out.splitlines()


def test_status_of_an_output_without_manifest_says_what_to_check(offline_catwalk: Catwalk, shop: Path) -> None:
    """A wrong address is said to be one."""
    said = offline_catwalk("status", "elsewhere", folder=shop)

    assert NOT_DONE == said.code
    assert "there is no manifest at" in said.err
    assert "Check the address: it is the --output of a run." in said.err


def test_doctor_finds_everything_well(
    offline_catwalk: Catwalk, tmp_path: Path, charges: Callable[[], list[Any]]
) -> None:
    """Every account and the output are well, and looking cost nothing."""
    before = len(charges())
    said = offline_catwalk("doctor", "--output", "pictures", folder=tmp_path)

    assert DELIVERED == said.code
    assert ["AILabTools", "Claid", "Vmake", "output pictures"] == [
        line.removeprefix("ok").strip().partition(":")[0] for line in said.out.splitlines()
    ]
    assert before == len(charges())


def test_doctor_names_each_fault_in_a_line_of_its_own(offline_catwalk: Catwalk, tmp_path: Path) -> None:
    """A missing key, a wrong one and a vendor that can't be reached: each with cause and cure, and the rest is looked at."""
    faults = {"AILABTOOLS_BASE_URL": CLOSED, "CLAID_API_KEY": "wrong", "VMAKE_API_KEY": None}
    said = offline_catwalk("doctor", "--output", "pictures", folder=tmp_path, **faults)
    lines = said.out.splitlines()

    assert (NOT_DONE, "") == (said.code, said.err)
    assert ["wrong", "wrong", "wrong", "ok"] == [line.split()[0] for line in lines]
    assert "no connection to AILabTools at 127.0.0.1:9" in lines[0]
    assert "Check the network and the account's base_url" in lines[0]
    assert "Claid does not accept the API key (HTTP 401" in lines[1]
    assert "Check the account's API key" in lines[1]
    assert "VMAKE_API_KEY is not set. Set VMAKE_API_KEY" in lines[2]


def test_doctor_names_settings_and_outputs_that_cannot_be_used(offline_catwalk: Catwalk, shop: Path) -> None:
    """An address that is none is said by the name of its variable; a file where a folder should be, by its own."""
    said = offline_catwalk("doctor", "--output", "a-file", folder=shop, CLAID_BASE_URL="claid.ai")
    wrong = [line for line in said.out.splitlines() if line.startswith("wrong ")]

    assert (NOT_DONE, "") == (said.code, said.err)
    assert 2 == len(wrong)
    assert "Mend or unset CLAID_BASE_URL" in wrong[0]
    assert wrong[1].startswith("wrong output a-file: ")
    assert "use another folder." in wrong[1]


def test_sandbox_starts_answers_and_stops(offline_catwalk: Catwalk) -> None:
    """It says how to use it, answers there, and ends quietly on Ctrl-C."""
    process = offline_catwalk.started("sandbox", "--port", "0")
    try:
        url = _first_address(process)
        state = httpx.get(f"{url}/sandbox/state", timeout=30, trust_env=False)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=200)
    assert process.stdout is not None
    assert process.stderr is not None
    # Not `communicate`, which passes over what has been read ahead with the first line.
    out, err = process.stdout.read(), process.stderr.read()

    assert 200 == state.status_code
    assert f"export CLAID_API_KEY=sandbox CLAID_BASE_URL={url}" in out
    assert (DELIVERED, "") == (process.returncode, err)


def test_sandbox_on_a_taken_port_says_so(offline_catwalk: Catwalk) -> None:
    """The port and the way out, instead of a trace."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        said = offline_catwalk("sandbox", "--port", str(port))

    assert NOT_DONE == said.code
    assert said.err.startswith(f"Error: port {port} of 127.0.0.1 can't be used: ")
    assert "Choose another with --port" in said.err


def _first_address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if readable else ""
    found = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", line)
    assert found is not None, line
    return found[0]


def _sandbox(sandbox: RunningSandbox, method: str, path: str, body: Any = None) -> None:
    url = f"{sandbox.url}/sandbox/{path}"
    httpx.request(method, url, json=body, timeout=30, trust_env=False).raise_for_status()
