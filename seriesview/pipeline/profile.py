"""Snakemake's profile for a Slurm cluster: where it lies, and as it is written for one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from seriesview.errors import BuildError
from seriesview.pipeline.snakemake import package_folder

PROFILES = Path("profiles")
_QUERY_SECONDS = 20.0


def slurm_profile(account: str | None, partition: str | None, *, has_accounting: bool) -> str:
    """The profile as text; what nobody says stays in it as a comment. Raises BuildError."""
    text = (package_folder("profiles") / "slurm" / "config.yaml").read_text()
    for key, value in (("slurm_account", account), ("slurm_partition", partition)):
        if value is not None:
            text = text.replace(f"# {key}: {key.removeprefix('slurm_').upper()}", f"{key}: {_quoted(value)}")
    if not has_accounting:
        for line in ("slurm-status-command: squeue", "slurm-no-account: true"):
            text = text.replace(f"# {line}", line)
    return text


def has_accounting() -> bool:
    """Whether the cluster that this machine belongs to, if any, keeps accounts of its jobs."""
    if shutil.which("sinfo") is None:
        return True
    try:
        asked = subprocess.run(["sacct", "-n", "-X"], capture_output=True, timeout=_QUERY_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
    return asked.returncode == 0


def profile_called(name: str) -> str:
    """A profile as Snakemake finds it: one that is called by its name alone may lie in `profiles/`."""
    inside = PROFILES / name
    return str(inside) if not Path(name).exists() and (inside / "config.yaml").is_file() else name


def check_free(path: Path) -> None:
    """Raise BuildError where a profile is there already."""
    if path.exists():
        raise BuildError(f"{path}: is there already; remove it first, or --force to write over it")


def _quoted(value: str) -> str:
    """A text as YAML takes it for one, whatever it looks like."""
    return "'" + value.replace("'", "''") + "'"
