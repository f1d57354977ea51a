"""Object storage on S3 when the store, the network or the credentials are not as they should be."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import traceback
import weakref
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from blocks.errors import StorageError
from blocks.storage import ObjectStorage
from tests.ceph.cluster import CephCluster
from tests.prefect_server import eventually
from tests.s3_servers import S3Server
from tests.s3_stub import Fault, S3Stub, running_stub

S3_SERVERS = ["moto", pytest.param("ceph", marks=pytest.mark.ceph)]
SECRET = "a-secret-that-no-message-may-show"


@pytest.fixture(params=S3_SERVERS)
def server(request: pytest.FixtureRequest) -> S3Server:
    """Each real S3 server."""
    return request.getfixturevalue(request.param)


@pytest.fixture
async def stub() -> AsyncGenerator[S3Stub]:
    """A store that misbehaves on request."""
    async with running_stub() as stub:
        yield stub


async def drop_connections(url: str, number: int) -> None:
    """Stand in for a server that is going down: close so many connections unanswered."""
    dropped = asyncio.Semaphore(0)

    def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        dropped.release()

    server = await asyncio.start_server(drop, "127.0.0.1", int(url.rpartition(":")[2]))
    for _ in range(number):
        await dropped.acquire()
    server.close()
    await server.wait_closed()


async def test_a_signed_link_needs_no_credentials(server: S3Server) -> None:
    """Whoever holds the link reads the object, with its type, and nobody else does on a store that checks."""
    storage = server.storage("a prefix")
    await storage.write("pictures/Größe 1 & 2.png", b"picture", content_type="image/png")
    link = await storage.presign("pictures/Größe 1 & 2.png", seconds=60)
    assert link is not None
    async with httpx.AsyncClient() as client:
        reply = await client.get(link)

    assert (reply.status_code, reply.content) == (200, b"picture")
    assert reply.headers["content-type"] == "image/png"
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link


async def test_a_missing_bucket_is_named_with_what_to_do(server: S3Server) -> None:
    """The check says which bucket is missing."""
    storage = ObjectStorage(root="s3://no-such-bucket-here/out", **server.credentials)

    with pytest.raises(StorageError, match=r"s3://no-such-bucket-here/out.*NoSuchBucket.*Create the bucket"):
        await storage.check()


@pytest.mark.ceph
@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"secret_access_key": SECRET}, "SignatureDoesNotMatch"), ({"access_key_id": "nobody"}, "InvalidAccessKeyId")],
)
async def test_wrong_credentials_are_refused_with_what_to_do(ceph: S3Server, wrong: dict[str, str], code: str) -> None:
    """The store's words are in the message, the secret is not."""
    storage = ceph.storage(**wrong)

    with pytest.raises(StorageError, match=rf"{code}.*Correct the access key ID") as caught:
        await storage.check()
    assert SECRET not in str(caught.value)


async def test_a_refusal_that_quotes_the_request_shows_none_of_it(stub: S3Stub) -> None:
    """Amazon quotes a wrongly signed request, token and all; of that the store's words are kept."""
    storage = stub.storage(session_token="a-token-that-no-message-may-show")
    stub.faults.append("deny")

    with pytest.raises(StorageError, match=r'says .*The stub answers "SignatureDoesNotMatch"') as caught:
        await storage.create("object", b"data", content_type="text/plain")
    assert "no-message-may-show" not in "".join(traceback.format_exception(caught.value))


async def test_a_bucket_in_another_region_is_said_to_be(stub: S3Stub) -> None:
    """Amazon answers so for a bucket that lives elsewhere."""
    stub.faults.append("elsewhere")

    with pytest.raises(StorageError, match=r"PermanentRedirect.*Set the region in which the bucket lives"):
        await stub.storage().write("object", b"data", content_type="text/plain")
    assert stub.requests == ["PUT"]


async def test_keys_of_others_do_not_break_a_listing(server: S3Server) -> None:
    """Whatever else is in the bucket, and whatever it is called, what lies beside it is listed."""
    storage = server.storage("out")
    bucket = storage.root.split("/")[2]
    for key in ("out/a//b", "out/a/", "out/a/../c", "out/a/./d"):
        server._client.put_object(Bucket=bucket, Key=key, Body=b"")
    await storage.write("a/e", b"data", content_type="text/plain")

    assert "a/e" in {path async for path in storage.list("a")}


