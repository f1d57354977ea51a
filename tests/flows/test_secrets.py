"""Where secrets must not be: in no log, artifact, state, record, page or error, and at no host but their own."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from sandbox.server import RunningSandbox, running_sandbox
from sandbox.settings import SandboxSettings
from tests.flows.bench import drawn
from tests.flows.recorder import Asked, Recorder, picture_host, window_before
from tests.flows.vendors import Vendors
from tests.prefect_server import REPOSITORY, PrefectServer
from tests.s3_servers import S3Server

CLAID, VMAKE, AILABTOOLS = "claid-KEEPSECRET-1f0c", "vmake-KEEPSECRET-2a7d", "ailabtools-KEEPSECRET-3b9e"
S3_SECRET, S3_TOKEN = "s3secret-KEEPSECRET-4c5d", "s3token-KEEPSECRET-5d6f"
SOURCE_SIGNATURE = "6e6e6e6e6e6eKEEPSECRET"
KEYS = (CLAID, VMAKE, AILABTOOLS, S3_SECRET, S3_TOKEN)
# Of the links that the run itself signs for vendors, no test knows the signature beforehand.
SIGNED_LINK = re.compile(r"X-Amz-(Signature|Security-Token|Credential)=[^\s&\"'…]", re.IGNORECASE)

ITEMS = 10
RECIPE = """
name: all-vendors
stages:
  - {name: model, operation: claid.fashion_models}
  - {name: refine, operation: ailabtools.try_on_refiner}
  - {name: swap, operation: vmake.fashion_model, options: {modelId: "002", sceneType: none, batchSize: 1}}
  - {name: scene, operation: claid.scene, options: {scene: {model: v2, prompt: "a teal wall"}}}
