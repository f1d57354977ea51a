"""A whole Ceph cluster on loopback: one monitor, manager, disk and S3 gateway, each a child process."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from string import Template
from uuid import uuid4

from tests.s3_servers import S3Server, free_port, wait_until_it_answers

__all__ = ["CephCluster", "missing_programs"]

KEY, SECRET = "ceph-key", "ceph-secret"
COMMAND_SECONDS = 200.0
PACKAGES = "ceph-mon ceph-osd ceph-mgr radosgw ceph-common"
PROGRAMS = ("ceph-mon", "ceph-osd", "ceph-mgr", "radosgw", "radosgw-admin", "ceph", "ceph-authtool", "monmaptool")

# What each daemon may do; without cephx the gateway of Ceph 16 never comes up.
KEYS = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *", "mgr", "allow *"),
    "osd.0": ("mon", "allow profile osd", "mgr", "allow profile osd", "osd", "allow *"),
    "mgr.x": ("mon", "allow profile mgr", "osd", "allow *"),
    "client.rgw.a": ("mon", "allow rwx", "osd", "allow rwx", "mgr", "allow rw"),
}

CONFIGURATION = Template("""
[global]
fsid = $fsid
keyring = $folder/keyring
mon host = [v2:127.0.0.1:$mon_v2,v1:127.0.0.1:$mon_v1]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
run dir = $folder/run
admin socket = $folder/run/$$name.asok
pid file = $folder/run/$$name.pid
log file = $folder/log/$$name.log
crash dir = $folder/log
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
[mon]
mon data = $folder/mon.$$id
auth allow insecure global id reclaim = false
[mgr]
mgr data = $folder/mgr.$$id
mgr initial modules =
[osd]
osd data = $folder/osd.$$id
osd objectstore = bluestore
bluestore block size = 8589934592
osd memory target = 939524096
osd class load list = *
osd class default list = *
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:$gateway
rgw dns name =
rgw enable usage log = false
rgw thread pool size = 64
""")


def missing_programs() -> str | None:
    """Why no cluster can be started here; None when one can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if not missing:
        return None
    return f"{', '.join(missing)} not found: apt-get install --no-install-recommends {PACKAGES}"


class CephCluster:
    """A cluster whose data and logs lie in `folder`; `start` takes some 15 seconds and 1.3 GB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._gateway: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> S3Server:
        """The S3 gateway and its one user."""
        return S3Server(f"http://127.0.0.1:{self.port}", KEY, SECRET)

    def start(self) -> None:
        """Make a new cluster and wait until its gateway answers."""
        for name in ("mon.a", "mgr.x", "osd.0", "run", "log"):
            (self.folder / name).mkdir()
        fsid = str(uuid4())
        ports = {"mon_v1": free_port(), "mon_v2": free_port(), "gateway": self.port}
        (self.folder / "ceph.conf").write_text(CONFIGURATION.substitute(fsid=fsid, folder=self.folder, **ports))
        self._make_keyring()
        self._make_monitor(fsid, ports["mon_v1"], ports["mon_v2"])
        self._daemons.append(self._daemon("ceph-mon", "-i", "a"))
        disk = str(uuid4())
        self._run("ceph", "osd", "new", disk, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self._daemons += [self._daemon("ceph-mgr", "-i", "x"), self._daemon("ceph-osd", "-i", "0")]
        self.start_gateway()
        user = ("--uid=test", "--display-name=test", f"--access-key={KEY}", f"--secret-key={SECRET}")
        self._run("radosgw-admin", "user", "create", *user)

    def start_gateway(self) -> None:
        """Start the gateway and wait until it answers."""
        self._gateway = gateway = self._daemon("radosgw", "-n", "client.rgw.a")
        wait_until_it_answers(self.server.endpoint_url, lambda: gateway.poll() is None)

    def kill_gateway(self) -> None:
        """Let the gateway die without a word; the stored objects stay."""
        if self._gateway is not None:
            self._gateway.kill()
            self._gateway.wait()

    def stop(self) -> None:
        """End every daemon of this cluster."""
        self.kill_gateway()
        for daemon in reversed(self._daemons):
            daemon.kill()
            daemon.wait()

    def _make_keyring(self) -> None:
        keyring = str(self.folder / "keyring")
        self._run("ceph-authtool", "--create-keyring", keyring)
        for name, capabilities in KEYS.items():
            pairs = zip(capabilities[::2], capabilities[1::2], strict=True)
            caps = [word for kind, allowed in pairs for word in ("--cap", kind, allowed)]
            self._run("ceph-authtool", keyring, "--gen-key", "-n", name, *caps)

    def _make_monitor(self, fsid: str, v1: int, v2: int) -> None:
        monmap = str(self.folder / "monmap")
        address = f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]"
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, "--enable-all-features", monmap)
        keyring = str(self.folder / "keyring")
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, env=self._environment, capture_output=True, timeout=COMMAND_SECONDS)

    def _daemon(self, *command: str) -> subprocess.Popen[bytes]:
        silent = partial(subprocess.Popen[bytes], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return silent([*command, "-f"], env=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "CEPH_CONF": str(self.folder / "ceph.conf")}