async def test_a_store_that_ignores_conditions_is_refused() -> None:
    """A store on which two runs could both claim a picture is not used."""
    async with running_stub(S3Stub(honours_conditions=False)) as stub:
        with pytest.raises(StorageError, match=r"overwrites an object.*could pay twice.*Use a store that knows"):
            await stub.storage().check()

    assert stub.objects == {}


async def test_a_store_that_looks_before_it_writes_is_refused() -> None:
    """Its condition holds for one writer after another, and for no two at one time."""
    async with running_stub(S3Stub(looks_before_it_writes=True)) as stub:
        with pytest.raises(StorageError, match=r"told 8 of 8 who created the same object.*Use a store that knows"):
            await stub.storage().check()

    assert stub.objects == {}


async def test_a_store_that_ignores_versions_is_refused() -> None:
    """Of two runs that end together one would lose what it says of its items."""
    async with running_stub(S3Stub(honours_versions=False)) as stub:
        with pytest.raises(StorageError, match=r"ignores 'If-Match'.*lose its rows.*Use a store that knows"):
            await stub.storage().check()

    assert stub.objects == {}


async def test_a_store_that_refuses_conditions_is_refused(stub: S3Stub) -> None:
    """The store's own words say that it does not know them; that is not asked twice."""
    stub.faults.append("not implemented")

    with pytest.raises(StorageError, match=r"NotImplemented.*Use a store that knows conditional writes"):
        await stub.storage().check()
    assert stub.requests == ["PUT"]


@pytest.mark.parametrize("fault", ["slow down", "crash", "bad gateway", "conflict", "lose reply"])
async def test_a_passing_fault_is_survived(stub: S3Stub, fault: Fault) -> None:
    """Reading and writing go on when the store is well again."""
    storage = stub.storage()
    stub.faults.append(fault)
    await storage.write("object", b"data", content_type="text/plain")
    stub.faults.append(fault)

    assert await storage.read("object") == b"data"
    assert stub.requests == ["PUT", "PUT", "GET", "GET"]


