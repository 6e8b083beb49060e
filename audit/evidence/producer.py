"""Who made a statement: package, commit, interpreter, dependencies, hardware and determinism settings."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from audit import __version__

DISTRIBUTION = "imaging-audit"


def producer(device: str | None = None) -> dict[str, Any]:
    """Facts about this process; ``device`` as the engine names it. Unknown facts are None, never guessed.

    ``torch`` is described only where it is loaded already.
    """
    return {**_fixed_facts(), "torch": _torch_facts(), "device": device}


@cache
def _fixed_facts() -> dict[str, Any]:
    return {
        "package": DISTRIBUTION,
        "version": __version__,
        **_checkout(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "dependencies": _dependencies(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cpu_count": os.cpu_count(),
    }


def _processor() -> str | None:
    """The processor's model name: other instruction sets round otherwise."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _checkout(folder: Path) -> dict[str, Any]:
    if not (folder / ".git").exists():
        return {"commit": None, "dirty": None}
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit or None, "dirty": None if status is None else bool(status)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _dependencies() -> dict[str, str | None]:
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {}
    names = sorted({_name(line) for line in required if "extra ==" not in line})
    return {name: _version(name) for name in names}


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch_facts() -> dict[str, Any] | None:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    return {
        "threads": torch.get_num_threads(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "cuda": torch.version.cuda,
    }
