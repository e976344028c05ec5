"""A real Slurm cluster of one node on loopback, for the length of a test; needs root, slurm-wlm and munge."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import until

CONFIGURATION = Path("/etc/slurm/slurm.conf")
CGROUPS = Path("/sys/fs/cgroup")


def missing() -> str | None:
    """What this machine lacks; None where a cluster can be started."""
    programs = [
        name for name in ("munged", "slurmctld", "slurmd") if shutil.which(name, path=_path()) is None
    ]
    if programs:
        return f"{' and '.join(programs)} not found: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "Slurm's daemons are started by root only"


def can_limit_memory() -> bool:
    """Whether jobs can be killed for their memory here: Slurm of this age does it in control groups of version 1."""
    return os.access(CGROUPS / "memory" / "memory.limit_in_bytes", os.W_OK)


@contextmanager
def running_cluster(directory: Path) -> Iterator[None]:
    """Start munged, slurmctld and slurmd, wait until the node is idle, and stop them at the end.

    Jobs that take more memory than they asked for are killed, where that can be.
    """
    directory.mkdir(mode=0o755)
    key = directory / "munge.key"
    key.touch(0o600)
    key.write_bytes(secrets.token_bytes(1024))
    socket_path = directory / "munge.socket"
    for name in ("state", "spool"):
        (directory / name).mkdir()
    (directory / "slurm.conf").write_text(_configuration(directory, socket_path))
    CONFIGURATION.parent.mkdir(exist_ok=True)
    limits = CONFIGURATION.with_name("cgroup.conf")
    before = {path: path.read_bytes() if path.exists() else None for path in (CONFIGURATION, limits)}
    shutil.copy(directory / "slurm.conf", CONFIGURATION)
    limits.write_text("CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\n")
    munged = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_path}"]
    munged += [f"--{what}-file={directory}/munged.{what}" for what in ("pid", "log", "seed")]
    commands = (munged, ["slurmctld", "-D", "-c"], ["slurmd", "-D"])
    daemons = []
    try:
        for command in commands:
            daemons.append(_start(command, directory / f"{command[0]}.out"))
            # munged and slurmctld say nowhere that they listen.
            time.sleep(0.5)
        _wait_until_idle()
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for path, content in before.items():
            path.unlink()
            if content is not None:
                path.write_bytes(content)


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _start(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PATH": _path()}
    with output.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env=environment)


def _wait_until_idle() -> None:
    def is_idle() -> bool:
        said = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True)
        return said.stdout.strip() == "idle"

    until(is_idle, "the Slurm node is idle")


def _configuration(directory: Path, munge_socket: Path) -> str:
    host = socket.gethostname().split(".")[0]
    kind = ("cgroup", "cgroup") if can_limit_memory() else ("linuxproc", "none")
    return f"""ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=16917
SlurmdPort=16918
AuthType=auth/munge
AuthInfo=socket={munge_socket}
SlurmUser=root
SlurmdUser=root
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
SlurmctldLogFile={directory}/slurmctld.log
SlurmdLogFile={directory}/slurmd.log
ProctrackType=proctrack/{kind[0]}
TaskPlugin=task/{kind[1]}
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
MinJobAge=600
NodeName=localhost NodeAddr=127.0.0.1 NodeHostname={host} CPUs={os.cpu_count()} RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""
