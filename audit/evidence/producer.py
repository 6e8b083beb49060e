"""Who made a statement: package, commit, interpreter, packages by digest, hardware and determinism settings."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from audit import __version__
from audit.evidence.packages import packages_digest

DISTRIBUTION = "imaging-audit"
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG", "PYTHONHASHSEED")
"""What of the process's environment changes threads, seeds or the order of sums."""


def producer(device: str | None = None) -> dict[str, Any]:
    """Facts about this process, the same keys in every statement; ``device`` as the engine names it. Unknown facts are
    None, never guessed.

    ``torch`` is described only where it is loaded already; ``determinism`` is for the engine to fill in.
    """
    return {**_fixed_facts(), "torch": _torch_facts(device), "device": device, "determinism": None}


def environment(facts: Mapping[str, Any]) -> dict[str, Any]:
    """``facts`` of a producer with the versions of direct dependencies: what a reader compares and documents print."""
    return {**facts, "dependencies": _dependencies()}


@cache
def _fixed_facts() -> dict[str, Any]:
    return {
        "package": DISTRIBUTION,
        "version": __version__,
        **_checkout(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "packages": packages_digest(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cpu_count": os.cpu_count(),
        "memory_bytes": _memory(),
        "variables": {name: os.environ.get(name) for name in VARIABLES},
    }


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


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


def _torch_facts(device: str | None) -> dict[str, Any] | None:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    return {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
    }