"""
# By the vendor's window: what goes wrong, and where.
FAULTS: dict[str, list[dict[str, Any]]] = {
    "claid": [
        {"fault": "error_500", "operation": "claid.fashion_models", "phase": "submit", "skip": 1, "times": 1},
        {"fault": "rate_limited", "operation": "claid.fashion_models", "phase": "submit", "skip": 2, "times": 1},
        {"fault": "cut_after", "operation": "claid.fashion_models", "skip": 2, "times": 1},
        {"fault": "truncated_picture", "operation": "claid.fashion_models", "times": 1},
        {"fault": "result_expired", "operation": "vmake.*", "times": 2},
        {"fault": "error_502_html", "operation": "vmake.*", "phase": "submit", "skip": 1, "times": 1},
        {"fault": "drifted_schema", "operation": "claid.scene", "phase": "submit", "skip": 2, "times": 1},
    ],
    "ailabtools": [
        {"fault": "error_503", "phase": "submit", "times": 1},
        {"fault": "job_error", "times": 1},
        {"fault": "poll_error", "skip": 2, "times": 1},
    ],
}


@dataclass
class Leftovers:
    """All that a run left where people look, by place, and what its vendors and hosts were asked."""

    texts: dict[str, str]
    claid: Recorder
    vmake: Recorder
    ailabtools: Recorder
    pictures: Recorder
    sandboxes: list[RunningSandbox]
    statuses: set[str]

    def found(self, *secrets: str) -> list[tuple[str, str]]:
        """Where secrets are, each with its surroundings."""
        return [
            (place, text[max(0, at.start() - 80) : at.end() + 40])
            for place, text in self.texts.items()
            for secret in secrets
            for at in re.finditer(re.escape(secret), text)
        ]


@pytest.fixture(scope="module")
def leftovers(
    prefect_server: PrefectServer, moto: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Leftovers]:
    """Two runs at debug level, one among faults, one with refused keys, into a bucket."""
    folder = tmp_path_factory.mktemp("secrets")
    settings = SandboxSettings(job_seconds=0.1, limits="off", picture_size=200, draw_processes=1)
    with ExitStack() as stack:
        one, other = (stack.enter_context(running_sandbox(settings)) for _ in range(2))
        claid, vmake, ailabtools = (stack.enter_context(window_before(url)) for url in (one.url, one.url, other.url))
        host = stack.enter_context(picture_host(_pictures(folder)))
        for vendor, sandbox in (("claid", one), ("ailabtools", other)):
            for rule in FAULTS[vendor]:
                Vendors(sandbox.url).misbehave(**rule)
        shop = _Shop(folder, prefect_server, moto, [claid, vmake, ailabtools], host, moto.new_bucket())
        texts = {"terminal": shop.run("faults") + shop.run("refused", CLAID_API_KEY=f"wrong-{CLAID}")}
        texts |= dict(_in_prefect(prefect_server)) | dict(shop.in_bucket())
        statuses = {row["status"] for name in ("faults", "refused") for row in shop.manifest(name)}
        yield Leftovers(texts, claid, vmake, ailabtools, host, [one, other], statuses)


@dataclass
class _Shop:
    folder: Path
    prefect: PrefectServer
    moto: S3Server
    windows: list[Recorder]
    host: Recorder
    bucket: str

    def run(self, name: str, **changed: str) -> str:
        """One run from the command line with every logger at its most talkative; returns all it printed."""
        (self.folder / "recipe.yaml").write_text(RECIPE)
        (self.folder / "config.yaml").write_text(yaml.safe_dump({"items_in_flight": 50}))
        source = _catalog(self.folder, self.host.url)
        arguments = ["run", str(source), "--output", f"s3://{self.bucket}/{name}"]
        arguments += ["--recipe", str(self.folder / "recipe.yaml"), "--config", str(self.folder / "config.yaml")]
        # botocore at debug level writes down what signs its requests, as the documentation says.
        program = (
            "import logging, sys; logging.getLogger('botocore').setLevel('INFO'); "
            "from deployments.cli.app import main; sys.argv[0] = 'catwalk'; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=REPOSITORY,
            env=self.prefect.environment | self._environment() | changed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        return done.stdout

    def _environment(self) -> dict[str, str]:
        claid, vmake, ailabtools = (window.url for window in self.windows)
        return {
            "CLAID_API_KEY": CLAID,
            "CLAID_BASE_URL": claid,
            "CLAID_LIMITS": "{}",
            "CLAID_POLL_SECONDS": "0.1",
            "VMAKE_API_KEY": VMAKE,
            "VMAKE_BASE_URL": vmake,
            "VMAKE_POLL_SECONDS": "0.1",
            "AILABTOOLS_API_KEY": AILABTOOLS,
            "AILABTOOLS_BASE_URL": ailabtools,
            "AILABTOOLS_POLL_SECONDS": "0.1",
            "AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST",
            "AWS_SECRET_ACCESS_KEY": S3_SECRET,
            "AWS_SESSION_TOKEN": S3_TOKEN,
            "AWS_ENDPOINT_URL": self.moto.endpoint_url,
            "AWS_REGION": "us-east-1",
            "PREFECT_LOGGING_LEVEL": "DEBUG",
            "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "DEBUG",
            # Not asyncio's, whose own line on a new event loop Prefect waits for on that loop.
            "PREFECT_LOGGING_EXTRA_LOGGERS": "blocks,catalogs,flows,httpx,aiohttp",
        }

    def in_bucket(self) -> Generator[tuple[str, str]]:
        """Every object, tables as their rows."""
        for name, data in self._objects():
            if name.endswith(".parquet"):
                rows = pq.read_table(io.BytesIO(data)).to_pylist()
                yield name, "\n".join(map(str, rows))
            else:
                yield name, data.decode("latin-1")

    def manifest(self, name: str) -> list[dict[str, Any]]:
        """The manifest of one run."""
        found = dict(self._objects())[f"{name}/manifest.parquet"]
        return pq.read_table(io.BytesIO(found)).to_pylist()

    def _objects(self) -> Generator[tuple[str, bytes]]:
        client = self.moto._client
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for entry in page.get("Contents", []):
                yield entry["Key"], client.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read()


def _pictures(folder: Path) -> dict[str, tuple[int, bytes]]:
    whole = drawn(folder / "garment.png").read_bytes()
    served = {f"/garment-{number}.png": (200, whole) for number in range(ITEMS)}
    broken = {
        "/garment-7.png": (403, b"denied"),
        "/garment-8.png": (200, b"<html>moved"),
        "/garment-9.png": (200, whole[:999]),
    }
    return served | broken


def _catalog(folder: Path, host: str) -> Path:
    drawn(folder / "model.png", "tan")
    signed = f"X-Amz-Expires=60&X-Amz-Signature={SOURCE_SIGNATURE}"
    rows = [
        {
            "sku": f"SKU-{number}",
            "top_garment": f"{host}/garment-{number}.png?{signed}",
            "person_image": "model.png",
            "gender": "woman",
        }
        for number in range(ITEMS)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "catalog.parquet")
    return folder / "catalog.parquet"


def _in_prefect(server: PrefectServer) -> Generator[tuple[str, str]]:
    for what in ("logs", "flow_runs", "task_runs", "artifacts"):
        yield f"Prefect's {what}", "\n".join(str(found) for found in server.find(what))
    for path in server.home.rglob("*"):
        if path.is_file():
            yield f"Prefect's {path.name}", path.read_bytes().decode("latin-1")


def test_the_runs_met_what_they_were_meant_to(leftovers: Leftovers) -> None:
    """Pictures, failures, refusals and unknown outcomes are among what is searched, and so are httpx's log lines."""
    assert {"done", "failed", "unknown", "blocked", "held"} <= leftovers.statuses
    assert "HTTP Request: GET" in leftovers.texts["terminal"]
    assert "| DEBUG   | asyncio" in leftovers.texts["terminal"]
    assert "does not accept the API key" in leftovers.texts["terminal"]
    assert any(SIGNED_LINK.search(asked.body.decode("latin-1")) for asked in leftovers.claid.requests)


