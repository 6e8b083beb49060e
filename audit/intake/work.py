"""One intake under way: what the user asked for, where things are, what was noted on the way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from audit.intake import pool
from audit.intake.sources import Source
from audit.intake.store import Store

WORK = "intake"
CHUNK = 32
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """What the user may say; see the command's help."""

    table: Path | None = None
    masks: tuple[str, ...] = ()
    boxes: tuple[Path, ...] = ()
    training: tuple[Path, ...] = ()
    predictions: tuple[Path, ...] = ()
    references: tuple[str, ...] = ()
    patient: str | None = None
    key: Path | None = None
    slices: bool = False
    workers: int = 2
    seconds: float = pool.SECONDS


@dataclass
class Work:
    """``notes``: kind -> (case or file, about what), for the checks; ``masks``: facts of every reference mask with its
    path; ``boxes``, ``predictions``: file to write -> its rows by case id; ``assumed``: what was assumed, in words, for
    the report."""

    source: Source
    out: Path
    key: bytes
    options: Options
    store: Store
    report: Progress
    notes: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    masks: list[dict[str, Any]] = field(default_factory=list)
    boxes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    predictions: dict[str, pd.DataFrame] = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)

    def note(self, kind: str, name: str, about: str = "") -> None:
        """Something seen on the way that a check will report."""
        self.notes.setdefault(kind, []).append((name, about))

    def run(
        self, function: pool.Function, tasks: Iterable[pool.Task], lost: Callable[[pool.Task, str], Any], chunk: int = 1
    ) -> Iterator[Any]:
        """Results of the tasks from the workers, as they are ready."""
        for results in pool.run(function, _chunks(tasks, chunk), lost, self.options.workers, self.options.seconds):
            yield from results


def _chunks(tasks: Iterable[pool.Task], size: int) -> Iterator[list[pool.Task]]:
    chunk: list[pool.Task] = []
    for task in tasks:
        chunk.append(task)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