async def test_an_object_that_breaks_off_is_asked_for_again(stub: S3Stub, tmp_path: Path) -> None:
    """What was read of it counts for nothing."""
    storage = stub.storage()
    await storage.write("object", b"data", content_type="text/plain")
    stub.faults.append("break off")
    assert await storage.read("object") == b"data"
    stub.faults.append("break off")
    await storage.download("object", tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == b"data"
    assert stub.requests == ["PUT", "GET", "GET", "GET", "GET"]


@pytest.mark.parametrize("fault", ["slow down", "crash", "conflict", "lose reply"])
async def test_a_claim_is_known_as_ours_whatever_happened_to_the_answer(stub: S3Stub, fault: Fault) -> None:
    """A repeated create that meets its own object has won."""
    storage = stub.storage()
    stub.faults.append(fault)

    assert await storage.create("claim", b"same", content_type="text/plain") is True


@pytest.mark.parametrize("fault", ["slow down", "conflict", "crash", "lose reply"])
async def test_a_replacement_is_known_as_ours_whatever_happened_to_the_answer(
    stub: S3Stub, fault: Fault, tmp_path: Path
) -> None:
    """What is repeated because its answer was lost meets its own object."""
    storage = stub.storage()
    await storage.write("table", b"old", content_type="text/plain")
    seen = await storage.stat("table")
    assert seen is not None
    (tmp_path / "file").write_bytes(b"new")
    stub.faults.append(fault)

    assert await storage.replace("table", tmp_path / "file", version=seen.version, content_type="text/plain")
    assert b"new" == await storage.read("table")


async def test_a_lost_answer_does_not_make_anothers_claim_ours(stub: S3Stub) -> None:
    """Even with the very same bytes, what another created is the other's."""
    storage = stub.storage()
    assert await storage.create("claim", b"same", content_type="text/plain") is True
    stub.faults.append("lose reply")

    assert await storage.create("claim", b"same", content_type="text/plain") is False


async def test_a_restarted_store_is_waited_for(stub: S3Stub) -> None:
    """Writes under way while the store is down are there in the end."""
    storage = stub.storage()
    await storage.write("before", b"data", content_type="text/plain")
    await stub.stop()
    paths = [f"object-{number}" for number in range(40)]
    writing = asyncio.gather(*(storage.write(path, b"data", content_type="text/plain") for path in paths))
    reading = asyncio.create_task(storage.read("before"))
    await drop_connections(stub.endpoint_url, len(paths))
    await stub.start()
    await writing

    assert await reading == b"data"
    assert {key.rpartition("/")[2] for key in stub.objects} == {"before", *paths}


@pytest.mark.ceph
async def test_a_killed_gateway_loses_no_write(ceph_cluster: CephCluster) -> None:
    """Every write that was acknowledged before, during and after the gateway's death is there."""
    storage = ceph_cluster.server.storage()
    paths = [f"object-{number:03}" for number in range(300)]
    writing = asyncio.gather(*(storage.create(path, path.encode(), content_type="text/plain") for path in paths))
    while not await storage.exists(paths[0]):
        pass
    await asyncio.to_thread(ceph_cluster.kill_gateway)
    assert not writing.done()
    await asyncio.to_thread(ceph_cluster.start_gateway)

    assert await writing == [True] * len(paths)
    assert sorted([path async for path in storage.list()]) == paths


async def test_patience_ends() -> None:
    """A store that stays away is an error that says where it should be."""
    storage = S3Stub().storage(endpoint_url="http://127.0.0.1:9", patience=0.2)

    with pytest.raises(
        StorageError, match=r"no answer from the store at http://127.0.0.1:9.*Connection refused.*Check the endpoint"
    ):
        await storage.write("object", b"data", content_type="text/plain")


async def test_a_store_that_hangs_is_given_up(stub: S3Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """No call waits for ever."""
    monkeypatch.setattr("blocks.storage.store.CALL_SECONDS", 0.1)
    stub.faults.append("hang")
    storage = stub.storage()
    await storage.write("object", b"data", content_type="text/plain")

    assert stub.requests == ["PUT", "PUT"]


async def test_calls_at_one_time_are_limited(stub: S3Stub) -> None:
    """`max_connections` holds for all storage blocks with the same credentials in a loop."""
    storage = stub.storage(max_connections=2)
    data = b"x" * 1_000_000
    await asyncio.gather(*(storage.write(f"object-{n}", data, content_type="text/plain") for n in range(20)))

    assert stub.most_at_once == 2


RUN_TWICE = """
import asyncio, sys
from blocks.storage import ObjectStorage

storage = ObjectStorage(root=sys.argv[1], endpoint_url=sys.argv[2], access_key_id="k", secret_access_key="s")

async def main():
    await storage.write("object", b"data", content_type="text/plain")
    assert await storage.read("object") == b"data"
    assert [path async for path in storage.list()] == ["object"]

asyncio.run(main())
storage.filesystem()[0].ls(storage.root)
asyncio.run(main())
"""


def test_event_loops_end_without_a_word(moto: S3Server) -> None:
    """Two runs in one process, neither closing anything, leave no warning of open connections."""
    command = [sys.executable, "-W", "default::ResourceWarning", "-c", RUN_TWICE]
    arguments = [f"s3://{moto.new_bucket()}", moto.endpoint_url]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "Unclosed" not in done.stderr
    assert "ResourceWarning" not in done.stderr


def test_an_ended_event_loop_is_forgotten(moto: S3Server) -> None:
    """A process that runs many loops does not keep them."""
    storage = moto.storage()

    async def use() -> weakref.ref[asyncio.AbstractEventLoop]:
        await storage.write("object", b"data", content_type="text/plain")
        return weakref.ref(asyncio.get_running_loop())

    loops = [asyncio.run(use()) for _ in range(2)]

    def forgotten() -> Literal[True] | None:
        # obstore may hold on to its last answer, and by it to a loop, until it is called again.
        asyncio.run(use())
        gc.collect()
        return True if [loop() for loop in loops] == [None, None] else None

    eventually(forgotten, "both loops forgotten", seconds=30)


async def test_close_may_be_called_at_any_time(moto: S3Server) -> None:
    """Closing twice, or before the first call, does no harm; the next call opens again."""
    storage = moto.storage()
    await storage.close()
    await storage.write("object", b"data", content_type="text/plain")
    await storage.close()
    await storage.close()

    assert await storage.read("object") == b"data"