@pytest.mark.parametrize("key", KEYS)
def test_no_key_is_written_anywhere(leftovers: Leftovers, key: str) -> None:
    """Not in a log at debug level, in Prefect, its database, the ledger, plan, manifest, gallery or report."""
    assert [] == leftovers.found(key)


def test_no_signature_is_written_but_in_the_plan(leftovers: Leftovers) -> None:
    """A link that opens the team's bucket goes to the vendor, and nowhere else; a catalog's own stays in the plan."""
    signed = [
        (place, text[at.start() : at.end() + 20])
        for place, text in leftovers.texts.items()
        for at in SIGNED_LINK.finditer(text)
        if "/plans/" not in place
    ]
    leaked = [(place, text) for place, text in leftovers.found(SOURCE_SIGNATURE) if "/plans/" not in place]

    assert [] == signed
    assert [] == leaked


def test_each_key_goes_to_its_own_vendor_and_in_its_own_header(leftovers: Leftovers) -> None:
    """No vendor, no picture host and no download is sent a key that is not its own."""
    windows = {CLAID: leftovers.claid, VMAKE: leftovers.vmake, AILABTOOLS: leftovers.ailabtools}
    headers = {CLAID: "Authorization", VMAKE: "X-Api-Key", AILABTOOLS: "ailabapi-api-key"}
    everyone = [*windows.values(), leftovers.pictures]
    for key, own in windows.items():
        assert [] == [asked.target for host in everyone if host is not own for asked in host.with_secret(key)]
        assert own.with_secret(key)
        assert [] == [asked.target for asked in own.with_secret(key) if not _only_in(headers[key], asked, key)]
        assert [] == [asked.target for asked in own.with_secret(key) if asked.target.startswith("/results/")]
    assert [] == [asked.target for host in everyone for asked in host.with_secret(S3_SECRET)]
    for sandbox in leftovers.sandboxes:
        assert [] == httpx.get(f"{sandbox.url}/sandbox/leaks").json()


def _only_in(header: str, asked: Asked, key: str) -> bool:
    others = {name: value for name, value in asked.headers.items() if name.lower() != header.lower()}
    return not Asked(asked.method, asked.target, others, asked.body).holds(key)


def test_a_catalogs_signed_pictures_are_in_the_gallery(leftovers: Leftovers) -> None:
    """The manifest names them without the signature, and their small copies were made while it was good."""
    page = leftovers.texts["faults/gallery.html"]

    assert any(place.startswith("faults/thumbnails/") for place in leftovers.texts)
    assert "thumbnails/" in page
    assert "/garment-0.png" in leftovers.texts["faults/manifest.csv"]
