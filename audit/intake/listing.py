"""The files below a folder, one after the other in constant memory; links and special files are named, not opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_PATH = 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry: path relative to the folder with '/', size, time of last change (ns), and why it is refused."""

    path: str
    bytes: int
    changed: int
    problem: str = ""


def listed(folder: Path, skip: Path | None = None) -> Iterator[Listed]:
    """Every file below ``folder`` in sorted order of each directory; ``skip`` (the set being written) is left out."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                found = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            yield Listed(_relative(Path(here), folder), 0, 0, f"the folder cannot be listed ({error.strerror}).")
            continue
        inside = [Path(e.path) for e in found if e.is_dir(follow_symlinks=False)]
        waiting += [path for path in reversed(inside) if path != skip]
        yield from (_entry(e, folder) for e in found if not e.is_dir(follow_symlinks=False))


def _entry(entry: os.DirEntry[str], folder: Path) -> Listed:
    path = _relative(Path(entry.path), folder)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Listed(path, 0, 0, f"the file cannot be read ({error.strerror}).")
    return Listed(path, status.st_size, status.st_mtime_ns, _problem(path, status))


def _problem(path: str, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link is not followed; put the file itself there."
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file."
    if len(path) > MAX_PATH or not path.isprintable() or "#" in path:
        return "its path is over-long or holds '#' or characters that cannot be printed; rename it."
    return "" if status.st_size else "the file is empty."


def _relative(path: Path, folder: Path) -> str:
    """With '/', and anything that is not text replaced, so that it can be stored and printed."""
    name = path.relative_to(folder).as_posix()
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
